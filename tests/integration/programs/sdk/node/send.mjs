// See README.md.
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { diag, DiagLogLevel } from '@opentelemetry/api';

const [protocol, port, count, compression] = process.argv.slice(2);
const how = { compression: compression === 'gzip' ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE };
let failed = false;
const note = () => { failed = true; };
diag.setLogger({ error: note, warn() {}, info() {}, debug() {}, verbose() {} }, DiagLogLevel.ERROR);

const exporter = protocol === 'grpc'
  ? new GrpcExporter({ url: `http://127.0.0.1:${port}`, ...how })
  : new ProtoExporter({ url: `http://127.0.0.1:${port}/v1/traces`, ...how });
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'sdk-node' }),
  spanProcessors: [new BatchSpanProcessor(exporter, { maxQueueSize: 2 * count })],
});
const tracer = provider.getTracer('sdk');
for (let number = 0; number < count; number++) tracer.startSpan('work', { attributes: { number } }).end();
await provider.forceFlush();
await provider.shutdown();
process.exit(failed ? 1 : 0);
