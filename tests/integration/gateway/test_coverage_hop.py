"""What an agent says of itself reaches the store through a real Collector as it does without one: the same ledger, the same processes."""

import http.server
import sys
import threading
import unittest
import urllib.request

from counterparts import BIN, Child, Collector, CounterpartTest, free_port, get_json, listens, wait_for
from stack import answers

REQUESTS = 300


class Tee(http.server.ThreadingHTTPServer):
    """OTLP/HTTP to two places; the first one's answer counts, and the second has to take it too."""

    def __init__(self, ports):
        self.ports = ports
        super().__init__(("127.0.0.1", 0), TeeHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class TeeHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kept = {name: self.headers[name] for name in ("Content-Type", "Content-Encoding") if name in self.headers}
        replies = []
        for port in self.server.ports:
            with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{self.path}", body, kept), timeout=30) as reply:
                replies.append((reply.status, reply.read(), reply.headers["Content-Type"]))
        status, answer, kind = replies[0]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


class CoverageHop(CounterpartTest):
    def store(self, name):
        """A gateway whose store keeps traces and agents' reports; its query port too."""
        folder = self.folder / name
        folder.mkdir()
        query = free_port()
        gateway = self.gateway_in(folder, f"  store: {{directory: {folder / 'store'}, query: {{endpoint: '127.0.0.1:{query}'}}}}\n")
        return gateway, query

    def gateway_in(self, folder, exporters):
        outer, self.folder = self.folder, folder
        try:
            gateway = self.everything(exporters, ["store"])
        finally:
            self.folder = outer
        gateway.end()
        gateway.config.write_text(gateway.config.read_text().replace("metrics: {receivers: [otlp], exporters: [file]}",
                                                                     "metrics: {receivers: [otlp], exporters: [store]}"))
        return gateway.start()

    def agent(self, endpoint):
        admin = free_port()
        config = self.folder / "agent.yaml"
        config.write_text(f"""
admin: {{listen: "127.0.0.1:{admin}"}}
metrics: {{listen: "127.0.0.1:{free_port()}"}}
control: {{socket: "{self.folder}/control.sock"}}
node: {{other_agents: ignore}}
""")
        agent = Child("agent", [BIN / "wirespan-agent", "run", "--config", config], self.folder,
                      env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_METRIC_EXPORT_INTERVAL": "1000"})
        self.addCleanup(agent.stop)
        wait_for("the agent to be ready", lambda: answers(admin, "/readyz"), 60)
        return agent

    @staticmethod
    def nodes(query):
        """Without what differs by the clock."""
        found = get_json(f"http://127.0.0.1:{query}/wirespan/api/coverage")["nodes"]
        return [{**node, "seen_at_us": None, "processes": sorted(node["processes"], key=lambda one: one["pid"])} for node in found]

    def test_the_hop_changes_nothing(self):
        (direct, direct_query), (behind, behind_query) = self.store("direct"), self.store("behind")
        collector = Collector(self.folder, f"""
exporters:
  otlp_http: {{endpoint: "http://127.0.0.1:{behind.http}", compression: none}}
""", "otlp_http")
        self.addCleanup(collector.child.stop)
        tee = Tee([direct.http, collector.http])
        self.addCleanup(tee.server_close)
        self.addCleanup(tee.shutdown)
        self.agent(f"http://127.0.0.1:{tee.server_port}")
        port = free_port()
        server = Child("server", [sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1"], self.folder, cwd=self.folder)
        self.addCleanup(server.stop)
        wait_for("the server", lambda: listens(port))
        for _ in range(REQUESTS):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                answer.read()

        def told():
            """Of both, once they agree and the report knows the server's part of the traffic."""
            without, with_hop = self.nodes(direct_query), self.nodes(behind_query)
            if without != with_hop or len(without) != 1 or without[0]["ledger"]["reported"] < REQUESTS:
                return None
            return without[0] if any(one["pid"] == server.pid for one in without[0]["processes"]) else None

        node = wait_for("one coverage at both", told, 60)
        ledger = node["ledger"]
        self.assertEqual(ledger["seen"], ledger["reported"] + sum(one["count"] for one in ledger["dropped"]))
        (seen,) = [one for one in node["processes"] if one["pid"] == server.pid]
        self.assertEqual((seen["seen"], seen["protocol"], seen["missing"]), (True, "http/1.1", ""))
        self.assertTrue(seen["how"])
        # And the spans came the same way.
        found = [get_json(f"http://127.0.0.1:{query}/api/traces?service={urllib.request.quote(seen['name'])}&limit=1000")["data"]
                 for query in (direct_query, behind_query)]
        ids = [{span["spanID"] for trace in traces for span in trace["spans"]} for traces in found]
        self.assertEqual(len(ids[0]), len(ids[1]))
        self.assertGreaterEqual(len(ids[0]), REQUESTS)
        self.assertEqual(ids[0], ids[1])


if __name__ == "__main__":
    unittest.main()
