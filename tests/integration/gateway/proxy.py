"""A proxy for HTTP and CONNECT, for tests of whoever sends through one."""

import socket
import threading
import urllib.parse


class Proxy:
    """An HTTP proxy that knows some names, which nobody else does, and remembers what it was asked for."""

    def __init__(self, routes):
        self.routes = routes  # "host:port" -> port on this machine
        self.asked = []  # (first line, authorization)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def serve(self, client):
        with client:
            self.answer(client)

    def answer(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            got = client.recv(65536)
            if not got:
                return
            head += got
        lines = head.decode(errors="replace").split("\r\n")
        method, target, _ = lines[0].split(" ")
        password = next((line.split(": ")[1] for line in lines if line.lower().startswith("proxy-authorization:")), "")
        self.asked.append((f"{method} {target}", password))
        origin = target if method == "CONNECT" else urllib.parse.urlsplit(target).netloc
        if origin not in self.routes:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.routes[origin])) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(head)  # the next hop takes absolute targets
            back = threading.Thread(target=self.pump, args=[server, client], daemon=True)
            back.start()
            self.pump(client, server)
            back.join()

    @staticmethod
    def pump(source, target):
        try:
            while got := source.recv(65536):
                target.sendall(got)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
