"""GOAWAY of real servers, as it passed on the wire: streams above the last that was taken, connections that end under their calls, and codes
that are errors."""

import unittest

from plain import Nginx2
from programs import SERVICE, Client, Cpp, Go, Plain, Python
from truth import STATUS, STATUSES, GrpcCase, service_method
from wire import ENHANCE_YOUR_CALM, NO_ERROR, Wire

UNAVAILABLE = STATUSES.index("UNAVAILABLE")


class NginxThatLetsGo(Nginx2):
    """Takes 50 requests on a connection, says so by GOAWAY at the last, and answers no other."""

    name = "nginx-fifty"
    extra = "http2_max_concurrent_streams 1000; keepalive_requests 50;"


class NginxBeforeGrpc(Nginx2):
    """... before a gRPC server."""

    name = "nginx-grpc"

    def __init__(self, stack, behind, more=""):
        self.extra = f"http2_max_concurrent_streams 1000; {more} location /{SERVICE}/ {{ grpc_pass grpc://127.0.0.1:{behind.port}; }}"
        super().__init__(stack)


def by(span):
    return span.attributes.get("wirespan.reset.by"), span.attributes.get("wirespan.reset.code")


class NotTaken(GrpcCase):
    """nginx says which stream was its last, while the client has begun more."""

    def spans_at(self, kind, port, at_least):
        return self.stack.settled_spans(lambda s: s.kind == kind and s.port == port, at_least)

    def refused_by(self, wire, run):
        """The wire's connections, after as many runs (one, as a rule) as it takes until the server's word came too late for some stream."""
        for _ in range(5):
            run()
            if any(c.refused() for c in wire.connections()):
                break
        connections = wire.close()
        streams, refused = (sum(map(len, each)) for each in ([c.asked() for c in connections], [c.refused() for c in connections]))
        print(f"{refused} of {streams} streams on {len(connections)} connections were refused")
        self.assertGreater(refused, 0)
        return connections

    def check_refused(self, spans, connections, code):
        """Each stream of the wire once; those that were refused, and no others, say so."""
        self.assertEqual(len(spans), sum(len(c.asked()) for c in connections))
        refused = [s for s in spans if by(s)[0] == "goaway"]
        self.assertEqual(len(refused), sum(len(c.refused()) for c in connections))
        self.assertEqual({by(s)[1] for s in refused}, {code})
        return refused

    def check_unavailable(self, span):
        self.assertEqual((span.name, span.attributes.get(STATUS), span.attributes.get("error.type")), (service_method("Unary"), *["UNAVAILABLE"] * 2))
        self.assertIn("status", span.attributes["wirespan.inferred"])
        self.assertEqual(span.raw["status"]["code"], 2)

    def test_requests_above_the_last_stream(self):
        """x/net's client asks 64 at once; what nginx refused it asks again, on another connection: an attempt of its own, with its own span."""
        server = NginxThatLetsGo(self.stack)
        wire = Wire(server.port)
        client = Client(self.stack, Plain, server.port)
        self.addCleanup(client.child.stop)
        connections = self.refused_by(wire, lambda: client.run(method="GET", path="/text", count=300, concurrency=64))
        log = client.log()
        self.assertEqual({e["status"] for e in log}, {200})
        self.assertEqual({code for c in connections for _, code, _ in c.goaways()}, {NO_ERROR})

        spans = self.spans_at("client", server.port, sum(len(c.asked()) for c in connections))
        refused = self.check_refused(spans, connections, "NO_ERROR")
        for span in refused:
            self.assertEqual((span.status, span.attributes.get("error.type")), (0, "goaway"), span)
        answered = [s for s in spans if s not in refused]
        self.assertEqual(sorted((s.target, s.status) for s in answered), sorted((e["target"], 200) for e in log))
        for span in answered:
            self.assertNotIn("error.type", span.attributes, span)
        # The server's end: what it answered, once each; of what it refused, as much as it read.
        servers = self.spans_at("server", server.port, len(log))
        self.assertEqual(sorted(s.target for s in servers if s.status == 200), sorted(e["target"] for e in server.log()))
        rest = [s for s in servers if s.status != 200]
        self.assertEqual({(by(s), s.attributes.get("error.type")) for s in rest}, {(("goaway", "NO_ERROR"), "goaway")})
        self.assertLessEqual(len(rest), len(refused))

    def test_calls_above_the_last_stream(self):
        """Go's client retries once by itself what was not taken, under the same ids; each attempt is a call on the wire."""
        behind = self.server(Go)
        server = NginxBeforeGrpc(self.stack, behind, "keepalive_requests 50;")
        wire = Wire(server.port)
        client = self.client(Go, server)
        connections = self.refused_by(wire, lambda: client.run(method="Unary", count=300, concurrency=64, trace=1))
        told = {int(e["id"]): e["status"] for e in client.log()}
        taken = sorted(id for id, status in told.items() if status == 0)
        self.assertEqual(set(told.values()) - {0, UNAVAILABLE}, set())
        self.assertGreaterEqual(len(taken), 200)

        spans = self.spans({client.pid}, sum(len(c.asked()) for c in connections))
        refused = self.check_refused(spans, connections, "NO_ERROR")
        for span in refused:
            self.check_unavailable(span)
        good = [s for s in spans if s not in refused]
        self.assertEqual(sorted(int(s.trace_id[4:], 16) for s in good), taken)
        self.assertEqual({s.attributes.get(STATUS) for s in good}, {"OK"})
        self.assertTrue({int(s.trace_id[4:], 16) for s in refused} <= set(told))
        served = self.spans({behind.pid}, len(taken))
        self.assertEqual(sorted(int(s.trace_id[4:], 16) for s in served), taken)

    def test_a_code_that_is_an_error(self):
        """A header beyond nginx's bound costs the connection: ENHANCE_YOUR_CALM, with calls behind it that were not taken."""
        server = NginxBeforeGrpc(self.stack, self.server(Go))
        wire = Wire(server.port)
        client = self.client(Go, server)
        connections = self.refused_by(wire, lambda: client.run(method="Unary", count=12, concurrency=12, metadata=20 << 10, trace=1))
        log = {int(e["id"]): e for e in client.log()}
        self.assertEqual({code for c in connections for _, code, _ in c.goaways()}, {ENHANCE_YOUR_CALM})
        spans = self.spans({client.pid}, sum(len(c.asked()) for c in connections))
        self.check_refused(spans, connections, "ENHANCE_YOUR_CALM")
        self.assertEqual({e["status"] for e in log.values()}, {UNAVAILABLE})
        # Some calls fail inside the client, before a word of them is on the wire.
        self.assertTrue({int(s.trace_id[4:], 16) for s in spans} <= set(log))
        for span in spans:
            self.check_unavailable(span)


class CutOff(GrpcCase):
    """Calls that were taken, on connections that end before them."""

    def test_a_connection_that_is_too_old(self):
        """Two GOAWAYs and a time for calls to end; those that do not are UNAVAILABLE, and the next call has a connection of its own."""
        server = self.server(Go, age=2500, grace=700)
        wire = Wire(server.port)
        client = self.client(Go, server)
        ended = client.start(method="Unary", count=4, concurrency=4, trace=1, reply={"delay": 300})
        cut = client.start(method="Unary", count=4, concurrency=4, trace=1, reply={"delay": 20000})
        after = client.start(method="Unary", count=4, concurrency=4, trace=1)
        self.assertEqual([client.wait() for _ in range(3)], [4, 0, 4])
        connections = wire.close()
        self.assertEqual([code for _, code, _ in connections[0].goaways()], [NO_ERROR, NO_ERROR])
        self.assertEqual([last for last, _, _ in connections[0].goaways()][0], 0x7fffffff)
        self.assertEqual([len(c.asked()) for c in connections], [8, 4])
        self.check_ended(client, server, 12, {**dict.fromkeys([*ended, *after], "OK"), **dict.fromkeys(cut, "UNAVAILABLE")})

    def test_too_many_pings(self):
        """C++'s server does not let clients ping as they like: ENHANCE_YOUR_CALM, and the connection is over, with the calls on it."""
        server = self.server(Cpp, keepalive=0)
        wire = Wire(server.port)
        clients = [self.client(language, server, keepalive=1000) for language in (Cpp, Python)]
        ids = {}
        for client in clients:
            ids[client] = [client.start(method="Unary", count=3, trace=1), client.start(method="ServerStream", count=3, concurrency=3, trace=1,
                                                                                       reply={"messages": 2, "pause": 15000})]
        for client in clients:
            self.assertEqual([client.wait(), client.wait()], [3, 0], client.language.name)
        connections = wire.close()
        self.assertEqual([(code, text) for c in connections for _, code, text in c.goaways()], [(ENHANCE_YOUR_CALM, b"too_many_pings")] * 2)
        for connection in connections:
            self.assertGreaterEqual(len(connection.pings(of_client=True, quiet=0.7)), 3)
        for client in clients:
            good, bad = ids[client]
            self.check_ended(client, server, 6, {**dict.fromkeys(good, "OK"), **dict.fromkeys(bad, "UNAVAILABLE")})

    def check_ended(self, client, server, count, want):
        """Each call once at each end, with this status: the client's own, and the server's end says the same."""
        told = {int(e["id"]): STATUSES[e["status"]] for e in client.log()}
        self.assertEqual(told, want)
        clients = self.spans({client.pid}, count)
        traces = {s.trace_id for s in clients}
        servers = self.stack.settled_spans(lambda s: s.pid == server.pid and s.trace_id in traces, count)
        for spans in (clients, servers):
            self.assertEqual({int(s.trace_id[4:], 16): s.attributes.get(STATUS) for s in spans}, want)
            self.assertEqual(len(spans), count)
            for span in spans:
                self.assertEqual(span.attributes.get("error.type"), None if span.attributes[STATUS] == "OK" else "UNAVAILABLE", span)


if __name__ == "__main__":
    unittest.main(verbosity=2)
