"""What backends make of it: Jaeger gives the trace back, Prometheus takes every endpoint in."""

import subprocess
import tempfile
import unittest
import urllib.request

import servers
from backends import Jaeger, Prometheus, get_json
from clients import Client
from stack import Stack, wait_for


class JaegerCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="wirespan-jaeger-")
        cls.jaeger = Jaeger(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.jaeger.child.stop()
        cls.folder.cleanup()

    def check(self, stack, name):
        """A chain of two servers: one trace of four spans, parents in order, as Jaeger tells it."""
        try:
            first = servers.Python(stack, {"OTEL_SERVICE_NAME": f"first-{name}"})
            second = servers.Go(stack, {"OTEL_SERVICE_NAME": f"second-{name}"})
            client = Client(first.port)
            for i in range(10):
                url = second.url(f"/bytes/3?i={i}").replace("?", "%3F").replace("=", "%3D")
                client.ask("GET", f"/call?url={url}")
            client.close()
            whole = lambda: [t for t in self.jaeger.traces_of(f"second-{name}") if len(t["spans"]) == 4]
            wait_for("ten whole traces in Jaeger", lambda: len(whole()) == 10)
            self.assertEqual(len(self.jaeger.traces_of(f"first-{name}")), 10)
            for found in whole():
                self.check_trace(self.jaeger.trace(found["traceID"]), name)
            self.assertEqual(self.own_exports(), [], "a backend on the same node feeds itself")
        finally:
            self.assertEqual(stack.close(), 0)

    def own_exports(self):
        services = get_json(f"http://127.0.0.1:{self.jaeger.query}/api/services")["data"]
        tags = [tag for service in services for trace in self.jaeger.traces_of(service) for span in trace["spans"] for tag in span["tags"]]
        return [t for t in tags if t["key"] in ("url.path", "url.full") and str(t["value"]).endswith(("/v1/traces", "/v1/metrics", "/Export"))]

    def check_trace(self, trace, name):
        spans = {s["spanID"]: s for s in trace["spans"]}
        chain = []
        span = next(s for s in trace["spans"] if not s["references"])
        while span:
            tags = {t["key"]: t["value"] for t in span["tags"]}
            chain.append((tags["span.kind"], trace["processes"][span["processID"]]["serviceName"]))
            self.assertEqual(tags["http.request.method"], "GET")
            self.assertEqual(tags["http.response.status_code"], 200)
            span = next((s for s in spans.values() if [r["spanID"] for r in s["references"]] == [span["spanID"]]), None)
        self.assertEqual(chain[1:], [("server", f"first-{name}"), ("client", f"first-{name}"), ("server", f"second-{name}")])
        self.assertEqual(chain[0][0], "client")

    def test_from_the_agent_by_http(self):
        self.check(Stack(agent_env={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.jaeger.http}", "OTEL_METRICS_EXPORTER": "none"}), "http")

    def test_from_the_agent_by_grpc(self):
        self.check(Stack(agent_env={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.jaeger.grpc}", "OTEL_METRICS_EXPORTER": "none",
                                    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}), "grpc")

    def test_through_the_gateway(self):
        self.check(Stack(traces_to=f"http://127.0.0.1:{self.jaeger.http}"), "gateway")


class PrometheusCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(body_sizes=True)
        cls.server = servers.Go(cls.stack, {"OTEL_SERVICE_NAME": "scraped"})
        client = Client(cls.server.port)
        for i in range(25):
            client.ask("GET", f"/bytes/7?i={i}")
        client.ask("GET", "/status/500")
        client.close()
        cls.stack.settled_spans(lambda s: s.port == cls.server.port, 52)
        cls.ports = {"observed": cls.stack.red, "agent": cls.stack.admin, "gateway": cls.stack.gateway_metrics}

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def test_promtool_finds_nothing_to_say(self):
        for name, port in self.ports.items():
            with self.subTest(name), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                done = subprocess.run(["promtool", "check", "metrics"], input=answer.read(), capture_output=True)
                self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_prometheus_scrapes_all_and_keeps_exemplars(self):
        with tempfile.TemporaryDirectory(prefix="wirespan-prometheus-") as folder:
            prometheus = Prometheus(folder, self.ports)
            try:
                wait_for("three targets that are up", lambda: len([r for r in prometheus.query("up") if r["value"][1] == "1"]) == 3)
                count = 'sum by (http_response_status_code) (http_server_request_duration_seconds_count{service_name="scraped"})'
                told = wait_for("the counts", lambda: prometheus.query(count))
                self.assertEqual({r["metric"]["http_response_status_code"]: r["value"][1] for r in told}, {"200": "25", "500": "1"})
                self.assertTrue(prometheus.query('wirespan_build_info'))
                self.assertTrue(prometheus.query('{__name__=~"otelcol_receiver_accepted_spans.*"}'))
                # An exemplar is a span that was sent.
                exemplars = [e for series in prometheus.exemplars('http_server_request_duration_seconds_bucket{service_name="scraped"}') for e in series["exemplars"]]
                self.assertTrue(exemplars)
                sent = {(s.trace_id, s.span_id) for s in self.stack.spans(lambda s: s.kind == "server" and s.port == self.server.port)}
                for exemplar in exemplars:
                    self.assertIn((exemplar["labels"]["trace_id"], exemplar["labels"]["span_id"]), sent)
            finally:
                prometheus.child.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
