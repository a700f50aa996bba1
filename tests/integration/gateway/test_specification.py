"""A Collector's file that names nothing but a receiver and an exporter, on the default ports: in a network of its own, where they are free."""

import ctypes
import os
import pathlib
import subprocess
import unittest
import urllib.request

from counterparts import BIN, CounterpartTest, go_sdk, listens, send, wait_for
from backends import Jaeger
from stack import Child

FILE = """receivers:
  otlp:
    protocols:
      grpc:
exporters:
  jaeger:
    endpoint: jaeger:14250
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [jaeger]
"""
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def listening(port):
    """The addresses (hex) that somebody listens on at this port."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[1].endswith(f":{port:04X}"):
                found.add(fields[1].split(":")[0])
    return found


LOOPBACK = {"0100007F", "00000000000000000000000001000000"}
EVERYWHERE = {"00000000", "00000000000000000000000000000000"}


class OwnNetwork(CounterpartTest):
    """The test's thread, and what it starts, live in a network namespace with nothing but a loopback device."""

    def setUp(self):
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.addCleanup(os.close, self.home)
        if LIBC.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self.addCleanup(LIBC.setns, self.home, CLONE_NEWNET)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        super().setUp()

    def run_file(self, env=None):
        """The program as people start it, with a name `jaeger` that leads to this machine."""
        config = self.folder / "config.yaml"
        config.write_text(FILE)
        hosts = self.folder / "hosts"
        hosts.write_text("127.0.0.1 localhost jaeger\n")
        command = ["unshare", "--mount", "sh", "-c", f"mount --bind {hosts} /etc/hosts && exec {BIN}/wirespan-gateway --config={config}"]
        child = Child("gateway", command, self.folder, env=env)
        self.addCleanup(child.stop)
        wait_for("the gateway", lambda: listens(4317) and listens(8888) and listens(13133))
        return child

    def get(self, port, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()


class Defaults(OwnNetwork):
    def test_metrics_and_health_are_served_though_the_file_names_neither(self):
        child = self.run_file()
        self.assertEqual(self.get(13133, "/")[0], 200)
        self.assertIn("wirespan_build_info", self.get(8888, "/metrics")[1])
        for port in (4317, 8888, 13133):
            self.assertLessEqual(listening(port), LOOPBACK)
        self.assertFalse(listens(4318), "http is not in the file")
        self.assertEqual(child.text().count("there is no tls block: what goes to jaeger:14250 is not encrypted"), 1)

    def test_the_variable_of_images_replaces_localhost(self):
        self.run_file({"WIRESPAN_LISTEN_HOST": "0.0.0.0"})
        for port in (4317, 8888, 13133):
            self.assertLessEqual(listening(port), EVERYWHERE)

    def test_variables_of_sdks_change_nothing(self):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:9", "OTEL_SERVICE_NAME": "other", "OTEL_TRACES_SAMPLER": "always_off",
               "OTEL_RESOURCE_ATTRIBUTES": "a=b", "OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_HEADERS": "x=y"}
        child = self.run_file(env)
        metrics = self.get(8888, "/metrics")[1]
        self.assertNotIn("other", metrics)
        self.assertNotIn('a="b"', metrics)
        self.assertNotIn("OTEL_", child.text())
        self.assertNotIn("localhost:9", child.text())


class Unchanged(OwnNetwork):
    """... with a real Jaeger behind it; long, because that has to be built."""

    def test_from_an_sdk_to_jaeger(self):
        jaeger = Jaeger(self.folder, own=14250)
        self.addCleanup(jaeger.child.stop)
        child = self.run_file()
        send(go_sdk(), "grpc", 4317, 1000, "gzip")
        wait_for("Jaeger's traces", lambda: len(jaeger.traces_of("sdk-go")) == 1000)
        metrics = self.get(8888, "/metrics")[1]
        self.assertIn('otelcol_exporter_sent_spans_total{exporter="jaeger"} 1000', metrics)
        self.assertNotIn("error", child.text().lower())


if __name__ == "__main__":
    unittest.main()
