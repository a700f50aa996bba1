"""The ledger closes when each stage in turn is given more than it can take: docs/ledger.md, on one snapshot."""

import http.client
import http.server
import socket
import threading
import time
import unittest

from support import Client, Server, Strained, Watched, assert_ledger, assert_undisturbed, family, free_port, settled_file, stopped, wait_for
from stack import METRIC_INTERVAL  # noqa: I001  (support puts its folder on the path)
import servers  # beside stack.py, found by support


class LedgerCase(unittest.TestCase):
    stack = None

    def strain(self, config="", env=None, **more):
        self.stack = Strained(config, env, **more)
        self.addCleanup(self.end)
        return self.stack

    def end(self):
        if self.stack is None:
            return
        code = self.stack.close()
        last_words, self.stack = self.stack.last_words, None
        self.assertEqual(code, 0, last_words)

    def settle(self):
        metrics = self.stack.settle()
        assert_ledger(self, metrics)
        return metrics


class Kernel(LedgerCase):
    def test_ring_full(self):
        stack = self.strain("capture: {ring_bytes: 64KiB}")
        server = Server(stack)
        client = Client(stack, "flood", server, conns=16, seconds=4)
        time.sleep(1)
        with stopped(stack.agent):
            time.sleep(1)
        for _ in range(10):  # in the middle of it, too: what user space counts is one moment
            assert_ledger(self, stack.self_metrics(), kernel=False)
            time.sleep(0.1)
        assert_undisturbed(self, client.result())
        m = self.settle()
        self.assertGreater(family(m, "wirespan_kernel_calls_total", count="dropped"), 1000)
        self.assertGreater(m["wirespan_span_spans_total"], 1000)
        settled_file(stack, self)

    def test_a_flood_leaves_room_for_others(self):
        stack = self.strain("capture: {ring_bytes: 2MiB}")
        loud, quiet = Server(stack), Server(stack)
        flood = Client(stack, "flood", loud, conns=16, seconds=5)
        time.sleep(1)
        with stopped(stack.agent):
            time.sleep(0.5)  # the flood has filled its share by now
            calm = Client(stack, "flood", quiet, conns=1, rate=40, count=20)
            result = calm.result()
        assert_undisturbed(self, result, flood.result())
        m = self.settle()
        self.assertGreater(family(m, "wirespan_kernel_calls_total", count="dropped", reason="share"), 1000)
        for kind in ("server", "client"):
            seen = stack.settled_spans(lambda s: s.kind == kind and f"?{calm.tag}-" in s.target, 20)
            self.assertEqual(len(seen), 20, kind)


class Connections(LedgerCase):
    def test_table_full(self):
        stack = self.strain("limits: {connections: 64}")
        server = Server(stack)
        assert_undisturbed(self, Client(stack, "hold", server, conns=400, seconds=1).result())
        m = self.settle()
        self.assertLessEqual(m["wirespan_connections"], 64)
        self.assertGreater(family(m, "wirespan_connections_ended_total", reason="table_full"), 300)
        settled_file(stack, self)

    def test_more_requests_open_than_one_connection_may_have(self):
        self.strain()
        listener = socket.create_server(("127.0.0.1", 0))
        port, n = listener.getsockname()[1], 3000
        request = b"GET /pipelined HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

        def serve():
            c, _ = listener.accept()
            got = 0
            while got < n * len(request):
                got += len(c.recv(65536))
            c.sendall(answer * n)
            c.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with socket.create_connection(("127.0.0.1", port)) as c:
            c.sendall(request * n)
            data = b""
            while piece := c.recv(65536):
                data += piece
        thread.join()
        listener.close()
        self.assertEqual(data, answer * n)
        m = self.settle()
        self.assertGreater(family(m, "wirespan_exchanges_dropped_total", reason="pipeline_full"), 0)

    def test_bytes_that_are_no_http_or_only_begin_like_it(self):
        stack = self.strain()
        server, echo = Server(stack), Server(stack, "echo")
        clients = [Client(stack, "garbage", server, conns=8, seconds=3), Client(stack, "echoed", echo, conns=8, seconds=3, size=20000),
                   Client(stack, "hugehead", server, conns=4, seconds=3, depth=60),
                   Client(stack, "pipeline", server, conns=4, seconds=3, depth=200)]
        assert_undisturbed(self, *[c.result() for c in clients])
        self.settle()
        settled_file(stack, self)


class Spans(LedgerCase):
    def test_sampler_and_limiter(self):
        stack = self.strain("traces: {sampler: traceidratio, sampler_arg: '0.5', max_per_second: 20}")
        server = Server(stack)
        assert_undisturbed(self, Client(stack, "flood", server, conns=8, seconds=3, rate=500).result())
        m = self.settle()
        for reason in ("sampled_out", "rate_limited"):
            self.assertGreater(family(m, "wirespan_span_dropped_total", reason=reason), 100, reason)
        self.assertGreater(m["wirespan_span_spans_total"], 20)
        settled_file(stack, self)

    def test_series_limit(self):
        stack = self.strain(metrics=", max_series_per_service: 8")
        server = servers.Go(stack)
        client = http.client.HTTPConnection("127.0.0.1", server.port)
        for status in range(210, 260):
            client.request("GET", f"/status/{status}")
            client.getresponse().read()
        client.close()
        m = self.settle()
        self.assertGreater(m["wirespan_metric_overflow_total"], 60)

        def counted():
            m = stack.self_metrics()
            points = [p for n in ("server", "client") for _, _, p in stack.metric_points(f"http.{n}.request.duration")]
            return sum(int(p["count"]) for p in points) == m["wirespan_metric_exchanges_total"] and points

        # Each look is an exchange of this process too, which the next export of metrics tells: looks are further apart.
        points = wait_for("the histograms to add up to the exchanges", counted, 60, interval=3 * METRIC_INTERVAL)
        overflow = [p for p in points if any(a["key"] == "otel.metric.overflow" for a in p.get("attributes", []))]
        self.assertEqual(sum(int(p["count"]) for p in overflow), m["wirespan_metric_overflow_total"])


class Export(LedgerCase):
    def test_queue_full_while_the_gateway_is_away(self):
        stack = self.strain("export: {queue_bytes: 256KiB, max_elapsed: 60s}")
        server = Server(stack)
        assert_undisturbed(self, Client(stack, "flood", server, conns=4, seconds=2, rate=200).result())
        self.settle()
        stack.gateway.stop()
        assert_undisturbed(self, Client(stack, "flood", server, conns=8, seconds=4, rate=2000).result())
        away = stack.self_metrics()
        assert_ledger(self, away, kernel=False)
        self.assertGreater(family(away, "wirespan_export_spans_total", reason="queue_full"), 1000)
        self.assertLessEqual(family(away, "wirespan_export_queue_bytes", signal="traces"), 256 << 10)
        stack.start_gateway()
        assert_undisturbed(self, Client(stack, "flood", server, conns=4, seconds=2, rate=200).result())
        m = self.settle()
        self.assertGreater(family(m, "wirespan_export_retries_total"), 0)
        self.assertEqual(family(m, "wirespan_export_spans_total", reason="retries_exhausted"), 0)
        settled_file(stack, self)


class NoWayOn(Strained):
    """A gateway whose backend is away, with room for 8 MiB of requests."""

    def start_gateway(self):
        self.exporter = f'otlphttp: {{endpoint: "http://127.0.0.1:{free_port()}"}}'
        Strained.__mro__[1].start_gateway(self)

    def run(self, name, command, **more):
        return super().run(name, command + ["--max-held-mib", "8"] if name == "gateway" else command, **more)


class GatewayFull(LedgerCase):
    def test_the_gateway_says_come_again(self):
        self.stack = stack = NoWayOn("export: {queue_bytes: 1MiB, shutdown_timeout: 1s}", {"OTEL_BSP_SCHEDULE_DELAY": "100"})
        self.addCleanup(self.end)
        server = Server(stack)
        with Watched(stack.gateway.pid) as memory:
            assert_undisturbed(self, Client(stack, "flood", server, conns=8, seconds=8, rate=5000).result())
        m = stack.self_metrics()
        assert_ledger(self, m, kernel=False)
        self.assertGreater(family(m, "wirespan_export_requests_total", code="503"), 0)
        self.assertGreater(family(m, "wirespan_export_spans_total", reason="queue_full"), 1000)
        taken = family(m, "wirespan_export_spans_total", result="acknowledged")
        accepted = family(stack.self_metrics(stack.gateway_metrics), "otelcol_receiver_accepted_spans_total")
        self.assertGreaterEqual(accepted, taken)  # a request may have been taken since
        self.assertLess(memory.most, 64)


class Refusing(http.server.BaseHTTPRequestHandler):
    """Answers as the list says, one after the other, then OK."""

    protocol_version = "HTTP/1.1"
    answers = []

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, body = self.answers.pop(0) if self.path == "/v1/traces" and self.answers else (200, {}, b"")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Backend(LedgerCase):
    def test_refused_throttled_and_partly_taken(self):
        backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
        Refusing.answers = [(400, {}, b""), (503, {"Retry-After": "1"}, b""), (200, {}, b"\x0a\x02\x08\x03"), (429, {}, b"")]
        thread = threading.Thread(target=backend.serve_forever)
        thread.start()
        try:
            stack = self.strain("export: {concurrent_requests: 1, batch_spans: 50}",
                                {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{backend.server_address[1]}",
                                 "OTEL_BSP_SCHEDULE_DELAY": "5000"})  # batches are full ones
            server = Server(stack)
            assert_undisturbed(self, Client(stack, "flood", server, conns=2, count=500, rate=500).result())
            m = self.settle()
            self.assertEqual(family(m, "wirespan_export_spans_total", reason="refused"), 50)
            self.assertEqual(family(m, "wirespan_export_spans_total", result="rejected"), 3)
            self.assertEqual(family(m, "wirespan_export_retries_total", signal="traces"), 2)
            self.assertEqual(family(m, "wirespan_export_spans_total", result="acknowledged"), m["wirespan_span_spans_total"] - 53)
            self.end()
        finally:
            backend.shutdown()
            thread.join()
            backend.server_close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
