"""The packages and units under a real systemd: what an installation starts (nothing), what notify, reload and the watchdog do, an upgrade under
way, removal and purge that leave nothing, and the scores that `systemd-analyze security` gives the units there."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from booted import Booted
from programs import BIN, ROOT

UNITS = ("wirespan-agent", "wirespan-gateway")
SUITES = os.environ.get("WIRESPAN_SYSTEMD_SUITES", "bullseye bookworm trixie").split()  # systemd 247, 252, 257


def build(folder, version):
    subprocess.run([ROOT / "tools" / "package", folder], env=os.environ | {"WIRESPAN_BIN": str(BIN), "WIRESPAN_VERSION": version}, check=True,
                   stdout=subprocess.DEVNULL)
    return pathlib.Path(folder)


class Lives(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="wirespan-packages-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.old, cls.new = build(cls.folder / "old", "0.0.9"), build(cls.folder / "new", "0.1.0")

    def boot(self, suite, kind):
        """A system with both versions of a package in /opt."""
        system = Booted(suite).__enter__()
        self.addCleanup(system.__exit__)
        for package in (*self.old.glob(f"*.{kind}"), *self.new.glob(f"*.{kind}")):
            shutil.copy(package, system.root / "opt")
        return system

    def states(self, system):
        return [system.show(unit, "ActiveState") for unit in UNITS]

    def pids(self, system):
        return [system.show(unit, "MainPID") for unit in UNITS]

    def starts(self, system):
        self.assertEqual(self.states(system), ["inactive", "inactive"], "an installation starts nothing")
        system.run("systemctl enable --now wirespan-gateway wirespan-agent 2>&1")
        self.assertEqual(self.states(system), ["active", "active"], system.journal("wirespan-*"))
        # Type=notify: the programs' own words.
        self.assertEqual([system.show(unit, "StatusText") for unit in UNITS], ["observing", "taking telemetry"])
        self.assertIn("200", system.run("curl -s -o /dev/null -w '%{http_code}' http://localhost:13133/"))
        users = system.run("ps -o user= -p " + ",".join(self.pids(system))).split()
        self.assertNotIn("root", users)

    def reloads(self, system):
        before = self.pids(system)
        for unit in UNITS:
            system.run(f"systemctl reload {unit}")
            system.wait(f"{unit}'s reload", lambda u=unit: re.search("new configuration|configuration .*in force|reload", system.journal(u)))
        self.assertEqual(self.pids(system), before)
        self.assertEqual(self.states(system), ["active", "active"])

    def is_watched(self, system):
        """A program that stands still is ended and started again."""
        for unit in UNITS:
            self.assertEqual(system.show(unit, "WatchdogUSec"), "1min")
            system.run(f"mkdir -p /run/systemd/system/{unit}.service.d; "
                       f"printf '[Service]\\nWatchdogSec=4\\nRestartSec=0\\n' > /run/systemd/system/{unit}.service.d/quick.conf")
        system.run("systemctl daemon-reload; systemctl restart wirespan-gateway wirespan-agent")
        before = self.pids(system)
        system.run("sleep 6")
        self.assertEqual(self.pids(system), before, "a program that is well is left alone")
        system.run("kill -STOP " + " ".join(before))
        for unit, old in zip(UNITS, before):
            system.wait(f"{unit} again", lambda u=unit, o=old: system.show(u, "MainPID") not in ("0", o) and system.show(u, "ActiveState") == "active")
            self.assertIn("atchdog timeout", system.journal(unit))
        system.run("rm -r /run/systemd/system/wirespan-*; systemctl daemon-reload")

    def is_upgraded(self, system, command):
        system.run("echo '# mine' >> /etc/otel/config.yaml; echo '# mine' >> /etc/wirespan/agent.yaml")
        before = self.pids(system)
        system.run(command)
        after = self.pids(system)
        self.assertFalse(set(before) & set(after), "what runs goes on as the new version")
        system.wait("both", lambda: self.states(system) == ["active", "active"])
        self.assertEqual(system.run("tail -qn 1 /etc/otel/config.yaml /etc/wirespan/agent.yaml").splitlines(), ["# mine", "# mine"])
        self.assertEqual([system.show(unit, "UnitFileState") for unit in UNITS], ["enabled", "enabled"])

    def stops(self, system):
        system.run("systemctl stop wirespan-agent wirespan-gateway")
        self.assertEqual([system.show(unit, "Result") for unit in UNITS], ["success", "success"])
        system.run("systemctl start wirespan-agent wirespan-gateway")

    def test_deb(self):
        for suite in SUITES:
            with self.subTest(suite=suite):
                system = self.boot(suite, "deb")
                before, pinned = system.files(), system.run("ls /sys/fs/bpf")
                system.run("dpkg -i /opt/wirespan_0.0.9_*.deb 2>&1")
                self.starts(system)
                self.reloads(system)
                self.stops(system)
                if suite == SUITES[0]:
                    self.is_watched(system)
                self.is_upgraded(system, "dpkg -i /opt/wirespan_0.1.0_*.deb 2>&1")
                system.run("dpkg -r wirespan 2>&1")
                self.assertEqual(self.pids(system), ["0", "0"])
                self.assertEqual(system.run("ls /etc/otel /etc/wirespan").split(), ["/etc/otel:", "config.yaml", "/etc/wirespan:", "agent.yaml"])
                self.assertEqual(system.run("ls -d /usr/lib/wirespan 2>/dev/null || true; ls /sys/fs/bpf"), pinned)
                system.run("dpkg -P wirespan 2>&1")
                self.assertEqual(system.files() - before, set(), "a purge leaves nothing")
                self.assertEqual(system.run("getent passwd wirespan || true"), "")
                self.assertEqual(system.run("systemctl list-unit-files 'wirespan*' --no-legend || true; systemctl list-units --state=failed --no-legend --plain 'wirespan*' || true"), "")

    def test_rpm(self):
        """rpm's own scripts and files. Debian's rpm knows of no package that dpkg installed, hence --nodeps."""
        system = self.boot("bookworm", "rpm")
        system.run("rpm --nodeps -i /opt/wirespan-0.0.9-1.*.rpm")
        self.starts(system)
        self.is_upgraded(system, "rpm --nodeps -U /opt/wirespan-0.1.0-1.*.rpm")
        system.run("rpm --nodeps -e wirespan")
        self.assertEqual(self.pids(system), ["0", "0"])
        # rpm knows no purge: what was changed is kept aside.
        self.assertEqual(system.run("ls /etc/otel /etc/wirespan").split(), ["/etc/otel:", "config.yaml.rpmsave", "/etc/wirespan:", "agent.yaml.rpmsave"])
        self.assertEqual(system.run("ls /usr/lib/systemd/system/wirespan* /usr/bin/wirespan* /usr/lib/wirespan 2>/dev/null || true"), "")

    def test_scores(self):
        system = self.boot(SUITES[-1], "deb")
        system.run("dpkg -i /opt/wirespan_0.1.0_*.deb 2>&1; systemctl start wirespan-agent wirespan-gateway")
        said = system.run("systemd-analyze security --no-pager")
        scores = {unit: float(re.search(rf"^{unit}\.service +([0-9.]+)", said, re.MULTILINE)[1]) for unit in UNITS}
        print(f"systemd-analyze security: {scores}")
        self.assertLessEqual(scores["wirespan-agent"], 3.5)
        self.assertLessEqual(scores["wirespan-gateway"], 1.5)


if __name__ == "__main__":
    unittest.main()
