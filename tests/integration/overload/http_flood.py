"""Many OTLP/HTTP senders at once on one selector: each posts the same body again and again and counts the answers' statuses."""

import collections
import selectors
import socket
import time


def head_of(body, encoding=""):
    coding = f"Content-Encoding: {encoding}\r\n" if encoding else ""
    return (f"POST /v1/traces HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/x-protobuf\r\n{coding}"
            f"Content-Length: {len(body)}\r\n\r\n").encode()


class Sender:
    """One connection: writes a request as fast as the peer takes it, and reads the answer's head."""

    def __init__(self, port, request):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.request = memoryview(request)
        self.begin()

    def begin(self):
        self.left = self.request
        self.answer = b""
        self.resting_until = 0.0

    def write(self):
        try:
            while self.left:
                self.left = self.left[self.socket.send(self.left):]
        except BlockingIOError:
            pass

    def read(self):
        """The head of an answer, None if it is not whole; ConnectionError at the end of the connection."""
        try:
            got = self.socket.recv(65536)
        except BlockingIOError:
            return None
        if not got:
            raise ConnectionError
        self.answer += got
        return self.answer.split(b"\r\n\r\n")[0].decode() if b"\r\n\r\n" in self.answer else None


def flood(port, body, connections, seconds, encoding="", pause=0.02):
    """Counts by status; "503+retry" is one with Retry-After. A refused sender rests for `pause` and begins anew."""
    request = head_of(body, encoding) + body
    counts = collections.Counter()
    selector = selectors.DefaultSelector()

    def add():
        sender = Sender(port, request)
        selector.register(sender.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, sender)

    def remove(sender):
        selector.unregister(sender.socket)
        sender.socket.close()

    for _ in range(connections):
        add()
    end = time.monotonic() + seconds
    resting = []
    while time.monotonic() < end:
        for key, events in selector.select(0.02):
            sender = key.data
            try:
                if events & selectors.EVENT_WRITE:
                    sender.write()
                    if not sender.left:
                        selector.modify(sender.socket, selectors.EVENT_READ, sender)
                head = sender.read() if events & selectors.EVENT_READ else None
            except OSError:
                counts["broken"] += 1
                remove(sender)
                resting.append(time.monotonic() + pause)
                continue
            if head is None:
                continue
            status = head.split(" ")[1]
            counts[status + ("+retry" if "\r\nretry-after:" in head.lower() else "")] += 1
            remove(sender)
            resting.append(time.monotonic() + pause)
        while resting and resting[0] <= time.monotonic():
            resting.pop(0)
            add()
    for key in list(selector.get_map().values()):
        remove(key.data)
    return counts
