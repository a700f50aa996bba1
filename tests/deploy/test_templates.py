"""What the chart's switches do to its objects."""

import unittest

import yaml

from charts import objects, pod_of, rendered, template

AGENT, GATEWAY, BACKEND = ("DaemonSet", "wirespan-agent"), ("Deployment", "wirespan-gateway"), ("StatefulSet", "wirespan-backend")


def container(workload):
    return pod_of(workload)["containers"][0]


class Rights(unittest.TestCase):
    def test_the_agent_may_list_and_watch_pods_and_nothing_else_of_the_cluster(self):
        found = rendered()
        roles = {name: one["rules"] for (kind, name), one in found.items() if kind == "ClusterRole"}
        self.assertEqual(list(roles.values()), [[{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]])
        binding = next(one for (kind, _), one in found.items() if kind == "ClusterRoleBinding")
        self.assertEqual([binding["roleRef"]["name"]], list(roles))
        self.assertEqual([s["name"] for s in binding["subjects"]], ["wirespan-agent"])
        tokens = {kind: pod_of(one)["automountServiceAccountToken"] for (kind, _), one in found.items() if "template" in one.get("spec", {})}
        self.assertEqual(tokens, {"DaemonSet": True, "Deployment": False, "StatefulSet": False})

    def test_of_its_own_namespace_the_agent_may_get_its_daemonset_and_that_alone(self):
        found = rendered({"fullnameOverride": "eyes", "agent": {"serviceAccount": {"name": "looker"}}}, namespace="there")
        roles = [one for (kind, _), one in found.items() if kind == "Role"]
        self.assertEqual([(one["metadata"]["name"], one["metadata"]["namespace"], one["rules"]) for one in roles],
                         [("eyes-agent", "there", [{"apiGroups": ["apps"], "resources": ["daemonsets"], "resourceNames": ["eyes-agent"], "verbs": ["get"]},
                                                   {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["there"], "verbs": ["get"]}])])
        binding = found["RoleBinding", "eyes-agent"]
        self.assertEqual((binding["metadata"]["namespace"], binding["roleRef"]),
                         ("there", {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "eyes-agent"}))
        self.assertEqual(binding["subjects"], [{"kind": "ServiceAccount", "name": "looker", "namespace": "there"}])

    def test_a_gateway_that_names_pods_may_list_and_watch_them_and_no_other(self):
        alternate = {"processors": {"k8s_attributes/x": {"auth_type": "serviceAccount"}}}
        for values, reads in (({"presets": {"kubernetesAttributes": {"enabled": True}}}, True),
                              ({"config": {"processors": {"k8sattributes": {}}}}, True),
                              ({"alternateConfig": alternate}, True),
                              ({"config": {"processors": {"k8sattributes": {"passthrough": True}}}}, False)):
            found = rendered({"gateway": values, "networkPolicy": {"enabled": True}})
            roles = {name: one["rules"] for (kind, name), one in found.items() if kind == "ClusterRole"}
            self.assertEqual(set(roles), {"observability-wirespan-agent"} | ({"observability-wirespan-gateway"} if reads else set()), values)
            for rules in roles.values():
                self.assertEqual(rules, [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}])
            self.assertIs(pod_of(found[GATEWAY])["automountServiceAccountToken"], reads)
            ports = [port["port"] for rule in found[("NetworkPolicy", "wirespan-gateway")]["spec"]["egress"] for port in rule["ports"]]
            self.assertEqual(6443 in ports, reads)
            if reads:
                subject = found[("ClusterRoleBinding", "observability-wirespan-gateway")]["subjects"][0]
                self.assertEqual((subject["name"], subject["namespace"]), ("wirespan-gateway", "observability"))

    def test_what_is_taken_from_around_pods_may_be_watched_and_no_more(self):
        def rules(extract, **more):
            found = rendered({"gateway": {"presets": {"kubernetesAttributes": {"enabled": True}},
                                          "config": {"processors": {"k8sattributes": {"extract": extract}}} | more}})
            rules = found[("ClusterRole", "observability-wirespan-gateway")]["rules"]
            self.assertEqual({tuple(rule["verbs"]) for rule in rules}, {("list", "watch")})
            return {f"{resource}.{rule['apiGroups'][0]}".rstrip(".") for rule in rules for resource in rule["resources"]}
        self.assertEqual(rules({"metadata": ["k8s.pod.name", "k8s.replicaset.uid"], "labels": [{"key": "a"}]}), {"pods"})
        self.assertEqual(rules({"metadata": ["k8s.cluster.uid"]}), {"pods", "namespaces"})
        self.assertEqual(rules({"metadata": ["k8s.node.uid"], "annotations": [{"key": "a", "from": "namespace"}]}), {"pods", "nodes", "namespaces"})
        self.assertEqual(rules({"metadata": ["k8s.deployment.uid"]}), {"pods", "replicasets.apps"})
        self.assertEqual(rules({"labels": [{"key": "a", "from": "deployment"}]}), {"pods", "deployments.apps", "replicasets.apps"})
        self.assertEqual(rules({"labels": [{"key": "a", "from": f} for f in ("statefulset", "daemonset")]}), {"pods", "statefulsets.apps", "daemonsets.apps"})
        self.assertEqual(rules({"metadata": ["k8s.cronjob.uid"], "labels": [{"key": "a", "from": "job"}]}), {"pods", "jobs.batch"})

    def test_without_names_nothing_calls_the_api(self):
        off = {"kubernetes": {"enabled": False}}
        for values in ({"agent": off}, {"agent": {**off, "handover": True, "privileged": True}}):
            found = rendered(values)
            kinds = {kind for kind, _ in found}
            self.assertEqual(kinds & {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}, set())
            for (kind, name), one in found.items():
                if kind == "ServiceAccount":
                    self.assertIs(one["automountServiceAccountToken"], False, name)
                if "template" in one.get("spec", {}):
                    self.assertIs(pod_of(one)["automountServiceAccountToken"], False, name)

    def test_the_agent_has_four_capabilities(self):
        context = container(rendered()[AGENT])["securityContext"]
        self.assertEqual(context["capabilities"], {"drop": ["ALL"], "add": ["BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"]})
        self.assertIs(context["privileged"], False)
        self.assertIs(context["allowPrivilegeEscalation"], False)
        self.assertIs(context["readOnlyRootFilesystem"], True)
        self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertEqual(context["appArmorProfile"], {"type": "Unconfined"})

    def test_each_switch_adds_one(self):
        plain = container(rendered()[AGENT])["securityContext"]["capabilities"]["add"]
        for switch, more in (("observeOldConnections", "SYS_ADMIN"), ("lockedMemoryLimit", "SYS_RESOURCE")):
            found = container(rendered({"agent": {switch: True}})[AGENT])["securityContext"]["capabilities"]["add"]
            self.assertEqual(found, [*plain, more])
        self.assertIs(container(rendered({"agent": {"privileged": True}})[AGENT])["securityContext"]["privileged"], True)

    def test_apparmor_is_an_annotation_before_1_30(self):
        agent = rendered(version="1.28.0")[AGENT]
        self.assertNotIn("appArmorProfile", container(agent)["securityContext"])
        annotations = agent["spec"]["template"]["metadata"]["annotations"]
        self.assertEqual(annotations["container.apparmor.security.beta.kubernetes.io/agent"], "unconfined")

    def test_the_node_is_mounted_only_where_it_is_asked_for(self):
        def host_paths(**agent):
            return [v["hostPath"]["path"] for v in pod_of(rendered({"agent": agent})[AGENT])["volumes"] if "hostPath" in v]
        self.assertEqual(host_paths(), ["/sys/fs/bpf"])
        self.assertEqual(host_paths(handover=False), [])
        self.assertEqual(host_paths(handover=False, tracefs=True), ["/sys/kernel/tracing"])
        self.assertEqual(host_paths(releaseHandover=True), ["/sys/fs/bpf"])

    def test_an_agent_leaves_something_where_it_can_ask_who_comes(self):
        def handover(**agent):
            """What the configuration says, and what the agent is told of its DaemonSet where it may ask for it."""
            found = rendered({"agent": agent})
            variables = {one["name"]: one for one in container(found[AGENT])["env"]}
            mounted = "bpffs" in [m["name"] for m in container(found[AGENT])["volumeMounts"]]
            self.assertEqual({"WIRESPAN_DAEMONSET" in variables, ("Role", "wirespan-agent") in found, ("RoleBinding", "wirespan-agent") in found}, {mounted})
            config = yaml.safe_load(found["ConfigMap", "wirespan-agent"]["data"]["agent.yaml"]).get("capture", {}).get("handover")
            if not mounted:
                return config, None, None
            self.assertEqual(variables["POD_NAMESPACE"]["valueFrom"], {"fieldRef": {"fieldPath": "metadata.namespace"}})
            return config, variables["WIRESPAN_DAEMONSET"]["value"], variables["WIRESPAN_NODE_SELECTOR"]["value"]
        here = ("wirespan-agent", "kubernetes.io/os=linux")
        self.assertEqual(handover(), ("30s", *here))
        self.assertEqual(handover(nodeSelector={"disk": "ssd"}), ("30s", "wirespan-agent", "disk=ssd,kubernetes.io/os=linux"))
        self.assertEqual(handover(nodeSelector=None), ("30s", "wirespan-agent", ""))
        self.assertEqual(handover(config={"capture": {"handover": "10s"}}), ("10s", *here))
        self.assertEqual(handover(alternateConfig={"admin": {"listen": ":8890"}}), (None, *here))
        # The next one would not look.
        for off in ({"handover": False}, {"releaseHandover": True}, {"kubernetes": {"enabled": False}}):
            self.assertEqual(handover(**off), ("0s", None, None))
        self.assertEqual(handover(config={"capture": {"handover": 0}}), (0, None, None))
        self.assertEqual(handover(alternateConfig={"capture": {"handover": "0ms"}}), ("0ms", None, None))

    def test_a_sidecar_leaves_nothing(self):
        found = rendered({"agent": {"mode": "both"}})
        self.assertEqual(yaml.safe_load(found["ConfigMap", "wirespan-sidecar"]["data"]["agent.yaml"])["capture"]["handover"], "0s")
        found = rendered({"agent": {"mode": "sidecar"}})
        self.assertEqual([key for key in found if key[0] in ("Role", "RoleBinding")], [])

    def test_what_earlier_agents_left_is_removed_before_this_one_starts(self):
        pod = pod_of(rendered({"agent": {"releaseHandover": True}})[AGENT])
        self.assertEqual([one["args"] for one in pod["initContainers"]], [["release"]])
        self.assertNotIn("bpffs", [m["name"] for m in pod["containers"][0]["volumeMounts"]])
        self.assertNotIn("initContainers", pod_of(rendered()[AGENT]))

    def test_gateway_and_backend_are_restricted(self):
        store = rendered({"backend": {"type": "store"}})[BACKEND]
        for workload in (rendered()[GATEWAY], rendered()[BACKEND], store, rendered()[("Pod", "wirespan-test")]):
            pod = workload["spec"] if workload["kind"] == "Pod" else pod_of(workload)
            self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertNotIn("hostPID", pod)
            for one in pod["containers"]:
                context = one["securityContext"]
                self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                self.assertIs(context["allowPrivilegeEscalation"], False)
                self.assertIs(context["readOnlyRootFilesystem"], True)


class Resources(unittest.TestCase):
    def test_limits_are_the_resource_plan(self):
        found = rendered()
        limits = {key: container(found[key])["resources"]["limits"] for key in (AGENT, GATEWAY, BACKEND)}
        self.assertEqual(limits[AGENT], {"cpu": "500m", "memory": "512Mi", "ephemeral-storage": "10Gi"})
        self.assertEqual(limits[GATEWAY], {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "50Gi"})
        self.assertEqual(limits[BACKEND], {"cpu": "4", "memory": "16Gi"})

    def test_disks_are_the_resource_plan(self):
        found = rendered({"gateway": {"queue": {"durable": True}}})
        sizes = {key: found[key]["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
                 for key in (("StatefulSet", "wirespan-gateway"), BACKEND)}
        self.assertEqual(list(sizes.values()), ["50Gi", "500Gi"])


class Scaling(unittest.TestCase):
    def test_three_replicas_one_of_them_may_be_away(self):
        found = rendered()
        self.assertEqual(found[GATEWAY]["spec"]["replicas"], 3)
        self.assertEqual(found[("PodDisruptionBudget", "wirespan-gateway")]["spec"]["maxUnavailable"], 1)
        keys = [c["topologyKey"] for c in pod_of(found[GATEWAY])["topologySpreadConstraints"]]
        self.assertEqual(keys, ["topology.kubernetes.io/zone", "kubernetes.io/hostname"])

    def test_an_autoscaler_alone_says_how_many(self):
        found = rendered({"gateway": {"autoscaling": {"enabled": True, "queueMetric": "fill"}}})
        self.assertNotIn("replicas", found[GATEWAY]["spec"])
        metrics = found[("HorizontalPodAutoscaler", "wirespan-gateway")]["spec"]["metrics"]
        self.assertEqual([m["type"] for m in metrics], ["Resource", "Pods"])
        self.assertEqual(metrics[1]["pods"]["metric"]["name"], "fill")

    def test_a_queue_on_disk_is_not_scaled_in(self):
        found = rendered({"gateway": {"autoscaling": {"enabled": True}, "queue": {"durable": True}}})
        scaler = found[("HorizontalPodAutoscaler", "wirespan-gateway")]["spec"]
        self.assertEqual(scaler["scaleTargetRef"]["kind"], "StatefulSet")
        self.assertEqual(scaler["behavior"], {"scaleDown": {"selectPolicy": "Disabled"}})

    def test_agents_know_every_replica(self):
        found = rendered()
        self.assertEqual(found[("Service", "wirespan-gateway-headless")]["spec"]["clusterIP"], "None")
        self.assertIn("dns:///wirespan-gateway-headless.observability.svc.cluster.local:4317",
                      found[("ConfigMap", "wirespan-agent")]["data"]["agent.yaml"])

    def test_a_tenth_of_the_agents_rolls_at_a_time(self):
        self.assertEqual(rendered()[AGENT]["spec"]["updateStrategy"]["rollingUpdate"], {"maxUnavailable": "10%"})

    def test_there_is_time_to_drain(self):
        pod = pod_of(rendered({"gateway": {"drainSeconds": 40}})[GATEWAY])
        self.assertIn("--drain-timeout-ms=40000", pod["containers"][0]["args"])
        self.assertEqual(pod["terminationGracePeriodSeconds"], 55)


class Sidecars(unittest.TestCase):
    VALUES = {"agent": {"mode": "sidecar", "sidecar": {"namespaces": ["shop", "bank"], "example": {"enabled": True}}}}

    def job(self, **more):
        return rendered(self.VALUES, **more)[("Job", "wirespan-example")]

    def test_there_is_no_daemonset_and_no_right(self):
        found = rendered(self.VALUES)
        self.assertNotIn(AGENT, found)
        self.assertEqual([kind for kind, _ in found if "Role" in kind], [])
        self.assertNotIn(("ServiceAccount", "wirespan-agent"), found)

    def test_its_configuration_is_where_the_pods_are(self):
        result = [one for one in objects(template(self.VALUES).stdout) if one["metadata"]["name"] == "wirespan-sidecar"]
        self.assertEqual([one["metadata"]["namespace"] for one in result], ["shop", "bank"])
        config = yaml.safe_load(result[0]["data"]["agent.yaml"])
        self.assertIs(config["capture"]["filter"]["own_pod"], True)
        self.assertEqual(config["node"], {"root": "/host"})
        self.assertEqual(config["kubernetes"]["enabled"], "off")

    def test_it_is_a_native_one_so_that_a_job_ends(self):
        pod = pod_of(self.job())
        self.assertEqual([one["name"] for one in pod["containers"]], ["app"])
        sidecar, = pod["initContainers"]
        self.assertEqual(sidecar["restartPolicy"], "Always")
        self.assertNotIn("readinessProbe", sidecar)
        self.assertEqual(sidecar["startupProbe"]["httpGet"], {"path": "/startz", "port": 8890})
        old = pod_of(self.job(version="1.28.0"))
        self.assertEqual([one["name"] for one in old["containers"]], ["wirespan-agent", "app"])
        self.assertNotIn("restartPolicy", old["containers"][0])
        self.assertNotIn("initContainers", old)

    def test_it_needs_neither_hostpid_nor_a_token(self):
        pod = pod_of(self.job())
        self.assertNotIn("hostPID", pod)
        self.assertNotIn("shareProcessNamespace", pod)
        self.assertIs(pod["automountServiceAccountToken"], False)
        sidecar, = pod["initContainers"]
        self.assertEqual(sidecar["securityContext"], container(rendered()[AGENT])["securityContext"])
        self.assertEqual([v["hostPath"]["path"] for v in pod["volumes"] if "hostPath" in v], ["/proc"])
        self.assertEqual([m for m in sidecar["volumeMounts"] if m["name"] == "wirespan-proc"],
                         [{"name": "wirespan-proc", "mountPath": "/host/proc", "readOnly": True}])

    def test_the_gateway_lets_their_namespaces_in(self):
        found = rendered(self.VALUES | {"networkPolicy": {"enabled": True}})
        peer = found[("NetworkPolicy", "wirespan-gateway")]["spec"]["ingress"][0]["from"][0]
        self.assertEqual(peer["namespaceSelector"]["matchExpressions"][0]["values"], ["shop", "bank"])
        self.assertNotIn(("NetworkPolicy", "wirespan-agent"), found)

    def test_both_is_both(self):
        found = rendered({"agent": {"mode": "both"}})
        self.assertIn(AGENT, found)
        self.assertIn(("ConfigMap", "wirespan-sidecar"), found)


class Stores(unittest.TestCase):
    def test_it_is_the_gateways_program_with_a_claim(self):
        found = rendered({"backend": {"type": "store"}, "gateway": {"image": {"tag": "x"}}, "networkPolicy": {"enabled": True}})
        workload, one = found[BACKEND], container(found[BACKEND])
        self.assertEqual(one["image"], "wirespan-gateway:x")
        self.assertEqual(workload["spec"]["replicas"], 1)
        self.assertEqual({p["name"] for p in one["ports"]}, {"otlp", "otlp-http", "query", "metrics", "health"})
        mounts = {m["name"]: m["mountPath"] for m in one["volumeMounts"]}
        self.assertEqual(mounts["data"], "/var/lib/wirespan")
        self.assertEqual(workload["spec"]["volumeClaimTemplates"][0]["metadata"]["name"], "data")
        service = {p["name"]: p["port"] for p in found[("Service", "wirespan-backend")]["spec"]["ports"]}
        self.assertEqual(service, {"otlp": 4317, "otlp-http": 4318, "query": 16686, "metrics": 8888})
        policy = found[("NetworkPolicy", "wirespan-backend")]["spec"]
        self.assertEqual([[p["port"] for p in rule["ports"]] for rule in policy["ingress"]], [["otlp", "otlp-http"]])
        self.assertEqual(policy["egress"], [])


class Rollouts(unittest.TestCase):
    def checksum(self, key, values):
        return rendered(values)[key]["spec"]["template"]["metadata"]["annotations"]["checksum/config"]

    def test_a_changed_configuration_rolls_its_pods_alone(self):
        changed = {"agent": {"config": {"log": {"level": "debug"}}}}
        self.assertNotEqual(self.checksum(AGENT, {}), self.checksum(AGENT, changed))
        self.assertEqual(self.checksum(GATEWAY, {}), self.checksum(GATEWAY, changed))

    def test_selectors_never_change(self):
        more = {"additionalLabels": {"team": "a"}, "agent": {"podLabels": {"b": "c"}}}
        for key in (AGENT, GATEWAY, BACKEND):
            self.assertEqual(rendered()[key]["spec"]["selector"], rendered(more)[key]["spec"]["selector"])


class Secrets(unittest.TestCase):
    def test_what_is_made_here_is_kept(self):
        found = rendered({"auth": {"enabled": True, "generate": True}, "tls": {"enabled": True, "generate": True, "mutual": True}})
        secrets = {name: one for (kind, name), one in found.items() if kind == "Secret"}
        self.assertEqual(set(secrets), {"wirespan-auth", "wirespan-gateway-tls", "wirespan-agent-tls"})
        for one in secrets.values():
            self.assertEqual(one["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")

    def test_the_token_is_in_no_configmap(self):
        found = rendered({"auth": {"enabled": True, "existingSecret": "mine"}})
        env = {e["name"]: e for e in container(found[AGENT])["env"]}
        self.assertEqual(env["WIRESPAN_API_KEY"]["valueFrom"], {"secretKeyRef": {"name": "mine", "key": "api-key"}})
        self.assertIn("Bearer ${env:WIRESPAN_API_KEY}", found[("ConfigMap", "wirespan-agent")]["data"]["agent.yaml"])
        self.assertNotIn(("Secret", "wirespan-auth"), found)

    def test_the_agent_gets_no_key_of_the_gateway(self):
        found = rendered({"tls": {"enabled": True, "existingSecret": "server"}})
        volume = next(v for v in pod_of(found[AGENT])["volumes"] if v["name"] == "tls")
        self.assertEqual(volume["secret"]["items"], [{"key": "ca.crt", "path": "ca.crt"}])


class Policies(unittest.TestCase):
    def test_exactly_the_flows_that_are_needed(self):
        found = rendered({"networkPolicy": {"enabled": True}})
        policies = {name: one["spec"] for (kind, name), one in found.items() if kind == "NetworkPolicy"}
        self.assertEqual(set(policies), {"wirespan-agent", "wirespan-gateway", "wirespan-backend"})

        def peers(rule, key):
            return [(p["podSelector"]["matchLabels"]["app.kubernetes.io/component"], [q["port"] for q in rule["ports"]])
                    for p in rule.get(key, [])]
        self.assertEqual(policies["wirespan-agent"]["ingress"], [])
        self.assertEqual(peers(policies["wirespan-agent"]["egress"][1], "to"), [("gateway", [4317])])
        self.assertEqual(peers(policies["wirespan-gateway"]["ingress"][0], "from"),
                         [("agent", ["otlp", "otlp-http"]), ("test", ["otlp", "otlp-http"])])
        self.assertEqual(peers(policies["wirespan-gateway"]["egress"][1], "to"), [("backend", [4317, 4318, 14250])])
        self.assertEqual(peers(policies["wirespan-backend"]["ingress"][0], "from"), [("gateway", ["otlp", "otlp-http", "jaeger-grpc"])])
        self.assertEqual(policies["wirespan-backend"]["egress"], [])
        for name in ("wirespan-agent", "wirespan-gateway"):
            self.assertEqual(policies[name]["egress"][0], {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]})


class Probe(unittest.TestCase):
    def probe(self, gateway):
        found = rendered({"gateway": gateway, "networkPolicy": {"enabled": True}})
        ports = [port["port"] for rule in found[("NetworkPolicy", "wirespan-gateway")]["spec"]["ingress"] for port in rule["ports"]]
        return found[("Pod", "wirespan-test")]["spec"]["containers"][0]["args"][1:], "health" in ports

    def test_a_span_is_sent_where_http_is_taken(self):
        self.assertEqual(self.probe({}), (["--retry-seconds=30", "--span", "http://wirespan-gateway:4318"], False))

    def test_a_configuration_that_may_not_take_it_is_asked_for_its_health(self):
        health = (["--retry-seconds=30", "http://wirespan-gateway-headless:13133/"], True)
        self.assertEqual(self.probe({"configMap": {"existingName": "mine"}}), health)
        grpc = {"receivers": {"otlp": {"protocols": {"grpc": None}}}, "exporters": {"debug": None},
                "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}}}
        self.assertEqual(self.probe({"alternateConfig": grpc}), health)


class Signals(unittest.TestCase):
    def exporter(self, values):
        return [e["value"] for e in container(rendered(values)[AGENT])["env"] if e["name"] == "OTEL_METRICS_EXPORTER"]

    def test_metrics_are_sent_where_somebody_takes_them(self):
        self.assertEqual(self.exporter({}), ["none"])
        self.assertEqual(self.exporter({"gateway": {"config": {"exporters": {"otlphttp": {"endpoint": "http://m"}}}}}), [])
        self.assertEqual(self.exporter({"agent": {"exportMetrics": "always"}}), [])


class Images(unittest.TestCase):
    def test_registry_digest_and_pull_secrets(self):
        digest = "sha256:" + "ab" * 32
        found = rendered({"global": {"imageRegistry": "mirror.example/x/", "imagePullSecrets": [{"name": "s"}]},
                          "agent": {"image": {"digest": digest}}})
        self.assertEqual(container(found[AGENT])["image"], f"mirror.example/x/wirespan-agent@{digest}")
        self.assertEqual(container(found[GATEWAY])["image"], "mirror.example/x/wirespan-gateway:0.1.0")
        for key in (AGENT, GATEWAY, BACKEND):
            self.assertEqual(pod_of(found[key])["imagePullSecrets"], [{"name": "s"}])


class Monitoring(unittest.TestCase):
    def test_alerts_and_dashboards_are_those_of_the_repository(self):
        found = rendered({"monitoring": {"dashboards": {"enabled": True}, "prometheusRule": {"enabled": True}}})
        groups = found[("PrometheusRule", "wirespan")]["spec"]["groups"]
        self.assertEqual([g["name"] for g in groups], ["wirespan-agent", "wirespan-gateway"])
        self.assertIn("{{ $labels.instance }}", groups[0]["rules"][0]["annotations"]["summary"])
        boards = {name: one for (kind, name), one in found.items() if kind == "ConfigMap" and "dashboard" in name}
        self.assertEqual(set(boards), {f"wirespan-dashboard-{n}" for n in ("agent", "gateway", "storage", "traffic")})
        for one in boards.values():
            self.assertEqual(one["metadata"]["labels"]["grafana_dashboard"], "1")

    def test_only_metrics_that_are_served_are_scraped(self):
        found = rendered({"monitoring": {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}})
        ports = {p["name"] for p in container(found[AGENT])["ports"]}
        self.assertLessEqual({e["port"] for e in found[("PodMonitor", "wirespan-agent")]["spec"]["podMetricsEndpoints"]}, ports)


if __name__ == "__main__":
    unittest.main()
