"""An agent that exports to a gateway with all three signals, both on free ports, for tests of what goes with them."""

import contextlib
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
for place in ("truth", "support"):
    sys.path.insert(0, str(ROOT / "tests" / "integration" / place))
from stack import BIN, Child, answers, free_port, wait_for  # noqa: E402, F401


class Programs:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.children = []
        self.admin, self.red, self.otlp, self.gateway_metrics, health = (free_port() for _ in range(5))
        pipelines = ", ".join(f"{s}: {{receivers: [otlp], exporters: [otlphttp{', store' if s == 'traces' else ''}]}}" for s in ("traces", "metrics", "logs"))
        gateway = self.folder / "gateway.yaml"
        gateway.write_text(f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{self.otlp}"}}}}}}}}
exporters:
  {{otlphttp: {{endpoint: "http://127.0.0.1:{free_port()}", sending_queue: {{enabled: true, queue_size: 100000}}}},
  store: {{directory: "{self.folder}/store", query: {{endpoint: "127.0.0.1:{free_port()}"}}}}}}
extensions: {{health_check: {{endpoint: "127.0.0.1:{health}"}}}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{address: "127.0.0.1:{self.gateway_metrics}"}}}}
  pipelines: {{{pipelines}}}
""")
        agent = self.folder / "agent.yaml"
        agent.write_text(f"""
admin: {{listen: "127.0.0.1:{self.admin}"}}
metrics: {{listen: "127.0.0.1:{self.red}"}}
control: {{socket: "{self.folder}/control.sock"}}
node: {{other_agents: ignore}}
export: {{endpoint: "http://127.0.0.1:{self.otlp}"}}
""")
        self.run("gateway", [BIN / "wirespan-gateway", "--drain-timeout-ms", "0", "--config", gateway])
        self.run("agent", [BIN / "wirespan-agent", "run", "--config", agent], env={"OTEL_METRIC_EXPORT_INTERVAL": "1000"})
        wait_for("the gateway", lambda: answers(health))
        wait_for("the agent", lambda: answers(self.admin, "/readyz"))

    def run(self, name, command, **more):
        child = Child(name, command, self.folder, **more)
        self.children.append(child)
        return child

    def stop(self):
        for child in reversed(self.children):
            child.stop()


@contextlib.contextmanager
def running(folder):
    programs = Programs(folder)
    try:
        yield programs
    finally:
        programs.stop()
