"""`validate`: every mistake with its file, line and column, in one exact sentence each."""

import os
import pathlib
import tempfile
import unittest

from support import agent

BACKENDS = "auto, socktrace, fentry, kprobe, syscall"

# The text of the file, and what is said about it: LINE:COLUMN and the sentence.
MISTAKES = [
    ("captur: {backend: auto}", '1:1: unknown key "captur" (did you mean "capture"?)'),
    ("capture: {bakend: auto}", '1:11: unknown key "bakend" (did you mean "backend"?)'),
    ("capture: {filter: {exclude_port: [1]}}", '1:20: unknown key "exclude_port" (did you mean "exclude_ports"?)'),
    ("capture: {backend: socktrac}", f'1:20: expected one of {BACKENDS}, not "socktrac" (did you mean "socktrace"?)'),
    ("capture: auto", '1:10: expected a map with keys such as "backend", not a single value'),
    ("capture: [auto]", '1:10: expected a map with keys such as "backend", not a list'),
    ("capture: {ring_bytes: lots}", '1:23: expected a size such as 64MiB, 512k or 4096, not "lots"'),
    ("capture: {ring_bytes: 1}", "1:23: must be 65536 to 50331648 bytes"),
    ("capture: {statistics: maybe}", '1:23: expected true or false, not "maybe"'),
    ("capture: {filter: {exclude_ports: [70000]}}", "1:35: '70000' is no port from 1 to 65535"),
    ("capture: {filter: {include: [{}]}}", "1:30: a rule that names no process would match none"),
    ("services: [{name: x}]", "1:12: a rule that names no process would match none"),
    ("traces: {rules: [{mode: never}]}", "1:18: a rule that names no process would match none"),
    ('capture: {filter: {exclude: [{executable: "[a"}]}}', "1:43: pattern \"[a\" has a '[' without its ']'"),
    ("metrics: {interval: 5}", '1:21: expected a duration such as 5s, 250ms or 1h30m, not "5" (the unit is missing)'),
    ("metrics: {interval: 5 parsecs}", '1:21: expected a duration such as 5s, 250ms or 1h30m, not "5 parsecs"'),
    ("traces: {max_per_second: -1}", "1:26: must be 0 to 10000000"),
    ("traces: {max_per_second: many}", '1:26: expected a whole number, not "many"'),
    ('traces: {sampler: traceidratio, sampler_arg: "2"}', '1:46: expected a ratio from 0 to 1, not "2"'),
    ('routes: [{patterns: ["users"]}]', "1:21: routes: pattern 'users' must begin with '/'"),
    ('routes: {patterns: ["/users"]}', "1:9: expected a list, not a map"),
    ('exchanges: {ignore: [{path: "[a"}]}', "1:29: exchanges.ignore: path '[a': pattern \"[a\" has a '[' without its ']'"),
    ('export: {endpoint: "gateway"}', '1:20: URL lacks "http://" or "https://"'),
    ('export: {endpoint: "ftp://gateway"}', "1:20: URL is neither http nor https"),
    ("export: {headers: [a]}", "1:19: expected a map, not a list"),
    ("admin: {listen: nowhere}", "1:17: 'nowhere' is no address to listen on: it takes HOST:PORT, as 127.0.0.1:8890"),
    ('admin: {listen: ""}', "1:17: '' is no address to listen on: it takes HOST:PORT, as 127.0.0.1:8890"),
    ("log: {level: loud}", '1:14: expected one of debug, info, warn, error, not "loud"'),
    ("log: {level: info}\nlog: {level: warn}", '2:1: key "log" stands here twice'),
    ('export: {endpoint: "${file:/etc/passwd}"}', '1:20: "${file:...}" is not supported, only "${env:NAME}"'),
    ("- a", "1:1: expected a map of keys and values at the top"),
    ("a: [b", "2:1: not valid YAML: end of sequence flow not found"),
    ("a:\n\t- b", "2:2: not valid YAML: illegal block entry"),
]


class Validate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        os.chmod(self.folder, 0o755)
        self.file = self.folder / "agent.yaml"

    def check(self, text, name="agent.yaml"):
        self.file.write_bytes(text if isinstance(text, bytes) else (text + "\n").encode())
        return agent("validate", name, cwd=self.folder)

    def test_each_mistake_is_one_sentence_with_its_place(self):
        for text, sentence in MISTAKES:
            with self.subTest(text=text):
                ended = self.check(text)
                self.assertEqual((ended.code, ended.err, ended.out), (2, f"wirespan-agent: agent.yaml:{sentence}\n", ""))

    def test_what_is_not_utf_8(self):
        self.assertEqual(self.check(b'log: {level: "\xff"}\n').sentence, "agent.yaml:1:1: this line is not UTF-8")

    def test_all_mistakes_of_a_file_are_told_in_order(self):
        ended = self.check("capture:\n  backend: magic\n  filtre: {}\nmetrics: {interval: soon}")
        self.assertEqual(ended.code, 2)
        self.assertEqual(ended.err.splitlines(), [
            f'wirespan-agent: agent.yaml:2:12: expected one of {BACKENDS}, not "magic"',
            'agent.yaml:3:3: unknown key "filtre" (did you mean "filter"?)',
            'agent.yaml:4:21: expected a duration such as 5s, 250ms or 1h30m, not "soon"'])

    def test_a_valid_file(self):
        ended = self.check('export: {endpoint: "${env:WHERE:-http://localhost:4318}"}')
        self.assertEqual((ended.code, ended.out, ended.err), (0, "agent.yaml: valid\n", ""))

    def test_an_unset_variable_is_warned_of_with_its_place(self):
        ended = self.check('control: {group: "${env:WIRESPAN_NO_SUCH}"}')
        self.assertEqual(ended.code, 0)
        self.assertIn("WARN  agent.yaml:1:18: environment variable WIRESPAN_NO_SUCH is not set; taken as empty", ended.err)

    def test_files_that_cannot_be_read(self):
        for arguments, sentence in ((["/no/such/file"], "/no/such/file: No such file or directory"),
                                    ([self.folder], f"{self.folder}: Is a directory"),
                                    ([], "validate takes the file to check: wirespan-agent validate agent.yaml")):
            with self.subTest(arguments=arguments):
                ended = agent("validate", *arguments)
                self.assertEqual((ended.code, ended.sentence), (2, sentence))

    def test_a_file_that_is_not_ours_to_read(self):
        self.check("")
        os.chmod(self.file, 0)
        ended = agent("validate", self.file, wrapper=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        self.assertEqual((ended.code, ended.sentence), (2, f"{self.file}: Permission denied"))

    def test_every_command_that_takes_a_file_says_the_same(self):
        self.file.write_text("captur: {}\n")
        for command in ("run", "watch", "explain", "record", "replay"):
            with self.subTest(command=command):
                more = [self.folder / "x"] if command in ("record", "replay") else []
                ended = agent(command, "--config", self.file, *more)
                self.assertEqual((ended.code, ended.sentence), (2, f'{self.file}:1:1: unknown key "captur" (did you mean "capture"?)'))

    def test_the_examples_of_the_documentation_are_valid(self):
        root = pathlib.Path(__file__).resolve().parents[3]
        examples = sorted((root / "docs" / "examples").glob("*agent*.yaml"))
        for example in examples:
            with self.subTest(example=example.name):
                self.assertEqual(agent("validate", example, env={"TOKEN": "x"}).code, 0)


class Usage(unittest.TestCase):
    def test_wrong_flags_are_one_sentence(self):
        for arguments, sentence in (
                ([], "a command is missing, such as run, watch or explain (see wirespan-agent --help)"),
                (["frob"], "there is no command 'frob' (see wirespan-agent --help)"),
                (["--frob"], None),
                (["run", "--frob"], "run: The following argument was not expected: --frob (see wirespan-agent run --help)"),
                (["record"], "record: file is required (see wirespan-agent record --help)"),
                (["watch", "--port", "70000"], None),
                (["watch", "--port", "x"], None),
                (["record", "--seconds", "-1", "/tmp/never-made"], None)):
            with self.subTest(arguments=arguments):
                ended = agent(*arguments)
                self.assertEqual(ended.code, 2)
                self.assertNotIn("\n", ended.err.rstrip("\n"))
                if sentence:
                    self.assertEqual(ended.sentence, sentence)
                else:
                    self.assertFalse(ended.sentence.startswith("not one sentence"), ended.err)

    def test_version(self):
        ended = agent("--version")
        self.assertEqual((ended.code, ended.err), (0, ""))
        self.assertRegex(ended.out, r"^wirespan-agent \d+\.\d+\.\d+\n$")

    def test_help_names_every_command(self):
        ended = agent("--help")
        self.assertEqual((ended.code, ended.err), (0, ""))
        for command in ("run", "watch", "explain", "check", "validate", "record", "replay"):
            self.assertRegex(ended.out, rf"(?m)^ +{command} +\w")


if __name__ == "__main__":
    unittest.main()
