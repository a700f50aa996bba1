"""Long answers: made while the client reads them, ended when it goes, never taken for whole when they are not."""

import http.client
import json
import socket
import unittest

from support import StoreTest, post_otlp
from test_store import of_service, span

SPANS = 40000
TRACE = f"{7:016x}"


class Long(StoreTest):
    def setUp(self):
        super().setUp()
        self.store = self.store_gateway()
        for first in range(0, SPANS, 4000):
            post_otlp(self.store.http, [of_service(f"service-{first // 4000 % 3}", *(
                span(7, first + i + 1, attributes=[{"key": "note", "value": {"stringValue": "x" * 100}}]) for i in range(4000)))])

    def ask(self, path, version="1.1"):
        """A client that has asked and does not read yet. The small window leaves the answer with the gateway."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        client.settimeout(60)
        client.connect(("127.0.0.1", self.query_port))
        self.addCleanup(client.close)
        client.sendall(f"GET {path} HTTP/{version}\r\nHost: x\r\n\r\n".encode())
        return client

    def whole(self, client):
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return answer.status, answer.read()

    def spans_of(self, body):
        (trace,) = json.loads(body)["data"]
        self.assertEqual(len(trace["processes"]), 3)
        return {each["spanID"] for each in trace["spans"]}

    def test_every_span_is_in_it(self):
        for version in ("1.1", "1.0"):
            status, body = self.whole(self.ask(f"/api/traces/{TRACE}", version))
            self.assertEqual(status, 200)
            self.assertGreater(len(body), 10 << 20)
            self.assertEqual(len(self.spans_of(body)), SPANS)
        status, body = self.whole(self.ask(f"/api/v3/traces/{TRACE}"))
        self.assertEqual(status, 200)
        self.assertEqual(len({each["spanId"] for resource in json.loads(body)["result"]["resourceSpans"]
                              for scope in resource["scopeSpans"] for each in scope["spans"]}), SPANS)
        status, body = self.whole(self.ask("/api/services"))  # short ones come in one piece
        self.assertEqual(json.loads(body)["total"], 3)

    def test_who_does_not_read_costs_its_spans_and_holds_up_nobody(self):
        self.whole(self.ask(f"/api/traces/{TRACE}"))
        before = self.store.rss_mib()
        slow = [self.ask(f"/api/traces/{TRACE}") for _ in range(10)]
        for client in slow:
            self.assertTrue(client.recv(1024).startswith(b"HTTP/1.1 200 OK\r\n"))
        status, body = self.whole(self.ask(f"/api/traces/{TRACE}"))
        self.assertEqual((status, len(self.spans_of(body))), (200, SPANS))
        grown = self.store.rss_mib() - before
        print(f"\n10 answers of {len(body) / 2**20:.0f} MiB that nobody reads: {grown:.0f} MiB", flush=True)
        # The answer as text alone would be ten times its length.
        self.assertLess(grown, 6 * len(body) / 2**20)
        for client in slow[:5]:
            client.close()
        for client in slow[5:]:  # those that wait have lost nothing
            received = b""
            while piece := client.recv(1 << 20):
                received += piece
            self.assertTrue(received.endswith(b"\r\n0\r\n\r\n"))
        # Places of those that went are free again.
        self.assertEqual(self.whole(self.ask(f"/api/traces/{TRACE}"))[0], 200)

    def test_an_answer_that_is_broken_off_does_not_look_whole(self):
        slow = self.ask(f"/api/traces/{TRACE}")
        self.assertTrue(slow.recv(1024).startswith(b"HTTP/1.1 200 OK\r\n"))
        self.store.end()
        received = b""
        try:
            while piece := slow.recv(1 << 20):
                received += piece
        except ConnectionResetError:
            pass
        self.assertFalse(received.endswith(b"0\r\n\r\n"))
        self.assertGreater(len(received), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
