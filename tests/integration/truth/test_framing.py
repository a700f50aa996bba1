"""Messages cut, joined, prolonged and turned into something else."""

import os
import subprocess
import unittest

import servers
from cases import TruthCase, key
from clients import Client, exchange_raw
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
