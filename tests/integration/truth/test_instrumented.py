"""Programs with an OpenTelemetry SDK: metrics and no spans, because they tell their own."""

import re
import shutil
import subprocess
import unittest

import servers
from cases import TruthCase
from clients import Client, Curl
from stack import wait_for


def go_is_older_than(minor):
    found = re.search(r"go1\.(\d+)", subprocess.run(["go", "version"], capture_output=True, text=True).stdout) if shutil.which("go") else None
    return found is None or int(found.group(1)) < minor


class InstrumentedCase(TruthCase):
    def ask(self, server, callee, count, tag):
        client = Client(server.port)
        for i in range(count):
            url = callee.url(f"/bytes/1?{tag}={i}").replace("?", "%3F").replace("=", "%3D")
            client.ask("GET", f"/call?url={url}")
        client.close()

    def counter(self, name):
        return sum(v for n, v in self.stack.self_metrics().items() if n.split("{")[0] == name)

    def dropped(self, reason):
        return self.stack.self_metrics().get(f'wirespan_span_dropped_total{{reason="{reason}"}}', 0)

    def spans_of_process(self, server):
        return [s for s in self.stack.spans() if s.pid == server.child.pid]

    def measured(self, server, name):
        """How many exchanges of this process the newest metrics tell of."""
        return sum(int(point["count"]) for owner, _, point in self.stack.metric_points(name) if owner.get("process.pid") == server.child.pid)

    def settle(self, callee, tag, count):
        """The callee is not instrumented: its spans say that everything before them has come."""
        spans = self.stack.settled_spans(lambda s: s.kind == "server" and s.port == callee.port and f"?{tag}=" in s.target, count)
        self.assertEqual(len(spans), count)
        return spans


class Auto(InstrumentedCase):
    def test_python_sdk_is_recognised_by_what_it_sends(self):
        """Set up in code: nothing tells before its first export. Spans until then are counted, and then there are none."""
        callee = servers.Go(self.stack)
        late = self.counter("wirespan_span_late_instrumented_total")
        server = servers.InstrumentedPython(self.stack)
        self.ask(server, callee, 5, "first")
        self.settle(callee, "first", 5)
        wait_for("its export", lambda: self.stack.spans() and self.stack.sdk_spans)
        wait_for("the verdict", lambda: self.counter("wirespan_span_late_instrumented_total") >= late + len(self.spans_of_process(server)))
        before = len(self.spans_of_process(server))
        self.ask(server, callee, 30, "second")
        self.settle(callee, "second", 30)
        self.assertEqual(len(self.spans_of_process(server)), before)
        # Its requests and its calls.
        self.assertLessEqual(before, 10)
        self.assertEqual(self.counter("wirespan_span_late_instrumented_total"), late + before)
        wait_for("metrics of requests", lambda: self.measured(server, "http.server.request.duration") == 35)
        self.assertEqual(self.measured(server, "http.client.request.duration"), 35, "its calls, and not its exports")

    def test_python_sdk_is_recognised_by_the_contexts_it_sends(self):
        """It exports once a minute: the span ids that leave with its calls, and had not come in, tell before."""
        callee = servers.Go(self.stack)
        late = self.counter("wirespan_span_late_instrumented_total")
        server = servers.InstrumentedPython(self.stack, {"DELAY_MS": "60000"})
        asked = 0
        while asked == 0 or self.counter("wirespan_span_late_instrumented_total") == late:
            self.assertLess(asked, 200, "no verdict")
            self.ask(server, callee, 1, f"context{asked}")
            self.settle(callee, f"context{asked}", 1)
            asked += 1
        before = len(self.spans_of_process(server))
        self.assertEqual(self.counter("wirespan_span_late_instrumented_total"), late + before)
        self.ask(server, callee, 20, "verdict")
        self.settle(callee, "verdict", 20)
        self.assertEqual(len(self.spans_of_process(server)), before)

    def test_exports_are_not_seen(self):
        """OTLP, Zipkin and Jaeger exports of anybody: counted, and otherwise nothing."""
        receiver = servers.Go(self.stack)
        before = self.dropped("telemetry")
        exports = [("/v1/traces", "application/x-protobuf"), ("/v1/metrics", "application/x-protobuf"), ("/v1/logs", "application/json"),
                   ("/api/v2/spans", "application/json"), ("/api/traces?format=jaeger.thrift", "application/x-thrift")]
        curl = Curl()  # a process for each: who exports is instrumented
        for target, kind in exports:
            curl.ask("POST", receiver.url(target), None, "-H", f"Content-Type: {kind}", "--data-binary", "x")
        curl.ask("GET", receiver.url("/bytes/1?behind-exports"))
        self.stack.settled_spans(lambda s: "behind-exports" in s.target, 2)
        self.assertEqual([s.target for s in self.stack.spans(lambda s: s.port == receiver.port)], ["/bytes/1?behind-exports"] * 2)
        # At both ends; other programs of this machine may export too.
        self.assertGreaterEqual(self.dropped("telemetry"), before + 2 * len(exports))

    def test_agent_and_gateway_are_not_seen(self):
        # Scrapes and exports went on all the while.
        pids = {self.stack.agent.pid, self.stack.gateway.pid}
        self.assertEqual([s for s in self.stack.spans() if s.pid in pids], [])


class AutoBeforeTheFirstRequest(InstrumentedCase):
    def check_never_seen(self, kind):
        """Recognised before its first request: not one span of it, all of its metrics."""
        callee = servers.Go(self.stack)
        server = kind(self.stack)
        late = self.counter("wirespan_span_late_instrumented_total")
        self.ask(server, callee, 20, "early")
        told = self.settle(callee, "early", 20)
        self.assertEqual(self.spans_of_process(server), [])
        self.assertEqual(self.counter("wirespan_span_late_instrumented_total"), late)
        wait_for("metrics of requests", lambda: self.measured(server, "http.server.request.duration") == 20)
        wait_for("its own spans", lambda: self.stack.spans() and len([s for s in self.stack.sdk_spans if s.get("kind") == 2]) >= 20)
        # Its spans and ours are one trace: ours are children of the context that it sent, or, where it sends none, of nobody in it.
        ids = {s["spanId"] for s in self.stack.sdk_spans}
        for span in told:
            self.assertIn(span.parent_id, ids, span)
            self.assertEqual(span.attributes["wirespan.parent.method"], "header")
        server.child.stop()
        self.stack.sdk_spans.clear()

    def test_java_agent(self):
        if not shutil.which("mvn"):
            self.skipTest("Maven, which fetches OpenTelemetry's Java agent, is not installed")
        self.check_never_seen(servers.InstrumentedJava)

    def test_go_sdk(self):
        if go_is_older_than(25):
            self.skipTest("the OpenTelemetry SDK's modules need Go 1.25")
        self.check_never_seen(servers.InstrumentedGo)


class Always(InstrumentedCase):
    options = {"agent_config": "traces: {mode: always}"}

    def test_spans_of_an_instrumented_program(self):
        callee = servers.Go(self.stack)
        server = servers.InstrumentedPython(self.stack)
        self.ask(server, callee, 10, "always")
        self.settle(callee, "always", 10)
        wait_for("its export", lambda: self.stack.spans() and self.stack.sdk_spans)
        self.ask(server, callee, 10, "after")
        self.settle(callee, "after", 10)
        spans = self.spans_of_process(server)
        self.assertEqual((sum(s.kind == "server" for s in spans), sum(s.kind == "client" for s in spans)), (20, 20))


class Never(InstrumentedCase):
    options = {"agent_config": "traces: {mode: never}"}

    def test_metrics_only(self):
        server = servers.Go(self.stack)
        client = Client(server.port)
        for i in range(10):
            client.ask("GET", f"/bytes/1?n={i}")
        wait_for("metrics", lambda: self.measured(server, "http.server.request.duration") == 10)
        self.assertEqual(self.stack.spans(), [])
        self.assertGreaterEqual(self.dropped("instrumented"), 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
