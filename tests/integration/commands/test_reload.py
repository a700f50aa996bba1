"""SIGHUP and the log: what a reload changes, what it refuses, what it says."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

from support import AGENT, AgentCase, Program, ask, environment, free_port, listens, wait_for

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO |WARN |ERROR) \S")


class Reload(AgentCase):
    def setUp(self):
        self.file = self.stack.folder / "agent.yaml"
        self.base = self.file.read_text() if not hasattr(type(self), "base_text") else type(self).base_text
        type(self).base_text = self.base
        self.addCleanup(lambda: self.reload(""))

    def metric(self, name):
        return self.stack.self_metrics().get(name)

    def log(self):
        return self.stack.agent.text()

    def hup(self, text, replace=False):
        self.file.write_text(text if replace else self.base + "\n" + text + "\n")
        os.kill(self.stack.agent.pid, signal.SIGHUP)

    def reload(self, text):
        before = self.metric("wirespan_config_last_reload_seconds") or 0
        self.hup(text)
        wait_for("the reload", lambda: (self.metric("wirespan_config_last_reload_seconds") or 0) > before)

    def asked(self, program, path, told):
        """The server span of one request, whose path and query are told like that."""
        program.ask(path)
        return wait_for(f"the span of {told}", lambda: self.stack.spans(
            lambda s: s.kind == "server" and s.port == program.port and s.target == told))[0]

    def one(self, program, path):
        return self.asked(program, path, path)

    def test_routes(self):
        program = self.program()
        self.assertNotIn("http.route", self.one(program, "/bytes/1").attributes)
        self.reload('routes: [{service: "server", patterns: ["/bytes/{size}"]}]')
        span = self.one(program, "/bytes/2")
        self.assertEqual((span.attributes["http.route"], span.name, span.attributes["wirespan.route.source"]),
                         ("/bytes/{size}", "GET /bytes/{size}", "config"))

    def test_ignored_exchanges(self):
        program = self.program()
        self.reload("exchanges: {ignore: [{path: /healthz}]}")
        program.ask("/healthz")
        self.one(program, "/after")
        self.assertEqual(self.stack.spans(lambda s: s.port == program.port and s.target == "/healthz"), [])

    def test_redaction(self):
        program = self.program()
        self.reload("redact: {query: drop}")
        self.assertNotIn("url.query", self.one(program, "/bytes/3").attributes)
        self.assertNotIn("url.query", self.asked(program, "/bytes/4?plain=shown", "/bytes/4").attributes)
        self.reload("redact: {query: values}")
        self.assertEqual(self.asked(program, "/bytes/5?plain=hidden&more=hidden", "/bytes/5?plain=REDACTED&more=REDACTED").attributes["url.query"],
                         "plain=REDACTED&more=REDACTED")

    def test_client_addresses(self):
        program = self.program()
        self.assertEqual(self.one(program, "/bytes/6").attributes["client.address"], "127.0.0.1")
        self.reload("redact: {client_address: truncated}")
        attributes = self.one(program, "/bytes/7").attributes
        self.assertEqual((attributes["client.address"], attributes["network.peer.address"]), ("127.0.0.0", "127.0.0.0"))
        self.reload("redact: {client_address: off}")
        self.assertFalse({"client.address", "network.peer.address", "network.peer.port"} & set(self.one(program, "/bytes/8").attributes))

    def test_log_level_and_format(self):
        self.reload("log: {level: warn}")
        quiet = len(self.log())
        self.reload("log: {level: warn}")
        self.assertEqual(self.log()[quiet:], "")
        self.reload("log: {format: json}")
        lines = [line for line in self.log().splitlines() if line.startswith("{")]
        entry = json.loads(lines[-1])
        self.assertEqual(set(entry), {"time", "level", "message"})
        self.assertEqual((entry["level"], entry["message"]), ("info", "reload: new configuration in force"))
        self.assertRegex(entry["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_a_bad_file_keeps_the_old_one_and_says_why(self):
        program = self.program()
        self.reload('routes: [{service: "server", patterns: ["/kept/{id}"]}]')
        hash_before = self.metric("wirespan_config_hash")
        seconds_before = self.metric("wirespan_config_last_reload_seconds")
        self.hup("routes: [{service: server, patterns: [nonsense]}]")
        wait_for("the refusal", lambda: self.metric("wirespan_config_last_reload_successful") == 0)
        self.assertEqual((self.metric("wirespan_config_hash"), self.metric("wirespan_config_last_reload_seconds")), (hash_before, seconds_before))
        line = self.base.count("\n") + 2
        self.assertRegex(self.log(), rf"ERROR reload: refused, the old configuration stays in force: {re.escape(str(self.file))}:{line}:\d+: "
                                     r"routes: pattern 'nonsense' must begin with '/'")
        self.assertEqual(self.one(program, "/kept/7").attributes["http.route"], "/kept/{id}")
        self.reload("")
        self.assertEqual(self.metric("wirespan_config_last_reload_successful"), 1)

    def test_a_file_that_is_gone_keeps_the_old_one(self):
        self.file.unlink()
        os.kill(self.stack.agent.pid, signal.SIGHUP)
        wait_for("the refusal", lambda: self.metric("wirespan_config_last_reload_successful") == 0)
        self.assertIn(f"{self.file}: No such file or directory", self.log())

    def test_the_hash_is_the_files(self):
        self.reload("log: {level: debug}")
        one = self.metric("wirespan_config_hash")
        self.reload("log: {level: info}")
        self.assertNotEqual(self.metric("wirespan_config_hash"), one)
        self.reload("log: {level: debug}")
        self.assertEqual(self.metric("wirespan_config_hash"), one)

    def test_what_needs_a_restart_is_named(self):
        size = len(self.log())
        self.reload("capture: {ring_bytes: 1MiB}\nexport: {compression: gzip}")
        said = re.findall(r"WARN  reload: (\S+) needs a restart to change", self.log()[size:])
        self.assertEqual(said, ["capture.ring_bytes", "export"])


class Log(unittest.TestCase):
    def run_agent(self, config, until, env=None):
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            with open(f"{folder}/agent.yaml", "w") as f:
                f.write(f'admin: {{listen: "127.0.0.1:{port}"}}\nmetrics: {{listen: "", interval: 1s}}\ncontrol: {{socket: {folder}/c.sock}}\n'
                        f'export: {{endpoint: "http://127.0.0.1:{free_port()}", shutdown_timeout: 0s, batch_delay: 100ms}}\nnode: {{other_agents: ignore}}\n{config}\n')
            with open(f"{folder}/log", "wb") as log:
                process = subprocess.Popen([str(AGENT), "run", "--config", f"{folder}/agent.yaml"], stderr=log, env=environment(env))
            try:
                wait_for("the agent", lambda: process.poll() is not None or listens(port) and ask(port, "/readyz") == 200)
                until(folder, process)
            finally:
                process.terminate()
                process.wait()
            with open(f"{folder}/log") as log:
                return log.read()

    def test_times_are_utc_rfc_3339_and_repeats_are_limited(self):
        def traffic(folder, process):
            program = Program(folder)
            try:
                for _ in range(30):
                    program.ask()
                    time.sleep(0.1)
            finally:
                program.stop()
        text = self.run_agent("", traffic)
        self.assertTrue(text)
        for line in text.splitlines():
            self.assertRegex(line, LINE)
        self.assertEqual(sum("(traces): unreachable" in line for line in text.splitlines()), 1, text)

    def test_the_variable_wins_over_the_file(self):
        text = self.run_agent("log: {level: debug}", lambda *_: None, env={"OTEL_LOG_LEVEL": "error"})
        self.assertEqual(text, "")

    def test_variables_that_say_nothing_are_named_and_ignored(self):
        text = self.run_agent("log: {level: warn}", lambda *_: None, env={"OTEL_LOG_LEVEL": "loud", "OTEL_METRIC_EXPORT_INTERVAL": "soon"})
        said = [line.split("Z ", 1)[1] for line in text.splitlines() if "ignored" in line]
        self.assertEqual(sorted(said), ['WARN  OTEL_LOG_LEVEL: unknown log level "loud" (debug, info, warn or error), ignored',
                                        "WARN  OTEL_METRIC_EXPORT_INTERVAL: 'soon' is no number of milliseconds from 100 on, ignored"])

    def test_nothing_secret_is_logged(self):
        def traffic(folder, process):
            program = Program(folder)
            try:
                for _ in range(5):
                    program.ask("/bytes/1?token=very-secret", headers={"Authorization": "Bearer very-secret"})
            finally:
                program.stop()
        text = self.run_agent("log: {level: debug}", traffic, env={"OTEL_EXPORTER_OTLP_HEADERS": "authorization=very-secret"})
        self.assertNotIn("very-secret", text)


if __name__ == "__main__":
    unittest.main()
