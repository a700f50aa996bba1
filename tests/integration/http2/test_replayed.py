"""Real calls, recorded; then 1 % of the events are taken out at random, by seeds: whatever is told of them is right."""

import collections
import subprocess
import unittest

from isolated import IsolatedStack
from programs import QUICK, Client, Go, Plain, Server, wait_for
from recordings import Recorder, replayed, without_some
from truth import ALWAYS, is_trace_of_an_id

PREFIX = 5  # of a message, before its contents

KINDS = (
    {"method": "Unary", "count": 400, "concurrency": 16, "reply": {"size": 300}},
    {"method": "Unary", "count": 50, "concurrency": 4, "reply": {"status": 5, "messages": 0}},
    {"method": "Bidi", "count": 20, "concurrency": 5, "messages": 10, "size": 900, "reply": {"size": 60}},
    {"method": "ServerStream", "count": 20, "concurrency": 5, "reply": {"messages": 20, "size": 20000}},
    {"method": "ClientStream", "count": 20, "concurrency": 5, "messages": 20, "size": 20000},
    {"method": "Unary", "count": 400, "concurrency": 16},
)


class Seeded(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.stack = IsolatedStack(start_agent=False)
        try:
            server = Server(cls.stack, Go)
            recorder = Recorder(cls.stack, ALWAYS, raw=True)  # else what is known of header tables is left out
            clients = [Client(cls.stack, language, server.port) for language in QUICK]
            for client in clients:
                for words in KINDS:
                    client.start(trace=1, **words)
            for client in clients:
                for _ in KINDS:
                    client.wait()
            cls.asked = {f"7e57{int(e['id']):028x}": {**e, "pid": client.pid} for client in clients for e in client.log()}
            wait_for("the server's log", lambda: len(server.log()) == len(cls.asked))
            cls.server_pid = server.pid
            recorder.stop()
        except BaseException:
            cls.stack.close()
            raise
        cls.recording, cls.config = recorder.file, recorder.config

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def check_right(self, spans):
        """No span that nobody made, none twice, nothing in it that is wrong. Returns the ends that are told."""
        ends = collections.Counter()
        for span in spans:
            confessed = span.get("incomplete", "").split(",")
            path = span.get("rpc_method", "")
            if not path:
                self.assertIn("hpack", confessed, span)
            entry = self.asked.get(span["trace_id"])
            if entry is None:
                self.assertFalse(is_trace_of_an_id(span["trace_id"]), f"a call that nobody made: {span}")
                self.assertIn("hpack", confessed, f"its context was sent, and not read: {span}")
                continue
            ends[span["trace_id"], span["side"]] += 1
            self.assertEqual(span["pid"], self.server_pid if span["side"] == "server" else entry["pid"], span)
            if path:
                self.assertEqual(path, entry["method"], span)
            if "rpc_status" in span and "status" not in span.get("inferred", "").split(","):
                self.assertEqual(span["rpc_status"], entry["status"], (span, entry))
            for name, part, what in (("request", "sent", "request_body"), ("response", "received", "response_body")):
                for unit in ("messages", "bytes"):
                    if f"{name}_{unit}" in span:
                        compare = self.assertLessEqual if what in confessed else self.assertEqual
                        # Where it is not known that this is gRPC, the prefixes of messages count too.
                        prefixes = PREFIX * entry[f"{part}_messages"] if unit == "bytes" and not span.get("rpc") else 0
                        compare(span[f"{name}_{unit}"], entry[f"{part}_{unit}"] + prefixes, (name, unit, span, entry))
        self.assertEqual([end for end, count in ends.items() if count > 1], [], "told twice")
        self.unnamed = sum(not span.get("rpc_method") for span in spans)
        return ends

    def test_whole(self):
        spans = replayed(self.config, self.recording)
        ends = self.check_right(spans)
        self.assertEqual(len(spans), 2 * len(self.asked))
        self.assertEqual(len(ends), 2 * len(self.asked))
        self.assertEqual([s for s in spans if s.get("incomplete") or s.get("inferred")], [])

    def test_one_percent_lost(self):
        for seed in range(10):
            with self.subTest(seed=seed):
                file, lost = without_some(self.recording, 0.01, seed)
                self.assertGreater(lost, 20)
                ends = self.check_right(replayed(self.config, file))
                # A lost event holds up to some tens of streams' frames, and each connection goes on behind it.
                self.assertGreater(len(ends), len(self.asked), f"{lost} events lost; of {2 * len(self.asked)} ends")
                # Paths that were in lost blocks stay unknown; those that were in the table before do not.
                self.assertLess(self.unnamed, 0.75 * len(self.asked))
                print(f"seed {seed}: {lost} events lost, {len(ends)} of {2 * len(self.asked)} ends told, {self.unnamed} of them without a path")
                file.unlink()

    def test_a_tenth_lost(self):
        for seed in range(100, 103):
            with self.subTest(seed=seed):
                file, lost = without_some(self.recording, 0.1, seed)
                self.check_right(replayed(self.config, file))
                file.unlink()


class Masked(unittest.TestCase):
    """Without --raw: secrets are overwritten where they lie in header blocks, and nothing else changes."""

    def test_the_same_calls_without_their_secrets(self):
        stack = IsolatedStack(start_agent=False)
        try:
            server = Server(stack, Plain)
            recorder = Recorder(stack, ALWAYS)
            targets = [f"http://127.0.0.1:{server.port}/bytes/{n}?n={n}" for n in range(4)]
            subprocess.run(["nghttp", "--null-out", "--header=authorization: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "--header=cookie: session=aaaaaaaaaaaaaaaaaaaaaaaa", *targets],
                           check=True, capture_output=True)
            wait_for("the server's log", lambda: len(server.log()) == len(targets))
            recorder.stop()
            self.check_masked(recorder.file.read_bytes())
            spans = replayed(recorder.config, recorder.file)
            for side in ("client", "server"):
                self.assertEqual(sorted((s["path"], s["status"]) for s in spans if s["side"] == side), [(f"/bytes/{n}?n={n}", 200) for n in range(4)])
            self.assertEqual([s for s in spans if s.get("incomplete")], [])
        finally:
            stack.close()

    def check_masked(self, content):
        # nghttp codes both. "a" is 00011 in HPACK's code, so many of them are these octets again and again; what they are overwritten with is
        # the code of "X".
        self.assertNotIn(bytes.fromhex("18c6318c63"), content)
        self.assertGreaterEqual(content.count(b"\xfc" * 16), 2 * 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
