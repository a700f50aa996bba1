"""The agent's own listener and the RED endpoint: health, readiness, metrics that promtool finds nothing wrong with."""

import ctypes
import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

from support import AGENT, AgentCase, environment, free_port, wait_for


PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WAIT_ALL = 17, 0x4206, 0x4207, 0x40000000  # __WALL


def get(port, path, headers=None, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


class Admin(AgentCase):
    agent_config = "capture: {statistics: true}"

    def test_health_and_readiness(self):
        for path, body in (("/healthz", "ok\n"), ("/readyz", "ready\n"), ("/startz", "started\n")):
            status, headers, text = get(self.stack.admin, path)
            self.assertEqual((status, text), (200, body))
            self.assertEqual(headers["Content-Type"], "text/plain; charset=utf-8")

    def test_what_is_not_there(self):
        self.assertEqual(get(self.stack.admin, "/")[0], 404)
        status, headers, _ = get(self.stack.admin, "/metrics", method="POST")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(get(self.stack.red, "/healthz")[0], 404)

    def test_readiness_is_not_mere_running(self):
        # A stopped process drains no ring; it answers after it goes on, and by then says why.
        os.kill(self.stack.agent.pid, signal.SIGSTOP)
        try:
            time.sleep(0.2)
            with self.assertRaises(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.stack.admin}/readyz", timeout=0.5)
        finally:
            os.kill(self.stack.agent.pid, signal.SIGCONT)
        wait_for("readiness again", lambda: get(self.stack.admin, "/readyz")[0] == 200)

    def test_it_is_not_ready_while_the_rings_are_not_drained(self):
        """The thread that drains them is stopped by a tracer, and that thread alone: whoever asks is answered."""
        libc, tid = ctypes.CDLL(None, use_errno=True), self.stack.agent.pid

        def trace(request):
            if libc.ptrace(request, tid, None, None) != 0:
                raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")
        trace(PTRACE_SEIZE)
        try:
            trace(PTRACE_INTERRUPT)
            os.waitpid(tid, WAIT_ALL)
            why = wait_for("it to notice", lambda: (lambda answer: answer if answer[0] == 503 else None)(get(self.stack.admin, "/readyz")), 30)
            self.assertEqual(why[2], "the rings were not drained for 5 s\n")
            self.assertEqual(get(self.stack.admin, "/healthz")[0], 200)
        finally:
            trace(PTRACE_DETACH)
        wait_for("readiness again", lambda: get(self.stack.admin, "/readyz")[0] == 200)

    def promtool(self, text):
        if not shutil.which("promtool"):
            self.fail("promtool is missing: ./dev setup installs it (package prometheus)")
        return subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)

    def test_self_metrics_are_lint_clean(self):
        program = self.program()
        for path in ("/bytes/1", "/status/404"):
            program.ask(path)
        status, headers, text = get(self.stack.admin, "/metrics")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        checked = self.promtool(text)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_each_stage_is_there(self):
        text = get(self.stack.admin, "/metrics")[2]
        names = set(re.findall(r"(?m)^# TYPE (\S+)", text))
        for name in ("wirespan_kernel_calls_total", "wirespan_kernel_bytes_total", "wirespan_ring_bytes", "wirespan_ring_used_bytes",
                     "wirespan_bpf_run_seconds_total", "wirespan_bpf_map_entries", "wirespan_bpf_map_capacity", "wirespan_events_total", "wirespan_messages_total",
                     "wirespan_span_exchanges_total", "wirespan_span_spans_total", "wirespan_export_accepted_spans_total",
                     "wirespan_build_info", "wirespan_config_hash", "wirespan_config_last_reload_successful",
                     "process_resident_memory_bytes"):
            self.assertIn(name, names)

    def test_how_full_the_kernels_tables_are(self):
        entries = lambda: self.stack.self_metrics()['wirespan_bpf_map_entries{map="verdicts"}']
        before = entries()
        for _ in range(3):  # some other program's may go meanwhile
            self.program().ask()
        wait_for("the programs' verdicts", lambda: entries() > before)
        self.assertGreater(self.stack.self_metrics()['wirespan_bpf_map_capacity{map="verdicts"}'], entries())

    def test_red_metrics_with_exemplars(self):
        program = self.program()
        code = 510 + os.getpid() % 80  # nobody else's on this machine
        for _ in range(3):
            program.ask(f"/status/{code}")
        def point():
            status, headers, text = get(self.stack.red, "/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})
            self.assertEqual(status, 200)
            self.assertTrue(headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0"), headers)
            self.assertTrue(text.endswith("# EOF\n"))
            return text if re.search(rf'http_server_request_duration_seconds_count\{{[^}}]*code="{code}"[^}}]*\}} 3(\.0)?\b', text) else None
        text = wait_for("three exchanges", point)
        exemplars = re.findall(rf'http_server_request_duration_seconds_bucket\{{[^}}]*code="{code}"[^}}]*\}} \S+ # '
                               r'\{trace_id="([0-9a-f]{32})",span_id="([0-9a-f]{16})"\} ', text)
        self.assertTrue(exemplars, text[:2000])
        spans = self.stack.settled_spans(lambda s: s.port == program.port and s.kind == "server", 3)
        self.assertLessEqual(set(exemplars), {(s.trace_id, s.span_id) for s in spans})

    def test_red_metrics_in_the_older_format_are_lint_clean(self):
        program = self.program()
        program.ask("/bytes/5")
        def point():
            text = get(self.stack.red, "/metrics", {"Accept": "text/plain"})[2]
            return text if "http_server_request_duration_seconds_count" in text else None
        text = wait_for("the exchange", point)
        self.assertNotIn("# {trace_id", text)
        checked = self.promtool(text)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))


class Expiring(AgentCase):
    """What the configuration says of series reaches them: metrics.expire_after, and sizes of bodies where they are asked for."""

    stack_options = {"body_sizes": True, "metrics": ", expire_after: 3s"}

    def test_idle_series_go_and_come_back_with_the_next_exchange(self):
        program = self.program()
        code = 430 + os.getpid() % 60  # nobody else's on this machine

        def counts():
            text = get(self.stack.red, "/metrics", {"Accept": "text/plain"})[2]
            found = re.findall(rf'(?m)^(http_server_\w+)_count\{{[^}}]*code="{code}"[^}}]*\}} (\S+)', text)
            return {name: float(value) for name, value in found}
        all_three = ("http_server_request_duration_seconds", "http_server_request_body_size_bytes", "http_server_response_body_size_bytes")
        program.ask(f"/status/{code}")
        wait_for("the series", lambda: counts() == dict.fromkeys(all_three, 1))
        wait_for("them to expire", lambda: counts() == {}, 30)
        self.assertGreaterEqual(self.stack.self_metrics()["wirespan_metric_expired_total"], 3)
        program.ask(f"/status/{code}")
        wait_for("a series that begins anew", lambda: counts() == dict.fromkeys(all_three, 1))


class Starting(unittest.TestCase):
    def test_it_is_not_ready_before_the_probes_are_attached(self):
        """Asked without a pause from the first moment the listener is there."""
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            config = pathlib.Path(folder) / "agent.yaml"
            config.write_text(f'admin: {{listen: "127.0.0.1:{port}"}}\nmetrics: {{listen: ""}}\ncontrol: {{socket: {folder}/c.sock}}\nexport: {{shutdown_timeout: 0s}}\nnode: {{other_agents: ignore}}\n')
            process = subprocess.Popen([str(AGENT), "run", "--config", str(config)], stderr=subprocess.DEVNULL,
                                       env=environment({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}))
            answers = []
            try:
                deadline = time.monotonic() + 30
                while time.monotonic() < deadline and (not answers or answers[-1][0] != 200):
                    self.assertIsNone(process.poll())
                    try:
                        status, _, text = get(port, "/readyz")
                        answers.append((status, text))
                    except OSError:
                        pass
            finally:
                process.terminate()
                self.assertEqual(process.wait(20), 0)
            self.assertEqual(answers[-1], (200, "ready\n"))
            self.assertEqual(answers[0], (503, "the probes are not attached yet\n"))


if __name__ == "__main__":
    unittest.main()
