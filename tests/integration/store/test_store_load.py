"""The store at full rate: killed while it makes blocks, and held to its bounds of bytes and age."""

import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time
import unittest

from support import StoreTest, get, overload

MIB = 1 << 20


class KillNineWhileBlocksAreMade(StoreTest):
    TIMES = int(os.environ.get("WIRESPAN_KILLS", "8"))
    SPANS = 500  # of a request

    def dumped(self):
        """{request: the numbers of its spans}, and how many spans there are, of all files."""
        numbers, spans = {}, 0
        dump = subprocess.Popen([overload.BIN / "wirespan-gateway", "store", "dump", "--directory", self.folder / "store"],
                                stdout=subprocess.PIPE)
        for line in dump.stdout:
            for high, low in re.findall(rb'"traceId":"([0-9a-f]{16})([0-9a-f]{16})"', line):
                numbers.setdefault(int(high, 16), set()).add(int(low, 16))
                spans += 1
        dump.stdout.close()
        self.assertEqual(dump.wait(60), 0)
        return numbers, spans

    def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(self):
        random.seed(8)
        acked, first = self.folder / "acked", 1
        gateway = self.store_gateway()
        blocks_at_kill = 0
        for _ in range(self.TIMES):
            load = overload.Load(gateway.port, "--unique", "--first", first, "--acked", acked, "--spans", self.SPANS, "--seconds", 6,
                                 "--rate", 30000, "--timeout-ms", 2000)
            first += 1 << 32
            time.sleep(random.uniform(1.5, 5.5))
            gateway.process.send_signal(signal.SIGKILL)
            gateway.process.wait()
            blocks_at_kill = len(list((self.folder / "store").glob("*.blk")))
            load.result()
            gateway.start()
        self.assertGreater(blocks_at_kill, 3, "no block was made: nothing was tried")
        self.assertEqual(gateway.metric("wirespan_store_damaged"), 0)
        held = gateway.metric("wirespan_store_spans")
        gateway.end()
        requests = {int(line) for line in acked.read_text().split()}
        self.assertGreater(len(requests) * self.SPANS, 100000, "too little was acknowledged to say anything")
        numbers, spans = self.dumped()
        self.assertEqual([number for number in requests if len(numbers.get(number, ())) != self.SPANS], [])
        self.assertEqual(spans, sum(map(len, numbers.values())))
        self.assertEqual(spans, held)
        print(f"{self.TIMES} kills, {len(requests) * self.SPANS} spans acknowledged, {spans} held, {blocks_at_kill} blocks")


class Watch:
    """The most bytes that the files of a folder had together, looked at all the time."""

    def __init__(self, folder):
        self.folder, self.most, self.looks, self.ends = pathlib.Path(folder), 0, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def now(self):
        total = 0
        for file in self.folder.iterdir():
            try:
                total += file.stat().st_size
            except FileNotFoundError:
                pass  # just deleted
        return total

    def run(self):
        while not self.ends.wait(0.01):
            self.most = max(self.most, self.now())
            self.looks += 1

    def end(self):
        self.ends.set()
        self.thread.join()


class Retention(StoreTest):
    def bounded(self, retention):
        gateway = self.store_gateway(more=f"    retention: {retention}")
        watch = Watch(self.folder / "store")
        self.addCleanup(watch.end)
        return gateway, watch

    def assert_accounted(self, gateway):
        self.assertEqual(gateway.metric("wirespan_store_opened_spans_total") + gateway.metric("wirespan_store_written_spans_total"),
                         gateway.metric("wirespan_store_spans") + gateway.metric("wirespan_store_removed_spans_total"))

    def removed(self, gateway, reason):
        return gateway.metric("wirespan_store_removed_spans_total", reason=reason)

    def test_bytes(self):
        gateway, watch = self.bounded("{max_size_mib: 256}")
        acked, first, deadline = self.folder / "acked", 1, time.monotonic() + 400
        while self.removed(gateway, "bytes") < 1000000:
            self.assertLess(time.monotonic(), deadline, "the bound was not reached")
            load = overload.Load(gateway.port, "--unique", "--first", first, "--acked", acked, "--spans", 1000, "--seconds", 10)
            first += 1 << 32
            self.assertGreater(load.result()["acked_requests"], 0)
        watch.end()
        self.assertGreater(watch.looks, 100)
        self.assertLessEqual(watch.most, 256 * MIB)
        self.assertGreater(watch.most, 200 * MIB)
        self.assert_accounted(gateway)
        last = int(acked.read_text().split()[-1])
        status, body = get(self.query_port, f"/api/traces/{last:016x}{0:016x}")
        self.assertEqual((status, len(body["data"][0]["spans"])), (200, 1))
        print(f"at most {watch.most / MIB:.1f} MiB in {watch.looks} looks; {self.removed(gateway, 'bytes'):.0f} spans removed")

    def test_age(self):
        gateway, _ = self.bounded("{max_age: 4s}")
        overload.Load(gateway.port, "--unique", "--spans", 500, "--seconds", 8, "--rate", 10000).result()
        self.assertGreater(self.removed(gateway, "age"), 0)
        overload.wait_for("all spans to be too old", lambda: gateway.metric("wirespan_store_spans") == 0, 30)
        self.assert_accounted(gateway)
        self.assertEqual(list((self.folder / "store").glob("*.blk")), [])


if __name__ == "__main__":
    unittest.main()
