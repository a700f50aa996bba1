"""Memory keeps its ceiling, CPU may be short, and traffic may be anything: the ledger closes and the programs go on."""

import os
import socket
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
                assert_undisturbed(self, Client(stack, "flood", server, conns=16, seconds=8).result())
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


    def test_heads_that_do_not_end(self):
        # Both ends of 4,000 connections, each with most of 15 KiB of a head: twice the limit.
        stack = Strained("memory: {limit: 64MiB}")
        sockets = []
        try:
            server = Server(stack)
            head = b"GET /b/10?%d HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-Filler-%d: %s\r\n" % (i, b"f" * 1000) for i in range(14))
            with Watched(stack.agent.pid) as memory:
                for i in range(4000):
                    sockets.append(socket.create_connection(("127.0.0.1", server.port)))
                    sockets[-1].sendall(head % i)
                    if i % 500 == 0:
                        assert_ledger(self, stack.self_metrics(), kernel=False)
                time.sleep(2)
                m = stack.self_metrics()
                for s in sockets:
                    s.sendall(b"\r\n")
                for s in sockets:
                    self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n"))
                    s.close()
                sockets.clear()
            self.assertGreater(family(m, "wirespan_memory_pressure_total"), 0)
            self.assertLessEqual(memory.most, 64)
            m = stack.settle()
            assert_ledger(self, m)
            shed = (m["wirespan_connections_refused_total"] + family(m, "wirespan_data_events_total", fate="memory") +
                    family(m, "wirespan_exchanges_dropped_total", reason="memory"))
            self.assertGreater(shed, 100)
            wait_for("the pressure to end", lambda: stack.self_metrics()["wirespan_memory_pressure"] == 0, 20)
            before = exchanges_by_server(stack).get(server.pid, 0)
            assert_undisturbed(self, Client(stack, "flood", server, conns=4, count=200).result())
            wait_for("all of them to be seen", lambda: exchanges_by_server(stack).get(server.pid, 0) == before + 200)
        finally:
            for s in sockets:
                s.close()
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
