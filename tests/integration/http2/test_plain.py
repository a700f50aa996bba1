"""HTTP/2 that is not gRPC: each exchange once at each end, by the logs of both."""

import itertools
import subprocess
import unittest

import plain
from cases import TruthCase, key
from clients import Client as OneConnection
from isolated import IsolatedStack
from plain import H2load, Nghttpd, Nginx2, curl
from programs import Client, Plain, Server, wait_for


def most_at_once(spans):
    turns = sorted([(s.start, 1) for s in spans] + [(s.end, -1) for s in spans])
    return max(itertools.accumulate(step for _, step in turns))


class PlainCase(TruthCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = IsolatedStack(body_sizes=True)

    def client(self, server):
        client = Client(self.stack, Plain, server.port)
        self.addCleanup(client.child.stop)
        return client

    def spans_at(self, kind, port, at_least, seconds=30.0):
        return self.stack.settled_spans(lambda s: s.kind == kind and s.port == port, at_least, seconds)

    def check_version(self, spans, version="2"):
        for span in spans:
            self.assertEqual(span.attributes.get("network.protocol.version"), version, span)
            self.assertEqual(span.name, span.method, span)
            self.assertNotIn("wirespan.incomplete", span.attributes, span)

    def check_joined(self, clients, servers):
        """Each server span has its client's as the parent, and its trace."""
        of = {s.span_id: s for s in clients}
        for span in servers:
            parent = of.get(span.parent_id)
            self.assertIsNotNone(parent, span)
            self.assertEqual((parent.target, parent.trace_id), (span.target, span.trace_id))
            self.assertEqual(span.attributes.get("wirespan.parent.method"), "wire")
        self.assertEqual(len({s.parent_id for s in servers}), len(servers))
        self.assertEqual(len({s.trace_id for s in servers}), len(servers))

    def check_h2load(self, server, load, log):
        self.assertEqual(len(load.statuses), len(load.asked))
        wait_for("the server's log", lambda: len(log()) >= len(load.asked))
        truth = [key(e) for e in log()]
        self.assertEqual(sorted(t[1] for t in truth), sorted(load.asked))
        clients, servers = (self.spans_at(kind, server.port, len(truth), 60) for kind in ("client", "server"))
        self.assert_same(truth, clients, f"h2load to {server.name}, client")
        self.assert_same(truth, servers, f"h2load to {server.name}, server")
        self.check_version(clients + servers)
        self.check_joined(clients, servers)
        # Each span is within h2load's own measure of that request; so the n-th longest is not longer than its n-th.
        for span, own in zip(sorted(s.duration_ms for s in clients), load.durations_ms):
            self.assertLessEqual(span, own + 1.0)


class Loaded(PlainCase):
    def test_nghttpd(self):
        server = Nghttpd(self.stack)
        load = H2load(self.stack, server, [f"/small.html?n={i}" for i in range(1000)], 4000)
        self.check_h2load(server, load, server.log)
        for kind in ("client", "server"):
            for span in self.spans_at(kind, server.port, 4000):
                self.assertEqual(span.attributes["http.response.body.size"], 615, span)

    def test_nghttpd_with_padding_and_trailers(self):
        server = Nghttpd(self.stack, "--padding=200", "--trailer=x-sum: 7")
        load = H2load(self.stack, server, [f"/small.html?n={i}" for i in range(400)] + [f"/missing?n={i}" for i in range(10)], 1640)
        self.check_h2load(server, load, server.log)
        for span in self.spans_at("client", server.port, 1640):
            if span.status == 200:
                self.assertEqual(span.attributes["http.response.body.size"], 615, span)

    def test_a_thousand_streams_at_once(self):
        server = Nghttpd(self.stack)
        load = H2load(self.stack, server, [f"/small.html?n={i}" for i in range(1000)], 4000, clients=1, streams=1000)
        self.check_h2load(server, load, server.log)
        clients = self.spans_at("client", server.port, 4000)
        # Until it knows the server's setting, it asks for 100.
        self.assertGreaterEqual(most_at_once(clients), 900)

    def test_nginx(self):
        server = Nginx2(self.stack)
        targets = [f"{path}?n={i}" for i in range(200) for path in ("/small.html", "/text", "/status/404", "/status/204", "/status/503")]
        load = H2load(self.stack, server, targets, 4000)
        self.check_h2load(server, load, server.log)

    def test_go(self):
        server = Server(self.stack, Plain)
        server.name, server.url = "go", lambda target: f"http://127.0.0.1:{server.port}{target}"
        targets = [f"/bytes/{i}?n={i}" for i in range(500)]
        load = H2load(self.stack, server, targets, 2000)
        self.check_h2load(server, load, server.log)
        for span in self.spans_at("server", server.port, 2000):
            self.assertEqual(span.attributes.get("http.response.body.size", 0), int(span.target.split("?n=")[1]), span)


class Clients(PlainCase):
    def finished(self, server, done):
        """`done`: of the client, as Client.log has it."""
        wait_for("the server's log", lambda: len(server.log()) == len(done))
        truth = [key(e) for e in done]
        self.assertEqual(sorted(t[:2] for t in truth), sorted(key(e)[:2] for e in server.log()))
        clients, servers = (self.spans_at(kind, server.port, len(truth)) for kind in ("client", "server"))
        self.assert_same(truth, clients, "client")
        self.assert_same(truth, servers, "server")
        self.check_joined(clients, servers)
        return clients, servers

    def test_go_to_go(self):
        server = Server(self.stack, Plain)
        client = self.client(server)
        for words in ({"method": "GET", "path": "/bytes/1000", "count": 500, "concurrency": 64},
                      {"method": "POST", "path": "/echo", "body": 300000, "count": 10, "concurrency": 5},
                      {"method": "PUT", "path": "/echo", "body": 1, "count": 10},
                      {"method": "GET", "path": "/bytes/5242880", "count": 4, "concurrency": 2},
                      {"method": "GET", "path": "/slow/150", "count": 20, "concurrency": 20},
                      {"method": "GET", "path": "/trickle/30", "count": 8, "concurrency": 8},
                      {"method": "GET", "path": "/status/404", "count": 5}, {"method": "DELETE", "path": "/status/204", "count": 5},
                      {"method": "HEAD", "path": "/bytes/50", "count": 5}, {"method": "GET", "path": "/hints", "count": 5},
                      {"method": "GET", "path": "/trailers", "count": 5}, {"method": "GET", "path": "/bytes/0", "count": 5}):
            client.start(**words)
        for _ in range(12):
            client.wait()
        done = client.log()
        clients, servers = self.finished(server, done)
        self.check_version(clients + servers)
        self.check_sizes(done, clients)
        self.check_sizes(done, servers)
        outer, inner = ({key(e): e["ms"] for e in log} for log in (done, server.log()))
        for span in clients:
            self.assertLessEqual(span.duration_ms, outer[span.method, span.target, span.status] + 1.0, span)
        for span in clients + servers:
            self.assertGreaterEqual(span.duration_ms, inner[span.method, span.target, span.status] - 1.0, span)

    def test_requests_that_the_client_gives_up(self):
        server = Server(self.stack, Plain)
        client = self.client(server)
        client.run(method="GET", path="/bytes/10", count=5)
        ids = client.run(method="GET", path="/slow/5000", count=6, concurrency=6, cancel=100)
        client.run(method="GET", path="/bytes/10", count=5)
        done = client.log()
        self.assertEqual([e["status"] for e in done if e["id"] in ids], [0] * 6)
        clients, servers = self.finished(server, done)
        for span in clients + servers:
            if span.status == 0:  # given up by the client: no error (semantic conventions)
                self.assertEqual((span.attributes.get("wirespan.reset.by"), span.attributes.get("wirespan.reset.code")), ("client", "CANCEL"), span)
                self.assertNotIn("error.type", span.attributes, span)
                self.assertLess(span.duration_ms, 3000, span)
                self.assertGreater(span.duration_ms, 50, span)

    def test_curl_by_prior_knowledge(self):
        server = Nginx2(self.stack)
        told = [(f"{path}?n={i}", curl("--http2-prior-knowledge", server.url(f"{path}?n={i}")))
                for i in range(5) for path in ("/small.html", "/large.bin", "/status/404")]
        for kind in ("client", "server"):
            spans = self.spans_at(kind, server.port, len(told))
            self.assert_same([("GET", target, t["http_code"]) for target, t in told], spans, kind)
            self.check_version(spans)
            by_target = dict(told)
            for span in spans:
                self.assertEqual(span.attributes["http.response.body.size"], by_target[span.target]["size_download"], span)


class Upgrades(PlainCase):
    """HTTP/1.1 first; the answer to the first request comes on stream 1. One exchange, not two."""

    def check_upgraded(self, server, truth):
        wait_for("the server's log", lambda: len(server.log()) == len(truth))
        clients, servers = (self.spans_at(kind, server.port, len(truth)) for kind in ("client", "server"))
        self.assert_same(truth, clients, "client")
        self.assert_same(truth, servers, "server")
        self.check_joined(clients, servers)

    def url(self, server, target):
        return f"http://127.0.0.1:{server.port}{target}"

    def test_curl(self):
        server = Server(self.stack, Plain)
        targets = [f"/bytes/{100 * i}?n={i}" for i in range(5)] + ["/status/404?n=6", "/slow/100?n=7", "/hints?n=8"]
        told = [curl("--http2", self.url(server, target)) for target in targets]
        self.assertEqual({t["http_version"] for t in told}, {"2"})
        self.check_upgraded(server, [("GET", target, t["http_code"]) for target, t in zip(targets, told)])

    def test_nghttp_with_more_streams_behind(self):
        server = Server(self.stack, Plain)
        targets = [f"/bytes/{10 * i}?n={i}" for i in range(8)]
        for round in range(3):
            subprocess.run(["nghttp", "--upgrade", "--null-out", *[self.url(server, f"{t}&r={round}") for t in targets]], check=True, capture_output=True)
        self.check_upgraded(server, [("GET", f"{t}&r={round}", 200) for t in targets for round in range(3)])

    def test_an_upgrade_that_is_not_taken(self):
        """nginx does not know it and answers by HTTP/1.1."""
        server = plain.servers.Nginx(self.stack)
        told = curl("--http2", server.url("/small.html?n=1"), "-o", "/dev/null", server.url("/text?n=2"))
        self.assertEqual(told["http_version"], "1.1")
        for kind in ("client", "server"):
            spans = self.spans_at(kind, server.port, 2)
            self.assert_same([("GET", "/small.html?n=1", 200), ("GET", "/text?n=2", 200)], spans, kind)
            self.check_version(spans, "1.1")

    def test_http1_on_the_same_port(self):
        server = Server(self.stack, Plain)
        one = OneConnection(server.port)
        for i in range(10):
            one.ask("GET", f"/bytes/5?one={i}")
            curl("--http2-prior-knowledge", self.url(server, f"/bytes/5?two={i}"))
        one.close()
        for kind in ("client", "server"):
            spans = self.spans_at(kind, server.port, 20)
            self.assert_same([("GET", f"/bytes/5?{n}={i}", 200) for n in ("one", "two") for i in range(10)], spans, kind)
            self.check_version([s for s in spans if "one" in s.target], "1.1")
            self.check_version([s for s in spans if "two" in s.target], "2")


class Pushed(PlainCase):
    def test_promised_streams_are_no_exchanges(self):
        """Push is dying out and was never asked for; what the client asked is told right all the same."""
        server = Nghttpd(self.stack, "--push=/small.html=/pushed.css")
        for i in range(5):
            subprocess.run(["nghttp", "--null-out", server.url("/small.html"), server.url(f"/pushed.css?n={i}"), server.url(f"/missing?n={i}")], check=True,
                           capture_output=True)
        for kind in ("client", "server"):
            spans = self.spans_at(kind, server.port, 15)
            self.assert_same([t for i in range(5) for t in (("GET", "/small.html", 200), ("GET", f"/pushed.css?n={i}", 200),
                                                            ("GET", f"/missing?n={i}", 404))], spans, kind)


if __name__ == "__main__":
    unittest.main(verbosity=2)
