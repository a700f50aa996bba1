"""The chart with Jaeger as its backend, which is its default: what the shop does is in Jaeger, and still there after its pod was replaced. Jaeger is
built from its sources (six minutes the first time)."""

import json
import pathlib
import sys
import unittest

from cluster import HERE, ROOT, get, kubectl, page, pods, rollout, run, wait_for
from release import REQUESTS, SPACE, ask, install, prepare, spans_of, stored

sys.path.insert(0, str(ROOT / "tests" / "integration" / "truth"))
from backends import jaeger_binary  # noqa: E402


def setUpModule():  # noqa: N802
    prepare()
    binary = pathlib.Path(jaeger_binary())
    run(HERE / "image", "jaeger:1", binary)
    image = {"repository": "localhost/jaeger", "tag": "1", "pullPolicy": "Never"}
    install("--set-json", "backend=" + json.dumps({
        "type": "jaeger", "image": image, "storage": {"size": "1Gi"},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}}}))


class Jaeger(unittest.TestCase):
    def test_10_it_has_every_span(self):
        ask("/seen")
        wait_for("every span", lambda: len(stored()) >= 6 * REQUESTS)
        wait_for("the sink's", lambda: len(spans_of("/seen")) >= 6 * REQUESTS)
        self.assertEqual({(s["traceID"], s["spanID"]) for s in stored()}, {(s["traceId"], s["spanId"]) for s in spans_of("/seen")})

    def test_20_another_pod_has_them_too(self):
        before = pods(SPACE, "backend")[0]["metadata"]["uid"]
        kubectl("delete", "pod", "wirespan-backend-0", "--namespace", SPACE)
        wait_for("another pod", lambda: [p for p in pods(SPACE, "backend") if p["metadata"]["uid"] != before])
        rollout("statefulset", "wirespan-backend", SPACE)
        wait_for("the spans of before", lambda: len(stored()) == 6 * REQUESTS)
        ask("/after")
        wait_for("those since", lambda: len(stored(path="/after")) == 6 * REQUESTS)

    def test_30_it_is_restricted(self):
        pod = get("pods", "wirespan-backend-0", namespace=SPACE)
        context = pod["spec"]["containers"][0]["securityContext"]
        self.assertEqual((context["readOnlyRootFilesystem"], context["capabilities"]["drop"]), (True, ["ALL"]))
        self.assertEqual(pod["status"]["containerStatuses"][0]["image"], "localhost/jaeger:1")
        address = pod["status"]["podIP"]
        self.assertIn("StatusOK", page(f"{address}:13133", "/status"))


if __name__ == "__main__":
    unittest.main()
