"""gRPC between real clients and servers of five languages: each call once at each end, exact."""

import collections
import signal
import unittest

from programs import QUICK, SLOW, Cpp, Go, Java, Node, Python, needs, wait_for
from truth import STATUS, GrpcCase, Truth, service_method

NOT_FOUND, MIB = 5, 1 << 20


def start_everything(truth):
    """Every kind of call of one client; returns how many commands that are."""
    start = truth.start
    start(method="Unary", count=200, concurrency=32, size=100, step=1, trace=0, reply={"size": 50})
    start(method="Unary", count=60, concurrency=32, reply={"delay": 20})
    # Streams of a second, some at a time.
    start(method="ServerStream", count=3, concurrency=3, reply={"messages": 11, "pause": 100, "size": 3000})
    start(method="ClientStream", count=3, concurrency=3, messages=11, pause=100, size=2000)
    start(method="Bidi", count=3, concurrency=3, messages=11, pause=100, size=70)
    # Quiet for longer than the second after which servers ping.
    start(method="ServerStream", count=2, concurrency=2, reply={"messages": 2, "pause": 2500})
    start(method="Unary", count=4, concurrency=4, deadline=400, given_up=True, reply={"delay": 2000})
    start(method="Unary", count=4, concurrency=4, cancel=120, given_up=True, reply={"delay": 2000})
    start(method="Unary", count=4, reply={"status": NOT_FOUND, "text": "nothing", "messages": 0})
    start(method="Unary", count=4, loose=True, reply={"status": NOT_FOUND, "text": "nothing", "early": 1})
    start(method="ServerStream", count=2, reply={"status": NOT_FOUND, "text": "nothing", "messages": 3, "trailers": 900})
    start(method="Unary", count=2, concurrency=2, size=8 * MIB, reply={"size": 8 * MIB})
    start(method="Unary", count=4, concurrency=2, metadata=20 << 10, reply={"metadata": 20 << 10})
    start(method="Unary", count=50, concurrency=8)  # after all that: the tables of both ends are still in step
    return 14


class Crosswise:
    """Every client with every server. One test a server, whose clients come all at once."""

    languages = ()

    def check_server(self, server):
        server = self.server(server)
        truths = [Truth(self, server, self.client(language, server)) for language in self.languages]
        commands = {truth: start_everything(truth) for truth in truths}
        for truth, count in commands.items():
            for _ in range(count):
                truth.client.wait()
        pids = {server.pid} | {truth.client.pid for truth in truths}
        total = 2 * sum(len(truth.asked) for truth in truths)
        spans = self.spans(pids, total, 60)
        for truth in truths:
            truth.check(spans)
        self.assertEqual(len(spans), total)
        self.check_metrics(server, truths)
        server.child.stop()
        self.assertEqual(server.child.process.returncode, 143 if server.language is Java else 0)

    def check_metrics(self, server, truths):
        """RED metrics count the same calls."""
        want = collections.Counter((truth.client.pid, e["method"]) for truth in truths for e in truth.client.log())
        want += collections.Counter((server.pid, e["method"]) for e in server.log())
        def counted():
            have = collections.Counter()
            for name in ("rpc.client.call.duration", "rpc.server.call.duration"):
                for owner, attributes, point in self.stack.metric_points(name):
                    self.assertIn(STATUS, attributes)
                    if owner.get("process.pid") in {pid for pid, _ in want}:
                        have[owner["process.pid"], attributes["rpc.method"]] += int(point["count"])
            return have
        wait_for("metrics of the calls", lambda: counted() == want)


class QuickCrosswise(Crosswise, GrpcCase):
    languages = QUICK

    def test_go(self):
        self.check_server(Go)

    def test_cpp(self):
        self.check_server(Cpp)

    def test_python(self):
        self.check_server(Python)


@needs("npm", "mvn")
class FullCrosswise(Crosswise, GrpcCase):
    """Node and Java with all five; and the first three as clients of those two."""

    languages = QUICK + SLOW

    def test_node(self):
        self.check_server(Node)

    def test_java(self):
        self.check_server(Java)


@needs("npm", "mvn")
class SlowClients(Crosswise, GrpcCase):
    languages = SLOW

    def test_go(self):
        self.check_server(Go)

    def test_cpp(self):
        self.check_server(Cpp)

    def test_python(self):
        self.check_server(Python)


class Endings(GrpcCase):
    """How connections end, and what happens on them beside calls."""

    def test_pings_between_messages(self):
        """Servers ping each second; a stream is quiet for 2.5 s."""
        truths = []
        for language in QUICK:
            server = self.server(language)
            truths.append(Truth(self, server, self.client(language, server)))
        for truth in truths:
            truth.start(method="Unary", count=3)
            truth.start(method="ServerStream", count=2, concurrency=2, reply={"messages": 2, "pause": 2500})
            truth.start(method="Unary", count=10)
        for truth in truths:
            for _ in range(3):
                truth.client.wait()
        self.finished(*truths)

    def test_goaway_lets_calls_end(self):
        """SIGTERM: the server says GOAWAY and ends when its calls have ended. A call after that finds nobody, and is none on the wire."""
        truths = []
        for language in QUICK:
            server = self.server(language)
            truths.append(Truth(self, server, self.client(Go, server)))
        for truth in truths:
            truth.start(method="Unary", count=5)
            truth.client.wait()
            truth.start(method="ServerStream", count=4, concurrency=4, reply={"messages": 3, "pause": 500})
        wait_for("all streams to be open at both ends", lambda: self.stack.self_metrics()["wirespan_exchanges_open"] >= 2 * 4 * len(truths))
        for truth in truths:
            truth.server.child.process.send_signal(signal.SIGTERM)
        for truth in truths:
            self.assertEqual(truth.client.wait(), 4)
            self.assertEqual(truth.server.child.process.wait(20), 0)
            late = truth.client.start(method="Unary", count=1, trace=1)
            self.assertEqual(truth.client.wait(), 0)
            entry = truth.client.log()[-1]
            self.assertEqual((int(entry["id"]), entry["status"]), (late[0], 14))
        self.finished(*truths)

    def test_a_server_that_is_killed(self):
        """Calls under way end as UNAVAILABLE at the client, and are told at once."""
        server = self.server(Go)
        client = self.client(Go, server)
        client.run(method="Unary", count=3, trace=1)
        ids = client.start(method="Unary", count=4, concurrency=4, trace=1, reply={"delay": 20000})
        wait_for("the calls to be open at both ends", lambda: self.stack.self_metrics()["wirespan_exchanges_open"] >= 8)
        server.child.process.kill()
        self.assertEqual(client.wait(), 0)
        entries = {int(e["id"]): e for e in client.log()}
        spans = self.spans({client.pid}, 7)
        self.assertEqual(len(spans), 7)
        killed = [s for s in spans if int(s.trace_id[4:], 16) in ids]
        self.assertEqual(len(killed), 4)
        for span in killed:
            self.assertEqual(entries[int(span.trace_id[4:], 16)]["status"], 14)
            self.assertEqual((span.name, span.attributes.get(STATUS)), (service_method("Unary"), "UNAVAILABLE"), span)
            self.assertIn("status", span.attributes.get("wirespan.inferred", ""), span)
            self.assertLessEqual(span.duration_ms, entries[int(span.trace_id[4:], 16)]["ms"] + 1, span)


if __name__ == "__main__":
    unittest.main(verbosity=2)
