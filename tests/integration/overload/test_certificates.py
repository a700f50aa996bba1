"""Certificates that change while the gateway runs: new connections get the new ones, old ones go on, what can't be used changes nothing."""

import os
import socket
import ssl
import subprocess
import time
import unittest

from http_flood import head_of
from protobuf_bytes import request_of
from support import Gateway, Load, OverloadTest, wait_for


class Authority:
    """A CA and what it signs, made by openssl in a folder."""

    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        self.ca = folder / f"{name}.crt"
        self.key = folder / f"{name}.key"
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                 "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.ca)

    @staticmethod
    def run(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)

    def sign(self, name):
        """(certificate, key) for 127.0.0.1."""
        crt, key, csr, ext = (self.folder / f"{self.name}-{name}.{end}" for end in ("crt", "key", "csr", "ext"))
        ext.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self.run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", csr)
        self.run("x509", "-req", "-in", csr, "-CA", self.ca, "-CAkey", self.key, "-CAcreateserial", "-days", "2",
                 "-extfile", ext, "-out", crt)
        return crt, key


def put(source, target):
    """As a certificate manager does: in one step."""
    partial = target.with_suffix(".new")
    partial.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
    os.rename(partial, target)


class CertificatesTest(OverloadTest):
    def install(self, prefix, pair, ca=None):
        crt, key = pair
        put(key, self.folder / f"{prefix}.key")
        put(crt, self.folder / f"{prefix}.crt")
        if ca:
            put(ca, self.folder / f"{prefix}-ca.crt")

    def server_tls(self, prefix, more=""):
        return (f"tls: {{cert_file: {self.folder}/{prefix}.crt, key_file: {self.folder}/{prefix}.key, "
                f"client_ca_file: {self.folder}/{prefix}-ca.crt{more}}}")

    def receiver(self, name, tls):
        """A gateway with TLS on both protocols, to a file."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        gateway = Gateway(folder, f"  file: {{path: {folder}/out.json}}", pipeline="exporters: [file]")
        text = gateway.config.read_text()
        for port in (gateway.port, gateway.http):
            text = text.replace(f'endpoint: "127.0.0.1:{port}"', f'endpoint: "127.0.0.1:{port}", {tls}')
        gateway.config.write_text(text)
        self.started.append(gateway)
        return gateway.start()

    def connect(self, port, authority, pair=None, http2=False):
        context = ssl.create_default_context(cafile=authority.ca)
        if pair:
            context.load_cert_chain(*pair)
        if http2:
            context.set_alpn_protocols(["h2"])
        connection = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="127.0.0.1")
        self.addCleanup(connection.close)
        return connection

    def serial(self, port, authority, pair, http2):
        return self.connect(port, authority, pair, http2).getpeercert()["serialNumber"]

    def post(self, connection):
        body = request_of(1)
        connection.sendall(head_of(body) + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            got = connection.recv(65536)
            if not got:
                raise ConnectionError("closed")
            answer += got
        return int(answer.split(b" ")[1])


class Receivers(CertificatesTest):
    def test_new_connections_get_the_new_certificate_and_old_ones_go_on(self):
        authority = Authority(self.folder, "one")
        client = authority.sign("client")
        self.install("server", authority.sign("first"), authority.ca)
        gateway = self.receiver("server", self.server_tls("server", ", reload_interval: 1s"))
        old = self.connect(gateway.http, authority, client)
        self.assertEqual(self.post(old), 200)
        before = {http2: self.serial(gateway.port if http2 else gateway.http, authority, client, http2) for http2 in (False, True)}

        self.install("server", authority.sign("second"))
        after = {}
        for http2, first in before.items():
            port = gateway.port if http2 else gateway.http
            wait_for("the new certificate", lambda: self.serial(port, authority, client, http2) != first)
            after[http2] = self.serial(port, authority, client, http2)
        self.assertEqual(self.post(old), 200)
        for transport in ("grpc", "http"):
            wait_for("the counter", lambda: gateway.metric("wirespan_tls_reloads_total", component=f"receiver otlp/{transport}",
                                                           result="success") >= 1)

        # What can't be used changes nothing, until it can be.
        put(b"no certificate\n", self.folder / "server.crt")
        wait_for("the failure's count", lambda: gateway.metric("wirespan_tls_reloads_total", result="failure") >= 2)
        self.assertIn("server.crt", gateway.text())
        self.assertIn("new connections get what was read before", gateway.text())
        time.sleep(2.5)  # longer than anybody looks at files
        for http2, second in after.items():
            self.assertEqual(self.serial(gateway.port if http2 else gateway.http, authority, client, http2), second)
        self.assertEqual(self.post(self.connect(gateway.http, authority, client)), 200)

        self.install("server", authority.sign("third"))
        for http2, second in after.items():
            port = gateway.port if http2 else gateway.http
            wait_for("the third certificate", lambda: self.serial(port, authority, client, http2) != second)

    def test_clients_without_a_certificate_of_the_authority_are_refused(self):
        authority, stranger = Authority(self.folder, "one"), Authority(self.folder, "other")
        self.install("server", authority.sign("first"), authority.ca)
        gateway = self.receiver("server", self.server_tls("server"))
        self.assertEqual(self.post(self.connect(gateway.http, authority, authority.sign("client"))), 200)
        for pair in (None, stranger.sign("client")):
            with self.assertRaises(OSError):
                self.post(self.connect(gateway.http, authority, pair))


class Exporters(CertificatesTest):
    def moves_to_another_authority(self, exporter, port_of):
        one, two = Authority(self.folder, "one"), Authority(self.folder, "two")
        self.install("server", one.sign("server"), one.ca)
        self.install("client", one.sign("client"), one.ca)
        last = self.receiver("last", self.server_tls("server"))
        first = self.gateway(exporter(port_of(last)), pipeline=f"exporters: [{exporter(1).split(':')[0].strip()}]")
        load = ["--spans", 1, "--in-flight", 1, "--seconds", 1, "--pause-ms", 50]
        self.assertGreater(Load(first.port, *load).result()["acked_requests"], 0)

        # The next hop moves to another authority; what the exporter has is worth nothing there.
        last.end()
        self.install("server", two.sign("server"), two.ca)
        last.start()
        self.assertEqual(Load(first.port, *load).result()["acked_requests"], 0)
        self.install("client", two.sign("client"), two.ca)
        wait_for("the delivery", lambda: Load(first.port, *load).result()["acked_requests"] > 0, seconds=60)
        wait_for("the counter", lambda: first.metric("wirespan_tls_reloads_total", result="success") >= 1)

    def exporter_tls(self):
        return (f"tls: {{ca_file: {self.folder}/client-ca.crt, cert_file: {self.folder}/client.crt, "
                f"key_file: {self.folder}/client.key, reload_interval: 1s}}, "
                "retry_on_failure: {initial_interval: 200ms, max_interval: 1s}")

    def test_over_grpc(self):
        self.moves_to_another_authority(
            lambda port: f'  otlp: {{endpoint: "127.0.0.1:{port}", {self.exporter_tls()}}}', lambda last: last.port)

    def test_over_http(self):
        self.moves_to_another_authority(
            lambda port: f'  otlphttp: {{endpoint: "https://127.0.0.1:{port}", {self.exporter_tls()}}}', lambda last: last.http)


if __name__ == "__main__":
    unittest.main()
