"""A gateway and an agent on free ports in a folder of their own, and the spans that came out of them.

The gateway's file exporter writes each batch as one line of OTLP JSON; spans() reads them back. Everything that is
started here is stopped by pid.
"""

import atexit
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("WIRESPAN_BIN", ROOT / "build" / "bin"))
BATCH_DELAY = 0.2  # s: how long the agent's exporter waits for more spans
METRIC_INTERVAL = 1.0  # s: how often the agent exports metrics
GIVEN_PORTS = set()


def free_port():
    """A port that nothing listens on, below those that the kernel gives to clients (from 32768): between this and its use no connection takes it."""
    while True:
        port = random.SystemRandom().randrange(12000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in GIVEN_PORTS:
            GIVEN_PORTS.add(port)
            return port


def wait_for(what, condition, seconds=30.0, interval=0.05):
    """Polls until condition() is truthy and returns that; fails with a sentence after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what}")
        time.sleep(interval)


def answers(port, path="/"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as r:
            return r.status < 500
    except urllib.error.HTTPError as e:
        return e.code < 500
    except OSError:
        return False


def listens(port, host="127.0.0.1"):
    """True if something listens, found without connecting: a probe connection would be an exchange of its own."""
    want = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[1].endswith(want):
                return True
    return False


LIBC = ctypes.CDLL(None)


def end_with_parent():
    """In the child: SIGTERM when the test ends, even if that was killed."""
    LIBC.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Child:
    """One process: its output goes to a file, it ends with the test. Start it from the main thread. `driven`: its standard
    input and output are pipes of process.stdin and process.stdout."""

    def __init__(self, name, command, folder, env=None, cwd=None, preexec=None, driven=False):
        self.name = name
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        self.log = open(self.log_path, "wb")
        full = dict(os.environ)
        for key in list(full):
            if key.startswith("OTEL_"):
                del full[key]
        full.update(env or {})
        self.process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE if driven else self.log, stderr=self.log,
                                        stdin=subprocess.PIPE if driven else subprocess.DEVNULL, env=full, cwd=cwd,
                                        preexec_fn=preexec or end_with_parent)
        self.pid = self.process.pid

    def alive(self):
        return self.process.poll() is None

    def text(self):
        return self.log_path.read_text(errors="replace")

    end_signal = signal.SIGTERM

    def stop(self, sig=None, seconds=20):
        if self.alive():
            self.process.send_signal(sig or self.end_signal)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.log, self.process.stdin, self.process.stdout):
            if stream:
                stream.close()
        return self.process.returncode


class Stack:
    # Tests run beside each other and see each other's programs; each agent minds its own.
    node_config = "node: {other_agents: ignore}"

    def __init__(self, agent_config="", agent_env=None, start_agent=True, keep_telemetry=True, body_sizes=False, traces_to=None, metrics="", handover=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wirespan-test-"))
        if "WIRESPAN_KEEP" not in os.environ:  # set it to look at the logs afterwards
            atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        self.children = []
        self.otlp_grpc, self.otlp_http = free_port(), free_port()
        self.gateway_metrics, self.gateway_health = free_port(), free_port()
        self.admin, self.red = free_port(), free_port()
        self.telemetry = self.folder / "telemetry.jsonl"
        self.exporter = f'file: {{path: "{self.telemetry}"}}' if keep_telemetry else "debug: {verbosity: basic}"
        # An otlphttp endpoint that takes the traces instead.
        self.traces_to = f'otlphttp: {{endpoint: "{traces_to}"}}' if traces_to else ""
        self.body_sizes = body_sizes
        self.metrics_config = metrics  # more keys of `metrics`, each with a comma in front
        self.read_to, self.read_spans, self.read_metrics = 0, [], []
        self.sdk_spans = []  # raw: what instrumented programs themselves reported
        self.agent_config, self.agent_env = agent_config, agent_env or {}
        self.agent = None
        self.handover = handover  # an agent that ends leaves its programs for the next one of this stack
        self.start_gateway()
        if start_agent:
            self.start_agent()

    def port(self):
        """For a server that the agent shall see."""
        return free_port()

    def run(self, name, command, **more):
        child = Child(name, command, self.folder, **more)
        self.children.append(child)
        return child

    def start_gateway(self):
        config = self.folder / "gateway.yaml"
        config.write_text(f"""
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{self.otlp_grpc}"}}
      http: {{endpoint: "127.0.0.1:{self.otlp_http}"}}
exporters:
  {self.exporter}
  {self.traces_to}
extensions:
  health_check: {{endpoint: "127.0.0.1:{self.gateway_health}"}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{address: "127.0.0.1:{self.gateway_metrics}"}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [{(self.traces_to or self.exporter).split(':')[0]}]}}
    metrics: {{receivers: [otlp], exporters: [{self.exporter.split(':')[0]}]}}
""")
        self.gateway = self.run("gateway", [BIN / "wirespan-gateway", "--config", config])
        wait_for("the gateway to listen", lambda: self._alive(self.gateway) and listens(self.otlp_http))

    def start_agent(self, wait=True):
        config = self.folder / "agent.yaml"
        config.write_text(f"""
admin: {{listen: "127.0.0.1:{self.admin}"}}
metrics: {{listen: "127.0.0.1:{self.red}", body_sizes: {str(self.body_sizes).lower()}{self.metrics_config}}}
control: {{socket: "{self.folder}/control.sock"}}
{self.node_config}
{self.agent_config}
""")
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.otlp_http}", "OTEL_BSP_SCHEDULE_DELAY": str(int(BATCH_DELAY * 1000)),
               "OTEL_METRIC_EXPORT_INTERVAL": str(int(METRIC_INTERVAL * 1000)), **self.agent_env}
        self.agent = self.run("agent", [BIN / "wirespan-agent", "run", "--config", config], env=env)
        if not self.handover:
            self.agent.end_signal = signal.SIGINT  # which leaves no programs for a next one
        if wait:
            wait_for("the agent to be ready", lambda: self._alive(self.agent) and answers(self.admin, "/readyz"))
        return self.agent

    def _alive(self, child):
        if not child.alive():
            raise AssertionError(f"{child.name} ended with {child.process.returncode}:\n{child.text()}")
        return True

    def read(self):
        """Takes in what the gateway has written since the last call; whole lines only."""
        if not self.telemetry.exists():
            return
        with open(self.telemetry, "rb") as f:
            f.seek(self.read_to)
            for line in f:
                if not line.endswith(b"\n"):
                    break
                self.read_to += len(line)
                batch = json.loads(line)
                for resource in batch.get("resourceSpans", []):
                    attributes = read_attributes(resource.get("resource", {}).get("attributes", []))
                    for scope in resource.get("scopeSpans", []):
                        if scope.get("scope", {}).get("name") == "wirespan-agent":
                            self.read_spans += [Span(raw, attributes) for raw in scope.get("spans", [])]
                        else:
                            self.sdk_spans += [{**raw, "service": attributes.get("service.name")} for raw in scope.get("spans", [])]
                self.read_metrics += batch.get("resourceMetrics", [])

    def spans(self, select=lambda span: True):
        self.read()
        return [span for span in self.read_spans if select(span)]

    def metric_points(self, name):
        """The newest cumulative points of a metric, by resource and attributes."""
        self.read()
        points = {}
        for resource in self.read_metrics:
            owner = read_attributes(resource.get("resource", {}).get("attributes", []))
            for scope in resource.get("scopeMetrics", []):
                for metric in scope.get("metrics", []):
                    if metric["name"] != name:
                        continue
                    for point in metric.get("histogram", {}).get("dataPoints", []):
                        attributes = read_attributes(point.get("attributes", []))
                        key = (owner.get("service.instance.id"), tuple(sorted(map(str, attributes.items()))))
                        points[key] = (owner, attributes, point)
        return list(points.values())

    def self_metrics(self, port=None):
        with urllib.request.urlopen(f"http://127.0.0.1:{port or self.admin}/metrics", timeout=10) as r:
            text = r.read().decode()
        values = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values

    def settled_spans(self, select, at_least, seconds=30.0):
        """Waits until at least so many spans are there and the agent has let go of everything it was offered."""
        try:
            wait_for("spans", lambda: len(self.spans(select)) >= at_least, seconds)
        except AssertionError:
            return self.spans(select)  # the comparison with the truth says which are missing
        # One more batch delay and a round of the kernel's rings: a duplicate or a phantom would come now.
        time.sleep(1.0)
        return self.spans(select)

    def close(self):
        code = None
        for child in reversed(self.children):
            result = child.stop()
            if child is self.agent:
                code = result
        return code


class Span:
    def __init__(self, raw, resource):
        self.raw, self.resource = raw, resource
        self.attributes = read_attributes(raw.get("attributes", []))
        self.name = raw["name"]
        self.kind = {2: "server", 3: "client"}[raw["kind"]]
        self.start, self.end = int(raw["startTimeUnixNano"]), int(raw["endTimeUnixNano"])
        self.trace_id, self.span_id, self.parent_id = raw["traceId"], raw["spanId"], raw.get("parentSpanId", "")
        self.method = self.attributes.get("http.request.method")
        self.status = self.attributes.get("http.response.status_code", 0)
        self.port = self.attributes.get("server.port")
        self.pid = resource.get("process.pid")

    @property
    def target(self):
        """Path and query as the request line had them."""
        if "url.path" in self.attributes:
            query = self.attributes.get("url.query")
            return self.attributes["url.path"] + (f"?{query}" if query else "")
        rest = self.attributes.get("url.full", "").split("://", 1)[-1]
        return "/" + rest.split("/", 1)[1] if "/" in rest else "/"

    @property
    def duration_ms(self):
        return (self.end - self.start) / 1e6

    def __repr__(self):
        return f"<{self.kind} {self.method} {self.target} {self.status} {self.duration_ms:.2f} ms pid {self.pid} {self.attributes}>"


def read_attributes(pairs):
    return {pair["key"]: read_value(pair.get("value", {})) for pair in pairs}


def read_value(value):
    if "intValue" in value:
        return int(value["intValue"])
    if "arrayValue" in value:
        return [read_value(v) for v in value["arrayValue"].get("values", [])]
    for kind in ("stringValue", "boolValue", "doubleValue"):
        if kind in value:
            return value[kind]
    return None
