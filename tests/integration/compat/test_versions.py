"""An agent with the gateway of another version, both ways. What can differ is the wire: OTLP by gRPC and by HTTP, the attributes of spans and metrics
that the store and the page read, and what an agent says of itself (docs/self-report.md).

The other version is WIRESPAN_OTHER_COMMIT; else the newest tag that is not this commit; else an early commit whose agents report themselves. It is built
in build/compat the first time, as a release is, which takes as long as that does."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

INTEGRATION = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(INTEGRATION / "truth"))
from stack import BIN, Child, answers, free_port, wait_for  # noqa: E402

ROOT = INTEGRATION.parents[1]
FIRST = "7643aff"
REQUESTS = 50


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def other_commit():
    if named := os.environ.get("WIRESPAN_OTHER_COMMIT"):
        return git("rev-parse", named)
    here = git("rev-parse", "HEAD")
    tags = [git("rev-parse", f"{tag}^{{commit}}") for tag in git("tag", "--merged", "HEAD", "--sort=-creatordate").split()]
    return next((commit for commit in tags if commit != here), git("rev-parse", FIRST))


def build(commit):
    """The folder of its binaries."""
    folder = ROOT / "build" / "compat" / commit[:12]
    if not (folder / "ready").exists():
        source = folder / "source"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True)
        archive = subprocess.run(["git", "-C", ROOT, "archive", commit], capture_output=True, check=True).stdout
        subprocess.run(["tar", "-C", source, "-xf", "-"], input=archive, check=True)
        for command in (["cmake", "--preset", "release"], ["ninja", "-C", "build/release", "-j", os.environ.get("WIRESPAN_JOBS", "2"), "wirespan-agent", "wirespan-gateway"]):
            made = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
            if made.returncode:
                raise AssertionError(made.stdout[-3000:] + made.stderr[-3000:])
        for program in ("wirespan-agent", "wirespan-gateway"):
            shutil.copy(source / "build" / "bin" / program, folder / program)
        shutil.rmtree(source)
        (folder / "ready").touch()
    return folder


class Versions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.other = build(other_commit())

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wirespan-versions-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def child(self, name, command, **more):
        child = Child(name, command, self.folder, **more)
        self.addCleanup(child.stop)
        return child

    def start(self, agent, gateway, protocol):
        grpc, http, self.query, health, self.counts, self.admin, server = (free_port() for _ in range(7))
        (self.folder / "gateway.yaml").write_text(f"""
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{grpc}"}}, http: {{endpoint: "127.0.0.1:{http}"}}}}}}}}
exporters: {{store: {{directory: "{self.folder}/store", query: {{endpoint: "127.0.0.1:{self.query}"}}}}}}
extensions: {{health_check: {{endpoint: "127.0.0.1:{health}"}}}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{address: "127.0.0.1:{self.counts}"}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [store]}}, metrics: {{receivers: [otlp], exporters: [store]}}}}
""")
        endpoint = f"http://127.0.0.1:{grpc if protocol == 'grpc' else http}"
        (self.folder / "agent.yaml").write_text(f"""
admin: {{listen: "127.0.0.1:{self.admin}"}}
metrics: {{listen: "127.0.0.1:{free_port()}"}}
control: {{socket: "{self.folder}/control.sock"}}
node: {{other_agents: ignore}}
export: {{endpoint: "{endpoint}", protocol: {protocol}}}
capture: {{filter: {{include_ports: [{server}]}}}}
""")
        self.child("gateway", [gateway / "wirespan-gateway", "--config", self.folder / "gateway.yaml"])
        wait_for("the gateway", lambda: answers(health))
        self.child("server", [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", self.folder, str(server)])
        wait_for("the server", lambda: answers(server))
        self.child("agent", [agent / "wirespan-agent", "run", "--config", self.folder / "agent.yaml"], env={"OTEL_METRIC_EXPORT_INTERVAL": "1000"})
        wait_for("the agent", lambda: answers(self.admin, "/readyz"))
        return server

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.query}{path}", timeout=20) as answer:
            return json.load(answer)

    def page(self, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            return answer.read().decode()

    def servers_spans(self):
        """Those of our paths at the store, of the server's side."""
        found = set()
        for service in self.ask("/api/services")["data"] or []:
            end = int(time.time() * 1e6)
            for trace in self.ask(f"/api/traces?service={service}&limit=1000&start={end - 600_000_000}&end={end}")["data"]:
                for span in trace["spans"]:
                    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
                    if tags.get("span.kind") == "server" and str(tags.get("url.path", "")).startswith("/gateway.yaml"):
                        found.add((tags.get("url.path"), tags.get("url.query"), str(tags.get("http.response.status_code"))))
        return found

    def speak(self, agent, gateway, protocol):
        server = self.start(agent, gateway, protocol)
        for number in range(REQUESTS):
            self.request(server, f"/gateway.yaml?n={number}" if number % 2 else f"/gateway.yaml/{number}", 200 if number % 2 else 404)
        wait_for("each request's span", lambda: len(self.servers_spans()) >= REQUESTS)
        spans = self.servers_spans()
        self.assertEqual(len(spans), REQUESTS)
        self.assertEqual(sorted(status for _, _, status in spans), ["200"] * (REQUESTS // 2) + ["404"] * (REQUESTS // 2))

        def told():
            """What the agent says of itself, as this gateway understands it."""
            nodes = self.ask("/wirespan/api/coverage")["nodes"]
            return nodes if nodes and nodes[0]["ledger"]["reported"] >= REQUESTS and nodes[0]["processes"] else None
        node, = wait_for("the agent's word of itself", told)
        self.assertIn(True, [process["seen"] and bool(process["how"]) for process in node["processes"]])
        # Nothing was refused at either end.
        for line in self.page(self.counts).splitlines():
            if line.startswith(("otelcol_receiver_refused", "otelcol_exporter_send_failed")):
                self.assertEqual(float(line.rsplit(" ", 1)[1]), 0, line)
        for line in self.page(self.admin).splitlines():
            if line.startswith("wirespan_export") and ("rejected" in line or "dropped" in line) and not line.startswith("#"):
                self.assertEqual(float(line.rsplit(" ", 1)[1]), 0, line)

    def request(self, server, target, status):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server}{target}", timeout=20) as answer:
                answer.read()
                self.assertEqual(answer.status, status)
        except urllib.error.HTTPError as error:
            self.assertEqual(error.code, status)

    def test_this_agent_with_the_other_gateway(self):
        for protocol in ("grpc", "http/protobuf"):
            with self.subTest(protocol=protocol):
                self.speak(BIN, self.other, protocol)
                self.doCleanups()
                self.setUp()

    def test_the_other_agent_with_this_gateway(self):
        for protocol in ("grpc", "http/protobuf"):
            with self.subTest(protocol=protocol):
                self.speak(self.other, BIN, protocol)
                self.doCleanups()
                self.setUp()


if __name__ == "__main__":
    unittest.main()
