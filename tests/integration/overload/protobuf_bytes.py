"""Just enough protobuf to make OTLP requests."""

import os


def field(number, value):
    """A length-delimited field of protobuf."""
    size, length = len(value), b""
    while size >= 0x80:
        length += bytes([size & 0x7f | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + value


def request_of(spans):
    """An ExportTraceServiceRequest of about 450 bytes a span, half of which no compressor makes smaller."""
    text = field(9, field(1, b"note") + field(2, field(1, b"the same words in every span, again and again " * 4)))
    scope = b"".join(field(2, field(1, os.urandom(16)) + field(2, os.urandom(8)) + field(5, b"GET /") + text +
                           field(9, field(1, b"id") + field(2, field(1, os.urandom(90).hex().encode()))))
                     for _ in range(spans))
    return field(1, field(2, scope))
