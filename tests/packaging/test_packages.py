"""The packages: installed, upgraded, removed and purged in a root file system older than what they were built on (glibc 2.31, as Ubuntu 20.04
has it), where the programs run with the libraries that they bring. What the scripts tell
systemd is test_booted.py's."""

import hashlib
import json
import os
import pathlib
import shutil
import tempfile
import unittest

from programs import BIN, ROOT
from roots import archive, run

SUITE = "bullseye"


def build(folder, version):
    run(ROOT / "tools" / "package", folder, env=os.environ | {"WIRESPAN_BIN": str(BIN), "WIRESPAN_VERSION": version})
    return pathlib.Path(folder)


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="wirespan-packages-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.old, cls.new = build(cls.folder / "old", "0.0.9"), build(cls.folder / "new", "0.1.0")

    def root(self):
        """A fresh old system."""
        folder = tempfile.mkdtemp(prefix="wirespan-system-")
        self.addCleanup(shutil.rmtree, folder, True)
        run("tar", "-C", folder, "-xf", archive(SUITE, "essential", "passwd"))
        os.chmod(folder, 0o755)
        return pathlib.Path(folder)

    def within(self, root, script):
        for package in (*self.old.glob("*.deb"), *self.new.glob("*.deb")):
            shutil.copy(package, root)
        return run("unshare", "--mount", "--pid", "--fork", "chroot", root, "sh", "-ec", script, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}).stdout

    def test_checksums(self):
        lines = (self.new / "SHA256SUMS").read_text().splitlines()
        self.assertEqual(len(lines), 4)
        for line in lines:
            digest, name = line.split()
            self.assertEqual(hashlib.sha256((self.new / name).read_bytes()).hexdigest(), digest)

    def test_the_list_of_parts_names_every_library(self):
        parts = json.loads(next(self.new.glob("*.cdx.json")).read_text())
        self.assertEqual((parts["bomFormat"], parts["specVersion"]), ("CycloneDX", "1.5"))
        files = {p["properties"][0]["value"]: p for p in parts["components"]}
        packed = run("tar", "-tzf", next(self.new.glob("*.tar.gz"))).stdout.split()
        self.assertEqual({pathlib.Path(p).name for p in packed if p.startswith("./usr/lib/wirespan/") and not p.endswith("/")}, set(files))
        self.assertEqual([n for n, p in files.items() if p["version"] == "unknown"], [])
        self.assertIn("libc.so.6", files)

    def test_deb_life(self):
        root = self.root()
        said = self.within(root, """
            ldd --version | head -1
            dpkg -i /wirespan_0.0.9_*.deb >/dev/null
            wirespan-gateway --version; wirespan-agent --version
            wirespan-gateway validate && wirespan-agent validate /etc/wirespan/agent.yaml
            getent passwd wirespan
            stat -c '%a %U %G' /etc/wirespan /etc/wirespan/agent.yaml
            echo '# mine' >>/etc/otel/config.yaml
            dpkg -i /wirespan_0.1.0_*.deb >/dev/null
            tail -n 1 /etc/otel/config.yaml
            dpkg -r wirespan >/dev/null
            ls /etc/otel /etc/wirespan; ls /usr/lib/wirespan 2>/dev/null || echo gone
            dpkg -P wirespan >/dev/null
            ls -d /etc/otel /etc/wirespan 2>/dev/null || echo purged
            getent passwd wirespan || echo 'no account'
            """).splitlines()
        self.assertIn("2.31", said[0])
        self.assertRegex(said[1], r"^wirespan-gateway \d")
        self.assertRegex(said[2], r"^wirespan-agent \d")
        self.assertIn("/etc/wirespan/agent.yaml: valid", said[3])
        self.assertRegex(said[4], "^wirespan:")
        self.assertEqual(said[5:7], ["750 root wirespan", "640 root wirespan"])
        self.assertEqual(said[7], "# mine")
        self.assertEqual(said[8:], ["/etc/otel:", "config.yaml", "", "/etc/wirespan:", "agent.yaml", "gone", "purged", "no account"])

    def test_rpm_life(self):
        root = self.root()
        rpm = ["rpm", "--root", root, "--nodeps", "--dbpath", "/var/lib/rpm"]
        run(*rpm, "-i", next(self.old.glob("*.rpm")))
        self.assertRegex(self.within(root, "wirespan-gateway --version"), r"^wirespan-gateway \d")
        with open(root / "etc/otel/config.yaml", "a", encoding="utf-8") as file:
            file.write("# mine\n")
        run(*rpm, "-U", next(self.new.glob("*.rpm")))
        self.assertIn("# mine", (root / "etc/otel/config.yaml").read_text())
        self.assertTrue((root / "usr/bin/wirespan-agent").is_symlink())
        run(*rpm, "-e", "wirespan")
        self.assertFalse((root / "usr/lib/wirespan").exists())
        self.assertIn("# mine", (root / "etc/otel/config.yaml.rpmsave").read_text())

    def test_the_archive_is_unpacked_and_runs(self):
        root = self.root()
        run("tar", "-C", root, "-xzf", next(self.new.glob("*.tar.gz")))
        self.assertRegex(self.within(root, "wirespan-gateway --version; wirespan-gateway validate"), r"^wirespan-gateway \d")

    def test_the_files_that_the_unit_names_are_there(self):
        listed = {line.split()[-1].lstrip(".") for line in run("dpkg-deb", "-c", next(self.new.glob("*.deb"))).stdout.splitlines()}
        self.assertLessEqual({"/etc/wirespan/agent.yaml", "/etc/otel/config.yaml", "/usr/lib/systemd/system/wirespan-agent.service",
                              "/usr/lib/systemd/system/wirespan-gateway.service", "/usr/lib/sysusers.d/wirespan.conf",
                              "/usr/lib/tmpfiles.d/wirespan.conf"}, listed)


if __name__ == "__main__":
    unittest.main()
