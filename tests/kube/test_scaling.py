"""The chart's autoscaler on the cluster, asked by the real controller: the gateway's own CPU and then its queue scale it out, the new replicas
get their share from an agent that was there before them, and scaling in loses nothing."""

import json
import threading
import time
import unittest

from cluster import get, kubectl, metric, page, pods, rollout, wait_for
from metrics_api import QUEUE, Metrics
from release import SPACE, acknowledged, agent_page, ask, install, prepare, spans_of

LEAST, MOST = 1, 3
GATEWAY = "wirespan-gateway"
# As fast as the controller looks, so that a test ends; people leave it as it is.
BEHAVIOR = {"scaleUp": {"stabilizationWindowSeconds": 0}, "scaleDown": {"stabilizationWindowSeconds": 10, "policies": [
    {"type": "Pods", "value": 1, "periodSeconds": 5}]}}


def setUpModule():  # noqa: N802
    prepare()
    metrics = Metrics()
    unittest.addModuleCleanup(metrics.close)


def scaled(*more, **metric_of):
    scaling = {"enabled": True, "minReplicas": LEAST, "maxReplicas": MOST, "behavior": BEHAVIOR, **metric_of}
    install("--set-json", f"gateway.autoscaling={json.dumps(scaling)}", *more)


def scaler():
    return get("hpa", GATEWAY, namespace=SPACE)["status"]


def taken():
    """Spans that each gateway has had, by the pod's name."""
    return {p["metadata"]["name"]: metric(page(p["status"]["podIP"] + ":8888"), "otelcol_receiver_accepted_spans_total") for p in pods(SPACE, "gateway")}


def growing():
    before = taken()
    time.sleep(2)
    return [name for name, count in taken().items() if count > before.get(name, count)]


class Shopping:
    """Requests one after the other until it is told to end, by one path; `pause` seconds between a few of them."""

    def __init__(self, path, at_once, pause=0.0):
        self.path, self.at_once, self.pause, self.sent, self.ended = path, at_once, pause, 0, threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.shop)
        self.thread.start()

    def shop(self):
        try:
            while not self.ended.wait(self.pause):
                self.sent += ask(self.path, self.at_once)
        except AssertionError as failure:
            self.failure = failure

    def end(self):
        self.ended.set()
        self.thread.join()
        if self.failure:
            raise self.failure
        return self.sent


class Scaling(unittest.TestCase):
    """Methods run in the order of their names."""

    def all_arrived(self, sent):
        """{path: requests}: all that is known of each is at the end, nothing was dropped on the way, nothing came twice under another id."""
        wait_for("what the agent holds", lambda: metric(agent_page(), "wirespan_export_held_spans") == 0)
        self.assertEqual(metric(agent_page(), "wirespan_export_spans_total", result="dropped"), 0)
        for path, count in sent.items():
            wait_for(f"the spans of {count} requests", lambda path=path, count=count: len(spans_of(path)) == 6 * count, interval=5)

    def test_10_load_scales_out_and_calm_scales_in(self):
        scaled(targetCPUUtilizationPercentage=100)
        wait_for("the metric", lambda: scaler().get("currentMetrics"))
        self.assertEqual(scaler()["currentReplicas"], LEAST)
        before = acknowledged()

        load = Shopping("/load", 500)
        try:
            wait_for("more replicas", lambda: scaler()["currentReplicas"] > LEAST, seconds=180)
            told = json.dumps(scaler()["currentMetrics"])
            rollout("deployment", GATEWAY, SPACE)
            # The agent's connections are older than the new replicas.
            wait_for("all of them to get spans", lambda: len(growing()) == len(pods(SPACE, "gateway")) > LEAST)
        finally:
            sent = load.end()
        print(f"scaled to {scaler()['currentReplicas']} after {told}; {sent} requests")
        self.assertIn("SuccessfulRescale", kubectl("get", "events", "--namespace", SPACE, "--output",
                                                   "jsonpath={.items[*].reason}").stdout)

        calm = Shopping("/calm", 20, pause=0.5)
        try:
            wait_for("fewer replicas", lambda: len(pods(SPACE, "gateway")) == LEAST, seconds=180)
        finally:
            few = calm.end()
        self.assertGreater(few, 50)
        self.all_arrived({"/load": sent, "/calm": few})
        self.assertGreaterEqual(acknowledged() - before, 6 * (sent + few))

    def test_20_a_queue_that_fills_scales_out(self):
        # Ten requests fill it, while the sink is away; senders that wait for the sink's own answer would not be queued but refused.
        queue = {"queue_size": 10, "wait_for_result": False}
        scaled("--set-json", f"gateway.config.exporters.otlp/sink.sending_queue={json.dumps(queue)}", targetCPUUtilizationPercentage=0,
               queueMetric=QUEUE, queueTarget="500m")
        wait_for("the metric", lambda: scaler().get("currentMetrics"))
        self.assertEqual([m["pods"]["metric"]["name"] for m in scaler()["currentMetrics"]], [QUEUE])
        kubectl("scale", "deployment/sink", "--namespace", "sink", "--replicas=0")
        load = Shopping("/queued", 20, pause=0.3)
        try:
            wait_for("more replicas", lambda: scaler()["currentReplicas"] > LEAST, seconds=120)
            told = json.dumps(scaler()["currentMetrics"])
        finally:
            sent = load.end()
            kubectl("scale", "deployment/sink", "--namespace", "sink", "--replicas=1")
            rollout("deployment", "sink", "sink")
        print(f"scaled to {scaler()['currentReplicas']} after {told}; {sent} requests")
        wait_for("fewer replicas", lambda: len(pods(SPACE, "gateway")) == LEAST, seconds=180)
        self.all_arrived({"/queued": sent})


if __name__ == "__main__":
    unittest.main()
