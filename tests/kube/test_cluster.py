"""The chart on a real cluster of one node, in the order of its life: installed, used, rolled, scaled, closed off, removed."""

import collections
import json
import unittest

from cluster import HERE, ROOT, TOOLS, WORK, get, helm, inside, kubectl, metric, page, pods, rollout, run, wait_for
from release import ARRIVED, CHART, PINS, REQUESTS, RUN, SPACE, acknowledged, agent_page, ask, install, prepare, spans_of, stored

SIDECAR = "agent.sidecar=" + json.dumps({"namespaces": ["shop"], "example": {"enabled": True, "image": "localhost/sample:1", "pullPolicy": "Never"}})


def setUpModule():  # noqa: N802
    prepare()
    install()


class Life(unittest.TestCase):
    """Methods run in the order of their names."""

    def test_10_every_request_is_a_span_at_both_ends(self):
        path = "/seen"
        ask(path)
        wait_for("every span", lambda: len(spans_of(path)) >= 6 * REQUESTS)
        spans = spans_of(path)
        counted = collections.Counter((s["kind"], s["attributes"].get("http.response.status_code")) for s in spans)
        self.assertEqual(counted, {(2, "200"): 3 * REQUESTS, (3, "200"): 3 * REQUESTS})
        # Each is in the container that did it.
        wanted = {}
        for pod in get("pods", namespace="shop")["items"]:
            wanted[pod["metadata"]["labels"]["app"]] = pod["status"]["containerStatuses"][0]["containerID"].split("//")[1]
        by_container = collections.Counter((s["kind"], s["resource"].get("container.id")) for s in spans)
        self.assertEqual(by_container, {(2, wanted["shop"]): REQUESTS, (2, wanted["orders"]): REQUESTS, (2, wanted["stock"]): REQUESTS,
                                        (3, wanted["shop"]): 2 * REQUESTS, (3, wanted["orders"]): REQUESTS})

        # And it says which pod that is, and whose.
        names = collections.Counter((s["resource"].get("service.name"), s["resource"].get("k8s.namespace.name"),
                                     s["resource"].get("k8s.deployment.name"), s["resource"].get("k8s.pod.name")) for s in spans)
        wanted = collections.Counter()
        for pod in get("pods", namespace="shop")["items"]:
            app = pod["metadata"]["labels"]["app"]
            wanted[(app, "shop", app, pod["metadata"]["name"])] = {"shop": 3, "orders": 2, "stock": 1}[app] * REQUESTS
        self.assertEqual(names, wanted)

    def test_11_both_ends_are_linked_through_the_cluster_ip(self):
        spans = spans_of("/seen")
        clients = {s["spanId"]: s for s in spans if s["kind"] == 3}
        parents = [s.get("parentSpanId") for s in spans if s["kind"] == 2]
        self.assertEqual(len(parents), 3 * REQUESTS)
        self.assertEqual(set(parents), set(clients))  # one server for each client, none alone
        for server in (s for s in spans if s["kind"] == 2):
            self.assertEqual(server["traceId"], clients[server["parentSpanId"]]["traceId"])

    def test_12_spans_name_the_workload_at_their_other_end(self):
        """By its address, which the gateway looks up."""
        peers = collections.Counter((s["resource"]["k8s.deployment.name"], s["attributes"].get("wirespan.peer.k8s.deployment.name"))
                                    for s in spans_of("/seen") if s["kind"] == 2)
        # A pod that asks itself through its ClusterIP comes from the node's bridge: whose that is nobody can tell.
        self.assertEqual(peers, {("shop", None): REQUESTS, ("orders", "shop"): REQUESTS, ("stock", "orders"): REQUESTS})

    def test_13_the_store_answers_for_all_of_them(self):
        wait_for("the traces", lambda: len(stored()) == 6 * REQUESTS)
        self.assertEqual({(s["traceID"], s["spanID"]) for s in stored()}, {(s["traceId"], s["spanId"]) for s in spans_of("/seen")})
        backend = pods(SPACE, "backend")[0]["status"]["podIP"]
        services = json.loads(page(f"{backend}:16686", "/api/services"))["data"]
        self.assertLessEqual({"shop", "orders", "stock"}, set(services))

    def test_14_every_kind_of_owner_has_its_name(self):
        """Also a pod of nobody, in the node's own network: by its control group, whatever its address."""
        kubectl("apply", "-f", HERE / "kinds.yaml")
        kinds = {"stateful": "statefulset", "everywhere": "daemonset", "once": "job", "nightly": "cronjob", "bare": None}

        def running():
            found = {p["metadata"]["labels"]["app"]: p for p in get("pods", namespace="kinds")["items"] if p["status"]["phase"] == "Running"}
            return found if set(found) == set(kinds) else None
        found = wait_for("a pod of each", running, 180)
        for app, pod in found.items():
            kubectl("exec", "--namespace", "shop", "deployment/shop", "--", "/sample", "ask",
                    f"http://{pod['status']['podIP']}:8080/{RUN}/kinds-{app}", REQUESTS)
        # From the node's own address, which tells of no pod.
        kubectl("exec", "--namespace", "kinds", "bare", "--", "/sample", "ask", f"http://{found['stateful']['status']['podIP']}:8080/{RUN}/from-bare", REQUESTS)
        for app, kind in kinds.items():
            path = f"/kinds-{app}"
            wait_for(f"the spans of {app}", lambda path=path: len(spans_of(path)) >= 2 * REQUESTS)
            of_pod = collections.Counter(json.dumps({k: v for k, v in s["resource"].items() if k.startswith("k8s.") and not k.endswith(("uid", "node.name"))},
                                                    sort_keys=True) for s in spans_of(path) if s["kind"] == 2)
            wanted = {"k8s.namespace.name": "kinds", "k8s.pod.name": found[app]["metadata"]["name"], "k8s.container.name": "server"}
            wanted |= {f"k8s.{kind}.name": app} if kind else {}
            told = [json.loads(text) for text in of_pod]
            self.assertEqual(len(told), 1, of_pod)
            told = {k: v for k, v in told[0].items() if k in wanted or k.endswith(("set.name", "job.name", "deployment.name"))}
            if kind == "cronjob":
                self.assertTrue(told.pop("k8s.job.name").startswith("nightly-"), told)
            self.assertEqual((told, sum(of_pod.values())), (wanted, REQUESTS))
            # Without an owner a pod is called by its container.
            self.assertEqual({s["resource"]["service.name"] for s in spans_of(path) if s["kind"] == 2}, {app if kind else "server"})
        wait_for("the spans of the node's network", lambda: len(spans_of("/from-bare")) >= 2 * REQUESTS)
        clients = {s["resource"].get("k8s.pod.name") for s in spans_of("/from-bare") if s["kind"] == 3}
        peers = {s["attributes"].get("wirespan.peer.k8s.pod.name") for s in spans_of("/from-bare") if s["kind"] == 2}
        self.assertEqual((clients, peers), ({"bare"}, {None}))
        kubectl("delete", "namespace", "kinds", "--wait=false")

    def test_20_helm_test_passes(self):
        helm("test", "wirespan", "--namespace", SPACE)
        wait_for("the span of the test", lambda: [s for s in ARRIVED.spans() if s["resource"].get("service.name") == "wirespan-probe"])

    def test_201_what_an_sdk_sends_gets_the_names_of_its_pod(self):
        """By its connection: the span says nothing of its pod."""
        kubectl("exec", "--namespace", "sink", "deployment/sink", "--", "/wirespan-gateway", "probe", "--span",
                f"http://wirespan-gateway.{SPACE}:4318")
        name = get("pods", namespace="sink")["items"][0]["metadata"]["name"]

        def named():
            probes = [s["resource"] for s in ARRIVED.spans() if s["resource"].get("service.name") == "wirespan-probe"]
            return [one for one in probes if one.get("k8s.pod.name") == name]
        found = wait_for("the span with its pod", named)[0]
        self.assertEqual((found["k8s.namespace.name"], found["k8s.deployment.name"]), ("sink", "sink"))

    def test_21_agent_and_gateway_may_ask_for_pods_and_nobody_for_more(self):
        for account in ("wirespan-agent", "wirespan-gateway", "wirespan-backend"):
            for what in ("list pods", "watch pods", "get pods", "delete pods", "get secrets", "list nodes", "get configmaps"):
                answer = kubectl("auth", "can-i", *what.split(), "--all-namespaces", "--as", f"system:serviceaccount:{SPACE}:{account}",
                                 check=False)
                may = account != "wirespan-backend" and what in ("list pods", "watch pods")
                self.assertEqual(answer.stdout.strip(), "yes" if may else "no", f"{account}: {what}")

        def may(account, *what):
            return kubectl("auth", "can-i", *what, "--as", f"system:serviceaccount:{SPACE}:{account}", check=False).stdout.strip()
        own = {("get", "daemonset/wirespan-agent", "--namespace", SPACE): "yes", ("get", f"namespace/{SPACE}", "--namespace", SPACE): "yes",
               ("get", "daemonset/another", "--namespace", SPACE): "no", ("get", "daemonset/wirespan-agent", "--namespace", "shop"): "no",
               ("list", "daemonsets", "--namespace", SPACE): "no", ("delete", "daemonset/wirespan-agent", "--namespace", SPACE): "no",
               ("patch", "daemonset/wirespan-agent", "--namespace", SPACE): "no", ("get", "namespace/shop", "--namespace", "shop"): "no"}
        for what, answer in own.items():
            self.assertEqual((may("wirespan-agent", *what), may("wirespan-gateway", *what)), (answer, "no"), what)

    def test_22_gateway_and_store_are_restricted_and_the_agent_cannot_be(self):
        for kind, name, refused in (("deployment", "wirespan-gateway", False), ("statefulset", "wirespan-backend", False),
                                    ("daemonset", "wirespan-agent", True)):
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "closed"},
                   "spec": get(kind, name, namespace=SPACE)["spec"]["template"]["spec"] | {"serviceAccountName": "default"}}
            if kind == "statefulset":  # its claim's volume
                pod["spec"]["volumes"].append({"name": "data", "emptyDir": {}})
            answer = kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(pod), check=False)
            self.assertEqual("violates PodSecurity" in answer.stderr, refused, answer.stderr)
            self.assertEqual(answer.returncode != 0, refused, answer.stderr)

    def test_30_replicas_come_and_go_and_nothing_acknowledged_is_lost(self):
        before = acknowledged()
        for replicas in (4, 1, 2):
            helm("upgrade", "wirespan", CHART, "--namespace", SPACE, "--reset-values", "--values", HERE / "values.yaml",
                 "--set", f"gateway.replicaCount={replicas}")
            ask(f"/scaled-{replicas}")
            rollout("deployment", "wirespan-gateway", SPACE)
            ask(f"/scaled-{replicas}")
        kubectl("rollout", "restart", "deployment/wirespan-gateway", "--namespace", SPACE)
        ask("/restarted")
        rollout("deployment", "wirespan-gateway", SPACE)
        ask("/restarted")
        wait_for("what the agent holds", lambda: metric(agent_page(), "wirespan_export_held_spans") == 0)
        self.assertEqual(metric(agent_page(), "wirespan_export_spans_total", result="dropped"), 0)
        for path, count in (("/scaled-4", 2), ("/scaled-1", 2), ("/scaled-2", 2), ("/restarted", 2)):
            wait_for(f"the spans of {path}", lambda path=path, count=count: len(spans_of(path)) == 6 * count * REQUESTS)
        self.assertGreaterEqual(acknowledged() - before, 6 * 8 * REQUESTS)

    def test_31_new_replicas_get_their_share(self):
        wait_for("two gateways", lambda: len(pods(SPACE, "gateway")) == 2)
        addresses = [p["status"]["podIP"] for p in pods(SPACE, "gateway")]

        def accepted():
            return [metric(page(f"{a}:8888"), "otelcol_receiver_accepted_spans_total") for a in addresses]

        def both_grew():
            before = accepted()
            for _ in range(5):
                ask("/shared", 10)
            return all(b > a for a, b in zip(before, accepted()))
        wait_for("both to get spans", both_grew)

    def test_32_a_rollout_of_the_agent_misses_no_request(self):
        before = {p["metadata"]["uid"] for p in pods(SPACE, "agent")}
        kubectl("rollout", "restart", "daemonset/wirespan-agent", "--namespace", SPACE)
        sent = 0
        while {p["metadata"]["uid"] for p in pods(SPACE, "agent")} <= before or sent < 400:
            sent += ask("/rolled", 20)
        rollout("daemonset", "wirespan-agent", SPACE)
        sent += ask("/rolled", 20)
        # What served, and what called for it from pods that outlive the rollout: the processes that ask in between are gone before the next
        # agent can look whose they were. An exchange that is under way when an agent stops is given up, and counted: one request at a time,
        # so its six ends at most.
        def ends():
            asking = {s["spanId"] for s in spans_of("/rolled") if s["kind"] == 3 and s["attributes"].get("server.address") == "shop.shop"}
            found = [s for s in spans_of("/rolled") if s["spanId"] not in asking]
            return collections.Counter(s["kind"] for s in found)
        wait_for("the spans of the rollout", lambda: ends()[2] >= 3 * sent - 3 and ends()[3] >= 2 * sent - 2, seconds=60)
        self.assertLessEqual(ends()[2], 3 * sent)
        self.assertLessEqual(ends()[3], 2 * sent)

    def test_40_policies_let_through_what_is_needed_and_no_more(self):
        sink = [{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "sink"}}}],
                 "ports": [{"protocol": "TCP", "port": 4317}]}]
        install("--set", "networkPolicy.enabled=true", "--set-json", f"networkPolicy.gatewayEgress={json.dumps(sink)}")
        ask("/closed")
        wait_for("spans past the policies", lambda: len(spans_of("/closed")) == 6 * REQUESTS)
        helm("test", "wirespan", "--namespace", SPACE)
        gateway = pods(SPACE, "gateway")[0]["status"]["podIP"]
        for what in (f"{gateway}:4318", f"{gateway}:8888", pods(SPACE, "agent")[0]["status"]["podIP"] + ":8890"):
            self.assertFalse(self.reached(what), f"a stranger reached {what}")

    def reached(self, address):
        """By a pod of another namespace: whether anything answers, with whatever status."""
        result = run("timeout", "20", HERE / "kubectl", "exec", "--namespace", "shop", "deployment/stock", "--", "/sample", "ask", f"http://{address}/",
                     "1", check=False)
        return result.returncode == 0 and "timeout" not in result.stderr and "refused" not in result.stderr

    def test_41_without_policies_a_stranger_gets_through(self):
        """That the test before tests something."""
        install()
        self.assertTrue(self.reached(pods(SPACE, "gateway")[0]["status"]["podIP"] + ":8888"))

    def test_50_upgrade_and_rollback(self):
        helm("upgrade", "wirespan", CHART, "--namespace", SPACE, "--reset-values", "--values", HERE / "values.yaml",
             "--set", "gateway.config.processors.batch.timeout=1s", "--wait", "--timeout", "300s")
        self.assertIn("timeout: 1s", get("configmap", "wirespan-gateway", namespace=SPACE)["data"]["config.yaml"])
        helm("rollback", "wirespan", "--namespace", SPACE, "--wait", "--timeout", "300s")
        self.assertNotIn("timeout: 1s", get("configmap", "wirespan-gateway", namespace=SPACE)["data"]["config.yaml"])
        ask("/after")
        wait_for("spans after the rollback", lambda: len(spans_of("/after")) == 6 * REQUESTS)

    def sidecar_job(self, name, path, count):
        """The chart's own example, with the sample's client in it."""
        text = helm("template", "wirespan", CHART, "--namespace", SPACE, "--values", HERE / "values.yaml",
                    "--kube-version", get("nodes")["items"][0]["status"]["nodeInfo"]["kubeletVersion"],
                    "--show-only", "templates/agent/sidecar.yaml", "--set", "agent.mode=sidecar", "--set-json", SIDECAR).stdout
        documents = [one for one in text.split("\n---\n") if "kind: Job" in one]
        job = json.loads(kubectl("create", "--dry-run=client", "--output=json", "-f", "-", stdin=documents[0]).stdout)
        job["metadata"]["name"] = name
        job["spec"]["template"]["spec"]["containers"][0]["args"] = ["ask", f"http://shop.shop:8080/{RUN}{path}", str(count)]
        kubectl("apply", "-f", "-", stdin=json.dumps(job))
        return job["metadata"]["namespace"]

    def test_70_a_sidecar_beside_the_nodes_agent_waits_and_nothing_is_told_twice(self):
        install("--set-json", SIDECAR, "--set", "agent.mode=both")
        space = self.sidecar_job("beside", "/beside", REQUESTS)
        kubectl("wait", "job/beside", "--namespace", space, "--for=condition=Complete", "--timeout=120s")
        said = kubectl("logs", "job/beside", "--namespace", space, "--container", "wirespan-agent").stdout
        self.assertIn("observes this node: this one waits", said)
        wait_for("the spans", lambda: len(spans_of("/beside")) >= 6 * REQUESTS)
        counted = collections.Counter(s["kind"] for s in spans_of("/beside"))
        self.assertEqual(counted, {2: 3 * REQUESTS, 3: 3 * REQUESTS})

    def test_71_a_sidecar_alone_observes_its_own_pod_and_lets_its_job_end(self):
        helm("upgrade", "wirespan", CHART, "--namespace", SPACE, "--reset-values", "--values", HERE / "values.yaml",
             "--set-json", SIDECAR, "--set", "agent.mode=sidecar", "--wait", "--timeout", "300s")
        wait_for("no agent of the node", lambda: not get("pods", "--selector=app.kubernetes.io/component=agent", namespace=SPACE)["items"])
        space = self.sidecar_job("alone", "/alone", REQUESTS)
        kubectl("wait", "job/alone", "--namespace", space, "--for=condition=Complete", "--timeout=120s")
        wait_for("the spans", lambda: len(spans_of("/alone")) >= REQUESTS)
        pod = get("pods", "--selector=job-name=alone", namespace=space)["items"][0]
        # The sidecar knows its pod, the gateway whose that is.
        names = collections.Counter((s["kind"], s["resource"].get("k8s.pod.name"), s["resource"].get("k8s.job.name")) for s in spans_of("/alone"))
        self.assertEqual(names, {(3, pod["metadata"]["name"], "alone"): REQUESTS})
        kubectl("delete", "job", "alone", "beside", "--namespace", space)

    def test_60_both_helms_can_install_it(self):
        environment = ["env", f"KUBECONFIG={WORK}/etc/admin.conf", f"HOME={WORK}/home"]
        inside(*environment, TOOLS / "helm4", "template", "wirespan", CHART, "--namespace", SPACE, "--values", HERE / "values.yaml",
               "--validate", timeout=300)

    def test_61_the_plain_manifests_are_accepted(self):
        kubectl("create", "namespace", "wirespan", check=False)
        self.addCleanup(kubectl, "delete", "namespace", "wirespan")
        said = kubectl("apply", "--dry-run=server", "--kustomize", ROOT / "deploy" / "kubernetes").stdout
        for one in ("daemonset.apps/wirespan-agent", "deployment.apps/wirespan-gateway", "statefulset.apps/wirespan-backend"):
            self.assertIn(f"{one} created", said)

    def test_90_uninstalling_leaves_the_claim_and_nothing_else(self):
        install()  # sidecars were what there was
        helm("uninstall", "wirespan", "--namespace", SPACE, "--wait", "--timeout", "200s")
        kinds = "daemonset,deployment,statefulset,service,configmap,secret,serviceaccount,role,rolebinding,networkpolicy,poddisruptionbudget,pod,pvc"
        # (of the cluster's own: a ConfigMap with its authority, and the default ServiceAccount)

        def left():
            return sorted(f"{o['kind']}/{o['metadata']['name']}" for o in get(kinds, namespace=SPACE)["items"])
        claim = "PersistentVolumeClaim/data-wirespan-backend-0"
        wait_for("nothing but those", lambda: left() == ["ConfigMap/kube-root-ca.crt", claim, "ServiceAccount/default"], seconds=90)
        self.assertEqual(get("clusterrole,clusterrolebinding", "--selector=app.kubernetes.io/part-of=wirespan")["items"], [])
        self.assertFalse(PINS.exists())


if __name__ == "__main__":
    unittest.main(failfast=False)
