"""Which span belongs to which: both ends of an exchange, calls inside a request, and none that do not."""

import collections
import subprocess
import unittest

import servers
from cases import TruthCase, key
from clients import Client
from stack import Stack, wait_for


class Chains(TruthCase):
    def test_no_wrong_parent_and_both_ends_joined(self):
        first, second = servers.Python(self.stack), servers.Go(self.stack)
        for i in range(20):
            inner = second.url(f"/bytes/{i}?inner={i}").replace("?", "%3F").replace("=", "%3D")
            subprocess.run(["curl", "-sS", "-o", "/dev/null", first.url(f"/call?url={inner}")], check=True)
        mine = lambda s: s.port in (first.port, second.port)
        spans = self.stack.settled_spans(mine, 80)
        self.assertEqual(len(spans), 80)
        by_id = {s.span_id: s for s in spans}
        self.assertEqual(len(by_id), 80, "span ids are unique")
        for span in spans:
            if span.kind == "server":
                parent = by_id[span.parent_id]
                self.assertEqual((parent.kind, parent.target, parent.trace_id), ("client", span.target, span.trace_id), span)
                self.assertEqual(span.attributes["wirespan.parent.method"], "wire")
            elif span.pid == first.child.pid:
                # The thread that read the request made the call and wrote the answer.
                parent = by_id[span.parent_id]
                self.assertEqual((parent.kind, parent.pid), ("server", span.pid))
                self.assertIn(span.target.split("inner=")[1], parent.target)
                self.assertEqual(span.attributes["wirespan.parent.method"], "thread")
            else:
                self.assertEqual(span.parent_id, "", span)
        self.assertEqual(len({s.trace_id for s in spans}), 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
