"""OpenTelemetry's SDKs send to a gateway: what they say they exported has arrived, exactly."""

import unittest

from counterparts import CounterpartTest, go_sdk, java_sdk, node_sdk, python_sdk, send

SPANS = 3000  # several requests of an SDK's 512


class Fixture(CounterpartTest):
    def check(self, name, command):
        for one_port in (False, True):
            gateway = self.everything(one_port=one_port)
            sent = 0
            for protocol in ("grpc", "http"):
                for compression in ("none", "gzip"):
                    with self.subTest(sdk=name, protocol=protocol, compression=compression, one_port=one_port):
                        send(command, protocol, gateway.port if protocol == "grpc" else gateway.http, SPANS, compression)
                        sent += SPANS
                        counts = gateway.items(f"sdk-{name}")
                        self.assertEqual(counts["spans"], sent)
                        if name == "python":
                            self.assertEqual(counts["logs"], sent)
                            self.assertEqual(counts["points"], sent // SPANS)
            for transport in ("grpc", "http"):
                self.assertEqual(gateway.metric("otelcol_receiver_accepted_spans_total", transport=transport), sent / 2)
            self.assertEqual(gateway.metric("otelcol_receiver_refused_spans_total"), 0)
            gateway.end()
            gateway.out.unlink()


class Quick(Fixture):
    def test_python(self):
        self.check("python", python_sdk())

    def test_go(self):
        self.check("go", go_sdk())


class Slow(Fixture):
    """What fetches many packages."""

    def test_java(self):
        self.check("java", java_sdk())

    def test_node(self):
        self.check("node", node_sdk())


if __name__ == "__main__":
    unittest.main()
