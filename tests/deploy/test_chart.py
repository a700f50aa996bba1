"""The Helm chart: sound, refused where its values contradict each other, its examples as they were, and each configuration that it
writes accepted by the programs."""

import collections
import os
import pathlib
import subprocess
import tempfile
import unittest

from charts import BIN, EXAMPLES, ROOT, chart, helm, objects, template, tools

PLAIN = ROOT / "deploy" / "kubernetes"
HERE = pathlib.Path(__file__).resolve().parent
# What other people define.
FOREIGN = "ServiceMonitor,PodMonitor,PrometheusRule,Certificate"


def cases():
    """Values, what they render to, and the namespace."""
    for values in sorted(EXAMPLES.glob("*/values.yaml")):
        yield values, values.with_name("rendered.yaml"), "observability"
    yield PLAIN / "values.yaml", PLAIN / "wirespan.yaml", "wirespan"


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


class Sound(unittest.TestCase):
    def test_both_helms_lint_it(self):
        for program in ("helm", "helm4"):
            for values, _, _ in cases():
                with self.subTest(program=program, values=values.parent.name):
                    result = helm("lint", "--strict", chart(), "--values", values, program=program)
                    self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_the_source_alone_is_a_chart_too(self):
        result = helm("template", "wirespan", ROOT / "helm" / "wirespan")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_examples_render_as_they_did(self):
        for values, expected, namespace in cases():
            with self.subTest(values=values.parent.name):
                result = template(values, namespace=namespace)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(result.stdout, expected.read_text(), "if that is what you want: tools/chart manifests")

    def test_both_helms_render_the_same(self):
        for values, _, _ in cases():
            with self.subTest(values=values.parent.name):
                self.assertEqual(lines(template(values).stdout), lines(template(values, program="helm4").stdout))

    def test_kubernetes_knows_every_field(self):
        monitors = {"monitoring": {part: {"enabled": True} for part in ("dashboards", "prometheusRule", "serviceMonitor", "podMonitor")}}
        for version in ("1.25.0", "1.28.0", "1.34.0", "1.37.0"):
            for values in [values for values, _, _ in cases()] + [monitors]:
                with self.subTest(version=version, values=str(values)[-60:]):
                    result = template(values, version=version)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.conform(result.stdout, version)

    def conform(self, text, version):
        where = tools() / "schemas" / f"v{version}-local-strict" / "{{.ResourceKind}}{{.KindSuffix}}.json"
        result = subprocess.run([tools() / "kubeconform", "-strict", "-kubernetes-version", version, "-schema-location", where,
                                 "-skip", FOREIGN, "-summary"], input=text, capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertRegex(result.stdout, r"Valid: [1-9]")


class Operators(unittest.TestCase):
    """What the Prometheus operator and cert-manager read, by their own types."""

    def strictly(self, values):
        program = tools() / "operators"
        subprocess.run(["go", "build", "-trimpath", "-o", program, "."], cwd=HERE / "operators", check=True, env=os.environ | {"CGO_ENABLED": "0"})
        rendered = template(values)
        self.assertEqual(rendered.returncode, 0, rendered.stderr)
        result = subprocess.run([program], input=rendered.stdout, capture_output=True, text=True, check=False)
        return result.returncode, collections.Counter(line.split()[1] for line in result.stdout.splitlines()), result.stderr

    def test_they_know_every_field(self):
        values = {"monitoring": {part: {"enabled": True} for part in ("prometheusRule", "serviceMonitor", "podMonitor")},
                  "tls": {"enabled": True, "mutual": True, "certManager": {"enabled": True, "issuerRef": {"name": "a", "kind": "ClusterIssuer"}}}}
        code, found, said = self.strictly(values)
        self.assertEqual((code, said), (0, ""))
        self.assertEqual(found, {"PodMonitor": 1, "ServiceMonitor": 2, "PrometheusRule": 1, "Certificate": 2})

    def test_they_would_refuse_another(self):
        wrong = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "x"}, "spec": {"selektor": {}}}
        code, _, said = self.strictly({"extraManifests": [wrong]})
        self.assertEqual(code, 1)
        self.assertIn('unknown field "selektor"', said)


class Configurations(unittest.TestCase):
    """Each that is rendered is one that the program takes."""

    def test_of_every_example(self):
        seen = set()
        for values, expected, _ in cases():
            for one in objects(expected.read_text()):
                for name, text in (one.get("data") or {}).items() if one["kind"] == "ConfigMap" else ():
                    with self.subTest(values=values.parent.name, file=name):
                        seen.add(name)
                        self.validate(name, text)
        self.assertLessEqual({"agent.yaml", "config.yaml"}, seen)

    def test_with_authority_and_token(self):
        values = {"auth": {"enabled": True, "existingSecret": "token"},
                  "tls": {"enabled": True, "mutual": True, "existingSecret": "server", "existingClientSecret": "client"}}
        for one in objects(template(values).stdout):
            for name, text in (one.get("data") or {}).items() if one["kind"] == "ConfigMap" else ():
                self.validate(name, text)

    def test_with_a_store_and_names_of_pods(self):
        values = {"backend": {"type": "store", "storage": {"size": "20Gi"}},
                  "gateway": {"presets": {"kubernetesAttributes": {"enabled": True, "extractAllPodLabels": True,
                                                                   "extractAllPodAnnotations": True}}}}
        texts = [text for one in objects(template(values).stdout) if one["kind"] == "ConfigMap" for text in one["data"].values()]
        gateway, store = (next(t for t in texts if word in t) for word in ("k8sattributes:", "store:"))
        self.validate("config.yaml", gateway)
        self.assertIn("max_size_mib: 18432", store)
        self.validate("config.yaml", store)

    def validate(self, name, text):
        command = {"agent.yaml": ["wirespan-agent", "validate"], "config.yaml": ["wirespan-gateway", "validate", "--config"]}.get(name)
        if command is None:  # Jaeger's
            return
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / name
            file.write_text(text)
            result = subprocess.run([BIN / command[0], *command[1:], file], capture_output=True, text=True, check=False,
                                    env={"WIRESPAN_LISTEN_HOST": "0.0.0.0", "WIRESPAN_API_KEY": "k", "MY_POD_IP": "10.0.0.1"})
        self.assertEqual((result.returncode, result.stderr), (0, ""), text)


class Refusals(unittest.TestCase):
    def refused(self, values, sentence):
        result = template(values)
        self.assertNotEqual(result.returncode, 0, f"{values} was rendered")
        self.assertIn(sentence, result.stderr)

    def test_unknown_keys(self):
        self.refused({"agent": {"priviledged": True}}, "'priviledged' not allowed")
        self.refused({"gatway": {}}, "'gatway' not allowed")
        self.refused({"gateway": {"queue": {"durabel": True}}}, "'durabel' not allowed")

    def test_wrong_types(self):
        self.refused({"gateway": {"replicaCount": "three"}}, "got string, want integer")
        self.refused({"backend": {"type": "tempo"}}, "/backend/type")
        self.refused({"agent": {"image": {"digest": "latest"}}}, "/agent/image/digest")

    def test_a_deployment_with_a_durable_queue(self):
        self.refused({"gateway": {"mode": "deployment", "queue": {"durable": True}}}, "a durable queue needs a claim for each replica")

    def test_several_backends_that_share_nothing(self):
        self.refused({"backend": {"replicaCount": 2}}, "each replica would have a part of the traces")

    def test_a_store_with_several_replicas_or_another_ones_storage(self):
        self.refused({"backend": {"type": "store", "replicaCount": 2}}, "/backend/replicaCount")
        self.refused({"backend": {"type": "store", "storage": {"type": "memory"}}}, "backend.storage.type is Jaeger's")
        self.refused({"backend": {"type": "store", "storage": {"size": "1.5Gi"}}}, "a whole number of Mi, Gi")
        self.refused({"backend": {"type": "store", "storage": {"size": "100Mi"}}}, "needs 285Mi")
        self.refused({"backend": {"type": "store", "ingress": {"enabled": True}}}, "backend.ingress.authentication")

    def test_a_preset_that_changes_nothing(self):
        self.refused({"gateway": {"presets": {"kubernetesAttributes": {"enabled": True}}, "alternateConfig": {"service": {}}}},
                     "write k8sattributes into gateway.alternateConfig")

    def test_secrets_from_nowhere_or_from_two_places(self):
        self.refused({"auth": {"enabled": True}}, "exactly one of auth.existingSecret and auth.generate")
        self.refused({"auth": {"enabled": True, "existingSecret": "a", "generate": True}}, "exactly one of")
        self.refused({"tls": {"enabled": True}}, "exactly one of tls.existingSecret")
        self.refused({"tls": {"enabled": True, "mutual": True, "existingSecret": "a"}}, "tls.existingClientSecret")

    def test_a_page_without_a_log_in(self):
        self.refused({"backend": {"ingress": {"enabled": True}}}, "backend.ingress.authentication")

    def test_a_second_agent_of_a_node(self):
        self.refused({"agent": {"updateStrategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}}, "the rollout would wait for it")

    def test_sidecars_without_their_secrets(self):
        self.refused({"agent": {"mode": "sidecar"}, "auth": {"enabled": True, "generate": True}}, "name existing ones")

    def test_nowhere_to_send_to(self):
        self.refused({"gateway": {"enabled": False}}, "agent.config.export.endpoint")
        self.refused({"backend": {"enabled": False}}, "gateway.config.exporters")

    def test_switches_that_a_configuration_of_yours_would_ignore(self):
        own = {"configMap": {"existingName": "mine"}}
        self.refused({"gateway": own, "auth": {"enabled": True, "existingSecret": "a"}}, "write `auth` and `tls` there")
        self.refused({"gateway": own | {"queue": {"durable": True}}}, "name a file_storage extension there")
        self.refused({"gateway": own | {"alternateConfig": {"service": {}}}}, "one of them")

    def test_a_policy_that_would_cut_the_gateway_off(self):
        self.refused({"backend": {"enabled": False}, "networkPolicy": {"enabled": True},
                      "gateway": {"config": {"exporters": {"otlp": {"endpoint": "tempo:4317"}}}}}, "networkPolicy.gatewayEgress")


if __name__ == "__main__":
    unittest.main()
