"""What watching costs: many short paired rounds, agent on and off, against one saturated nginx worker on its own core.

    ./dev bench overhead [--rounds N] [--seconds S]

The agent exports every span to a sink (the gateway with its debug exporter). Prints medians with spread:
the server's own CPU per request with and without, BPF run time per exchange, the agent's CPU per exchange, its memory,
and the ledger beside it.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration" / "truth"))
import servers  # noqa: E402
from stack import Stack, answers, wait_for  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of all threads; schedstat's nanoseconds where the kernel has them, else ticks of 10 ms."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (OSError, ValueError):
            pass
    if total:
        return total / 1e9
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory_kib(pid):
    """Resident memory without the mapped rings (which are counted twice by VmRSS)."""
    total = ring = 0
    size = False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0] and ":" not in line.split(" ", 1)[0]:
            size = "bpf" in line
        elif line.startswith("Rss:"):
            kib = int(line.split()[1])
            total += kib
            ring += kib if size else 0
    return total - ring, ring


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Bench:
    def __init__(self, seconds):
        self.seconds = seconds
        self.stack = Stack(start_agent=False, keep_telemetry=False)

        class One(servers.Nginx):
            name = "nginx-bench"
            workers = 1
        self.server = One(self.stack)
        conf = self.stack.folder / f"nginx-{self.server.port}" / "nginx.conf"
        conf.write_text(conf.read_text().replace(f"access_log {self.server.log_path} truth;", "access_log off;"))
        self.server.child.process.send_signal(1)  # reload: no access log while measuring
        time.sleep(1)
        self.worker = wait_for("one worker", lambda: (lambda c: c[0] if len(c) == 1 else None)(children(self.server.child.pid)))
        subprocess.run(["taskset", "-cp", "0", str(self.worker)], check=True, stdout=subprocess.DEVNULL)

    def round(self):
        """(requests, server CPU seconds)"""
        before = cpu_seconds(self.worker)
        out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c32", f"-d{self.seconds}s", self.server.url("/small.html")],
                             capture_output=True, text=True, check=True).stdout
        after = cpu_seconds(self.worker)
        requests = int(next(l for l in out.splitlines() if "requests in" in l).split()[0])
        return requests, after - before

    def agent_on(self):
        self.stack.start_agent()

    def agent_off(self):
        self.stack.agent.stop()

    def agent_cpu(self):
        return cpu_seconds(self.stack.agent.pid)


def bpf_run_time():
    """Nanoseconds and runs of all programs whose name begins with ours."""
    import json
    total = runs = 0
    for program in json.loads(subprocess.run(["bpftool", "prog", "-j"], capture_output=True, text=True, check=True).stdout):
        if program.get("name", "").startswith("ws_"):
            total += program.get("run_time_ns", 0)
            runs += program.get("run_cnt", 0)
    return total, runs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    bench = Bench(options.seconds)
    stats = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
    keep = stats.read_text()
    off, on, agent, idle = [], [], [], None
    try:
        bench.round()  # warm
        for i in range(options.rounds):
            n, cpu = bench.round()
            off.append(cpu / n * 1e6)
            bench.agent_on()
            bench.round()  # the agent's own warm-up: verdicts, connections
            if idle is None:
                idle = memory_kib(bench.stack.agent.pid)
            a = bench.agent_cpu()
            m = bench.stack.self_metrics()
            n, cpu = bench.round()
            time.sleep(0.5)
            on.append(cpu / n * 1e6)
            agent.append((bench.agent_cpu() - a) / n / 2 * 1e6)
            memory = memory_kib(bench.stack.agent.pid)
            after = bench.stack.self_metrics()
            print(f"round {i}: server {off[-1]:.2f} -> {on[-1]:.2f} us a request, agent {agent[-1]:.2f} us an exchange and side, {n} requests", flush=True)
            if i + 1 < options.rounds:
                bench.agent_off()
        # BPF's own clock costs something itself: a round apart.
        stats.write_text("1\n")
        t0, r0 = bpf_run_time()
        n, _ = bench.round()
        t1, r1 = bpf_run_time()
        stats.write_text(keep)
        ratio = [b / a for a, b in zip(off, on)]
        print(f"server CPU a request: {statistics.median(off):.2f} us without, {statistics.median(on):.2f} us with; "
              f"ratio median {statistics.median(ratio):.3f} (min {min(ratio):.3f}, max {max(ratio):.3f})   bar 1.08")
        print(f"agent CPU an exchange and side: median {statistics.median(agent):.2f} us (min {min(agent):.2f}, max {max(agent):.2f})   bar 2")
        print(f"BPF run time an exchange and side: {(t1 - t0) / n / 2 / 1000:.2f} us in {(r1 - r0) / n / 2:.1f} runs   bar 1.0")
        print(f"agent memory without rings: {memory[0] / 1024:.0f} MiB at full rate (rings {memory[1] / 1024:.0f} MiB)   bar 80")
        size = os.path.getsize(os.path.join(os.environ.get("WIRESPAN_BIN", "build/bin"), "wirespan-agent"))
        print(f"binary: {size / 2**20:.1f} MiB   bar 25")
        print("ledger of the last round:")
        for name, value in sorted(after.items()):
            if name.startswith("wirespan_") and "_total" in name and value != m.get(name, 0):
                print(f"  {name} {value - m.get(name, 0):.0f}")
    finally:
        stats.write_text(keep)
        bench.stack.close()


main()
