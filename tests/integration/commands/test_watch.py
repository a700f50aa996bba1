"""`watch`: columns, filters, JSON, a terminal and a pipe; attached to an agent, and alone."""

import fcntl
import json
import os
import pty
import re
import socket
import struct
import subprocess
import tempfile
import termios
import time
import unittest

from support import AGENT, AgentCase, Program, Watcher, agent, bpf_programs, environment, wait_for

ROW = re.compile(r"^(\d\d:\d\d:\d\d\.\d{3}) (server|client) (\S+ \(\d+\)) +(\d{3}|none) +(\d+(?:\.\d)? (?:us|ms|s)) +(\d+ (?:B|kB|MB)|-) ([A-Z]+) +(\S+)")


class Attached(AgentCase):
    def test_a_row_has_every_column(self):
        program = self.program()
        watcher = self.watch("--port", program.port)
        program.ask("/bytes/1000?a=b")
        rows = watcher.expect(3)
        self.assertEqual(rows[0].split(), "TIME SIDE SERVICE (PID) STATUS DURATION RESPONSE METHOD URL".split())
        found = {}
        for row in rows[1:3]:
            match = ROW.match(row)
            self.assertTrue(match, row)
            found[match[2]] = match
        self.assertEqual(set(found), {"server", "client"})
        self.assertIn(f"({program.pid})", found["server"][3])
        self.assertIn(f"({os.getpid()})", found["client"][3])
        for match in found.values():
            self.assertEqual(match[4], "200")
            self.assertEqual(match[6], "1000 B")
            self.assertEqual(match[7], "GET")
            self.assertEqual(match[8], f"127.0.0.1:{program.port}/bytes/1000?a=b")
        # The columns stand below their names.
        self.assertEqual(rows[0].index("URL"), rows[1].index("127.0.0.1:"))

    def test_json_is_one_object_a_line_with_the_ids_of_the_span(self):
        program = self.program()
        watcher = self.watch("--port", program.port, "--json")
        program.ask("/status/404")
        watcher.expect(2)
        sides = {line["side"]: line for line in watcher.exchanges()}
        server, client = sides["server"], sides["client"]
        self.assertEqual((server["status"], server["method"], server["path"], server["pid"]), (404, "GET", "/status/404", program.pid))
        self.assertEqual(server["trace_id"], client["trace_id"])
        self.assertEqual(server["parent_span_id"], client["span_id"])
        spans = self.stack.settled_spans(lambda span: span.port == program.port, 2)
        self.assertEqual({span.span_id for span in spans}, {server["span_id"], client["span_id"]})

    def filtered(self, *arguments):
        """Paths that come through a filter, of a fixed set of requests; the last one always does."""
        program = self.program()
        everything = self.watch("--port", program.port, "--json", "--side", "server")
        watcher = self.watch("--port", program.port, "--json", *arguments)
        for path in ("/bytes/1?x=1", "/status/404", "/status/500", "/slow/120", "/bytes/2"):
            program.ask(path)
        everything.expect(5)
        time.sleep(0.3)  # lines of both watchers are written together; the pipe is read by another thread
        everything.stop()
        watcher.stop()  # an agent takes 16 at once
        return [(line["side"], line["path"]) for line in watcher.exchanges()]

    def test_filters(self):
        for arguments, want in (
                (("--side", "server", "--status", "404"), ["/status/404"]),
                (("--side", "server", "--status", "5xx"), ["/status/500"]),
                (("--side", "server", "--status", "400-599"), ["/status/404", "/status/500"]),
                (("--side", "server", "--status", "error"), ["/status/500"]),
                (("--side", "server", "--path", "/bytes/*"), ["/bytes/1?x=1", "/bytes/2"]),
                (("--side", "server", "--slower-than", "100"), ["/slow/120"]),
                (("--process", str(os.getpid()), "--path", "/status/*"), ["/status/404", "/status/500"]),
                (("--process", "no-such-*",), []),
                (("--side", "client", "--status", "200", "--path", "/bytes/?"), ["/bytes/2"])):
            with self.subTest(arguments=arguments):
                have = self.filtered(*arguments)
                self.assertEqual([path for _, path in have], want)

    def test_a_port_is_the_servers(self):
        one, other = self.program(), self.program()
        watcher = self.watch("--port", one.port, "--side", "server", "--json")
        other.ask("/other")
        one.ask("/one")
        watcher.expect(1)
        self.assertEqual([line["path"] for line in watcher.exchanges()], ["/one"])

    def test_several_ports(self):
        one, other = self.program(), self.program()
        watcher = self.watch("--port", one.port, "--port", other.port, "--side", "server", "--json")
        other.ask("/other")
        one.ask("/one")
        watcher.expect(2)
        self.assertEqual(sorted(line["path"] for line in watcher.exchanges()), ["/one", "/other"])

    def test_count_ends_it(self):
        program = self.program()
        watcher = self.watch("--port", program.port, "--count", "3", "--json")
        for _ in range(4):
            program.ask()
        self.assertEqual(watcher.process.wait(20), 0)
        self.assertEqual(len(watcher.expect(3)), 3)

    def test_it_loads_no_probes_of_its_own(self):
        before = bpf_programs()
        program = self.program()
        watcher = self.watch("--port", program.port)
        program.ask()
        watcher.expect(3)
        self.assertLessEqual(bpf_programs(), before)
        self.assertEqual(watcher.errors, [])

    def test_neither_watch_nor_explain_is_seen_by_it(self):
        program = self.program()
        first = self.watch("--json")
        second = self.watch("--port", program.port, "--json")
        explain = subprocess.Popen([str(AGENT), "explain", "--socket", str(self.socket)], stdout=subprocess.DEVNULL, env=environment())
        self.assertEqual(explain.wait(60), 0)
        program.ask("/last")
        wait_for("the request after them", lambda: any(line["path"] == "/last" for line in first.exchanges()))
        time.sleep(1)  # both ends of all of them
        own = {watcher.process.pid for watcher in (first, second)} | {explain.pid, self.stack.agent.pid}
        self.assertEqual([line for line in first.exchanges() if line["pid"] in own], [])
        seen = self.stack.self_metrics()
        self.assertGreater(seen['wirespan_kernel_calls_total{count="ignored",reason="excluded"}'], 0)

    def test_it_ends_quietly_when_the_pipe_does(self):
        program = self.program()
        shell = subprocess.Popen(["sh", "-c", f"'{AGENT}' watch --socket '{self.socket}' --port {program.port} | head -n 2"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        def ended():
            program.ask()
            return shell.poll() is not None
        wait_for("head to end the pipe", ended)
        out, err = shell.communicate()
        self.assertEqual((len(out.splitlines()), err), (2, b""))

    def terminal(self, columns, env=None):
        """What reaches a terminal of so many columns for one exchange with a hostile path and one plain."""
        program = self.program()
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        before = self.stack.self_metrics().get("wirespan_watchers", 0)
        watch = subprocess.Popen([str(AGENT), "watch", "--socket", str(self.socket), "--port", str(program.port), "--side",
                                  "server", "--count", "3"], stdout=slave, stdin=slave, stderr=slave, env=environment(env))
        os.close(slave)
        wait_for("the watcher to be attached", lambda: self.stack.self_metrics().get("wirespan_watchers", 0) > before)
        program.ask("/bytes/10?" + "long" * 60)
        program.ask("/status/404")
        program.ask("/status/500")
        out = b""
        try:
            while chunk := os.read(master, 65536):
                out += chunk
        except OSError:  # EIO: the last writer is gone
            pass
        os.close(master)
        self.assertEqual(watch.wait(20), 0)
        return out.decode().replace("\r\n", "\n").splitlines()

    def test_a_terminal_gets_colours_and_no_line_wider_than_it_is(self):
        lines = self.terminal(columns=100)
        self.assertEqual(len(lines), 4)
        self.assertTrue(lines[0].startswith("\x1b[1m"))
        for line, colour in zip(lines[1:], ("\x1b[32m", "\x1b[33m", "\x1b[31m")):
            self.assertTrue(line.startswith(colour) and line.endswith("\x1b[0m"), line)
            self.assertLessEqual(len(re.sub(r"\x1b\[\d+m", "", line)), 100)
        self.assertTrue(lines[1].removesuffix("\x1b[0m").endswith("~"))

    def test_no_color_is_heeded(self):
        self.assertNotIn("\x1b", "".join(self.terminal(columns=100, env={"NO_COLOR": "1"})))

    def test_a_hostile_path_does_not_steer_the_terminal(self):
        program = self.program()
        watcher = self.watch("--port", program.port, "--side", "server")
        with socket.create_connection(("127.0.0.1", program.port)) as s:
            s.sendall(b"GET /\xc2\x9b31m\xff\x1b[2J HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while s.recv(65536):
                pass
        program.ask("/after")
        text = "\n".join(watcher.expect(2))
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")

    def test_bad_filters_are_one_sentence(self):
        for arguments, sentence in (
                (("--status", "6xx"), "--status '6xx' is none of 404, 5xx, 400-499, error, or of gRPC's NOT_FOUND, 5, 1-16"),
                (("--side", "left"), "--side 'left' is neither server nor client"),
                (("--slower-than", "-1"), "--slower-than takes milliseconds, not less than 0")):
            with self.subTest(arguments=arguments):
                ended = agent("watch", "--socket", self.socket, *arguments)
                self.assertEqual((ended.code, ended.sentence), (2, sentence))

    def test_a_socket_that_nobody_has_is_one_sentence(self):
        watcher = Watcher("--socket", self.stack.folder / "nobody.sock")
        self.assertEqual(watcher.process.wait(20), 2)  # the flag is wrong
        watcher.stop()
        self.assertEqual(len(watcher.errors), 1, watcher.errors)
        self.assertIn("nobody.sock", watcher.errors[0])


class GoingAway(AgentCase):
    def test_the_agent_going_away_is_one_sentence(self):
        watcher = self.watch("--side", "server")
        self.stack.agent.process.kill()
        self.assertEqual(watcher.process.wait(20), 1)
        watcher.stop()
        self.assertEqual(len(watcher.errors), 1, watcher.errors)
        self.assertIn("control.sock", watcher.errors[0])

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()


class Alone(unittest.TestCase):
    def test_without_an_agent_it_loads_probes_and_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            config = f"{folder}/agent.yaml"
            with open(config, "w") as f:
                f.write(f"control: {{socket: {folder}/none.sock}}\n")
            program = Program(folder)
            watch = None
            try:
                before = bpf_programs()
                watch = subprocess.Popen([str(AGENT), "watch", "--config", config, "--json", "--port", str(program.port),
                                          "--side", "server", "--count", "1"],
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
                wait_for("probes of its own", lambda: bpf_programs() - before)
                def ended():
                    program.ask("/alone")
                    return watch.poll() is not None
                wait_for("one line", ended)
                out, err = watch.communicate()
                self.assertEqual(watch.returncode, 0, err)
                self.assertEqual(json.loads(out)["path"], "/alone")
                self.assertEqual(err, f"no agent runs here ({folder}/none.sock): watching with probes of my own\n")
                wait_for("the probes to be gone", lambda: not bpf_programs() - before)
            finally:
                if watch and watch.poll() is None:
                    watch.kill()
                    watch.wait()
                program.stop()


if __name__ == "__main__":
    unittest.main()
