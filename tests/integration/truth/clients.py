"""Clients that remember what they did and how long it took: the truth of CLIENT spans."""

import http.client
import json
import os
import re
import socket
import subprocess
import time

from servers import go_program


class Client:
    """Python's http.client on one connection, remembering what it did and how long it took."""

    def __init__(self, port):
        self.port, self.done = port, []
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method, target, body=None, headers=None):
        if self.connection.sock is None:
            self.connection.connect()
        start = time.perf_counter()
        self.connection.request(method, target, body=body, headers=headers or {})
        response = self.connection.getresponse()
        answer = response.read()
        self.done.append({"method": method, "target": target, "status": response.status, "sent": len(body or b""),
                          "received": 0 if method == "HEAD" else len(answer), "ms": (time.perf_counter() - start) * 1000})
        return response

    def close(self):
        self.connection.close()


class Curl:
    """One process a request; its own clock from the end of the connect to the last byte."""

    def __init__(self, *options):
        self.options, self.done = options, []

    def ask(self, method, url, target=None, *options):
        out = subprocess.run(["curl", "-sS", "-o", os.devnull, "-X", method, "-w", "%{json}", *map(str, self.options), *map(str, options), url],
                             capture_output=True, text=True, check=True, env=without_proxies()).stdout
        told = json.loads(out)
        self.done.append({"method": method, "target": target or "/" + url.split("/", 3)[3], "status": told["http_code"],
                          "sent": told["size_upload"], "received": told["size_download"],
                          "ms": (told["time_total"] - told["time_pretransfer"]) * 1000})


def without_proxies():
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


def wrk(url, *options, seconds=2, connections=64):
    """Returns how many answers wrk counted, and how many errors."""
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *map(str, options), url], capture_output=True, text=True, check=True).stdout
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    return int(re.search(r"(\d+) requests in", out).group(1)), sum(map(int, errors.groups())) if errors else 0


def load(stack, url, rate, seconds, connections, name):
    """programs/paced.go: so many requests a second, each with its own number; returns what it did."""
    log = stack.folder / f"load-{name}.log"
    subprocess.run([str(part) for part in (go_program("paced"), url, rate, seconds, connections, log)], check=True, timeout=120)
    return [json.loads(line) for line in log.read_text().splitlines()]


def exchange_raw(port, pieces, wait_answers, close=True):
    """Sends pieces as they are, reads until so many answers' heads came, returns the bytes."""
    s = socket.create_connection(("127.0.0.1", port))
    for piece in pieces:
        s.sendall(piece)
    s.settimeout(30)
    data = b""
    while data.count(b"HTTP/1.1 ") < wait_answers or not data.endswith(b"end"):
        got = s.recv(65536)
        if not got:
            break
        data += got
    if close:
        s.close()
    return data
