"""Several agents on one machine: the second one says so and waits, pods with an agent of their own are left out, nothing is told twice."""

import collections
import os
import pathlib
import signal
import subprocess
import unittest
import urllib.error
import urllib.request

from support import CGROUPS, Pod, run_short_lived, wait_for
from stack import BIN, Stack, answers, free_port  # noqa: I001  (support puts its folder on the path)


def ready(port):
    """Status and body of /readyz."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def others():
    """Agents of somebody else that mind their neighbours: ours would wait for them, and they for ours."""
    found = []
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().strip() == "wirespan-agent":
                links = [os.readlink(fd) for fd in (comm.parent / "fd").iterdir()]
                found += [comm.parent.name] if any(link.startswith("/memfd:wirespan-agent") for link in links) else []
        except OSError:
            pass
    return found


class Neighbours(unittest.TestCase):
    """Agents that mind each other, but only those of this test: agents of other tests ignore them and are not found."""

    def setUp(self):
        wait_for(f"other agents that mind their neighbours to end (pids {others()})", lambda: not others(), 60)
        self.ports = [free_port() for _ in range(2)]
        self.stack = Stack(start_agent=False)
        self.addCleanup(self.stack.close)
        self.root = CGROUPS / f"wirespan-test-{os.getpid()}"
        self.root.mkdir()
        self.addCleanup(self.root.rmdir)
        self.pods = [Pod(self.root), Pod(self.root)]
        for pod in self.pods:
            self.addCleanup(pod.remove)
        self.addCleanup(self.end_all)
        self.agents = []
        # A server in each pod.
        self.servers = {}
        for pod, port in zip(self.pods, self.ports):
            enter = pod.container()
            self.servers[port] = self.stack.run(f"server-{port}", ["python3", "-m", "http.server", "--bind", "127.0.0.1", str(port)],
                                                cwd=self.stack.folder, preexec=enter)
            wait_for("the server", lambda port=port: answers(port))

    def end_all(self):
        for agent in self.agents:
            agent.stop(signal.SIGINT)
        for server in self.servers.values():
            server.stop()
            server.process.wait()

    def start(self, name, pod=None, wait=True):
        """An agent of the whole node, or of `pod`: in a container of it with a control group namespace of its own."""
        admin = free_port()
        config = self.stack.folder / f"{name}.yaml"
        own = "own_pod: true, " if pod else ""
        config.write_text(f"""
admin: {{listen: "127.0.0.1:{admin}"}}
metrics: {{listen: ""}}
control: {{socket: "{self.stack.folder}/{name}.sock"}}
capture: {{handover: 0s, filter: {{{own}include_ports: {self.ports}}}}}
services: [{{name: "seen-by-{name}", executable: "python3*"}}]
export: {{endpoint: "http://127.0.0.1:{self.stack.otlp_http}", batch_delay: 100ms}}
""")
        command = [BIN / "wirespan-agent", "run", "--config", config]
        preexec = None
        if pod:
            preexec, command = pod.container(), ["unshare", "--cgroup", *command]
        agent = self.stack.run(name, command, preexec=preexec)
        agent.admin = admin
        agent.end_signal = signal.SIGINT
        self.agents.append(agent)
        wait_for(f"the agent {name}", lambda: agent.alive() and (ready(admin)[0] == 200 if wait else ready(admin)[0] != 0))
        return agent

    def ask(self, path, count=10):
        for port in self.servers:
            for _ in range(count):
                subprocess.run(["curl", "-s", "-o", self.stack.folder / "answer", f"http://127.0.0.1:{port}/{path}"], check=False, timeout=20)

    def seen(self, path):
        """{(who, which server): spans of servers}"""
        found = collections.Counter()
        for span in self.stack.spans(lambda s: s.target == f"/{path}" and s.kind == "server"):
            found[span.resource["service.name"], span.port] += 1
        return dict(found)

    def expect(self, path, wanted):
        self.ask(path)
        wait_for(f"the spans of {path}", lambda: sum(self.seen(path).values()) >= sum(wanted.values()))
        self.assertEqual(self.seen(path), wanted)

    def test_the_second_of_a_node_waits_and_takes_over(self):
        a, b = self.ports
        first = self.start("first")
        second = self.start("second", wait=False)
        wait_for("a reason", lambda: ready(second.admin)[0] == 503 and f"pid {first.pid} observes this node" in ready(second.admin)[1])
        self.assertIn(f"another agent with pid {first.pid} observes this node: this one waits", second.text())
        self.expect("one", {("seen-by-first", a): 10, ("seen-by-first", b): 10})
        first.stop(signal.SIGINT)
        wait_for("the second to take over", lambda: ready(second.admin)[0] == 200)
        self.expect("two", {("seen-by-second", a): 10, ("seen-by-second", b): 10})

    def test_a_pods_agent_knows_its_own_of_those_that_are_gone_at_once(self):
        self.start("a", pod=self.pods[0])
        mine, others_one = (pod.new_container() for pod in self.pods)
        ends = [run_short_lived(others_one, self.ports[1], "others", 40), run_short_lived(mine, self.ports[1], "mine", 40)]

        def seen(path):
            return {span.target for span in self.stack.spans(lambda s: s.kind == "client" and s.target.startswith(f"/{path}/"))}
        wait_for("the spans", lambda: len(seen("mine")) >= 40)
        for end in ends:
            end()
        self.assertEqual(seen("mine"), {f"/mine/{number}" for number in range(40)})
        self.assertEqual(seen("others"), set())

    def test_it_ends_while_it_waits(self):
        self.start("first")
        second = self.start("second", wait=False)
        wait_for("it to wait", lambda: "this one waits" in second.text())
        self.assertEqual(second.stop(signal.SIGTERM), 0)

    def test_a_node_agent_leaves_out_a_pod_that_has_its_own(self):
        a, b = self.ports
        own = self.start("own", pod=self.pods[0])
        node = self.start("node")
        self.assertIn(f"agent with pid {own.pid} observes the pod", node.text())
        self.expect("three", {("seen-by-own", a): 10, ("seen-by-node", b): 10})
        own.stop(signal.SIGINT)
        wait_for("it to be missed", lambda: f"the agent with pid {own.pid} has ended" in node.text())
        self.expect("four", {("seen-by-node", a): 10, ("seen-by-node", b): 10})

    def test_a_pods_agent_waits_for_the_nodes_and_observes_its_pod_alone(self):
        a, b = self.ports
        node = self.start("node")
        own = self.start("own", pod=self.pods[0], wait=False)
        wait_for("it to wait", lambda: "this one waits" in own.text())
        self.expect("five", {("seen-by-node", a): 10, ("seen-by-node", b): 10})
        node.stop(signal.SIGINT)
        wait_for("it to take over", lambda: ready(own.admin)[0] == 200)
        self.expect("six", {("seen-by-own", a): 10})

    def test_each_pod_has_its_own(self):
        a, b = self.ports
        self.start("own-a", pod=self.pods[0])
        self.start("own-b", pod=self.pods[1])
        third = self.start("again-a", pod=self.pods[0], wait=False)
        wait_for("the third to wait", lambda: "observes the pod" in third.text())
        self.expect("seven", {("seen-by-own-a", a): 10, ("seen-by-own-b", b): 10})

    def test_many_at_once_and_one_is_let_in(self):
        agents = [self.start(f"many-{i}", wait=False) for i in range(5)]
        wait_for("one of them", lambda: sum(ready(agent.admin)[0] == 200 for agent in agents) == 1)
        self.ask("eight")
        wait_for("its spans", lambda: sum(self.seen("eight").values()) >= 20)
        self.assertEqual(len({who for who, _ in self.seen("eight")}), 1)
        self.assertEqual(sum(self.seen("eight").values()), 20)


if __name__ == "__main__":
    unittest.main()
