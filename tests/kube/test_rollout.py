"""What an agent leaves for the next one on its node, by the chart's defaults: the paths of a gRPC channel whose client names them once outlive every
way in which a pod is replaced, and nothing stays pinned where no pod comes."""

import contextlib
import subprocess
import threading
import time
import unittest

from cluster import HERE, WORK, get, helm, kubectl, pods, rollout, run, wait_for
from release import ARRIVED, PINS, SPACE, install, prepare

AGENT = "daemonset/wirespan-agent"
CALLS = 20
METHOD = "wirespan.test.Truth/Unary"


def setUpModule():  # noqa: N802
    prepare()
    unittest.addModuleCleanup(kubectl, "delete", "pod", "channel", "--namespace", "shop", "--ignore-not-found")
    unittest.addModuleCleanup(helm, "uninstall", "wirespan", "--namespace", SPACE, "--ignore-not-found", "--wait")
    run(HERE / "image", "http2:1", WORK / "bin" / "http2")
    kubectl("apply", "-f", HERE / "channel.yaml")
    kubectl("wait", "pod/channel", "--namespace", "shop", "--for=condition=Ready", "--timeout=60s")
    install()


def on_node(*command):
    """Among the node's mounts, which this machine does not see."""
    run("nsenter", "-t", (WORK / "run" / "namespaces.pid").read_text().strip(), "-m", "--", *command)


def log_of(pod):
    return kubectl("logs", pod, "--namespace", SPACE, check=False).stdout


def agent_pods():
    return {p["metadata"]["name"] for p in pods(SPACE, "agent")}


class Channel:
    """A client in the pod, driven by its standard input. All its calls are the same to HPACK: the path is in the table from the first one on."""

    def __init__(self):
        self.process = subprocess.Popen(
            [str(HERE / "kubectl"), "exec", "-i", "channel", "--namespace", "shop", "--", "/http2", "grpc-call", "50051", "/tmp/client.log"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(self):
        """CALLS more; the paths that the spans of both ends tell, sorted."""
        before = set(self.spans())
        self.process.stdin.write(f"method=Unary count={CALLS} bare=1 log=0\n")
        self.process.stdin.flush()
        done = self.process.stdout.readline()
        assert done.split() == ["done", str(CALLS), str(CALLS)], done
        wait_for("the spans of the calls", lambda: len(set(self.spans()) - before) >= 2 * CALLS)
        new = [span for key, span in self.spans().items() if key not in before]
        return sorted((s["kind"], s["name"], s["attributes"].get("wirespan.incomplete", "")) for s in new)

    @staticmethod
    def spans():
        return {(s["traceId"], s["spanId"]): s for s in ARRIVED.spans() if s["resource"].get("k8s.pod.name") == "channel"}

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


KNOWN = [(2, METHOD, "")] * CALLS + [(3, METHOD, "")] * CALLS


@contextlib.contextmanager
def watched():
    """What the agent of the beginning says until its end, and whether anything was ever pinned; whole after the block, once that pod is gone."""
    (pod,) = agent_pods()
    seen = {"pinned": False, "said": "", "pod": pod}
    stop = threading.Event()

    def look():
        while not stop.is_set():
            seen["pinned"] = seen["pinned"] or PINS.exists()
            time.sleep(0.02)
    looking = threading.Thread(target=look)
    looking.start()
    follower = subprocess.Popen([str(HERE / "kubectl"), "logs", "--follow", pod, "--namespace", SPACE], stdout=subprocess.PIPE, text=True)
    try:
        yield seen
        seen["said"] = follower.communicate(timeout=120)[0]  # ends with its container
    finally:
        follower.kill()
        follower.wait()
        stop.set()
        looking.join()


class Rollouts(unittest.TestCase):
    """Methods run in the order of their names."""

    def open(self):
        channel = Channel()
        self.addCleanup(channel.close)
        self.assertEqual(channel.call(), KNOWN)
        return channel

    def replaced(self, channel, how):
        """The agent, by `how`; the next one took over what was pinned, and knows the channel's paths."""
        with watched() as seen:
            how()
            wait_for("the next agent", lambda: len(agent_pods()) == 1 and agent_pods() != {seen["pod"]})
            rollout("daemonset", "wirespan-agent", SPACE)
        self.assertIn("the next agent may take over within 30 s", seen["said"])
        self.assertTrue(seen["pinned"])
        (pod,) = agent_pods()
        self.assertIn("took over from the agent before", log_of(pod))
        self.assertFalse(PINS.exists())
        self.assertEqual(channel.call(), KNOWN)

    def test_10_a_rollout_keeps_the_paths_of_an_older_channel(self):
        self.replaced(self.open(), lambda: kubectl("rollout", "restart", AGENT, "--namespace", SPACE))

    def test_11_so_does_a_deleted_pod(self):
        self.replaced(self.open(), lambda: kubectl("delete", "pod", *agent_pods(), "--namespace", SPACE, "--wait=false"))

    def test_12_and_an_upgrade(self):
        self.replaced(self.open(), lambda: install("--set", "agent.podLabels.round=two"))

    def test_20_nothing_is_left_on_a_node_that_is_none_of_its_own_any_more(self):
        with watched() as seen:
            kubectl("patch", AGENT, "--namespace", SPACE, "--type=json", "--patch",
                    '[{"op": "add", "path": "/spec/template/spec/nodeSelector/disk", "value": "ssd"}]')
            wait_for("no agent", lambda: not get("pods", "--selector=app.kubernetes.io/component=agent", namespace=SPACE)["items"])
        self.assertIn("nothing is left for the next agent: DaemonSet telemetry/wirespan-agent now asks for nodes with disk=ssd", seen["said"])
        self.assertFalse(seen["pinned"])

    def test_21_on_a_node_without_bpffs_it_starts_and_says_that_it_leaves_nothing(self):
        """sysfs has the folder, and nothing is mounted there. No agent runs since the test before."""
        there = WORK / "sys"
        there.mkdir(exist_ok=True)
        on_node("mount", "-t", "sysfs", "sysfs", there)
        on_node("mount", "--bind", there / "fs" / "bpf", "/sys/fs/bpf")
        try:
            kubectl("patch", AGENT, "--namespace", SPACE, "--type=json", "--patch", '[{"op": "remove", "path": "/spec/template/spec/nodeSelector/disk"}]')
            wait_for("the agent again", agent_pods)
            rollout("daemonset", "wirespan-agent", SPACE)
            channel = self.open()
            with watched() as seen:
                kubectl("rollout", "restart", AGENT, "--namespace", SPACE)
                wait_for("the next agent", lambda: len(agent_pods()) == 1 and agent_pods() != {seen["pod"]})
                rollout("daemonset", "wirespan-agent", SPACE)
            self.assertRegex(seen["said"], "nothing is left for the next agent: .*/sys/fs/bpf/wirespan")
            self.assertFalse(seen["pinned"])
            self.assertEqual(len(channel.call()), 2 * CALLS)
        finally:
            on_node("umount", "/sys/fs/bpf")
            on_node("umount", there)
        kubectl("rollout", "restart", AGENT, "--namespace", SPACE)
        rollout("daemonset", "wirespan-agent", SPACE)

    def test_30_what_a_switch_takes_away_is_not_left_and_the_paths_are_lost_with_it(self):
        """Which also says that the tests before test something."""
        channel = self.open()
        self.addCleanup(install)
        with watched() as seen:
            install("--set", "agent.handover=false")
        # By the DaemonSet's template, or because the right to ask for it went first.
        self.assertRegex(seen["said"], "nothing is left for the next agent: .*(agents take nothing over|answered 403)")
        self.assertFalse(seen["pinned"])
        names = {(name, incomplete) for _, name, incomplete in channel.call()}
        self.assertNotIn(METHOD, {name for name, _ in names})
        self.assertEqual({incomplete for _, incomplete in names}, {"hpack"})

    def test_80_uninstalling_leaves_nothing(self):
        self.open()
        with watched() as seen:
            helm("uninstall", "wirespan", "--namespace", SPACE, "--wait", "--timeout", "200s")
        # Helm removes the right to ask right after the DaemonSet.
        self.assertRegex(seen["said"], "nothing is left for the next agent: .*(wirespan-agent is gone|answered 40[13])")
        self.assertFalse(seen["pinned"])

    def test_90_nor_does_removing_the_namespace(self):
        """Whose pods may go before their DaemonSet does."""
        install()
        with watched() as seen:
            kubectl("delete", "namespace", SPACE, "--timeout=120s", timeout=150)
        self.assertRegex(seen["said"], "nothing is left for the next agent: .*(is being deleted with its namespace|wirespan-agent is gone|answered 40[13])")
        self.assertFalse(seen["pinned"])
        kubectl("delete", "clusterrole,clusterrolebinding", "--selector=app.kubernetes.io/instance=wirespan")


if __name__ == "__main__":
    unittest.main(failfast=False)
