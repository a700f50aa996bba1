"""10,000 pods in a real API server (etcd and kube-apiserver, without nodes): an agent holds its own node's, the gateway all of them, by one watch
each. Both have the rights that the chart gives and no more."""

import concurrent.futures
import ctypes
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import threading
import time
import unittest

from cluster import HERE, ROOT, WORK, metric, wait_for

PODS, NODES, SPACES, SETS = 10_000, 100, 50, 100
OURS = WORK / "many"
BIN = pathlib.Path(os.environ.get("WIRESPAN_BIN", ROOT / "build" / "bin"))
ADDRESS = "192.168.77.1"  # env.sh's, which the server's certificate has
AGENT_MIB, GATEWAY_MIB = 20, 100
ROLES = {"agent": [([""], ["pods"])],
         "gateway": [([""], ["pods", "namespaces", "nodes"]), (["apps"], ["replicasets"])]}


class Server:
    """etcd and an API server in a network of their own."""

    def __init__(self):
        self.children = []
        shutil.rmtree(OURS, ignore_errors=True)
        OURS.mkdir(parents=True)
        (OURS / "bin").symlink_to(WORK / "bin")
        subprocess.run([HERE / "keys"], check=True, env=os.environ | {"KUBE_WORK": str(OURS)})
        with open(OURS / "pki" / "tokens.csv", "a", encoding="utf-8") as tokens:
            tokens.write("".join(f"{name}-token,{name},{name},\n" for name in ROLES))
        self.admin = next(line.split(",")[0] for line in (OURS / "pki" / "tokens.csv").read_text().splitlines() if ",admin," in line)
        self.net = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self.children.append(self.net)
        wait_for("the network", lambda: os.readlink(f"/proc/{self.net.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        subprocess.run(self.inside("sh", "-ec", f"ip link set lo up; ip address add {ADDRESS}/32 dev lo"), check=True)
        binaries = next((WORK / "bin").glob("v*"))
        keys = OURS / "pki"
        self.start("etcd", WORK / "bin" / "etcd", "--data-dir", OURS / "etcd", "--unsafe-no-fsync", "--log-level", "warn")
        self.start("apiserver", binaries / "kube-apiserver", "--etcd-servers", "http://127.0.0.1:2379", "--advertise-address", ADDRESS,
                   "--service-cluster-ip-range", "10.96.0.0/16", "--authorization-mode", "RBAC", "--disable-admission-plugins", "ServiceAccount",
                   "--tls-cert-file", keys / "apiserver.crt", "--tls-private-key-file", keys / "apiserver.key", "--client-ca-file", keys / "ca.crt",
                   "--token-auth-file", keys / "tokens.csv", "--service-account-issuer", "https://kubernetes.default.svc",
                   "--service-account-key-file", keys / "accounts.pub", "--service-account-signing-key-file", keys / "accounts.key",
                   "--endpoint-reconciler-type", "none", "--max-requests-inflight", "800", "--max-mutating-requests-inflight", "400")
        self.local = threading.local()
        wait_for("the API server", lambda: self.ready(), 180)

    def inside(self, *command):
        return ["nsenter", "-t", str(self.net.pid), "-n", "--", *map(str, command)]

    def start(self, name, *command, env=None):
        log = open(OURS / f"{name}.log", "ab")  # noqa: SIM115
        child = subprocess.Popen(self.inside(*command), stdout=log, stderr=log, env=env)
        log.close()
        self.children.append(child)
        return child

    def ready(self):
        try:
            return self.call("GET", "/readyz", raw=True) == b"ok"
        except (OSError, AssertionError, http.client.HTTPException):
            self.local.connection = None
            return False

    def call(self, method, path, body=None, raw=False, patch="application/merge-patch+json"):
        """One request of this thread's connection, as the administrator."""
        if getattr(self.local, "connection", None) is None:
            # Sockets stay in the network that they were made in; the thread goes back to its own.
            with open("/proc/thread-self/ns/net", encoding="utf-8") as home, open(f"/proc/{self.net.pid}/ns/net", encoding="utf-8") as there:
                setns(there.fileno())
                try:
                    context = ssl.create_default_context(cafile=str(OURS / "pki" / "ca.crt"))
                    connection = http.client.HTTPSConnection(ADDRESS, 6443, context=context, timeout=60)
                    connection.connect()
                    self.local.connection = connection
                finally:
                    setns(home.fileno())
        headers = {"Authorization": f"Bearer {self.admin}", "Content-Type": patch if method == "PATCH" else "application/json"}
        self.local.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.local.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {text[:500]}")
        return text if raw else json.loads(text)

    def watches(self, resource):
        """How many there are of it."""
        text = self.call("GET", "/metrics", raw=True).decode()
        return metric(text, "apiserver_longrunning_requests", verb="WATCH", resource=resource)

    def close(self):
        if connection := getattr(self.local, "connection", None):
            connection.close()
        for child in reversed(self.children):
            child.send_signal(signal.SIGKILL if child is self.net else signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def setns(descriptor):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def space(number):
    return f"team-{number % SPACES}"


def pod(number, sets):
    owner = number % SETS
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": f"cart-{owner}-6d5f7c9b8-{number:05d}", "namespace": space(owner),
                         "labels": {"app.kubernetes.io/name": "cart", "pod-template-hash": "6d5f7c9b8", "tier": "front", "x": "y" * 40},
                         "annotations": {"example/applied": "z" * 1500},
                         "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"cart-{owner}-6d5f7c9b8",
                                              "uid": sets[owner], "controller": True}]},
            "spec": {"nodeName": f"node-{number % NODES}", "containers": [
                {"name": "app", "image": "registry.example:5000/shop/cart:1.4", "env": [{"name": "E" * 20, "value": "v" * 200}]},
                {"name": "proxy", "image": "registry.example:5000/mesh/proxy:2"}]}}


def address(number):
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def running(number):
    def container(name, identity):
        return {"name": name, "image": "x", "imageID": "x", "ready": True, "restartCount": 0, "containerID": f"containerd://{identity:064x}",
                "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
    return {"status": {"phase": "Running", "podIP": address(number), "podIPs": [{"ip": address(number)}], "startTime": "2026-01-01T00:00:00Z",
                       "containerStatuses": [container("app", number + 1), container("proxy", number + 1_000_001)]}}


class Program:
    def __init__(self, server, name, command):
        self.server, self.child = server, server.start(name, *command, env={"PATH": os.environ["PATH"], "KUBECONFIG": str(OURS / "gateway.conf")})

    def page(self, port):
        return subprocess.run(self.server.inside("curl", "-s", "--max-time", "10", f"http://127.0.0.1:{port}/metrics"), capture_output=True, text=True,
                              check=False).stdout

    def rss_mib(self):
        text = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def end(self):
        self.child.terminate()
        self.child.wait(60)


class TenThousand(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        call = cls.server.call
        for name, rules in ROLES.items():
            call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", {
                "metadata": {"name": f"wirespan-{name}"},
                "rules": [{"apiGroups": groups, "resources": resources, "verbs": ["list", "watch"]} for groups, resources in rules]})
            call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
                "metadata": {"name": f"wirespan-{name}"}, "subjects": [{"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}],
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"wirespan-{name}"}})
            (OURS / f"{name}.token").write_text(f"{name}-token")
        (OURS / "gateway.conf").write_text(f"""
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: gateway}}}}]
clusters: [{{name: here, cluster: {{server: "https://{ADDRESS}:6443", certificate-authority: pki/ca.crt}}}}]
users: [{{name: gateway, user: {{tokenFile: gateway.token}}}}]
""")
        (OURS / "agent.yaml").write_text(f"""
admin: {{listen: "127.0.0.1:8890"}}
control: {{socket: "{OURS}/control.sock"}}
node: {{other_agents: ignore}}
export: {{endpoint: "http://127.0.0.1:4318"}}
kubernetes: {{enabled: "on", server: "https://{ADDRESS}:6443", token_file: "{OURS}/agent.token", ca_file: "{OURS}/pki/ca.crt", node_name: node-7, startup_wait: 60s}}
""")
        (OURS / "gateway.yaml").write_text(f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:4318"}}}}}}}}
processors:
  k8sattributes:
    auth_type: kubeConfig
    wait_for_metadata: true
    wait_for_metadata_timeout: 120s
    extract:
      metadata: [k8s.pod.name, k8s.deployment.name, k8s.deployment.uid, k8s.node.uid, k8s.cluster.uid]
      labels: [{{key: tier, tag_name: tier}}, {{key: cost, from: namespace}}, {{key: zone, tag_name: zone, from: node}}]
exporters: {{file: {{path: "{OURS}/out.json"}}}}
service:
  telemetry: {{metrics: {{address: "127.0.0.1:8888"}}}}
  pipelines: {{traces: {{receivers: [otlp], processors: [k8sattributes], exporters: [file]}}}}
""")

    def agent(self):
        program = Program(self.server, "agent", [BIN / "wirespan-agent", "run", "--config", OURS / "agent.yaml"])
        self.addCleanup(program.end)
        wait_for("the agent", lambda: metric(program.page(8890), "wirespan_kube_current") == 1)
        return program

    def gateway(self):
        program = Program(self.server, "gateway", [BIN / "wirespan-gateway", "--config", OURS / "gateway.yaml"])
        self.addCleanup(program.end)
        wait_for("the gateway", lambda: "wirespan_kube_current" in program.page(8888))
        return program

    def fill(self):
        call = self.server.call
        for number in range(SPACES):
            call("POST", "/api/v1/namespaces", {"metadata": {"name": space(number), "labels": {"cost": f"c{number}"}}})
        nodes = [call("POST", "/api/v1/nodes", {"metadata": {"name": f"node-{number}", "labels": {"zone": f"z{number % 3}"}}})["metadata"]["uid"]
                 for number in range(NODES)]
        sets = []
        for number in range(SETS):
            labels = {"app": f"cart-{number}"}
            made = call("POST", f"/apis/apps/v1/namespaces/{space(number)}/replicasets", {
                "metadata": {"name": f"cart-{number}-6d5f7c9b8", "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"cart-{number}", "uid": f"deployment-{number}", "controller": True}]},
                "spec": {"replicas": 100, "selector": {"matchLabels": labels},
                         "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "x"}]}}}})
            sets.append(made["metadata"]["uid"])

        def make(number):
            path = f"/api/v1/namespaces/{space(number % SETS)}/pods"
            made = pod(number, sets)
            call("POST", path, made)
            call("PATCH", f"{path}/{made['metadata']['name']}/status", running(number))
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as workers:
            list(workers.map(make, range(PODS)))
        print(f"{PODS} pods made in {time.monotonic() - begin:.0f} s")
        return nodes, sets

    def send(self, resource):
        pairs = [{"key": key, "value": {"stringValue": value}} for key, value in resource.items()]
        request = {"resourceSpans": [{"resource": {"attributes": pairs}, "scopeSpans": [{"spans": [{
            "traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "get", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}]}]}]}
        out = OURS / "out.json"
        lines = len(out.read_text().splitlines()) if out.exists() else 0
        subprocess.run(self.server.inside("curl", "-sSf", "-H", "content-type: application/json", "-d", json.dumps(request),
                                          "http://127.0.0.1:4318/v1/traces"), check=True, capture_output=True)
        text = wait_for("the span", lambda: out.exists() and out.read_text().splitlines()[lines:])
        return {one["key"]: one["value"]["stringValue"] for one in json.loads(text[0])["resourceSpans"][0]["resource"]["attributes"]}

    def test_each_holds_what_it_needs(self):
        agent, gateway = self.agent(), self.gateway()
        time.sleep(5)
        empty = agent.rss_mib(), gateway.rss_mib()
        agent.end()
        gateway.end()
        nodes, _ = self.fill()
        before = {kind: self.server.watches(kind) for kind in ("pods", "namespaces", "nodes", "replicasets")}
        agent, gateway = self.agent(), self.gateway()
        wait_for("the agent's pods", lambda: metric(agent.page(8890), "wirespan_kube_pods") == PODS / NODES)
        wait_for("the gateway's pods", lambda: metric(gateway.page(8888), "wirespan_kube_pods") == PODS)
        for resource, number in (("nodes", NODES), ("replicasets", SETS)):
            wait_for(resource, lambda r=resource, n=number: metric(gateway.page(8888), "wirespan_kube_objects", resource=r) == n)
        time.sleep(5)
        grown = agent.rss_mib() - empty[0], gateway.rss_mib() - empty[1]
        print(f"{PODS} pods in the cluster: agent {grown[0]:+.1f} MiB, gateway {grown[1]:+.1f} MiB")
        self.assertLess(grown[0], AGENT_MIB)
        self.assertLess(grown[1], GATEWAY_MIB)
        # One watch each, and of the agent pods alone.
        wanted = {"pods": 2, "namespaces": 1, "nodes": 1, "replicasets": 1}
        wait_for("the watches", lambda: {kind: self.server.watches(kind) - before[kind] for kind in wanted} == wanted)
        for program, port in ((agent, 8890), (gateway, 8888)):
            self.assertEqual(metric(program.page(port), "wirespan_kube_errors_total"), 0)

        cluster = self.server.call("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
        self.assertEqual(self.send({"k8s.pod.ip": address(4711)}), {
            "k8s.pod.ip": address(4711), "k8s.pod.name": "cart-11-6d5f7c9b8-04711", "k8s.deployment.name": "cart-11", "k8s.deployment.uid": "deployment-11",
            "k8s.node.uid": nodes[11], "k8s.cluster.uid": cluster, "tier": "front", "k8s.namespace.labels.cost": "c11", "zone": "z2"})
        # What changes is followed.
        self.server.call("PATCH", "/api/v1/namespaces/team-11", {"metadata": {"labels": {"cost": "new"}}})
        wait_for("the new label", lambda: self.send({"k8s.pod.ip": address(4711)})["k8s.namespace.labels.cost"] == "new")
        self.server.call("DELETE", f"/api/v1/namespaces/{space(7)}/pods/cart-7-6d5f7c9b8-00007?gracePeriodSeconds=0")
        events = metric(agent.page(8890), "wirespan_kube_events_total")
        self.server.call("PATCH", f"/api/v1/namespaces/{space(7)}/pods/cart-7-6d5f7c9b8-00107", {"metadata": {"labels": {"a": "b"}}})
        wait_for("the agent to hear of its own", lambda: metric(agent.page(8890), "wirespan_kube_events_total") > events)


if __name__ == "__main__":
    unittest.main()
