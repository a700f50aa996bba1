"""One thread that carries two requests at once, and calls for each in between. Usage: interleave.py PORT

Takes two connections, reads a request from both, then for the first and for the second calls the url= in its query on a
connection of its own, reads that answer, and answers the second before the first.
"""

import socket
import sys
import urllib.parse


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    return data


def call(url):
    parts = urllib.parse.urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as s:
        s.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        while s.recv(65536):
            pass


def wanted(head):
    target = head.split(b" ", 2)[1].decode()
    return urllib.parse.parse_qs(target.split("?", 1)[1])["url"][0]


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
while True:
    pair = [listener.accept()[0] for _ in range(2)]
    heads = [read_head(c) for c in pair]
    for head in heads:
        call(wanted(head))
    for connection in reversed(pair):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        connection.close()
