"""Real servers, each with its own log as ground truth. All answer the paths of programs/server.go unless said."""

import json
import os
import shutil
import subprocess
import sys

from stack import ROOT, listens, wait_for

PROGRAMS = ROOT / "tests" / "integration" / "programs"
CACHE = ROOT / "build" / "integration"


def go_program(name):
    """programs/NAME.go as a program in the build folder."""
    out, source = CACHE / f"go-{name}", PROGRAMS / f"{name}.go"
    if not out.exists() or out.stat().st_mtime < source.stat().st_mtime:
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["go", "build", "-o", out, source], check=True, env={**os.environ, "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"})
    return out


def python_with_packages():
    """A virtual environment of the build folder, filled from the lock file."""
    venv = CACHE / "venv"
    lock = ROOT / "tests" / "integration" / "requirements.txt"
    stamp = venv / "ready"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "-q", "install", "-r", lock], check=True)
        stamp.write_text(lock.read_text())
    return venv / "bin" / "python"


class Server:
    """`log()` gives what the server itself says it answered: dicts of method, target, status [, ms, bytes]."""

    name = ""

    def __init__(self, stack, env=None):
        self.stack, self.port, self.env = stack, stack.port(), env or {}
        self.log_path = stack.folder / f"{self.name}-{self.port}-truth.log"
        self.child = self.start()
        wait_for(f"{self.name} to listen", lambda: stack._alive(self.child) and listens(self.port), 60)

    def url(self, target):
        return f"http://127.0.0.1:{self.port}{target}"

    def log(self):
        if not self.log_path.exists():
            return []
        return [json.loads(line) for line in self.log_path.read_text().splitlines() if line]


class Go(Server):
    name = "go"

    @staticmethod
    def binary():
        return go_program("server")

    def start(self):
        return self.stack.run("go-server", [self.binary(), f"127.0.0.1:{self.port}", self.log_path], env=self.env)


class Node(Server):
    name = "node"

    def start(self):
        return self.stack.run("node-server", ["node", PROGRAMS / "server.mjs", f"127.0.0.1:{self.port}", self.log_path], env=self.env)


class Python(Server):
    name = "python"

    def start(self):
        return self.stack.run("python-server", [sys.executable, PROGRAMS / "server.py", self.port, self.log_path], env=self.env)


class Java(Server):
    name = "java"

    def start(self):
        return self.stack.run("java-server", ["java", "-Xmx256m", "-XX:+UseSerialGC", PROGRAMS / "Server.java", self.port, self.log_path], env=self.env)


class Nginx(Server):
    """Static files, and itself as a proxy: /files/*, /status/N (some), access log with its own time and sizes."""

    name = "nginx"
    workers = 2
    sendfile = "on"
    listen = ""
    extra = ""

    def start(self):
        folder = self.stack.folder / f"nginx-{self.port}"
        (folder / "www").mkdir(parents=True)
        (folder / "www" / "small.html").write_bytes(b"s" * 615)
        (folder / "www" / "large.bin").write_bytes(os.urandom(1 << 20) * 5)
        config = folder / "nginx.conf"
        config.write_text(f"""
daemon off; worker_processes {self.workers}; error_log {folder}/error.log; pid {folder}/pid;
events {{ worker_connections 4096; }}
http {{
  log_format truth escape=json '{{"method":"$request_method","target":"$request_uri","status":$status,'
                   '"ms":"$request_time","bytes":$body_bytes_sent}}';
  access_log {self.log_path} truth;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  sendfile {self.sendfile}; keepalive_requests 1000000; client_max_body_size 16m; chunked_transfer_encoding on;
  server {{
    listen 127.0.0.1:{self.port} backlog=4096 {self.listen}; root {folder}/www;
    location /status/404 {{ return 404; }}
    location /status/503 {{ return 503; }}
    location /status/204 {{ return 204; }}
    location /text {{ return 200 "hello"; }}
    {self.extra}
  }}
}}
""")
        return self.stack.run("nginx", [shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", config])


    def timed_log(self):
        """With request_time, which has a resolution of 1 ms, as a number."""
        return [{**line, "ms": float(line["ms"]) * 1000} for line in self.log()]


class NginxOneWorker(Nginx):
    name = "nginx-one"
    workers = 1


class NginxNoSendfile(Nginx):
    name = "nginx-nosendfile"
    sendfile = "off"


class Apache(Server):
    """Static files and 404s; its own log through a custom format."""

    name = "apache"
    extra = ""

    def start(self):
        folder = self.stack.folder / f"apache-{self.port}"
        (folder / "www").mkdir(parents=True)
        (folder / "www" / "small.html").write_bytes(b"a" * 700)
        modules = "/usr/lib/apache2/modules"
        config = folder / "apache.conf"
        config.write_text(f"""
ServerRoot {folder}
PidFile {folder}/pid
Listen 127.0.0.1:{self.port}
ServerName localhost
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
{self.extra}
DocumentRoot {folder}/www
ErrorLog {folder}/error.log
MaxKeepAliveRequests 0
LogFormat "{{\\"method\\":\\"%m\\",\\"target\\":\\"%U%q\\",\\"status\\":%>s,\\"bytes\\":%B}}" truth
CustomLog {self.log_path} truth
User www-data
Group www-data
""")
        return self.stack.run("apache", ["/usr/sbin/apache2", "-f", config, "-DFOREGROUND"])


class Uvicorn(Server):
    name = "uvicorn"

    def start(self):
        return self.stack.run("uvicorn", [python_with_packages(), "-m", "uvicorn", "--port", self.port, "--log-level", "error",
                                          "--app-dir", PROGRAMS, "asgi:app"], env={"TRUTH_LOG": str(self.log_path)})


class Gunicorn(Server):
    """Two worker processes that share the listener."""

    name = "gunicorn"

    def start(self):
        return self.stack.run("gunicorn", [python_with_packages(), "-m", "gunicorn", "--workers", 2, "--worker-class", "gthread", "--threads", 4,
                                           "--keep-alive", 30, "--bind", f"127.0.0.1:{self.port}", "--chdir", PROGRAMS, "wsgi:app"],
                              env={"TRUTH_LOG": str(self.log_path)})


class ConnectProxy(Apache):
    """mod_proxy_connect: CONNECT to any port of this machine."""

    name = "apache-connect"
    extra = """LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_connect_module /usr/lib/apache2/modules/mod_proxy_connect.so
ProxyRequests On
AllowCONNECT 1-65535"""


class Haproxy(Server):
    """Passes everything to one server (a port or an address), behind a PROXY preamble where `send` says so. `splices`: bodies go
    from socket to socket by way of a pipe."""

    name = "haproxy"

    def __init__(self, stack, server, send="", mode="http", splices=False):
        self.server, self.send, self.mode = server if isinstance(server, str) else f"127.0.0.1:{server}", send, mode
        self.splices = "option splice-request\n  option splice-response" if splices else ""
        super().__init__(stack)

    def start(self):
        config = self.stack.folder / f"haproxy-{self.port}.cfg"
        config.write_text(f"""
defaults
  mode {self.mode}
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  {self.splices}
listen truth
  bind 127.0.0.1:{self.port}
  server one {self.server} {self.send}
""")
        return self.stack.run(f"haproxy-{self.port}", ["/usr/sbin/haproxy", "-db", "-f", config])


class Interleave(Server):
    name = "interleave"

    def start(self):
        return self.stack.run("interleave", [sys.executable, PROGRAMS / "interleave.py", self.port])


class CallsAsync(Server):
    name = "calls-async"

    def start(self):
        return self.stack.run("calls-async", [sys.executable, PROGRAMS / "calls_async.py", self.port, self.env["BACKGROUND_URL"]])


class Odd(Server):
    """programs/odd.py: interim answers, upgrades, bodies that end with the connection."""

    name = "odd"

    def start(self):
        return self.stack.run("odd-server", [sys.executable, PROGRAMS / "odd.py", self.port, self.log_path])


class InstrumentedPython(Server):
    """The SDK is set up in code and tells its spans to the stack's gateway."""

    name = "instrumented-python"

    def start(self):
        return self.stack.run(self.name, [python_with_packages(), PROGRAMS / "instrumented" / "service.py", self.port,
                                          f"http://127.0.0.1:{self.stack.otlp_http}", self.env.get("DELAY_MS", 500)])


class InstrumentedGo(Server):
    name = "instrumented-go"

    @staticmethod
    def binary():
        out, folder = CACHE / "go-instrumented", PROGRAMS / "instrumented" / "go"
        if not out.exists() or out.stat().st_mtime < max(f.stat().st_mtime for f in folder.iterdir()):
            CACHE.mkdir(parents=True, exist_ok=True)
            subprocess.run(["go", "build", "-mod=readonly", "-o", out, "."], cwd=folder, check=True, env={**os.environ, "CGO_ENABLED": "0"})
        return out

    def start(self):
        return self.stack.run(self.name, [self.binary(), f"127.0.0.1:{self.port}", f"http://127.0.0.1:{self.stack.otlp_http}"])


class InstrumentedJava(Server):
    """com.sun.net.httpserver under OpenTelemetry's Java agent."""

    name = "instrumented-java"
    agent = "io.opentelemetry.javaagent:opentelemetry-javaagent:2.20.1"

    @classmethod
    def jar(cls):
        group, name, version = cls.agent.split(":")
        out = CACHE / f"{name}-{version}.jar"
        if not out.exists():
            subprocess.run(["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy", f"-Dartifact={cls.agent}",
                            f"-DoutputDirectory={CACHE}"], check=True)
        return out

    def start(self):
        env = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "OTEL_BSP_SCHEDULE_DELAY": "500", "OTEL_SERVICE_NAME": self.name,
               "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.stack.otlp_http}"}
        return self.stack.run(self.name, ["java", "-Xmx384m", "-XX:+UseSerialGC", f"-javaagent:{self.jar()}", PROGRAMS / "Server.java", self.port,
                                          self.log_path], env=env)
