"""How soon the agent is ready on a busy host: 2,000 processes and 20,000 sockets.

    ./dev bench startup [--processes N] [--sockets N] [--rounds N]

Makes the processes (half of them hold the sockets: loopback connections in both ends), starts the agent several times
and measures from exec to the first 200 of /readyz, and the agent's CPU and memory until then.
"""

import argparse
import os
import pathlib
import resource
import signal
import socket
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration" / "truth"))
from stack import Stack, answers  # noqa: E402

KEEPERS = 50


def keep_sockets(count, ready):
    """Never returns: a child with `count` sockets, as pairs over loopback."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    kept = [listener]
    for _ in range((count - 1) // 2):
        client = socket.create_connection(listener.getsockname())
        kept += [client, listener.accept()[0]]
    os.write(ready, b".")
    signal.pause()


def crowd(processes, sockets):
    """Pids of sleeping processes, some of which hold sockets."""
    pids, (ready, told) = [], os.pipe()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    for _ in range(KEEPERS):
        pid = os.fork()
        if pid == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                keep_sockets(sockets // KEEPERS, told)
            finally:
                os._exit(1)
        pids.append(pid)
    for _ in range(processes - KEEPERS):
        pids.append(os.posix_spawn("/bin/sleep", ["sleep", "3600"], os.environ))
    seen = 0
    while seen < KEEPERS:
        seen += len(os.read(ready, KEEPERS))
    return pids


def count_sockets():
    return sum(len(pathlib.Path(f"/proc/net/{table}").read_text().splitlines()) - 1 for table in ("tcp", "tcp6", "unix"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2000)
    parser.add_argument("--sockets", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pids = []
    stack = Stack(start_agent=False, keep_telemetry=False)
    try:
        pids = crowd(options.processes, options.sockets)
        running = sum(1 for name in os.listdir("/proc") if name.isdigit())
        print(f"{running} processes, {count_sockets()} sockets", flush=True)
        took = []
        for i in range(options.rounds):
            start = time.monotonic()
            stack.start_agent(wait=False)
            while not answers(stack.admin, "/readyz"):
                if not stack.agent.alive():
                    raise AssertionError(f"the agent ended:\n{stack.agent.text()}")
                time.sleep(0.005)
            took.append(time.monotonic() - start)
            cpu = time.clock_gettime((~stack.agent.pid << 3) | 2)
            time.sleep(2)
            later = time.clock_gettime((~stack.agent.pid << 3) | 2)
            rss = next(line for line in pathlib.Path(f"/proc/{stack.agent.pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
            print(f"round {i + 1}: ready after {took[-1]:.2f} s, {cpu:.2f} s of CPU until then, {later - cpu:.2f} s in the next 2 s, {rss.split()[1]} KiB resident",
                  flush=True)
            stack.agent.stop()
        print(f"exec to ready: median {statistics.median(took):.2f} s (of {len(took)}: {min(took):.2f} to {max(took):.2f})   bar 2")
    finally:
        stack.close()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


main()
