"""Clients whose channels ping while calls are open: that they did is read from the wire, and their calls are told like any others."""

import unittest

from programs import QUICK, SLOW, Go, Java, needs
from truth import GrpcCase, Truth
from wire import Wire

ASKED = 1000  # ms of silence before a ping
AT_LEAST = {Go: 10, Java: 10}  # s: what these take less for


class Keepalive(GrpcCase):
    languages = ()

    def check(self):
        """A server that never pings; clients that ping while a stream has nothing to say, with calls before and after."""
        server = self.server(Go, keepalive=0)
        wire = Wire(server.port)
        truths, silences = [], []
        for language in self.languages:
            truth = Truth(self, server, self.client(language, server, keepalive=ASKED))
            truth.start(method="Unary", count=20, concurrency=4)
            truth.client.wait()  # so that connections come in the order of their clients
            truths.append(truth)
        for truth in truths:
            slow = truth.client.language in AT_LEAST
            quiet = 1000 * AT_LEAST.get(truth.client.language, 3) + 1500
            silences.append(1 if slow else 2)
            truth.start(method="ServerStream", count=4, concurrency=4, reply={"messages": 2, "pause": quiet, "size": 700})
            if not slow:
                truth.start(method="Bidi", count=2, concurrency=2, messages=2, pause=quiet)
            truth.start(method="Unary", count=20, concurrency=4)
        for truth, silent in zip(truths, silences):
            for _ in range(silent + 1):
                truth.client.wait()
        connections = wire.close()
        self.assertEqual(len(connections), len(truths))
        for connection, truth, silent in zip(connections, truths, silences):
            name = truth.client.language.name
            pings = connection.pings(of_client=True, quiet=0.7)
            print(f"{name}: {len(connection.asked())} streams, {len(pings)} keep-alive pings")
            self.assertEqual(len(connection.asked()), len(truth.asked), name)
            self.assertGreaterEqual(len(pings), silent, name)
            self.assertTrue(all(map(connection.acked, pings)), name)
            self.assertEqual(connection.pings(of_client=False, quiet=0.7), [], name)
            self.assertEqual(connection.goaways(), [], name)
        self.finished(*truths)


class Pings(Keepalive):
    languages = QUICK

    def test_clients_keep_alive(self):
        self.check()


@needs("npm", "mvn")
class PingsSlow(Keepalive):
    languages = SLOW

    def test_clients_keep_alive(self):
        self.check()


if __name__ == "__main__":
    unittest.main(verbosity=2)
