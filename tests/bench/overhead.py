"""What watching costs: many short paired rounds, agent on and off, against one saturated nginx worker.

    ./dev bench overhead [--rounds N] [--seconds S] [--profile FILE]

nginx has one worker, pinned to CPU 0; wrk runs on CPU 1; the agent runs where the scheduler puts it and exports every
span to a gateway that counts and discards them. Both ends of each request are on this machine, so the agent sees each
exchange from two sides: nginx's (server) and wrk's (client). A number "an exchange and side" is divided by the exchanges
that the agent reports, which is about twice the requests; the server's own CPU is divided by the requests.

After each of them comes a round without the agent, beside processes that only burn as much CPU as agent and gateway did, in slices of the
same length (burn.py): on a machine of two CPUs the client has to share its own with them, sleeps at other times, and has to be woken by
the server, which pays for that whoever the neighbour is.

Prints medians with their spread, and the ledger of all measured rounds beside them. docs/cost.md says what the numbers
mean. `--profile` records the agent with perf during one more round.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration" / "truth"))
import servers  # noqa: E402
from stack import BIN, Stack, wait_for  # noqa: E402


SETTLE = 1.0  # seconds for the last batch to be sent: its delay is 0.2


def cpu_seconds(pid):
    """User and system time of a process, all threads, also those that ended: its own CPU clock, in nanoseconds."""
    return time.clock_gettime((~pid << 3) | 2)


def memory_mib(pid):
    """(resident without mapped BPF maps, resident BPF maps)"""
    total = rings = 0
    in_map = False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            in_map = "anon_inode:bpf" in line
        elif line.startswith("Rss:"):
            kib = int(line.split()[1])
            total += 0 if in_map else kib
            rings += kib if in_map else 0
    return total / 1024, rings / 1024


def bpf_objects(pid):
    """What the kernel says of the BPF programs and maps that a process holds: one dict each."""
    seen = {}
    for fd in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            fields = dict(line.split(":", 1) for line in fd.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        if "memlock" in fields and "link_type" not in fields:
            kind = "map" if "map_id" in fields else "prog"
            seen[kind, fields.get(f"{kind}_id")] = fields
    return seen


def bpf_mib(pid):
    return sum(int(fields["memlock"]) for fields in bpf_objects(pid).values()) / 2**20


def bpf_time(pid):
    """(ns, runs) of the agent's programs, while the kernel keeps statistics."""
    programs = [fields for (kind, _), fields in bpf_objects(pid).items() if kind == "prog"]
    return sum(int(p.get("run_time_ns", 0)) for p in programs), sum(int(p.get("run_cnt", 0)) for p in programs)


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def others():
    """Agents of somebody else: they would watch our server too."""
    found = []
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().strip() == "wirespan-agent":
                found.append(int(comm.parent.name))
        except OSError:
            pass
    return found


def spread(values, unit=""):
    return f"{statistics.median(values):.2f}{unit} (of {len(values)} rounds: {min(values):.2f} to {max(values):.2f})"


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
        master = self.server.child.pid
        old = children(master)
        self.server.child.process.send_signal(1)  # without its access log from now on
        self.worker = wait_for("the new worker", lambda: next(
            (c[0] for c in [children(master)] if len(c) == 1 and c != old), None))
        subprocess.run(["taskset", "-cp", "0", str(self.worker)], check=True, stdout=subprocess.DEVNULL)

    def round(self, seconds=None):
        """(requests, server CPU us a request, how busy the server's CPU was)"""
        before, start = cpu_seconds(self.worker), time.monotonic()
        out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c32", f"-d{seconds or self.seconds}s",
                              self.server.url("/small.html")], capture_output=True, text=True, check=True).stdout
        used, took = cpu_seconds(self.worker) - before, time.monotonic() - start
        requests = int(next(line for line in out.splitlines() if "requests in" in line).split()[0])
        return requests, used / requests * 1e6, used / took

    def counts(self):
        """The ledger from end to end, as sums over labels."""
        agent = self.stack.self_metrics()
        sink = self.stack.self_metrics(self.stack.gateway_metrics)
        total = lambda values, name: sum(v for k, v in values.items() if k.split("{")[0] == name)
        result = {
            "exchanges": total(agent, "wirespan_span_exchanges_total"),
            "spans": total(agent, "wirespan_span_spans_total"),
            "held": total(agent, "wirespan_span_held"),
            "acknowledged": agent.get('wirespan_export_spans_total{reason="",result="acknowledged"}', 0),
            "sink": total(sink, "otelcol_receiver_accepted_spans_total"),
        }
        drops = {k: v for k, v in agent.items() if 'reason="' in k and 'reason=""' not in k and v}
        return result, drops

    def settled(self):
        """Waits until every span that was made has been acknowledged, and says what was counted."""
        def done():
            result, drops = self.counts()
            return (result, drops) if result["spans"] == result["acknowledged"] and result["held"] == 0 else None
        try:
            return wait_for("all spans to be acknowledged", done, 10)
        except AssertionError:
            return self.counts()

    def measured_round(self):
        """One round with the agent: (requests, server us, busy, agent us an exchange, ledger delta, drops)"""
        pid = self.stack.agent.pid
        first, drops_before = self.settled()
        time.sleep(0.2)
        cpu, gateway, start = cpu_seconds(pid), cpu_seconds(self.stack.gateway.pid), time.monotonic()
        requests, server, busy = self.round()
        took = time.monotonic() - start
        self.shares = (cpu_seconds(pid) - cpu) / took, (cpu_seconds(self.stack.gateway.pid) - gateway) / took
        time.sleep(SETTLE)  # nothing asks the agent anything meanwhile: a scrape costs as much as hundreds of spans
        cpu = cpu_seconds(pid) - cpu
        last, drops = self.settled()
        delta = {name: last[name] - first[name] for name in last}
        fresh = {name: value - drops_before.get(name, 0) for name, value in drops.items() if value != drops_before.get(name, 0)}
        agent = cpu / max(1, delta["exchanges"]) * 1e6
        return requests, server, busy, agent, delta, fresh


DRAIN, SEND = 0.02, 0.005  # seconds between two drains of the agent; roughly, between what the gateway gets to do


def beside_burners(bench, shares):
    """Server CPU us a request beside processes that take those shares of a CPU."""
    numbers = [str(n) for pair in zip(shares, (DRAIN, SEND)) for n in pair]
    burners = subprocess.Popen([sys.executable, str(HERE / "burn.py"), *numbers])
    try:
        time.sleep(0.3)
        return bench.round()[1]
    finally:
        burners.kill()
        burners.wait()


def profile(bench, path):
    perf = subprocess.Popen(["perf", "record", "-e", "cpu-clock", "-F", "2000", "-g", "-o", path, "-p", str(bench.stack.agent.pid)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    bench.round()
    perf.send_signal(2)
    perf.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--profile")
    options = parser.parse_args()
    if others():
        print(f"warning: other agents watch this machine (pids {others()}); the numbers will be too high", flush=True)
    bench = Bench(options.seconds)
    switch = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
    keep = switch.read_text()
    off, on, ratios, controls, agents, memory, ready = [], [], [], [], [], [], []
    ledger, drops, requests, bpf = {}, {}, 0, []
    try:
        switch.write_text("0\n")
        bench.round()  # warm
        before = bench.round()[1]
        for i in range(options.rounds):
            start = time.monotonic()
            bench.stack.start_agent()
            ready.append(time.monotonic() - start)
            pid = bench.stack.agent.pid
            if i == 0:
                time.sleep(2)
                idle, cpu = memory_mib(pid)[0], cpu_seconds(pid)
                time.sleep(2)
                idle_cpu = (cpu_seconds(pid) - cpu) / 2
            bench.round(1)  # the agent's own warm-up: verdicts, connections, memory
            n, server, busy, agent, delta, fresh = bench.measured_round()
            memory.append(memory_mib(pid))
            if i % 3 == 2:  # BPF's own clock costs something itself: a round apart
                switch.write_text("1\n")
                t0, r0 = bpf_time(pid)
                e0 = bench.settled()[0]["exchanges"]
                bench.round()
                t1, r1 = bpf_time(pid)
                exchanges = bench.settled()[0]["exchanges"] - e0
                switch.write_text("0\n")
                bpf.append(((t1 - t0) / exchanges / 1000, (r1 - r0) / exchanges))
            kernel_mib = bpf_mib(pid)
            if options.profile and i + 1 == options.rounds:
                profile(bench, options.profile)
            bench.stack.agent.stop()
            after = bench.round()[1]
            off += [before] if i == 0 else []
            off.append(after)
            on.append(server)
            ratios.append(server / ((before + after) / 2))
            agents.append(agent)
            requests += n
            for name, value in delta.items():
                ledger[name] = ledger.get(name, 0) + value
            for name, value in fresh.items():
                drops[name] = drops.get(name, 0) + value
            beside = beside_burners(bench, bench.shares)
            last = bench.round()[1]
            controls.append(beside / ((after + last) / 2))
            print(f"round {i + 1}: server {before:.2f} | {server:.2f} | {after:.2f} | burners {beside:.2f} | {last:.2f} us a request "
                  f"(CPU {busy:.0%} busy), agent {agent:.2f} us an exchange and side, {n} requests", flush=True)
            off.append(last)
            before = last
        print()
        print(f"server CPU a request: {spread(off)} us without, {spread(on)} us with")
        print(f"  ratio to the rounds before and after: {spread(ratios)}   bar 1.08")
        print(f"  the same beside burners of as much CPU: {spread(controls)}; on beside them: "
              f"{statistics.median(ratios) / statistics.median(controls):.2f}")
        print(f"agent CPU an exchange and side: {spread(agents)} us   bar 2")
        if bpf:
            print(f"BPF run time an exchange and side: {spread([b[0] for b in bpf])} us in {bpf[-1][1]:.1f} runs   bar 1.0")
        print(f"agent memory without rings: {max(m[0] for m in memory):.0f} MiB at full rate   bar 80; {idle:.0f} MiB idle   bar 40")
        print(f"  mapped rings: {max(m[1] for m in memory):.0f} MiB resident; BPF maps and programs: {kernel_mib:.0f} MiB   bar 64")
        print(f"agent CPU idle: {idle_cpu:.2%} of one CPU; exec to ready: {spread(ready)} s")
        size = os.path.getsize(BIN / "wirespan-agent")
        print(f"binary: {size / 2**20:.1f} MiB   bar 25")
        print(f"ledger: {requests} requests by wrk's count; two sides; "
              + ", ".join(f"{value:.0f} {name}" for name, value in ledger.items()))
        for name, value in sorted(drops.items()):
            print(f"  {name} {value:.0f}")
    finally:
        switch.write_text(keep)
        bench.stack.close()


if __name__ == "__main__":
    main()
