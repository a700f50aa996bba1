"""What really passed on the loopback device: the HTTP/2 frames of one port's connections, taken beside them. Nothing stands between client and
server, whose connections stay one and the same to the agent."""

import collections
import ctypes
import dataclasses
import socket
import struct
import threading
import time

HEADERS, RST_STREAM, PING, GOAWAY = 1, 3, 6, 7
ACK = 1
NO_ERROR, ENHANCE_YOUR_CALM = 0, 11
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

IPV4, TCP = 0x0800, 6
BUFFER = 64 << 20  # octets: the reader is not always on a processor
SO_ATTACH_FILTER, SO_RCVBUFFORCE, SOL_PACKET, PACKET_STATISTICS = 26, 33, 263, 6


def only_tcp_of(port):
    """A classic BPF program for packets that begin with IPv4's header: a busy machine's loopback carries much else."""
    code = [(0x30, 0, 0, 9), (0x15, 0, 6, TCP),  # A = protocol
            (0xb1, 0, 0, 0), (0x48, 0, 0, 0),  # X = the header's length; A = source port
            (0x15, 2, 0, port), (0x48, 0, 0, 2), (0x15, 0, 1, port),  # or the destination's
            (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0)]
    return b"".join(struct.pack("HBBI", *one) for one in code), len(code)


@dataclasses.dataclass
class Frame:
    at: float  # s, by time.monotonic() of the reader
    of_client: bool
    type: int
    flags: int
    stream: int
    payload: bytes  # its first 64 octets

    @property
    def ack(self):
        return self.type == PING and bool(self.flags & ACK)

    def goaway(self):
        """(last stream, code, what else it says)"""
        last, code = struct.unpack(">II", self.payload[:8])
        return last & 0x7fffffff, code, self.payload[8:]


class Half:
    """One direction of a connection: its segments, put in order, become frames."""

    def __init__(self, of_client, frames):
        self.of_client, self.frames = of_client, frames
        self.next, self.early, self.bytes = None, {}, b""
        self.preface = of_client

    def segment(self, at, sequence, syn, data):
        if syn:
            self.next = (sequence + 1) & 0xffffffff
            return
        if self.next is None or not data:
            return
        self.early[sequence] = max(self.early.get(sequence, b""), data, key=len)
        while True:
            for start, data in list(self.early.items()):
                behind = (self.next - start) & 0xffffffff
                if behind < 0x80000000:  # begins at what is awaited, or before
                    del self.early[start]
                    if behind < len(data):
                        self.next = (start + len(data)) & 0xffffffff
                        self.take(at, data[behind:])
                        break
            else:
                return

    def take(self, at, data):
        self.bytes += data
        if self.preface:
            if len(self.bytes) < len(PREFACE):
                return
            assert self.bytes.startswith(PREFACE), self.bytes[:40]
            self.bytes, self.preface = self.bytes[len(PREFACE):], False
        while len(self.bytes) >= 9:
            size = int.from_bytes(self.bytes[:3], "big")
            if len(self.bytes) < 9 + size:
                return
            type, flags, stream = struct.unpack(">BBI", self.bytes[3:9])
            self.frames.append(Frame(at, self.of_client, type, flags, stream & 0x7fffffff, self.bytes[9:9 + min(size, 64)]))
            self.bytes = self.bytes[9 + size:]


class Connection:
    def __init__(self):
        self.frames = []
        self.halves = {True: Half(True, self.frames), False: Half(False, self.frames)}

    def all(self, type, of_client):
        return [f for f in self.frames if f.type == type and f.of_client == of_client]

    def goaways(self):
        return [f.goaway() for f in self.all(GOAWAY, False)]

    def asked(self):
        """Streams that the client began."""
        return {f.stream for f in self.all(HEADERS, True)}

    def answered(self):
        return {f.stream for f in self.all(HEADERS, False)}

    def refused(self):
        """Streams above the last that the server says it has taken."""
        last = min((last for last, _, _ in self.goaways()), default=0x7fffffff)
        return {id for id in self.asked() if id > last} - self.answered()

    def pings(self, of_client, quiet=0.0):
        """PINGs that ask, of one end. `quiet`: those alone that came so many seconds after the last frame of a stream: keep-alive's, not those
        that measure bandwidth while data flows."""
        found, last = [], 0.0
        for frame in self.frames:
            if frame.type == PING:
                if frame.of_client == of_client and not frame.ack and frame.at - last >= quiet:
                    found.append(frame)
            elif frame.stream:
                last = frame.at
        return found

    def acked(self, ping):
        return any(f.ack and f.of_client != ping.of_client and f.payload == ping.payload for f in self.frames)


class Wire:
    """Reads from its making to close(). Connections that were open before are not read."""

    def __init__(self, port):
        self.port, self.lock = port, threading.Lock()
        self.found = collections.defaultdict(Connection)  # by the client's port
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        code, steps = only_tcp_of(port)
        kept = ctypes.create_string_buffer(code)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", steps, ctypes.addressof(kept)))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self.socket.bind(("lo", IPV4))  # from here on it receives
        self.socket.settimeout(0.1)
        self.ending, self.error = False, None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            while True:
                try:
                    packet, (_, _, kind, *_) = self.socket.recvfrom(0x40000)
                except TimeoutError:  # what passed before was read
                    if self.ending:
                        return
                    continue
                if kind != socket.PACKET_OUTGOING:  # on lo each comes twice
                    with self.lock:
                        self.take(time.monotonic(), packet)
        except Exception as error:  # told by whoever asks
            self.error = error

    def take(self, at, packet):
        tcp = packet[(packet[0] & 15) * 4:int.from_bytes(packet[2:4], "big") or len(packet)]
        source, destination, sequence = struct.unpack(">HHI", tcp[:8])
        client = destination == self.port
        self.found[source if client else destination].halves[client].segment(at, sequence, bool(tcp[13] & 2), tcp[(tcp[12] >> 4) * 4:])

    def connections(self):
        """Those on which frames came, in the order of their first."""
        if self.error:
            raise self.error
        with self.lock:
            return sorted((c for c in self.found.values() if c.frames), key=lambda c: c.frames[0].at)

    def close(self):
        """All that has passed; fails if any of it was missed."""
        self.ending = True
        self.thread.join()
        _, dropped = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.socket.close()
        if dropped:
            raise AssertionError(f"{dropped} packets of port {self.port} were not read")
        return self.connections()
