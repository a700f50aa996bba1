"""Starts the gateway's image the way a platform would: its command, environment and user, a root file system that cannot be written to, and
a network of its own, so that the ports are the real ones."""

import os
import pathlib
import subprocess
import tempfile
import time

from charts import BIN, ROOT
from test_images import Image

# In namespaces of its own: the image's root, read-only but for the folders that the platform gives it.
ENTER = """
set -e
ip link set lo up
mount --bind "$1" "$1"
for folder in $2; do mkdir -p "$1$folder"; done
mount -o remount,ro,bind "$1"
for folder in $2; do mount -t tmpfs -o mode=1777 none "$1$folder"; done
user=$3 root=$1
shift 3
exec chroot --userspec="$user" "$root" "$@"
"""


class Platform:
    def __init__(self, command, environment, writable=()):
        self.folder = tempfile.TemporaryDirectory(prefix="wirespan-platform-")
        root = pathlib.Path(self.folder.name) / "root"
        root.mkdir(mode=0o755)
        subprocess.run([ROOT / "tools" / "images", self.folder.name], check=True, capture_output=True)
        image = Image(pathlib.Path(self.folder.name) / "wirespan-gateway.tar")
        image.unpack(root)
        env = dict(entry.split("=", 1) for entry in image.config["Env"]) | environment
        self.log = open(pathlib.Path(self.folder.name) / "log", "w+b")
        self.process = subprocess.Popen(["unshare", "--mount", "--net", "sh", "-c", ENTER, "sh", root, " ".join(writable), image.config["User"],
                                         *(command or image.config["Entrypoint"])], env=env | {"PATH": os.environ["PATH"]},
                                        stdout=self.log, stderr=self.log)
        self.wait_for_network()

    def wait_for_network(self):
        """Until the child has left this process's network: entered earlier, it would be this one."""
        own = os.readlink("/proc/self/ns/net")
        while self.process.poll() is None and os.readlink(f"/proc/{self.process.pid}/ns/net") == own:
            time.sleep(0.01)

    def text(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def inside(self, *command):
        """Exit code and output of a command in the same network."""
        result = subprocess.run(["nsenter", "-t", str(self.process.pid), "-n", *map(str, command)], capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr

    def probe(self, *arguments):
        return self.inside(BIN / "wirespan-gateway", "probe", "--retry-seconds", "60", *arguments)

    def stop(self):
        """Seconds from SIGTERM to the end, and the exit code."""
        begun = time.monotonic()
        self.process.terminate()
        code = self.process.wait(120)
        return time.monotonic() - begun, code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()
