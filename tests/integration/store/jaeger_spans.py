"""Spans with everything in them that Jaeger's API shows, as OTLP's JSON, and the few protobuf messages of its API v3."""

import random
import time

SERVICES = ["front", "cart", "stock", "odd name/é", ""]
KINDS = [0, 1, 2, 3, 4, 5]
US = 1000
S = 10**9


def text(key, value):
    return {"key": key, "value": {"stringValue": value}}


def attributes(choose):
    pool = [text("http.request.method", choose.choice(["GET", "POST"])), text("unicode", "käse\u2603\"\\\n"), text("empty", ""),
            {"key": "http.response.status_code", "value": {"intValue": str(choose.choice([200, 404, 503]))}},
            {"key": "large", "value": {"intValue": str(choose.choice([2**53 - 1, 2**53, -2**60]))}},
            {"key": "share", "value": {"doubleValue": choose.choice([0.5, 1e21, 1.0, -0.125])}},
            {"key": "cached", "value": {"boolValue": choose.random() < 0.5}},
            {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "2"}, {"boolValue": True}]}}},
            {"key": "map", "value": {"kvlistValue": {"values": [text("b", "1"), text("a", "2")]}}},
            {"key": "bytes", "value": {"bytesValue": "AAEC/w=="}}]
    return choose.sample(pool, choose.randrange(len(pool) + 1))


class Made:
    """`traces` traces of the last half hour; `groups` is what is sent."""

    def __init__(self, seed, traces):
        self.random = choose = random.Random(seed)
        self.now_ns = time.time_ns() // S * S
        self.ids = []
        self.groups = []
        for number in range(1, traces + 1):
            # Some ids have 64 bits.
            trace = f"{choose.getrandbits(63) | 1 << 62 if number % 4 else 0:016x}{choose.getrandbits(63) | 1:016x}"
            self.ids.append(trace)
            self.trace(trace, self.now_ns - choose.randrange(60, 1800) * S - number * 1000 * US)

    def trace(self, trace, start_ns):
        choose = self.random
        spans = []
        for number in range(choose.randrange(1, 6)):
            span = self.span(trace, start_ns + number * 1000 * US)
            if spans:
                parent = choose.choice(spans)
                span["parentSpanId"] = parent["spanId"]
            spans.append(span)
            self.groups.append(self.group(choose.choice(SERVICES), span))

    def span(self, trace, start_ns):
        choose = self.random
        span = {"traceId": trace, "spanId": f"{choose.getrandbits(63) | 1:016x}", "name": choose.choice(["GET /", "GET /{id}", "SELECT", "a+b c"]),
                "kind": choose.choice(KINDS), "startTimeUnixNano": str(start_ns), "attributes": attributes(choose),
                "endTimeUnixNano": str(start_ns + choose.choice([1, 7, 950, 20000, 1500000]) * US)}
        if choose.random() < 0.3:
            span["status"] = choose.choice([{"code": 1}, {"code": 2}, {"code": 2, "message": "it broke"}])
        if choose.random() < 0.3:
            span["traceState"] = "vendor=1,other=2"
        if choose.random() < 0.3:
            span["events"] = [{"timeUnixNano": str(start_ns + 5 * US), "name": "exception", "attributes": attributes(choose)},
                              {"timeUnixNano": str(start_ns + 9 * US), "name": "done"}]
        if choose.random() < 0.3 and self.ids:
            span["links"] = [{"traceId": choose.choice(self.ids), "spanId": f"{choose.getrandbits(63) | 1:016x}"}]
        return span

    def group(self, service, span):
        choose = self.random
        resource = [text("host.name", choose.choice(["n1", "n2"])), {"key": "process.pid", "value": {"intValue": "17"}}]
        if service:
            resource.append(text("service.name", service))
        scope = choose.choice([{}, {"name": "lib"}, {"name": "lib", "version": "1.2"}])
        return {"resource": {"attributes": resource}, "scopeSpans": [{"scope": scope, "spans": [span]}]}

    def spans(self):
        for group in self.groups:
            service = {a["key"]: a["value"] for a in group["resource"]["attributes"]}.get("service.name", {}).get("stringValue")
            (scope,) = group["scopeSpans"]
            yield service, {**scope["spans"][0], "scope": scope["scope"]}


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value % 2**64)


def message(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def time_of(field, ns):
    """google.protobuf.Timestamp or Duration."""
    return message(field, number(1, ns // S) + number(2, ns % S))


def fields(data):
    """[(number, value)] of a message: bytes or an int."""
    found, at = [], 0

    def read():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = read()
        if key & 7 == 0:
            found.append((key >> 3, read()))
        else:
            size = {1: 8, 5: 4}.get(key & 7) or read()
            found.append((key >> 3, data[at:at + size]))
            at += size
    return found


# What Jaeger's adjusters have to say of a span, which they may write into it as an attribute.
WARNINGS = "@jaeger@warnings"

# Which fields of a message are messages: of those that stand in a Span.
VALUE = {}
PAIR = {2: VALUE}
VALUE.update({5: {1: VALUE}, 6: {1: PAIR}})
SPAN = {9: PAIR, 11: {3: PAIR}, 13: {4: PAIR}, 15: {}}


def canonical(data, schema):
    """Fields in an order; numbers and empty texts that say nothing left out, as protobuf may, but for a value's."""
    known = [(name, canonical(value, schema[name]) if name in schema else value) for name, value in fields(data)]
    if schema is not VALUE:
        known = [(name, value) for name, value in known if value not in (0, b"", ())]
    return tuple(known) if schema is VALUE else tuple(sorted(known, key=repr))


def spans_in(traces_data):
    """{(trace id, span id): the span's fields, attributes in the order of their keys} of a TracesData message."""
    spans = {}
    for _, resource in fields(traces_data):
        for key, scope in fields(resource):
            if key != 2:
                continue
            for key, span in fields(scope):
                if key == 2:
                    ids = dict(fields(span))
                    spans[ids[1].hex(), ids[2].hex()] = [field for field in canonical(span, SPAN) if WARNINGS not in repr(field)]
    return spans
