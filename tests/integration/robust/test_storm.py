"""Storms of connections and processes: nobody is disturbed, memory holds, the ledger closes."""

import signal
import subprocess
import sys
import unittest
import urllib.request

from support import Client, Server, Strained, Watched, assert_ledger, assert_undisturbed, exchanges_by_server, family, wait_for
import servers  # beside stack.py, found by support


def dropped_by_kernel(m):
    return sum(family(m, "wirespan_kernel_calls_total", count=count) for count in ("dropped", "records_dropped"))


def told(metrics):
    return "\n".join(f"{k} {v:.0f}" for k, v in metrics.items() if v and not k.startswith("process_") and "_bucket" not in k)


class StormCase(unittest.TestCase):
    limit_mib = 256

    def setUp(self):
        self.stack = Strained(keep_telemetry=False)
        self.addCleanup(lambda: self.assertEqual(self.stack.close(), 0))
        self.memory = Watched(self.stack.agent.pid)

    def settle(self):
        m = self.stack.settle(120)
        assert_ledger(self, m)
        self.assertLessEqual(self.memory.most, self.limit_mib)
        self.assertEqual(family(m, "wirespan_memory_pressure_total"), 0)
        return m

    def tell(self, text):
        print(f"\n{self.id().rsplit('.', 1)[1]}: {text}; at most {self.memory.most:.0f} MiB", file=sys.stderr)


class ManyOpen(StormCase):
    def test_20000_connections_open_at_once_over_several_processes(self):
        each, processes = 5000, 4
        with self.memory:
            targets = [Server(self.stack) for _ in range(processes)]
            clients = [Client(self.stack, "hold", server, conns=each, seconds=120) for server in targets]
            for client in clients:
                wait_for("all to be open", lambda: "open" in client.child.text(), 90)
            m = self.stack.settle()
            self.assertGreaterEqual(m["wirespan_connections"], 2 * each * processes, told(m))  # both ends of each
            for client in clients:
                client.child.process.send_signal(signal.SIGUSR1)
            results = [client.result() for client in clients]
        assert_undisturbed(self, *results)
        m = self.settle()
        # A request on each when it opened, one at the end: all seen.
        seen = exchanges_by_server(self.stack)
        dropped = dropped_by_kernel(m)
        if dropped == 0:
            self.assertEqual([seen.get(s.pid) for s in targets], [r["right"] for r in results], told(m))
        self.tell(f"{each * processes} connections at once, {sum(seen.get(s.pid, 0) for s in targets)} of {sum(r['right'] for r in results)} "
                  f"exchanges seen, {dropped:.0f} records dropped")


class Churn(StormCase):
    def test_connections_opened_and_closed_as_fast_as_the_machine_goes(self):
        with self.memory:
            targets = [Server(self.stack, host="0.0.0.0") for _ in range(2)]
            clients = [Client(self.stack, "churn", server, conns=32, seconds=20, rate=5000, spread=40) for server in targets]
            results = [client.result() for client in clients]
        assert_undisturbed(self, *results)
        m = self.settle()
        done = sum(r["right"] for r in results)
        lost = dropped_by_kernel(m)
        by_server = exchanges_by_server(self.stack)
        seen = sum(by_server.get(s.pid, 0) for s in targets)
        self.tell(f"{done / max(r['seconds'] for r in results):.0f} connections/s, {seen} of {done} exchanges seen, {lost:.0f} records dropped")
        self.assertLessEqual(seen, done)
        if lost == 0:
            self.assertEqual(seen, done)


    def test_nginx_and_wrk_with_a_connection_for_each_request(self):
        server = servers.Nginx(self.stack)
        with self.memory:
            wrk = subprocess.run(["wrk", "-t1", "-c64", "-d12s", "-H", "Connection: close", server.url("/text")], check=True,
                                 capture_output=True, text=True).stdout
        self.assertNotIn("Socket errors", wrk.replace("Socket errors: connect 0, read 0, write 0, timeout 0", ""))
        self.assertNotIn("Non-2xx", wrk)
        m = self.settle()
        answered = sum(1 for entry in server.log() if entry["status"] == 200)
        lost = dropped_by_kernel(m)
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.stack.red}/metrics", timeout=10).read().decode()
        seen = sum(int(float(line.rsplit("} ", 1)[1].split()[0])) for line in text.splitlines()
                   if line.startswith("http_server_request_duration_seconds_count{") and "nginx" in line and 'code="200"' in line)
        self.tell(f"{answered / 12:.0f} connections/s, {seen} of {answered} exchanges seen, {lost:.0f} records dropped")
        self.assertLessEqual(seen, answered)
        if lost == 0:
            self.assertEqual(seen, answered)


class ShortLived(StormCase):
    def test_processes_that_fork_and_die_at_once(self):
        server = Server(self.stack)
        with self.memory:
            # Each child asks one thing and is gone; some do nothing at all.
            code = ("import os, socket, sys\n"
                    "bad = 0\n"
                    "for i in range(1500):\n"
                    "    pid = os.fork()\n"
                    "    if pid == 0:\n"
                    "        if i % 3 == 0: os._exit(0)\n"
                    f"        s = socket.create_connection(('127.0.0.1', {server.port}))\n"
                    "        s.sendall(b'GET /b/10?fork-%d HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' % i)\n"
                    "        data = b''\n"
                    "        while piece := s.recv(4096): data += piece\n"
                    "        os._exit(0 if data.startswith(b'HTTP/1.1 200') else 1)\n"
                    "    if i % 8 == 7:\n"
                    "        while True:\n"
                    "            try: bad += os.wait()[1] != 0\n"
                    "            except ChildProcessError: break\n"
                    "print(bad)\n")
            forks = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
            execs = [subprocess.run(["/bin/true"], check=True) for _ in range(300)]
        self.assertEqual(forks.stdout.strip(), "0")
        self.assertEqual(len(execs), 300)
        self.settle()
        self.assertEqual(exchanges_by_server(self.stack).get(server.pid), 1000)
        self.tell("1000 requests of 1500 processes")


class Odd(StormCase):
    def test_slow_bodies_huge_heads_garbage_and_pipelined_floods_together(self):
        with self.memory:
            server, echo = Server(self.stack), Server(self.stack, "echo")
            clients = [Client(self.stack, "slowbody", server, conns=200, seconds=15, count=400, size=2000),
                       Client(self.stack, "slowhead", server, conns=200, seconds=15, count=400, size=200),
                       Client(self.stack, "hugehead", server, conns=8, seconds=20, depth=300),
                       Client(self.stack, "garbage", server, conns=8, seconds=20),
                       Client(self.stack, "echoed", echo, conns=8, seconds=20, size=100000),
                       Client(self.stack, "pipeline", server, conns=8, seconds=20, depth=500),
                       Client(self.stack, "flood", server, conns=4, seconds=20, size=3000000)]
            results = [client.result() for client in clients]
        assert_undisturbed(self, *results)
        self.settle()
        self.tell(", ".join(f"{c.tag} {r['right']}" for c, r in zip(clients, results)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
