"""The agent's export through a proxy: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, for both protocols."""

import pathlib
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "gateway"))

from proxy import Proxy  # noqa: E402
from support import Program, Stack, wait_for  # noqa: E402
from test_bad_input import SendingCase  # noqa: E402

NAME = "collector.example"  # which only the proxy knows


def variables(proxy, **more):
    """The proxy and nothing else of the kind, in either case of letters."""
    both = {name: "" for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")}
    return {**both, "HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url, **more}


class Secured(SendingCase):
    def test_https_goes_through_a_tunnel(self):
        ports, received = self.gateway("named")
        for protocol, port in ports.items():
            with self.subTest(protocol=protocol):
                received.write_bytes(b"")
                proxy = Proxy({f"{NAME}:4300": port})
                self.addCleanup(proxy.listener.close)
                export = f'endpoint: "https://{NAME}:4300", protocol: {protocol}, tls: {{ca_file: {self.pki}/authority.crt}}'
                self.assertEqual(self.send(export, None, variables(proxy)), "")
                self.assertEqual({asked for asked, _ in proxy.asked}, {f"CONNECT {NAME}:4300"})


class Plain(unittest.TestCase):
    def run_agent(self, endpoint, protocol, routes):
        """Where a span has come; what the proxy was asked for."""
        stack = Stack(start_agent=False)
        proxy = Proxy({f"{NAME}:4300": stack.otlp_grpc if protocol == "grpc" else stack.otlp_http} if routes else {})
        program = Program(stack.folder)
        try:
            port = stack.otlp_grpc if protocol == "grpc" else stack.otlp_http
            stack.agent_env = variables(proxy, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint.format(port=port), OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
            stack.start_agent()
            program.ask("/sent")
            wait_for("the span", lambda: stack.spans(lambda s: s.port == program.port and s.kind == "server"))
            return {asked for asked, _ in proxy.asked}
        finally:
            program.stop()
            stack.close()
            proxy.listener.close()

    def test_http(self):
        asked = self.run_agent(f"http://{NAME}:4300", "http/protobuf", True)
        self.assertIn(f"POST http://{NAME}:4300/v1/traces", asked)
        self.assertLessEqual(asked, {f"POST http://{NAME}:4300/v1/{signal}" for signal in ("traces", "metrics")})

    def test_grpc(self):
        self.assertEqual(self.run_agent(f"http://{NAME}:4300", "grpc", True), {f"CONNECT {NAME}:4300"})

    def test_this_machine_is_reached_directly(self):
        for protocol in ("grpc", "http/protobuf"):
            with self.subTest(protocol=protocol):
                self.assertEqual(self.run_agent("http://127.0.0.1:{port}", protocol, False), set())


if __name__ == "__main__":
    unittest.main()
