"""What the commands and the agent's own numbers say of HTTP/2 and gRPC: calls in `watch`, streams under way, the process filter."""

import importlib.util
import json
import pathlib
import unittest

from programs import Client, Cpp, Go, Server, wait_for
from stack import Stack
from truth import ALWAYS, GrpcCase, service_method

# robust/ has a module of this name too, which other tests here use.
spec = importlib.util.spec_from_file_location("commands_support", pathlib.Path(__file__).resolve().parents[1] / "commands" / "support.py")
commands = importlib.util.module_from_spec(spec)
spec.loader.exec_module(commands)

NOT_FOUND = 5


class Shown(GrpcCase):
    def setUp(self):
        self.socket = self.stack.folder / "control.sock"

    def watch(self, *arguments):
        watcher = commands.Watcher("--socket", self.socket, *arguments, agent_metrics=self.stack.self_metrics)
        self.addCleanup(watcher.stop)
        return watcher

    def explained(self, pid):
        ended = commands.agent("explain", "--socket", self.socket, "--json")
        self.assertEqual(ended.code, 0, ended.err)
        return next(process for process in json.loads(ended.out)["processes"] if process["pid"] == pid)

    def test_watch_shows_calls_as_the_programs_know_them(self):
        server = self.server(Go)
        client = self.client(Cpp, server)
        lines = self.watch("--port", server.port, "--json")
        not_found = self.watch("--port", server.port, "--status", "NOT_FOUND")
        ids = [*client.run(method="Unary", count=3, trace=1, size=70, reply={"size": 30}),
               *client.run(method="Unary", count=2, trace=1, size=70, reply={"status": NOT_FOUND, "text": "nothing", "messages": 0}),
               *client.run(method="Bidi", count=1, trace=1, messages=4, size=10, reply={"size": 20})]
        lines.expect(2 * len(ids))
        asked = {int(e["id"]): e for e in client.log()}
        seen = set()
        for line in lines.exchanges():
            entry = asked[int(line["trace_id"][4:], 16)]
            pid = server.pid if line["side"] == "server" else client.pid
            self.assertEqual((line["pid"], line["rpc_method"], line["rpc_status"]), (pid, entry["method"], entry["status"]), line)
            self.assertEqual((line["request_messages"], line["request_bytes"]), (entry["sent_messages"], entry["sent_bytes"]), line)
            self.assertEqual((line["response_messages"], line["response_bytes"]), (entry["received_messages"], entry["received_bytes"]), line)
            seen.add((int(entry["id"]), line["side"]))
        self.assertEqual(seen, {(id, side) for id in ids for side in ("client", "server")})
        rows = not_found.expect(1 + 2 * 2)[1:]
        for row in rows:
            self.assertIn("NOT_FOUND", row)
            self.assertIn(f"/{service_method('Unary')}", row)

    def test_a_stream_under_way_is_explained_and_measured(self):
        server = self.server(Go)
        client = self.client(Go, server)
        client.run(method="Unary", count=1, trace=1)
        self.assertEqual(self.explained(server.pid)["open_streams"], 0)
        before = self.stack.self_metrics()["wirespan_streams_open"]
        client.start(method="ServerStream", count=2, concurrency=2, trace=1, reply={"messages": 31, "pause": 100})
        wait_for("the gauge", lambda: self.stack.self_metrics()["wirespan_streams_open"] == before + 2 * 2)
        for pid in (client.pid, server.pid):
            self.assertEqual(self.explained(pid)["open_streams"], 2)
            wait_for("a second of it", lambda: self.explained(pid)["oldest_stream_seconds"] >= 1)
            self.assertRegex(commands.agent("explain", "--socket", self.socket, pid).out, r"    under way: 2 HTTP/2 streams, the oldest for [1-9]\d* s\n")
        client.wait()
        wait_for("the gauge to fall", lambda: self.stack.self_metrics()["wirespan_streams_open"] == before)
        for pid in (client.pid, server.pid):
            self.assertEqual(self.explained(pid)["open_streams"], 0)
        spans = self.spans({client.pid, server.pid}, 2 * 3)
        self.assertEqual(sorted(s.name for s in spans), sorted(2 * [service_method("Unary")] + 4 * [service_method("ServerStream")]))


class Excluded(unittest.TestCase):
    """The kernel leaves a process out by its rule, whatever it speaks."""

    def test_a_server_that_a_rule_excludes(self):
        stack = Stack(f"capture: {{handover: 0s, filter: {{exclude: [{{command_line: '*grpc-serve*'}}]}}}}\n{ALWAYS}")
        try:
            server = Server(stack, Go)
            client = Client(stack, Go, server.port)
            client.run(method="Unary", count=20, trace=1)  # by now the verdict is the kernel's
            before = self.excluded(stack)
            client.run(method="Unary", count=200, trace=1)
            spans = stack.settled_spans(lambda s: s.port == server.port, 220)
            self.assertEqual([s for s in spans if s.kind == "server"], [])
            self.assertEqual([s.name for s in spans], [service_method("Unary")] * 220)
            # A read and a write a call, at least.
            wait_for("the kernel's count", lambda: self.excluded(stack) - before >= 2 * 200)
        finally:
            self.assertEqual(stack.close(), 0)

    def excluded(self, stack):
        return stack.self_metrics()['wirespan_kernel_calls_total{count="ignored",reason="excluded"}']


if __name__ == "__main__":
    unittest.main(verbosity=2)
