"""gRPC, HTTP/1.1 and HTTP/2 on one port, and what clients of others make of it."""

import json
import pathlib
import subprocess
import threading
import unittest

from counterparts import CounterpartTest
from support import Load

REQUEST = json.dumps({"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "curl"}}]},
    "scopeSpans": [{"spans": [{"traceId": "5af7183fb1d4cf5f0000000000000001", "spanId": "352bff9a74ca9ad2", "name": "get"}]}]}]})


def run(*command):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)


class OnePort(CounterpartTest):
    def post(self, gateway, *flags):
        done = run("curl", "-s", "-w", " %{http_code} %{http_version}", "-H", "content-type: application/json", "-d", REQUEST, *flags,
                   f"http://127.0.0.1:{gateway.port}/v1/traces")
        return done.stdout

    def test_each_protocol_beside_the_others(self):
        gateway = self.everything(one_port=True)
        self.assertEqual(self.post(gateway, "--http1.1"), "{} 200 1.1")
        self.assertEqual(self.post(gateway, "--http2-prior-knowledge"), "{} 200 2")
        answer = Load(gateway.port, "--spans", 100, "--seconds", 2, "--connections", 3, "--in-flight", 12, "--compression", "gzip").result()
        self.assertEqual(answer["refused"], {})
        self.assertGreater(answer["acked_spans"], 0)
        self.assertEqual(self.post(gateway, "--http1.1"), "{} 200 1.1")
        self.assertEqual(gateway.items()["spans"], answer["acked_spans"] + 3)
        self.assertEqual(gateway.metric("otelcol_receiver_accepted_spans_total", transport="grpc"), answer["acked_spans"])
        self.assertEqual(gateway.metric("otelcol_receiver_accepted_spans_total", transport="http"), 3)

    def test_h2load_finds_no_mistake(self):
        for one_port in (True, False):
            gateway = self.everything(one_port=one_port)
            body = pathlib.Path(self.folder) / "request.json"
            body.write_text(REQUEST)
            done = run("h2load", "-n", 3000, "-c", 10, "-m", 20, "-d", body, "-H", "content-type: application/json",
                       f"http://127.0.0.1:{gateway.http}/v1/traces")
            self.assertIn("3000 succeeded, 0 failed, 0 errored, 0 timeout", done.stdout)
            self.assertIn("status codes: 3000 2xx", done.stdout)
            self.assertEqual(gateway.items("curl")["spans"], 3000)
            gateway.end()
            gateway.out.unlink()

    def test_old_connections_end_without_a_failed_call(self):
        gateway = self.everything(one_port=True)
        text = gateway.config.read_text().replace(
            "grpc: {endpoint",
            "grpc: {keepalive: {server_parameters: {max_connection_age: 300ms, max_connection_age_grace: 10s}}, endpoint")
        self.assertIn("max_connection_age", text)
        gateway.end()
        gateway.config.write_text(text)
        gateway.start()
        answer = Load(gateway.port, "--spans", 10, "--seconds", 3, "--connections", 4, "--in-flight", 4).result()
        self.assertEqual(answer["refused"], {})
        self.assertEqual(gateway.items()["spans"], answer["acked_spans"])
        self.assertGreaterEqual(gateway.metric("wirespan_receiver_connections_ended_total", reason="age"), 4)
        self.assertEqual(gateway.metric("wirespan_receiver_connections_ended_total", reason="protocol"), 0)

    def test_a_thousand_connections_of_each_kind_at_once(self):
        for one_port in (True, False):
            gateway = self.everything(one_port=one_port)
            body = pathlib.Path(self.folder) / "request.json"
            body.write_text(REQUEST)
            answers = {}

            def grpc():
                answers["grpc"] = Load(gateway.port, "--spans", 1, "--seconds", 5, "--connections", 1000, "--in-flight", 1000,
                                       "--timeout-ms", 60000).result()

            def http():
                answers["http"] = run("h2load", "--h1", "-n", 10000, "-c", 1000, "-d", body, "-H", "content-type: application/json",
                                      f"http://127.0.0.1:{gateway.http}/v1/traces").stdout
            threads = [threading.Thread(target=each) for each in (grpc, http)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(answers["grpc"]["refused"], {})
            self.assertGreaterEqual(answers["grpc"]["acked_requests"], 1000)
            self.assertIn("10000 succeeded, 0 failed, 0 errored, 0 timeout", answers["http"])
            self.assertEqual(gateway.items()["spans"], answers["grpc"]["acked_spans"] + 10000)
            gateway.end()
            gateway.out.unlink()

    def test_one_port_is_refused_where_the_two_differ(self):
        gateway = self.everything(one_port=True)
        gateway.end()
        text = gateway.config.read_text().replace(
            "http: {endpoint", "http: {tls: {cert_file: a, key_file: b}, endpoint")
        gateway.config.write_text(text)
        done = run(*gateway.command("validate"))
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"grpc and http share the endpoint 127.0.0.1:{gateway.port}, so both need the same tls block, or none", done.stdout)


if __name__ == "__main__":
    unittest.main()
