"""Programs of others that send to a gateway or receive from one. Built or installed on first use into build/integration."""

import json
import pathlib
import subprocess
import sys
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("truth", "http2", "overload"):
    sys.path.insert(0, str(HERE.parent / folder))

from backends import get_json  # noqa: E402
from programs import CACHE, built, quietly  # noqa: E402
from stack import BIN, Child, ROOT, free_port, listens, wait_for  # noqa: E402
from support import Gateway, OverloadTest  # noqa: E402

PROGRAMS = ROOT / "tests" / "integration" / "programs"
SDK = PROGRAMS / "sdk"
ZIPKIN = "3.5.1"


def python_sdk():
    def build(out):
        quietly([sys.executable, "-m", "venv", out])
        quietly([out / "bin" / "pip", "-q", "install", "--require-hashes", "-r", SDK / "python" / "requirements.txt"])
    return [built(CACHE / "sdk-venv", SDK / "python", build) / "bin" / "python", "-B", SDK / "python" / "send.py"]


def go_sdk():
    folder = SDK / "go"
    return [built(CACHE / "sdk-go", folder, lambda out: quietly(["go", "build", "-mod=readonly", "-o", out, "."], cwd=folder))]


def java_sdk():
    folder = SDK / "java"

    def build(out):
        quietly(["mvn", "-q", "-B", "-f", folder / "pom.xml", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
                 "-DincludeScope=runtime", f"-DoutputDirectory={out / 'jars'}"])
        quietly(["javac", "-nowarn", "-cp", f"{out / 'jars'}/*", "-d", out / "classes", *(folder / "src").glob("*.java")])
    out = built(CACHE / "sdk-java", folder, build)
    return ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{out / 'classes'}:{out / 'jars'}/*", "Send"]


def node_sdk():
    def build(out):
        out.mkdir()
        for name in ("package.json", "package-lock.json", "send.mjs"):
            (out / name).write_bytes((SDK / "node" / name).read_bytes())
        quietly(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=out)
    return ["node", built(CACHE / "sdk-node", SDK / "node", build) / "send.mjs"]


def send(command, protocol, port, count, compression):
    done = subprocess.run([str(word) for word in [*command, protocol, port, count, compression]], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"the SDK could not export: {done.stdout[-2000:]}")


def collector_binary():
    folder = PROGRAMS / "collector"
    return built(CACHE / "collector", folder, lambda out: quietly(
        ["go", "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", out, "."], cwd=folder))


class Collector:
    """Takes OTLP on `grpc` and `http`; counts what it took."""

    def __init__(self, folder, exporters="exporters: {debug: }", to="debug"):
        self.grpc, self.http, self.metrics = free_port(), free_port(), free_port()
        config = pathlib.Path(folder) / "collector.yaml"
        config.write_text(f"""
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{self.grpc}"}}
      http: {{endpoint: "127.0.0.1:{self.http}"}}
{exporters}
service:
  telemetry:
    metrics: {{level: basic, readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {self.metrics}}}}}}}}}]}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [{to}]}}
    metrics: {{receivers: [otlp], exporters: [{to}]}}
    logs: {{receivers: [otlp], exporters: [{to}]}}
""")
        self.child = Child("collector", [collector_binary(), "--config", config], folder)
        wait_for("the Collector to listen", lambda: listens(self.grpc) and listens(self.http) and listens(self.metrics), 60)

    def accepted(self, items, transport):
        """Of otelcol_receiver_accepted_<items>."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines
                   if line.startswith(f"otelcol_receiver_accepted_{items}") and f'transport="{transport}"' in line)


class Zipkin:
    """In memory, all on `port`."""

    def __init__(self, folder):
        jars = CACHE / f"zipkin-{ZIPKIN}"
        jar = jars / f"zipkin-server-{ZIPKIN}-exec.jar"
        if not jar.exists():
            quietly(["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
                     f"-Dartifact=io.zipkin:zipkin-server:{ZIPKIN}:jar:exec", f"-DoutputDirectory={jars}"], cwd=folder)
        self.port = free_port()
        self.child = Child("zipkin", ["java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-jar", jar], folder,
                           env={"QUERY_PORT": str(self.port)})
        wait_for("Zipkin to listen", lambda: listens(self.port), 180)

    def traces_of(self, service):
        return get_json(f"http://127.0.0.1:{self.port}/api/v2/traces?serviceName={service}&limit=10000")


class Everything(Gateway):
    """All signals into a file, and on to `exporters`."""

    def __init__(self, folder, exporters="", names=(), one_port=False):
        self.out = pathlib.Path(folder) / "out.json"
        file = f"  file: {{path: {self.out}, rotation: {{max_megabytes: 1000}}}}\n"
        to = ", ".join(["file", *names])
        super().__init__(folder, file + exporters, pipeline=f"exporters: [{to}]")
        text = self.config.read_text()
        for signal in ("metrics", "logs"):
            text += f"    {signal}: {{receivers: [otlp], exporters: [file]}}\n"
        if one_port:
            text = text.replace(f"127.0.0.1:{self.http}", f"127.0.0.1:{self.port}")
            self.http = self.port
        self.config.write_text(text)

    def command(self, word):
        return [BIN / "wirespan-gateway", word, "--config", self.config]

    def items(self, service=None):
        """{"spans": ..., "logs": ..., "points": ...} in the file."""
        counts = {"spans": 0, "logs": 0, "points": 0}
        lines = self.out.read_text().splitlines() if self.out.exists() else []
        for line in lines:
            batch = json.loads(line)
            for resource in [r for key in ("resourceSpans", "resourceLogs", "resourceMetrics") for r in batch.get(key, [])]:
                attributes = {a["key"]: a["value"].get("stringValue") for a in resource["resource"].get("attributes", [])}
                if service and attributes.get("service.name") != service:
                    continue
                for scope in resource.get("scopeSpans", []):
                    counts["spans"] += len(scope["spans"])
                for scope in resource.get("scopeLogs", []):
                    counts["logs"] += len(scope["logRecords"])
                for scope in resource.get("scopeMetrics", []):
                    counts["points"] += sum(len(kind["dataPoints"]) for metric in scope["metrics"] for kind in metric.values()
                                            if isinstance(kind, dict) and "dataPoints" in kind)
        return counts


class CounterpartTest(OverloadTest):
    def everything(self, *args, **kwargs):
        gateway = Everything(self.folder, *args, **kwargs)
        self.started.append(gateway)
        return gateway.start()

    def other(self, kind):
        made = kind(self.folder)
        self.addCleanup(made.child.stop)
        return made
