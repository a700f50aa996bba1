"""A backend that answers nothing, and senders that never stop: the process stays under memory_limiter's limit."""

import gzip
import unittest

from http_flood import flood
from protobuf_bytes import request_of
from support import Load, OverloadTest, otlp

LIMIT_MIB = 160
LIMITER = f"processors:\n  memory_limiter: {{check_interval: 1s, limit_mib: {LIMIT_MIB}}}\n"
# The queue has room for more than there is memory, and nothing times out meanwhile.
BLOCKED = "    timeout: 120s\n    sending_queue: {queue_size: 4000000000, sizer: bytes}"


class Ceiling(OverloadTest):
    def flood(self, *args):
        backend = self.backend("--hang")
        gateway = self.gateway(otlp(backend.port, more=BLOCKED), more=LIMITER,
                               pipeline="processors: [memory_limiter], exporters: [otlp]", args=["--drain-timeout-ms", "100"])
        idle = gateway.rss_mib()
        load = Load(gateway.port, "--seconds", 6, *args)
        answer = load.result()
        held = gateway.metric("wirespan_gateway_held_bytes") / 2**20
        peak = gateway.peak_mib()
        print(f"idle {idle:.0f} MiB, peak {peak:.0f} of {LIMIT_MIB} MiB, {held:.0f} MiB of requests held, refused {answer['refused']}")
        self.assertLess(peak, LIMIT_MIB * 1.1)
        self.assertEqual(set(answer["refused"]) - {"14+retry", "1", "4"}, set(), "refusals say when to come again")
        return answer["refused"].get("14+retry", 0)

    def test_large_requests(self):
        self.assertGreater(self.flood("--spans", 1000, "--in-flight", 1000, "--connections", 8, "--pause-ms", 20), 0)

    def test_small_requests(self):
        self.assertGreater(self.flood("--spans", 20, "--in-flight", 20000, "--connections", 16, "--pause-ms", 20), 0)

    def test_compressed_requests(self):
        # They are held as they came: there may be no need to refuse any.
        self.flood("--spans", 1000, "--in-flight", 1000, "--connections", 8, "--pause-ms", 20, "--compression", "gzip")

    def test_what_is_acknowledged_arrives(self):
        backend = self.backend("--delay-ms", "50")
        gateway = self.gateway(otlp(backend.port), more=LIMITER, pipeline="processors: [memory_limiter], exporters: [otlp]")
        answer = Load(gateway.port, "--seconds", 6, "--spans", 1000, "--in-flight", 1000, "--connections", 8, "--pause-ms", 20).result()
        print(f"delivering: peak {gateway.peak_mib():.0f} of {LIMIT_MIB} MiB, {answer}")
        self.assertLess(gateway.peak_mib(), LIMIT_MIB * 1.1)
        self.assertEqual(set(answer["refused"]) - {"14+retry", "4"}, set())
        self.assertGreater(answer["acked_requests"], 0)
        gateway.end()
        counts = backend.end()
        self.assertEqual(counts["malformed"], 0)
        self.assertGreaterEqual(counts["spans"], answer["acked_spans"])

    def test_http_requests(self):
        backend = self.backend("--hang")
        gateway = self.gateway(otlp(backend.port, more=BLOCKED), more=LIMITER,
                               pipeline="processors: [memory_limiter], exporters: [otlp]", args=["--drain-timeout-ms", "100"])
        for encoding in ("", "gzip"):
            with self.subTest(encoding):
                body = request_of(1000)
                counts = flood(gateway.http, gzip.compress(body, 1) if encoding else body, 900, 6, encoding)
                peak = gateway.peak_mib()
                print(f"HTTP {encoding or 'none'}: peak {peak:.0f} of {LIMIT_MIB} MiB, {dict(counts)}")
                self.assertLess(peak, LIMIT_MIB * 1.1)
                self.assertEqual(set(counts) - {"503+retry", "broken"}, set(), "nobody is answered OK")
                self.assertGreater(counts["503+retry"], 0)


if __name__ == "__main__":
    unittest.main()
