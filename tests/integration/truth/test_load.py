"""Many at once: nothing lost, nothing twice."""

import sys
import threading
import time
import unittest

import servers
from cases import TruthCase, key
from clients import Client, load, wrk
from stack import wait_for


class Load(TruthCase):
    def test_concurrency_64(self):
        server = servers.Go(self.stack)
        clients = [Client(server.port) for _ in range(64)]

        def work(n):
            for i in range(40):
                clients[n].ask("GET", f"/bytes/{n}?c={n}-{i}")

        threads = [threading.Thread(target=work, args=(n,)) for n in range(64)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        truth = [key(e) for c in clients for e in c.done]
        for c in clients:
            c.close()
        self.assertEqual(len(truth), 64 * 40)
        self.assert_same(truth, self.spans_of(server.port, "server", len(truth)), "64 at once, server")
        self.assert_same(truth, self.spans_of(server.port, "client", len(truth)), "64 at once, client")
        for span in self.stack.spans(lambda s: s.kind == "server" and "?c=" in s.target):
            n = int(span.target.split("?")[0].rsplit("/", 1)[1])
            self.assertEqual(span.attributes["http.response.body.size"], n, span)

    def check_rate(self, kind):
        """5,000 requests a second, open loop, over 64 connections."""
        server = kind(self.stack)
        done = load(self.stack, server.url("/text?"), 5000, 3, 64, server.name)
        self.assertEqual(len(done), 15000)
        wait_for("the server's log", lambda: len(server.log()) == len(done))
        truth = [key(e) for e in server.log()]
        self.assert_same(truth, self.spans_of(server.port, "server", len(truth)), f"{server.name} at 5,000/s, server")
        asked = self.spans_of(server.port, "client", len(truth))
        self.assert_same([key(e) for e in done], asked, f"{server.name} at 5,000/s, client")
        # Two full cores delay the client's own clock: half of them must agree all the same.
        self.check_durations(done, asked, share=0.5)

    def test_five_thousand_a_second_of_go(self):
        self.check_rate(servers.Go)

    def test_five_thousand_a_second_of_nginx(self):
        self.check_rate(servers.Nginx)

    def kernel_losses(self):
        return {n: v for n, v in self.stack.self_metrics().items() if n.startswith('wirespan_kernel_calls_total{count="dropped"') and v}

    def check_wrk(self, server, target, *options, connections=64, pipelined=1):
        """The server's log says what was answered, wrk how many answers it took in before it stopped in the midst of the last ones."""
        lost = self.kernel_losses()
        counted, errors = wrk(server.url(target), *options, connections=connections)
        self.assertEqual(errors, 0)
        # wrk reads no longer, but nginx goes on for a moment.
        wait_for("the log to rest", lambda: (size := server.log_path.stat().st_size) and not time.sleep(0.5) and size == server.log_path.stat().st_size)
        truth = [key(e) for e in server.log() if e["status"] != 499]
        print(f"\nwrk counted {counted}, {server.name} logged {len(truth)}", file=sys.stderr)
        spans = self.stack.settled_spans(lambda s: s.kind == "server" and s.port == server.port, len(truth), 120)
        self.assert_same(truth, [s for s in spans if s.status], f"{server.name} under wrk")
        self.assertLessEqual(len([s for s in spans if not s.status]), connections * pipelined, "open at the end of wrk")
        whole = [s for s in self.stack.spans(lambda s: s.kind == "client" and s.port == server.port)
                 if s.status and "error.type" not in s.attributes]
        self.assertTrue(counted <= len(whole) <= counted + connections * pipelined, f"wrk counted {counted}, seen {len(whole)}")
        self.assertEqual(self.kernel_losses(), lost)

    def test_saturated_worker_loses_nothing(self):
        self.check_wrk(servers.NginxOneWorker(self.stack), "/small.html")

    def test_pipelined_by_wrk(self):
        """Sixteen requests in each write; nginx joins its answers, wrk reads many at once."""
        script = self.stack.folder / "pipelined.lua"
        script.write_text('init = function() local r = {}; for i = 1, 16 do r[i] = wrk.format("GET", "/text?p=" .. i) end; all = table.concat(r) end\n'
                          "request = function() return all end\n"
                          "delay = function() return 20 end\n")  # ms: it is about joined messages here, not about speed
        self.check_wrk(servers.NginxOneWorker(self.stack), "/", "-s", script, connections=16, pipelined=16)


if __name__ == "__main__":
    unittest.main(verbosity=2)
