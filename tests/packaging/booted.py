"""A Debian system with a real systemd as PID 1, in namespaces of its own: mounts, processes, hosts' names, network, and a branch of the cgroup2
tree. It needs root and a kernel, no container engine and no image registry; packages come from the mirror that this machine uses."""

import pathlib
import shutil
import subprocess
import tempfile
import time

from roots import archive, run

PACKAGES = "systemd,systemd-sysv,dbus,passwd,procps,curl,rpm"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Becomes PID 1. pivot_root and not chroot, because services get mounts of their own.
BOOT = r"""
set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
pivot_root . mnt
umount -l /mnt
exec env -i container=wirespan PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=journal </dev/null >/dev/null 2>&1
"""


def cgroup2():
    mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    return next(pathlib.Path(place) for _, place, kind, *_ in mounts if kind == "cgroup2")


class Booted:
    """with Booted("bookworm") as system: system.run("systemctl ...")"""

    def __init__(self, suite):
        self.suite = suite

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wirespan-booted-"))
        self.root = self.folder / "root"
        self.root.mkdir()
        run("tar", "-C", self.root, "-xf", archive(self.suite, "minbase", PACKAGES))
        self.root.chmod(0o755)
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        (self.root / "etc/machine-id").write_text("")
        self.cgroup = cgroup2() / self.folder.name
        self.cgroup.mkdir()
        enter = 'echo $$ >"$1/cgroup.procs"; exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child bash -c "$2" boot "$3"'
        self.outer = subprocess.Popen(["bash", "-c", enter, "enter", self.cgroup, BOOT, self.root])
        try:
            self.init = self.wait("PID 1", self.find_init)
            self.wait("systemd", lambda: self.run("systemctl is-system-running", check=False).strip() in ("running", "degraded"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def find_init(self):
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        if children and pathlib.Path(f"/proc/{children[0]}/comm").read_text().strip() == "systemd":
            run("nsenter", "-t", children[0], "-n", "ip", "link", "set", "lo", "up")
            return children[0]
        return None

    @staticmethod
    def wait(what, condition, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.2)
        raise AssertionError(f"{what}: not within {seconds} s")

    def run(self, script, check=True):
        """What a shell in it said."""
        return run("nsenter", "-t", self.init, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "env", "-i", f"PATH={PATH}", "sh", "-ec", script,
                   check=check).stdout

    def show(self, unit, name):
        return self.run(f"systemctl show --value -p {name} {unit}").strip()

    def journal(self, unit):
        return self.run(f"journalctl --no-pager -o cat -u {unit}")

    def files(self):
        """Everything in it, but what the system itself writes as it goes."""
        own = ("/proc", "/sys", "/dev", "/tmp", "/run/systemd", "/run/log", "/var/log", "/var/cache", "/var/lib/dpkg", "/var/lib/systemd")
        prune = " -o ".join(f"-path {p}" for p in own)
        return set(self.run(f"find / \\( {prune} \\) -prune -o -print").splitlines())

    def __exit__(self, *_):
        self.outer.kill()  # PID 1 goes with it, and all the others with that
        self.outer.wait()
        end = time.monotonic() + 20
        while time.monotonic() < end and "populated 1" in (self.cgroup / "cgroup.events").read_text():
            time.sleep(0.1)
        for folder in sorted(self.cgroup.rglob("*"), reverse=True):
            if folder.is_dir():
                folder.rmdir()
        self.cgroup.rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)
