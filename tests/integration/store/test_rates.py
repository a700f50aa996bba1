"""What the store says of rates, against what was sent to it."""

import collections
import http.client
import json
import math
import random
import signal
import ssl
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from support import StoreTest, get, post_otlp

KINDS = {"server": 2, "client": 3, "consumer": 5}


def percentile(values, part):
    """By nearest rank."""
    values = sorted(values)
    return values[max(1, math.ceil(part * len(values))) - 1]


class Truth:
    """Spans of five services that call each other, sent in any order, and what can be known of them."""

    SERVICES = ["web", "shop", "cart", "stock", "mail"]

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now_s = int(time.time())
        self.next_id = 1
        self.operations = collections.defaultdict(list)  # (service, operation, kind) -> [(start s, us, failed)]
        self.edges = collections.defaultdict(list)

    def exchange(self):
        """A client's span and the server's, as (service, span) each."""
        choose = self.random
        client = choose.choice(self.SERVICES[:3])
        server = choose.choice([name for name in self.SERVICES if name != client])
        kind = "consumer" if server == "mail" else "server"
        start_ns = (self.now_s - choose.randrange(0, 3000)) * 10**9 + choose.randrange(10**9)
        duration_ns = int(choose.lognormvariate(15, 1.5))
        operation = f"GET /{choose.randrange(4)}"
        failed = choose.random() < 0.1
        trace, call, served = f"{self.next_id:032x}", f"{self.next_id:016x}", f"{self.next_id + 1:016x}"
        self.next_id += 2

        def span(name, kind, span_id, parent, failed):
            return {"traceId": trace, "spanId": span_id, "parentSpanId": parent, "name": name, "kind": KINDS[kind],
                    "startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(start_ns + duration_ns),
                    "status": {"code": 2} if failed else {}}

        seen = (start_ns // 10**9, duration_ns / 1000, failed)
        self.operations[client, "call", "client"].append((seen[0], seen[1], False))
        self.operations[server, operation, kind].append(seen)
        self.edges[client, server].append(seen)
        return [(client, span("call", "client", call, "", False)), (server, span(operation, kind, served, call, failed))]

    def requests(self, exchanges, size=400):
        """OTLP requests with so many exchanges in all, the ends of one often in two of them."""
        spans = [end for _ in range(exchanges) for end in self.exchange()]
        self.random.shuffle(spans)
        for at in range(0, len(spans), size):
            by_service = collections.defaultdict(list)
            for service, span in spans[at:at + size]:
                by_service[service].append(span)
            yield [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}, "scopeSpans": [{"spans": own}]}
                   for service, own in by_service.items()]

    def services(self):
        served = {service: [] for service in self.SERVICES}
        for (service, _, kind), seen in self.operations.items():
            if kind != "client":
                served[service] += seen
        return served


class Rates(StoreTest):
    def api(self, name, **parameters):
        status, body = get(self.query_port, f"/wirespan/api/{name}", **parameters)
        self.assertEqual(status, 200, body)
        return body

    def assert_same(self, entry, seen, what):
        self.assertEqual(entry["count"], len(seen), what)
        self.assertEqual(entry["errors"], sum(failed for _, _, failed in seen), what)
        for part, key in ((0.5, "p50_us"), (0.95, "p95_us"), (0.99, "p99_us")):
            truth = percentile([us for _, us, _ in seen], part) if seen else 0
            self.assertAlmostEqual(entry[key], truth, delta=truth * 0.02, msg=f"{what} {key}")

    def assert_truth(self, truth):
        services = {entry["service"]: entry for entry in self.api("services")["services"]}
        self.assertEqual(set(services), set(truth.SERVICES))
        for service, seen in truth.services().items():
            self.assert_same(services[service], seen, service)
        for service in truth.SERVICES:
            operations = {(service, entry["operation"], entry["kind"]): entry
                          for entry in self.api("operations", service=service)["operations"]}
            self.assertEqual(set(operations), {key for key in truth.operations if key[0] == service})
            for key, entry in operations.items():
                self.assert_same(entry, truth.operations[key], key)
        edges = {(entry["client"], entry["server"]): entry for entry in self.api("edges")["edges"]}
        self.assertEqual(set(edges), set(truth.edges))
        for key, entry in edges.items():
            self.assert_same(entry, truth.edges[key], key)
        calls = {(entry["parent"], entry["child"]): entry["callCount"]
                 for entry in self.data("/api/dependencies", endTs=time.time_ns() // 10**6 + 1000, lookback=3600000)}
        self.assertEqual(calls, {key: len(seen) for key, seen in truth.edges.items()})

    def assert_series(self, truth, service, operation):
        seen = truth.operations[service, operation, "server"]
        series = self.api("series", service=service, operation=operation, kind="server", step=60)
        points = collections.defaultdict(list)
        for each in seen:
            points[each[0] // 60 * 60].append(each)
        self.assertEqual({point["t_s"] for point in series["points"]}, set(points))
        for point in series["points"]:
            self.assert_same(point, points[point["t_s"]], point["t_s"])
            self.assertEqual(sum(count for _, count in point["buckets"]), point["count"])

    def test_they_equal_what_was_sent_through_kill_nine_and_a_second_delivery(self):
        gateway = self.store_gateway()
        truth = Truth(seed=7)
        for request in truth.requests(4000):
            post_otlp(gateway.http, request)
            if truth.random.random() < 0.2:
                post_otlp(gateway.http, request)
        self.assert_truth(truth)
        self.assert_series(truth, "stock", "GET /1")
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait()
        gateway.start()
        self.assert_truth(truth)
        for request in truth.requests(2000):
            post_otlp(gateway.http, request)
        self.assert_truth(truth)
        self.assert_series(truth, "cart", "GET /3")
        self.assertEqual(self.api("about")["spans"], 12000)

    def test_prometheus_reads_what_came_since_the_start(self):
        gateway = self.store_gateway()
        truth = Truth(seed=8)
        for request in truth.requests(500):
            post_otlp(gateway.http, request)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.query_port}/wirespan/metrics", timeout=60) as answer:
            text = answer.read().decode()
        lint = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
        self.assertEqual(lint.returncode, 0, lint.stdout + lint.stderr)
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        for (service, operation, kind), seen in truth.operations.items():
            labels = f'{{service="{service}",operation="{operation}",kind="{kind}"}}'
            self.assertEqual(float(lines["wirespan_operation_duration_seconds_count" + labels]), len(seen))
            self.assertEqual(float(lines["wirespan_operation_errors_total" + labels]), sum(failed for _, _, failed in seen))
        for (client, server), seen in truth.edges.items():
            labels = f'{{client="{client}",server="{server}"}}'
            self.assertEqual(float(lines["wirespan_call_duration_seconds_count" + labels]), len(seen))

    def test_spans_are_told_as_they_come(self):
        gateway = self.store_gateway()
        listener = http.client.HTTPConnection("127.0.0.1", self.query_port, timeout=60)
        listener.request("GET", "/wirespan/api/live?service=cart&errors=true")
        stream = listener.getresponse()
        self.assertEqual((stream.status, stream.getheader("Content-Type")), (200, "text/event-stream"))
        truth = Truth(seed=9)
        wanted = set()
        for request in truth.requests(50):
            wanted |= {span["spanId"] for group in request for span in group["scopeSpans"][0]["spans"]
                       if group["resource"]["attributes"][0]["value"]["stringValue"] == "cart" and span["status"]}
            post_otlp(gateway.http, request)
        self.assertTrue(wanted)
        while wanted:
            line = stream.readline().decode()
            self.assertTrue(line, "the stream ended")
            if line.startswith("data: "):
                wanted.remove(json.loads(line[6:])["span_id"])
        listener.close()

    def test_over_tls_with_a_token(self):
        gateway = self.store_gateway()
        gateway.end()
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        text = gateway.config.read_text()
        text = text.replace(f'query: {{endpoint: "127.0.0.1:{self.query_port}"}}',
                            f'query: {{endpoint: "127.0.0.1:{self.query_port}", auth: {{authenticator: bearertokenauth}}, '
                            f'tls: {{cert_file: {certificate}, key_file: {key}}}}}')
        text = text.replace("extensions:\n", "extensions:\n  bearertokenauth: {token: sesame}\n", 1)
        text = text.replace("extensions: [health_check", "extensions: [health_check, bearertokenauth")
        gateway.config.write_text(text)
        gateway.start()
        trusted = ssl.create_default_context(cafile=certificate)
        for path in ("/wirespan/api/about", "/api/services", "/wirespan/metrics", "/wirespan/api/live", "/"):
            url = f"https://127.0.0.1:{self.query_port}{path}"
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(url, timeout=60, context=trusted)
            self.assertEqual(refused.exception.code, 401, path)
        request = urllib.request.Request(f"https://127.0.0.1:{self.query_port}/wirespan/api/about", headers={"Authorization": "Bearer sesame"})
        with urllib.request.urlopen(request, timeout=60, context=trusted) as answer:
            self.assertEqual(json.load(answer)["spans"], 0)


if __name__ == "__main__":
    unittest.main()
