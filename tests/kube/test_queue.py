"""Gateways with a queue on disk on the cluster: what they acknowledged while the backend was away survives that they are killed, and waits on their
claims for a replica that is taken away."""

import json
import os
import pathlib
import shutil
import signal
import time
import unittest

from cluster import WORK, get, helm, kubectl, metric, page, pods, rollout, wait_for
from release import REQUESTS, SPACE, acknowledged, agent_page, ask, install, prepare, spans_of

REPLICAS = 2
GATEWAY = "wirespan-gateway"


def setUpModule():  # noqa: N802
    prepare()
    unittest.addModuleCleanup(tidy)
    for number in range(REPLICAS):
        folder, name = WORK / f"queue-{number}", f"queue-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        os.chown(folder, 65532, 65532)
        kubectl("delete", "pv", name, "--ignore-not-found")
        # Smaller than the store's, so that each claim finds its own.
        kubectl("apply", "-f", "-", stdin=json.dumps({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {"capacity": {"storage": "200Mi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
                     "storageClassName": "by-hand", "hostPath": {"path": str(folder)}}}))
    put_in()


def tidy():
    helm("uninstall", "wirespan", "--namespace", SPACE, "--ignore-not-found", "--wait")
    kubectl("delete", "pvc", "--all", "--namespace", SPACE)
    kubectl("delete", "pv", *(f"queue-{number}" for number in range(REPLICAS)))


def put_in(replicas=REPLICAS):
    install("--set", f"gateway.queue.durable=true,gateway.queue.size=200Mi,gateway.replicaCount={replicas}",
            gateway=f"statefulset/{GATEWAY}")


def process_of(container):
    """Of the machine: the one in the container's control group."""
    for file in pathlib.Path("/sys/fs/cgroup").glob(f"**/kubepods/**/{container}/cgroup.procs"):
        if processes := file.read_text().split():
            return int(processes[0])
    raise AssertionError(f"no process in {container}")


def sink(replicas):
    kubectl("scale", "deployment/sink", "--namespace", "sink", f"--replicas={replicas}")
    rollout("deployment", "sink", "sink")


def queued():
    """What waits for the sink, of each gateway."""
    return {p["metadata"]["name"]: metric(page(p["status"]["podIP"] + ":8888"), "otelcol_exporter_queue_size", exporter="otlp/sink")
            for p in pods(SPACE, "gateway")}


def restarts():
    return sum(c["restartCount"] for p in pods(SPACE, "gateway") for c in p["status"]["containerStatuses"])


class Queue(unittest.TestCase):
    """Methods run in the order of their names."""

    def acknowledged_while_away(self, path):
        before = acknowledged()
        ask(path)
        wait_for("the gateways to take it all", lambda: acknowledged() - before >= 6 * REQUESTS)
        wait_for("what the agent holds", lambda: metric(agent_page(), "wirespan_export_held_spans") == 0)
        self.assertEqual(len(spans_of(path)), 0)

    def test_10_killed_with_a_full_queue(self):
        sink(0)
        self.acknowledged_while_away("/kept")
        self.assertGreater(sum(queued().values()), 0)
        before = restarts()
        for pod in pods(SPACE, "gateway"):
            container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
            os.kill(process_of(container), signal.SIGKILL)
        wait_for("other processes", lambda: restarts() >= before + REPLICAS)
        rollout("statefulset", GATEWAY, SPACE)
        sink(1)
        wait_for("every span", lambda: len(spans_of("/kept")) == 6 * REQUESTS)

    def test_20_what_a_removed_replica_holds_waits_for_it(self):
        sink(0)
        # In several requests of the agent's, which go to one gateway and the other in turn.
        sent = 0
        for _ in range(8):
            sent += ask("/waiting", 10)
            time.sleep(0.5)
        self.assertGreater(min(queued().values()), 0)
        wait_for("what the agent holds", lambda: metric(agent_page(), "wirespan_export_held_spans") == 0)
        put_in(replicas=1)
        # Gone, not only going: while it drains it would deliver.
        wait_for("one gateway", lambda: len(get("pods", "--selector=app.kubernetes.io/component=gateway", namespace=SPACE)["items"]) == 1)
        sink(1)
        wait_for("an empty queue", lambda: list(queued().values()) == [0])
        arrived = wait_for("what the other one held", lambda: len(spans_of("/waiting")))
        self.assertLess(arrived, 6 * sent)
        put_in()
        wait_for("every span", lambda: len(spans_of("/waiting")) == 6 * sent)

    def test_90_uninstalling_leaves_the_claims(self):
        helm("uninstall", "wirespan", "--namespace", SPACE, "--wait", "--timeout", "200s")
        claims = [c["metadata"]["name"] for c in get("pvc", namespace=SPACE)["items"]]
        self.assertEqual(sorted(claims), ["data-wirespan-backend-0", f"queue-{GATEWAY}-0", f"queue-{GATEWAY}-1"])


if __name__ == "__main__":
    unittest.main()
