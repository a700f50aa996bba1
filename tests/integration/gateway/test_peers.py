"""A gateway sends to real backends: what it took they have, by their own words."""

import unittest

from counterparts import Collector, CounterpartTest, Zipkin, go_sdk, python_sdk, send, wait_for
from backends import Jaeger

SPANS = 1000


class ToACollector(CounterpartTest):
    def test_by_grpc_and_http_and_each_compression(self):
        collector = self.other(Collector)
        ways = {"otlp/none": ("grpc", "none"), "otlp/gzip": ("grpc", "gzip"), "otlphttp/none": ("http", "none"),
                "otlphttp/gzip": ("http", "gzip"), "otlphttp/zstd": ("http", "zstd")}
        to = {"grpc": f"127.0.0.1:{collector.grpc}", "http": f"http://127.0.0.1:{collector.http}"}
        exporters = "".join(
            f'  {name}: {{endpoint: "{to[kind]}", '
            f"tls: {{insecure: true}}, compression: {compression}}}\n" for name, (kind, compression) in ways.items())
        gateway = self.everything(exporters, ways)
        send(go_sdk(), "grpc", gateway.port, SPANS, "gzip")
        self.assertEqual(gateway.items()["spans"], SPANS)
        self.assertEqual(collector.accepted("spans", "grpc"), 2 * SPANS)
        self.assertEqual(collector.accepted("spans", "http"), 3 * SPANS)
        for name in ways:
            self.assertEqual(gateway.metric("otelcol_exporter_sent_spans_total", exporter=name), SPANS)
            self.assertEqual(gateway.metric("otelcol_exporter_send_failed_spans_total", exporter=name), 0)


class FromACollector(CounterpartTest):
    """A Collector in front, as people have them while they change over, with each compression it can send."""

    def test_by_grpc_and_http_and_each_compression(self):
        for one_port in (False, True):
            gateway = self.everything(one_port=one_port)
            exporters = [(kind, compression) for kind in ("otlp_grpc", "otlp_http") for compression in ("none", "gzip", "zstd")]
            for number, (kind, compression) in enumerate(exporters, 1):
                with self.subTest(exporter=kind, compression=compression, one_port=one_port):
                    to = f"127.0.0.1:{gateway.port}" if kind == "otlp_grpc" else f"http://127.0.0.1:{gateway.http}"
                    collector = Collector(self.folder, f"""
exporters:
  {kind}: {{endpoint: "{to}", tls: {{insecure: true}}, compression: {compression}, sending_queue: {{enabled: false}}}}
""", kind)
                    send(go_sdk(), "grpc", collector.grpc, SPANS, "none")
                    collector.child.stop()
                    self.assertEqual(gateway.items()["spans"], number * SPANS)
            self.assertEqual(gateway.metric("otelcol_receiver_accepted_spans_total", transport="grpc"), 3 * SPANS)
            self.assertEqual(gateway.metric("otelcol_receiver_accepted_spans_total", transport="http"), 3 * SPANS)
            gateway.end()
            gateway.out.unlink()


class ToJaeger(CounterpartTest):
    def test_by_otlp_and_by_its_own_grpc(self):
        jaeger = self.other(Jaeger)
        exporters = (f'  otlp: {{endpoint: "127.0.0.1:{jaeger.grpc}", tls: {{insecure: true}}}}\n'
                     f'  jaeger: {{endpoint: "127.0.0.1:{jaeger.own}"}}\n')
        for name in ("otlp", "jaeger"):
            with self.subTest(exporter=name):
                gateway = self.everything(exporters, [name])
                sdk, service = (python_sdk(), "sdk-python") if name == "otlp" else (go_sdk(), "sdk-go")
                send(sdk, "http", gateway.http, SPANS, "gzip")
                wait_for("Jaeger's traces", lambda: len(jaeger.traces_of(service)) == SPANS)
                traces = jaeger.traces_of(service)
                self.assertEqual({len(trace["spans"]) for trace in traces}, {1})
                numbers = {tag["value"] for trace in traces for span in trace["spans"] for tag in span["tags"] if tag["key"] == "number"}
                self.assertEqual(numbers, set(range(SPANS)))
                self.assertEqual({span["operationName"] for trace in traces for span in trace["spans"]}, {"work"})
                gateway.end()
                gateway.out.unlink()


class ToZipkin(CounterpartTest):
    def test_by_its_json(self):
        zipkin = self.other(Zipkin)
        gateway = self.everything(f'  zipkin: {{endpoint: "http://127.0.0.1:{zipkin.port}/api/v2/spans"}}\n', ["zipkin"])
        send(go_sdk(), "grpc", gateway.port, SPANS, "none")
        wait_for("Zipkin's traces", lambda: len(zipkin.traces_of("sdk-go")) == SPANS)
        spans = [span for trace in zipkin.traces_of("sdk-go") for span in trace]
        self.assertEqual(len(spans), SPANS)
        self.assertEqual({int(span["tags"]["number"]) for span in spans}, set(range(SPANS)))
        self.assertEqual({span["name"] for span in spans}, {"work"})


if __name__ == "__main__":
    unittest.main()
