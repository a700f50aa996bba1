"""Names of services, and what the configuration says of spans and metrics, end to end."""

import pathlib
import shutil
import subprocess
import sys
import unittest

import servers
from cases import TruthCase
from clients import Client, Curl
from stack import free_port, listens, wait_for


class Names(TruthCase):
    """service.name of real processes (docs/naming.md)."""

    options = {"agent_config": 'services: [{name: by-rule, command_line: "*-by-rule.log"}]'}

    def check(self, name, command, port, env=None):
        child = self.stack.run(f"named-{port}", command, env=env)
        wait_for(f"{command} to listen", lambda: self.stack._alive(child) and listens(port), 60)
        Curl().ask("GET", f"http://127.0.0.1:{port}/bytes/1?named")
        spans = self.stack.settled_spans(lambda s: s.kind == "server" and s.pid == child.pid, 1)
        child.stop()
        self.assertEqual([s.resource["service.name"] for s in spans], [name])
        return spans[0].resource

    def go(self, port, log="names.log"):
        return [servers.go_program("server"), f"127.0.0.1:{port}", self.stack.folder / log]

    def test_executable(self):
        port = free_port()
        self.check("go-server", self.go(port), port)

    def test_rule_before_environment(self):
        port = free_port()
        self.check("by-rule", self.go(port, "x-by-rule.log"), port, {"OTEL_SERVICE_NAME": "by-environment"})

    def test_environment(self):
        port = free_port()
        resource = self.check("by name", self.go(port), port, {"OTEL_SERVICE_NAME": "by name",
                              "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,service.namespace=space,team=blue%2Fgreen,process.pid=1"})
        self.assertEqual((resource["service.namespace"], resource["team"]), ("space", "blue/green"))
        self.assertNotEqual(resource["process.pid"], 1)

    def test_resource_attributes(self):
        port = free_port()
        self.check("by-attributes", self.go(port), port, {"OTEL_RESOURCE_ATTRIBUTES": "service.name=by-attributes"})

    def test_python_script_and_module(self):
        script = self.stack.folder / "orders.py"
        shutil.copy(servers.PROGRAMS / "server.py", script)
        port = free_port()
        self.check("orders", [sys.executable, "-u", script, port, self.stack.folder / "orders.log"], port)
        port = free_port()
        self.check("http.server", [sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1"], port)

    def test_node_script(self):
        script = self.stack.folder / "cart.mjs"
        shutil.copy(servers.PROGRAMS / "server.mjs", script)
        port = free_port()
        self.check("cart", ["node", script, f"127.0.0.1:{port}", self.stack.folder / "cart.log"], port)

    def test_java_jar(self):
        folder = self.stack.folder / "classes"
        subprocess.run(["javac", "-nowarn", "-d", folder, servers.PROGRAMS / "Server.java"], check=True, capture_output=True)
        jar = self.stack.folder / "shop-1.4.2.jar"
        subprocess.run(["jar", "--create", "--file", jar, "--main-class", "Server", "-C", folder, "."], check=True)
        port = free_port()
        self.check("shop", ["java", "-Xmx128m", "-jar", jar, port, self.stack.folder / "shop.log"], port)

    def test_systemd_unit(self):
        if pathlib.Path("/proc/1/comm").read_text().strip() != "systemd":
            self.skipTest("systemd does not run here")
        port = free_port()
        unit = f"wirespan-truth-{port}"
        subprocess.run(["systemd-run", "--collect", f"--unit={unit}", *map(str, self.go(port))], check=True)
        try:
            wait_for("the unit to listen", lambda: listens(port))
            Curl().ask("GET", f"http://127.0.0.1:{port}/bytes/1?in-a-unit")
            spans = self.stack.settled_spans(lambda s: s.kind == "server" and "in-a-unit" in s.target, 1)
            self.assertEqual([s.resource["service.name"] for s in spans], [unit])
        finally:
            subprocess.run(["systemctl", "stop", unit], check=True)


class Rules(TruthCase):
    options = {"agent_config": """
routes: [{service: go-server, patterns: ["/bytes/{n}", "/status/*"]}]
exchanges: {ignore: [{path: /slow/*}, {method: OPTIONS}, {user_agent: "kube-probe/*"}]}
"""}

    def test_routes_name_spans_and_metrics(self):
        server = servers.Go(self.stack)
        client = Client(server.port)
        for target in ("/bytes/1", "/bytes/2?q=1", "/status/404", "/echo"):
            client.ask("GET", target)
        client.close()
        spans = self.spans_of(server.port, "server", 4)
        self.assertEqual({(s.target, s.name, s.attributes.get("http.route"), s.attributes.get("wirespan.route.source")) for s in spans},
                         {("/bytes/1", "GET /bytes/{n}", "/bytes/{n}", "config"), ("/bytes/2?q=1", "GET /bytes/{n}", "/bytes/{n}", "config"),
                          ("/status/404", "GET /status/*", "/status/*", "config"), ("/echo", "GET", None, None)})
        count = lambda: {a.get("http.route"): int(p["count"]) for owner, a, p in self.stack.metric_points("http.server.request.duration")
                         if owner.get("process.pid") == server.child.pid}
        wait_for("metrics by route", lambda: count() == {"/bytes/{n}": 2, "/status/*": 1, None: 1})

    def test_ignored_exchanges_are_neither_spans_nor_metrics(self):
        server = servers.Go(self.stack)
        client = Client(server.port)
        client.ask("GET", "/slow/1")
        client.ask("OPTIONS", "/bytes/1")
        client.ask("GET", "/bytes/1?probe", headers={"User-Agent": "kube-probe/1.30"})
        client.ask("GET", "/bytes/1?kept")
        client.close()
        for kind in ("server", "client"):
            self.assert_same([("GET", "/bytes/1?kept", 200)], self.spans_of(server.port, kind, 1), kind)
        count = lambda: sum(int(p["count"]) for owner, _, p in self.stack.metric_points("http.server.request.duration")
                            if owner.get("process.pid") == server.child.pid)
        wait_for("one exchange in the metrics", lambda: count() == 1)

    def test_secrets_in_queries_stay_here(self):
        server = servers.Go(self.stack)
        client = Client(server.port)
        client.ask("GET", "/bytes/1?token=hush&page=2&X-Amz-Signature=hush&api%5Fkey=hush")
        client.close()
        for kind in ("server", "client"):
            (span,) = self.spans_of(server.port, kind, 1)
            self.assertNotIn("hush", str(span.raw), kind)
            self.assertIn("page=2", span.target)
            self.assertEqual(span.target.count("REDACTED"), 3, span.target)
        self.assertNotIn("hush", self.stack.agent.text())

    def test_a_traceparent_decides_trace_and_sampling(self):
        server = servers.Go(self.stack)
        client = Client(server.port)
        client.ask("GET", "/bytes/1?sampled", headers={"traceparent": f"00-{'a1' * 16}-{'b2' * 8}-01"})
        client.ask("GET", "/bytes/1?unsampled", headers={"traceparent": f"00-{'c3' * 16}-{'d4' * 8}-00"})
        client.ask("GET", "/bytes/1?behind")
        client.close()
        self.stack.settled_spans(lambda s: "behind" in s.target and s.port == server.port, 2)
        spans = {s.kind: s for s in self.stack.spans(lambda s: "?sampled" in s.target and s.port == server.port)}
        self.assertEqual({s.trace_id for s in spans.values()}, {"a1" * 16})
        self.assertEqual(spans["client"].parent_id, "b2" * 8)
        self.assertEqual(spans["server"].parent_id, spans["client"].span_id)
        self.assertEqual(self.stack.spans(lambda s: "?unsampled" in s.target), [])


class Sampling(TruthCase):
    options = {"agent_env": {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}}

    def test_both_ends_agree_and_metrics_count_all(self):
        first, second = servers.Python(self.stack), servers.Go(self.stack)
        client = Client(first.port)
        for i in range(120):
            url = second.url(f"/bytes/1?tag={i}").replace("?", "%3F").replace("=", "%3D")
            client.ask("GET", f"/call?url={url}")
        client.close()
        for server in (first, second):
            count = lambda: sum(int(p["count"]) for owner, _, p in self.stack.metric_points("http.server.request.duration")
                                if owner.get("process.pid") == server.child.pid)
            wait_for("all exchanges in the metrics", lambda: count() == 120)
        spans = self.stack.settled_spans(lambda s: s.port in (first.port, second.port), 4 * 30)
        by_trace = {}
        for span in spans:
            by_trace.setdefault(span.trace_id, []).append(span)
        # 120 traces of four spans each: wholly there or not at all.
        self.assertEqual({len(t) for t in by_trace.values()}, {4})
        self.assertTrue(30 <= len(by_trace) <= 90, len(by_trace))


if __name__ == "__main__":
    unittest.main(verbosity=2)
