"""What the gateway costs a span: CPU-seconds per million spans, spans/s at saturation, peak memory.

    ./dev bench gateway [--rounds N] [--seconds S] [--only NAME,...] [--collector [FILE]] [--profile NAME]

The gateway is pinned to CPU 0; the generator and the backend (tests/bench/gateway) run on CPU 1. One connection, eight
requests in flight, closed loop; a span has 12 attributes and about 450 bytes. CPU is user and system time of the
gateway between two quiet points, divided by the spans that the backend counted. Medians of the rounds, with their range.

Beside each figure stands the OpenTelemetry Collector's (0.158.0: otlp, memory_limiter, batch, otlp; GOMAXPROCS=1),
measured on the development machine in the same way, and the share of it that the gateway is allowed. With --collector,
a Collector with these components is measured instead (FILE, or built from tests/integration/programs/collector): each round is a
pair, one after the other, so that both meet the same neighbours, and "one part in" is the median of the pairs' ratios.

The aim is met, or met at twice the share, or missed; then the exit code is 1.

A machine with neighbours: what is comparable is CPU per span, and the ratio to a Collector of the same minutes.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration" / "overload"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration" / "gateway"))
from support import Backend, Gateway, Load, free_port, wait_for  # noqa: E402

GATEWAY_CPU, LOAD_CPU = 0, 1
IN_FLIGHT = 8
PROCESSORS = {"memory_limiter": "  memory_limiter: {check_interval: 1s, limit_mib: 2000}",
              "batch": "  batch: {timeout: 200ms, send_batch_size: 8192}"}

# name: (compression, spans a request, how, Collector's CPU-s per million spans, allowed share: one part in)
CASES = {
    "none-1000": ("none", 1000, "forward", 5.8, 9),
    "none-100": ("none", 100, "forward", 6.8, 5),
    "none-1000-rebatched": ("none", 1000, "rebatch", 5.8, 9),
    "gzip-1000": ("gzip", 1000, "forward", 13.0, 14),
    "gzip-100": ("gzip", 100, "forward", 15.4, 5),
    "gzip-1000-rebatched": ("gzip", 1000, "rebatch", 13.0, 9),
    "zstd-1000": ("zstd", 1000, "forward", 7.9, 5),
    "zstd-100": ("zstd", 100, "forward", 8.4, 5),
    "gzip-1000-durable": ("gzip", 1000, "durable", 25.8, 15),
    "gzip-100-durable": ("gzip", 100, "durable", 42.6, 5),
}


def cpu_seconds(pid):
    """User and system time of a process, all threads, also those that ended: its own CPU clock, in nanoseconds."""
    return time.clock_gettime((~pid << 3) | 2)


class Collector(Gateway):
    """The same surroundings for a Collector."""

    binary = None

    def start(self, wait=True):
        self.log = open(self.folder / "gateway.log", "ab")
        text = self.config.read_text().replace(
            f'telemetry: {{metrics: {{address: "127.0.0.1:{self.metrics_port}"}}}}',
            "telemetry: {metrics: {level: basic, readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: "
            f"{self.metrics_port}}}}}}}}}]}}}}")
        text = re.sub(r"  health_check: .*\n", "", text).replace("[health_check, ", "[").replace("[health_check]", "[]")
        self.config.write_text(text)
        self.process = subprocess.Popen([*self.prefix, self.binary, "--config", self.config], stdout=self.log, stderr=self.log,
                                        env={**os.environ, "GOMAXPROCS": "1"})
        if wait:
            wait_for("the Collector", self.ready)
        return self


def settings(case, backend, http_port, folder, collector):
    """The pieces of a configuration: exporters, pipeline, more, extensions."""
    compression, _, how, _, _ = CASES[case]
    consumers = "num_consumers: 1" if how == "rebatch" and not collector else "num_consumers: 10"
    queue = f"sending_queue: {{{consumers}}}"
    extensions = ""
    if how == "durable":
        (folder / "queue").mkdir(exist_ok=True)
        extensions = f"  file_storage: {{directory: {folder / 'queue'}, fsync: true}}"
        queue = f"sending_queue: {{{consumers}, storage: file_storage}}"
    if compression == "zstd" and not collector:
        exporters = f'  otlphttp: {{endpoint: "http://127.0.0.1:{http_port}", compression: zstd, {queue}}}'
        name = "otlphttp"
    else:
        exporters = (f'  otlp: {{endpoint: "127.0.0.1:{backend.port}", tls: {{insecure: true}}, '
                     f"compression: {compression}, {queue}}}")
        name = "otlp"
    # The Collector as people run it; where its queue is on disk without batch, which would lose what it acknowledged.
    processors = (["memory_limiter"] if collector else []) + (["batch"] if how == "rebatch" or (collector and how == "forward") else [])
    more = "processors:\n" + "\n".join(PROCESSORS[each] for each in processors) if processors else ""
    pipeline = f"processors: [{', '.join(processors)}], exporters: [{name}]"
    return exporters, pipeline, more, extensions


def measure(case, seconds, collector, profile=None):
    """(CPU-seconds per million spans, spans/s acknowledged, idle MiB, peak MiB) of one round."""
    compression, spans, _, _, _ = CASES[case]
    with tempfile.TemporaryDirectory(prefix="wirespan-bench-") as name:
        folder = pathlib.Path(name)
        http_port = free_port()
        backend = Backend(folder, "--http-port", str(http_port), taskset=LOAD_CPU).start()
        exporters, pipeline, more, extensions = settings(case, backend, http_port, folder, collector)
        kind = Collector if collector else Gateway
        gateway = kind(folder, exporters, pipeline, more, extensions=extensions, taskset=GATEWAY_CPU)
        try:
            gateway.start()
            load = ["--in-flight", IN_FLIGHT, "--spans", spans, "--compression", compression,
                    "--distinct", 64 if spans >= 1000 else 256, *(["--http2"] if compression == "zstd" else [])]
            idle = gateway.rss_mib()
            warm = Load(gateway.port, *load, "--seconds", min(1.0, seconds), taskset=LOAD_CPU).result()
            if warm["acked_spans"] == 0:
                raise AssertionError(f"{case}: nothing was acknowledged: {warm}\n{gateway.text()}")
            quiet(backend)
            before, cpu_before = backend.counts(), cpu_seconds(gateway.process.pid)
            perf = None
            if profile:
                perf = subprocess.Popen(["perf", "record", "-q", "-g", "-F", "999", "-p", str(gateway.process.pid), "-o", profile,
                                         "--", "sleep", str(seconds)])
            answer = Load(gateway.port, *load, "--seconds", seconds, taskset=LOAD_CPU).result()
            quiet(backend)
            after, cpu_after = backend.counts(), cpu_seconds(gateway.process.pid)
            if perf:
                perf.wait()
            delivered = after["spans"] - before["spans"]
            if after["malformed"] or delivered < answer["acked_spans"]:
                raise AssertionError(f"{case}: {answer} but {after} arrived")
            return ((cpu_after - cpu_before) / delivered * 1e6, answer["acked_spans"] / answer["seconds"], idle,
                    gateway.peak_mib())
        finally:
            gateway.end()
            backend.end()


def quiet(backend):
    """Waits until nothing arrives any more."""
    last = None

    def same():
        nonlocal last
        now = backend.counts()["spans"]
        still = now == last
        last = now
        return still

    wait_for("the backend to be at rest", same, interval=0.3)


def median_and_range(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--collector", nargs="?", const="",
                        help="measure a Collector in turn with the gateway: this program, or one that is built")
    parser.add_argument("--profile", help="a file for perf's record of the first case's last round")
    args = parser.parse_args()
    with_collector = args.collector is not None
    if with_collector and not args.collector:
        from counterparts import collector_binary
        args.collector = collector_binary()
    Collector.binary = args.collector
    print(f"{'case':22}{'CPU-s/M spans':>20}{'Collector':>22}{'one part in':>13}{'aim':>5} {'':9}"
          f"{'spans/s':>11}{'theirs':>11}{'RSS idle-peak':>15}{'theirs':>10}")
    late = []
    for case in args.only.split(","):
        _, _, _, reference, share = CASES[case]
        ours, theirs = [], []
        for turn in range(args.rounds):
            last = turn + 1 == args.rounds
            ours.append(measure(case, args.seconds, False, args.profile if last and args.profile else None))
            if with_collector:
                theirs.append(measure(case, args.seconds, True))
        cost = statistics.median(r[0] for r in ours)
        ratio = statistics.median(b[0] / a[0] for a, b in zip(ours, theirs)) if theirs else reference / cost
        verdict = "met" if ratio >= share else "at twice" if ratio >= share / 2 else "missed"
        print(f"{case:22}{median_and_range([r[0] for r in ours], 2):>20}"
              f"{median_and_range([r[0] for r in theirs], 1) if theirs else f'{reference} (reference)':>22}"
              f"{ratio:>13.1f}{share:>5} {verdict:9}{max(r[1] for r in ours):>11,.0f}"
              f"{f'{max(r[1] for r in theirs):,.0f}' if theirs else '-':>11}"
              f"{f'{ours[0][2]:.0f}-{max(r[3] for r in ours):.0f} MiB':>15}"
              f"{f'{max(r[3] for r in theirs):.0f} MiB' if theirs else '-':>10}", flush=True)
        if verdict == "missed":
            late.append(case)
    if late:
        print("more than twice the share that is allowed:", ", ".join(late))
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
