"""Exporters behind a proxy: HTTPS_PROXY, HTTP_PROXY, NO_PROXY and proxy_url, for gRPC and HTTP, with TLS and without."""

import base64
import subprocess
import unittest

from counterparts import BIN, CounterpartTest, Gateway
from proxy import Proxy
from support import Load
from test_certificates import Authority

SECRET = "pass%40word"


class Proxies(CounterpartTest):
    def setUp(self):
        super().setUp()
        self.last = self.everything()
        self.secured = self.with_tls()
        self.proxy = Proxy({"plain.example:4317": self.last.port, "plain.example:4318": self.last.http,
                            "tls.example:4317": self.secured.port, "tls.example:4318": self.secured.http})
        self.addCleanup(self.proxy.listener.close)

    def with_tls(self):
        """A gateway to a file whose certificate is for localhost."""
        authority = Authority(self.folder, "one")
        certificate, key = authority.sign("server")
        folder = self.folder / "secured"
        folder.mkdir()
        gateway = Gateway(folder, f"  file: {{path: {folder}/out.json}}", pipeline="exporters: [file]")
        text = gateway.config.read_text()
        for port in (gateway.port, gateway.http):
            text = text.replace(f'"127.0.0.1:{port}"', f'"127.0.0.1:{port}", tls: {{cert_file: {certificate}, key_file: {key}}}')
        gateway.config.write_text(text)
        self.started.append(gateway)
        self.tls = f"tls: {{ca_file: {authority.ca}, server_name_override: localhost}}"
        return gateway.start()

    def first(self, kind, endpoint, more="", env=None):
        folder = self.folder / f"first{len(self.started)}"
        folder.mkdir()
        gateway = Gateway(folder, f'  {kind}: {{endpoint: "{endpoint}", retry_on_failure: {{enabled: false}}{more}}}',
                          pipeline=f"exporters: [{kind}]", env=env)
        self.started.append(gateway)
        return gateway

    def deliver(self, gateway, last):
        before = last.metric("otelcol_receiver_accepted_spans_total")
        answer = Load(gateway.port, "--spans", 10, "--in-flight", 2, "--seconds", 0.5).result()
        self.assertEqual(answer["refused"], {}, gateway.text())
        self.assertGreater(answer["acked_spans"], 0)
        self.assertEqual(last.metric("otelcol_receiver_accepted_spans_total") - before, answer["acked_spans"])

    def ways(self):
        """(kind, endpoint, keys, the next hop, what the proxy is asked for)"""
        insecure = ", tls: {insecure: true}"
        yield "otlp", "plain.example:4317", insecure, self.last, "CONNECT plain.example:4317"
        yield "otlp", "tls.example:4317", f", {self.tls}", self.secured, "CONNECT tls.example:4317"
        yield "otlphttp", "http://plain.example:4318", "", self.last, "POST http://plain.example:4318/v1/traces"
        yield "otlphttp", "https://tls.example:4318", f", {self.tls}", self.secured, "CONNECT tls.example:4318"

    def test_the_environment_names_them(self):
        for kind, endpoint, keys, last, asked in self.ways():
            for variable in (str.lower, str.upper):
                with self.subTest(kind=kind, endpoint=endpoint, variable=variable("https_proxy")):
                    self.proxy.asked.clear()
                    gateway = self.first(kind, endpoint, keys, {
                        variable("http_proxy"): self.proxy.url, variable("https_proxy"): self.proxy.url.removeprefix("http://"),
                        variable("no_proxy"): "other.example"})
                    self.deliver(gateway.start(), last)
                    self.assertEqual({line for line, _ in self.proxy.asked}, {asked})
                    gateway.end()

    def test_proxy_url_is_for_everything_and_its_password_is_shown_nowhere(self):
        url = self.proxy.url.replace("http://", f"http://ann:{SECRET}@")
        password = "Basic " + base64.b64encode(b"ann:pass@word").decode()
        for kind, endpoint, keys, last, asked in self.ways():
            with self.subTest(kind=kind, endpoint=endpoint):
                self.proxy.asked.clear()
                gateway = self.first(kind, endpoint, f'{keys}, proxy_url: "{url}"', {"NO_PROXY": "*"})
                self.deliver(gateway.start(), last)
                self.assertEqual(set(self.proxy.asked), {(asked, password)})
                self.assertNotIn(SECRET, gateway.text())
                shown = subprocess.run([BIN / "wirespan-gateway", "print-config", "--config", gateway.config],
                                       capture_output=True, text=True, check=True).stdout
                self.assertIn("[REDACTED]@127.0.0.1", shown)
                self.assertNotIn(SECRET, shown)
                gateway.end()

    def test_what_is_here_or_excepted_is_reached_directly(self):
        env = {"HTTP_PROXY": self.proxy.url, "HTTPS_PROXY": self.proxy.url}
        for kind, endpoint in (("otlp", f"127.0.0.1:{self.last.port}"), ("otlphttp", f"http://localhost:{self.last.http}")):
            gateway = self.first(kind, endpoint, ", tls: {insecure: true}", env)
            self.deliver(gateway.start(), self.last)
            gateway.end()
        self.assertEqual(self.proxy.asked, [])
        # The name is the proxy's alone, so without it there is no way.
        gateway = self.first("otlp", "plain.example:4317", ", tls: {insecure: true}", {**env, "NO_PROXY": ".example"}).start()
        answer = Load(gateway.port, "--spans", 1, "--in-flight", 1, "--seconds", 0.5, "--pause-ms", 100).result()
        self.assertEqual(answer["acked_spans"], 0)
        self.assertEqual(self.proxy.asked, [])

    def test_what_no_exporter_can_use_is_told_at_the_start(self):
        for kind, endpoint in (("otlp", "plain.example:4317"), ("otlphttp", "https://tls.example:4318")):
            gateway = self.first(kind, endpoint, "", {"HTTPS_PROXY": "https://127.0.0.1:1"}).start(wait=False)
            self.assertEqual(gateway.process.wait(30), 1)
            self.assertIn("HTTPS_PROXY: only proxies with http:// are supported", gateway.text())


if __name__ == "__main__":
    unittest.main()
