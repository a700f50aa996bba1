"""Peers that mean harm: floods of CONTINUATION, header lists that grow by their table, windows of 2^31, streams that are never finished. The
agent stays below its memory limit, counts what it leaves out, and tells the calls after that."""

import contextlib
import pathlib
import socket
import struct
import sys
import threading
import unittest

from programs import Client, Go, Server
from truth import ALWAYS, STATUS, service_method

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "robust"))

from isolated import only_our_ports  # noqa: E402
from support import Strained, Watched, assert_ledger, family, wait_for  # noqa: E402

LIMIT_MIB = 96
DATA, HEADERS, SETTINGS, WINDOW_UPDATE, CONTINUATION = 0, 1, 4, 8, 9
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value, first=b"\x00"):
    """A field that is not added to the table, or with another `first` octet is. Names and values of less than 127 octets, or values of 3,000."""
    size = bytes([len(value)]) if len(value) < 127 else b"\x7f\xb9\x16"
    assert len(value) < 127 or len(value) == 3000
    return first + bytes([len(name)]) + name + size + value


def settings(name, value):
    return frame(SETTINGS, 0, 0, struct.pack(">HI", name, value))


GET = b"\x82\x86\x04\x02/h"  # GET, http, :path /h
HELLO = PREFACE + frame(SETTINGS, 0, 0)


def continuation_flood(i):
    """1 MiB of one header block."""
    piece = literal(b"tracestate", b"f" * 120) * 8
    return HELLO + frame(HEADERS, END_STREAM, 1, GET) + frame(CONTINUATION, 0, 1, piece) * (1024 * 1024 // len(piece))


def hpack_bomb(i):
    """50 MB of header list in 32 KiB (RFC 9113, 10.5), and a table as large as the agent keeps one."""
    entry = literal(b"tracestate", b"b" * 3000, b"\x40")
    head = frame(HEADERS, END_HEADERS | END_STREAM, 1, GET + entry + b"\xbe" * 12_000)
    fill = b"".join(literal(b"tracestate", b"%03d" % n + b"t" * 2997, b"\x40") for n in range(5))
    return HELLO + head + b"".join(frame(HEADERS, END_HEADERS | END_STREAM, stream, GET + fill) for stream in (3, 5, 7, 9, 11))


def windows(i):
    largest = 0x7FFFFFFF
    games = frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", largest)) + frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", largest))
    games += settings(4, 0xFFFFFFFF) + settings(1, 0xFFFFFFFF) + settings(5, 0xFFFFFF) + frame(WINDOW_UPDATE, 0, 0x7FFFFFFF, struct.pack(">I", 0))
    return HELLO + frame(HEADERS, END_HEADERS, 1, GET) + games * 2000 + frame(DATA, END_STREAM, 1, b"end")


def half_open(i):
    """More streams than are followed on one connection; none of them is finished."""
    return HELLO + b"".join(frame(HEADERS, END_HEADERS, 2 * n + 1, GET + literal(b"user-agent", b"u" * 100)) for n in range(3000))


class Hostile(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.stack = only_our_ports(Strained)(f"{ALWAYS}\nmemory: {{limit: {LIMIT_MIB}MiB}}")
        self.sockets = contextlib.ExitStack()
        self.addCleanup(self.end)

    def end(self):
        self.sockets.close()
        self.assertEqual(self.stack.close(), 0, self.stack.last_words)

    def attack(self, octets, connections):
        """So many connections that stay open, on which this is sent and read; this process is both ends."""
        listener = self.sockets.enter_context(socket.create_server(("127.0.0.1", self.stack.port())))
        pairs = []
        for i in range(connections):
            client = self.sockets.enter_context(socket.create_connection(listener.getsockname()))
            pairs.append((i, client, self.sockets.enter_context(listener.accept()[0])))
        for i, client, server in pairs:
            server.sendall(frame(SETTINGS, 0, 0))
            what = octets(i)
            sender = threading.Thread(target=client.sendall, args=(what,))
            sender.start()
            left = len(what)
            while left > 0:
                left -= len(server.recv(min(left, 256 * 1024)))
            sender.join()

    def check(self, octets, connections):
        """Returns the agent's numbers while all of the connections are open, and the most memory that it had."""
        with Watched(self.stack.agent.pid) as memory:
            self.attack(octets, connections)
            wait_for("all that was sent to be read", lambda: self.stack.self_metrics()["wirespan_ring_waiting_bytes"] == 0)
            numbers = self.stack.self_metrics()
        assert_ledger(self, numbers, kernel=False)
        self.assertLessEqual(memory.most, LIMIT_MIB)
        print(f"{octets.__name__}: {memory.most:.0f} MiB with {connections} connections", file=sys.stderr)
        return numbers

    def check_well(self):
        """The attackers go; calls after that are told."""
        self.sockets.close()
        wait_for("the pressure to end", lambda: self.stack.self_metrics()["wirespan_memory_pressure"] == 0, 20)
        server = Server(self.stack, Go)
        client = Client(self.stack, Go, server.port)
        client.run(method="Unary", count=50, concurrency=8, trace=1)
        spans = self.stack.settled_spans(lambda s: s.pid in (server.pid, client.pid), 100)
        self.assertEqual([(s.name, s.attributes.get(STATUS), s.attributes.get("wirespan.incomplete")) for s in spans],
                         [(service_method("Unary"), "OK", None)] * 100)
        assert_ledger(self, self.stack.settle())

    def test_continuation_floods(self):
        numbers = self.check(continuation_flood, 100)
        self.assertGreater(family(numbers, "wirespan_kernel_calls_total", count="noted", reason="head_bound"), 0)
        self.sockets.close()
        # Both ends of each: cut, where the block that never ended is given up with its connection.
        wait_for("the lists to be counted", lambda: self.stack.self_metrics()["wirespan_http2_header_lists_cut_total"] >= 200)
        self.check_well()

    def test_header_lists_that_grow_by_their_table(self):
        numbers = self.check(hpack_bomb, 500)
        self.assertGreaterEqual(numbers["wirespan_http2_header_lists_cut_total"], 2 * 500)
        self.check_well()

    def test_windows(self):
        numbers = self.check(windows, 20)
        self.assertEqual(numbers["wirespan_streams_open"], 2 * 20)
        self.check_well()

    def test_half_open_streams(self):
        numbers = self.check(half_open, 60)
        self.assertGreater(family(numbers, "wirespan_exchanges_dropped_total", reason="pipeline_full"), 2 * 900)
        self.assertLessEqual(numbers["wirespan_streams_open"], 2 * 60 * 2048)
        self.check_well()


if __name__ == "__main__":
    unittest.main(verbosity=2)
