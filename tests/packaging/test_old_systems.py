"""The archive on systems older than any that can be had here: in a root without a C library, with no system call that CentOS 7's kernel has not."""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from programs import BIN, ROOT, Child, answers, free_port, wait_for
from roots import run

HERE = pathlib.Path(__file__).resolve().parent
OLDEST = (3, 10)  # CentOS 7


@unittest.skipUnless(platform.machine() == "x86_64", "the numbers of system calls are x86-64's")
class Old(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wirespan-old-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        run(ROOT / "tools" / "package", cls.folder / "packages", env=os.environ | {"WIRESPAN_BIN": str(BIN)})
        cls.root = cls.folder / "root"
        (cls.root / "bin").mkdir(parents=True)
        run("tar", "-C", cls.root, "-xzf", next((cls.folder / "packages").glob("*.tar.gz")))
        # The only other program: static.
        shutil.copy("/bin/busybox", cls.root / "bin" / "busybox")
        os.symlink("busybox", cls.root / "bin" / "sh")
        (cls.root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
        for name in ("tmp", "proc", "dev"):
            (cls.root / name).mkdir()

    def command(self, *arguments):
        """As it is started there."""
        inside = 'mount -t proc proc "$0/proc"; mount --bind /dev "$0/dev"; exec chroot "$0" "$@"'
        return ["unshare", "--mount", sys.executable, HERE / "old_kernel.py", "sh", "-ec", inside, self.root, *arguments]

    def test_the_root_has_no_c_library(self):
        found = [p for p in self.root.rglob("libc.so*") if "wirespan" not in str(p)] + list(self.root.rglob("ld-linux*"))
        self.assertEqual([str(p.relative_to(self.root)) for p in found], ["usr/lib/wirespan/lib/ld-linux-x86-64.so.2"])

    def test_newer_calls_are_refused(self):
        said = run(sys.executable, HERE / "old_kernel.py", sys.executable, "-c",
                   "import os\ntry: os.getrandom(1)\nexcept OSError as error: print(error.errno)").stdout
        self.assertEqual(said, "38\n")

    def test_no_library_asks_for_a_newer_kernel(self):
        for file in sorted((self.root / "usr/lib/wirespan").rglob("*")):
            if file.is_file():
                for needed in re.findall(r"OS: Linux, ABI: (\d+)\.(\d+)", run("readelf", "-n", file).stdout):
                    self.assertLessEqual(tuple(map(int, needed)), OLDEST, file.name)

    def test_every_symbol_is_in_the_packages_own_libraries(self):
        """Nothing is left that the system's libraries would have to bring."""
        files = [file for file in (self.root / "usr/lib/wirespan").rglob("*") if file.is_file()]
        brought = {file.name for file in files}
        for file in files:
            needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", file).stdout)
            self.assertLessEqual(set(needed), brought, file.name)

    def test_versions_and_configurations(self):
        for program in ("wirespan-agent", "wirespan-gateway"):
            self.assertRegex(run(*self.command(f"/usr/bin/{program}", "--version")).stdout, rf"^{program} \d")
        self.assertIn("valid", run(*self.command("/usr/bin/wirespan-agent", "validate", "/etc/wirespan/agent.yaml")).stdout)
        run(*self.command("/usr/bin/wirespan-gateway", "validate"))

    def test_the_agent_says_what_the_kernel_lacks(self):
        result = run(*self.command("/usr/bin/wirespan-agent", "run", "--config", "/etc/wirespan/agent.yaml"), check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stdout + result.stderr, "(?i)kernel|bpf|btf")

    def test_the_gateway_serves(self):
        http, grpc, health = (free_port() for _ in range(3))
        (self.root / "etc/otel/test.yaml").write_text(f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{http}"}}, grpc: {{endpoint: "127.0.0.1:{grpc}"}}}}}}}}
exporters:
  otlphttp: {{endpoint: "http://localhost:{free_port()}", sending_queue: {{storage: file_storage/q}}}}
  file: {{path: /tmp/out.json}}
extensions: {{health_check: {{endpoint: "127.0.0.1:{health}"}}, file_storage/q: {{directory: /tmp/queue}}}}
service:
  extensions: [health_check, file_storage/q]
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [file, otlphttp]}}}}
""")
        gateway = Child("gateway", self.command("/usr/bin/wirespan-gateway", "--config", "/etc/otel/test.yaml"), self.folder)
        self.addCleanup(gateway.stop)
        wait_for("the gateway", lambda: answers(health))
        span = {"traceId": "01" * 16, "spanId": "02" * 8, "name": "old", "kind": 2, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
        request = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{http}/v1/traces", request, {"content-type": "application/json"}), timeout=20) as answer:
            self.assertEqual(answer.status, 200)
        out = self.root / "tmp" / "out.json"
        wait_for("the span", lambda: out.exists() and '"old"' in out.read_text())
        # It runs with those calls alone and with its own libraries.
        pid = subprocess.run(["pgrep", "-P", str(gateway.process.pid)], capture_output=True, text=True, check=False).stdout.split() or [gateway.process.pid]
        status = pathlib.Path(f"/proc/{pid[0]}/status").read_text()
        self.assertIn("Seccomp:\t2", status)
        mapped = set(re.findall(r"/\S+\.so\S*", pathlib.Path(f"/proc/{pid[0]}/maps").read_text()))
        self.assertEqual([m for m in mapped if "/usr/lib/wirespan/lib/" not in m], [])


if __name__ == "__main__":
    unittest.main()
