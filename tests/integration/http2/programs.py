"""The programs of programs/http2 (truth.md there), built on first use into build/integration, as servers and clients of a Stack."""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "truth"))

from stack import ROOT, listens, wait_for  # noqa: E402

SOURCES = ROOT / "tests" / "integration" / "programs" / "http2"
CACHE = ROOT / "build" / "integration"
SERVICE = "wirespan.test.Truth"


def built(out, folder, build):
    """`out`, made by build(out) where it was not finished after the newest file of `folder`."""
    ready = out.with_name(out.name + ".ready")
    newest = max(f.stat().st_mtime for f in folder.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    if not ready.exists() or ready.stat().st_mtime < newest:
        CACHE.mkdir(parents=True, exist_ok=True)
        if out.is_dir():
            shutil.rmtree(out)
        build(out)
        ready.touch()
    return out


def quietly(command, **more):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stdout[-3000:]}")


class Go:
    name = "go"

    @staticmethod
    def program():
        folder = SOURCES / "go"
        return built(CACHE / "http2-go", folder, lambda out: quietly(["go", "build", "-mod=readonly", "-o", out, "."], cwd=folder,
                                                                     env={**os.environ, "CGO_ENABLED": "0"}))

    @classmethod
    def server(cls):
        return [cls.program(), "grpc-serve"]

    @classmethod
    def client(cls):
        return [cls.program(), "grpc-call"]


class Cpp:
    name = "cpp"

    @staticmethod
    def program(name):
        folder = SOURCES / "cpp"

        def build(out):
            flags = subprocess.run(["pkg-config", "--cflags", "--libs", "grpc++"], check=True, capture_output=True, text=True).stdout.split()
            quietly(["g++", "-std=c++20", "-O2", folder / f"{name}.cc", "-o", out, *flags])
        return built(CACHE / f"http2-cpp-{name}", folder, build)

    @classmethod
    def server(cls):
        return [cls.program("server")]

    @classmethod
    def client(cls):
        return [cls.program("client")]


class Python:
    name = "python"

    @staticmethod
    def interpreter():
        def build(out):
            quietly([sys.executable, "-m", "venv", out])
            quietly([out / "bin" / "pip", "-q", "install", "--require-hashes", "-r", SOURCES / "python" / "requirements.txt"])
        return built(CACHE / "http2-venv", SOURCES / "python", build) / "bin" / "python"

    @classmethod
    def server(cls):
        return [cls.interpreter(), "-B", SOURCES / "python" / "server.py"]

    @classmethod
    def client(cls):
        return [cls.interpreter(), "-B", SOURCES / "python" / "client.py"]


class Node:
    name = "node"

    @staticmethod
    def folder():
        """A copy of the sources, with node_modules beside them."""
        def build(out):
            shutil.copytree(SOURCES / "node", out)
            quietly(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=out)
        return built(CACHE / "http2-node", SOURCES / "node", build)

    @classmethod
    def server(cls):
        return ["node", cls.folder() / "server.mjs"]

    @classmethod
    def client(cls):
        return ["node", cls.folder() / "client.mjs"]


class Java:
    name = "java"

    @staticmethod
    def classpath():
        folder = SOURCES / "java"

        def build(out):
            quietly(["mvn", "-q", "-B", "-f", folder / "pom.xml", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
                     "-DincludeScope=runtime", f"-DoutputDirectory={out / 'jars'}"])
            quietly(["javac", "-nowarn", "-cp", f"{out / 'jars'}/*", "-d", out / "classes", *(folder / "src").glob("*.java")])
        out = built(CACHE / "http2-java", folder, build)
        return f"{out / 'classes'}:{out / 'jars'}/*"

    @classmethod
    def command(cls, main):
        return ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", cls.classpath(), main]

    @classmethod
    def server(cls):
        return cls.command("Server")

    @classmethod
    def client(cls):
        return cls.command("Client")


class Plain:
    """HTTP without gRPC, by Go's x/net: prior knowledge, Upgrade, and HTTP/1.1."""

    name = "plain"

    @classmethod
    def server(cls):
        return [Go.program(), "serve"]

    @classmethod
    def client(cls):
        return [Go.program(), "call"]


QUICK = (Go, Cpp, Python)
SLOW = (Node, Java)


def needs(*programs):
    """Skips a class of tests where a program that fetches packages is not installed (tools/packages.sh asks for none: they take long)."""
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


def words_of(options):
    return [f"{name}={value}" for name, value in options.items()]


class Logged:
    def log(self):
        """Whole lines only."""
        if not self.log_path.exists():
            return []
        return [json.loads(line) for line in self.log_path.read_text().splitlines(True) if line.endswith("\n")]


class Server(Logged):
    count = itertools.count()

    def __init__(self, stack, language, **options):
        self.language, self.port = language, stack.port()
        name = f"{language.name}-server-{next(Server.count)}"
        self.log_path = stack.folder / f"{name}-truth.log"
        self.child = stack.run(name, [*language.server(), self.port, self.log_path, *words_of(options)])
        self.pid = self.child.pid
        wait_for(f"the {language.name} server to listen", lambda: stack._alive(self.child) and listens(self.port), 60)


class Client(Logged):
    """Driven by commands; ids are unique in this test run."""

    ids = itertools.count(1)
    count = itertools.count()

    def __init__(self, stack, language, port, **options):
        self.language, self.stack = language, stack
        name = f"{language.name}-client-{next(Client.count)}"
        self.log_path = stack.folder / f"{name}-truth.log"
        self.child = stack.run(name, [*language.client(), port, self.log_path, *words_of(options)], driven=True)
        self.pid = self.child.pid

    def start(self, **words):
        """Gives the command and doesn't wait. `reply` may be a dict."""
        reply = words.pop("reply", None)
        if isinstance(reply, dict):
            words["reply"] = ",".join(f"{key}={value}" for key, value in reply.items())
        elif reply:
            words["reply"] = reply
        count = words.setdefault("count", 1)
        if "first" not in words:
            words["first"] = next(Client.ids)
            for _ in range(count - 1):
                next(Client.ids)
        self.tell(" ".join(f"{key}={value}" for key, value in words.items()))
        return range(words["first"], words["first"] + count)

    def tell(self, line):
        self.stack._alive(self.child)
        self.child.process.stdin.write(line.encode() + b"\n")
        self.child.process.stdin.flush()

    def wait(self):
        """How many calls of the oldest command that nobody waited for were good."""
        line = self.child.process.stdout.readline().split()
        if line[:1] != [b"done"]:
            raise AssertionError(f"{self.child.name} ended with {self.child.process.wait(10)}: {self.child.text()[-2000:]}")
        return int(line[2])

    def run(self, **words):
        ids = self.start(**words)
        self.wait()
        return ids

    def close(self):
        """No more commands: it closes its channel and ends."""
        self.child.process.stdin.close()
        return self.child.process.wait(20)
