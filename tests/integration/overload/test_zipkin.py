"""Zipkin's v2 JSON in and out of the release binary."""

import gzip
import http.server
import json
import threading
import unittest
import urllib.error
import urllib.request

from support import OverloadTest, free_port, wait_for

SPAN = {
    "traceId": "5af7183fb1d4cf5f0000000000000001", "id": "352bff9a74ca9ad2", "parentId": "6b221d5bc9e6496c",
    "name": "get /api", "kind": "CLIENT", "timestamp": 1556604172355737, "duration": 1431,
    "localEndpoint": {"serviceName": "frontend"}, "annotations": [{"timestamp": 1556604172355800, "value": "retry"}],
    "tags": {"http.method": "GET", "http.path": "/api"},
}


class Backend(http.server.BaseHTTPRequestHandler):
    spans = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.spans.extend(json.loads(body))
        self.send_response(202)
        self.end_headers()

    def log_message(self, *args):
        pass


class Zipkin(OverloadTest):
    def setUp(self):
        super().setUp()
        Backend.spans = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.zipkin = free_port()
        url = f"http://127.0.0.1:{self.server.server_port}/api/v2/spans"
        self.gate = self.gateway(f'  zipkin: {{endpoint: "{url}"}}', pipeline="exporters: [zipkin]",
                                 receivers=f'  zipkin: {{endpoint: "127.0.0.1:{self.zipkin}"}}')

    def post(self, body, headers=None, path="/api/v2/spans"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.zipkin}{path}", data=body,
                                         headers={"Content-Type": "application/json", **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def test_what_goes_in_comes_out(self):
        self.assertEqual(self.post(json.dumps([SPAN]).encode()), 202)
        self.assertEqual(self.post(gzip.compress(json.dumps([SPAN]).encode()), {"Content-Encoding": "gzip"}), 202)
        wait_for("two spans", lambda: len(Backend.spans) == 2)
        for span in Backend.spans:
            self.assertEqual({key: span[key] for key in SPAN}, SPAN)

    def test_what_is_wrong_is_refused(self):
        self.assertEqual(self.post(b"{}"), 400)
        self.assertEqual(self.post(b"[{"), 400)
        self.assertEqual(self.post(b"not gzip", {"Content-Encoding": "gzip"}), 400)
        self.assertEqual(self.post(b"[]", {"Content-Type": "application/x-thrift"}), 415)
        self.assertEqual(self.post(b"[]", path="/api/v1/spans"), 404)
        self.assertEqual(self.post(b"[]"), 202)
        self.assertEqual(Backend.spans, [])


if __name__ == "__main__":
    unittest.main()
