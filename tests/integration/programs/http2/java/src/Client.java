import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A grpc-netty client: Client PORT LOG [OPTION=VALUE]... < commands. One channel. */
public final class Client {
  private final Common.Log log;
  private final ManagedChannel channel;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(work -> {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    return thread;
  });

  private Client(int port, Common.Log log, Common.Fields options) {
    this.log = log;
    NettyChannelBuilder builder = NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().maxInboundMessageSize(Common.MOST_BYTES)
        .maxInboundMetadataSize(1 << 20).disableRetry();
    int pings = options.number("keepalive", 0);
    if (pings > 0) { // less than 10 s is taken for 10 s
      builder.keepAliveTime(pings, TimeUnit.MILLISECONDS);
    }
    channel = builder.build();
  }

  private static Metadata metadata(Common.Fields batch, int id) {
    Metadata all = new Metadata();
    if (batch.number("bare", 0) == 0) {
      all.put(Common.ID, String.valueOf(id));
      all.put(Common.REPLY, batch.text("reply"));
    }
    int fill = batch.number("metadata", 0);
    if (fill > 0) {
      all.put(Common.FILL, "m".repeat(fill));
    }
    if (batch.number("trace", 0) == 1) {
      all.put(Common.TRACEPARENT, String.format("00-7e57%028x-%016x-01", id, id + 1));
    }
    return all;
  }

  private boolean call(Common.Fields batch, int id) throws Exception {
    String name = batch.text("method");
    Common.Tally tally = new Common.Tally();
    CompletableFuture<Status> ended = new CompletableFuture<>();
    CallOptions options = CallOptions.DEFAULT;
    int deadline = batch.number("deadline", 0), cancel = batch.number("cancel", 0);
    long wall = System.currentTimeMillis() * 1000000, start = System.nanoTime();
    if (deadline > 0) {
      options = options.withDeadlineAfter(deadline, TimeUnit.MILLISECONDS);
    }
    ClientCall<byte[], byte[]> call = channel.newCall(Common.method(name), options);
    CountDownLatch gone = new CountDownLatch(1);
    call.start(new ClientCall.Listener<byte[]>() {
      @Override public void onMessage(byte[] message) {
        tally.received(message);
      }

      @Override public void onClose(Status status, Metadata trailers) {
        gone.countDown();
        ended.complete(status);
      }
    }, metadata(batch, id));
    call.request(Integer.MAX_VALUE);
    if (cancel > 0) {
      timer.schedule(() -> call.cancel("as told", null), cancel, TimeUnit.MILLISECONDS);
    }
    boolean streams = name.equals("ClientStream") || name.equals("Bidi");
    int messages = streams ? batch.number("messages", 1) : 1;
    for (int i = 0; i < messages; i++) {
      if (i > 0 && gone.await(batch.number("pause", 0), TimeUnit.MILLISECONDS)) {
        break;
      }
      call.sendMessage(tally.sent(new byte[batch.number("size", 100) + batch.number("step", 0) * id]));
    }
    call.halfClose();
    Status status = ended.get();
    double took = Common.ms(start);
    if (batch.number("log", 1) == 1) {
      String text = status.getDescription() == null ? "" : status.getDescription().replace("\\", "").replace("\"", "").replace("\n", " ");
      log.write(String.valueOf(id), name, status.getCode().value(), took, tally, ",\"text\":\"" + text + "\",\"start_ns\":" + wall);
    }
    return status.isOk();
  }

  public static void main(String[] arguments) throws Exception {
    Client client = new Client(Integer.parseInt(arguments[0]), new Common.Log(arguments[1]),
        new Common.Fields(String.join(" ", List.of(arguments).subList(2, arguments.length)), " "));
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Common.Fields batch = new Common.Fields(line, " ");
      int count = batch.number("count", 1), first = batch.number("first", 0);
      AtomicInteger next = new AtomicInteger(), good = new AtomicInteger();
      Thread[] threads = new Thread[batch.number("concurrency", 1)];
      for (int i = 0; i < threads.length; i++) {
        threads[i] = new Thread(() -> {
          for (int n = next.getAndIncrement(); n < count; n = next.getAndIncrement()) {
            try {
              good.addAndGet(client.call(batch, first + n) ? 1 : 0);
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
          }
        });
        threads[i].start();
      }
      for (Thread thread : threads) {
        thread.join();
      }
      System.out.println("done " + count + " " + good.get());
    }
    client.channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
  }
}
