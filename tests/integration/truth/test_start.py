"""Connections and processes older and younger than the agent."""

import collections
import subprocess
import unittest

import servers
from cases import TruthCase, key
from clients import Client
from stack import Stack


class OldConnections(unittest.TestCase):
    def test_connections_older_than_the_agent(self):
        stack = Stack(start_agent=False)
        try:
            server = servers.Go(stack)
            clients = [Client(server.port) for _ in range(8)]
            for c in clients:
                c.ask("GET", "/bytes/5?before")
                c.done.clear()
            stack.start_agent()
            for i in range(20):
                for n, c in enumerate(clients):
                    c.ask("GET", f"/bytes/5?old={n}-{i}")
            truth = collections.Counter(key(e) for c in clients for e in c.done)
            for kind in ("server", "client"):
                spans = stack.settled_spans(lambda s: s.kind == kind and s.port == server.port, len(truth))
                self.assertEqual(collections.Counter((s.method, s.target, s.status) for s in spans), truth, kind)
            for c in clients:
                c.close()
        finally:
            stack.close()


class NewProcesses(TruthCase):
    def test_a_process_that_starts_later_is_seen_from_its_first_byte(self):
        server = servers.Go(self.stack)
        for i in range(20):
            subprocess.run(["curl", "-sS", "-o", "/dev/null", server.url(f"/bytes/1?first={i}")], check=True)
        truth = [("GET", f"/bytes/1?first={i}", 200) for i in range(20)]
        spans = self.spans_of(server.port, "client", 20)
        self.assert_same(truth, spans, "curl")
        self.assertEqual({s.resource["service.name"] for s in spans}, {"curl"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
