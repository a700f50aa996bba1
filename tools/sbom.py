#!/usr/bin/env python3
"""Prints what a package holds as CycloneDX: the programs, and each bundled library with the Debian package that it is of.

    tools/sbom.py FOLDER VERSION [SYSROOT]      FOLDER has the programs, and lib/ below it; SYSROOT: of tools/cross, where the libraries are from
"""

import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys


def of_sysroot(sysroot):
    """Library -> name and version, by the list that tools/cross wrote."""
    found = {}
    for line in (pathlib.Path(sysroot) / "packages.tsv").read_text(encoding="utf-8").splitlines():
        path, package, version = line.split("\t")
        found[pathlib.Path(path).name] = package, version
    return lambda library: found.get(library) or found.get((pathlib.Path(sysroot) / "lib/aarch64-linux-gnu" / library).resolve().name) or (library, "unknown")


def owner(library):
    """Name and version of the Debian package of a library, by its name in the loader's folders."""
    for place in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/lib"):
        file = pathlib.Path(place) / library
        if not file.exists():
            continue
        for name in (file, file.resolve()):
            for path in (str(name), str(name).removeprefix("/usr"), "/usr" + str(name)):
                found = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False)
                if found.returncode == 0:
                    package = found.stdout.split(":")[0]
                    shown = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True, check=True)
                    return package, shown.stdout.split("\n")[0]
    return library, "unknown"


def component(path, name, version, **more):
    return {"type": "library", "name": name, "version": version,
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
            "properties": [{"name": "file", "value": path.name}], **more}


def main(folder, version, owner_of):
    parts = [component(p, p.name, version, type="application", licenses=[{"license": {"id": "Apache-2.0"}}])
             for p in sorted(folder.glob("wirespan-*"))]
    for path in sorted((folder / "lib").iterdir()):
        package, of = owner_of(path.name)
        parts.append(component(path, package, of, purl=f"pkg:deb/debian/{package}@{of}"))
    moment = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    json.dump({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
               "metadata": {"timestamp": moment.isoformat().replace("+00:00", "Z"),
                            "component": {"type": "application", "name": "wirespan", "version": version}},
               "components": parts}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2], of_sysroot(sys.argv[3]) if sys.argv[3:] and sys.argv[3] else owner)
