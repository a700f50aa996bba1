"""What the gateway acknowledged it finds again, whatever happens to it."""

import base64
import json
import os
import random
import signal
import subprocess
import time
import unittest
import urllib.request

from support import StoreTest, free_port, get, overload, post_otlp

SPANS = 20


def span(trace, number, name="op", **more):
    return {"traceId": f"{trace:032x}", "spanId": f"{number:016x}", "name": name, "kind": 2,
            "startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": str(time.time_ns() + 1000000), **more}


def of_service(service, *spans):
    return {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}, "scopeSpans": [{"spans": list(spans)}]}


class KillNine(StoreTest):
    TIMES = int(os.environ.get("WIRESPAN_KILLS", "10"))

    def test_everything_acknowledged_is_found(self):
        random.seed(6)
        acked, first = self.folder / "acked", 1
        gateway = self.store_gateway()
        for _ in range(self.TIMES):
            load = overload.Load(gateway.port, "--unique", "--first", first, "--acked", acked, "--spans", SPANS, "--seconds", 1.0,
                                 "--timeout-ms", 2000, "--pause-ms", 50)
            first += 1 << 32
            time.sleep(random.uniform(0.1, 0.9))
            gateway.process.send_signal(signal.SIGKILL)
            gateway.process.wait()
            load.result()
            gateway.start()
        requests = sorted({int(line) for line in acked.read_text().split()})
        self.assertGreater(len(requests), self.TIMES)
        for number in requests:
            ids = [f"{number:016x}{index:016x}" for index in range(SPANS)]
            found = {trace["traceID"]: trace["spans"] for trace in self.data("/api/traces", traceID=ids)}
            for index, trace_id in enumerate(ids):
                # An id whose upper half is zero is written short.
                self.assertEqual(len(found[trace_id if number else trace_id[16:]]), 1, (number, index))
        self.assertEqual(gateway.metric("wirespan_store_damaged"), 0)
        self.assertEqual(gateway.metric("wirespan_store_opened_spans_total") + gateway.metric("wirespan_store_written_spans_total"),
                         gateway.metric("wirespan_store_spans") + gateway.metric("wirespan_store_removed_spans_total"))


class Served(StoreTest):
    def test_a_span_is_found_by_what_it_is(self):
        gateway = self.store_gateway()
        post_otlp(gateway.http, [of_service("front", span(1, 1, "GET /")),
                                 of_service("back", span(1, 2, "query", parentSpanId=f"{1:016x}", kind=3))])
        self.assertEqual(self.data("/api/services"), ["back", "front"])
        self.assertEqual(self.data("/api/services/front/operations"), ["GET /"])
        self.assertEqual(self.data("/api/operations", service="back"), [{"name": "query", "spanKind": "client"}])
        (trace,) = self.data("/api/traces", service="front", operation="GET /", limit=20)
        self.assertEqual({each["operationName"] for each in trace["spans"]}, {"GET /", "query"})
        self.assertEqual(self.data(f"/api/traces/{trace['traceID']}"), [trace])
        self.assertEqual(self.data("/api/dependencies", endTs=time.time_ns() // 1000000 + 60000, lookback=3600000),
                         [{"parent": "front", "child": "back", "callCount": 1}])
        self.assertEqual(get(self.query_port, "/api/traces/77")[0], 404)
        self.assertEqual(gateway.metric("otelcol_exporter_sent_spans_total", exporter="store"), 2)
        gateway.end()
        gateway.start()
        self.assertEqual(self.data("/api/services"), ["back", "front"])
        self.assertEqual(self.data(f"/api/traces/{trace['traceID']}"), [trace])

    def test_one_process_has_the_folder(self):
        self.store_gateway()
        (self.folder / "second").mkdir()
        second = overload.Gateway(self.folder / "second", f"  store: {{directory: {self.directory}, query: {{endpoint: '127.0.0.1:{free_port()}'}}}}",
                                  pipeline="exporters: [store]")
        self.started.append(second)
        second.start(wait=False)
        self.assertEqual(second.process.wait(30), 1)
        self.assertIn(f"{self.directory} is in use by another process", second.text())

    def test_a_reload_hands_the_store_over(self):
        gateway = self.store_gateway()
        post_otlp(gateway.http, [of_service("front", span(1, 1))])
        port = free_port()
        gateway.config.write_text(gateway.config.read_text().replace(str(self.query_port), str(port)))
        gateway.process.send_signal(signal.SIGHUP)
        overload.wait_for("the new port", lambda: overload.listens(port))
        self.query_port = port
        self.assertEqual(self.data("/api/services"), ["front"])
        post_otlp(gateway.http, [of_service("back", span(2, 2))])
        self.assertEqual(self.data("/api/services"), ["back", "front"])

    def test_strangers_are_turned_away(self):
        gateway = self.store_gateway()
        gateway.end()
        text = gateway.config.read_text()
        text = text.replace(f'query: {{endpoint: "127.0.0.1:{self.query_port}"}}',
                            f'query: {{endpoint: "127.0.0.1:{self.query_port}", auth: {{authenticator: basicauth}}}}')
        text = text.replace("extensions:\n", 'extensions:\n  basicauth: {htpasswd: {inline: "ann:secret"}}\n', 1)
        text = text.replace("extensions: [health_check", "extensions: [health_check, basicauth")
        gateway.config.write_text(text)
        gateway.start()
        self.assertEqual(get(self.query_port, "/api/services")[0], 401)
        request = urllib.request.Request(f"http://127.0.0.1:{self.query_port}/api/services",
                                         headers={"Authorization": "Basic " + base64.b64encode(b"ann:secret").decode()})
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.assertEqual(answer.status, 200)


class Commands(StoreTest):
    def command(self, *arguments):
        done = subprocess.run([overload.BIN / "wirespan-gateway", "store", *map(str, arguments)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def test_a_store_is_verified_copied_dumped_and_loses_a_trace(self):
        gateway = self.store_gateway()
        post_otlp(gateway.http, [of_service("front", span(1, 1, "GET /"), span(2, 2, "GET /"))])
        copy = self.folder / "copy"
        self.assertEqual(self.command("backup", "--directory", self.directory, "--to", copy)[0], 0)
        code, said, _ = self.command("verify", "--directory", copy)
        self.assertEqual((code, said), (0, "0000000000000001.wal: 2 spans in 1 requests, sound\n"))
        code, said, _ = self.command("dump", "--directory", self.directory, "--trace", "2")
        self.assertEqual(code, 0)
        (line,) = said.splitlines()
        (dumped,) = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
        self.assertEqual(dumped["spanId"], f"{2:016x}")
        code, _, said = self.command("delete", "--directory", self.directory, "--trace", "2")
        self.assertEqual(code, 1)
        self.assertIn("is in use by another process", said)
        gateway.end()
        self.assertEqual(self.command("delete", "--directory", self.directory, "--trace", "2")[:2], (0, "1 spans deleted\n"))
        gateway.start()
        self.assertEqual(get(self.query_port, "/api/traces/2")[0], 404)
        self.assertEqual(len(self.data("/api/traces/1")[0]["spans"]), 1)

    def test_damage_and_mistakes_are_told(self):
        gateway = self.store_gateway()
        post_otlp(gateway.http, [of_service("front", span(1, 1))])
        post_otlp(gateway.http, [of_service("front", span(2, 2))])
        gateway.end()
        log = self.directory / "0000000000000001.wal"
        content = bytearray(log.read_bytes())
        content[100] ^= 1
        log.write_bytes(content)
        code, said, _ = self.command("verify", "--directory", self.directory)
        self.assertEqual(code, 1)
        self.assertIn("DAMAGED: 1 records", said)
        self.assertEqual(self.command("verify", "--directory", self.folder / "none")[0], 1)
        self.assertFalse((self.folder / "none").exists())
        code, _, said = self.command("dump", "--directory", self.directory, "--trace", "xyz")
        self.assertEqual(code, 1)
        self.assertIn("--trace", said)
        self.assertEqual(self.command("delete", "--directory", self.directory)[0], 2)


class Refused(unittest.TestCase):
    def validate(self, exporters, pipelines):
        text = f"receivers: {{otlp: {{protocols: {{grpc: }}}}}}\nexporters: {exporters}\nservice: {{pipelines: {pipelines}}}\n"
        done = subprocess.run([overload.BIN / "wirespan-gateway", "validate", "--config", f"yaml:{text}"], capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stderr

    def test_logs_are_refused(self):
        code, said = self.validate("{store: {directory: x}}", "{logs: {receivers: [otlp], exporters: [store]}}")
        self.assertEqual(code, 2)
        self.assertIn("store takes traces and agents' metrics alone", said)

    def test_two_stores_need_two_folders(self):
        code, said = self.validate("{store: {directory: x}, store/2: {directory: x, query: {endpoint: 'localhost:1'}}}",
                                   "{traces: {receivers: [otlp], exporters: [store, store/2]}}")
        self.assertEqual(code, 2)
        self.assertIn("x is in use by store", said)

    def test_a_folder_is_needed(self):
        code, said = self.validate("{store: }", "{traces: {receivers: [otlp], exporters: [store]}}")
        self.assertEqual(code, 2)
        self.assertIn("store needs a directory", said)


if __name__ == "__main__":
    unittest.main()
