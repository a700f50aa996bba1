"""podman and podman-compose, in mount and network namespaces of their own: nothing of the machine's containers, addresses and ports is touched.
Images come from no registry: ours, and others of programs that are on this machine, under the names that compose.yaml has."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from charts import ROOT, TOOLS

LOCK = pathlib.Path(__file__).with_name("podman_compose.txt")
PROJECT = "wirespan-test"

# Runs without a systemd, and where no limit can be raised.
SETTINGS = """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[network]
network_backend = "netavark"
"""
STORAGE = """
[storage]
driver = "vfs"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""
# Names of other hosts end at once: nobody is there to ask.
ENTER = """
set -e
ip link set lo up
mkdir -p /run/containers /run/netns
mount -t tmpfs none /run/containers
mount -t tmpfs none /run/netns
mount --bind "$1" /etc/resolv.conf
echo ready
exec sleep infinity
"""


def compose_program():
    venv = TOOLS / "podman-compose"
    done = venv / "done"
    if not done.exists() or done.read_text() != LOCK.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--system-site-packages", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", LOCK], check=True)
        done.write_text(LOCK.read_text())
    return venv / "bin" / "podman-compose"


class Engine:
    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="wirespan-engine-")
        self.folder = pathlib.Path(self.temporary.name)
        for name, text in (("containers.conf", SETTINGS), ("storage.conf", STORAGE.format(folder=self.folder)), ("resolv.conf", "nameserver 127.0.0.1\n")):
            (self.folder / name).write_text(text)
        self.compose_program = compose_program()
        self.environment = os.environ | {"CONTAINERS_CONF": str(self.folder / "containers.conf"), "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
                                         "WIRESPAN_DASHBOARDS": str(self.folder / "dashboards")}
        (self.folder / "dashboards").mkdir()
        self.namespaces = subprocess.Popen(["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", ENTER, "sh",
                                            self.folder / "resolv.conf"], stdout=subprocess.PIPE, text=True)
        if self.namespaces.stdout.readline() != "ready\n":
            raise AssertionError("no namespaces to run containers in")

    def inside(self, *command, check=True, **more):
        result = subprocess.run(["nsenter", "-t", str(self.namespaces.pid), "-m", "-n", "--wd=" + str(ROOT / "deploy" / "compose"), *map(str, command)],
                                capture_output=True, text=True, check=False, env=self.environment, timeout=300, **more)
        if check and result.returncode:
            raise AssertionError(f"{command}\n{result.stdout[-2000:]}{result.stderr[-4000:]}")
        return result

    def podman(self, *arguments, **more):
        return self.inside("podman", *arguments, **more).stdout.strip()

    def compose(self, *arguments):
        return self.inside(self.compose_program, "-p", PROJECT, "-f", "compose.yaml", "-f", "podman.yaml", *arguments)

    def load_ours(self):
        subprocess.run([ROOT / "tools" / "images", self.folder / "images"], check=True, capture_output=True, env=os.environ | {"IMAGE_PREFIX": "localhost/"})
        for archive in sorted((self.folder / "images").glob("*.tar")):
            self.podman("load", "--quiet", "--input", archive)

    def import_program(self, name, program, *changes, writable=()):
        """An image of one program and the libraries that the loader finds for it."""
        root = self.folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        for folder in ("bin", "etc", "tmp", *writable):
            (root / folder).mkdir(parents=True)
        for folder in ("tmp", *writable):
            (root / folder).chmod(0o1777)
        shutil.copy(program, root / "bin")
        said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        for library in [word for word in said.split() if word.startswith("/")]:
            (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.realpath(library), root / library[1:])
        subprocess.run(["tar", "-C", root, "-cf", self.folder / "root.tar", "."], check=True)
        self.podman("import", "--quiet", *(f"--change={one}" for one in changes), self.folder / "root.tar", name)

    def container(self, service):
        names = self.podman("ps", "--all", "--filter", f"label=com.docker.compose.service={service}", "--format", "{{.Names}}").split()
        return names[0] if names else None

    def close(self):
        for name in self.podman("ps", "--all", "--quiet", check=False).split():
            self.podman("rm", "--force", "--time", "1", name, check=False)
        ours = os.readlink(f"/proc/{self.namespaces.pid}/ns/mnt")
        for process in pathlib.Path("/proc").glob("[0-9]*"):  # the names' server, and what watches containers
            try:
                if os.readlink(process / "ns/mnt") == ours and int(process.name) != self.namespaces.pid:
                    os.kill(int(process.name), 15)
            except (OSError, ProcessLookupError):
                continue
        time.sleep(0.5)
        self.namespaces.kill()
        self.namespaces.wait()
        self.temporary.cleanup()
