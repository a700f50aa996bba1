"""What the truth tests compare, and how."""

import collections
import unittest

from stack import Stack


def key(entry):
    return entry["method"], entry["target"], entry["status"]


class TruthCase(unittest.TestCase):
    maxDiff = 4000
    options = {}  # of the Stack

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(body_sizes=True, **cls.options)

    @classmethod
    def tearDownClass(cls):
        failed = cls.stack.close()
        assert failed == 0, f"the agent ended with {failed}:\n{cls.stack.agent.text()[-3000:]}"

    def spans_of(self, port, kind, at_least):
        return self.stack.settled_spans(lambda s: s.kind == kind and s.port == port, at_least)

    def assert_same(self, truth, spans, what):
        """Recall and precision 100 %: the same exchanges, each as often."""
        want = collections.Counter(truth)
        have = collections.Counter((s.method, s.target, s.status) for s in spans)
        missing, phantom = want - have, have - want
        self.assertEqual(len({s.span_id for s in spans}), len(spans), f"{what}: span ids are unique")
        if missing or phantom:
            self.fail(f"{what}: of {sum(want.values())} exchanges missing {list(missing.items())[:5]} ({sum(missing.values())}), "
                      f"too many {list(phantom.items())[:5]} ({sum(phantom.values())}); the agent's losses: {self.losses()}")

    def losses(self):
        """What the agent itself says it could not tell."""
        words = ("dropped", "lost", "discarded", "gaps", "hold_full", "unlinked", "unknown_total", "window_bound", "head_bound", "fault")
        return {name: value for name, value in self.stack.self_metrics().items() if value and any(word in name for word in words)}

    def check_sizes(self, done, spans):
        want = {key(e): (e["sent"], e["received"]) for e in done}
        for span in spans:
            sizes = span.attributes.get("http.request.body.size", 0), span.attributes.get("http.response.body.size", 0)
            self.assertEqual(sizes, want[(span.method, span.target, span.status)], span)

    def check_durations(self, done, spans, resolution_ms=0.0, share=0.9):
        """Within 1 ms or 2 % of the other's measure, plus that one's resolution. For `share` of them: between the two clocks lies a
        scheduler, which on a busy machine of two cores takes its time."""
        other = {key(e): e["ms"] for e in done}
        off = []
        for span in spans:
            ms = other[(span.method, span.target, span.status)]
            if abs(span.duration_ms - ms) > max(1.0, 0.02 * ms) + resolution_ms:
                off.append((round(ms, 3), span))
        self.assertLessEqual(len(off), len(spans) * (1 - share), f"{len(off)} of {len(spans)} durations off, e.g. {off[:3]}")
