"""What the page says of exchanges that an agent saw: as many as there were, whatever became of their spans."""

import concurrent.futures
import pathlib
import sys
import time
import unittest
import urllib.parse
import uuid

from support import free_port, get

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "truth"))
import servers  # noqa: E402
from clients import Client  # noqa: E402
from stack import BIN, Stack, listens, wait_for  # noqa: E402

EVERY = 2.0  # s between two exports of metrics


class StoreStack(Stack):
    """A gateway with a store for both signals, in front of which an agent samples."""

    def __init__(self, sampled, **more):
        self.query = free_port()
        sampler = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": str(sampled)} if sampled < 1 else {}
        super().__init__(agent_env={"OTEL_METRIC_EXPORT_INTERVAL": str(int(EVERY * 1000)), **sampler}, **more)

    def start_gateway(self):
        config = self.folder / "gateway.yaml"
        config.write_text(f"""
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{self.otlp_grpc}"}}, http: {{endpoint: "127.0.0.1:{self.otlp_http}"}}}}}}
exporters:
  store: {{directory: {self.folder}/store, query: {{endpoint: "127.0.0.1:{self.query}"}}}}
extensions:
  health_check: {{endpoint: "127.0.0.1:{self.gateway_health}"}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{address: "127.0.0.1:{self.gateway_metrics}"}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [store]}}
    metrics: {{receivers: [otlp], exporters: [store]}}
""")
        self.gateway = self.run("gateway", [BIN / "wirespan-gateway", "--config", config])
        wait_for("the gateway to listen", lambda: self._alive(self.gateway) and listens(self.otlp_http))

    def api(self, name, **parameters):
        status, body = get(self.query, f"/wirespan/api/{name}", limit=1000, **parameters)
        assert status == 200, body
        return body

    def gateway_metric(self, name):
        return sum(v for n, v in self.self_metrics(self.gateway_metrics).items() if n.split("{")[0] == name)


class Named:
    """A server under a name of its own: other tests' programs are on this machine too."""

    def __init__(self, kind, stack, name, env=None):
        self.service = f"{name}-{uuid.uuid4().hex[:8]}"
        self.server = kind(stack, env={"OTEL_SERVICE_NAME": self.service, **(env or {})})


class AgentCase(unittest.TestCase):
    sampled = 1.0

    def setUp(self):
        self.stack = StoreStack(self.sampled)
        self.addCleanup(self.stack.close)
        self.front = Named(servers.Python, self.stack, "front")
        self.back = Named(servers.Go, self.stack, "back")

    def service(self, named):
        for entry in self.stack.api("services")["services"]:
            if entry["service"] == named.service:
                return entry
        return {"count": 0, "errors": 0, "from_metrics": 0}

    def operation(self, named, kind):
        return {entry["operation"]: entry for entry in self.stack.api("operations", service=named.service)["operations"] if entry["kind"] == kind}

    def ask(self, count, clients=4):
        """So many requests of the front, each of which calls the back."""
        def some(number):
            client = Client(self.front.server.port)
            for _ in range(number):
                client.ask("GET", f"/call?url={urllib.parse.quote(self.back.server.url('/bytes/1'))}")
            client.close()
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            list(pool.map(some, [count // clients] * clients))

    def ask_in_vain(self, count):
        """So many requests of the back, which it fails."""
        client = Client(self.back.server.port)
        for _ in range(count):
            client.ask("GET", "/status/503")
        client.close()

    def await_count(self, named, count):
        wait_for(f"{count} exchanges of {named.service}", lambda: self.service(named)["count"] >= count, 60)

    def settled(self, count, errors=0):
        """All that there is to come has come: two more exports of metrics, after which nothing may have been added."""
        self.await_count(self.front, count)
        self.await_count(self.back, count + errors)
        time.sleep(2 * EVERY)

    def assert_counts(self, count, errors=0):
        self.assertEqual(self.service(self.front)["count"], count)
        self.assertEqual(self.operation(self.front, "client")["GET"]["count"], count)
        back = self.service(self.back)
        self.assertEqual((back["count"], back["errors"]), (count + errors, errors))
        edges = {(edge["client"], edge["server"]): edge for edge in self.stack.api("edges")["edges"]}
        edge = edges.pop((self.front.service, self.back.service))
        self.assertEqual((edge["count"], edge["observed"]), (count, True))
        self.assertEqual([ends for ends in edges if ends[0] == self.front.service], [], "the back once, and by its name")


class Sampled(AgentCase):
    sampled = 0.1

    def test_counts_are_those_of_the_load(self):
        self.ask(400)
        self.settled(400)
        self.assert_counts(400)
        self.assertGreater(self.service(self.back)["from_metrics"], 200)
        self.ask_in_vain(40)
        self.settled(400, errors=40)
        self.assert_counts(400, errors=40)
        series = self.stack.api("series", service=self.back.service, step=10)
        self.assertEqual(sum(point["count"] for point in series["points"]), 440)
        self.assertEqual(sum(count for point in series["points"] for _, count in point["buckets"]), 440)

    def test_a_killed_gateway_forgets_and_doubles_nothing(self):
        self.ask(200)
        self.await_count(self.back, 100)
        self.stack.gateway.process.kill()
        self.stack.gateway.process.wait()
        self.ask(80)
        self.stack.start_gateway()
        self.settled(280)
        self.assert_counts(280)

    def test_an_agent_that_starts_again_goes_on(self):
        self.ask(120)
        self.settled(120)
        self.stack.agent.stop()
        self.stack.start_agent()
        self.ask(80)
        self.settled(200)
        self.assert_counts(200)


class All(AgentCase):
    def test_without_sampling_spans_come_first_and_nothing_counts_twice(self):
        self.ask(400)
        self.settled(400)
        self.assert_counts(400)
        # Most spans were there before their metrics, so their durations are exact.
        self.assertLess(self.service(self.back)["from_metrics"], 200)
        self.ask_in_vain(40)
        self.settled(400, errors=40)
        self.assert_counts(400, errors=40)

    def test_who_is_not_observed_is_known_by_its_callers(self):
        stranger = Named(servers.Go, self.stack, "stranger")
        self.stack.agent.stop()
        self.stack.agent_config += f"\ncapture: {{filter: {{exclude: [{{pid: {stranger.server.child.pid}}}]}}}}\n"
        self.stack.start_agent()
        client = Client(self.front.server.port)
        for _ in range(20):
            client.ask("GET", f"/call?url={urllib.parse.quote(stranger.server.url('/bytes/1'))}")
        client.close()
        wait_for("the calls", lambda: any(edge["server"] == f"127.0.0.1:{stranger.server.port}" and edge["count"] == 20
                                          for edge in self.stack.api("edges")["edges"]))
        (edge,) = [edge for edge in self.stack.api("edges")["edges"] if edge["client"] == self.front.service]
        self.assertFalse(edge["observed"])


class OfItself(AgentCase):
    """A process with an SDK: its own spans count, and not the metrics that the agent has of it."""
    sampled = 0.1

    def test_its_spans_are_the_source(self):
        stack = self.stack

        class Instrumented(servers.InstrumentedPython):
            def start(self):
                return stack.run(self.name, [servers.python_with_packages(), servers.PROGRAMS / "instrumented" / "service.py", self.port,
                                             f"http://127.0.0.1:{stack.otlp_http}", 200], env=self.env)

        # The variable is what the agent knows it by, from its first exchange on. Its SDK has another name for it than the agent.
        own = Named(Instrumented, stack, "own", env={"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})
        client = Client(own.server.port)
        for _ in range(60):
            client.ask("GET", f"/call?url={urllib.parse.quote(self.back.server.url('/bytes/1'))}")
        client.close()
        count = lambda: {entry["service"]: entry["count"] for entry in stack.api("services")["services"]}
        wait_for("its spans, and those of the one that it called", lambda: count().get("instrumented-python") == 60
                 and count().get(self.back.service) == 60, 60)
        wait_for("its metrics", lambda: stack.self_metrics(stack.gateway_metrics).get(
            'wirespan_store_ignored_points_total{exporter="store",reason="instrumented"}', 0) > 0, 60)
        time.sleep(2 * EVERY)
        self.assertEqual((count()["instrumented-python"], count()[self.back.service]), (60, 60))
        self.assertNotIn(own.service, count())


if __name__ == "__main__":
    unittest.main()
