"""HTTP/2 servers and clients that Debian has, and what they themselves say they did."""

import json
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "truth"))

import servers  # noqa: E402
from clients import without_proxies  # noqa: E402


class Nghttpd(servers.Server):
    """Static files: /small.html. Its own words, frame by frame, are its log. `options`: of the command line."""

    name = "nghttpd"

    def __init__(self, stack, *options):
        self.options = options
        super().__init__(stack)

    def start(self):
        folder = self.stack.folder / f"nghttpd-{self.port}"
        folder.mkdir()
        (folder / "small.html").write_bytes(b"s" * 615)
        (folder / "pushed.css").write_bytes(b"p" * 100)
        program = shutil.which("nghttpd") or "/usr/sbin/nghttpd"
        return self.stack.run(f"nghttpd-{self.port}", [program, "--no-tls", "--verbose", "--max-concurrent-streams=1000", "--address=127.0.0.1",
                                                       f"--htdocs={folder}", *self.options, self.port])

    def log(self):
        """Streams with a response, of all connections."""
        requests, answered, stream = {}, [], None
        for line in self.child.text().splitlines():
            connection = re.match(r"\[id=(\d+)\]", line)
            if connection:
                stream = None
                if header := re.search(r"recv \(stream_id=(\d+)\) :(method|path): (.*)", line):
                    requests.setdefault((connection[1], header[1]), {})[header[2]] = header[3]
                elif sent := re.search(r"send HEADERS frame <.*stream_id=(\d+)>", line):
                    stream = connection[1], sent[1]
            elif stream in requests and (status := re.match(r"\s+:status: (\d+)", line)):
                request = requests[stream]
                answered.append({"method": request["method"], "target": request["path"], "status": int(status[1])})
        return answered


class Nginx2(servers.Nginx):
    """nginx with HTTP/2 in clear, by prior knowledge."""

    name = "nginx-http2"
    listen = "http2"
    extra = "http2_max_concurrent_streams 1000; keepalive_timeout 600s;"


class H2load:
    """`uris` in turn, each of `clients` connections `requests / clients` of them, `streams` at a time. durations_ms: its own measures, sorted."""

    def __init__(self, stack, server, targets, requests, clients=4, streams=100, *options):
        name = f"h2load-{server.port}"
        uris, log = stack.folder / f"{name}.uris", stack.folder / f"{name}.times"
        uris.write_text("".join(server.url(target) + "\n" for target in targets))
        self.child = stack.run(name, ["h2load", f"--requests={requests}", f"--clients={clients}", f"--max-concurrent-streams={streams}",
                                      f"--input-file={uris}", f"--log-file={log}", *options])
        self.pid = self.child.pid
        if self.child.process.wait(120) != 0:
            raise AssertionError(self.child.text())
        each = requests // clients
        self.asked = [targets[i % len(targets)] for i in range(each)] * clients
        lines = [line.split("\t") for line in log.read_text().splitlines()]
        self.statuses = [int(line[1]) for line in lines]
        self.durations_ms = sorted(int(line[2]) / 1000 for line in lines)


def curl(*arguments):
    """What curl says of the last transfer: http_version, http_code, size_upload, size_download, time_total, time_pretransfer."""
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{json}\\n", *map(str, arguments)], capture_output=True, text=True, check=True,
                          env=without_proxies())
    return json.loads(done.stdout.splitlines()[-1])
