"""What a receiver and a pipeline do in a whole process: Unix sockets, connections that get old, no waiting in batch, readiness."""

import json
import pathlib
import statistics
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from counterparts import CounterpartTest, Gateway
from support import Backend, Load, free_port, otlp, wait_for
from test_one_port import REQUEST


class UnixSockets(CounterpartTest):
    def test_both_protocols_and_an_exporter(self):
        last = self.everything()
        grpc, http = self.folder / "grpc.sock", self.folder / "http.sock"
        text = last.config.read_text()
        text = text.replace(f'"127.0.0.1:{last.port}"', f"{grpc}, transport: unix").replace(f'"127.0.0.1:{last.http}"', f"{http}, transport: unix")
        last.end()
        last.config.write_text(text)
        last.start(wait=False)
        wait_for("the sockets", lambda: grpc.exists() and http.exists() and last.metrics())
        done = subprocess.run(["curl", "-s", "-w", "%{http_code}", "--unix-socket", http, "-H", "content-type: application/json",
                               "-d", REQUEST, "http://localhost/v1/traces"], stdout=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.stdout, "{}200")
        folder = self.folder / "first"
        folder.mkdir()
        first = Gateway(folder, f'  otlp: {{endpoint: "unix:{grpc}", tls: {{insecure: true}}}}')
        self.started.append(first)
        first.start()
        answer = Load(first.port, "--spans", 10, "--in-flight", 4, "--seconds", 1).result()
        self.assertEqual(answer["refused"], {})
        self.assertGreater(answer["acked_spans"], 0)
        self.assertEqual(last.items()["spans"], answer["acked_spans"] + 1)
        first.end()
        last.end()
        self.assertFalse(grpc.exists() or http.exists(), "they go with the process")


class OldConnections(CounterpartTest):
    """max_connection_age where gRPC has a port of its own."""

    def peers(self, port):
        """The ports of those who are connected."""
        found = set()
        for table in ("tcp", "tcp6"):
            for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                _, local, remote, state = line.split()[:4]
                if state == "01" and int(local.split(":")[1], 16) == port:
                    found.add(remote)
        return found

    def test_end_without_a_failed_call(self):
        gateway = self.everything()
        text = gateway.config.read_text().replace(
            "grpc: {endpoint", "grpc: {keepalive: {server_parameters: {max_connection_age: 300ms, max_connection_age_grace: 10s}}, endpoint")
        self.assertIn("max_connection_age", text)
        gateway.end()
        gateway.config.write_text(text)
        gateway.start()
        load = Load(gateway.port, "--spans", 10, "--seconds", 4, "--connections", 3, "--in-flight", 3)
        first = wait_for("connections", lambda: self.peers(gateway.port))
        wait_for("others in their place", lambda: (now := self.peers(gateway.port)) and not now & first)
        answer = load.result()
        self.assertEqual(answer["refused"], {})
        self.assertEqual(gateway.items()["spans"], answer["acked_spans"])


class Batch(CounterpartTest):
    def test_a_sequential_client_waits_for_nothing(self):
        """batch adds less than 5 ms, whatever it could wait for. Turns alternate, so that a busy machine is so for both."""
        backend = self.backend()
        ports = {}
        for name, processors in (("with", "processors: [batch], "), ("without", "")):
            folder = self.folder / name
            folder.mkdir()
            gateway = Gateway(folder, otlp(backend.port), pipeline=f"{processors}exporters: [otlp]",
                              more="processors:\n  batch: {timeout: 60s, send_batch_size: 100000}\n")
            self.started.append(gateway)
            ports[name] = gateway.start().port
        medians = {name: [] for name in ports}
        for _ in range(5):
            for name, port in ports.items():
                answer = Load(port, "--spans", 10, "--in-flight", 1, "--seconds", 0.5).result()
                self.assertGreater(answer["acked_requests"], 20)
                medians[name].append(answer["p50_ms"])
        added = statistics.median(medians["with"]) - statistics.median(medians["without"])
        print(f"medians in ms: {medians}")
        self.assertLess(added, 5)


class Readiness(CounterpartTest):
    def health(self, gateway, path="/"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{gateway.health}{path}", timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def ready_gateway(self, port, queue="", extensions=""):
        gateway = Gateway(self.folder, otlp(port, more=queue), extensions=extensions)
        text = gateway.config.read_text().replace("health_check: {", "health_check: {component_health: {recovery_duration: 1s}, ")
        gateway.config.write_text(text)
        self.started.append(gateway)
        gateway.start()
        self.assertEqual(self.health(gateway)[0], 200)
        return gateway

    def test_an_exporter_that_is_down_makes_the_gateway_unready_until_it_is_back(self):
        backend = Backend(self.folder)
        self.started.append(backend)
        gateway = self.ready_gateway(backend.port)
        load = Load(gateway.port, "--spans", 1, "--in-flight", 4, "--seconds", 20, "--pause-ms", 50)
        wait_for("unreadiness", lambda: self.health(gateway)[0] == 503)
        status, body = self.health(gateway, "/?verbose")
        self.assertEqual(status, 503)
        self.assertIn("otlp", json.dumps(body))
        backend.start()
        wait_for("readiness", lambda: self.health(gateway)[0] == 200)
        answer = load.result()
        self.assertGreater(answer["acked_requests"], 0)

    def test_with_a_queue_on_disk_it_does_its_work_meanwhile(self):
        (self.folder / "queue").mkdir()
        gateway = self.ready_gateway(free_port(), "    sending_queue: {storage: file_storage, queue_size: 100000}",
                                     f"  file_storage: {{directory: {self.folder / 'queue'}}}")
        answer = Load(gateway.port, "--spans", 1, "--in-flight", 2, "--seconds", 4, "--pause-ms", 50).result()
        self.assertEqual(answer["refused"], {})
        time.sleep(1.5)  # longer than recovery_duration
        self.assertEqual(self.health(gateway)[0], 200)


if __name__ == "__main__":
    unittest.main()
