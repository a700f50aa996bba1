"""Channels that were open before the agent came: what it missed of HPACK stays unknown until the client tells it again, and is never wrong."""

import collections
import signal
import unittest

from isolated import IsolatedStack
from programs import QUICK, SLOW, Client, Cpp, Go, Java, Node, Plain, Python, Server, needs, wait_for
from truth import ALWAYS, STATUS, method_of, path_of, service_method

# What clients do with a :path that they have sent before (read from their sources, seen on the wire):
LITERAL = (Node,)  # nghttp2 writes it out each time
REINDEXING = (Go, Java)  # in the table, from which other headers push it out in time
INDEXING = (Cpp, Python)  # in the table, and nothing pushes it out


class Old:
    """A channel on which all methods were called before the agent came."""

    def __init__(self, stack, server, language, **more):
        self.server, self.more = server, more
        self.client = Client(stack, language, server.port)
        for method in ("Unary", "ServerStream", "ClientStream", "Bidi"):
            self.client.run(method=method, count=20, concurrency=4, log=0, **more)

    def call(self, **words):
        return self.client.run(**{**self.more, **words})


class OlderCase(unittest.TestCase):
    maxDiff = 4000

    def open(self, languages, server_language=Go, **more):
        self.stack = IsolatedStack(ALWAYS, start_agent=False)
        self.addCleanup(self.close)
        self.server = Server(self.stack, server_language)
        return [Old(self.stack, self.server, language, **more) for language in languages]

    def close(self):
        code = self.stack.close()
        self.assertEqual(code, 0, self.stack.agent.text()[-3000:] if self.stack.agent else "")

    def spans(self, pid, kind, at_least):
        return self.stack.settled_spans(lambda s: s.pid == pid and s.kind == kind, at_least)

    def spans_of(self, old, count):
        """Recall and precision of one client's calls since the agent came, at both ends, by the wire's names; in their order."""
        clients = sorted(self.spans(old.client.pid, "client", count), key=lambda s: s.start)
        self.assertEqual(len(clients), count, f"{old.client.language.name}, client")
        return clients

    def check_never_wrong(self, spans, want):
        """A path is right, or unknown and says so. `want`: how many calls of each method were made."""
        for span in spans:
            if method_of(span):
                self.assertEqual(span.name, method_of(span), span)
            else:  # that it is gRPC may be unknown, too
                self.assertIn("hpack", span.attributes.get("wirespan.incomplete", ""), span)
                self.assertIn(span.name, ("grpc", "POST", "HTTP"), span)
        for method, count in collections.Counter(filter(None, map(path_of, spans))).items():
            self.assertLessEqual(count, want.get(method, 0), method)


class Shares(OlderCase):
    def check(self, languages, server_language, **more):
        """300 calls of each; each call is told, at both ends; returns for each language how many paths of the first 100 and of the others are known."""
        olds = self.open(languages, server_language, **more)
        self.stack.start_agent()
        names = ("Unary", "ServerStream", "ClientStream", "Bidi")
        share = {}
        for old in olds:
            for _ in range(25):  # in turn, so that each method has its share of any hundred
                for name in names:
                    old.call(method=name, count=3)
        want = {service_method(name): 75 for name in names}
        for old in olds:
            spans = self.spans_of(old, 300)
            self.check_never_wrong(spans, want)
            share[old.client.language] = tuple(sum(1 for s in part if path_of(s)) / len(part) for part in (spans[:100], spans[100:]))
        servers = self.spans(self.server.pid, "server", 300 * len(olds))
        self.assertEqual(len(servers), 300 * len(olds))
        self.check_never_wrong(servers, {name: 75 * len(olds) for name in want})
        self.assertEqual({s.trace_id for s in servers}, {s.trace_id for old in olds for s in self.spans_of(old, 300)})
        print({language.name: f"{first:.0%}, then {later:.0%} known" for language, (first, later) in share.items()})
        return share

    def check_known(self, share, languages):
        for language in languages:
            if language in LITERAL:
                self.assertGreaterEqual(share[language][0], 0.9, language.name)
            if language in LITERAL + REINDEXING:
                self.assertGreaterEqual(share[language][1], 0.9, language.name)


class Older(Shares):
    def test_each_call_is_different(self):
        """Ids and contexts go into the tables of Go's client, and push the path out of it."""
        self.check_known(self.check(QUICK, Go, trace=1), QUICK)

    def test_every_call_is_the_same(self):
        """Nothing changes in the tables any more: the paths may stay unknown, every call is told."""
        self.check(QUICK, Cpp, bare=1, trace=0)

    def test_new_channels_beside_old_ones_are_whole(self):
        (old,) = self.open((Go,), Python, bare=1, trace=0)
        self.stack.start_agent()
        fresh = Client(self.stack, Go, self.server.port)
        fresh.run(method="Unary", count=20, trace=1)
        old.call(method="Unary", count=20)
        spans = self.spans(fresh.pid, "client", 20)
        self.assertEqual([(s.name, s.attributes.get(STATUS)) for s in spans], [(service_method("Unary"), "OK")] * 20)
        for span in spans:
            self.assertNotIn("wirespan.incomplete", span.attributes, span)

    def test_a_stream_that_was_open_when_the_agent_came(self):
        """Its request was not seen: it is no call that we know the begin of. Those after it are."""
        (old,) = self.open((Go,), Go, trace=1)
        ids = old.client.start(method="ServerStream", count=2, concurrency=2, trace=1, reply={"messages": 30, "pause": 100})
        self.stack.start_agent()
        later = Client(self.stack, Go, self.server.port)
        later.run(method="Unary", count=20, trace=1)
        old.client.wait()
        old.call(method="Unary", count=20)
        traces = {f"7e57{id:028x}" for id in ids}
        spans = self.spans(old.client.pid, "client", 20)
        self.assertEqual([s for s in spans if s.trace_id in traces], [], "a stream whose begin nobody saw")
        self.assertEqual(len(spans), 20)


@needs("npm", "mvn")
class OlderSlow(Shares):
    """Node's and Java's clients."""

    def test_each_call_is_different(self):
        self.check_known(self.check(SLOW, Go, trace=1), SLOW)

    def test_every_call_is_the_same(self):
        self.check(SLOW, Java, bare=1, trace=0)


class OlderPlain(OlderCase):
    """x/net's client: a new target each time, so each path is literal; the rest of the head is in the table."""

    def test_paths_that_differ(self):
        self.stack = IsolatedStack(ALWAYS, start_agent=False)
        self.addCleanup(self.close)
        self.server = Server(self.stack, Plain)
        client = Client(self.stack, Plain, self.server.port)
        client.run(method="GET", path="/bytes/10", count=50, concurrency=8)
        self.stack.start_agent()
        ids = client.run(method="GET", path="/bytes/10", count=200, concurrency=8)
        truth = collections.Counter(("GET", f"/bytes/10?n={id}", 200) for id in ids)
        for pid, kind in ((client.pid, "client"), (self.server.pid, "server")):
            spans = self.spans(pid, kind, 200)
            self.assertEqual(collections.Counter((s.method, s.target, s.status) for s in spans), truth, kind)


class Restarts(OlderCase):
    def check(self, languages, server_language):
        """Every client's channel is older than the second agent, and younger than the first. Each call of before and after is told once at each
        end, by its name."""
        self.stack = IsolatedStack(ALWAYS, handover=True)
        self.addCleanup(self.close)
        self.server = Server(self.stack, server_language)
        clients = [Client(self.stack, language, self.server.port) for language in languages]
        for client in clients:
            client.run(method="Unary", count=20, bare=1)
            client.run(method="Bidi", count=20, bare=1)
        wait_for("the first spans", lambda: len(self.stack.spans()) >= 2 * 40 * len(clients))
        self.check_told(clients, {"Unary": 20, "Bidi": 20})
        first = self.stack.agent.stop(signal.SIGTERM)
        self.assertEqual(first, 0)
        self.stack.start_agent()
        for client in clients:
            client.run(method="Unary", count=30, bare=1)
            client.run(method="Bidi", count=10, bare=1)
        self.check_told(clients, {"Unary": 50, "Bidi": 30})

    def check_told(self, clients, counts):
        want = collections.Counter({service_method(name): count for name, count in counts.items()})
        total, ends = sum(counts.values()), {}
        for client in clients:
            ends[client.language.name] = self.spans(client.pid, "client", total), want
        all_of_them = collections.Counter({name: count * len(clients) for name, count in want.items()})
        ends["the server"] = self.spans(self.server.pid, "server", total * len(clients)), all_of_them
        for end, (spans, calls) in ends.items():
            self.assertEqual(collections.Counter(map(method_of, spans)), calls, end)
            self.assertEqual({s.attributes.get(STATUS) for s in spans}, {"OK"}, end)
            self.assertEqual(len({s.attributes["wirespan.wire_id"] for s in spans}), len(spans), f"{end}: a call told twice")


class Restarted(Restarts):
    def test_paths_are_known_after_a_graceful_restart(self):
        self.check(QUICK, Go)


@needs("npm", "mvn")
class RestartedSlow(Restarts):
    """Java's and Node's ends, with each other and with those of the first three."""

    def test_node(self):
        self.check(QUICK + SLOW, Node)

    def test_java(self):
        self.check(QUICK + SLOW, Java)


if __name__ == "__main__":
    unittest.main(verbosity=2)
