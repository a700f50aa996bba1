"""Messages cut, joined, prolonged and turned into something else."""

import os
import socket
import subprocess
import unittest

import servers
from cases import TruthCase, key
from clients import Client, Curl, exchange_raw
from stack import wait_for


class Pipelined(TruthCase):
    def test_pipelined_sixteen_in_one_write(self):
        server = servers.Go(self.stack)
        requests = b"".join(b"GET /bytes/3?p=%d HTTP/1.1\r\nHost: x\r\n%s\r\n" % (i, b"Connection: close\r\n" if i == 15 else b"")
                            for i in range(16))
        exchange_raw(server.port, [requests], 99)
        truth = [("GET", f"/bytes/3?p={i}", 200) for i in range(16)]
        self.assert_same(truth, self.stack.settled_spans(lambda s: s.kind == "server" and s.pid == server.child.pid, 16), "pipelined server")
        mine = lambda s: s.kind == "client" and s.pid == os.getpid() and "?p=" in s.target
        self.assert_same(truth, self.stack.settled_spans(mine, 16), "pipelined client")


class Awkward(TruthCase):
    def test_byte_by_byte(self):
        server = servers.Go(self.stack)
        request = b"GET /bytes/3?slow-writer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        exchange_raw(server.port, [request[i:i + 1] for i in range(len(request))], 99)
        for kind, pid in (("server", server.child.pid), ("client", os.getpid())):
            spans = self.stack.settled_spans(lambda s: s.kind == kind and s.pid == pid and "slow-writer" in s.target, 1)
            self.assert_same([("GET", "/bytes/3?slow-writer", 200)], spans, f"byte by byte, {kind}")

    def test_expect_continue_and_large_upload(self):
        server = servers.Go(self.stack)
        body = os.urandom(1 << 20)
        path = self.stack.folder / "upload"
        path.write_bytes(body)
        for i in range(5):
            subprocess.run(["curl", "-sS", "-o", "/dev/null", "-H", "Expect: 100-continue", "--data-binary", f"@{path}", server.url(f"/echo?up={i}")], check=True)
        for kind in ("server", "client"):
            spans = self.stack.settled_spans(lambda s: s.kind == kind and s.target.startswith("/echo?up="), 5)
            self.assert_same([("POST", f"/echo?up={i}", 200) for i in range(5)], spans, f"100-continue {kind}")
            for span in spans:
                self.assertEqual((span.attributes["http.request.body.size"], span.attributes["http.response.body.size"]), (1 << 20, 1 << 20), span)

    def test_headers_of_12_kib(self):
        server = servers.Go(self.stack)
        client = Client(server.port)
        client.ask("GET", "/bytes/1?big-head", headers={f"X-Filler-{i}": "f" * 1000 for i in range(12)})
        client.close()
        for kind in ("server", "client"):
            spans = self.stack.settled_spans(lambda s: s.kind == kind and "big-head" in s.target, 1)
            self.assert_same([("GET", "/bytes/1?big-head", 200)], spans, kind)
            self.assertNotIn("wirespan.incomplete", spans[0].attributes)

    def test_headers_beyond_the_bound(self):
        """16 KiB of a head are copied. A longer one makes a span all the same, which says so; the next request is whole again."""
        server = servers.Go(self.stack)
        client = Client(server.port)
        client.ask("GET", "/bytes/1?huge-head", headers={f"X-Filler-{i}": "f" * 1000 for i in range(20)})
        # A write is stamped when it returns. A request that another thread has read by then, on a busy machine, cannot be told from one that
        # the head's end hid: it is counted as desynchronized.
        self.stack.settled_spans(lambda s: s.kind == "server" and "huge-head" in s.target, 1)
        client.ask("GET", "/bytes/1?behind-huge-head")
        client.close()
        for kind in ("server", "client"):
            spans = self.stack.settled_spans(lambda s: s.kind == kind and "huge-head" in s.target, 2)
            self.assert_same([key(e) for e in client.done], spans, kind)
            self.assertEqual({s.target: s.attributes.get("wirespan.incomplete") for s in spans},
                             {"/bytes/1?huge-head": "request_head", "/bytes/1?behind-huge-head": None}, kind)

    def test_rare_and_old_forms(self):
        """Targets in absolute and asterisk form, folded lines, bare line feeds: what servers take, we read."""
        server = servers.Go(self.stack)
        exchange_raw(server.port, [b"GET http://shop.example:81/bytes/3?absolute HTTP/1.1\r\nHost: shop.example:81\r\n\r\n",
                                   b"OPTIONS * HTTP/1.1\r\nHost: asterisk\r\n\r\n",
                                   b"GET /bytes/3?folded HTTP/1.1\r\nHost: x\r\nUser-Agent: old\r\n  and folded\r\n\r\n",
                                   b"GET /bytes/3?bare HTTP/1.1\nHost: x\nConnection: close\n\n"], 99)
        for kind, pid in (("server", server.child.pid), ("client", os.getpid())):
            ours = {"GET absolute", "OPTIONS asterisk", "GET folded", "GET bare"}
            name = lambda s: f"{s.method} {s.target.split('?')[1] if '?' in s.target else s.attributes.get('server.address')}"
            spans = {name(s): s for s in self.stack.settled_spans(lambda s: s.kind == kind and s.pid == pid and name(s) in ours, 4)}
            self.assertEqual(set(spans), ours, kind)
            self.assertEqual({s.status for s in spans.values()}, {200}, kind)
            absolute, asterisk = spans["GET absolute"].attributes, spans["OPTIONS asterisk"].attributes
            self.assertEqual((absolute["server.address"], absolute["server.port"]), ("shop.example", 81), kind)
            self.assertEqual(spans["GET folded"].attributes["user_agent.original"], "old and folded", kind)
            if kind == "server":
                self.assertEqual((absolute["url.path"], asterisk["url.path"]), ("/bytes/3", "*"))
            else:
                self.assertEqual(absolute["url.full"], "http://shop.example:81/bytes/3?absolute")

    def test_over_a_unix_socket(self):
        path = self.stack.folder / "server.sock"
        child = self.stack.run("go-unix", [servers.Go.binary(), path, self.stack.folder / "unix.log"])
        wait_for("the socket", path.exists)
        for i in range(10):
            subprocess.run(["curl", "-sS", "-o", "/dev/null", "--unix-socket", path, f"http://localhost/bytes/9?u={i}"], check=True)
        for kind in ("server", "client"):
            spans = self.stack.settled_spans(lambda s: s.kind == kind and "?u=" in s.target, 10)
            self.assert_same([("GET", f"/bytes/9?u={i}", 200) for i in range(10)], spans, f"unix {kind}")
        self.assertEqual({s.pid for s in self.stack.spans(lambda s: s.kind == "server" and "?u=" in s.target)}, {child.pid})


def upgrade(port, target):
    """Upgrades, and then speaks lines that look like requests but are none."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n" % target.encode())
        stream = s.makefile("rb")
        while stream.readline() not in (b"\r\n", b""):
            pass
        for i in range(5):
            s.sendall(b"GET /phantom?%d HTTP/1.1\r\n" % i)
            if stream.readline() != b"GET /PHANTOM?%d HTTP/1.1\r\n" % i:
                raise AssertionError("no upgraded connection")


class Turns(TruthCase):
    """Interim answers, and connections that turn into something else."""

    def check_both(self, truth, tag, what):
        for kind in ("server", "client"):
            spans = self.stack.settled_spans(lambda s: s.kind == kind and tag in s.target, len(truth))
            self.assert_same(truth, spans, f"{what}, {kind}")
        return spans

    def test_interim_answers(self):
        server = servers.Odd(self.stack)
        for i in range(10):  # http.client passes over 100 only
            exchange_raw(server.port, [b"GET /early?n=%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % i], 99)
        for span in self.check_both([("GET", f"/early?n={i}", 200) for i in range(10)], "/early?n=", "102 and 103"):
            self.assertEqual(span.attributes["http.response.body.size"], 5, span)

    def test_a_body_that_ends_with_its_connection(self):
        server = servers.Odd(self.stack)
        for i in range(10):
            exchange_raw(server.port, [b"GET /until-end?n=%d HTTP/1.1\r\nHost: x\r\n\r\n" % i], 99)
        for span in self.check_both([("GET", f"/until-end?n={i}", 200) for i in range(10)], "/until-end?n=", "until close"):
            self.assertEqual(span.attributes["http.response.body.size"], 3000, span)

    def test_upgrade_direct_and_through_nginx(self):
        server = servers.Odd(self.stack)

        class Proxy(servers.Nginx):
            name = "nginx-upgrade"
            extra = (f"location /upgrade {{ proxy_pass http://127.0.0.1:{server.port}; proxy_http_version 1.1;"
                     " proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection Upgrade; }")
        proxy = Proxy(self.stack)
        for i in range(5):
            upgrade(server.port, f"/upgrade?direct={i}")
            upgrade(proxy.port, f"/upgrade?proxied={i}")
        self.check_both([("GET", f"/upgrade?direct={i}", 101) for i in range(5)], "?direct=", "upgrade")
        self.check_both([("GET", f"/upgrade?proxied={i}", 101) for i in range(5) for _ in range(2)], "?proxied=", "upgrade through nginx")
        self.assertEqual(self.stack.spans(lambda s: "phantom" in s.target.lower()), [])

    def test_connect_through_apache(self):
        server, proxy = servers.Go(self.stack), servers.ConnectProxy(self.stack)
        curl = Curl("--proxytunnel", "--proxy", f"http://127.0.0.1:{proxy.port}")
        for i in range(5):
            curl.ask("GET", server.url(f"/bytes/10?tunnelled={i}"))
        connects = lambda kind: self.stack.settled_spans(lambda s: s.kind == kind and s.method == "CONNECT", 5)
        for kind in ("server", "client"):
            self.assertEqual([s.status for s in connects(kind)], [200] * 5, kind)
        # Inside the tunnel curl's own socket is opaque; behind the proxy the bytes are an exchange like any other.
        truth = [("GET", f"/bytes/10?tunnelled={i}", 200) for i in range(5)]
        self.assert_same(truth, self.stack.settled_spans(lambda s: s.kind == "server" and s.pid == server.child.pid, 5), "behind the tunnel")
        self.assertEqual({s.resource["service.name"] for s in self.stack.spans(lambda s: "tunnelled" in s.target and s.kind == "client")}, {"apache2"})


class ProxyPreamble(TruthCase):
    """HAProxy tells nginx who its client is."""

    def check(self, send, address):
        class Behind(servers.Nginx):
            name = "nginx-proxied"
            listen = "proxy_protocol"
        server = Behind(self.stack)
        proxy = servers.Haproxy(self.stack, server.port, send)
        tag = f"{send}-{address}"
        curl = Curl("--interface", address)
        for i in range(5):
            curl.ask("GET", proxy.url(f"/text?{tag}={i}"))
        self.assertEqual({e["status"] for e in curl.done}, {200})
        at_nginx = lambda s: s.kind == "server" and tag in s.target and s.resource["service.name"] == "nginx"
        spans = self.stack.settled_spans(at_nginx, 5)
        self.assert_same([key(e) for e in curl.done], spans, f"behind {send}")
        for span in spans:
            self.assertEqual(span.attributes["client.address"], address, span)
            self.assertEqual(span.attributes["network.peer.address"], "127.0.0.1", span)
        sent = self.stack.settled_spans(lambda s: s.kind == "client" and tag in s.target and s.resource["service.name"] == "haproxy", 5)
        self.assert_same([key(e) for e in curl.done], sent, f"{send} as client")

    def test_version_1(self):
        self.check("send-proxy", "127.0.0.5")

    def test_version_2(self):
        self.check("send-proxy-v2", "127.0.0.6")


class Spliced(TruthCase):
    """HAProxy moves bodies of 5 MiB through a pipe: nobody looks for that before it begins."""

    def check(self, server, address, tag):
        proxy = servers.Haproxy(self.stack, address, splices=True)
        curl = Curl()
        for i in range(30):
            curl.ask("GET", proxy.url(f"/large.bin?{tag}={i}"))
            curl.ask("GET", proxy.url(f"/small.html?{tag}={i}"))
        self.assertEqual({(e["status"], e["received"]) for e in curl.done}, {(200, 5 << 20), (200, 615)})
        truth = [key(e) for e in curl.done]
        of = lambda kind, service: self.stack.settled_spans(
            lambda s: s.kind == kind and f"?{tag}=" in s.target and s.resource["service.name"] == service, len(truth))
        for kind, service in (("client", "curl"), ("server", "haproxy"), ("client", "haproxy"), ("server", "nginx")):
            spans = of(kind, service)
            self.assert_same(truth, spans, f"{service} as {kind}, {tag}")
            # What was moved before the first sign is lost, and said to be.
            whole = [s for s in spans if "wirespan.incomplete" not in s.attributes]
            self.assertGreaterEqual(len(whole), len(spans) - 2, f"{service} as {kind}, {tag}")
            self.check_sizes(curl.done, whole)

    def test_tcp(self):
        server = servers.Nginx(self.stack)
        self.check(server, f"127.0.0.1:{server.port}", "tcp")

    def test_unix(self):
        path = self.stack.folder / "nginx.sock"

        class OnUnix(servers.Nginx):
            name = "nginx-unix"
            extra = f"}} server {{ listen unix:{path}; root {self.stack.folder}/www;"
        server = OnUnix(self.stack)
        (self.stack.folder / "www").symlink_to(self.stack.folder / f"nginx-{server.port}" / "www")
        self.check(server, f"unix@{path}", "unix")


if __name__ == "__main__":
    unittest.main(verbosity=2)
