"""See README.md."""

import logging
import sys

import grpc
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def exporters(protocol, port, compression):
    if protocol == "grpc":
        how = {"endpoint": f"http://127.0.0.1:{port}", "insecure": True,
               "compression": grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression}
        return GrpcSpans(**how), GrpcLogs(**how), GrpcMetrics(**how)
    how = {"compression": Compression.Gzip if compression == "gzip" else Compression.NoCompression}
    base = f"http://127.0.0.1:{port}/v1/"
    return HttpSpans(base + "traces", **how), HttpLogs(base + "logs", **how), HttpMetrics(base + "metrics", **how)


def main():
    protocol, port, count, compression = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    resource = Resource.create({"service.name": "sdk-python"})
    spans, logs, metrics = exporters(protocol, port, compression)
    tracing = TracerProvider(resource=resource)
    tracing.add_span_processor(BatchSpanProcessor(spans, max_queue_size=2 * count))
    logging_provider = LoggerProvider(resource=resource)
    logging_provider.add_log_record_processor(BatchLogRecordProcessor(logs, max_queue_size=2 * count))
    metering = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(metrics, export_interval_millis=3600000)])

    log = logging.getLogger("sdk")
    log.addHandler(LoggingHandler(logger_provider=logging_provider))
    log.setLevel(logging.INFO)
    log.propagate = False
    counter = metering.get_meter("sdk").create_counter("made")
    tracer = tracing.get_tracer("sdk")
    for number in range(count):
        with tracer.start_as_current_span("work", attributes={"number": number}):
            log.info("line %d", number)
        counter.add(1)
    done = all([tracing.force_flush(60000), logging_provider.force_flush(60000)])
    # Metrics leave with the shutdown, once.
    for provider in (tracing, logging_provider, metering):
        provider.shutdown()
    sys.exit(0 if done else 1)


main()
