"""What watching HTTP/2 costs: unary gRPC with messages of 100 bytes, and 1 GiB over one stream.

    ./dev bench grpc [--rounds N] [--seconds S] [--part calls|download] [--rate 10gbit]

Both ends are on this machine, so the agent sees each call twice and makes two spans of it. "A call" is the cost of both,
"a call and side" half of that: what a node pays that has one end of it.

Calls: a C++ client (libgrpc++, one channel, 32 calls at a time) and server. Download: nghttpd sends a file of 1 GiB to
h2load over one stream, then nginx to curl; rounds alternate, agent off and on, and each with the agent is compared with
those before and after it: as fast as they can, then over a network of --rate. docs/cost.md says what the numbers mean.
"""

import argparse
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "integration" / "http2"), str(HERE.parent)]

import plain  # noqa: E402
from isolated import IsolatedStack  # noqa: E402
from programs import Client, Cpp, Server  # noqa: E402
from overhead import SETTLE, Bench, bpf_time, cpu_seconds, others, spread  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
STATISTICS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")


def user_share(pid, before=None):
    """(user, system) ticks; with `before`, the share of user time since."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    user, system = int(fields[11]), int(fields[12])
    if before is None:
        return user, system
    spent = user - before[0], system - before[1]
    return spent[0] / max(1, sum(spent))


class Ledger(Bench):
    """overhead.py's counts, of a stack of our own."""

    def __init__(self):
        self.stack = IsolatedStack(start_agent=False, keep_telemetry=False)
        self.ledger, self.drops = {}, {}

    def events(self):
        """Events of data, as the connection stage gets them."""
        return sum(value for name, value in self.stack.self_metrics().items()
                   if name in ('wirespan_events_total{kind="data"}', 'wirespan_events_total{kind="frames"}'))

    def add(self, first, last):
        delta = {name: last[0][name] - first[0][name] for name in last[0]}
        for name, value in delta.items():
            self.ledger[name] = self.ledger.get(name, 0) + value
        for name, value in last[1].items():
            if value != first[1].get(name, 0):
                self.drops[name] = self.drops.get(name, 0) + value - first[1].get(name, 0)
        return delta

    def print_ledger(self, what):
        print(f"  ledger: {what}; " + ", ".join(f"{value:.0f} {name}" for name, value in self.ledger.items()))
        for name, value in sorted(self.drops.items()):
            print(f"    {name} {value:.0f}")

    def close(self):
        self.stack.close()


class Calls(Ledger):
    def __init__(self, seconds):
        super().__init__()
        self.server = Server(self.stack, Cpp)
        self.client = Client(self.stack, Cpp, self.server.port)
        self.count = 2000
        took = self.round()
        self.count = max(2000, int(self.count / took * seconds))

    def round(self):
        start = time.monotonic()
        self.client.start(method="Unary", count=self.count, concurrency=32, size=100, bare=1, log=0, first=0)
        if self.client.wait() != self.count:
            raise AssertionError("calls failed")
        return time.monotonic() - start

    def measured(self):
        """CPU time of the agent, us a call: user, system."""
        pid = self.stack.agent.pid
        first = self.settled()
        time.sleep(0.2)
        ticks, cpu = user_share(pid), cpu_seconds(pid)
        took = self.round()
        time.sleep(SETTLE)
        cpu, user = (cpu_seconds(pid) - cpu) / self.count * 1e6, user_share(pid, ticks)
        self.add(first, self.settled())
        return took, cpu * user, cpu * (1 - user)

    def bpf(self):
        """us and runs of BPF programs a call; in a round of its own, because keeping the statistics costs something itself."""
        STATISTICS.write_text("1\n")
        before = bpf_time(self.stack.agent.pid)
        self.round()
        after = bpf_time(self.stack.agent.pid)
        STATISTICS.write_text("0\n")
        return (after[0] - before[0]) / self.count / 1000, (after[1] - before[1]) / self.count


def bench_calls(options):
    bench = Calls(options.seconds)
    user, system, bpf, slower, before = [], [], [], [], bench.round()
    try:
        for i in range(options.rounds):
            bench.stack.start_agent()
            bench.round()  # the agent's own warm-up
            took, u, s = bench.measured()
            bpf.append(bench.bpf())
            bench.stack.agent.stop()
            after = bench.round()
            user.append(u)
            system.append(s)
            slower.append(took / ((before + after) / 2))
            print(f"round {i + 1}: {bench.count / before:.0f} | {bench.count / took:.0f} | {bench.count / after:.0f} calls a second, agent {u:.2f} us user + "
                  f"{s:.2f} us system a call, BPF {bpf[-1][0]:.2f} us in {bpf[-1][1]:.1f} runs", flush=True)
            before = after
        half = [value / 2 for value in user]
        print("\nunary gRPC, messages of 100 bytes")
        print(f"agent user CPU a call and side: {spread(half)} us   bar 4; a call, both sides: {statistics.median(user):.2f} us")
        print(f"  and system time, both sides: {spread(system)} us")
        print(f"BPF run time a call and side: {spread([b[0] / 2 for b in bpf])} us in {bpf[-1][1] / 2:.1f} runs   bar 3; both sides: "
              f"{statistics.median(b[0] for b in bpf):.2f} us")
        print(f"time of a round with the agent to those before and after: {spread(slower)}")
        bench.print_ledger(f"{options.rounds * bench.count} calls in the measured rounds, two sides")
    finally:
        bench.close()


def family(pid):
    """A process and its children."""
    return [pid, *map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


class Download(Ledger):
    """1 GiB over one stream, from a server to a client that throws it away."""

    SIZE = 1 << 30

    def programs_cpu(self):
        """Seconds of CPU that the server and all clients so far took."""
        clients = resource.getrusage(resource.RUSAGE_CHILDREN)
        return sum(map(cpu_seconds, family(self.server.child.process.pid))) + clients.ru_utime + clients.ru_stime

    def round(self):
        """Seconds of one download, and of both programs' CPU."""
        cpu = self.programs_cpu()
        start = time.monotonic()
        self.download(self.server.url("/large.bin"))
        took = time.monotonic() - start
        return took, self.programs_cpu() - cpu

    def sparse(self, folder):
        """Zeros without a disk."""
        with open(folder / "large.bin", "wb") as file:
            file.truncate(self.SIZE)


class Nghttp2Download(Download):
    """The quickest that there is: both do nothing else with the bytes."""

    names = "nghttpd to h2load"

    def __init__(self):
        super().__init__()
        self.server = plain.Nghttpd(self.stack, "--window-bits=30", "--connection-window-bits=30")
        folder = self.stack.folder / f"nghttpd-{self.server.port}"
        self.sparse(folder)
        self.quiet_server(folder)

    def quiet_server(self, folder):
        """Without a line for each frame."""
        self.server.child.stop()
        program = self.server.child.process.args[0]
        self.server.child = self.stack.run("nghttpd-bench", [program, "--no-tls", "--address=127.0.0.1", f"--htdocs={folder}", self.server.port])
        plain.servers.wait_for("nghttpd to listen", lambda: plain.servers.listens(self.server.port))

    @staticmethod
    def download(url):
        done = subprocess.run(["h2load", "--requests=1", "--clients=1", "--max-concurrent-streams=1", url],
                              capture_output=True, text=True, check=True).stdout
        if "1 succeeded" not in done:
            raise AssertionError(done)


class NginxDownload(Download):
    """What people have: nginx with sendfile, curl."""

    names = "nginx to curl"

    def __init__(self):
        super().__init__()
        self.server = plain.Nginx2(self.stack)
        self.sparse(self.stack.folder / f"nginx-{self.server.port}" / "www")

    def download(self, url):
        said = plain.curl("--http2-prior-knowledge", url)
        if said["size_download"] != self.SIZE or said["http_version"] != "2":
            raise AssertionError(said)


def bench_download(options, bench):
    events, ratios, dearer, bpf, cpu = [], [], [], [], []
    try:
        bench.round()
        before = bench.round()
        for i in range(options.rounds):
            bench.stack.start_agent()
            pid = bench.stack.agent.pid
            bench.round()
            first, e0, c0 = bench.settled(), bench.events(), cpu_seconds(pid)
            took = bench.round()
            c1 = cpu_seconds(pid)
            last = bench.settled()
            events.append((bench.events() - e0) / (bench.SIZE / 65536))
            bench.add(first, last)
            STATISTICS.write_text("1\n")
            t0 = bpf_time(pid)
            bench.round()
            t1 = bpf_time(pid)
            STATISTICS.write_text("0\n")
            bpf.append((t1[0] - t0[0]) / 1e6)
            cpu.append((c1 - c0) * 1000)
            bench.stack.agent.stop()
            after = bench.round()
            ratios.append(2 * took[0] / (before[0] + after[0]))
            dearer.append(2 * took[1] / (before[1] + after[1]))
            print(f"round {i + 1}: {1 / before[0]:.2f} | {1 / took[0]:.2f} | {1 / after[0]:.2f} GiB/s, {events[-1]:.2f} events per 64 KiB, agent {cpu[-1]:.0f} ms, "
                  f"BPF {bpf[-1]:.0f} ms", flush=True)
            before = after
        print(f"\n1 GiB over one HTTP/2 stream, {bench.names}{f' at {options.shaped}' if options.shaped else ''}")
        print(f"events per 64 KiB and side: {spread([e / 2 for e in events])}   bar 1")
        print(f"time with the agent to that before and after: {spread(ratios)}   bar 1.03")
        print(f"CPU of server and client together, with the agent to before and after: {spread(dearer)}")
        print(f"agent CPU {spread(cpu)} ms, BPF run time {spread(bpf)} ms a GiB, both sides")
        bench.print_ledger(f"{options.rounds} downloads, two sides")
    finally:
        bench.close()


def at_rate(options):
    """The downloads once more, in a network of their own whose loopback is as fast as a real one."""
    again = [sys.executable, HERE, "--part", "download", "--shaped", options.rate, "--rounds", str(options.rounds)]
    print(f"\nover a network of {options.rate}", flush=True)
    subprocess.run(["unshare", "--net", *again], check=True)


def shape(rate):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", rate, "burst", "4mb", "latency", "50ms"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--part", choices=("calls", "download"))
    parser.add_argument("--rate", default="10gbit", help="of the network that the last downloads go over")
    parser.add_argument("--shaped", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if others():
        print(f"warning: other agents watch this machine (pids {others()}); the numbers will be too high", flush=True)
    keep = STATISTICS.read_text()
    try:
        STATISTICS.write_text("0\n")
        if options.shaped:
            shape(options.shaped)
        if options.part != "download":
            bench_calls(options)
        if options.part != "calls":
            bench_download(options, Nghttp2Download())
            bench_download(options, NginxDownload())
            if not options.shaped:
                at_rate(options)
    finally:
        STATISTICS.write_text(keep)


if __name__ == "__main__":
    main()
