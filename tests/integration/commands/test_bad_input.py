"""What cannot be had, made for real: one sentence each, and the exit code that docs/operating.md promises."""

import grp
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from support import AGENT, GATEWAY, Program, agent, ask, environment, free_port, listens, wait_for

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
RIGHTS = ("capture needs root, or the capabilities CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8)")
NO_BTF = ("this kernel gives no type information (/sys/kernel/btf/vmlinux): capture needs one built with "
          "CONFIG_DEBUG_INFO_BTF, as distributions' kernels since 5.8 are")


def without(folder):
    """A wrapper under which this folder of the kernel is empty: a mount namespace of its own."""
    return ["unshare", "-m", "sh", "-c", f'mount -t tmpfs none {folder} && exec "$@"', "sh"]


class BadInput(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.ports = {"admin": free_port(), "metrics": free_port()}

    def config(self, text=""):
        file = self.folder / "agent.yaml"
        given = {line.split(":")[0] for line in text.splitlines()}
        base = {"admin": f'admin: {{listen: "127.0.0.1:{self.ports["admin"]}"}}',
                "metrics": f'metrics: {{listen: "127.0.0.1:{self.ports["metrics"]}"}}',
                "control": f"control: {{socket: {self.folder}/control.sock}}",
                "node": "node: {other_agents: ignore}"}
        file.write_text("\n".join([line for key, line in base.items() if key not in given] + [text, ""]))
        return file

    def run_agent(self, text="", **more):
        return agent("run", "--config", self.config(text), **more)

    def expect(self, ended, code, sentence):
        self.assertEqual((ended.code, ended.sentence), (code, sentence), ended.err)


class Ground(BadInput):
    def test_not_root(self):
        for command in (["run"], ["record", "/tmp/wirespan-never-made"]):
            with self.subTest(command=command):
                self.expect(agent(*command, wrapper=NOBODY), 3, RIGHTS)
        self.assertFalse(os.path.exists("/tmp/wirespan-never-made"))
        for command in ("watch", "explain"):
            with self.subTest(command=command):
                self.expect(agent(command, wrapper=NOBODY), 3, f"capture: {RIGHTS}")

    def test_root_without_the_capability(self):
        self.expect(self.run_agent(wrapper=["setpriv", "--bounding-set", "-bpf,-sys_admin", "--inh-caps", "-bpf,-sys_admin"]), 3, RIGHTS)

    def test_no_btf(self):
        self.expect(self.run_agent(wrapper=without("/sys/kernel/btf")), 4, NO_BTF)

    def test_no_tracefs(self):
        """Nothing is missing but a bound: the kernel's own way of probing returns takes fewer calls at once."""
        for backend, warned in (("auto", False), ("kprobe", True)):
            with self.subTest(backend=backend):
                wrapper = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel/tracing; mount -t tmpfs none /sys/kernel/debug; exec "$@"', "sh"]
                config = self.config(f"capture: {{backend: {backend}}}\nexport: {{shutdown_timeout: 0s}}")
                process = subprocess.Popen([*wrapper, str(AGENT), "run", "--config", str(config)], stderr=subprocess.PIPE, text=True, env=environment())
                try:
                    wait_for("the agent", lambda: listens(self.ports["admin"]) or process.poll() is not None)
                    wait_for("its probes", lambda: process.poll() is not None or ask(self.ports["admin"], "/readyz") == 200)
                finally:
                    process.send_signal(signal.SIGINT)
                    log = process.communicate()[1]
                if process.returncode == 4:
                    self.skipTest(log)  # a kernel without this backend says so
                self.assertEqual(process.returncode, 0, log)
                said = [line for line in log.splitlines() if "tracefs (/sys/kernel/tracing) is not mounted" in line]
                self.assertEqual(bool(said), warned, log)
                for line in said:
                    self.assertRegex(line, r"WARN  capture: .*calls are missed while more threads than CPUs wait in \w+; mount tracefs at /sys/kernel/tracing$")

    def test_lockdown(self):
        if not os.path.isdir("/sys/kernel/security"):
            self.skipTest("this kernel has no /sys/kernel/security to mount over")
        locked = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel/security && '
                  'echo "none integrity [confidentiality]" > /sys/kernel/security/lockdown && exec "$@"', "sh"]
        sentence = ("this kernel is locked down for confidentiality, so BPF may not read its memory: boot with "
                    "lockdown=integrity or none")
        self.expect(self.run_agent(wrapper=locked), 4, sentence)
        check = agent("check", wrapper=locked)
        self.assertEqual(check.code, 4)
        self.assertIn("  NO  lockdown is confidentiality: ", check.out)

    def test_a_backend_that_this_kernel_or_build_lacks(self):
        report = agent("check").out
        lacking = [name for name in ("fentry", "kprobe", "socktrace", "syscall") if f"  {name:<10} usable" not in report]
        for name in lacking:
            with self.subTest(backend=name):
                ended = self.run_agent(f"capture: {{backend: {name}}}")
                self.assertIn(ended.code, (2, 4), ended.err)
                self.assertFalse(ended.sentence.startswith("not one sentence"), ended.err)
        if not lacking:
            self.skipTest("this kernel offers every backend")


class Check(unittest.TestCase):
    def test_root(self):
        ended = agent("check")
        self.assertEqual((ended.code, ended.err), (0, ""))
        self.assertRegex(ended.out, r"^kernel \S+ on \S+, \d+ CPUs possible\n  yes CAP_BPF\n  yes CAP_PERFMON\n  yes BTF ")
        self.assertRegex(ended.out, r"\n  \w+ +usable\n(.*\n)*`run` would take \w+\n$")

    def test_nobody(self):
        ended = agent("check", wrapper=NOBODY)
        self.assertEqual((ended.code, ended.err), (3, ""))
        self.assertIn("  NO  CAP_BPF: run as root, or grant CAP_BPF\n", ended.out)
        self.assertIn("  NO  CAP_PERFMON: run as root, or grant CAP_PERFMON\n", ended.out)
        # What nobody could try is not called missing.
        self.assertIn("  ?   BPF ring buffer: can't be tried without what is missing\n", ended.out)
        self.assertTrue(ended.out.endswith("nothing can be captured here\n"))

    def test_one_capability_is_missing(self):
        ended = agent("check", wrapper=["setpriv", "--bounding-set", "-bpf,-sys_admin", "--inh-caps", "-bpf,-sys_admin"])
        self.assertEqual(ended.code, 3)
        self.assertIn("  NO  CAP_BPF: ", ended.out)
        self.assertIn("  yes CAP_PERFMON\n", ended.out)

    def test_no_btf(self):
        ended = agent("check", wrapper=without("/sys/kernel/btf"))
        self.assertEqual(ended.code, 4)
        self.assertIn("  NO  BTF (/sys/kernel/btf/vmlinux): this kernel was built without CONFIG_DEBUG_INFO_BTF\n", ended.out)

    def test_no_tracefs(self):
        wrapper = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel/tracing; mount -t tmpfs none /sys/kernel/debug; exec "$@"', "sh"]
        ended = agent("check", wrapper=wrapper)
        self.assertIn("  NO  tracefs: only the kprobe backend of old kernels needs it\n", ended.out)
        self.assertEqual(ended.code, 0)

    def test_json(self):
        import json
        report = json.loads(agent("check", "--json").out)
        self.assertTrue(report["btf"] and report["cap_bpf"])
        self.assertIn(report["preempts"], (True, False))
        self.assertIn(report["chosen"], [backend["name"] for backend in report["backends"] if backend["usable"]])

    def test_a_kernel_that_preempts(self):
        import json
        # The command line tells, where debugfs does not. Backends that can't do anything against it say so.
        line = pathlib.Path("/proc/cmdline").read_text().strip() + " preempt=full\n"
        with tempfile.NamedTemporaryFile("w") as told:
            told.write(line)
            told.flush()
            wrapper = ["unshare", "-m", "sh", "-c",
                       f'mount -t tmpfs none /sys/kernel/debug && mount --bind {told.name} /proc/cmdline && exec "$@"', "sh"]
            report = json.loads(agent("check", "--json", wrapper=wrapper).out)
        self.assertEqual(report["preempts"], "PREEMPT" in pathlib.Path("/proc/version").read_text())
        for backend in report["backends"]:
            self.assertTrue(backend["name"] in ("fentry", "socktrace") or not backend["lack"], backend)
        # The first that misses nothing, or hardly anything, or the first of all.
        usable = [b for b in report["backends"] if b["usable"]]
        whole = [b for b in usable if not b["lack"] or "a few calls may be missed" in b["lack"]]
        self.assertEqual(report["chosen"], (whole or usable)[0]["name"])


class Listeners(BadInput):
    def test_ports_in_use(self):
        for key in ("admin", "metrics"):
            with self.subTest(key=key), socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
                self.expect(self.run_agent(f'{key}: {{listen: "127.0.0.1:{port}"}}'), 1,
                            f"{key}.listen: listen on 127.0.0.1:{port}: Address already in use; stop what listens there, or set "
                            f"{key}.listen to another address")

    def test_an_address_that_is_not_this_machines(self):
        self.expect(self.run_agent('admin: {listen: "192.0.2.7:8890"}'), 1,
                    "admin.listen: listen on 192.0.2.7:8890: Cannot assign requested address; stop what listens there, or set "
                    "admin.listen to another address")

    def test_a_second_agent(self):
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(f"{self.folder}/control.sock")
            other.listen()
            self.expect(self.run_agent(), 1, f"control.socket: listen on unix:{self.folder}/control.sock: Address already in use; "
                                             "another agent runs there, `watch` and `explain` attach to it")

    def test_a_socket_that_a_killed_agent_left_is_taken_over(self):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(f"{self.folder}/control.sock")
        process = subprocess.Popen([str(AGENT), "run", "--config", str(self.config())], stderr=subprocess.PIPE, env=environment())
        try:
            wait_for("the agent", lambda: listens(self.ports["admin"]) or process.poll() is not None)
            self.assertEqual(agent("explain", "--socket", f"{self.folder}/control.sock").code, 0)
        finally:
            process.terminate()
            process.communicate()

    def test_a_folder_that_cannot_be_made(self):
        (self.folder / "file").write_text("")
        self.expect(self.run_agent(f"control: {{socket: {self.folder}/file/agent.sock}}"), 2,
                    f"control.socket: make folder {self.folder}/file: Not a directory")

    def test_a_path_too_long_for_a_socket(self):
        path = f"{self.folder}/{'x' * 120}"
        self.expect(self.run_agent(f"control: {{socket: {path}}}"), 2, f"control.socket: listen on unix:{path}: the path must have 1 to 107 bytes")

    def test_a_group_that_does_not_exist(self):
        self.expect(self.run_agent(f"control: {{socket: {self.folder}/control.sock, group: nobodys-group}}"), 2,
                    "control.group: there is no group 'nobodys-group' on this machine")


class ControlSocket(BadInput):
    def test_it_is_0660_and_the_groups(self):
        group = grp.getgrgid(65534).gr_name if 65534 in {g.gr_gid for g in grp.getgrall()} else grp.getgrall()[-1].gr_name
        os.chmod(self.folder, 0o755)
        config = self.config(f"control: {{socket: {self.folder}/control.sock, group: {group}}}")
        process = subprocess.Popen([str(AGENT), "run", "--config", str(config)], stderr=subprocess.DEVNULL, env=environment())
        try:
            path = self.folder / "control.sock"
            wait_for("the agent", lambda: listens(self.ports["admin"]) and path.exists())
            wait_for("its group", lambda: path.stat().st_gid == grp.getgrnam(group).gr_gid)
            self.assertEqual(path.stat().st_mode & 0o7777, 0o660)
            member = ["setpriv", "--reuid=65533", f"--regid={path.stat().st_gid}", "--clear-groups"]
            stranger = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"]
            self.assertEqual(agent("explain", "--socket", path, wrapper=member).code, 0)
            ended = agent("explain", "--socket", path, wrapper=stranger)
            self.assertEqual(ended.code, 3)
            self.assertIn("Permission denied", ended.sentence)
        finally:
            process.terminate()
            process.wait()


class SendingCase(BadInput):
    """An agent that sends to a gateway with TLS, and the certificates for both."""

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.pki = pathlib.Path(holder.name)
        for name in ("authority", "stranger"):
            cls.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                        "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.crt")
        cls.leaf("good", "IP:127.0.0.1")
        cls.leaf("wrong", "DNS:other.example")
        cls.leaf("named", "DNS:collector.example")
        cls.leaf("expired", "IP:127.0.0.1", "-days", "-1")
        cls.leaf("client", "DNS:agent")

    @classmethod
    def openssl(cls, *arguments):
        subprocess.run(["openssl", *arguments], cwd=cls.pki, check=True, capture_output=True)

    @classmethod
    def leaf(cls, name, alternative, *validity):
        cls.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                    "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (cls.pki / "extensions").write_text(f"subjectAltName={alternative}\n")
        cls.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "authority.crt", "-CAkey", "authority.key", "-CAcreateserial",
                    "-out", f"{name}.crt", "-extfile", "extensions", *(validity or ("-days", "2")))

    def gateway(self, certificate="good", mutual=False):
        """Started with TLS at both receivers; gives the ports for gRPC and HTTP and the file of what came."""
        grpc, http, metrics, health = (free_port() for _ in range(4))
        tls = f"cert_file: {self.pki}/{certificate}.crt, key_file: {self.pki}/{certificate}.key"
        if mutual:
            tls += f", client_ca_file: {self.pki}/authority.crt"
        config = self.folder / "gateway.yaml"
        received = self.folder / "received.jsonl"
        config.write_text(f"""
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{grpc}", tls: {{{tls}}}}}
      http: {{endpoint: "127.0.0.1:{http}", tls: {{{tls}}}}}
exporters: {{file: {{path: "{received}"}}}}
extensions: {{health_check: {{endpoint: "127.0.0.1:{health}"}}}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{address: "127.0.0.1:{metrics}"}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}, metrics: {{receivers: [otlp], exporters: [file]}}}}
""")
        log = open(self.folder / "gateway.log", "wb")
        process = subprocess.Popen([str(GATEWAY), "--config", str(config)], stderr=log, env=environment())
        log.close()
        self.addCleanup(lambda: (process.terminate(), process.wait()))
        wait_for("the gateway", lambda: process.poll() is not None or (listens(grpc) and listens(http)))
        self.assertIsNone(process.poll(), (self.folder / "gateway.log").read_text())
        return {"grpc": grpc, "http/protobuf": http}, received

    def send(self, export, until, env=None):
        """Runs an agent with this export and environment, makes one exchange, and waits until the log says `until` (None: until it came)."""
        received = self.folder / "received.jsonl"
        log = open(self.folder / "agent.log", "wb")
        process = subprocess.Popen([str(AGENT), "run", "--config", str(self.config(f"export: {{{export}, shutdown_timeout: 0s, batch_delay: 100ms}}"))],
                                   stderr=log, env=environment(env))
        log.close()
        program = Program(self.folder)
        def text():
            return (self.folder / "agent.log").read_text()
        def reached():
            if process.poll() is not None:
                raise AssertionError(f"the agent ended with {process.returncode}: {text()}")
            program.ask("/sent")
            time.sleep(0.1)
            return until in text() if until else received.exists() and b"/sent" in received.read_bytes()
        try:
            wait_for(f"{until!r} in the log, or the span", reached, 20)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{text()}") from None
        finally:
            program.stop()
            process.terminate()
            process.wait()
        lines = [line for line in text().splitlines() if "exporter: " in line and "(traces)" in line]
        self.assertLessEqual(len(lines), 1, "said once a minute at most")
        return lines[0] if lines else ""

    def tls(self, port, protocol, authority="authority", client=None):
        text = f'endpoint: "https://127.0.0.1:{port}", protocol: {protocol}, tls: {{ca_file: {self.pki}/{authority}.crt'
        if client:
            text += f", cert_file: {self.pki}/{client}.crt, key_file: {self.pki}/{client}.key"
        return text + "}"


class Sending(SendingCase):
    """Endpoints and certificates. An endpoint may come back, so the agent goes on, and says what is wrong once a minute."""

    def test_tls(self):
        for protocol in ("grpc", "http/protobuf"):
            with self.subTest(protocol=protocol):
                ports, _ = self.gateway()
                self.assertEqual(self.send(self.tls(ports[protocol], protocol), None), "")

    def test_mutual_tls(self):
        for protocol in ("grpc", "http/protobuf"):
            with self.subTest(protocol=protocol):
                ports, _ = self.gateway(mutual=True)
                self.assertEqual(self.send(self.tls(ports[protocol], protocol, client="client"), None), "")

    def test_mutual_tls_without_a_certificate(self):
        ports, _ = self.gateway(mutual=True)
        for protocol, port in ports.items():
            with self.subTest(protocol=protocol):
                self.assertIn("retrying in", self.send(self.tls(port, protocol), "(traces)"))

    def test_an_authority_that_is_not_trusted(self):
        ports, _ = self.gateway()
        for protocol, port in ports.items():
            with self.subTest(protocol=protocol):
                self.assertIn("certificate verify failed", self.send(self.tls(port, protocol, authority="stranger"), "(traces)"))

    def test_an_expired_certificate(self):
        ports, _ = self.gateway("expired")
        for protocol, port in ports.items():
            with self.subTest(protocol=protocol):
                self.assertRegex(self.send(self.tls(port, protocol), "(traces)"), "certificate verify failed|certificate has expired")

    def test_a_certificate_of_another_name(self):
        ports, _ = self.gateway("wrong")
        for protocol, port in ports.items():
            with self.subTest(protocol=protocol):
                self.assertRegex(self.send(self.tls(port, protocol), "(traces)"), "(?i)certificate|peer name|mismatch")

    def test_an_endpoint_where_nobody_listens(self):
        port = free_port()
        self.assertRegex(self.send(f'endpoint: "http://127.0.0.1:{port}"', "(traces)"),
                         rf"Z WARN  exporter: http://127.0.0.1:{port}/v1/traces \(traces\): unreachable: .*Connection refused, retrying in \d+\.\d s$")
        self.assertRegex(self.send(f'endpoint: "http://127.0.0.1:{port}", protocol: grpc', "(traces)"), r"UNAVAILABLE: .*retrying in \d+\.\d s$")

    def test_a_host_that_does_not_exist(self):
        self.assertIn("no-such-host.invalid", self.send('endpoint: "http://no-such-host.invalid:4318"', "(traces)"))

    def test_files_of_certificates_are_checked_at_start(self):
        (self.folder / "not.pem").write_text("hello\n")
        for protocol, what in (("grpc", "CA certificate"), ("http/protobuf", "CA file")):
            with self.subTest(protocol=protocol):
                self.expect(self.run_agent(f'export: {{endpoint: "https://127.0.0.1:1", protocol: {protocol}, tls: {{ca_file: /no/such.crt}}}}'), 2,
                            f"exporter: export traces: {what} /no/such.crt: No such file or directory")
                ended = self.run_agent(f'export: {{endpoint: "https://127.0.0.1:1", protocol: {protocol}, tls: {{ca_file: {self.folder}/not.pem}}}}')
                self.assertEqual(ended.code, 2, ended.err)
                self.assertIn(f"{self.folder}/not.pem", ended.sentence)
        self.expect(self.run_agent(f'export: {{endpoint: "https://127.0.0.1:1", tls: {{cert_file: {self.pki}/client.crt}}}}'), 2,
                    "exporter: export traces: a client certificate and its key must be given together")

    def test_variables_are_named(self):
        for variables, word in (({"OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-pigeon"}, "carrier-pigeon"),
                                ({"OTEL_EXPORTER_OTLP_HEADERS": "no-value"}, "key=value"),
                                ({"OTEL_TRACES_EXPORTER": "zipkin"}, "zipkin"),
                                ({"OTEL_BSP_SCHEDULE_DELAY": "soon"}, "whole number"),
                                ({"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "parentbased_traceidratio"),
                                ({"OTEL_TRACES_SAMPLER_ARG": "2", "OTEL_TRACES_SAMPLER": "traceidratio"}, "from 0 to 1")):
            with self.subTest(variables=variables):
                ended = self.run_agent(env=variables)
                self.assertEqual(ended.code, 2, ended.err)
                self.assertTrue(ended.sentence.startswith(f"{next(iter(variables))}: "), ended.err)
                self.assertIn(word, ended.sentence)


if __name__ == "__main__":
    unittest.main()
