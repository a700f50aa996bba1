"""The files of deploy/ecs, deploy/cloud-run and deploy/container-instances: each is what the platform's own schema allows, and the gateway's
image runs the way that each says."""

import functools
import json
import pathlib
import re
import subprocess
import sys
import unittest

import yaml

from charts import BIN, ROOT, TOOLS
from contract import Platform

LOCK = pathlib.Path(__file__).with_name("clouds.txt")
ECS, RUN, INSTANCES = (ROOT / "deploy" / name for name in ("ecs", "cloud-run", "container-instances"))


@functools.cache
def packages():
    """The folder of the locked packages, on the path from now on."""
    venv = TOOLS / "clouds"
    done = venv / "done"
    if not done.exists() or done.read_text() != LOCK.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", LOCK], check=True)
        done.write_text(LOCK.read_text())
    folder = next((venv / "lib").glob("python*/site-packages"))
    sys.path.insert(0, str(folder))
    return folder


class Schemas(unittest.TestCase):
    def test_ecs_takes_every_request(self):
        packages()
        import botocore.session
        from botocore.validate import ParamValidator
        client = botocore.session.get_session().get_service_model("ecs")
        for name, operation in (("agent", "RegisterTaskDefinition"), ("gateway", "RegisterTaskDefinition"),
                                ("agent-service", "CreateService"), ("gateway-service", "CreateService")):
            with self.subTest(name=name):
                report = ParamValidator().validate(json.loads((ECS / f"{name}.json").read_text()), client.operation_model(operation).input_shape)
                self.assertFalse(report.has_errors(), report.generate_report())

    def test_ecs_gives_the_agent_what_it_needs_and_fargate_cannot(self):
        agent = json.loads((ECS / "agent.json").read_text())
        self.assertEqual((agent["pidMode"], agent["requiresCompatibilities"]), ("host", ["EC2"]))
        self.assertIs(agent["containerDefinitions"][0]["privileged"], True)
        self.assertEqual(json.loads((ECS / "agent-service.json").read_text())["schedulingStrategy"], "DAEMON")
        gateway = json.loads((ECS / "gateway.json").read_text())["containerDefinitions"][0]
        self.assertNotIn("privileged", gateway)

    def test_cloud_run_knows_every_field(self):
        document = packages() / "googleapiclient" / "discovery_cache" / "documents" / "run.v1.json"
        schemas = json.loads(document.read_text())["schemas"]
        self.walk(yaml.safe_load((RUN / "gateway.yaml").read_text()), {"$ref": "Service"}, schemas, "Service")

    def walk(self, value, schema, schemas, path):
        """As much of JSON schema as discovery documents use."""
        schema = schemas[schema["$ref"]] if "$ref" in schema else schema
        kind = schema.get("type", "object")
        if kind == "object":
            self.assertIsInstance(value, dict, path)
            for key, inner in value.items():
                known = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
                self.assertIsNotNone(known, f"{path} has no {key}")
                self.walk(inner, known, schemas, f"{path}.{key}")
        elif kind == "array":
            self.assertIsInstance(value, list, path)
            for inner in value:
                self.walk(inner, schema["items"], schemas, path)
        else:
            self.assertIsInstance(value, {"string": str, "integer": int, "boolean": bool, "number": (int, float)}[kind], path)

    def test_container_instances_knows_every_field(self):
        packages()
        from azure.mgmt.containerinstance import models
        document = yaml.safe_load((INSTANCES / "gateway.yaml").read_text())
        self.assertEqual(document.pop("apiVersion"), "2023-05-01")
        group = models.ContainerGroup.deserialize(document)
        # What the model does not know it does not give back.
        self.assertEqual(group.serialize(keep_readonly=True), document)


def environment_of(entries, **secrets):
    return {one["name"]: one.get("value") or secrets[one["name"]] for one in entries}


# HTTP/2 from the first byte: the answer is the server's SETTINGS frame (type 4).
SPEAKS_HTTP2 = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=30) as s:
    s.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + b"\\0\\0\\0\\4\\0\\0\\0\\0\\0")
    sys.exit(0 if s.recv(9)[3] == 4 else 1)
"""

# OTLP/HTTP: a request with nothing in it is taken, whether the backend is there or not.
TAKES_OTLP_HTTP = """
import sys, urllib.request
url = f"http://127.0.0.1:{sys.argv[1]}/v1/traces"
sys.exit(urllib.request.urlopen(urllib.request.Request(url, b"{}", {"Content-Type": "application/json"}), timeout=30).status != 200)
"""


class Contracts(unittest.TestCase):
    def start(self, command, environment, writable=()):
        platform = Platform(command, environment, writable)
        self.addCleanup(platform.close)
        code, said = platform.probe("http://127.0.0.1:13133/status")
        self.assertEqual(code, 0, said + platform.text())
        return platform

    def ends(self, platform, seconds):
        took, code = platform.stop()
        self.assertEqual(code, 0, platform.text())
        self.assertLess(took, seconds)

    def test_cloud_run(self):
        container = yaml.safe_load((RUN / "gateway.yaml").read_text())["spec"]["template"]["spec"]["containers"][0]
        environment = environment_of(container["env"], API_KEY="k") | {"PORT": "8080", "K_SERVICE": "wirespan-gateway"}
        platform = self.start(["/wirespan-gateway", *container["args"]], environment)
        for script in (SPEAKS_HTTP2, TAKES_OTLP_HTTP):
            self.assertEqual(platform.inside(sys.executable, "-c", script, "8080"), (0, ""))
        self.ends(platform, 10)

    def test_ecs(self):
        container = json.loads((ECS / "gateway.json").read_text())["containerDefinitions"][0]
        environment = environment_of(container["environment"]) | {"API_KEY": "k"}
        platform = self.start(["/wirespan-gateway", *container["command"]], environment)
        self.assertEqual(container["healthCheck"]["command"][:3], ["CMD", "/wirespan-gateway", "probe"])
        self.ends(platform, container["stopTimeout"])

    def test_container_instances(self):
        container = yaml.safe_load((INSTANCES / "gateway.yaml").read_text())["properties"]["containers"][0]["properties"]
        environment = environment_of(container["environmentVariables"], API_KEY="k")
        platform = self.start(container["command"], environment, writable=[v["mountPath"] for v in container["volumeMounts"]])
        # The backend is not there, and the queue on the share takes it.
        code, said = platform.probe("--span", "http://127.0.0.1:4318")
        self.assertEqual(code, 0, said + platform.text())
        self.ends(platform, 30)


class Configurations(unittest.TestCase):
    def test_each_is_valid(self):
        texts = [entry["value"] for entry in json.loads((ECS / "gateway.json").read_text())["containerDefinitions"][0]["environment"]
                 if entry["name"] == "WIRESPAN_CONFIG"]
        for file in (RUN / "gateway.yaml", INSTANCES / "gateway.yaml"):
            texts += re.findall(r"WIRESPAN_CONFIG\n +value: \|\n((?: {14,}.*\n)+)", file.read_text())
        self.assertEqual(len(texts), 3)
        for text in texts:
            result = subprocess.run([BIN / "wirespan-gateway", "validate", "--config=env:WIRESPAN_CONFIG"], capture_output=True, text=True, check=False,
                                    env={"WIRESPAN_CONFIG": text, "BACKEND": "b:1", "API_KEY": "k", "PORT": "8080"})
            self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
