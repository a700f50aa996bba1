"""What gRPC's own ends say happened, against the spans of both."""

import collections
import unittest

from isolated import IsolatedStack
from programs import SERVICE, Client, Server, wait_for

STATUSES = ("OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION "
            "ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED").split()
# The conventions': which statuses are errors for a server. For a client all are, but OK.
SERVER_ERRORS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}

STATUS = "rpc.response.status_code"
REQUEST = ("wirespan.rpc.request.messages", "wirespan.rpc.request.size")
RESPONSE = ("wirespan.rpc.response.messages", "wirespan.rpc.response.size")
SLACK_MS = 1.0

# Programs that send a traceparent look instrumented, and get metrics only in `auto`.
ALWAYS = "traces: {mode: always}"


def method_of(span):
    """None: it is not known."""
    method = span.attributes.get("rpc.method")
    return None if method == "_OTHER" else method


def path_of(span):
    """package.Service/Method, also of a span that does not know that it is gRPC. None: not known."""
    if method_of(span):
        return method_of(span)
    if "url.path" in span.attributes or "url.full" in span.attributes:
        return span.target[1:]
    return None


def text_of(span):
    """grpc-message: a span's status has it where it is an error."""
    return span.raw.get("status", {}).get("message") or span.attributes.get("wirespan.rpc.status_message", "")


def status_of(span):
    return span.attributes.get(STATUS)


def is_trace_of_an_id(trace):
    """With its zeros: one in 65,536 of the ids that the agent makes begins like them too."""
    return trace.startswith("7e57" + 12 * "0")


class GrpcCase(unittest.TestCase):
    """One stack with an agent for the tests of the class."""

    maxDiff = 4000
    config = ALWAYS
    capture = ""
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.stack = IsolatedStack(cls.config, cls.capture, body_sizes=True, **cls.options)

    @classmethod
    def tearDownClass(cls):
        code = cls.stack.close()
        assert code == 0, f"the agent ended with {code}:\n{cls.stack.agent.text()[-3000:]}"

    def server(self, language, **options):
        return Server(self.stack, language, **options)

    def client(self, language, server, **options):
        client = Client(self.stack, language, server.port, **options)
        self.addCleanup(client.child.stop)
        return client

    def spans(self, pids, at_least, seconds=30.0):
        return self.stack.settled_spans(lambda s: s.pid in pids, at_least, seconds)

    def finished(self, *truths):
        """Once all calls of these are told: each at both ends, as it was, and none besides."""
        total = 2 * sum(len(truth.asked) for truth in truths)
        spans = self.spans({p.pid for truth in truths for p in (truth.server, truth.client)}, total)
        for truth in truths:
            truth.check(spans)
        self.assertEqual(len(spans), total)

    def losses(self):
        """What the agent itself says it could not tell."""
        words = ("dropped", "lost", "discarded", "gaps", "hold_full", "unlinked", "unknown_total", "window_bound", "head_bound", "fault")
        return {name: value for name, value in self.stack.self_metrics().items() if value and any(word in name for word in words)}

    def served(self, server, calls):
        """The server's log by id, when it has all of these calls."""
        def complete():
            by_id = {int(entry["id"]): entry for entry in server.log() if entry["id"] != ""}
            return by_id if all(id in by_id for id in calls) else None
        return wait_for(f"the log of the {server.language.name} server", complete)


class Truth:
    """The calls of one client to one server. `loose`: ids whose message counts the race of an early answer decides;
    `given_up`: ids that the client gave up, by deadline or cancel; `sizes`: ids whose request bytes name them (size + id),
    because they carry no traceparent; `paced`: ids whose programs wait between messages, which makes them last a second or more on any machine."""

    def __init__(self, case, server, client):
        self.case, self.server, self.client = case, server, client
        self.loose, self.given_up, self.paced, self.sizes = set(), set(), set(), {}
        self.asked = []

    def start(self, loose=False, given_up=False, **words):
        words.setdefault("trace", 1)
        ids = self.client.start(**words)
        self.asked += ids
        if loose:
            self.loose.update(ids)
        if given_up:
            self.given_up.update(ids)
        if "pause" in words or "pause" in words.get("reply", {}):
            self.paced.update(ids)
        if not words["trace"]:
            self.sizes.update({words.get("size", 100) + id: id for id in ids})
            assert words.get("step") == 1, "without a traceparent, sizes have to tell calls apart"
        return ids

    def id_of(self, span):
        if is_trace_of_an_id(span.trace_id):
            return int(span.trace_id[4:], 16)
        return self.sizes.get(span.attributes.get(REQUEST[1]))

    def what(self):
        return f"{self.client.language.name} to {self.server.language.name}"

    def by_id(self, spans):
        """Recall and precision: each call of this pair once at this end."""
        found = collections.defaultdict(list)
        for span in spans:
            found[self.id_of(span)].append(span)
        missing = [id for id in self.asked if id not in found]
        phantom = [s for id in set(found) - set(self.asked) for s in found[id]]
        twice = [s for id in self.asked if len(found[id]) > 1 for s in found[id]]
        if missing or phantom or twice:
            told = {e["id"]: e for e in self.client.log()}
            told = [told.get(id) or told.get(str(id)) for id in missing[:3]]
            self.case.fail(f"{self.what()}: of {len(self.asked)} calls missing {len(missing)}: {told}; too many {phantom[:3]} ({len(phantom)}), "
                           f"twice {twice[:4]} ({len(twice)}); the agent's losses: {self.case.losses()}")
        return {id: found[id][0] for id in self.asked}

    def told(self):
        """What both programs say, by id; and that they agree."""
        asked = {int(e["id"]): e for e in self.client.log() if int(e["id"]) in self.asked}
        served = self.case.served(self.server, self.asked)
        self.case.assertEqual(len(asked), len(self.asked))
        for id in self.asked:
            one, other = asked[id], served[id]
            self.case.assertEqual(one["method"], other["method"])
            if id not in self.given_up:
                self.case.assertEqual(one["status"], other["status"], (one, other))
                self.case.assertLessEqual(other["ms"], one["ms"] + SLACK_MS, (one, other))
            if id not in self.given_up | self.loose:
                self.case.assertEqual((one["sent_messages"], one["sent_bytes"]), (other["received_messages"], other["received_bytes"]), (one, other))
                self.case.assertEqual((one["received_messages"], one["received_bytes"]), (other["sent_messages"], other["sent_bytes"]), (one, other))
        return asked, served

    def check(self, spans):
        """`spans`: all of both processes. Returns the spans of the two ends, by id."""
        case = self.case
        asked, served = self.told()
        pair = lambda kind, pid: [s for s in spans if s.kind == kind and s.pid == pid]
        clients = self.by_id(pair("client", self.client.pid))
        own = set(s.trace_id for s in clients.values())
        # A server may have other clients: theirs are other ids.
        servers = self.by_id([s for s in pair("server", self.server.pid) if s.trace_id in own or self.id_of(s) in asked])
        wrong = []
        for id in self.asked:
            try:
                self.check_call(id, clients[id], servers[id], asked[id])
            except AssertionError as error:
                wrong.append(f"{asked[id]}: {str(error)[:1500]}")
        if wrong:
            case.fail(f"{self.what()}: {len(wrong)} of {len(self.asked)} calls, e.g.\n" + "\n".join(wrong[:2]) + f"\nthe agent's losses: {case.losses()}")
        self.check_durations(clients, servers, asked, served)
        return clients, servers

    def check_call(self, id, client, server, asked):
        case, status = self.case, STATUSES[asked["status"]]
        for span in (client, server):
            case.assertEqual((span.name, method_of(span), span.attributes.get("rpc.system.name")), (asked["method"], asked["method"], "grpc"), span)
            case.assertNotIn("wirespan.incomplete", span.attributes, span)
            case.assertEqual(span.port, self.server.port, span)
        if id in self.given_up and client.attributes.get("wirespan.reset.by") == "server":
            # The server's clock was first: its RST(CANCEL) at the deadline is inferred to be that, and some clients call it cancelled.
            case.assertIn(status_of(client), {"CANCELLED", "DEADLINE_EXCEEDED"}, client)
            case.assertIn(status, {"CANCELLED", "DEADLINE_EXCEEDED"}, client)
        else:
            case.assertEqual(status_of(client), status, client)
        if id in self.given_up:
            # On a busy machine the server may read request and reset later or sooner than they were sent.
            case.assertIn(status_of(server), {"CANCELLED", "DEADLINE_EXCEEDED"}, server)
        else:
            case.assertEqual(status_of(server), status, server)
        for span, errors in ((client, set(STATUSES) - {"OK"}), (server, SERVER_ERRORS)):
            is_error = status_of(span) in errors
            case.assertEqual(span.attributes.get("error.type"), status_of(span) if is_error else None, span)
            case.assertEqual(span.raw.get("status", {}).get("code", 0), 2 if is_error else 0, span)
        if "ü" in asked["text"]:  # what servers append
            case.assertEqual((text_of(client), text_of(server)), (asked["text"], asked["text"]))
        # Both ends are one trace, joined on the wire.
        case.assertEqual(client.trace_id, server.trace_id)
        case.assertEqual((server.parent_id, server.attributes.get("wirespan.parent.method")), (client.span_id, "wire"), server)
        case.assertEqual(client.attributes["wirespan.wire_id"], server.attributes["wirespan.wire_id"])
        if id in self.loose:
            return
        for span in (client, server):
            case.assertEqual(tuple(span.attributes.get(name, 0) for name in REQUEST), (asked["sent_messages"], asked["sent_bytes"]), span)
            case.assertEqual(tuple(span.attributes.get(name, 0) for name in RESPONSE), (asked["received_messages"], asked["received_bytes"]), span)

    def check_durations(self, clients, servers, asked, served):
        """What the wire saw lies between the two programs' own measures, always; and where no scheduler came between (the best quarter of the
        paced calls: others that last long wait for a busy machine), it is the client's within 2 %."""
        off, paced = [], []
        for id in self.asked:
            outer = asked[id]["ms"]
            inner = 0 if id in self.given_up else served[id]["ms"]
            for span in (clients[id], servers[id]):
                if span.duration_ms < inner - SLACK_MS:
                    off.append((inner, outer, span))
            # A client that gives up says so to its program first, and to the wire later.
            if clients[id].duration_ms > outer + SLACK_MS and id not in self.given_up:
                off.append((inner, outer, clients[id]))
            if id in self.paced and id not in self.given_up:
                paced.append(abs(outer - clients[id].duration_ms) / outer)
        self.case.assertFalse(off, f"{self.what()}: {len(off)} durations outside of what the programs measured, (server, client, span): {off[:3]}")
        if paced:
            self.case.assertLessEqual(sorted(paced)[len(paced) // 4], 0.02, f"{self.what()}: {sorted(paced)}")


def service_method(name):
    return f"{SERVICE}/{name}"
