#!/usr/bin/env python3
"""The gateway's store beside Jaeger 2 with Badger: the same spans over OTLP/HTTP, the same questions to Jaeger's HTTP API.

    ./dev bench store peers [--spans N] [--times N] [--only store|jaeger]

Each program runs alone: takes all spans from four connections, then is asked. Badger is as Jaeger sets it up (it does not
sync before it answers; the store does). CPU and memory are the program's own, disk what its folder takes.
"""

import argparse
import http.client
import json
import os
import pathlib
import queue
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration" / "truth"))
from backends import jaeger_binary  # noqa: E402
from stack import BIN, Child, free_port, listens, wait_for  # noqa: E402

SERVICES, OPERATIONS, USERS, MEAN_SPANS, EVERY_US = 100, 20, 50000, 8, 8000  # of tests/bench/store/fleet.h
CONNECTIONS = 4


def mixed(x):  # splitmix64
    mask = 2**64 - 1
    x = (x + 0x9e3779b97f4a7c15) & mask
    x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & mask
    x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & mask
    return x ^ (x >> 31)


def trace_id(number):
    return struct.pack("<QQ", mixed(number), mixed(number ^ (2**64 - 1))).hex()


class Program:
    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mib(self):
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024

    def disk_bytes(self):
        """As du counts: Badger's files are mapped larger than they are."""
        return sum(file.stat().st_blocks * 512 for file in self.folder.rglob("*") if file.is_file())


class Store(Program):
    name = "wirespan-gateway, store"

    def __init__(self, folder):
        self.folder = folder / "store"
        self.otlp, self.query = free_port(), free_port()
        config = folder / "gateway.yaml"
        config.write_text(f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{self.otlp}"}}}}}}}}
exporters:
  store: {{directory: {self.folder}, retention: {{max_size_mib: 100000}}, query: {{endpoint: "127.0.0.1:{self.query}"}}}}
extensions: {{health_check: {{endpoint: "127.0.0.1:{free_port()}"}}}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{address: "127.0.0.1:{free_port()}"}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [store]}}}}
""")
        self.child = Child("gateway", [BIN / "wirespan-gateway", "--config", config], folder)
        wait_for("the gateway", lambda: listens(self.otlp) and listens(self.query), 60)


class Badger(Program):
    name = "Jaeger 2, Badger"

    def __init__(self, folder):
        self.folder = folder / "badger"
        self.otlp, self.query = free_port(), free_port()
        config = folder / "jaeger.yaml"
        config.write_text(f"""
extensions:
  jaeger_query:
    storage: {{traces: badger}}
    http: {{endpoint: "127.0.0.1:{self.query}"}}
    grpc: {{endpoint: "127.0.0.1:{free_port()}"}}
  jaeger_storage:
    backends:
      badger: {{badger: {{ephemeral: false, directories: {{keys: {self.folder}/keys, values: {self.folder}/values}}}}}}
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{self.otlp}"}}}}}}}}
processors: {{batch: }}
exporters: {{jaeger_storage_exporter: {{trace_storage: badger}}}}
service:
  extensions: [jaeger_storage, jaeger_query]
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}}}
""")
        self.child = Child("jaeger", [jaeger_binary(), "--config", config], folder)
        wait_for("Jaeger", lambda: listens(self.otlp) and listens(self.query), 120)


def send_all(port, spans, limit_s):
    """(requests taken, seconds). Ends early at the limit."""
    make = subprocess.Popen([BIN / "store_load", "--print", "--spans", str(spans)], stdout=subprocess.PIPE)
    bodies, taken, lock, failed = queue.Queue(32), [0], threading.Lock(), []

    def send():
        try:
            send_from_queue()
        except BaseException as error:
            failed.append(error)
            raise

    def send_from_queue():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        while (body := bodies.get()) is not None:
            while True:
                connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    break
                if answer.status not in (429, 503):
                    raise RuntimeError(f"refused with {answer.status}")
                time.sleep(0.1)
            with lock:
                taken[0] += 1

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    while time.monotonic() - begin < limit_s and not failed:
        head = make.stdout.read(4)
        if len(head) < 4:
            break
        bodies.put(make.stdout.read(struct.unpack("<I", head)[0]))
    for _ in range(CONNECTIONS - len(failed)):
        bodies.put(None)
    for thread in threads:
        thread.join()
    took = time.monotonic() - begin
    make.kill()
    make.wait()
    make.stdout.close()
    if failed:
        raise SystemExit(str(failed[0]))
    return taken[0], took


def ask(port, path, parameters=None):
    """(seconds, traces)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    url = path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
    begin = time.monotonic()
    connection.request("GET", url)
    answer = connection.getresponse()
    body = answer.read()
    took = time.monotonic() - begin
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{url}: {answer.status} {body[:300]}")
    return took, len(json.loads(body)["data"] or [])


def questions(traces, end_us):
    span_us = traces * EVERY_US
    everything = {"start": end_us - span_us - 10**6, "end": end_us + 10**7, "limit": 20}

    def hour(choose):
        start = end_us - span_us + choose.randrange(max(1, span_us - 3600 * 10**6))
        return {"start": start, "end": start + min(span_us, 3600 * 10**6), "limit": 20}

    def service(choose):
        return {"service": f"service-{choose.randrange(SERVICES)}"}

    def operation(choose):
        of = choose.randrange(SERVICES)
        return {"service": f"service-{of}", "operation": f"GET /api/v1/{of % 10}/{choose.randrange(OPERATIONS)}"}

    def tags(**more):
        return {"tags": json.dumps({key.replace("_", "."): value for key, value in more.items()})}

    return {
        "trace by id": lambda c: (f"/api/traces/{trace_id(c.randrange(traces))}", None),
        "service, operation, an hour": lambda c: ("/api/traces", {**operation(c), **hour(c)}),
        "service, slower than 1 s, an hour": lambda c: ("/api/traces", {**service(c), **hour(c), "minDuration": "1s"}),
        "service, errors, an hour": lambda c: ("/api/traces", {**service(c), **hour(c), **tags(error="true")}),
        "service, a user of 50,000, all times": lambda c: ("/api/traces", {**service(c), **everything, **tags(user_id=f"u{c.randrange(USERS)}")}),
    }


def measure(kind, options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wirespan-bench-", dir=options.folder))
    try:
        program = kind(folder)
        end_us = time.time_ns() // 1000
        requests, took = send_all(program.otlp, options.spans, options.limit)
        spans = requests * 1000  # a request is of a thousand and a few
        print(f"{program.name}: {spans} spans in {took:.1f} s, {spans / took:.0f} spans/s; CPU {program.cpu_s() * 1e6 / spans:.2f} us a span; "
              f"{program.disk_bytes() / spans:.0f} bytes a span on disk; peak RSS {program.peak_mib()} MiB", flush=True)
        begin_us = end_us - options.spans // MEAN_SPANS * EVERY_US
        traces = spans // MEAN_SPANS
        for name, question in questions(traces, begin_us + traces * EVERY_US).items():
            choose = random.Random(9)
            answers = []
            begin = time.monotonic()
            while len(answers) < options.times and (len(answers) < 5 or time.monotonic() - begin < 60):
                answers.append(ask(program.query, *question(choose)))
            times = sorted(seconds * 1000 for seconds, _ in answers)
            print(f"  {name:<38} p50 {times[len(times) // 2]:9.2f}  p95 {times[(len(times) - 1) * 95 // 100]:9.2f} ms  "
                  f"{sum(found for _, found in answers) / len(answers):5.1f} traces  ({len(answers)} asked)", flush=True)
        print(f"  peak RSS {program.peak_mib()} MiB", flush=True)
        program.child.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=2_000_000)
    parser.add_argument("--times", type=int, default=50, help="questions of each kind, fewer where they take more than a minute")
    parser.add_argument("--limit", type=float, default=900, help="seconds after which no more spans are sent")
    parser.add_argument("--only", choices=["store", "jaeger"])
    parser.add_argument("--folder", default=None, help="where the data goes: a disk, not memory")
    options = parser.parse_args()
    for name, kind in (("store", Store), ("jaeger", Badger)):
        if options.only in (None, name):
            measure(kind, options)


if __name__ == "__main__":
    main()
