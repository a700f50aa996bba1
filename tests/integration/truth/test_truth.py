"""Every exchange once, exact: real servers and clients, each server's own log and each client's own measure as truth."""

import collections
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
import unittest

import servers
from stack import Stack, wait_for

class Client:
    """Python's http.client on one connection, remembering what it did and how long it took."""

    def __init__(self, port):
        self.port, self.done = port, []
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method, target, body=None, headers=None):
        if self.connection.sock is None:
            self.connection.connect()
        start = time.perf_counter()
        self.connection.request(method, target, body=body, headers=headers or {})
        response = self.connection.getresponse()
        answer = response.read()
        self.done.append({"method": method, "target": target, "status": response.status, "sent": len(body or b""),
                          "received": 0 if method == "HEAD" else len(answer), "ms": (time.perf_counter() - start) * 1000})
        return response

    def close(self):
        self.connection.close()


def key(entry):
    return entry["method"], entry["target"], entry["status"]


class TruthCase(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(body_sizes=True)

    @classmethod
    def tearDownClass(cls):
        failed = cls.stack.close()
        assert failed == 0, f"the agent ended with {failed}:\n{cls.stack.agent.text()[-3000:]}"

    def spans_of(self, port, kind, at_least):
        return self.stack.settled_spans(lambda s: s.kind == kind and s.port == port, at_least)

    def assert_same(self, truth, spans, what):
        """Recall and precision 100 %: the same exchanges, each as often."""
        want = collections.Counter(truth)
        have = collections.Counter((s.method, s.target, s.status) for s in spans)
        missing, phantom = want - have, have - want
        self.assertFalse(missing or phantom, f"{what}: of {sum(want.values())} exchanges missing "
                         f"{list(missing.items())[:5]} ({sum(missing.values())}), too many {list(phantom.items())[:5]} ({sum(phantom.values())})")


WORK = [("GET", "/bytes/0", None), ("GET", "/bytes/1000", None), ("GET", "/chunked/5000", None), ("HEAD", "/bytes/77", None),
        ("POST", "/echo", b"x" * 3000), ("PUT", "/echo/put", b"y"), ("DELETE", "/status/204", None), ("GET", "/status/404", None),
        ("GET", "/status/500", None), ("GET", "/slow/30", None), ("OPTIONS", "/status/200?q=1", None), ("GET", "/status/304", None)]


class EachServer(TruthCase):
    def check(self, kind, rounds=5):
        server = kind(self.stack)
        client = Client(server.port)
        for i in range(rounds):
            for method, target, body in WORK:
                if kind in (servers.Java, ) and method == "HEAD":
                    continue  # com.sun.net.httpserver answers HEAD with a body length only by hand
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

    def check_sizes(self, done, spans):
        want = {key(e): (e["sent"], e["received"]) for e in done}
        for span in spans:
            sizes = span.attributes.get("http.request.body.size", 0), span.attributes.get("http.response.body.size", 0)
            self.assertEqual(sizes, want[(span.method, span.target, span.status)], span)

    def check_durations(self, done, spans):
        """Within 1 ms or 2 % of the client's own measure, for at least 9 of 10 (this measure has a scheduler in it too)."""
        by_key = {}
        for entry in done:
            by_key[key(entry)] = entry["ms"]
        off = [(s, by_key[(s.method, s.target, s.status)]) for s in spans
               if abs(s.duration_ms - by_key[(s.method, s.target, s.status)]) > max(1.0, 0.02 * by_key[(s.method, s.target, s.status)])]
        self.assertLessEqual(len(off), len(spans) // 10, f"{len(off)} of {len(spans)} durations off, e.g. {off[:3]}")
        for span in spans:
            # Inside the client's own measure, but for the clock's own reading.
            self.assertLess(span.duration_ms, by_key[(span.method, span.target, span.status)] + 1.0, span)

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
                by_target = {e["target"]: e["ms"] for e in client.done}
                for span in spans:
                    self.assertAlmostEqual(span.duration_ms, by_target[span.target], delta=max(2.0, 0.1 * by_target[span.target]))

    def test_saturated_worker_loses_nothing(self):
        """wrk at full speed against one worker: as many spans as nginx logged, each with the right words."""
        class One(servers.Nginx):
            name = "nginx-one"
            workers = 1
        server = One(self.stack)
        before = self.stack.self_metrics()
        out = subprocess.run(["wrk", "-t1", "-c64", "-d2s", server.url("/small.html")], capture_output=True, text=True, check=True).stdout
        # wrk stops in the middle of its last requests: nginx's log decides.
        time.sleep(2)
        truth = server.log()
        print(f"\nwrk: {[l.strip() for l in out.splitlines() if 'Requests/sec' in l]}, nginx logged {len(truth)}", file=sys.stderr)
        spans = self.stack.settled_spans(lambda s: s.kind == "server" and s.port == server.port, len(truth), 120)
        self.assert_same([key(e) for e in truth if e["status"] != 499], [s for s in spans if s.status], "saturated nginx")
        self.assertLessEqual(len([s for s in spans if not s.status]), 64, "open at the end of wrk")
        after = self.stack.self_metrics()
        lost = {n: v - before.get(n, 0) for n, v in after.items() if "dropped" in n and v > before.get(n, 0) and 'excluded' not in n}
        self.assertFalse([n for n in lost if "ring" in n], lost)


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


def exchange_raw(port, pieces, wait_answers, close=True):
    """Sends pieces as they are, reads until so many answers' heads came, returns the bytes."""
    s = socket.create_connection(("127.0.0.1", port))
    for piece in pieces:
        s.sendall(piece)
    s.settimeout(30)
    data = b""
    while data.count(b"HTTP/1.1 ") < wait_answers or not data.endswith(b"end"):
        got = s.recv(65536)
        if not got:
            break
        data += got
    if close:
        s.close()
    return data


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

    def test_concurrency_64(self):
        server = servers.Go(self.stack)
        clients = [Client(server.port) for _ in range(64)]

        def work(n):
            for i in range(40):
                clients[n].ask("GET", f"/bytes/{n}?c={n}-{i}")

        threads = [threading.Thread(target=work, args=(n,)) for n in range(64)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        truth = [key(e) for c in clients for e in c.done]
        for c in clients:
            c.close()
        self.assertEqual(len(truth), 64 * 40)
        self.assert_same(truth, self.spans_of(server.port, "server", len(truth)), "64 at once, server")
        self.assert_same(truth, self.spans_of(server.port, "client", len(truth)), "64 at once, client")
        for span in self.stack.spans(lambda s: s.kind == "server" and "?c=" in s.target):
            n = int(span.target.split("?")[0].rsplit("/", 1)[1])
            self.assertEqual(span.attributes["http.response.body.size"], n, span)


class OldConnections(unittest.TestCase):
    def test_connections_older_than_the_agent(self):
        stack = Stack(start_agent=False)
        try:
            server = servers.Go(stack)
            clients = [Client(server.port) for _ in range(8)]
            for c in clients:
                c.ask("GET", "/bytes/5?before")
                c.done.clear()
            stack.start_agent()
            for i in range(20):
                for n, c in enumerate(clients):
                    c.ask("GET", f"/bytes/5?old={n}-{i}")
            truth = collections.Counter(key(e) for c in clients for e in c.done)
            for kind in ("server", "client"):
                spans = stack.settled_spans(lambda s: s.kind == kind and s.port == server.port, len(truth))
                self.assertEqual(collections.Counter((s.method, s.target, s.status) for s in spans), truth, kind)
        finally:
            stack.close()


class NewProcesses(TruthCase):
    def test_a_process_that_starts_later_is_seen_from_its_first_byte(self):
        server = servers.Go(self.stack)
        for i in range(20):
            subprocess.run(["curl", "-sS", "-o", "/dev/null", server.url(f"/bytes/1?first={i}")], check=True)
        truth = [("GET", f"/bytes/1?first={i}", 200) for i in range(20)]
        spans = self.spans_of(server.port, "client", 20)
        self.assert_same(truth, spans, "curl")
        self.assertEqual({s.resource["service.name"] for s in spans}, {"curl"})


class Chains(TruthCase):
    def test_no_wrong_parent_and_both_ends_joined(self):
        first, second = servers.Python(self.stack), servers.Go(self.stack)
        for i in range(20):
            inner = second.url(f"/bytes/{i}?inner={i}").replace("?", "%3F").replace("=", "%3D")
            subprocess.run(["curl", "-sS", "-o", "/dev/null", first.url(f"/call?url={inner}")], check=True)
        mine = lambda s: s.port in (first.port, second.port)
        spans = self.stack.settled_spans(mine, 80)
        self.assertEqual(len(spans), 80)
        by_id = {s.span_id: s for s in spans}
        self.assertEqual(len(by_id), 80, "span ids are unique")
        for span in spans:
            if span.kind == "server":
                parent = by_id[span.parent_id]
                self.assertEqual((parent.kind, parent.target, parent.trace_id), ("client", span.target, span.trace_id), span)
                self.assertEqual(span.attributes["wirespan.parent.method"], "wire")
            elif span.pid == first.child.pid:
                # The thread that read the request made the call and wrote the answer.
                parent = by_id[span.parent_id]
                self.assertEqual((parent.kind, parent.pid), ("server", span.pid))
                self.assertIn(span.target.split("inner=")[1], parent.target)
                self.assertEqual(span.attributes["wirespan.parent.method"], "thread")
            else:
                self.assertEqual(span.parent_id, "", span)
        self.assertEqual(len({s.trace_id for s in spans}), 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
