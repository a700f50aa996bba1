"""The units of systemd/: that systemd reads them without a complaint, how far they are shut off, and that the programs
work with exactly the rights that the units give, and tell the service manager how they are."""

import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

from programs import BIN, ROOT, Child, answers, free_port, wait_for

UNITS = ROOT / "systemd"


def setting(unit, name):
    """The last value of NAME= in a unit."""
    return re.findall(rf"^{name}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)[-1]


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.path.chmod(0o777)
        self.socket.settimeout(60)

    def wait_for(self, text):
        """Reads messages until one has a line TEXT; returns all its lines."""
        while True:
            lines = self.socket.recv(4096).decode().split("\n")
            if text in lines:
                return lines

    def close(self):
        self.socket.close()


class Analyzed(unittest.TestCase):
    def analyze(self, *arguments):
        return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False)

    def test_units_are_read_without_a_complaint(self):
        with tempfile.TemporaryDirectory() as folder:
            for unit in UNITS.glob("*.service"):
                copy = pathlib.Path(folder) / unit.name
                copy.write_text(unit.read_text().replace("/usr/bin/wirespan", f"{BIN}/wirespan"))
                result = self.analyze("verify", "--man=no", copy)
                complaints = [line for line in result.stderr.splitlines() if "wirespan" in line]
                self.assertEqual((result.returncode, complaints), (0, []), result.stderr)

    def test_agent_exposure(self):
        result = self.analyze("security", "--offline=true", "--threshold=35", UNITS / "wirespan-agent.service")
        self.assertEqual(result.returncode, 0, result.stdout[-200:])

    def test_gateway_exposure(self):
        result = self.analyze("security", "--offline=true", "--threshold=15", UNITS / "wirespan-gateway.service")
        self.assertEqual(result.returncode, 0, result.stdout[-200:])


class WithTheUnitsRights(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wirespan-units-"))
        self.folder.chmod(0o777)
        self.manager = Manager(self.folder)
        self.children = []

    def tearDown(self):
        for child in reversed(self.children):
            child.stop()
        self.manager.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, command, watchdog_us):
        env = {"NOTIFY_SOCKET": str(self.manager.path), "WATCHDOG_USEC": str(watchdog_us)}
        child = Child(name, command, self.folder, env=env)
        self.children.append(child)
        return child

    def test_agent_observes_as_a_user_with_its_capabilities(self):
        self.assertEqual(setting("wirespan-agent.service", "Type"), "notify")
        capabilities = setting("wirespan-agent.service", "AmbientCapabilities").split()
        self.assertEqual(capabilities, setting("wirespan-agent.service", "CapabilityBoundingSet").split())
        listed = ",".join("+" + c.removeprefix("CAP_").lower() for c in capabilities)
        admin, red, otlp = free_port(), free_port(), free_port()
        config = self.folder / "agent.yaml"
        config.write_text(f"""
admin: {{listen: "127.0.0.1:{admin}"}}
metrics: {{listen: "127.0.0.1:{red}"}}
control: {{socket: "{self.folder}/control.sock"}}
node: {{other_agents: ignore}}
export: {{endpoint: "http://127.0.0.1:{otlp}"}}
""")
        agent = self.start("agent", ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
                                     f"--bounding-set=-all,{listed}", f"--inh-caps=-all,{listed}",
                                     f"--ambient-caps=-all,{listed}",
                                     BIN / "wirespan-agent", "run", "--config", config], 4_000_000)
        self.manager.wait_for("READY=1")
        self.assertTrue(answers(admin, "/readyz"), agent.text())
        self.manager.wait_for("WATCHDOG=1")
        port = free_port()
        self.children.append(Child("server", [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
                                   self.folder))
        wait_for("the server", lambda: answers(port))
        wait_for("its exchange in the metrics", lambda: "http_server_request_duration" in subprocess.run(
            ["curl", "-s", f"http://127.0.0.1:{red}/metrics"], capture_output=True, text=True, check=True).stdout)
        agent.process.terminate()
        self.manager.wait_for("STOPPING=1")
        self.assertEqual(agent.process.wait(60), 0, agent.text())

    def test_gateway_says_ready_alive_and_stopping(self):
        self.assertEqual(setting("wirespan-gateway.service", "Type"), "notify")
        config = self.folder / "gateway.yaml"
        config.write_text(f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:0"}}}}}}}}
exporters: {{debug: {{}}}}
extensions: {{health_check: {{endpoint: "127.0.0.1:{free_port()}"}}}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}
""")
        gateway = self.start("gateway", ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                         "--no-new-privs", "--bounding-set=-all",
                                         BIN / "wirespan-gateway", "--config", config], 2_000_000)
        self.manager.wait_for("READY=1")
        self.manager.wait_for("WATCHDOG=1")
        gateway.process.terminate()
        self.manager.wait_for("STOPPING=1")
        self.assertEqual(gateway.process.wait(60), 0, gateway.text())


if __name__ == "__main__":
    unittest.main()
