"""The chart with mTLS and a token, both of its own making, on the cluster: who may send, that upgrades keep the Secrets, and that certificates
are exchanged for those of another authority under load, without a restart and without a loss."""

import base64
import json
import pathlib
import subprocess
import tempfile
import time
import unittest

from cluster import get, inside, kubectl, metric, pods, run, wait_for
from release import REQUESTS, SPACE, acknowledged, agent_page, ask, install, prepare, spans_of

SERVER, CLIENT, TOKEN = "wirespan-gateway-tls", "wirespan-agent-tls", "wirespan-auth"
HOST = f"wirespan-gateway-headless.{SPACE}.svc.cluster.local"
SECURED = ["--set", "auth.enabled=true,auth.generate=true,tls.enabled=true,tls.mutual=true,tls.generate=true"]


def setUpModule():  # noqa: N802
    prepare()
    kubectl("delete", "secret", SERVER, CLIENT, TOKEN, "--namespace", SPACE, "--ignore-not-found")
    # Looked at every second, so that a test ends; the chart says every minute.
    install(*SECURED, "--set", "agent.config.export.tls.reload_interval=1s", "--set", "gateway.config.receivers.otlp.protocols.grpc.tls.reload_interval=1s",
            "--set", "gateway.config.receivers.otlp.protocols.http.tls.reload_interval=1s")


def secret(name):
    return {key: base64.b64decode(value) for key, value in get("secret", name, namespace=SPACE)["data"].items()}


def put_secret(name, data):
    coded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    kubectl("patch", "secret", name, "--namespace", SPACE, "--patch", json.dumps({"data": coded}))


class Authority:
    """Another one, and what it signs for both."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=another", "-keyout",
                     "ca.key", "-out", "ca.crt")
        self.certificate = (self.folder / "ca.crt").read_bytes()

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)

    def sign(self, name):
        service = HOST.replace("-headless", "")
        names = [".".join(host.split(".")[:parts]) for host in (HOST, service) for parts in (1, 2, 3, 5)]
        (self.folder / "names").write_text("subjectAltName=" + ",".join(f"DNS:{one}" for one in names))
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", "key", "-out", "csr")
        self.openssl("x509", "-req", "-in", "csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "crt")
        return {"tls.crt": (self.folder / "crt").read_bytes(), "tls.key": (self.folder / "key").read_bytes()}


class Secured(unittest.TestCase):
    """Methods run in the order of their names."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def send(self, authority, identity=None, token=None):
        """The status that somebody with these gets from a gateway: 0, if there is not even a connection."""
        (self.folder / "ca").write_bytes(authority)
        address = pods(SPACE, "gateway")[0]["status"]["podIP"]
        more = []
        if identity:
            for name in ("tls.crt", "tls.key"):
                (self.folder / name).write_bytes(identity[name])
            more += ["--cert", self.folder / "tls.crt", "--key", self.folder / "tls.key"]
        if token:
            more += ["--header", f"Authorization: Bearer {token}"]
        answer = inside("curl", "-s", "--max-time", "10", "--output", "/dev/null", "--write-out", "%{http_code}", "--cacert", self.folder / "ca",
                        "--resolve", f"{HOST}:4318:{address}", "--header", "Content-Type: application/json", "--data", "{}", *more,
                        f"https://{HOST}:4318/v1/traces", check=False)
        return int(answer.stdout)

    def serial(self):
        """Of the certificate that a gateway shows on its gRPC port."""
        address = pods(SPACE, "gateway")[0]["status"]["podIP"]
        shown = inside("openssl", "s_client", "-connect", f"{address}:4317", "-servername", HOST, stdin="", check=False).stdout
        return run("openssl", "x509", "-noout", "-serial", stdin=shown, check=False).stdout

    def test_10_spans_go_through(self):
        ask("/secured")
        wait_for("every span", lambda: len(spans_of("/secured")) == 6 * REQUESTS)

    def test_11_nobody_else_may_send(self):
        server, client = secret(SERVER), secret(CLIENT)
        token = next(iter(secret(TOKEN).values())).decode()
        self.assertEqual(len(token), 40)
        stranger = Authority(self.folder).sign("wirespan-agent")
        self.assertEqual(self.send(server["ca.crt"], client, token), 200)
        self.assertEqual(self.send(server["ca.crt"], client), 401)
        self.assertEqual(self.send(server["ca.crt"], client, "x" * 40), 401)
        self.assertEqual(self.send(server["ca.crt"], None, token), 0)
        self.assertEqual(self.send(server["ca.crt"], stranger, token), 0)
        answer = kubectl("exec", "--namespace", "sink", "deployment/sink", "--", "/wirespan-gateway", "probe", "--span", f"http://{HOST}:4318", check=False)
        self.assertNotEqual(answer.returncode, 0)

    def test_12_an_upgrade_keeps_them(self):
        before = {name: secret(name) for name in (SERVER, CLIENT, TOKEN)}
        install(*SECURED, "--set", "agent.config.export.tls.reload_interval=1s", "--set", "gateway.config.receivers.otlp.protocols.grpc.tls.reload_interval=1s",
                "--set", "gateway.config.receivers.otlp.protocols.http.tls.reload_interval=1s", "--set", "gateway.config.processors.batch.timeout=100ms")
        self.assertEqual({name: secret(name) for name in before}, before)

    def test_20_certificates_of_another_authority_without_a_loss(self):
        old, other = {name: secret(name) for name in (SERVER, CLIENT)}, Authority(self.folder)
        token = next(iter(secret(TOKEN).values())).decode()
        running = {p["metadata"]["uid"]: [c["restartCount"] for c in p["status"]["containerStatuses"]] for part in ("agent", "gateway") for p in pods(SPACE, part)}
        both = old[SERVER]["ca.crt"].rstrip() + b"\n" + other.certificate
        shown, before, sent = self.serial(), acknowledged(), 0
        # First everybody trusts both, then shows the new one, then forgets the old one.
        for name in old:
            put_secret(name, {"ca.crt": both})
        sent += self.ask_until("the gateway to trust both", lambda: self.send(both, other.sign("x"), token) == 200)
        for name, who in ((SERVER, "wirespan-gateway"), (CLIENT, "wirespan-agent")):
            put_secret(name, other.sign(who))
        sent += self.ask_until("the new certificate", lambda: self.serial() not in ("", shown))
        for name in old:
            put_secret(name, {"ca.crt": other.certificate})
        sent += self.ask_until("the old one to be refused", lambda: self.send(both, old[CLIENT], token) == 0)
        # Connections end after maxConnectionAge: those from now on were made with what is new.
        begun = time.monotonic()
        sent += self.ask_until("connections to be renewed", lambda: time.monotonic() > begun + 15)
        wait_for("what the agent holds", lambda: metric(agent_page(), "wirespan_export_held_spans") == 0)
        self.assertEqual(metric(agent_page(), "wirespan_export_spans_total", result="dropped"), 0)
        wait_for("every span", lambda: len(spans_of("/rotated")) == 6 * sent, interval=3)
        self.assertGreaterEqual(acknowledged() - before, 6 * sent)
        self.assertEqual(running, {p["metadata"]["uid"]: [c["restartCount"] for c in p["status"]["containerStatuses"]]
                                   for part in ("agent", "gateway") for p in pods(SPACE, part)})

    def ask_until(self, what, condition):
        sent = 0

        def asked():
            nonlocal sent
            sent += ask("/rotated", 5)
            return condition()
        wait_for(what, asked, seconds=180, interval=1)
        return sent


if __name__ == "__main__":
    unittest.main()
