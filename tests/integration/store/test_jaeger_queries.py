"""The same spans in a real Jaeger 2 and in the store: whatever a client of Jaeger's asks, both answer alike, but for MEANT."""

import itertools
import json
import subprocess
import sys
import time
import unittest
import urllib.parse

from jaeger_spans import S, US, WARNINGS, Made, fields, message, number, spans_in, time_of
from support import INTEGRATION, StoreTest, free_port, get, overload, post_otlp

sys.path.insert(0, str(INTEGRATION / "http2"))
from backends import Jaeger  # noqa: E402
from programs import Python  # noqa: E402

# What differs and is meant to; everything else is compared.
MEANT = {
    "warnings": "Jaeger's adjusters write warnings about clocks and parents into spans, and a nanosecond into spans of none; the store shows what "
                "was sent, and the page shows skew itself",
    "unknown_service": "a span without service.name: OpenTelemetry's name for it instead of Jaeger's missing-service-name, and no attribute added",
    "order": "keys of a map stand in the order in which they came, not sorted; traces, spans, tags, events and names have no order that Jaeger "
             "promises",
    "limit": "which traces a limit leaves: the store's are those whose match began last (docs/gateway.md), Jaeger's memory those written last; a "
             "limit of 0 is the client's error, 400, which Jaeger's memory calls its own, 500",
    "tags": "error, span.kind, otel.* and w3c.tracestate are tags as in Jaeger's backends on disk; its memory knows attributes alone, and takes "
            "error=true for error=false",
    "inside": "calls inside one service are no dependency",
    "words": "the end of a message where Jaeger has a parser of Go's speak; v3's required parameters are called by their newer names",
    "empty": "an empty list of operations is [], as all others, not null; an empty message of OTLP's JSON is left out",
    "codes": "gRPC: what is asked wrongly is INVALID_ARGUMENT, not UNKNOWN",
}
NAMELESS = {"jaeger": "missing-service-name", "store": "unknown_service"}
CLIENT = INTEGRATION / "programs" / "jaeger_v3.py"


def differences(theirs, ours, at=""):
    """Where two JSON values differ, a line each."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [line for key in sorted({*theirs, *ours}, key=str)
                for line in differences(theirs.get(key, "(none)"), ours.get(key, "(none)"), f"{at}/{key}")]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return [line for number, pair in enumerate(zip(theirs, ours)) for line in differences(*pair, f"{at}/{number}")]
    return [] if theirs == ours else [f"{at}: Jaeger has {str(theirs)[:300]}, the store {str(ours)[:300]}"]


def tags(of):
    """In an order, maps in them too."""
    def one(tag):
        value = tag["value"]
        if isinstance(value, str) and value.startswith("{"):
            value = json.dumps(json.loads(value), sort_keys=True)
        return {**tag, "value": value}

    return sorted(map(one, of or []), key=lambda tag: json.dumps(tag, sort_keys=True))


def inlined(trace):
    """A trace of Jaeger's JSON by its content: spans by id with their process."""
    spans = {}
    for span in trace["spans"]:
        process = trace["processes"][span["processID"]]
        spans[span["spanID"]] = {
            **span, "processID": None, "warnings": None, "tags": tags(span["tags"]), "process": {**process, "tags": tags(process["tags"])},
            "logs": sorted(({**log, "fields": tags(log["fields"])} for log in span["logs"]), key=lambda log: log["timestamp"]),
            "references": sorted(span["references"], key=lambda one: (one["refType"], one["spanID"]))}
    return {**trace, "spans": spans, "processes": None, "warnings": None}


def beginning(text):
    """Of a message, without a parser's own words."""
    return text.split(": ")[0].replace("query.start_time_m", "query.startTimeM")


def normal(body):
    """An answer with what has no order in an order."""
    data = body.get("data")
    if isinstance(data, list) and data and "spans" in (data[0] if isinstance(data[0], dict) else {}):
        body = {**body, "data": {trace["traceID"]: inlined(trace) for trace in data}}
    elif isinstance(data, list):
        data = [one for one in data if not isinstance(one, dict) or "parent" not in one or one["parent"] != one["child"]]
        body = {**body, "data": sorted(data, key=lambda one: json.dumps(one, sort_keys=True))}
    if body.get("errors"):
        errors = [{**one, "msg": beginning(one["msg"])} for one in body["errors"]]
        body = {**body, "errors": sorted(errors, key=lambda one: json.dumps(one, sort_keys=True))}
    return body


def normal_v3(body):
    """OTLP's JSON by its spans."""
    if "error" in body:
        return {"error": {**body["error"], "message": beginning(body["error"]["message"])}}
    if "result" not in body:
        return {key: sorted(value, key=json.dumps) if isinstance(value, list) else value for key, value in body.items()}

    def by_key(of):
        named = [tag for tag in of or [] if tag["key"] != WARNINGS and tag != {"key": "service.name", "value": {"stringValue": NAMELESS["store"]}}]
        return sorted(named, key=lambda tag: tag["key"])

    spans = {}
    for group in body["result"]["resourceSpans"]:
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                one = {**span, "attributes": by_key(span.get("attributes")), "resource": by_key(group["resource"].get("attributes")),
                       "scope": scope.get("scope") or {}, "status": span.get("status") or {}}
                one["events"] = sorted(({**event, "attributes": by_key(event.get("attributes"))} for event in span.get("events", [])),
                                       key=lambda event: event["timeUnixNano"])
                spans[span["traceId"], span["spanId"]] = one
    return {"spans": spans}


class JaegerTest(StoreTest):
    def setUp(self):
        super().setUp()
        self.grpc_port = free_port()
        query = free_port()
        self.own = self.gateway(f"""  store:
    directory: {self.folder / 'store'}
    query: {{endpoint: "127.0.0.1:{query}", grpc_endpoint: "127.0.0.1:{self.grpc_port}"}}
""", pipeline="exporters: [store]")
        self.query_port = query
        self.jaeger = Jaeger(self.folder)
        self.addCleanup(self.jaeger.child.stop)
        self.made = Made(seed=7, traces=60)
        for at in range(0, len(self.made.groups), 40):
            for port in (self.own.http, self.jaeger.http):
                post_otlp(port, self.made.groups[at:at + 40])

    def both(self, path, **parameters):
        """Jaeger's (status, body) and the store's; services without a name are called as the store calls them."""
        own = get(self.query_port, path, **parameters)
        words = json.dumps([path, parameters]).replace(NAMELESS["store"], NAMELESS["jaeger"])
        path, parameters = json.loads(words)
        status, body = get(self.jaeger.query, path, **parameters)
        return (status, json.loads(json.dumps(body).replace(NAMELESS["jaeger"], NAMELESS["store"]))), own


class Http(JaegerTest):
    def alike(self, path, **parameters):
        with self.subTest(path=path, **parameters):
            (status, theirs), (own_status, ours) = self.both(path, **parameters)
            self.assertEqual(own_status, status, (theirs, ours))
            self.assertEqual(differences(normal(theirs), normal(ours))[:5], [])
            return theirs

    def count(self, path, **parameters):
        """Of the traces that both found."""
        return len((self.alike(path, **parameters) or {"data": []})["data"] or [])

    def window(self):
        return {"start": (self.made.now_ns - 3600 * S) // US, "end": (self.made.now_ns + 60 * S) // US}

    def test_names(self):
        services = self.alike("/api/services")["data"]
        self.assertEqual(len(services), 5)
        for service in [*services, "nobody"]:
            quoted = urllib.parse.quote(service, safe="")
            if "/" not in service:
                (_, theirs), (_, ours) = self.both(f"/api/services/{quoted}/operations")
                self.assertEqual(sorted(ours["data"]), sorted(theirs["data"] or []))
                self.assertEqual({**ours, "data": None}, {**theirs, "data": None})
            for kind in (None, "server", "client", "internal", "producer", "consumer", "nothing"):
                self.alike("/api/operations", service=service, **({"spanKind": kind} if kind else {}))

    def test_searches(self):
        """Limits above what there is: which traces a limit leaves is told by MEANT."""
        found = 0
        tags = [None, {"http.response.status_code": "503"}, {"cached": "true"}, {"share": "0.5"}, {"host.name": "n1"},
                {"http.request.method": "GET", "cached": "false"}, {"unicode": "käse\u2603\"\\\n"},
                {"large": str(2**53)}, {"nothing": "here"}, {"empty": ""}]
        services = ["front", "cart", "odd name/é", "unknown_service", "nobody"]
        for service, tag in itertools.product(services, tags):
            parameters = {**self.window(), "service": service, "limit": 1000}
            if tag:
                parameters["tags"] = json.dumps(tag)
            found += self.count("/api/traces", **parameters)
        for operation in ("GET /", "GET /{id}", "a+b c", "none"):
            found += self.count("/api/traces", **self.window(), service="cart", operation=operation, limit=1000)
        for bounds in ({"minDuration": "1ms"}, {"maxDuration": "1ms"}, {"minDuration": "20ms", "maxDuration": "20ms"}, {"minDuration": "1.5s"},
                       {"maxDuration": "7us"}, {"minDuration": "0"}):
            found += self.count("/api/traces", **self.window(), service="front", limit=1000, **bounds)
        for pair in (["cached:true"], ["cached:true", "host.name:n2"], ["share:0.5"]):
            found += self.count("/api/traces", **self.window(), service="front", tag=pair, limit=1000)
        now_us = self.made.now_ns // US
        for start, end in ((now_us - 900 * 10**6, now_us), (now_us - 1200 * 10**6, now_us - 600 * 10**6), (now_us, now_us + 10),
                           (now_us + 10, now_us)):
            found += self.count("/api/traces", service="front", start=start, end=end, limit=1000)
        found += self.count("/api/traces", service="front", lookback="1h", limit=1000)  # no times: the UI's lookback is for the UI
        self.assertGreater(found, 500)

    def test_tags_that_are_no_attributes(self):
        """Beside what was sent: Jaeger's memory does not know them."""
        def is_so(key, value, span):
            status, scope = span.get("status", {}), span["scope"]
            return {"error": status.get("code") == 2 and value == "true" or status.get("code") != 2 and value == "false",
                    "span.kind": span["kind"] == {"server": 2, "client": 3}.get(value),
                    "otel.status_code": status.get("code") == {"OK": 1, "ERROR": 2}.get(value),
                    "otel.scope.name": scope.get("name") == value, "w3c.tracestate": span.get("traceState") == value}[key]

        for key, value in (("error", "true"), ("error", "false"), ("span.kind", "server"), ("span.kind", "client"), ("otel.status_code", "OK"),
                           ("otel.status_code", "ERROR"), ("otel.scope.name", "lib"), ("w3c.tracestate", "vendor=1,other=2")):
            with self.subTest(key=key, value=value):
                found = self.data("/api/traces", **self.window(), service="front", tags=json.dumps({key: value}), limit=1000)
                sent = {span["traceId"].removeprefix("0" * 16) for service, span in self.made.spans()
                        if service == "front" and is_so(key, value, span)}
                self.assertEqual({trace["traceID"] for trace in found}, sent)
                self.assertTrue(sent)

    def test_traces_by_id(self):
        for trace in self.made.ids:
            self.alike(f"/api/traces/{trace}")
        short = next(trace for trace in self.made.ids if trace.startswith("0" * 16))
        self.alike(f"/api/traces/{short.lstrip('0')}")
        self.alike(f"/api/traces/{short.upper()}")
        self.alike(f"/api/traces/{self.made.ids[0]}", **self.window())
        self.alike("/api/traces", traceID=self.made.ids[:7])
        self.alike("/api/traces", traceID=[self.made.ids[0], "77", self.made.ids[1]])
        self.alike("/api/traces", traceID=self.made.ids[0], service="nobody")

    def test_refusals(self):
        self.alike("/api/traces/77")
        self.assertEqual([status for status, _ in self.both("/api/traces", service="front", limit="0")], [500, 400])
        for path, parameters in (
                ("/api/traces/xyz", {}), ("/api/traces/" + "1" * 33, {}), ("/api/traces", {}), ("/api/operations", {}),
                ("/api/traces", {"service": "front", "start": "soon"}), ("/api/traces", {"service": "front", "limit": "x"}),
                (f"/api/traces/{self.made.ids[0]}", {"start": "x"}), (f"/api/traces/{self.made.ids[0]}", {"raw": "x"}),
                ("/api/traces", {"service": "front", "minDuration": "5"}), ("/api/traces", {"service": "front", "tag": "novalue"}),
                ("/api/traces", {"service": "front", "minDuration": "2s", "maxDuration": "1s"}), ("/api/traces", {"traceID": "xyz"}),
                ("/api/traces", {"service": "front", "tags": "{"}), ("/api/traces", {"service": "front", "tags": '{"a":1}'}),
                ("/api/traces", {"service": "front", "raw": "maybe"}), ("/api/dependencies", {"endTs": "x"}),
                ("/api/dependencies", {"endTs": "1", "lookback": "x"})):
            self.alike(path, **parameters)

    def test_dependencies(self):
        end = self.made.now_ns // 10**6 + 60000
        self.alike("/api/dependencies", endTs=end, lookback=3600000)
        self.alike("/api/dependencies", endTs=end, lookback=3600000, service="cart")
        self.alike("/api/dependencies", endTs=1000, lookback=10)


class V3(JaegerTest):
    def alike(self, path, **parameters):
        with self.subTest(path=path, **parameters):
            (status, theirs), (own_status, ours) = self.both("/api/v3" + path, **parameters)
            self.assertEqual(own_status, status, (theirs, ours))
            self.assertEqual(differences(normal_v3(theirs), normal_v3(ours))[:5], [])
            return theirs

    def at(self, ns):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ns // S))

    def window(self):
        return {"query.start_time_min": self.at(self.made.now_ns - 3600 * S), "query.start_time_max": self.at(self.made.now_ns + 60 * S)}

    def test_all(self):
        services = self.alike("/services")["services"]
        for service in [*services, "nobody"]:
            self.alike("/operations", service=service)
            self.alike("/operations", service=service, span_kind="server")
            self.alike("/traces", **self.window(), **{"query.service_name": service, "query.num_traces": 1000})
        named = {**self.window(), "query.service_name": "front", "query.num_traces": 1000}
        for more in ({"query.operation_name": "GET /"}, {"query.duration_min": "1ms"}, {"query.duration_max": "1ms"},
                     {"query.duration_min": "x"}, {"query.num_traces": "x"}, {"query.raw_traces": "x"}, {"query.start_time_min": "x"}):
            self.alike("/traces", **{**named, **more})
        self.alike("/traces", **{"query.service_name": "front"})
        for trace in [*self.made.ids[:20], "77", "xyz", "1" * 33]:
            self.alike(f"/traces/{trace}")
        self.alike(f"/traces/{self.made.ids[0]}", start_time="x")


class Client:
    """Of API v3 over gRPC: programs/jaeger_v3.py."""

    def __init__(self, port, *more):
        self.process = subprocess.Popen([str(word) for word in (Python.interpreter(), "-B", CLIENT, f"localhost:{port}", *more)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, method, request):
        self.process.stdin.write(json.dumps({"method": method, "request": request.hex()}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        answer["messages"] = [bytes.fromhex(one) for one in answer["messages"]]
        return answer

    def end(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Grpc(JaegerTest):
    def client(self, port):
        client = Client(port)
        self.addCleanup(client.end)
        return client

    def query(self, **more):
        """The bytes of a FindTracesRequest."""
        parts = {"service": message(1, "front"), "start": time_of(4, self.made.now_ns - 3600 * S), "end": time_of(5, self.made.now_ns + 60 * S),
                 "depth": number(8, 1000)}
        parts.update(more)
        return message(1, b"".join(parts.values()))

    def requests(self):
        """(method, request, what to compare of the messages)."""
        def sorted_fields(messages):
            return sorted(fields(b"".join(messages)))

        def spans(messages):
            found = {}
            for one in messages:
                found.update(spans_in(one))
            return found

        for service in ("front", "cart", "nobody"):
            for kind in ("", "server", "internal"):
                yield "GetOperations", message(1, service) + message(2, kind), sorted_fields
            yield "FindTraces", self.query(service=message(1, service)), spans
        for more in (message(2, "GET /"), message(3, message(1, "cached") + message(2, "true")), time_of(6, 10**6), time_of(7, 10**6),
                     message(3, message(1, "http.response.status_code") + message(2, "503"))):
            yield "FindTraces", self.query(more=more), spans
        yield "FindTraces", self.query(end=time_of(5, self.made.now_ns - 900 * S)), spans
        for trace in [*self.made.ids[:20], self.made.ids[3].lstrip("0"), "77"]:
            yield "GetTrace", message(1, trace), spans

    def test_both_answer_alike(self):
        theirs, ours = self.client(self.jaeger.query_grpc), self.client(self.grpc_port)
        names = [sorted(name for _, name in fields(b"".join(client.ask("GetServices", b"")["messages"]))) for client in (theirs, ours)]
        self.assertEqual(names[1], sorted(name.replace(NAMELESS["jaeger"].encode(), NAMELESS["store"].encode()) for name in names[0]))
        seen = 0
        for method, request, of in self.requests():
            with self.subTest(method=method, request=request):
                expected, answer = theirs.ask(method, request), ours.ask(method, request)
                self.assertEqual((answer["code"], of(answer["messages"])), (expected["code"], of(expected["messages"])))
                seen += len(answer["messages"])
        self.assertGreater(seen, 100)
        # Jaeger's code for what is asked wrongly is UNKNOWN, and INVALID_ARGUMENT once; ours always the second.
        for method, request in (("FindTraces", b""), ("FindTraces", message(1, message(1, "front"))), ("GetTrace", message(1, "xyz")),
                                ("GetTrace", b"\xff")):
            self.assertEqual(ours.ask(method, request)["code"], "INVALID_ARGUMENT")
            self.assertNotEqual(theirs.ask(method, request)["code"], "OK")
        self.assertEqual({client.ask("Nothing", b"")["code"] for client in (theirs, ours)}, {"UNIMPLEMENTED"})


class GrpcSecured(StoreTest):
    """TLS and authentication are those of the HTTP port."""

    def test_strangers_are_turned_away(self):
        key, certificate = self.folder / "tls.key", self.folder / "tls.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        grpc_port, query = free_port(), free_port()
        gateway = overload.Gateway(self.folder, f"""  store:
    directory: {self.folder / 'store'}
    query:
      endpoint: "localhost:{query}"
      grpc_endpoint: "localhost:{grpc_port}"
      tls: {{cert_file: {certificate}, key_file: {key}}}
      auth: {{authenticator: bearertokenauth}}
""", pipeline="exporters: [store]", extensions="  bearertokenauth: {token: secret}")
        gateway.config.write_text(gateway.config.read_text().replace("extensions: [health_check", "extensions: [health_check, bearertokenauth"))
        self.started.append(gateway)
        gateway.start()
        made = Made(seed=3, traces=5)
        post_otlp(gateway.http, made.groups)
        request = message(1, made.ids[0])
        codes = {}
        for name, more in (("let in", [certificate, "authorization=Bearer secret"]), ("no token", [certificate]),
                           ("wrong token", [certificate, "authorization=Bearer other"]), ("no TLS", ["authorization=Bearer secret"])):
            client = Client(grpc_port, *more)
            self.addCleanup(client.end)
            answer = client.ask("GetTrace", request)
            codes[name] = answer["code"], sum(len(spans_in(one)) for one in answer["messages"])
        spans = sum(span["traceId"] == made.ids[0] for _, span in made.spans())
        self.assertEqual(codes, {"let in": ("OK", spans), "no token": ("UNAUTHENTICATED", 0), "wrong token": ("UNAUTHENTICATED", 0),
                                 "no TLS": ("UNAVAILABLE", 0)})


if __name__ == "__main__":
    unittest.main()
