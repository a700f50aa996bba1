"""What sidecars cost a program that none of them observes: an nginx worker with 0, 1, 10 and 30 agents of other pods on its node.

    ./dev bench sidecars [--counts 0,1,10,30] [--rounds N] [--seconds S]

Each agent is in a control group of its own, observes that alone (capture.filter.own_pod), and keeps rings of 1 MiB. Prints for each number of
agents the server's CPU a request (medians, with their spread), its ratio to none, and the BPF runs and their time a request, both sides of it
(nginx and wrk), while the kernel keeps statistics.
"""

import argparse
import os
import pathlib
import secrets
import signal
import statistics
import uuid

from overhead import BIN, Bench, bpf_time, others, spread, wait_for
from stack import answers, free_port

CGROUPS = next(path for path in (pathlib.Path("/sys/fs/cgroup/pids"), pathlib.Path("/sys/fs/cgroup")) if path.exists())


class Sidecars:
    def __init__(self, stack, count):
        self.groups, self.agents = [], []
        self.root = CGROUPS / f"wirespan-bench-{os.getpid()}"
        self.root.mkdir()
        for number in range(count):
            group = self.root / f"pod{uuid.uuid4()}" / secrets.token_hex(32)
            group.mkdir(parents=True)
            self.groups.append(group)
            admin = free_port()
            config = stack.folder / f"sidecar-{number}.yaml"
            config.write_text(f"""
admin: {{listen: "127.0.0.1:{admin}"}}
metrics: {{listen: ""}}
control: {{socket: ""}}
capture: {{handover: 0s, ring_bytes: 1MiB, filter: {{own_pod: true}}}}
export: {{endpoint: "http://127.0.0.1:{stack.otlp_http}"}}
""")

            def enter(group=group):
                (group / "cgroup.procs").write_text(str(os.getpid()))
            agent = stack.run(f"sidecar-{number}", ["unshare", "--cgroup", BIN / "wirespan-agent", "run", "--config", config], preexec=enter)
            self.agents.append(agent)
            wait_for("the sidecar", lambda: agent.alive() and answers(admin, "/readyz"), 120)

    def bpf(self):
        """(ns, runs) of all of them."""
        each = [bpf_time(agent.pid) for agent in self.agents]
        return sum(ns for ns, _ in each), sum(runs for _, runs in each)

    def end(self):
        for agent in self.agents:
            agent.process.send_signal(signal.SIGINT)
        for agent in self.agents:
            agent.stop(signal.SIGINT)
        for group in self.groups:
            group.rmdir()
            group.parent.rmdir()
        self.root.rmdir()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="0,1,10,30")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    if others():
        print(f"warning: other agents watch this machine (pids {others()}); the numbers will be too high", flush=True)
    bench = Bench(options.seconds)
    switch = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
    keep = switch.read_text()
    none = None
    try:
        bench.round()  # warm
        for count in map(int, options.counts.split(",")):
            sidecars = Sidecars(bench.stack, count)
            try:
                switch.write_text("0\n")
                bench.round(1)  # the agents' verdicts
                server = [bench.round()[1] for _ in range(options.rounds)]
                switch.write_text("1\n")
                before = sidecars.bpf()
                requests = bench.round()[0]
                ns, runs = (after - first for after, first in zip(sidecars.bpf(), before))
            finally:
                switch.write_text("0\n")
                sidecars.end()
            none = none or statistics.median(server)
            print(f"{count:3d} sidecars: server CPU a request {spread(server, ' us')}, {statistics.median(server) / none:.2f} of none; "
                  f"BPF a request, both sides: {runs / requests:.1f} runs, {ns / requests / 1000:.2f} us", flush=True)
    finally:
        switch.write_text(keep)
        bench.stack.close()


if __name__ == "__main__":
    main()
