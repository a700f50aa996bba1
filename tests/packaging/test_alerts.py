"""The alerts: sound rules, their unit tests, a runbook line for each, and only metrics that the programs really have."""

import re
import subprocess
import tempfile
import unittest
import urllib.request

from programs import ROOT, running

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
    """What an agent and a gateway show of themselves."""
    names = set()
    with running(folder) as programs:
        for port in (programs.admin, programs.gateway_metrics):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                names |= set(re.findall(r"^# TYPE (\w+) ", answer.read().decode(), re.MULTILINE))
    return names


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
