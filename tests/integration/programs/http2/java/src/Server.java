import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** A grpc-netty server: Server PORT LOG. SIGTERM ends it when its calls have ended. */
public final class Server {
  private static Common.Log log;

  /** Answers as its x-reply header says. */
  private static final class Call extends ServerCall.Listener<byte[]> {
    private final ServerCall<byte[], byte[]> call;
    private final String name, id;
    private final Common.Fields reply;
    private final Common.Tally tally = new Common.Tally();
    private final long start = System.nanoTime();
    private final CountDownLatch gone = new CountDownLatch(1);
    private boolean ended;

    Call(String name, ServerCall<byte[], byte[]> call, Metadata headers) {
      this.call = call;
      this.name = name;
      this.id = headers.containsKey(Common.ID) ? headers.get(Common.ID) : "";
      this.reply = new Common.Fields(headers.containsKey(Common.REPLY) ? headers.get(Common.REPLY) : "", ",");
      // The listener's own onCancel waits for its other calls to return.
      Context.current().addListener(context -> gone.countDown(), Runnable::run);
      if (reply.number("early", 0) == 1) {
        end();
      } else {
        if (name.equals("Bidi")) {
          begin();
        }
        call.request(Integer.MAX_VALUE);
      }
    }

    private void begin() {
      Metadata headers = new Metadata();
      int fill = reply.number("metadata", 0);
      if (fill > 0) {
        headers.put(Common.FILL, "m".repeat(fill));
      }
      call.sendHeaders(headers);
    }

    private void send() {
      call.sendMessage(tally.sent(new byte[reply.number("size", 100)]));
    }

    private void write(int status) {
      if (!ended && !id.isEmpty()) {
        log.write(id, name, status, Common.ms(start), tally, "");
      }
      ended = true;
    }

    private void end() {
      Metadata trailers = new Metadata();
      int fill = reply.number("trailers", 0);
      if (fill > 0) {
        trailers.put(Common.FILL, "t".repeat(fill));
      }
      int status = reply.number("status", 0);
      write(status);
      call.close(status == 0 ? Status.OK : Status.fromCodeValue(status).withDescription(reply.text("text") + " ü%"), trailers);
    }

    /** False: the call was cancelled meanwhile. */
    private boolean pause(String field) {
      try {
        return !gone.await(reply.number(field, 0), TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        return false;
      }
    }

    @Override public void onMessage(byte[] message) {
      tally.received(message);
      if (name.equals("Bidi")) {
        send();
      }
    }

    @Override public void onHalfClose() {
      if (ended || !pause("delay")) {
        return;
      }
      int messages = name.equals("Bidi") ? 0 : reply.number("messages", 1);
      if (messages > 0) { // else trailers only
        begin();
      }
      for (int i = 0; i < messages; i++) {
        if (i > 0 && !pause("pause")) {
          return;
        }
        send();
      }
      end();
    }

    @Override public void onCancel() {
      write(Status.Code.CANCELLED.value());
    }
  }

  public static void main(String[] arguments) throws Exception {
    log = new Common.Log(arguments[1]);
    ServerServiceDefinition.Builder service = ServerServiceDefinition.builder(Common.SERVICE);
    for (String name : new String[] {"Unary", "ClientStream", "ServerStream", "Bidi"}) {
      service.addMethod(Common.method(name), (call, headers) -> new Call(name, call, headers));
    }
    io.grpc.Server server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])))
        .addService(service.build()).executor(Executors.newCachedThreadPool()).maxInboundMessageSize(Common.MOST_BYTES)
        .maxInboundMetadataSize(1 << 20).keepAliveTime(1, TimeUnit.SECONDS).build().start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        server.shutdown().awaitTermination(10, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        server.shutdownNow();
      }
    }));
    server.awaitTermination();
  }
}
