"""k8sattributes of the release gateway, against an API server that this file pretends to be: 10,000 pods, addresses that are reused, refusals."""

import base64
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

for folder in ("truth", "overload"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / folder))

from support import Gateway  # noqa: E402
from stack import free_port, wait_for  # noqa: E402

PODS = 10_000
MOST_MIB = 100


def pod(number, version="1", address=None, start="2026-01-01T00:00:00Z", **more):
    """With what a real one has beside what is wanted: about 4 kB."""
    name = f"cart-{number // 100}-6d5f7c9b8-{number:05d}"
    return {
        "metadata": {
            "name": name, "namespace": f"team-{number % 50}", "uid": f"00000000-0000-0000-0000-{number:012d}", "resourceVersion": version,
            "creationTimestamp": start, "labels": {"app.kubernetes.io/name": "cart", "pod-template-hash": "6d5f7c9b8", "tier": "front", "x": "y" * 40},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "z" * 1500, "checksum/config": "c" * 64},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"cart-{number // 100}-6d5f7c9b8",
                                 "uid": f"11111111-0000-0000-0000-{number // 100:012d}", "controller": True}],
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:metadata": {"f:labels": {"a" * 20: {}}}}}]},
        "spec": {"nodeName": f"node-{number % 100}", "containers": [
            {"name": "app", "image": "registry.example:5000/shop/cart:1.4", "env": [{"name": "E" * 20, "value": "v" * 200}]},
            {"name": "proxy", "image": "registry.example:5000/mesh/proxy:2"}]},
        "status": {"phase": "Running", "podIP": address or f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
                   "startTime": start, "containerStatuses": [
                       {"name": "app", "containerID": f"containerd://{number:064x}", "ready": True},
                       {"name": "proxy", "containerID": f"containerd://{number + 1_000_000:064x}", "ready": True}]} | more}


class ApiServer:
    def __init__(self, folder):
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                        "-subj", "/CN=kubernetes", "-addext", "subjectAltName=DNS:kubernetes"], check=True, capture_output=True)
        self.status, self.items, self.requests, self.watches = 200, [], [], []
        self.others = {}  # path -> items of a list there
        self.accepted, self.authorization = {}, None  # path -> Accept; the last one
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):  # noqa: N802
                outer.requests.append((self.command, self.path))
                path = self.path.split("?")[0]
                outer.accepted[path] = self.headers["Accept"]
                outer.authorization = self.headers["Authorization"]
                if outer.status != 200:
                    return self.answer(outer.status, b'{"kind":"Status","message":"no"}')
                if "watch=1" not in self.path:
                    items = outer.others.get(path, outer.items if path.endswith("/pods") else [])
                    return self.answer(200, json.dumps({"kind": "PodList", "metadata": {"resourceVersion": "100"}, "items": items}).encode())
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                if path.endswith("/pods"):
                    outer.watches.append(self)
                while not outer.ended.wait(0.1):
                    pass
                return None

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def tell(self, event):
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                self.wfile.flush()

        self.ended = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.certificate = certificate
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def tell(self, kind, one):
        wait_for("a watch", lambda: self.watches)
        self.watches[-1].tell({"type": kind, "object": one})

    def close(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()


class Watched(Gateway):
    """A gateway with the processor that finds the API server where a pod would."""

    def __init__(self, folder, api, settings):
        self.out = folder / "out.json"
        super().__init__(folder, f'  file: {{path: "{self.out}"}}', pipeline="processors: [k8sattributes], exporters: [file]",
                         more=f"processors: {{k8sattributes: {settings}}}",
                         env={"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api)})

    def send(self, resource, span=None, start_s=None):
        """The attributes of the resource and the span that came out."""
        def pairs(values):
            return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]
        start = int((start_s or time.time()) * 1e9)
        request = {"resourceSpans": [{"resource": {"attributes": pairs(resource)}, "scopeSpans": [{"spans": [{
            "traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "get", "kind": 2, "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + 1), "attributes": pairs(span or {})}]}]}]}
        lines = len(self.out.read_text().splitlines()) if self.out.exists() else 0
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.http}/v1/traces", json.dumps(request).encode(),
                                                      {"content-type": "application/json"}), timeout=20).read()
        text = wait_for("what came out", lambda: self.out.exists() and self.out.read_text().splitlines()[lines:])
        spans = json.loads(text[0])["resourceSpans"][0]

        def values(holder):
            return {one["key"]: one["value"]["stringValue"] for one in holder.get("attributes", [])}
        return values(spans["resource"]), values(spans["scopeSpans"][0]["spans"][0])


class K8sAttributes(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wirespan-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.api = ApiServer(self.folder)
        self.addCleanup(self.api.close)

    def gateway(self, settings, port=None, wait=True):
        gateway = Watched(self.folder, port or self.api.port, settings)
        self.addCleanup(gateway.end)
        return gateway.start(wait)

    def known(self, gateway):
        return gateway.metric("wirespan_kube_pods")

    def test_ten_thousand_pods(self):
        gateway = self.gateway("{auth_type: none, extract: {peers: true, labels: [{key: tier, tag_name: tier}]}}")
        wait_for("an empty list", lambda: gateway.metric("wirespan_kube_current") == 1)
        before = gateway.rss_mib()
        gateway.end()
        self.api.items = [pod(number) for number in range(PODS)]
        gateway = self.gateway("{auth_type: none, extract: {peers: true, labels: [{key: tier, tag_name: tier}]}}")
        wait_for("all pods", lambda: self.known(gateway) == PODS, 120)
        grown = gateway.rss_mib() - before
        print(f"{PODS} pods: {grown:.0f} MiB more than none")
        self.assertLess(grown, MOST_MIB)
        resource, span = gateway.send({"k8s.pod.ip": "10.0.39.15", "service.name": "mine"}, {"network.peer.address": "10.0.0.7"})
        self.assertEqual(resource, {"k8s.pod.ip": "10.0.39.15", "service.name": "mine", "k8s.namespace.name": "team-49", "tier": "front",
                                    "k8s.pod.name": "cart-99-6d5f7c9b8-09999", "k8s.pod.uid": "00000000-0000-0000-0000-000000009999",
                                    "k8s.pod.start_time": "2026-01-01T00:00:00Z", "k8s.deployment.name": "cart-99", "k8s.node.name": "node-99"})
        self.assertEqual(span, {"network.peer.address": "10.0.0.7", "wirespan.peer.k8s.namespace.name": "team-7",
                                "wirespan.peer.k8s.pod.name": "cart-0-6d5f7c9b8-00007", "wirespan.peer.k8s.deployment.name": "cart-0"})
        # One list and one watch, whatever comes through.
        self.assertEqual(len([path for _, path in self.api.requests if "watch=1" in path]), 2)
        self.assertEqual({method for method, _ in self.api.requests}, {"GET"})

    def test_an_address_that_changes_hands(self):
        self.api.items = [pod(1, address="10.9.9.9")]
        gateway = self.gateway("{auth_type: none, extract: {peers: true}, wait_for_metadata: true}")
        before = time.time()
        self.api.tell("DELETED", pod(1, version="101", address="10.9.9.9"))
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        self.api.tell("ADDED", pod(2, version="102", address="10.9.9.9", start=now))
        wait_for("both", lambda: self.known(gateway) == 2)

        def peer(at):
            return gateway.send({}, {"network.peer.address": "10.9.9.9"}, at)[1].get("wirespan.peer.k8s.pod.name")
        self.assertEqual(peer(before - 1), "cart-0-6d5f7c9b8-00001")
        self.assertEqual(peer(before + 10), "cart-0-6d5f7c9b8-00002")
        self.assertEqual(gateway.send({"k8s.pod.ip": "10.9.9.9"})[0]["k8s.pod.name"], "cart-0-6d5f7c9b8-00002")

    def test_filters_are_the_api_servers(self):
        self.api.items = [pod(1)]
        self.gateway("{auth_type: none, wait_for_metadata: true, filter: {namespace: shop, node: n1, labels: [{key: a, value: b}]}}")
        path = self.api.requests[0][1]
        self.assertTrue(path.startswith("/api/v1/namespaces/shop/pods?"), path)
        self.assertIn("fieldSelector=spec.nodeName%3Dn1", path)
        self.assertIn("labelSelector=a%3Db", path)

    def test_what_is_around_pods_is_watched_where_it_is_asked_for(self):
        self.api.items = [pod(1)]
        self.api.others = {
            "/api/v1/namespaces": [{"metadata": {"name": "team-1", "uid": "ns-1", "labels": {"cost": "7"}}}, {"metadata": {"name": "kube-system", "uid": "cl"}}],
            "/api/v1/nodes": [{"metadata": {"name": "node-1", "uid": "no-1", "annotations": {"rack": "r4"}}}],
            "/apis/apps/v1/replicasets": [{"metadata": {"name": "cart-0-6d5f7c9b8", "uid": f"11111111-0000-0000-0000-{0:012d}", "ownerReferences": [
                {"kind": "Deployment", "name": "cart-0", "uid": "de-1", "controller": True}]}}]}
        gateway = self.gateway("{auth_type: none, wait_for_metadata: true, extract: {metadata: [k8s.cluster.uid, k8s.node.uid, k8s.deployment.uid], "
                     "labels: [{key: cost, from: namespace}], annotations: [{key: rack, tag_name: rack, from: node}]}}")
        found = gateway.send({"k8s.pod.ip": "10.0.0.1"})[0]
        self.assertEqual(found, {"k8s.pod.ip": "10.0.0.1", "k8s.cluster.uid": "cl", "k8s.node.uid": "no-1", "k8s.deployment.uid": "de-1",
                                 "k8s.namespace.labels.cost": "7", "rack": "r4"})
        asked = {path.split("?")[0] for _, path in self.api.requests}
        self.assertEqual(asked, {"/api/v1/pods", *self.api.others})
        for path in self.api.others:  # not their specifications and status
            self.assertIn("PartialObjectMetadata", self.api.accepted[path])
        self.assertEqual(self.api.accepted["/api/v1/pods"], "application/json")

    def test_kubeconfig(self):
        self.api.items = [pod(1)]
        (self.folder / "token").write_text("secret-token\n")
        (self.folder / "config").write_text(f"""
current-context: other
contexts: [{{name: here, context: {{cluster: c, user: u}}}}]
clusters:
- {{name: c, cluster: {{server: "https://127.0.0.1:{self.api.port}", tls-server-name: kubernetes,
   certificate-authority-data: {base64.b64encode(self.api.certificate.read_bytes()).decode()}}}}}
users: [{{name: u, user: {{tokenFile: token}}}}]
""")
        os.environ["KUBECONFIG"] = str(self.folder / "config")
        self.addCleanup(os.environ.pop, "KUBECONFIG")
        gateway = self.gateway("{auth_type: kubeConfig, context: here, wait_for_metadata: true}", port=1)
        self.assertEqual(self.api.authorization, "Bearer secret-token")
        self.assertEqual(gateway.send({"k8s.pod.ip": "10.0.0.1"})[0]["k8s.node.name"], "node-1")

    def test_while_the_server_refuses_telemetry_passes(self):
        self.api.status = 403
        gateway = self.gateway("{auth_type: none}")
        wait_for("the refusal", lambda: gateway.metric("wirespan_kube_errors_total", reason="forbidden") >= 1)
        self.assertEqual(gateway.send({"k8s.pod.ip": "10.0.0.1"})[0], {"k8s.pod.ip": "10.0.0.1"})
        self.assertIn("403", gateway.text())
        self.api.items, self.api.status = [pod(1)], 200
        wait_for("its pods", lambda: self.known(gateway) == 1, 60)
        self.assertEqual(gateway.send({"k8s.pod.ip": "10.0.0.1"})[0]["k8s.node.name"], "node-1")

    def test_who_waits_for_pods_does_not_start_without(self):
        gateway = self.gateway("{auth_type: none, wait_for_metadata: true, wait_for_metadata_timeout: 300ms}", port=free_port(), wait=False)
        gateway.process.wait(60)
        self.assertNotEqual(gateway.process.returncode, 0)
        self.assertIn("processor k8sattributes: no pods after 300 ms", gateway.text())

    def test_outside_of_a_pod_it_says_so(self):
        gateway = Gateway(self.folder, "  debug:", pipeline="processors: [k8sattributes], exporters: [debug]", more="processors: {k8sattributes: }")
        gateway.start(wait=False)
        gateway.process.wait(60)
        self.assertNotEqual(gateway.process.returncode, 0)
        self.assertIn("processor k8sattributes: the API server is not known: KUBERNETES_SERVICE_HOST", gateway.text())


if __name__ == "__main__":
    unittest.main()
