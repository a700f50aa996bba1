"""Root file systems of Debian's suites, made once, from the mirror that this machine uses."""

import os
import subprocess

from programs import ROOT

CACHE = ROOT / "build" / "integration"


def run(*command, check=True, **more):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **more)
    if check and result.returncode:
        raise AssertionError(f"{command}\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
    return result


def mirror():
    sites = run("apt-get", "indextargets", "--format", "$(SITE)", "Origin: Debian", "Created-By: Packages").stdout.splitlines()
    return next(s for s in sites if "security" not in s)


def archive(suite, variant, packages):
    """A tar of the suite's packages of that variant of mmdebstrap, and those named."""
    name = CACHE / f"{suite}-{variant}.tar"
    if not name.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        run("mmdebstrap", f"--variant={variant}", "--mode=root", f"--include={packages}", "--aptopt=Acquire::Check-Valid-Until \"false\"",
            "--format=tar", suite, f"{name}.part", mirror())
        os.replace(f"{name}.part", name)
    return name
