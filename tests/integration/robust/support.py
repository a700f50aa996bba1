"""What the robustness tests share: load programs, cgroups, and the sums of docs/ledger.md on one snapshot."""

import contextlib
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "truth"))

from stack import BATCH_DELAY, ROOT, Stack, free_port, listens, wait_for  # noqa: E402,F401

CACHE = ROOT / "build" / "integration"
# One hierarchy of version 1, or the only one of version 2.
CGROUPS = next(path for path in (pathlib.Path("/sys/fs/cgroup/pids"), pathlib.Path("/sys/fs/cgroup")) if path.exists())


class Pod:
    """A control group with one for each container, named as a kubelet names them."""

    def __init__(self, root):
        self.uid = str(uuid.uuid4())
        self.group = root / f"pod{self.uid}"
        self.group.mkdir()

    def new_container(self):
        """The group of one."""
        group = self.group / secrets.token_hex(32)
        group.mkdir()
        return group

    def container(self):
        """Of a new one: what a process calls to be in it."""
        group = self.new_container()

        def enter():
            (group / "cgroup.procs").write_text(str(os.getpid()))
        return enter

    def remove(self):
        for group in self.group.iterdir():
            if group.is_dir():
                group.rmdir()
        self.group.rmdir()


def run_short_lived(group, port, path, count, *more):
    """Processes of a few milliseconds in a control group (programs/short_lived.py). Returns when all are dead, and gives what is to
    be called when they were seen."""
    starter = subprocess.Popen([sys.executable, ROOT / "tests" / "integration" / "programs" / "short_lived.py", group, str(port), path,
                                str(count), *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    word = starter.stdout.readline()

    def end():
        starter.communicate(timeout=60)
        wait_for("the group to be empty", lambda: not (group / "cgroup.procs").read_text())
    if word != "done\n":
        end()
        raise AssertionError(f"short_lived.py ended with {starter.returncode}")
    return end


def load_program():
    out, source = CACHE / "load", ROOT / "tests" / "integration" / "programs" / "load.go"
    if not out.exists() or out.stat().st_mtime < source.stat().st_mtime:
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["go", "build", "-o", out, source], check=True, env={**os.environ, "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"})
    return out


class Server:
    """`load serve` (or echo) on a port of its own."""

    def __init__(self, stack, mode="serve", host="127.0.0.1"):
        self.port = free_port()
        self.to = f"127.0.0.1:{self.port}"
        self.child = stack.run(f"{mode}-{self.port}", [load_program(), mode, f"{host}:{self.port}"])
        self.pid = self.child.pid
        wait_for("the server to listen", lambda: stack._alive(self.child) and listens(self.port))


class Client:
    """A running `load` client; result() waits for its line."""

    def __init__(self, stack, mode, server, **options):
        self.tag = options.setdefault("tag", f"{mode}{len(stack.children)}")
        command = [load_program(), mode, "-to", server.to]
        for name, value in options.items():
            command += [f"-{name}", value]
        self.child = stack.run(f"client-{self.tag}", command)
        self.pid = self.child.pid

    def result(self, seconds=180):
        self.child.process.wait(seconds)
        return json.loads(self.child.text().splitlines()[-1])


class Strained(Stack):
    """A Stack that asserts after each strain that the books balance and nobody was disturbed."""

    def __init__(self, agent_config="", agent_env=None, **more):
        super().__init__(agent_config, agent_env, **more)

    def start_gateway(self):
        if not self.exporter.startswith("debug"):
            self.exporter = f'file: {{path: "{self.telemetry}", append: true}}'
        super().start_gateway()

    def close(self):
        code = super().close()
        self.last_words = self.agent.text()[-2000:] if self.agent else ""
        shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def span_count(self):
        """Spans in the gateway's file and how many ids they have, without reading each of them."""
        total, ids = 0, set()
        with contextlib.suppress(FileNotFoundError), open(self.telemetry, "rb") as f:
            for line in f:
                if line.startswith(b'{"resourceSpans"'):
                    found = re.findall(rb'"spanId":"([0-9a-f]{16})"', line)
                    total += len(found)
                    ids.update(found)
        return total, len(ids)

    def settle(self, seconds=60):
        """Waits until no stage holds anything that is not an open exchange; returns that snapshot."""

        def quiet():
            m = self.self_metrics()
            held = sum(v for k, v in m.items() if k.startswith("wirespan_export_held_spans"))
            if m["wirespan_ring_waiting_bytes"] or m["wirespan_data_events_held"] or m["wirespan_span_held"] or held:
                return None
            return m

        # Each look is an exchange of this process, which the exporter then holds for its batch delay: looking more
        # often than that would never find it empty.
        return wait_for("all stages to be empty", quiet, seconds, interval=3 * BATCH_DELAY)


def family(metrics, name, **labels):
    """Sum over a metric's series that have these labels."""
    total = 0
    for key, value in metrics.items():
        base, _, rest = key.partition("{")
        if base == name and all(f'{k}="{v}"' in rest for k, v in labels.items()):
            total += value
    return total


def sums(m):
    """The sums of docs/ledger.md that hold in every snapshot: name -> (left, right)."""
    f = lambda name, **labels: family(m, name, **labels)
    data = f("wirespan_data_events_total")
    return {
        "records delivered = events": (sum(f("wirespan_kernel_calls_total", count=c) for c in ("delivered", "concluded")),
                                       f("wirespan_events_total")),
        "data events": (f("wirespan_events_total", kind="data"), data + m["wirespan_data_events_held"]),
        "requests": (f("wirespan_messages_total", kind="request"), m["wirespan_exchanges_opened_total"]),
        "responses": (f("wirespan_messages_total", kind="response"),
                      m["wirespan_responses_paired_total"] + f("wirespan_responses_dropped_total")),
        "exchanges": (m["wirespan_exchanges_opened_total"],
                      m["wirespan_exchanges_reported_total"] + f("wirespan_exchanges_dropped_total") + m["wirespan_exchanges_open"]),
        "connections": (m["wirespan_connections_opened_total"], f("wirespan_connections_ended_total") + m["wirespan_connections"]),
        "exchanges reported = exchanges of spans": (m["wirespan_exchanges_reported_total"], m["wirespan_span_exchanges_total"]),
        "span": (m["wirespan_span_exchanges_total"],
                 m["wirespan_span_spans_total"] + f("wirespan_span_dropped_total") + m["wirespan_span_held"]),
        "metrics": (m["wirespan_metric_exchanges_total"],
                    m["wirespan_span_exchanges_total"] - sum(f("wirespan_span_dropped_total", reason=r) for r in ("excluded", "telemetry", "ignored"))),
        "spans = accepted": (m["wirespan_span_spans_total"], m["wirespan_export_accepted_spans_total"]),
        "export of spans": (m["wirespan_export_accepted_spans_total"], f("wirespan_export_spans_total") + f("wirespan_export_held_spans")),
        "export of points": (m["wirespan_export_accepted_points_total"], f("wirespan_export_points_total") + f("wirespan_export_held_points")),
    }


def kernel_sums(m):
    """Those of the kernel: exact while nothing happens, within one call a CPU and the time of reading otherwise."""
    calls = lambda count: family(m, "wirespan_kernel_calls_total", count=count)
    size = lambda count: family(m, "wirespan_kernel_bytes_total", count=count)
    return {
        "calls": (calls("seen"), calls("captured") + calls("ignored") + calls("dropped")),
        "bytes": (size("seen"), size("captured") + size("ignored") + size("dropped")),
        "records": (size("records"), size("delivered") + m["wirespan_ring_waiting_bytes"]),
    }


def assert_ledger(test, metrics, kernel=True):
    both = {**sums(metrics), **(kernel_sums(metrics) if kernel else {})}
    broken = {name: pair for name, pair in both.items() if pair[0] != pair[1]}
    test.assertFalse(broken, "\n".join(f"{k} {v:.0f}" for k, v in sorted(metrics.items()) if v and not k.startswith("process_")))


def assert_undisturbed(test, *results):
    """Every answer came, and every byte of it was right."""
    for result in results:
        test.assertEqual((result["wrong"], result["failed"]), (0, 0), result)
        test.assertEqual(result["asked"], result["right"], result)
        test.assertGreater(result["right"], 0, result)


def resident_mib(pid):
    """Private memory of a process: the mapped rings are the kernel's."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0


class Watched:
    """The most private memory that a process had while this was open."""

    def __init__(self, pid):
        self.pid, self.most, self.done = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.done.wait(0.05):
            self.most = max(self.most, resident_mib(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def exchanges_by_server(stack):
    """Exchanges by the pid of the server that answered them, from the Prometheus endpoint: before any sampling."""
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.red}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    pids = {instance: int(pid) for instance, pid in
            ((re.search(r'instance="([^"]*)"', line)[1], re.search(r'process_pid="(\d+)"', line)[1])
             for line in text.splitlines() if line.startswith("target_info{") and "process_pid=" in line)}
    counts = {}
    for line in text.splitlines():
        if line.startswith("http_server_request_duration_seconds_count{"):
            pid = pids.get(re.search(r'instance="([^"]*)"', line)[1])
            counts[pid] = counts.get(pid, 0) + int(float(line.rsplit("} ", 1)[1].split()[0]))
    return counts


class Cgroup:
    """CPU and memory limits for processes (cgroup v1 as mounted here, or v2). Taken away by close()."""

    def __init__(self, name, cpus=None, memory_mib=None):
        base = pathlib.Path("/sys/fs/cgroup")
        self.folders = []
        if (base / "cpu" / "cpu.cfs_quota_us").exists() or (base / "cpu").is_dir():
            settings = {}
            if cpus:
                settings["cpu"] = {"cpu.cfs_period_us": 100000, "cpu.cfs_quota_us": int(cpus * 100000)}
            if memory_mib:
                settings["memory"] = {"memory.limit_in_bytes": memory_mib << 20}
            for controller, files in settings.items():
                self._make(base / controller / name, files)
        else:
            files = {}
            if cpus:
                files["cpu.max"] = f"{int(cpus * 100000)} 100000"
            if memory_mib:
                files["memory.max"] = memory_mib << 20
            self._make(base / name, files)

    def _make(self, folder, files):
        folder.mkdir(exist_ok=True)
        self.folders.append(folder)
        for file, value in files.items():
            (folder / file).write_text(str(value))

    def add(self, pid):
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def out_of_memory(self):
        for folder in self.folders:
            for file, key in (("memory.oom_control", "oom_kill "), ("memory.events", "oom_kill ")):
                if (folder / file).exists():
                    for line in (folder / file).read_text().splitlines():
                        if line.startswith(key):
                            return int(line.split()[1])
        return 0

    def close(self):
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


@contextlib.contextmanager
def stopped(process):
    """The process gets no CPU at all for a while."""
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def settled_file(stack, test, seconds=30):
    """The gateway's file has what the agent says was acknowledged, each span once."""
    # Asking for the counters makes spans too (of this process), and so does whatever else runs here: between two
    # looks everything gets time to arrive, and one of the looks finds nothing under way.
    deadline = time.monotonic() + seconds
    while True:
        time.sleep(1)
        have, ids = stack.span_count()
        want = family(stack.self_metrics(), "wirespan_export_spans_total", result="acknowledged")
        if have == ids == want or time.monotonic() > deadline:
            break
    test.assertEqual((have, ids), (want, want), "spans in the gateway's file, and their ids, against acknowledged")
