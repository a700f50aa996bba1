// com.sun.net.httpserver for the truth tests; same paths as server.go. Usage: java Server.java PORT LOG
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.FileWriter;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

public class Server {
  static synchronized void log(FileWriter out, HttpExchange e, int status) throws IOException {
    out.write("{\"method\":\"" + e.getRequestMethod() + "\",\"target\":\"" + e.getRequestURI() + "\",\"status\":" + status + "}\n");
    out.flush();
  }

  static void call(String url) {
    try (InputStream in = new URL(url).openStream()) {
      in.readAllBytes();
    } catch (IOException x) {
      System.err.println(x);
    }
  }

  public static void main(String[] args) throws IOException {
    FileWriter out = new FileWriter(args[1]);
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 512);
    ScheduledExecutorService pool = Executors.newScheduledThreadPool(8);
    server.setExecutor(pool);
    String background = System.getenv("BACKGROUND_URL");
    AtomicInteger count = new AtomicInteger();
    if (background != null) {  // calls in the background, numbered, on the threads that serve
      pool.scheduleAtFixedRate(() -> call(background + count.getAndIncrement()), 1, 5, TimeUnit.MILLISECONDS);
    }
    HttpClient client = HttpClient.newHttpClient();
    server.createContext("/", e -> {
      String path = e.getRequestURI().getPath();
      byte[] body = e.getRequestBody().readAllBytes();
      String last = path.substring(path.lastIndexOf('/') + 1);
      int number = last.matches("\\d+") ? Integer.parseInt(last) : 0;
      int status = 200;
      byte[] answer = new byte[0];
      boolean chunked = false;
      if (path.startsWith("/echo")) answer = body;
      else if (path.startsWith("/status/")) status = number;
      else if (path.startsWith("/bytes/")) answer = new byte[number];
      else if (path.startsWith("/chunked/")) { answer = new byte[number]; chunked = true; }
      else if (path.startsWith("/slow/")) { try { Thread.sleep(number); } catch (InterruptedException x) { } }
      String query = e.getRequestURI().getQuery();
      if (path.startsWith("/call")) call(query.substring(4));
      else if (path.startsWith("/later")) {  // carried out by other threads
        client.sendAsync(HttpRequest.newBuilder(URI.create(query.substring(4))).build(), BodyHandlers.discarding()).join();
      }
      if (e.getRequestMethod().equals("HEAD")) {
        e.getResponseHeaders().set("Content-Length", Integer.toString(answer.length));
        e.sendResponseHeaders(status, -1);
      } else {
        e.sendResponseHeaders(status, chunked ? 0 : answer.length == 0 ? -1 : answer.length);
        if (answer.length > 0 || chunked) e.getResponseBody().write(answer);
      }
      e.close();
      log(out, e, status);
    });
    server.start();
  }
}
