"""Profiles pass through: from a sender to a gateway, by gRPC and by HTTP to the next one, and what arrives is what was sent."""

import pathlib
import subprocess
import unittest

from counterparts import CounterpartTest
from stack import wait_for
from support import Gateway

SAMPLES = 3


def field(number, payload):
    return bytes([number << 3 | 2, len(payload)]) + payload


def request():
    profile = b"".join(field(2, b"\x08\x01") for _ in range(SAMPLES)) + field(13, b"original")
    resource = field(1, field(1, field(1, b"service.name") + field(2, field(1, b"shop"))))
    dictionary = field(2, field(5, b"main") + field(15, b"a field of another version"))
    return field(1, resource + field(2, field(2, profile))) + dictionary


class ToAFile(Gateway):
    """The end of the way: each request as it came, behind its length."""

    def __init__(self, folder):
        self.out = pathlib.Path(folder) / "profiles.bin"
        super().__init__(folder, f"  file: {{path: {self.out}, format: proto}}\n", pipeline="exporters: [file]")
        self.config = self.config.rename(self.config.with_name("last.yaml"))
        self.config.write_text(self.config.read_text() + "    profiles: {receivers: [otlp], exporters: [file]}\n")

    def requests(self):
        rest, found = self.out.read_bytes() if self.out.exists() else b"", []
        while rest:
            size = int.from_bytes(rest[:4], "big")
            found.append(rest[4:4 + size])
            rest = rest[4 + size:]
        return found


class Profiles(CounterpartTest):
    def setUp(self):
        super().setUp()
        self.last = ToAFile(self.folder)
        self.started.append(self.last)
        self.last.start()

    def post(self, port, path, body, *flags):
        sent = pathlib.Path(self.folder) / "request.bin"
        sent.write_bytes(body)
        done = subprocess.run(["curl", "-s", "-w", "%{http_code} %header{grpc-status}", "--data-binary", f"@{sent}", *flags,
                               f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, timeout=60)
        return done.stdout

    def first(self, exporters, names):
        gateway = Gateway(self.folder, exporters, pipeline=f"exporters: [{names}]")
        text = gateway.config.read_text() + f"    profiles: {{receivers: [otlp], exporters: [{names}]}}\n"
        gateway.config.write_text(text.replace(f"127.0.0.1:{gateway.http}", f"127.0.0.1:{gateway.port}"))
        self.started.append(gateway)
        return gateway.start()

    def test_through_two_gateways(self):
        gateway = self.first(f'  otlp: {{endpoint: "127.0.0.1:{self.last.port}", tls: {{insecure: true}}}}\n'
                             f'  otlphttp: {{endpoint: "http://127.0.0.1:{self.last.http}", compression: zstd}}\n', "otlp, otlphttp")
        protobuf = ["-H", "content-type: application/x-protobuf"]
        self.assertEqual(self.post(gateway.port, "/v1development/profiles", request(), *protobuf).split()[0], b"200")
        framed = b"\0" + len(request()).to_bytes(4, "big") + request()
        self.post(gateway.port, "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", framed,
                  "-H", "content-type: application/grpc", "-H", "te: trailers", "--http2-prior-knowledge")
        wait_for("four requests", lambda: len(self.last.requests()) == 4)
        self.assertEqual(self.last.requests(), [request()] * 4)
        for transport in ("http", "grpc"):
            self.assertEqual(gateway.metric("otelcol_receiver_accepted_profile_samples_total", transport=transport), SAMPLES)
        for exporter in ("otlp", "otlphttp"):
            self.assertEqual(gateway.metric("otelcol_exporter_sent_profile_samples_total", exporter=exporter), 2 * SAMPLES)
        answer = self.post(gateway.port, "/v1development/profiles", b"{}", "-H", "content-type: application/json")
        self.assertIn(b"profiles are taken as application/x-protobuf alone", answer)


if __name__ == "__main__":
    unittest.main()
