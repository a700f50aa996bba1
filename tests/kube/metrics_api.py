"""What an autoscaler asks of a cluster's metrics-server and of an adapter for other metrics (metrics.k8s.io, custom.metrics.k8s.io), served
from the real thing: CPU and memory of each container by its control group, as a kubelet counts them, and how full a gateway's queues are by
the gateway's own page."""

import ctypes
import http.server
import json
import pathlib
import re
import socket
import ssl
import threading
import time
import urllib.parse

from cluster import WORK, get, kubectl, page

CORE, OWN = "/apis/metrics.k8s.io/v1beta1", "/apis/custom.metrics.k8s.io/v1beta2"
QUEUE = "wirespan_queue_fill"
PORT = 4443
WINDOW = 10  # seconds that a rate is taken over
GROUPS = [pathlib.Path("/sys/fs/cgroup") / where / "kubepods" for where in ("cpuacct", "memory", ".")]
NODE = "192.168.77.1"


class Usage:
    """CPU seconds of every container, looked at each second: {container: [(when, seconds)]}."""

    def __init__(self):
        self.samples, self.lock, self.ended = {}, threading.Lock(), threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.ended.wait(1):
            now, found = time.time(), {}
            for file, unit in (("cpuacct.usage", 1e9), ("cpu.stat", 1e6)):  # control groups of version 1; 2
                for path in [p for group in GROUPS for p in group.glob(f"**/pod*/*/{file}")]:
                    try:
                        found.setdefault(path.parent.name, int(re.search(r"(?:usage_usec )?(\d+)", path.read_text()).group(1)) / unit)
                    except (OSError, AttributeError):
                        continue  # just ended
            with self.lock:
                self.samples = {name: [*[s for s in self.samples.get(name, []) if s[0] > now - WINDOW], (now, seconds)]
                                for name, seconds in found.items()}

    def cores(self, container):
        """None while there is not half a window of it."""
        with self.lock:
            samples = self.samples.get(container, [])
        if len(samples) < 2 or samples[-1][0] - samples[0][0] < WINDOW / 2:
            return None
        return (samples[-1][1] - samples[0][1]) / (samples[-1][0] - samples[0][0])


def resident(container):
    """Bytes, without what the kernel would give back first."""
    for path in [p for group in GROUPS for p in group.glob(f"**/pod*/{container}/memory.stat")]:
        inactive = int(re.search(r"(?:total_)?inactive_file (\d+)", path.read_text()).group(1))
        for name in ("memory.usage_in_bytes", "memory.current"):
            if (path.parent / name).exists():
                return max(0, int((path.parent / name).read_text()) - inactive)
    return 0


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def core_metrics(pods, usage):
    for pod in pods:
        containers = []
        for status in pod["status"].get("containerStatuses", []):
            container = status.get("containerID", "").rpartition("/")[2]
            cores = usage.cores(container)
            if cores is not None:
                containers.append({"name": status["name"], "usage": {"cpu": f"{int(cores * 1e9)}n", "memory": f"{resident(container)}"}})
        if containers and len(containers) == len(pod["spec"]["containers"]):
            yield {"metadata": {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}, "timestamp": stamp(time.time()),
                   "window": f"{WINDOW}s", "containers": containers}


def queue_fills(pods):
    """The fullest of each gateway's queues, 0 to 1, in thousandths."""
    for pod in pods:
        try:
            text = page(f"{pod['status'].get('podIP')}:8888")
        except AssertionError:
            continue  # not yet, or no more
        found = {}
        for name, labels, value in re.findall(r"^otelcol_exporter_queue_(size|capacity)\{(.*?)\} (\S+)$", text, re.M):
            found.setdefault(labels, {})[name] = float(value)
        fills = [one["size"] / one["capacity"] for one in found.values() if one.get("capacity") and "size" in one]
        if fills:
            yield {"describedObject": {"kind": "Pod", "apiVersion": "v1", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"]},
                   "metric": {"name": QUEUE}, "timestamp": stamp(time.time()), "value": f"{round(1000 * max(fills))}m"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802
        url = urllib.parse.urlparse(self.path)
        answer = self.answer(urllib.parse.unquote(url.path), dict(urllib.parse.parse_qsl(url.query)))
        body = json.dumps(answer or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}).encode()
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, path, query):
        resources = {CORE: {"name": "pods", "kind": "PodMetrics"}, OWN: {"name": f"pods/{QUEUE}", "kind": "MetricValueList"}}
        if path in resources:
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": path.removeprefix("/apis/"),
                    "resources": [resources[path] | {"singularName": "", "namespaced": True, "verbs": ["get", "list"]}]}
        wanted = re.fullmatch(rf"({CORE}|{OWN})/namespaces/([a-z0-9-]+)/pods(/\*/{QUEUE})?", path)
        if not wanted or (wanted[1] == OWN) != bool(wanted[3]):
            return None
        pods = get("pods", f"--selector={query.get('labelSelector', '')}", namespace=wanted[2])["items"]
        running = [p for p in pods if p["status"].get("phase") == "Running" and "deletionTimestamp" not in p["metadata"]]
        items = list(queue_fills(running) if wanted[3] else core_metrics(running, self.server.usage))
        self.server.asked[path.rpartition("/")[2]] = items
        return {"kind": "MetricValueList" if wanted[3] else "PodMetricsList", "apiVersion": wanted[1].removeprefix("/apis/"), "metadata": {}, "items": items}

    def log_message(self, *_):
        pass


def objects():
    """Where the API server finds it."""
    def service(group, version):
        return {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": f"{version}.{group}"},
                "spec": {"group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": True,
                         "service": {"name": "metrics", "namespace": "kube-system"}}}
    return {"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics", "namespace": "kube-system"},
         "spec": {"ports": [{"port": 443, "targetPort": PORT}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": [{"port": PORT}],
         "metadata": {"name": "metrics-1", "namespace": "kube-system", "labels": {"kubernetes.io/service-name": "metrics"}},
         "endpoints": [{"addresses": [NODE]}]},
        service("metrics.k8s.io", "v1beta1"), service("custom.metrics.k8s.io", "v1beta2")]}


def listen_inside():
    """A socket belongs to the network of the thread that makes it; this one enters the cluster's and ends."""
    def make():
        with open(f"/proc/{(WORK / 'run' / 'namespaces.pid').read_text().strip()}/ns/net") as there:
            if ctypes.CDLL(None, use_errno=True).setns(there.fileno(), 0x40000000) == 0:
                made.append(socket.create_server((NODE, PORT)))
    made = []
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


class Metrics:
    """The server, in the cluster's network, and its registration. Nobody but the API server may ask: it shows its certificate."""

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer((NODE, PORT), Handler, bind_and_activate=False)
        self.server.socket.close()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=WORK / "pki" / "ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(WORK / "pki" / "apiserver.crt", WORK / "pki" / "apiserver.key")
        self.server.socket = context.wrap_socket(listen_inside(), server_side=True, do_handshake_on_connect=False)
        self.server.usage, self.server.asked = Usage(), {}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        kubectl("apply", "-f", "-", stdin=json.dumps(objects()))

    def close(self):
        # With its APIServices gone: while one does not answer, no namespace can be deleted.
        kubectl("delete", "-f", "-", "--ignore-not-found", stdin=json.dumps(objects()))
        self.server.shutdown()
        self.server.server_close()
        self.server.usage.ended.set()
