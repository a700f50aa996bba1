"""What was acknowledged is delivered, whatever happens to the gateway: kill -9, SIGTERM, a full disk, damaged files."""

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from support import BIN, LOAD, Backend, Load, OverloadTest, otlp, wait_for

SPANS = 20


class DurableTest(OverloadTest):
    def setUp(self):
        super().setUp()
        self.acked = self.folder / "acked"
        self.arrived = self.folder / "arrived"
        self.first = 1  # the spans of request 0 would have an invalid trace id

    def durable(self, backend, queue="", directory=None, **kwargs):
        more = f"""    compression: gzip
    sending_queue: {{storage: file_storage, queue_size: 100000, {queue}}}"""
        folder = directory or self.folder / "queue"
        folder.mkdir(exist_ok=True)
        return self.gateway(otlp(backend.port, more=more), extensions=f"  file_storage: {{directory: {folder}}}", **kwargs)

    def load(self, gateway, seconds, *args):
        load = Load(gateway.port, "--unique", "--first", self.first, "--acked", self.acked, "--spans", SPANS,
                    "--seconds", seconds, "--compression", "gzip", "--timeout-ms", 2000, "--pause-ms", 20, *args)
        self.first += 1 << 32
        return load

    def counting(self, **kwargs):
        return self.backend("--by-request", "--arrived", str(self.arrived), **kwargs)

    def acked_requests(self):
        return {int(line) for line in self.acked.read_text().split()}

    def missing(self):
        """Acknowledged requests of which not every span arrived. Backends have ended."""
        spans = collections.Counter()
        for line in self.arrived.read_text().splitlines():
            number, count = line.split()
            spans[int(number)] += int(count)
        return [number for number in self.acked_requests() if spans[number] < SPANS]

    def wait_empty(self, gateway):
        wait_for("an empty queue", lambda: gateway.metric("otelcol_exporter_queue_size", exporter="otlp") == 0,
                 seconds=60)


class KillNine(DurableTest):
    TIMES = int(os.environ.get("WIRESPAN_KILLS", "50"))

    def test_every_acknowledged_item_arrives(self):
        random.seed(5)
        backend = Backend(self.folder, "--by-request", "--arrived", str(self.arrived))
        self.started.append(backend)
        up = False
        gateway = self.durable(backend)
        for turn in range(self.TIMES):
            wanted = random.random() < 0.6
            if wanted and not up:
                backend.start()
            elif up and not wanted:
                backend.end()
            up = wanted
            load = self.load(gateway, 1.0)
            time.sleep(random.uniform(0.05, 0.8))
            gateway.process.send_signal(signal.SIGKILL)
            gateway.process.wait()
            load.result()
            gateway.start()
        if not up:
            backend.start()
        self.wait_empty(gateway)
        backend.end()
        acked = self.acked_requests()
        self.assertGreater(len(acked), 20 * self.TIMES, "too little was acknowledged to say anything")
        self.assertEqual(self.missing(), [])
        print(f"{self.TIMES} kills, {len(acked)} requests acknowledged, all arrived")


class Shutdown(DurableTest):
    def test_a_full_queue_survives_sigterm_at_once(self):
        backend = Backend(self.folder, "--by-request", "--arrived", str(self.arrived))  # down
        self.started.append(backend)
        gateway = self.durable(backend, args=["--drain-timeout-ms", "60000"])
        answer = self.load(gateway, 2.0).result()
        self.assertGreater(answer["acked_requests"], 50)
        began = time.monotonic()
        gateway.end()
        self.assertLess(time.monotonic() - began, 30, "what is on disk needs no draining")
        self.assertEqual(gateway.process.returncode, 0)
        gateway.start()
        self.assertEqual(gateway.metric("otelcol_exporter_queue_size", exporter="otlp"), answer["acked_requests"])
        backend.start()
        self.wait_empty(gateway)
        backend.end()
        self.assertEqual(self.missing(), [])


class DiskFull(DurableTest):
    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", self.disk])
        self.addCleanup(self.end_all)  # before it: cleanups run backwards

    def test_a_full_disk_is_backpressure_and_no_loss(self):
        backend = Backend(self.folder, "--by-request", "--arrived", str(self.arrived))  # down
        self.started.append(backend)
        gateway = self.durable(backend, directory=self.disk / "queue")
        answer = self.load(gateway, 4.0).result()
        self.assertGreater(answer["acked_requests"], 50)
        self.assertGreater(answer["refused"].get("14+retry", 0), 0, "the disk never filled")
        self.assertEqual(set(answer["refused"]), {"14+retry"}, "a full disk is told as: come again")
        self.assertIsNone(gateway.process.poll())
        backend.start()
        self.wait_empty(gateway)
        again = self.load(gateway, 3.0).result()
        self.assertGreater(again["acked_requests"], 0, f"room that was given back is used: {again}")
        self.wait_empty(gateway)
        gateway.end()
        backend.end()
        self.assertEqual(self.missing(), [])


class Damage(DurableTest):
    def test_what_is_damaged_is_skipped_and_counted_and_the_rest_arrives(self):
        backend = Backend(self.folder, "--by-request", "--arrived", str(self.arrived))  # down
        self.started.append(backend)
        gateway = self.durable(backend)
        answer = self.load(gateway, 1.5).result()
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait()
        segment = max((self.folder / "queue").rglob("*.seg"), key=lambda path: path.stat().st_size)
        data = bytearray(segment.read_bytes())
        for place in (len(data) // 3, len(data) // 2):
            data[place] ^= 0xff
        segment.write_bytes(data[:len(data) - 7])
        before = self.files()
        dumped = subprocess.run([BIN / "wirespan-gateway", "queue", "dump", segment.parent], capture_output=True, text=True, timeout=60)
        self.assertEqual(dumped.returncode, 0, dumped.stderr)
        held = sum(line.endswith(" held") for line in dumped.stdout.splitlines())
        self.assertGreaterEqual(held, answer["acked_requests"] - 4)
        self.assertRegex(dumped.stdout, r" damaged\n| records lost in ")
        self.assertEqual(self.files(), before, "it changes nothing")
        gateway.start()
        backend.start()
        self.wait_empty(gateway)
        damaged = gateway.metric("wirespan_exporter_damaged_records_total", exporter="otlp")
        self.assertGreaterEqual(damaged, 2)
        self.assertLessEqual(damaged, 4)
        backend.end()
        self.assertLessEqual(len(self.missing()), damaged)
        self.assertGreater(answer["acked_requests"], 10)

    def files(self):
        return {path: path.read_bytes() for path in (self.folder / "queue").rglob("*") if path.is_file()}

    def test_drained_space_is_given_back(self):
        backend = self.counting()
        gateway = self.durable(backend)
        self.load(gateway, 2.0).result()
        self.wait_empty(gateway)
        gateway.end()
        left = sum(path.stat().st_size for path in (self.folder / "queue").rglob("*") if path.is_file())
        self.assertLess(left, 4096)


class LargeQueue(DurableTest):
    GIB = os.environ.get("WIRESPAN_QUEUE_GIB")  # None: 20, or a quarter of what the disk has
    SECONDS = 10

    def start_seconds(self, gateway):
        began = time.monotonic()
        gateway.start()
        return time.monotonic() - began

    def test_a_start_takes_seconds_however_much_waits(self):
        folder = self.folder / "queue"
        folder.mkdir()
        free = shutil.disk_usage(folder).free / 2**30
        gib = float(self.GIB) if self.GIB else min(20, free / 4)
        filled = json.loads(subprocess.run([LOAD, "fill", "--folder", folder / "exporter_otlp_traces", "--gib", str(gib)],
                                           check=True, capture_output=True, text=True).stdout)
        backend = Backend(self.folder)  # down
        self.started.append(backend)
        gateway = self.durable(backend)
        size = gateway.metric("otelcol_exporter_queue_size", exporter="otlp")
        self.assertEqual(size, filled["records"])
        # Killed in between, its last file has no end: that one is walked.
        self.load(gateway, 2.0).result()
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait()
        after_kill = self.start_seconds(gateway)
        self.assertGreater(gateway.metric("otelcol_exporter_queue_size", exporter="otlp"), size)
        self.assertLess(after_kill, self.SECONDS)
        self.assertLess(gateway.peak_mib(), 256)
        # It delivers at once, without having read everything first.
        backend.start()
        wait_for("the first of it", lambda: backend.counts()["spans"] > 0, seconds=30)
        print(f"{filled['bytes'] / 2**30:.1f} GiB in {filled['records']} requests: start after a kill took {after_kill:.1f} s, "
              f"peak {gateway.peak_mib():.0f} MiB")
        gateway.end()


if __name__ == "__main__":
    unittest.main()
