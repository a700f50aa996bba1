"""deploy/compose started by podman-compose: our images as they are built, Jaeger and Prometheus of programs that are here, without Grafana, of
which there is none. What runs on the machine is in Jaeger, what Prometheus scrapes answers, and nothing is lost when the gateway is started again."""

import json
import pathlib
import shutil
import subprocess
import sys
import unittest
import urllib.parse

from charts import BIN, ROOT
from engine import Engine

sys.path.insert(0, str(ROOT / "tests" / "integration" / "truth"))
from backends import jaeger_binary  # noqa: E402
from stack import wait_for  # noqa: E402

SERVER = "import http.server as h; h.ThreadingHTTPServer(('127.0.0.1', 8765), h.SimpleHTTPRequestHandler).serve_forever()"


class Compose(unittest.TestCase):
    """Methods run in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.engine = Engine()
        cls.addClassCleanup(cls.engine.close)
        cls.engine.load_ours()
        jaeger = pathlib.Path(jaeger_binary())
        cls.engine.import_program("docker.io/jaegertracing/jaeger:2.11.0", jaeger, f'ENTRYPOINT ["/bin/{jaeger.name}"]',
                                  "ENV JAEGER_LISTEN_HOST=0.0.0.0", "USER 10001")
        cls.engine.import_program("docker.io/prom/prometheus:v3.7.3", shutil.which("prometheus"), 'ENTRYPOINT ["/bin/prometheus"]', "USER 65534",
                                  "WORKDIR /prometheus", writable=["prometheus"])
        cls.engine.compose("up", "-d", "agent", "gateway", "jaeger", "prometheus")
        wait_for("the agent", lambda: "capture: backend" in cls.log("agent"), seconds=90)

    @classmethod
    def log(cls, service):
        result = cls.engine.inside("podman", "logs", cls.engine.container(service), check=False)
        return result.stdout + result.stderr

    def ask(self, url):
        result = self.engine.inside("curl", "-sS", "--max-time", "10", url, check=False)
        try:
            return json.loads(result.stdout)
        except ValueError:
            return {}

    def test_10_our_containers_run_as_the_file_says(self):
        state = {}
        for service in ("agent", "gateway"):
            one = json.loads(self.engine.podman("inspect", self.engine.container(service)))[0]
            state[service] = one
            self.assertEqual((one["State"]["Running"], one["RestartCount"]), (True, 0), self.log(service))
            self.assertIs(one["HostConfig"]["ReadonlyRootfs"], True)
        self.assertEqual(sorted(state["agent"]["EffectiveCaps"]), ["CAP_BPF", "CAP_DAC_READ_SEARCH", "CAP_PERFMON", "CAP_SYS_PTRACE"])
        self.assertFalse(state["gateway"]["EffectiveCaps"])
        self.assertEqual(state["agent"]["HostConfig"]["PidMode"], "host")
        self.assertEqual((state["agent"]["HostConfig"]["Memory"], state["agent"]["HostConfig"]["NanoCpus"]), (512 << 20, 500_000_000))
        self.assertEqual((state["gateway"]["HostConfig"]["Memory"], state["gateway"]["HostConfig"]["NanoCpus"]), (4 << 30, 2_000_000_000))

    def test_11_the_gateways_check_finds_it_healthy(self):
        self.engine.podman("healthcheck", "run", self.engine.container("gateway"))

    def test_20_what_an_sdk_sends_and_what_the_agent_sees_is_in_jaeger(self):
        self.engine.inside(BIN / "wirespan-gateway", "probe", "--retry-seconds", "30", "--span", "http://localhost:4318")
        server = subprocess.Popen(["nsenter", "-t", str(self.engine.namespaces.pid), "-n", "/usr/bin/python3", "-c", SERVER], stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_for("the server", lambda: self.engine.inside("curl", "-s", "http://127.0.0.1:8765/", check=False).returncode == 0, seconds=90)
        for _ in range(10):
            self.engine.inside("curl", "-s", "--output", "/dev/null", "http://127.0.0.1:8765/")
        wait_for("both in Jaeger", lambda: {"wirespan-probe"} < set(self.services()), seconds=90)
        traces = {name: len(self.traces(name)) for name in self.services() if name != "wirespan-probe"}
        self.assertTrue(any(count >= 10 for count in traces.values()), traces)

    def services(self):
        return self.ask("http://localhost:16686/api/services").get("data") or []

    def traces(self, service):
        return self.ask(f"http://localhost:16686/api/traces?limit=1000&service={urllib.parse.quote(service)}").get("data") or []

    def test_30_prometheus_reads_all_three_pages_and_knows_the_alerts(self):
        def up():
            found = self.ask("http://localhost:9090/api/v1/query?query=up").get("data", {}).get("result", [])
            return {one["metric"]["job"]: one["value"][1] for one in found}
        wait_for("every page", lambda: up() == {"wirespan-agent": "1", "wirespan-gateway": "1", "wirespan-services": "1"}, seconds=90)

        def rules():
            return [rule for group in self.ask("http://localhost:9090/api/v1/rules")["data"]["groups"] for rule in group["rules"]]
        wait_for("all rules to be evaluated", lambda: {rule["health"] for rule in rules()} == {"ok"}, seconds=150)
        self.assertGreater(len(rules()), 10)

    def test_40_what_the_gateway_took_while_jaeger_was_away_is_on_its_volume(self):
        before = len(self.traces("wirespan-probe"))
        self.engine.podman("stop", "--time", "1", self.engine.container("jaeger"))
        for _ in range(3):
            self.engine.inside(BIN / "wirespan-gateway", "probe", "--span", "http://localhost:4318")
        self.engine.podman("kill", "--signal", "KILL", self.engine.container("gateway"))
        self.engine.compose("up", "-d", "jaeger", "gateway")
        self.engine.podman("start", self.engine.container("jaeger"), self.engine.container("gateway"))
        # Jaeger has them in memory: what was there before is gone with it.
        self.assertGreater(before, 0)
        wait_for("the three", lambda: len(self.traces("wirespan-probe")) == 3, seconds=90)

    def test_90_down_ends_it(self):
        self.engine.compose("down")
        self.assertEqual(self.engine.podman("ps", "--quiet"), "")


if __name__ == "__main__":
    unittest.main()
