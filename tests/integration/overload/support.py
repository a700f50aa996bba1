"""A release gateway between the load generator and the counting backend of tests/bench/gateway."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "truth"))
from stack import BIN, end_with_parent, free_port, listens, wait_for  # noqa: E402


LOAD = BIN / "gateway_load"  # ninja -C build/release gateway_load


class Gateway:
    """One process of the release binary. `exporters` and `more` are pieces of its configuration."""

    def __init__(self, folder, exporters, pipeline="exporters: [otlp]", more="", args=(), extensions="", receivers="", taskset=None, env=None):
        self.env = {**os.environ, **(env or {})}
        self.folder = pathlib.Path(folder)
        self.port, self.http, self.metrics_port, self.health = (free_port() for _ in range(4))
        self.config = self.folder / "gateway.yaml"
        self.config.write_text(f"""
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{self.port}", max_recv_msg_size_mib: 64}}
      http: {{endpoint: "127.0.0.1:{self.http}"}}
{receivers}
{more}
exporters:
{exporters}
extensions:
  health_check: {{endpoint: "127.0.0.1:{self.health}"}}
{extensions}
service:
  extensions: [health_check{', file_storage' if 'file_storage' in extensions else ''}]
  telemetry: {{metrics: {{address: "127.0.0.1:{self.metrics_port}"}}}}
  pipelines:
    traces: {{receivers: [otlp{', zipkin' if receivers else ''}], {pipeline}}}
""")
        self.args = list(args)
        self.prefix = ["taskset", "-c", str(taskset)] if taskset is not None else []
        self.process = None

    def start(self, wait=True):
        self.log = open(self.folder / "gateway.log", "ab")
        self.process = subprocess.Popen(
            [*self.prefix, BIN / "wirespan-gateway", "--config", self.config, *self.args], stdout=self.log, stderr=self.log,
            stdin=subprocess.DEVNULL, env=self.env, preexec_fn=end_with_parent)
        if wait:
            wait_for("the gateway", self.ready)
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the gateway ended: {self.text()}")
        return listens(self.port) and listens(self.metrics_port)

    def text(self):
        return (self.folder / "gateway.log").read_text(errors="replace")

    def end(self, sig=signal.SIGTERM, seconds=60):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(sig)
        self.process.wait(seconds)
        self.log.close()

    def metrics(self):
        """{"name{labels}": value} of its own metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line and line[0] != "#"}

    def metric(self, name, **labels):
        """The sum of all series of a name that have these labels."""
        total = 0
        for series, value in self.metrics().items():
            if re.split(r"[{ ]", series, maxsplit=1)[0] != name:
                continue
            if all(f'{key}="{wanted}"' in series for key, wanted in labels.items()):
                total += value
        return total

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def peak_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024


class Backend:
    """gateway_load sink on a port of its own, which it keeps over restarts."""

    def __init__(self, folder, *args, port=None, taskset=None):
        self.folder = pathlib.Path(folder)
        self.port = port or free_port()
        self.args = list(args)
        self.prefix = ["taskset", "-c", str(taskset)] if taskset is not None else []
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [*self.prefix, LOAD, "sink", "--port", str(self.port), *self.args], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent)
        self.process.stdout.readline()
        return self

    def counts(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=60)
        return json.loads(out.splitlines()[-1])


class Load:
    """gateway_load generate, under way."""

    def __init__(self, port, *args, taskset=None):
        prefix = ["taskset", "-c", str(taskset)] if taskset is not None else []
        self.process = subprocess.Popen(
            [*prefix, LOAD, "generate", "--target", f"127.0.0.1:{port}", *[str(a) for a in args]],
            stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent)

    def result(self, seconds=180):
        out, _ = self.process.communicate(timeout=seconds)
        return json.loads(out)


class OverloadTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wirespan-test-"))
        self.started = []
        if "WIRESPAN_KEEP" not in os.environ:
            self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.end_all)

    def end_all(self):
        for each in reversed(self.started):
            each.end()

    def gateway(self, *args, **kwargs):
        gateway = Gateway(self.folder, *args, **kwargs)
        self.started.append(gateway)
        return gateway.start()

    def backend(self, *args, **kwargs):
        backend = Backend(self.folder, *args, **kwargs)
        self.started.append(backend)
        return backend.start()


def otlp(port, name="otlp", more=""):
    return f"""  {name}:
    endpoint: "127.0.0.1:{port}"
    tls: {{insecure: true}}
    retry_on_failure: {{initial_interval: 200ms, max_interval: 1s}}
{more}
"""
