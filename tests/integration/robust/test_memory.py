"""Memory keeps its ceiling, CPU may be short, and traffic may be anything: the ledger closes and the programs go on."""

import os
import sys
import time
import unittest

from support import (Cgroup, Client, Server, Strained, Watched, assert_ledger, assert_undisturbed,
                     exchanges_by_server, family, settled_file, wait_for)


class Ceiling(unittest.TestCase):
    def test_memory_limit_sheds_and_counts(self):
        # The queue alone would be larger than the limit.
        stack = Strained("memory: {limit: 40MiB}\nexport: {queue_bytes: 256MiB, max_elapsed: 120s}")
        try:
            server = Server(stack)
            stack.gateway.stop()
            with Watched(stack.agent.pid) as memory:
                assert_undisturbed(self, Client(stack, "flood", server, conns=16, seconds=15).result())
            m = stack.self_metrics()
            assert_ledger(self, m, kernel=False)
            self.assertGreater(family(m, "wirespan_memory_pressure_total"), 0)
            self.assertGreater(family(m, "wirespan_export_spans_total", reason="memory"), 1000)
            self.assertLessEqual(memory.most, 40)
            stack.start_gateway()
            m = stack.settle(90)
            assert_ledger(self, m)
            settled_file(stack, self)
            # And it is well again.
            wait_for("the pressure to end", lambda: stack.self_metrics()["wirespan_memory_pressure"] == 0, 20)
            before = stack.span_count()[0]
            assert_undisturbed(self, Client(stack, "flood", server, conns=4, count=200).result())
            wait_for("spans", lambda: stack.span_count()[0] >= before + 400)
        finally:
            self.assertEqual(stack.close(), 0)


class SmallRights(unittest.TestCase):
    def test_half_a_cpu_and_512_mib(self):
        stack = Strained(keep_telemetry=False)
        group = Cgroup(f"wirespan-test-{os.getpid()}", cpus=0.5, memory_mib=512)
        try:
            group.add(stack.agent.pid)
            loud, quiet = Server(stack), Server(stack)
            with Watched(stack.agent.pid) as memory:
                flood = Client(stack, "flood", loud, conns=64, seconds=30)
                calm = Client(stack, "flood", quiet, conns=4, seconds=28, rate=50)
                for _ in range(28):
                    time.sleep(1)
                    assert_ledger(self, stack.self_metrics(), kernel=False)
                results = [flood.result(), calm.result()]
            assert_undisturbed(self, *results)
            m = stack.settle(90)
            assert_ledger(self, m)
            self.assertEqual(group.out_of_memory(), 0)
            self.assertLess(memory.most, 256)
            seen = exchanges_by_server(stack)
            print(f"\n0.5 CPU: asked {results[0]['right'] / results[0]['seconds']:.0f}/s, "
                  f"seen {seen.get(loud.pid, 0)}/{results[0]['right']} of the flood, {seen.get(quiet.pid, 0)}/{results[1]['right']} of the quiet one; "
                  f"{memory.most:.0f} MiB", file=sys.stderr)
            # docs/operating.md, "Overload": a flood costs a quiet process nothing.
            self.assertEqual(seen.get(quiet.pid, 0), results[1]["right"])
        finally:
            self.assertEqual(stack.close(), 0)
            group.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
