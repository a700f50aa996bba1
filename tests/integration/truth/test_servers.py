"""Every exchange once, exact: real servers, each with its own log, and real clients, each with its own measure, as truth."""

import unittest

import servers
from cases import TruthCase, key
from clients import Client, Curl
from stack import wait_for

WORK = [("GET", "/bytes/0", None), ("GET", "/bytes/1000", None), ("GET", "/chunked/5000", None), ("HEAD", "/bytes/77", None),
        ("POST", "/echo", b"x" * 3000), ("PUT", "/echo/put", b"y"), ("DELETE", "/status/204", None), ("GET", "/status/404", None),
        ("GET", "/status/500", None), ("GET", "/slow/30", None), ("OPTIONS", "/status/200?q=1", None), ("GET", "/status/304", None)]


class EachServer(TruthCase):
    def check(self, kind, rounds=5):
        server = kind(self.stack)
        client = Client(server.port)
        for i in range(rounds):
            for method, target, body in WORK:
                client.ask(method, target + ("&" if "?" in target else "?") + f"n={i}", body)
        # A fresh connection each.
        for i in range(10):
            one = Client(server.port)
            one.ask("GET", f"/bytes/10?fresh={i}")
            one.close()
            client.done += one.done
        client.close()
        wait_for("the server's log", lambda: len(server.log()) == len(client.done))
        truth = [key(e) for e in server.log()]
        seen = self.spans_of(server.port, "server", len(truth))
        self.assert_same(truth, seen, f"{server.name} server spans")
        asked = self.spans_of(server.port, "client", len(truth))
        self.assert_same([key(e) for e in client.done], asked, f"{server.name} client spans")
        self.check_sizes(client.done, seen)
        self.check_sizes(client.done, asked)
        self.check_durations(client.done, asked)
        for span in asked:  # inside of the client's own measure
            self.assertLess(span.duration_ms, next(e["ms"] for e in client.done if key(e) == (span.method, span.target, span.status)) + 1.0, span)

    def test_go(self):
        self.check(servers.Go)

    def test_python(self):
        self.check(servers.Python)

    def test_node(self):
        self.check(servers.Node)

    def test_java(self):
        self.check(servers.Java)

    def test_uvicorn(self):
        self.check(servers.Uvicorn)

    def test_gunicorn(self):
        self.check(servers.Gunicorn)


class CurlsClock(TruthCase):
    """curl measures each transfer itself, in microseconds."""

    def test_durations_and_sizes(self):
        server = servers.Go(self.stack)
        curl = Curl()
        for i in range(15):
            for target in (f"/bytes/100?n={i}", f"/slow/20?n={i}", f"/chunked/9000?n={i}"):
                curl.ask("GET", server.url(target))
        for kind in ("server", "client"):
            spans = self.spans_of(server.port, kind, len(curl.done))
            self.assert_same([key(e) for e in curl.done], spans, f"curl, {kind}")
            self.check_sizes(curl.done, spans)
            # curl's clock for its own spans, the handlers' for the server's.
            self.check_durations(curl.done if kind == "client" else server.log(), spans)


class Nginx(TruthCase):
    kind = servers.Nginx

    def test_static_and_errors(self):
        server = self.kind(self.stack)
        client = Client(server.port)
        for i in range(50):
            for target in ("/small.html", "/text", "/status/404", "/status/503", "/status/204", "/missing"):
                client.ask("GET", f"{target}?n={i}")
        client.close()
        wait_for("nginx's log", lambda: len(server.log()) == len(client.done))
        self.assert_same([key(e) for e in server.log()], self.spans_of(server.port, "server", len(client.done)), "nginx server")
        self.assert_same([key(e) for e in client.done], self.spans_of(server.port, "client", len(client.done)), "nginx client")
        self.check_durations(server.timed_log(), self.stack.spans(lambda s: s.kind == "server" and s.port == server.port), 1.0)

    def test_large_bodies(self):
        for kind in (servers.Nginx, servers.NginxNoSendfile):
            with self.subTest(kind.name):
                server = kind(self.stack)
                client = Client(server.port)
                for i in range(8):
                    client.ask("GET", f"/large.bin?n={i}")
                client.close()
                for kind_of_span in ("server", "client"):
                    spans = self.spans_of(server.port, kind_of_span, 8)
                    self.assert_same([key(e) for e in client.done], spans, f"{kind.name} {kind_of_span}")
                    for span in spans:
                        self.assertEqual(span.attributes["http.response.body.size"], 5 << 20, span)
                self.check_durations(client.done, spans, 1.0, 0.7)


class Apache(TruthCase):
    def test_static(self):
        server = servers.Apache(self.stack)
        client = Client(server.port)
        for i in range(40):
            client.ask("GET", f"/small.html?n={i}")
            client.ask("GET", f"/missing?n={i}")
        client.close()
        wait_for("apache's log", lambda: len(server.log()) == len(client.done))
        self.assert_same([key(e) for e in server.log()], self.spans_of(server.port, "server", len(client.done)), "apache server")
        self.assert_same([key(e) for e in client.done], self.spans_of(server.port, "client", len(client.done)), "apache client")


if __name__ == "__main__":
    unittest.main(verbosity=2)
