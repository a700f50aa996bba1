"""Events of HTTP/2 connections are lost: what is told is right, what is not told is in the ledger, and the connections recover."""

import pathlib
import sys
import unittest

from programs import Client, Cpp, Go, Plain, Python, Server
from truth import ALWAYS, REQUEST, RESPONSE, STATUS, STATUSES, is_trace_of_an_id, method_of

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "robust"))

from isolated import only_our_ports  # noqa: E402
from support import Strained, assert_ledger, family, stopped  # noqa: E402

SmallRings = only_our_ports(Strained)


class LossCase(unittest.TestCase):
    maxDiff = 4000

    def strain(self):
        self.stack = SmallRings(ALWAYS, capture="ring_bytes: 64KiB", body_sizes=True)
        self.addCleanup(self.end)

    def end(self):
        code = self.stack.close()
        self.assertEqual(code, 0, self.stack.last_words)

    def kernel_dropped(self):
        return family(self.stack.self_metrics(), "wirespan_kernel_calls_total", count="dropped")

    def lose(self, clients, **words):
        """The agent gets no CPU while the clients are at it: its rings overflow."""
        before = self.kernel_dropped()
        for client in clients:
            client.start(**words)
        for client in clients:
            with stopped(self.stack.agent):
                client.wait()
        assert_ledger(self, self.stack.settle())
        self.assertGreater(self.kernel_dropped(), before + 1000)


class Grpc(LossCase):
    def check_right(self, span, asked):
        """What a span says is what its program says, or it confesses that it does not know."""
        attributes = span.attributes
        confessed = attributes.get("wirespan.incomplete", "").split(",")
        inferred = attributes.get("wirespan.inferred", "").split(",")
        if method_of(span) is None:
            self.assertIn("hpack", confessed, span)
            self.assertNotIn("/", span.name, span)
        if not is_trace_of_an_id(span.trace_id):
            return False  # which call it is was lost
        entry = asked.get(int(span.trace_id[4:], 16))
        self.assertIsNotNone(entry, f"a call that nobody made: {span}")
        if method_of(span) is not None:
            self.assertEqual((span.name, method_of(span)), (entry["method"], entry["method"]), span)
        status = attributes.get(STATUS)
        if status is not None and "status" not in inferred:
            self.assertEqual(status, STATUSES[entry["status"]], (span, entry))
        for names, part, what in ((REQUEST, "sent", "request_body"), (RESPONSE, "received", "response_body")):
            for name, count in zip(names, (entry[f"{part}_messages"], entry[f"{part}_bytes"])):
                if name in attributes:
                    (self.assertLessEqual if what in confessed else self.assertEqual)(attributes[name], count, (name, span, entry))
        return True

    def test_no_wrong_call(self):
        self.strain()
        server = Server(self.stack, Go)
        clients = [Client(self.stack, language, server.port) for language in (Go, Cpp, Python)]
        for client in clients:
            client.run(method="Unary", count=50, concurrency=8, trace=1)
        self.lose(clients, method="Unary", count=1500, concurrency=32, trace=1, reply={"size": 300})
        self.lose(clients, method="Bidi", count=60, concurrency=16, messages=40, size=500, trace=1, reply={"size": 700})
        healing = [client.run(method="Unary", count=200, concurrency=4, trace=1) for client in clients]
        after = [client.run(method="Unary", count=100, concurrency=4, trace=1, reply={"status": 5, "messages": 0}) for client in clients]
        assert_ledger(self, self.stack.settle())
        asked = {int(e["id"]): e for client in clients for e in client.log()}
        pids = {server.pid} | {client.pid for client in clients}
        seen = {}
        for span in self.stack.settled_spans(lambda s: s.pid in pids, 1):
            if self.check_right(span, asked):
                id = int(span.trace_id[4:], 16)
                self.assertNotIn((id, span.kind), seen, f"twice: {span}")
                seen[id, span.kind] = span
        for client, first, ids in zip(clients, healing, after):
            told = [(id, kind) for id in ids for kind in ("client", "server") if (id, kind) in seen]
            self.assertEqual(len(told), 2 * len(ids), f"{client.language.name}: calls after the loss")
            for key in told:
                self.assertEqual(seen[key].attributes.get(STATUS), "NOT_FOUND", seen[key])
            known = sum(1 for id in ids if method_of(seen[id, "client"]))
            print(f"{client.language.name}: of {2 * len(first)} ends just after the loss "
                  f"{sum(1 for id in first for k in ('client', 'server') if (id, k) in seen)} are told; then the path of {known} of {len(ids)} is known")
            if client.language is Go:  # pushes its tables' entries out, and so tells them again
                self.assertGreaterEqual(known, 0.9 * len(ids))


class Http(LossCase):
    def test_no_wrong_request(self):
        self.strain()
        server = Server(self.stack, Plain)
        clients = [Client(self.stack, Plain, server.port) for _ in range(3)]
        for client in clients:
            client.run(method="GET", path="/bytes/100", count=50, concurrency=8)
        self.lose(clients, method="GET", path="/bytes/2000", count=3000, concurrency=32)
        self.lose(clients, method="POST", path="/echo", body=40000, count=100, concurrency=16)
        for client in clients:
            client.run(method="GET", path="/bytes/10", count=100, concurrency=4)
        after = [client.run(method="PUT", path="/echo", body=10, count=100, concurrency=4) for client in clients]
        assert_ledger(self, self.stack.settle())
        truth = {(e["method"], e["target"]): e for client in clients for e in client.log()}
        pids = {server.pid} | {client.pid for client in clients}
        seen = set()
        for span in self.stack.settled_spans(lambda s: s.pid in pids, 1):
            confessed = span.attributes.get("wirespan.incomplete", "").split(",")
            if "url.path" not in span.attributes and "url.full" not in span.attributes:
                self.assertIn("hpack", confessed, span)
                continue
            entry = truth.get((span.method, span.target))
            self.assertIsNotNone(entry, f"a request that nobody made: {span}")
            if span.status == 0:  # its response was lost, which is not the same as none
                self.assertTrue({"response_head", "hpack"} & set(confessed), (span, entry))
            else:
                self.assertEqual(span.status, entry["status"], (span, entry))
            for name, part, what in (("http.request.body.size", "sent", "request_body"), ("http.response.body.size", "received", "response_body")):
                if name in span.attributes:
                    (self.assertLessEqual if what in confessed else self.assertEqual)(span.attributes[name], entry[part], (name, span, entry))
            self.assertNotIn((span.method, span.target, span.kind), seen, f"twice: {span}")
            seen.add((span.method, span.target, span.kind))
        for ids in after:
            want = {("PUT", f"/echo?n={id}", kind) for id in ids for kind in ("client", "server")}
            self.assertEqual(want - seen, set(), "requests after the loss")


if __name__ == "__main__":
    unittest.main(verbosity=2)
