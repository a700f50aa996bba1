"""Unary gRPC calls over one connection, made of bytes: two threads of this process are its ends. Each second call ends with INTERNAL."""

import socket
import struct
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def block(*fields):
    """HPACK: literals that no table remembers (RFC 7541, 6.2.2)."""
    return b"".join(b"\0" + b"".join(bytes([len(text)]) + text for text in field) for field in fields)


def message(contents):
    return b"\0" + struct.pack(">I", len(contents)) + contents


def frames(stream):
    """Those that come in: kind, flags, stream."""
    while header := stream.read(9):
        kind, flags, number = struct.unpack(">xxxBBI", header)
        stream.read(int.from_bytes(header[:3], "big"))
        yield kind, flags, number


class Calls:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.serve), threading.Thread(target=self.ask)]
        for thread in self.threads:
            thread.start()

    def serve(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as stream:
            stream.read(len(PREFACE))
            connection.sendall(frame(SETTINGS, 0, 0))
            for kind, flags, number in frames(stream):
                if kind == DATA and flags & END_STREAM:
                    status = b"0" if number % 4 == 1 else b"13"
                    connection.sendall(
                        frame(HEADERS, END_HEADERS, number, block((b":status", b"200"), (b"content-type", b"application/grpc")))
                        + frame(DATA, 0, number, message(b"answer"))
                        + frame(HEADERS, END_HEADERS | END_STREAM, number, block((b"grpc-status", status))))

    def ask(self):
        with socket.create_connection(self.listener.getsockname()) as connection, connection.makefile("rb") as stream:
            connection.sendall(PREFACE + frame(SETTINGS, 0, 0))
            answers, number = frames(stream), 1
            while not self.ended.wait(0.05):
                connection.sendall(
                    frame(HEADERS, END_HEADERS, number, block(
                        (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/by.Hand/Call"), (b":authority", b"localhost"),
                        (b"content-type", b"application/grpc"), (b"te", b"trailers")))
                    + frame(DATA, END_STREAM, number, message(b"question")))
                while next(answers) != (HEADERS, END_HEADERS | END_STREAM, number):
                    pass
                number += 2

    def stop(self):
        self.ended.set()
        for thread in self.threads[::-1]:
            thread.join()
        self.listener.close()
