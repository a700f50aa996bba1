"""The agent is killed, stopped, or loses its gateway, under load: the observed programs never notice, nothing stays in the kernel."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

from support import Client, Server, Strained, assert_ledger, assert_undisturbed, family, wait_for


def bpf_objects(pid):
    """Ids of the programs and maps that this process holds."""
    ids = set()
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            text = info.read_text()
        except OSError:
            continue
        ids |= {(kind, int(number)) for kind, number in re.findall(r"^(prog|map)_id:\s*(\d+)", text, re.M)}
    return ids


def bpf_objects_left(ids):
    """Those of them that the kernel still has."""
    tool = shutil.which("bpftool") or "/usr/sbin/bpftool"
    have = set()
    for kind in ("prog", "map"):
        found = json.loads(subprocess.run([tool, "-j", kind, "show"], check=True, capture_output=True).stdout)
        have |= {(kind, one["id"]) for one in found}
    return ids & have


class Restart(unittest.TestCase):
    def test_kill_9_under_load_and_start_again(self):
        stack = Strained(start_agent=False)
        try:
            server = Server(stack)
            load = Client(stack, "flood", server, conns=8, seconds=15, rate=1500)  # three agents start meanwhile
            for _ in range(2):
                agent = stack.start_agent()
                mine = bpf_objects(agent.pid)
                self.assertEqual({kind for kind, _ in mine}, {"prog", "map"})
                self.assertEqual(bpf_objects_left(mine), mine)
                seen = len(stack.spans())
                wait_for("spans", lambda: len(stack.spans()) > seen + 500)
                agent.process.send_signal(signal.SIGKILL)
                agent.process.wait()
                wait_for("the kernel to let go of programs and maps", lambda: not bpf_objects_left(mine), 10)
            mine = bpf_objects(stack.start_agent().pid)
            seen = len(stack.spans())
            wait_for("spans on connections that are older than this agent", lambda: len(stack.spans()) > seen + 500)
            assert_undisturbed(self, load.result())
            assert_ledger(self, stack.settle())
        finally:
            self.assertEqual(stack.close(), 0)
        wait_for("the kernel to let go of programs and maps", lambda: not bpf_objects_left(mine), 10)

    def test_sigterm_sends_what_is_held(self):
        # Spans wait 20 s for their batch, so only the stop can have sent them.
        stack = Strained(agent_env={"OTEL_BSP_SCHEDULE_DELAY": "20000"})
        try:
            server = Server(stack)
            load = Client(stack, "flood", server, conns=2, count=100)
            assert_undisturbed(self, load.result())
            wait_for("the agent to have them", lambda: stack.self_metrics()["wirespan_span_spans_total"] >= 200)
            self.assertEqual(stack.spans(), [])
            start = time.monotonic()
            self.assertEqual(stack.agent.stop(signal.SIGTERM), 0)
            self.assertLess(time.monotonic() - start, 10)
            sent = wait_for("the gateway's file", lambda: stack.spans(lambda s: f"?{load.tag}-" in s.target))
            self.assertEqual(len(sent), 200)
        finally:
            stack.close()

    def test_sigterm_while_the_gateway_is_away_ends_in_time(self):
        stack = Strained("export: {shutdown_timeout: 1s}")
        try:
            server = Server(stack)
            stack.gateway.stop()
            assert_undisturbed(self, Client(stack, "flood", server, conns=2, count=100).result())
            start = time.monotonic()
            self.assertEqual(stack.agent.stop(signal.SIGTERM), 0, stack.agent.text())
            self.assertLess(time.monotonic() - start, 8)
            self.assertIn("not everything could be sent", stack.agent.text())
        finally:
            stack.close()


class Away(unittest.TestCase):
    # A minute by default; the quick run asks for less.
    seconds = float(os.environ.get("WIRESPAN_AWAY_SECONDS", "60"))

    def test_the_gateway_comes_back(self):
        stack = Strained()
        try:
            server = Server(stack)
            rate = 300
            load = Client(stack, "flood", server, conns=8, seconds=self.seconds + 10, rate=rate)
            time.sleep(2)
            stack.gateway.process.send_signal(signal.SIGKILL)  # not even a goodbye
            stack.gateway.process.wait()
            end = time.monotonic() + self.seconds
            while time.monotonic() < end:
                assert_ledger(self, stack.self_metrics(), kernel=False)
                time.sleep(1)
            stack.start_gateway()
            assert_undisturbed(self, load.result())
            m = stack.settle(90)
            assert_ledger(self, m)
            result = load.result()
            # The queue of 32 MiB holds a minute of this: everything arrives. What the gateway had taken but not answered
            # when it was killed arrives twice, with the same ids.
            self.assertEqual(family(m, "wirespan_export_spans_total", result="dropped"), 0)
            arrived = {s.span_id for s in stack.spans(lambda s: f"?{load.tag}-" in s.target)}
            self.assertEqual(len(arrived), 2 * result["right"])
        finally:
            self.assertEqual(stack.close(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
