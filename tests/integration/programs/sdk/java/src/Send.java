import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.concurrent.TimeUnit;

/** See README.md. */
final class Send {
  private static SpanExporter exporter(String protocol, String port, String compression) {
    String base = "http://127.0.0.1:" + port;
    return protocol.equals("grpc")
        ? OtlpGrpcSpanExporter.builder().setEndpoint(base).setCompression(compression).build()
        : OtlpHttpSpanExporter.builder().setEndpoint(base + "/v1/traces").setCompression(compression).build();
  }

  public static void main(String[] args) {
    int count = Integer.parseInt(args[2]);
    var resource = Resource.create(Attributes.of(AttributeKey.stringKey("service.name"), "sdk-java"));
    var processor = BatchSpanProcessor.builder(exporter(args[0], args[1], args[3])).setMaxQueueSize(2 * count).build();
    var provider = SdkTracerProvider.builder().setResource(resource).addSpanProcessor(processor).build();
    var tracer = provider.get("sdk");
    for (int number = 0; number < count; number++) {
      tracer.spanBuilder("work").setAttribute("number", number).startSpan().end();
    }
    boolean done = provider.forceFlush().join(60, TimeUnit.SECONDS).isSuccess();
    done &= provider.shutdown().join(60, TimeUnit.SECONDS).isSuccess();
    System.exit(done ? 0 : 1);
  }
}
