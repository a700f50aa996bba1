"""The process and port filter, end to end: what is excluded makes no span, and costs the kernel no copy."""

import os
import pathlib
import shutil
import sys
import unittest

from support import AgentCase, Program, agent, ask, wait_for


def excluded_calls(metrics):
    return sum(value for name, value in metrics.items()
               if name.startswith("wirespan_kernel_calls_total") and 'reason="excluded"' in name)


class FilterCase(AgentCase):
    def seen(self, *programs, path="/filtered"):
        """Which of the programs a server span tells of, by their requests and a last one that is always seen."""
        for program in programs:
            for _ in range(3):
                program.ask(path)
        self.canary.ask("/canary")
        self.canaries += 1
        wait_for("the canary's span", lambda: len(self.server_spans(self.canary)) >= self.canaries)
        return [program for program in programs if self.server_spans(program)]

    def server_spans(self, program):
        return self.stack.spans(lambda span: span.kind == "server" and span.port == program.port)

    def setUp(self):
        self.canary = self.program(**self.canary_options)
        self.canaries = 0

    canary_options = {}

    def copy_of_python(self, name):
        """python3 under another name: an executable of its own for a rule to match."""
        path = pathlib.Path(self.stack.folder) / name
        if not path.exists():
            shutil.copy(os.path.realpath(sys.executable), path)
        return path


class Exclude(FilterCase):
    agent_config = """
capture:
  filter:
    exclude:
      - {command_line: "*server.py* left-out"}
      - {executable: "left-*"}
      - {executable: "/**/no-such/*", command_line: "*"}
      - {cgroup: "/wirespan-test-*"}
      - {container_id: 4f3a}
"""

    def test_by_command_line(self):
        hidden, shown = self.program(arguments=["left-out"]), self.program(arguments=["left-in"])
        self.assertEqual(self.seen(hidden, shown), [shown])

    def test_by_executable(self):
        home = {"PYTHONHOME": sys.base_prefix}  # a copy elsewhere does not find its library alone
        hidden, shown = (self.program(executable=self.copy_of_python(name), env=home) for name in ("left-python", "kept-python"))
        self.assertEqual(self.seen(hidden, shown), [shown])

    def in_group(self, name):
        """A program in a control group of its own (cgroup v2, wherever that is mounted)."""
        mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        roots = [fields[1] for fields in mounts if fields[2] == "cgroup2"]
        if not roots:
            self.skipTest("no cgroup v2 is mounted here")
        group = pathlib.Path(roots[0]) / name
        try:
            group.mkdir()
        except OSError as error:
            self.skipTest(f"no writable cgroup v2 here: {error}")
        self.addCleanup(group.rmdir)
        program = Program(self.stack.folder, preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())))
        def stop():
            program.stop()
            wait_for("the group to be empty", lambda: not (group / "cgroup.procs").read_text())
        self.addCleanup(stop)
        return program

    def test_by_cgroup(self):
        hidden, shown = self.in_group("wirespan-test-left-out"), self.program()
        self.assertEqual(self.seen(hidden, shown), [shown])

    def test_by_container(self):
        hidden, shown = self.in_group("docker-4f3a" + "0" * 60 + ".scope"), self.in_group("docker-5f3a" + "0" * 60 + ".scope")
        self.assertEqual(self.seen(hidden, shown), [shown])

    def test_by_pid_and_in_which_order_is_explained(self):
        hidden = self.program(arguments=["left-out"])
        hidden.ask()
        text = agent("explain", "--socket", self.socket, hidden.pid).out
        self.assertRegex(text, r"not observed: .*rule 1 \(command_line=\*server\.py\* left-out\)")

    def test_the_kernel_drops_it_before_it_copies(self):
        hidden = self.program(arguments=["left-out"])
        self.seen(hidden)  # by now the verdict is the kernel's
        before = self.stack.self_metrics()
        for _ in range(200):
            hidden.ask("/bytes/10000")
        def counted():
            return excluded_calls(self.stack.self_metrics()) - excluded_calls(before)
        wait_for("the kernel's count of excluded calls", lambda: counted() >= 400)
        after = self.stack.self_metrics()
        # The server's ends are excluded in the kernel; nothing of them came up to be dropped by user space.
        dropped = 'wirespan_span_dropped_total{reason="excluded"}'
        self.assertLessEqual(after.get(dropped, 0) - before.get(dropped, 0), 2)
        self.assertEqual(self.server_spans(hidden), [])


class Include(FilterCase):
    canary_options = {"arguments": ["the-canary"]}
    agent_config = """
capture:
  filter:
    include:
      - {command_line: "* the-canary*"}
      - {command_line: "* wanted*"}
    exclude:
      - {command_line: "* wanted but-not-this"}
"""

    def test_only_what_a_rule_names_and_exclude_wins(self):
        wanted, other, both = self.program(arguments=["wanted"]), self.program(), self.program(arguments=["wanted", "but-not-this"])
        self.assertEqual(self.seen(wanted, other, both), [wanted])


class Ports(AgentCase):
    def test_include_and_exclude_by_port(self):
        canary, hidden = self.program(), self.program()
        config = self.stack.folder / "agent.yaml"
        base = config.read_text()
        def reload(text):
            before = self.stack.self_metrics().get("wirespan_config_last_reload_seconds", 0)
            config.write_text(base + text)
            os.kill(self.stack.agent.pid, 1)
            wait_for("the reload", lambda: self.stack.self_metrics().get("wirespan_config_last_reload_seconds", 0) > before)
        def paths(path):
            for program in (hidden, canary):
                program.ask(path)
            wait_for("the canary", lambda: [s for s in self.stack.spans(lambda s: s.port == canary.port and s.target == path and s.kind == "server")])
            return {s.port for s in self.stack.spans(lambda s: s.target == path)}
        self.assertEqual(paths("/both"), {canary.port, hidden.port})
        reload(f"\ncapture: {{filter: {{exclude_ports: [{hidden.port}]}}}}\n")
        self.assertEqual(paths("/excluded"), {canary.port})
        reload(f"\ncapture: {{filter: {{include_ports: [{canary.port}]}}}}\n")
        self.assertEqual(paths("/included"), {canary.port})
        reload("")
        self.assertEqual(paths("/again"), {canary.port, hidden.port})


class ByPid(AgentCase):
    def test_a_reload_takes_a_process_out_and_in_again(self):
        program, canary = self.program(), self.program()
        config = self.stack.folder / "agent.yaml"
        base = config.read_text()
        def reload(text):
            before = self.stack.self_metrics().get("wirespan_config_last_reload_seconds", 0)
            config.write_text(base + text)
            os.kill(self.stack.agent.pid, 1)
            wait_for("the reload", lambda: self.stack.self_metrics().get("wirespan_config_last_reload_seconds", 0) > before)
        def pids(path):
            for one in (program, canary):
                one.ask(path)
            wait_for("the canary", lambda: self.stack.spans(lambda s: s.pid == canary.pid and s.target == path))
            return {s.pid for s in self.stack.spans(lambda s: s.target == path and s.kind == "server")}
        self.assertEqual(pids("/before"), {program.pid, canary.pid})
        reload(f"\ncapture: {{filter: {{exclude: [{{pid: {program.pid}}}]}}}}\n")
        self.assertEqual(pids("/without"), {canary.pid})
        reload("")
        self.assertEqual(pids("/with"), {program.pid, canary.pid})


class Gateway(AgentCase):
    def test_the_gateway_is_seen_only_if_a_rule_names_it(self):
        ask(self.stack.otlp_http, "/not-otlp")
        ask(self.stack.gateway_health, "/")
        canary = self.program()
        canary.ask("/canary")
        wait_for("the canary", lambda: self.stack.spans(lambda s: s.port == canary.port))
        self.assertEqual(self.stack.spans(lambda s: s.pid == self.stack.gateway.pid), [])


if __name__ == "__main__":
    unittest.main()
