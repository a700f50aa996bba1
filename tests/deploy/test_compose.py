"""deploy/compose: read by the library that docker compose reads it with, its configurations taken by the programs, its images listed."""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

from charts import BIN, EXAMPLES, ROOT, TOOLS, objects

COMPOSE = ROOT / "deploy" / "compose"
HERE = pathlib.Path(__file__).resolve().parent


@functools.cache
def project(**environment):
    reader = TOOLS / "compose-reader"
    TOOLS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-trimpath", "-o", reader, "."], cwd=HERE / "compose", check=True, env=os.environ | {"CGO_ENABLED": "0"})
    result = subprocess.run([reader, COMPOSE / "compose.yaml"], capture_output=True, text=True, check=False, env=os.environ | environment)
    if result.returncode:
        raise AssertionError(result.stderr)
    return json.loads(result.stdout)


class Project(unittest.TestCase):
    def test_the_services_and_ports_that_people_know(self):
        services = project()["services"]
        self.assertEqual(set(services), {"agent", "gateway", "jaeger", "prometheus", "grafana"})
        published = {name: {int(p["published"]) for p in one.get("ports", [])} for name, one in services.items()}
        self.assertEqual(published, {"agent": set(), "gateway": {4317, 4318}, "jaeger": {16686, 14250}, "prometheus": {9090}, "grafana": {3000}})

    def test_only_otlp_is_open_to_other_hosts(self):
        for name, one in project()["services"].items():
            for port in one.get("ports", []):
                if name != "gateway":
                    self.assertEqual(port["host_ip"], "127.0.0.1", name)

    def test_nobody_is_privileged(self):
        for name, one in project()["services"].items():
            self.assertNotIn("privileged", one)
            self.assertEqual(one["cap_drop"], ["ALL"], name)
            self.assertIn("no-new-privileges:true", one["security_opt"])
        agent = project()["services"]["agent"]
        self.assertEqual(agent["pid"], "host")
        self.assertEqual(agent["cap_add"], ["BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"])

    def test_limits_are_the_resource_plan(self):
        services = project()["services"]
        limits = {name: services[name]["deploy"]["resources"]["limits"] for name in ("agent", "gateway")}
        self.assertEqual(limits, {"agent": {"cpus": 0.5, "memory": str(512 << 20)}, "gateway": {"cpus": 2, "memory": str(4 << 30)}})

    def test_every_file_that_is_mounted_is_there(self):
        for name, one in project(WIRESPAN_DASHBOARDS=str(COMPOSE))["services"].items():
            for volume in one.get("volumes", []):
                if volume["type"] == "bind":
                    self.assertTrue(pathlib.Path(volume["source"]).exists(), f"{name}: {volume['source']}")

    def test_images_are_pinned_and_ours_can_come_from_elsewhere(self):
        for name, one in project(WIRESPAN_REGISTRY="registry.example/mirror/", WIRESPAN_VERSION="9.9.9")["services"].items():
            self.assertRegex(one["image"], r":v?\d+\.\d+\.\d+$", name)
            if "wirespan" in one["image"]:
                self.assertEqual(one["image"], f"registry.example/mirror/wirespan-{name}:9.9.9")


    def test_the_list_for_those_without_a_network_is_whole(self):
        listed = (ROOT / "docs" / "deploying.md").read_text()
        ours = {one["image"].removeprefix("localhost/") for one in project()["services"].values()}
        chart = {one["image"] for values in EXAMPLES.glob("*/rendered.yaml") for document in objects(values.read_text())
                 for one in containers(document)}
        self.assertGreater(len(ours | chart), 4)
        # One example names a mirror and a digest of its own.
        plain = {image.removeprefix("registry.example/mirror/") for image in ours | chart if "@" not in image}
        self.assertEqual([image for image in sorted(plain) if f"`{image}`" not in listed], [])


def containers(document):
    """Of whatever has a pod in it."""
    spec = document.get("spec") or {}
    pod = spec if document["kind"] == "Pod" else (spec.get("template") or {}).get("spec") or {}
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


class Configurations(unittest.TestCase):
    def test_the_programs_take_theirs(self):
        for command in (["wirespan-agent", "validate", COMPOSE / "agent.yaml"], ["wirespan-gateway", "validate", "--config", COMPOSE / "gateway.yaml"]):
            result = subprocess.run([BIN / command[0], *command[1:]], capture_output=True, text=True, check=False)
            self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_prometheus_takes_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(COMPOSE / "prometheus.yaml", folder)
            shutil.copy(ROOT / "deploy" / "prometheus" / "alerts.yaml", folder)
            result = subprocess.run(["promtool", "check", "config", f"{folder}/prometheus.yaml"], capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        targets = set(re.findall(r'\["(.*?)"\]', (COMPOSE / "prometheus.yaml").read_text()))
        self.assertEqual(targets, {"agent:8890", "gateway:8888", "agent:9464"})

    def test_grafana_finds_what_is_there(self):
        sources = yaml.safe_load((COMPOSE / "grafana" / "sources.yaml").read_text())["datasources"]
        hosts = {re.match(r"http://(\w+):(\d+)$", one["url"]).groups() for one in sources}
        self.assertEqual(hosts, {("prometheus", "9090"), ("jaeger", "16686")})
        path = yaml.safe_load((COMPOSE / "grafana" / "dashboards.yaml").read_text())["providers"][0]["options"]["path"]
        self.assertIn(path, {v["target"] for v in project()["services"]["grafana"]["volumes"]})


if __name__ == "__main__":
    unittest.main()
