"""`record` and `replay`: the same spans twice, nothing secret in the file, and one sentence for a file that is none."""

import json
import os
import pathlib
import signal
import stat
import subprocess
import tempfile
import unittest

from support import AGENT, AgentCase, Program, agent, environment, wait_for


class Recording:
    def __init__(self, folder, *arguments, config=""):
        self.file = pathlib.Path(folder) / "events.rec"
        self.config = pathlib.Path(folder) / "record.yaml"
        self.config.write_text(config)
        self.process = subprocess.Popen([str(AGENT), "record", "--config", str(self.config), *map(str, arguments), str(self.file)],
                                        stderr=subprocess.PIPE, text=True, env=environment())
        self.first = self.process.stderr.readline()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.err = self.first + self.process.communicate(timeout=30)[1]
        return self.process.returncode


def spans_of(file, *arguments, **more):
    ended = agent("replay", "--json", *arguments, file, **more)
    assert ended.code == 0, ended.err
    return [json.loads(line) for line in ended.out.splitlines()]


class RecordCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def program(self, **more):
        program = Program(self.folder, **more)
        self.addCleanup(program.stop)
        return program

    def recording(self, *arguments, config=""):
        recording = Recording(self.folder, *arguments, config=config)
        self.addCleanup(recording.process.stderr.close)
        self.addCleanup(lambda: recording.process.poll() is None and recording.process.kill())
        self.assertEqual(recording.first, f"recording to {recording.file}, Ctrl-C ends it\n")
        return recording


class Record(RecordCase):
    def test_the_file_is_0600_and_never_overwritten(self):
        recording = self.recording()
        self.assertEqual(stat.S_IMODE(os.stat(recording.file).st_mode), 0o600)
        self.assertEqual(recording.stop(), 0)
        again = agent("record", recording.file)
        self.assertEqual((again.code, again.sentence), (1, f"create the recording {recording.file}: File exists"))

    def test_credentials_are_not_in_the_file_unless_raw(self):
        for arguments, kept in ((), False), (("--raw",), True):
            with self.subTest(arguments=arguments):
                program = self.program()
                recording = self.recording(*arguments)
                program.ask("/status/201", headers={"Authorization": "Bearer secret-one", "Cookie": "id=secret-two", "X-Plain": "shown-three"})
                self.assertEqual(recording.stop(), 0, recording.err)
                content = recording.file.read_bytes()
                self.assertIn(b"shown-three", content)
                self.assertEqual(b"secret-one" in content, kept)
                self.assertEqual(b"secret-two" in content, kept)
                self.assertEqual([s["status"] for s in spans_of(recording.file) if s["server_port"] == program.port], [201, 201])
                recording.file.unlink()

    def test_it_says_what_it_wrote(self):
        program = self.program()
        recording = self.recording()
        program.ask()
        self.assertEqual(recording.stop(), 0)
        self.assertRegex(recording.err, r"\n[1-9]\d* events \([1-9]\d* bytes\) written, 0 dropped\n$")

    def test_it_stays_within_its_size(self):
        program = self.program()
        recording = self.recording("--max-bytes", 20000)
        def full():
            program.ask("/bytes/100")
            return recording.process.poll() is not None
        wait_for("the file to be full", full)
        self.assertEqual(recording.stop(), 0)
        self.assertIn("(the file has reached --max-bytes)", recording.err)
        self.assertLessEqual(recording.file.stat().st_size, 20000)
        self.assertTrue(spans_of(recording.file))

    def test_it_stops_by_itself(self):
        recording = self.recording("--seconds", 1)
        self.assertEqual(recording.process.wait(20), 0)
        recording.stop()

    def test_what_the_filter_excludes_is_not_recorded(self):
        hidden, shown = self.program(arguments=["hidden-one"]), self.program()
        recording = self.recording(config="capture: {filter: {exclude: [{command_line: '*hidden-one*'}, {executable: 'python*', pid: %d}]}}" % os.getpid())
        shown.ask("/shown")
        hidden.ask("/hidden-path")
        self.assertEqual(recording.stop(), 0)
        content = recording.file.read_bytes()
        self.assertIn(b"/shown", content)
        self.assertNotIn(b"/hidden-path", content)

    def test_a_file_that_cannot_be_made_is_one_sentence(self):
        ended = agent("record", f"{self.folder}/no/such/folder/file")
        self.assertEqual((ended.code, ended.sentence), (2, f"create the recording {self.folder}/no/such/folder/file: No such file or directory"))


class Replay(RecordCase):
    def setUp(self):
        super().setUp()
        self.server = self.program()
        self.record = self.recording()
        for i in range(5):
            self.server.ask(f"/bytes/{i}")
        self.assertEqual(self.record.stop(), 0, self.record.err)
        self.file = self.record.file

    def mine(self, spans):
        return [span for span in spans if span["server_port"] == self.server.port]

    def test_it_needs_no_rights_and_tells_who_it_was(self):
        os.chmod(self.folder, 0o755)
        os.chmod(self.file, 0o644)
        self.server.stop()  # its pid is nobody's now: the recording knows it
        spans = self.mine(spans_of(self.file, wrapper=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]))
        servers = [s for s in spans if s["side"] == "server"]
        self.assertEqual([s["path"] for s in servers], [f"/bytes/{i}" for i in range(5)])
        self.assertEqual({(s["service"], s["pid"]) for s in servers}, {("server", self.server.pid)})

    def test_it_is_the_same_each_time(self):
        self.assertEqual(spans_of(self.file), spans_of(self.file))

    def test_the_table_is_as_watch_shows_it(self):
        ended = agent("replay", self.file)
        self.assertEqual(ended.code, 0, ended.err)
        lines = ended.out.splitlines()
        self.assertTrue(lines[0].startswith("TIME"))
        self.assertEqual(sum(f"127.0.0.1:{self.server.port}/bytes/" in line for line in lines), 10)

    def test_a_truncated_file_gives_what_is_whole_and_one_sentence(self):
        whole = self.file.read_bytes()
        self.file.write_bytes(whole[:-3])
        ended = agent("replay", "--json", self.file)
        self.assertEqual(ended.code, 2)
        self.assertEqual(ended.sentence, f"{self.file}: the recording ends in the middle of a record; what came before it was replayed")
        self.assertTrue(ended.out)

    def test_a_damaged_file_gives_what_is_whole_and_one_sentence(self):
        damaged = bytearray(self.file.read_bytes())
        at = damaged.index(b"GET /bytes/2 ")
        damaged[at] ^= 0xFF
        self.file.write_bytes(damaged)
        ended = agent("replay", "--json", self.file)
        self.assertEqual(ended.code, 2)
        self.assertEqual(ended.sentence, f"{self.file}: 1 damaged record was left out of the replay")
        self.assertGreaterEqual(len(self.mine(map(json.loads, ended.out.splitlines()))), 8)

    def test_a_foreign_file_is_one_sentence(self):
        for content in (b"", b"#!/bin/sh\necho hello\n" * 9, os.urandom(5000)):
            self.file.write_bytes(content)
            ended = agent("replay", self.file)
            self.assertEqual((ended.code, ended.sentence), (2, f"{self.file}: not a wirespan recording of version 1 to 3"))

    def test_a_missing_file_is_one_sentence(self):
        ended = agent("replay", "/no/such/file")
        self.assertEqual((ended.code, ended.sentence), (2, "open the recording /no/such/file: No such file or directory"))


class BesideAnAgent(AgentCase):
    def test_spans_of_a_replay_are_those_of_the_live_agent(self):
        program = self.program()
        recording = Recording(self.stack.folder)
        self.addCleanup(recording.process.stderr.close)
        for path in ("/bytes/10", "/status/404", "/slow/20", "/chunked/3000"):
            program.ask(path)
        live = self.stack.settled_spans(lambda span: span.port == program.port, 8)
        self.assertEqual(len(live), 8)
        self.assertEqual(recording.stop(), 0, recording.err)
        replayed = [s for s in spans_of(recording.file) if s["server_port"] == program.port]
        want = sorted((s.kind, s.trace_id, s.span_id, s.parent_id, s.status, s.resource["service.name"]) for s in live)
        have = sorted((s["side"], s["trace_id"], s["span_id"], s.get("parent_span_id", ""), s["status"], s["service"]) for s in replayed)
        self.assertEqual(have, want)

    def test_a_replay_can_be_exported(self):
        program = self.program()
        with tempfile.TemporaryDirectory() as folder:
            recording = Recording(folder)
            self.addCleanup(recording.process.stderr.close)
            program.ask("/exported-twice")
            live = self.stack.settled_spans(lambda span: span.port == program.port, 2)
            self.assertEqual(recording.stop(), 0, recording.err)
            ended = agent("replay", "--export", recording.file, env={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.stack.otlp_http}"})
            self.assertEqual(ended.code, 0, ended.err)
            twice = wait_for("the same spans again", lambda: (lambda s: s if len(s) == 4 else None)(
                self.stack.spans(lambda span: span.port == program.port)))
            self.assertEqual({s.span_id for s in twice}, {s.span_id for s in live})


if __name__ == "__main__":
    unittest.main()
