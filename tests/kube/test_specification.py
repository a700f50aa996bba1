"""A Collector's ConfigMap as it is (helm/wirespan/examples/specification) on the cluster: otel-gateway reads it, agents reach it by that name, and
Jaeger has what the shop did by Jaeger's own protocol on port 14250. Elasticsearch, which three replicas of Jaeger would share there, is not here:
one replica, in memory."""

import pathlib
import sys
import tempfile
import unittest

import yaml

from cluster import HERE, ROOT, get, helm, kubectl, page, pods, rollout, run, wait_for
from release import REQUESTS, SPACE, ask, install, prepare, stored

sys.path.insert(0, str(ROOT / "tests" / "integration" / "truth"))
from backends import jaeger_binary  # noqa: E402

EXAMPLE = yaml.safe_load((ROOT / "helm" / "wirespan" / "examples" / "specification" / "values.yaml").read_text())
SMALL = yaml.safe_load((HERE / "values.yaml").read_text())
GATEWAY, BACKEND = EXAMPLE["gateway"]["fullnameOverride"], EXAMPLE["backend"]["fullnameOverride"]


def values():
    """The example's, with this cluster's images and sizes."""
    sizes = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}}
    image = {"repository": "localhost/jaeger", "tag": "1", "pullPolicy": "Never"}
    return EXAMPLE | {
        "agent": {key: SMALL["agent"][key] for key in ("image", "resources", "config", "maxTracesPerSecond")},
        "gateway": EXAMPLE["gateway"] | {key: SMALL["gateway"][key] for key in ("image", "resources")},
        "backend": {"fullnameOverride": BACKEND, "image": image, "resources": sizes, "storage": {"type": "memory"}},
        "tests": SMALL["tests"]}


def setUpModule():  # noqa: N802
    prepare()
    run(HERE / "image", "jaeger:1", pathlib.Path(jaeger_binary()))
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values(), file)
        file.flush()
        install(values=file.name, gateway=f"deployment/{GATEWAY}", backend=BACKEND)
    unittest.addModuleCleanup(helm, "uninstall", "wirespan", "--namespace", SPACE, "--wait")


class Specification(unittest.TestCase):
    def test_10_the_file_is_the_collectors(self):
        data = get("configmap", "otel-gateway-config", namespace=SPACE)["data"]
        self.assertEqual(data, EXAMPLE["extraManifests"][0]["data"])
        self.assertEqual(list(yaml.safe_load(data["config.yaml"])["exporters"].items()), [("jaeger", {"endpoint": "jaeger:14250"})])
        self.assertEqual(len(pods(SPACE, "gateway")), 3)

    def test_20_jaeger_has_every_span(self):
        ask("/seen")
        wait_for("every span", lambda: len(stored()) == 6 * REQUESTS)

    def test_30_also_through_a_rollout(self):
        kubectl("rollout", "restart", f"deployment/{GATEWAY}", "--namespace", SPACE)
        ask("/rolled")
        rollout("deployment", GATEWAY, SPACE)
        ask("/rolled")
        wait_for("every span", lambda: len(stored(path="/rolled")) == 12 * REQUESTS)

    def test_40_programs_reach_it_by_its_name(self):
        helm("test", "wirespan", "--namespace", SPACE)
        self.assertIn("otelcol_receiver_accepted_spans_total", page(pods(SPACE, "gateway")[0]["status"]["podIP"] + ":8888"))


if __name__ == "__main__":
    unittest.main()
