"""`./dev run`, once what it needs is built: a request is in the terminal, in the store and in the metrics, and Ctrl-C ends all of it."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.request

from support import ROOT, Program, environment, listens, wait_for

PORTS = (4317, 4318, 8888, 8890, 9464, 13133, 16686)


def get(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def agents():
    return subprocess.run(["pgrep", "-x", "wirespan-agent"], capture_output=True, text=True).stdout.split()


class DevRun(unittest.TestCase):
    def setUp(self):
        taken = [port for port in PORTS if listens(port)]
        if taken:
            self.skipTest(f"it would need ports that others have: {taken}")
        try:  # one that was terminated keeps its programs for half a minute
            wait_for("other agents to go", lambda: not agents(), 60)
        except AssertionError:
            self.skipTest(f"other agents observe this machine: pid {', '.join(agents())}")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = Program(folder.name)
        self.addCleanup(self.program.stop)
        self.lines = []

    def read(self, stream):
        for line in stream:
            self.lines.append(line.rstrip("\n"))

    def test_a_request_is_seen_everywhere(self):
        run = subprocess.Popen([str(ROOT / "tools" / "run"), "--json", "--port", str(self.program.port)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, env=environment(), start_new_session=True)
        reader = threading.Thread(target=self.read, args=[run.stdout])
        reader.start()
        try:
            wait_for("it to be ready", lambda: run.poll() is not None or any(line.startswith("ready: ") for line in self.lines), 60)
            self.assertIsNone(run.poll(), self.lines)
            asked = 0

            def seen():
                nonlocal asked
                self.program.ask(f"/bytes/7?dev-run={asked}")  # until `watch` is attached, too
                asked += 1
                return [json.loads(line) for line in self.lines if line.startswith("{")]
            wait_for("an exchange in the terminal", seen)
            wait_for("both ends of the last one", lambda: {line["side"] for line in map(json.loads, (x for x in self.lines if x.startswith("{")))
                                                           if line["path"] == f"/bytes/7?dev-run={asked - 1}"} == {"server", "client"})
            shown = next(line for line in seen() if line["side"] == "server")
            self.assertEqual((shown["pid"], shown["status"], shown["method"]), (self.program.pid, 200, "GET"))
            wait_for("the trace in the store", lambda: shown["trace_id"] in get("http://127.0.0.1:16686/api/traces?service=server&limit=200"))
            self.assertIn("<html", get("http://127.0.0.1:16686/").lower())
            self.assertIn("http_server_request_duration_seconds_count", get("http://127.0.0.1:9464/metrics"))
        finally:
            os.killpg(run.pid, signal.SIGINT)  # as a terminal does
            code = run.wait(60)
            reader.join(20)
            run.stdout.close()
        self.assertEqual(code, 130, self.lines)
        self.assertEqual([port for port in PORTS if listens(port)], [])
        self.assertEqual(agents(), [])


if __name__ == "__main__":
    unittest.main()
