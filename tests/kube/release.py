"""The chart as a release on the cluster: put in, asked by way of the shop, and what of that has arrived."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from cluster import HERE, ROOT, WORK, Arrived, helm, kubectl, metric, page, pods, rollout, run

SPACE = "telemetry"
REQUESTS = 40
SPANS = WORK / "spans"
STORE = WORK / "store"
CHART = WORK / "chart"
ARRIVED = Arrived(SPANS)
PINS = pathlib.Path("/sys/fs/bpf/wirespan/438ecc2b38c76878")  # of agents with the chart's control.socket: its XXH3
RUN = os.urandom(4).hex()  # in every path: a cluster that was kept has spans of runs before


def install(*more, values=HERE / "values.yaml", gateway="deployment/wirespan-gateway", backend="wirespan-backend"):
    helm("upgrade", "--install", "wirespan", CHART, "--namespace", SPACE, "--reset-values", "--values", values,
         "--wait", "--timeout", "300s", *more)
    rollout("daemonset", "wirespan-agent", SPACE)
    rollout(*gateway.split("/"), SPACE)
    rollout("statefulset", backend, SPACE)


def ask(path, count=REQUESTS):
    """Requests from the shop's own pod through its ClusterIP; all of them are answered."""
    answered = kubectl("exec", "--namespace", "shop", "deployment/shop", "--", "/sample", "ask", f"http://shop.shop:8080/{RUN}{path}", count).stdout
    assert int(answered) == count, answered
    return count


def spans_of(path):
    return ARRIVED.of_path(f"/{RUN}{path}")


def agent_page():
    return page(pods(SPACE, "agent")[0]["status"]["podIP"] + ":8890")


def acknowledged():
    return int(metric(agent_page(), "wirespan_export_spans_total", result="acknowledged"))


def claim_a_volume():
    """A volume for whoever claims one, which is the store; a new one for each run."""
    helm("uninstall", "wirespan", "--namespace", SPACE, "--ignore-not-found", "--wait")
    kubectl("delete", "pvc", "--all", "--namespace", SPACE)
    kubectl("delete", "pv", "store", "--ignore-not-found")
    shutil.rmtree(STORE, ignore_errors=True)
    STORE.mkdir()
    os.chown(STORE, 65532, 65532)
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "store"},
              "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "by-hand",
                       "hostPath": {"path": str(STORE)}}}
    kubectl("apply", "-f", "-", stdin=json.dumps(volume))


def stored(services=("shop", "orders", "stock"), path="/seen"):
    """The spans of a path at the backend, whichever it is. A hop is a trace of its own, unless the agent found what it was done for: the sample
    passes no context on."""
    backend = pods(SPACE, "backend")[0]["status"]["podIP"]
    found = {}
    for service in services:
        answer = json.loads(page(f"{backend}:16686", f"/api/traces?service={service}&limit=1000&lookback=1h"))
        for span in (span for trace in answer.get("data") or [] for span in trace["spans"]):
            if any(f"/{RUN}{path}" in str(tag["value"]) for tag in span["tags"]):
                found[span["spanID"]] = span
    return list(found.values())


@functools.cache
def images():
    """Our images and the sample's."""
    subprocess.run([ROOT / "tools" / "deploy-tools"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        run("env", "IMAGE_TAG=test", "IMAGE_PREFIX=localhost/", ROOT / "tools" / "images", folder)
        for program in ("wirespan-agent", "wirespan-gateway"):
            run(HERE / "image", pathlib.Path(folder) / f"{program}.tar")
    run(HERE / "image", "sample:1", WORK / "bin" / "sample")
    run(ROOT / "tools" / "chart", CHART)


def prepare():
    """Images, the shop and what takes its spans, and a volume; nothing of ours is installed."""
    images()
    kubectl("apply", "-f", "-", stdin=(HERE / "shop.yaml").read_text().replace("SPANS", str(SPANS)))
    kubectl("create", "namespace", SPACE, check=False)
    claim_a_volume()
    for name, space in (("shop", "shop"), ("orders", "shop"), ("stock", "shop"), ("sink", "sink")):
        rollout("deployment", name, space)
