"""Which span belongs to which: both ends of an exchange, calls inside a request, and none that do not."""

import collections
import re
import subprocess
import threading
import unittest

import servers
from cases import TruthCase
from clients import Client
from stack import wait_for


class Chains(TruthCase):
    def test_no_wrong_parent_and_both_ends_joined(self):
        first, second = servers.Python(self.stack), servers.Go(self.stack)
        for i in range(20):
            inner = second.url(f"/bytes/{i}?inner={i}").replace("?", "%3F").replace("=", "%3D")
            subprocess.run(["curl", "-sS", "-o", "/dev/null", first.url(f"/call?url={inner}")], check=True)
        mine = lambda s: s.port in (first.port, second.port)
        spans = self.stack.settled_spans(mine, 80)
        self.assertEqual(len(spans), 80)
        by_id = {s.span_id: s for s in spans}
        self.assertEqual(len(by_id), 80, "span ids are unique")
        for span in spans:
            if span.kind == "server":
                parent = by_id[span.parent_id]
                self.assertEqual((parent.kind, parent.target, parent.trace_id), ("client", span.target, span.trace_id), span)
                self.assertEqual(span.attributes["wirespan.parent.method"], "wire")
            elif span.pid == first.child.pid:
                # The thread that read the request made the call and wrote the answer.
                parent = by_id[span.parent_id]
                self.assertEqual((parent.kind, parent.pid), ("server", span.pid))
                self.assertIn(span.target.split("inner=")[1], parent.target)
                self.assertEqual(span.attributes["wirespan.parent.method"], "thread")
            else:
                self.assertEqual(span.parent_id, "", span)
        self.assertEqual(len({s.trace_id for s in spans}), 20)


def escaped(url):
    return url.replace("?", "%3F").replace("=", "%3D")


def tag_of(span):
    """`t3` of a request that was sent for number 3 and of the call it made, `bg` of a call in the background."""
    found = re.search(r"tag(?:=|%3D)(\w+)", span.target)
    return found.group(1) if found else None


class NoWrongLink(TruthCase):
    """A link may be missing where nobody can know it; it is never wrong, and no trace holds two requests."""

    def with_parents(self, spans):
        """All spans by id, once the parent of each of these has come: a call's two ends are exported apart."""
        def all_there():
            by_id = {s.span_id: s for s in self.stack.spans()}
            return by_id if all(not s.parent_id or s.parent_id in by_id for s in spans) else None
        return wait_for("the parent of every span", all_there)

    def check_links(self, spans):
        by_id = self.with_parents(spans)
        traces = collections.defaultdict(set)
        for span in spans:
            traces[span.trace_id].add(tag_of(span))
            parent = by_id.get(span.parent_id)
            if span.parent_id:
                self.assertEqual(tag_of(parent), tag_of(span), f"{parent} is not the parent of {span}")
        self.assertEqual([tags for tags in traces.values() if len(tags) != 1], [])
        return sum(1 for s in spans if s.attributes.get("wirespan.parent.method") == "thread")

    def ask_many(self, caller, callee, path, threads=6, each=12):
        def work(n):
            client = Client(caller.port)
            for i in range(each):
                tag = f"t{n}x{i}"
                client.ask("GET", f"{path}?url={escaped(callee.url(f'/slow/2?tag={tag}'))}")
            client.close()
        running = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
        for t in running:
            t.start()
        for t in running:
            t.join()
        mine = lambda s: s.port in (caller.port, callee.port) and (tag_of(s) or "").startswith("t")
        # The request and its call, each at both ends.
        spans = self.stack.settled_spans(mine, 4 * threads * each, 60)
        self.assertEqual(len(spans), 4 * threads * each)
        return self.stack.spans(lambda s: s.port in (caller.port, callee.port) and tag_of(s))

    def check_busy(self, kind, path="/call"):
        """Requests of six clients at once, and calls in the background all the while."""
        callee = servers.Go(self.stack)
        caller = kind(self.stack, {"BACKGROUND_URL": callee.url("/bytes/1?tag=bg")})
        spans = self.ask_many(caller, callee, path)
        self.assertTrue([s for s in spans if tag_of(s).startswith("bg")], "calls in the background")
        linked = self.check_links(spans)
        caller.child.stop()
        return linked

    def test_event_loop_of_node(self):
        self.assertEqual(self.check_busy(servers.Node), 0)

    def test_event_loop_of_asyncio(self):
        self.assertEqual(self.check_busy(servers.CallsAsync), 0)

    def test_goroutines(self):
        self.check_busy(servers.Go)

    def test_thread_pool_of_java(self):
        self.check_busy(servers.Java)

    def test_calls_that_other_threads_carry_out(self):
        self.assertEqual(self.check_busy(servers.Java, "/later"), 0)

    def test_two_requests_interleaved_on_one_thread(self):
        callee, caller = servers.Go(self.stack), servers.Interleave(self.stack)
        for i in range(15):
            pair = [threading.Thread(target=Client(caller.port).ask, args=("GET", f"/call?url={escaped(callee.url(f'/bytes/3?tag=t{i}{side}'))}"))
                    for side in "ab"]
            for t in pair:
                t.start()
            for t in pair:
                t.join()
        spans = self.stack.settled_spans(lambda s: s.port in (caller.port, callee.port), 4 * 30)
        self.assertEqual(len(spans), 4 * 30)
        self.assertEqual(self.check_links(spans), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
