"""The alerts: sound rules, their unit tests, a runbook line for each, and only metrics that the programs really have."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration" / "truth"))
from stack import BIN, Child, answers, free_port, wait_for  # noqa: E402

RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
OF_PROMETHEUS = {"up"}


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)


def metrics_named(rules):
    """The metric names in the expressions, alternatives of a name pattern spelled out."""
    names = set()
    for expression in re.findall(r"expr:(.*?)\n {8}\w", rules, re.DOTALL):
        for prefix, alternatives, suffix in re.findall(r'__name__=~"(\w+)\(([\w|]+)\)(\w+)"', expression):
            names |= {prefix + alternative + suffix for alternative in alternatives.split("|")}
        bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", "", expression)
        names |= set(re.findall(r"\b(?:up|wirespan_\w+|otelcol_\w+)\b", bare))
    return names


def names_exported(folder):
    """What an agent and a gateway with all three signals show of themselves."""
    admin, otlp, metrics, health = (free_port() for _ in range(4))
    gateway_config, agent_config = pathlib.Path(folder) / "gateway.yaml", pathlib.Path(folder) / "agent.yaml"
    pipelines = ", ".join(f"{s}: {{receivers: [otlp], exporters: [otlphttp]}}" for s in ("traces", "metrics", "logs"))
    gateway_config.write_text(f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{otlp}"}}}}}}}}
exporters: {{otlphttp: {{endpoint: "http://127.0.0.1:{free_port()}"}}}}
extensions: {{health_check: {{endpoint: "127.0.0.1:{health}"}}}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{address: "127.0.0.1:{metrics}"}}}}
  pipelines: {{{pipelines}}}
""")
    agent_config.write_text(f"""
admin: {{listen: "127.0.0.1:{admin}"}}
metrics: {{listen: "127.0.0.1:{free_port()}"}}
control: {{socket: "{folder}/control.sock"}}
export: {{endpoint: "http://127.0.0.1:{otlp}"}}
""")
    children = [Child("gateway", [BIN / "wirespan-gateway", "--drain-timeout-ms", "0", "--config", gateway_config], folder),
                Child("agent", [BIN / "wirespan-agent", "run", "--config", agent_config], folder)]
    try:
        wait_for("the gateway", lambda: answers(health))
        wait_for("the agent", lambda: answers(admin, "/readyz"))
        names = set()
        for port in (admin, metrics):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                names |= set(re.findall(r"^# TYPE (\w+) ", answer.read().decode(), re.MULTILINE))
        return names
    finally:
        for child in reversed(children):
            child.stop()


class Alerts(unittest.TestCase):
    def test_rules_are_sound(self):
        result = promtool("check", "rules", RULES)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_each_fires_when_it_should_and_only_then(self):
        result = promtool("test", "rules", RULES.with_name("alerts.test.yaml"))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_each_has_its_runbook_line(self):
        headings = set(re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE))
        text = RULES.read_text()
        alerts = re.findall(r"- alert: (\w+)", text)
        self.assertEqual(set(alerts), headings)
        self.assertEqual([a.lower() for a in alerts], re.findall(r"runbook_url: docs/runbook.md#(\w+)", text))

    def test_the_programs_have_each_metric(self):
        wanted = metrics_named(RULES.read_text()) - OF_PROMETHEUS
        self.assertGreater(len(wanted), 12)
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(wanted - names_exported(folder), set())


if __name__ == "__main__":
    unittest.main()
