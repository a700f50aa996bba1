"""The release for arm64, cross-built by tools/cross, in its package and its images, run by qemu's emulation of a processor on this machine's kernel.
The agent's programs are of BPF and not of arm64 alone: they are compiled here and loaded on no such machine."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from programs import ROOT, Child, answers, free_port, wait_for
from roots import run

sys.path.insert(0, str(ROOT / "tests" / "deploy"))
sys.path.insert(0, str(ROOT / "tests" / "integration" / "overload"))
from protobuf_bytes import field  # noqa: E402
from test_images import PROGRAMS, Image  # noqa: E402

ENVIRONMENT = os.environ | {"WIRESPAN_ARCH": "arm64"}
QEMU = shutil.which("qemu-aarch64-static")


def export(port, name):
    """One unary gRPC call, by curl. Returns its headers and trailers."""
    span = field(1, b"\1" * 16) + field(2, b"\3" * 8) + field(5, name.encode())
    message = field(1, field(2, field(2, span)))
    return subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "-H", "content-type: application/grpc", "-H", "te: trailers", "--data-binary", "@-", "-D", "-",
                           "-o", "/dev/null", f"http://127.0.0.1:{port}/opentelemetry.proto.collector.trace.v1.TraceService/Export"],
                          input=b"\0" + len(message).to_bytes(4, "big") + message, capture_output=True, check=True).stdout.decode()


class Arm64(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run(ROOT / "tools" / "cross")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wirespan-arm64-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        run(ROOT / "tools" / "package", cls.folder / "packages", env=ENVIRONMENT)
        run(ROOT / "tools" / "images", cls.folder / "images", env=ENVIRONMENT)
        cls.images = {program: Image(cls.folder / "images" / f"{program}.tar") for program in PROGRAMS}

    def root_of(self, fill):
        """A root file system with the emulator in it."""
        root = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        root.chmod(0o755)
        fill(root)
        shutil.copy(QEMU, root / "qemu")
        for name in ("proc", "dev", "tmp", "etc"):
            (root / name).mkdir(exist_ok=True)
        (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
        return root

    def command(self, root, *arguments):
        inside = 'mount -t proc proc "$0/proc"; mount --bind /dev "$0/dev"; exec chroot "$0" /qemu "$@"'
        return ["unshare", "--mount", "sh", "-ec", inside, root, *arguments]

    def test_images(self):
        for program, image in self.images.items():
            self.assertEqual(image.architecture, "arm64")
            root = self.root_of(image.unpack)
            self.assertRegex(run(*self.command(root, f"/{program}", "--version")).stdout, rf"^{program} \d")

    def test_packages(self):
        packages = self.folder / "packages"
        deb = next(packages.glob("*_arm64.deb"))
        self.assertEqual(run("dpkg-deb", "-f", deb, "Architecture").stdout, "arm64\n")
        self.assertEqual(run("rpm", "-qp", "--qf", "%{ARCH}", next(packages.glob("*.aarch64.rpm"))).stdout, "aarch64")
        parts = json.loads(next(packages.glob("*arm64.cdx.json")).read_text())["components"]
        self.assertEqual([p["name"] for p in parts if p["version"] == "unknown"], [])
        root = self.root_of(lambda root: run("dpkg-deb", "-x", deb, root))
        for file in (root / "usr/lib/wirespan").rglob("*"):
            if file.is_file():
                self.assertIn("AArch64", run("readelf", "-h", file).stdout, file.name)
        for program in PROGRAMS:
            self.assertRegex(run(*self.command(root, f"/usr/bin/{program}", "--version")).stdout, rf"^{program} \d")
        self.assertIn("valid", run(*self.command(root, "/usr/bin/wirespan-agent", "validate", "/etc/wirespan/agent.yaml")).stdout)
        run(*self.command(root, "/usr/bin/wirespan-gateway", "validate", "--config", "/etc/otel/config.yaml"))

    def test_the_gateway_serves_http_and_grpc(self):
        root = self.root_of(self.images["wirespan-gateway"].unpack)
        http, grpc, health = (free_port() for _ in range(3))
        (root / "etc/config.yaml").write_text(f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{http}"}}, grpc: {{endpoint: "127.0.0.1:{grpc}"}}}}}}}}
exporters: {{file: {{path: /tmp/out.json}}}}
extensions: {{health_check: {{endpoint: "127.0.0.1:{health}"}}}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}}}
""")
        gateway = Child("gateway", self.command(root, "/wirespan-gateway", "--config", "/etc/config.yaml"), self.folder)
        self.addCleanup(gateway.stop)
        wait_for("the gateway", lambda: answers(health))
        span = {"traceId": "01" * 16, "spanId": "02" * 8, "name": "by-http", "kind": 2, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
        request = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{http}/v1/traces", request, {"content-type": "application/json"}), timeout=60) as answer:
            self.assertEqual(answer.status, 200)
        self.assertIn("grpc-status: 0", export(grpc, "by-grpc"))
        out = root / "tmp" / "out.json"
        wait_for("both spans", lambda: out.exists() and all(name in out.read_text() for name in ("by-http", "by-grpc")))
        said = subprocess.run(["readelf", "-h", root / "wirespan-gateway"], capture_output=True, text=True, check=True).stdout
        self.assertIn("AArch64", said)


if __name__ == "__main__":
    unittest.main()
