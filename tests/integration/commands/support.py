"""What the tests of the commands share: an agent with a control socket, servers with pids of their own, watchers."""

import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "integration" / "truth"))

from stack import BIN, Stack, free_port, listens, wait_for  # noqa: E402

AGENT = BIN / "wirespan-agent"
GATEWAY = BIN / "wirespan-gateway"
SERVER = ROOT / "tests" / "integration" / "programs" / "server.py"


class Outcome:
    """How a command ended. `sentence` is what a failing command said: exactly one line on standard error."""

    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    @property
    def sentence(self):
        lines = [line for line in self.err.splitlines() if line.startswith("wirespan-agent: ")]
        return lines[0].removeprefix("wirespan-agent: ") if len(lines) == 1 else f"not one sentence: {self.err!r}"


def environment(more=None):
    """Ours, without variables that configure OpenTelemetry."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    clean.update(more or {})
    return clean


def agent(*arguments, env=None, timeout=60, wrapper=(), **more):
    """Runs wirespan-agent to its end. `wrapper`: a command that runs it, such as setpriv."""
    command = [*wrapper, AGENT, *arguments]
    return Outcome(subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout,
                                  env=environment(env), stdin=subprocess.DEVNULL, **more))


def ask(port, path="/", method="GET", headers=None, host="127.0.0.1"):
    """One exchange on a connection of its own; the status."""
    connection = http.client.HTTPConnection(host, port, timeout=30)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


class Program:
    """server.py (or another script) in a process of its own, listening on `port`."""

    def __init__(self, folder, executable=sys.executable, arguments=(), wrapper=(), script=SERVER, env=None, **more):
        self.port = free_port()
        self.log = pathlib.Path(folder) / f"server-{self.port}.log"
        command = [*wrapper, executable, script, self.port, self.log, *arguments]
        self.process = subprocess.Popen([str(word) for word in command], env=environment(env), stdin=subprocess.DEVNULL, **more)
        self.pid = self.process.pid
        wait_for("the server to listen", lambda: self.process.poll() is None and listens(self.port))

    def ask(self, path="/", **more):
        return ask(self.port, path, **more)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Watcher:
    """`watch` in the background; `lines` grows while it runs."""

    def __init__(self, *arguments, wait=True, agent_metrics=None):
        before = agent_metrics().get("wirespan_watchers", 0) if agent_metrics else 0
        self.process = subprocess.Popen([str(AGENT), "watch", *[str(word) for word in arguments]], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment(), stdin=subprocess.DEVNULL)
        self.lines, self.errors = [], []
        self.readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for reader in self.readers:
            reader.start()
        if agent_metrics:
            wait_for("the watcher to be attached", lambda: agent_metrics().get("wirespan_watchers", 0) > before)

    @staticmethod
    def _read(stream, into):
        for line in stream:
            into.append(line.rstrip("\n"))

    def exchanges(self):
        return [json.loads(line) for line in list(self.lines)]

    def expect(self, count):
        wait_for(f"{count} lines of watch, have {self.lines}", lambda: len(self.lines) >= count)
        return self.lines

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(20)
        for reader in self.readers:
            reader.join(20)
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return self.process.returncode


class AgentCase(unittest.TestCase):
    """One running agent (with a gateway to send to) for all tests of the class."""

    agent_config = ""
    agent_env = {}
    stack_options = {}  # more of the Stack's
    maxDiff = 6000

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(agent_config=cls.agent_config, agent_env=cls.agent_env, **cls.stack_options)
        cls.socket = cls.stack.folder / "control.sock"

    @classmethod
    def tearDownClass(cls):
        code = cls.stack.close()
        assert code == 0, f"the agent ended with {code}:\n{cls.stack.agent.text()[-3000:]}"

    def setUp(self):
        # A watcher is known to be attached by the gauge that counts it: those of the test before must have left it.
        wait_for("the watchers that left to be forgotten", lambda: self.stack.self_metrics().get("wirespan_watchers", 0) == 0)

    def program(self, **more):
        program = Program(self.stack.folder, **more)
        self.addCleanup(program.stop)
        return program

    def watch(self, *arguments):
        watcher = Watcher("--socket", self.socket, *arguments, agent_metrics=self.stack.self_metrics)
        self.addCleanup(watcher.stop)
        return watcher


def bpf_programs():
    """Ids of tracing programs loaded on this machine."""
    out = subprocess.run(["bpftool", "prog", "list", "-j"], capture_output=True, text=True, check=True).stdout
    return {program["id"] for program in json.loads(out) if program["type"] in ("tracing", "raw_tracepoint", "kprobe")}
