"""Renders the chart, by the helm of tools/deploy-tools."""

import functools
import os
import pathlib
import shutil
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("WIRESPAN_BIN", ROOT / "build" / "bin"))
TOOLS = pathlib.Path(os.environ.get("WIRESPAN_TOOLS", ROOT / "build" / "tools"))
EXAMPLES = ROOT / "helm" / "wirespan" / "examples"
KUBERNETES = "1.34.0"


@functools.cache
def tools():
    """The folder of the tools, made if need be."""
    subprocess.run([ROOT / "tools" / "deploy-tools"], check=True)
    return TOOLS


@functools.cache
def chart():
    """The chart as it is installed, with its alerts and dashboards."""
    folder = tempfile.TemporaryDirectory(prefix="wirespan-chart-")
    _KEPT.append(folder)
    target = pathlib.Path(folder.name) / "wirespan"
    subprocess.run([ROOT / "tools" / "chart", target], check=True)
    return target


_KEPT = []  # folders that go with the process


def helm(*arguments, program="helm", home=None):
    """Runs it with a home of its own: no plug-ins and repositories of whoever runs the test."""
    home = home or tempfile.mkdtemp(prefix="wirespan-helm-")
    env = {"PATH": os.environ["PATH"], "HOME": home}
    try:
        return subprocess.run([tools() / program, *map(str, arguments)], capture_output=True, text=True, env=env, check=False)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def template(values=None, *more, program="helm", namespace="observability", version=KUBERNETES):
    """The text that it renders to. `values`: a dictionary or a file."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        if not isinstance(values, pathlib.Path):
            yaml.safe_dump(values or {}, file)
            file.flush()
            values = file.name
        return helm("template", "wirespan", chart(), "--namespace", namespace, "--kube-version", version, "--values", values, *more, program=program)


def objects(text):
    return [document for document in yaml.safe_load_all(text) if document]


def rendered(values=None, **more):
    """The objects by (kind, name)."""
    result = template(values, **more)
    if result.returncode:
        raise AssertionError(result.stderr)
    return {(one["kind"], one["metadata"]["name"]): one for one in objects(result.stdout)}


def pod_of(workload):
    return workload["spec"]["template"]["spec"]
