"""Backends that people have: Jaeger and Prometheus, on free ports."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from servers import CACHE
from stack import Child, answers, free_port, listens, wait_for

JAEGER = "v1.76.0"


def jaeger_binary():
    """Built from the Go module as the main one, with its own go.sum: minutes the first time."""
    out = CACHE / f"jaeger-{JAEGER}"
    if not out.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        module = f"github.com/jaegertracing/jaeger@{JAEGER}"
        subprocess.run(["go", "mod", "download", module], check=True)
        cache = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout.strip()
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            source = pathlib.Path(folder) / "jaeger"
            shutil.copytree(pathlib.Path(cache) / module, source, copy_function=shutil.copyfile)
            for path in [source, *source.rglob("*")]:
                os.chmod(path, 0o755)
            subprocess.run(["go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./cmd/jaeger"], cwd=source, check=True)
    return out


def get_json(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


class Jaeger:
    """All in memory. OTLP in on `grpc` and `http`, its own gRPC on `own`; asked on `query` and, by gRPC, `query_grpc`."""

    def __init__(self, folder, own=None):
        self.http, self.grpc, self.own, self.query, self.query_grpc = (free_port() for _ in range(5))
        self.own = own or self.own
        config = pathlib.Path(folder) / "jaeger.yaml"
        config.write_text(f"""
extensions:
  jaeger_query:
    storage: {{traces: memory}}
    http: {{endpoint: "127.0.0.1:{self.query}"}}
    grpc: {{endpoint: "127.0.0.1:{self.query_grpc}"}}
  jaeger_storage:
    backends:
      memory: {{memory: {{max_traces: 100000}}}}
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{self.grpc}"}}
      http: {{endpoint: "127.0.0.1:{self.http}"}}
  jaeger:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{self.own}"}}
exporters:
  jaeger_storage_exporter: {{trace_storage: memory}}
service:
  extensions: [jaeger_storage, jaeger_query]
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp, jaeger], exporters: [jaeger_storage_exporter]}}
""")
        self.child = Child("jaeger", [jaeger_binary(), "--config", config], folder)
        wait_for("Jaeger to listen", lambda: listens(self.query) and listens(self.http) and listens(self.grpc) and listens(self.own) and listens(self.query_grpc), 60)

    def traces_of(self, service):
        return get_json(f"http://127.0.0.1:{self.query}/api/traces?service={service}&limit=10000")["data"] or []

    def trace(self, trace_id):
        return get_json(f"http://127.0.0.1:{self.query}/api/traces/{trace_id}")["data"][0]


class Prometheus:
    def __init__(self, folder, ports):
        self.port = free_port()
        jobs = "".join(f"\n  - {{job_name: {name}, honor_labels: true, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}" for name, port in ports.items())
        config = pathlib.Path(folder) / "prometheus.yaml"
        config.write_text(f"global: {{scrape_interval: 1s}}\nscrape_configs:{jobs}\n")
        self.child = Child("prometheus", ["/usr/bin/prometheus", "--config.file", config, "--storage.tsdb.path", pathlib.Path(folder) / "tsdb",
                                          "--web.listen-address", f"127.0.0.1:{self.port}", "--enable-feature=exemplar-storage"], folder)
        # It listens before it has read its own log, and answers queries with 503 until then.
        wait_for("Prometheus to be ready", lambda: answers(self.port, "/-/ready"), 60)

    def query(self, expression):
        return get_json(f"http://127.0.0.1:{self.port}/api/v1/query?query={urllib.request.quote(expression)}")["data"]["result"]

    def exemplars(self, expression):
        return get_json(f"http://127.0.0.1:{self.port}/api/v1/query_exemplars?start=0&end=9999999999&query={urllib.request.quote(expression)}")["data"]
