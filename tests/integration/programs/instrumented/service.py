"""A service with an OpenTelemetry SDK set up in its code: a span for each request, its context passed on to the call it makes.

Usage: service.py PORT OTLP-ENDPOINT [DELAY-MS]. Nothing in its environment or command line says that it is instrumented; the
SDK is loaded before the first request, and exports every DELAY-MS.
"""

import http.server
import sys
import urllib.parse
import urllib.request

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "instrumented-python"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[2] + "/v1/traces"),
                                               schedule_delay_millis=float(sys.argv[3]) if len(sys.argv) > 3 else 500))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("truth")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with tracer.start_as_current_span("GET", context=propagate.extract(self.headers), kind=trace.SpanKind.SERVER) as span:
            span.set_attribute("truth.target", self.path)
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            for url in query.get("url", []):
                headers = {}
                propagate.inject(headers)
                with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
                    answer.read()
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
