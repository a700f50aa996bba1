"""The cluster that ./up started, its helm and kubectl, and what has arrived at its end."""

import json
import os
import pathlib
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = pathlib.Path(os.environ.get("KUBE_WORK", pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / "kube"))
TOOLS = pathlib.Path(os.environ.get("WIRESPAN_TOOLS", ROOT / "build" / "tools"))


def run(*command, check=True, stdin=None, timeout=300):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, input=stdin, timeout=timeout)
    if check and result.returncode:
        raise AssertionError(f"{' '.join(map(str, command))[:300]}\n{result.stdout[-2000:]}{result.stderr[-4000:]}")
    return result


def inside(*command, **more):
    """In the cluster's network, with this machine's files."""
    pid = (WORK / "run" / "namespaces.pid").read_text().strip()
    return run("nsenter", "-t", pid, "-n", "--", *command, **more)


def kubectl(*arguments, **more):
    return run(HERE / "kubectl", *arguments, **more)


def helm(*arguments, **more):
    environment = ["env", f"KUBECONFIG={WORK}/etc/admin.conf", f"HOME={WORK}/home"]
    return inside(*environment, TOOLS / "helm", *arguments, timeout=600, **more)


def get(kind, *more, namespace=None):
    where = ["--namespace", namespace] if namespace else []
    return json.loads(kubectl("get", kind, *more, *where, "--output", "json").stdout)


def wait_for(what, condition, seconds=120, interval=0.5):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}; last: {value!r}")
        time.sleep(interval)


def rollout(kind, name, namespace, seconds=120):
    """helm --wait is content with the pods of before."""
    kubectl("rollout", "status", f"{kind}/{name}", "--namespace", namespace, f"--timeout={seconds}s", timeout=seconds + 30)


def pods(namespace, component):
    found = get("pods", f"--selector=app.kubernetes.io/component={component}", namespace=namespace)["items"]
    return [p for p in found if "deletionTimestamp" not in p["metadata"] and p["status"].get("phase") == "Running"]


def page(address, path="/metrics"):
    return inside("curl", "-sS", "--max-time", "10", f"http://{address}{path}").stdout


def metric(text, name, **labels):
    """The sum of a metric's series that have these labels."""
    total = 0.0
    for line in text.splitlines():
        if line.split("{")[0].split(" ")[0] == name and all(f'{k}="{v}"' in line for k, v in labels.items()):
            total += float(line.rsplit(" ", 1)[1])
    return total


class Arrived:
    """The spans in the files of the sink's file exporter, a folder of this machine."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def spans(self):
        """Each once, by its id, with its resource."""
        found = {}
        for file in self.folder.glob("*.json*"):
            for line in file.read_text(errors="replace").splitlines():
                try:
                    request = json.loads(line)
                except ValueError:
                    continue  # being written
                for resource in request.get("resourceSpans", []):
                    attributes = values(resource.get("resource", {}))
                    for scope in resource.get("scopeSpans", []):
                        for span in scope.get("spans", []):
                            found[span["traceId"], span["spanId"]] = span | {"resource": attributes, "attributes": values(span)}
        return list(found.values())

    def of_path(self, path):
        return [s for s in self.spans() if s["attributes"].get("url.path") == path or str(s["attributes"].get("url.full", "")).endswith(path)]


def values(holder):
    found = {}
    for one in holder.get("attributes", []):
        value = one["value"]
        found[one["key"]] = next(iter(value.values())) if value else None
    return found
