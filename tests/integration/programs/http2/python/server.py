"""A grpcio server: server.py PORT LOG. SIGTERM ends it when its calls have ended."""

import concurrent.futures
import signal
import sys
import threading
import time

import grpc

from common import SERVICE, UNLIMITED, Fields, Log, Tally, ms

CODES = {code.value[0]: code for code in grpc.StatusCode}


class Call:
    """Answers as its x-reply header says."""

    def __init__(self, method, context, log):
        self.method, self.context, self.log = method, context, log
        sent = dict(context.invocation_metadata())
        self.id, self.reply = sent.get("x-id", ""), Fields(sent.get("x-reply", ""), ",")
        self.tally, self.start, self.gone = Tally(), time.perf_counter(), threading.Event()
        if not context.add_callback(self.gone.set):
            self.gone.set()

    def message(self):
        size = self.reply.number("size", 100)
        self.tally.sent.append(size)
        return bytes(size)

    def wait(self, name):
        if self.gone.wait(self.reply.seconds(name)):
            raise concurrent.futures.CancelledError

    def write(self, status):
        if self.id:
            self.log.write({"id": self.id, "method": f"{SERVICE}/{self.method}", "status": status, "ms": ms(self.start), **self.tally.entry()})

    def end(self):
        """Before the status leaves, which the caller's return does; or raises it."""
        if n := self.reply.number("trailers"):
            self.context.set_trailing_metadata([("x-fill", "t" * n)])
        status = self.reply.number("status")
        self.write(status)
        if status:
            self.context.abort(CODES[status], self.reply.get("text", "") + " ü%")

    def before(self, requests):
        """Reads all that is asked; and what comes before the first answer."""
        for message in requests:
            self.tally.received.append(len(message))
        self.wait("delay")
        if n := self.reply.number("metadata"):
            self.context.send_initial_metadata([("x-fill", "m" * n)])

    def one(self, requests):
        try:
            answer = b""
            if not self.reply.number("early"):
                self.before(requests)
                if self.reply.number("messages", 1):
                    answer = self.message()
            self.end()
            return answer
        except concurrent.futures.CancelledError:
            self.write(1)
            self.context.abort(grpc.StatusCode.CANCELLED, "")

    def many(self, requests):
        ended = False
        try:
            if not self.reply.number("early"):
                self.before(requests)
                for i in range(self.reply.number("messages", 1)):
                    if i:
                        self.wait("pause")
                    yield self.message()
            ended = True
            self.end()
        except (concurrent.futures.CancelledError, GeneratorExit):
            if not ended:
                self.write(1)

    def each(self, requests):
        ended = False
        try:
            for message in requests if not self.reply.number("early") else ():
                self.tally.received.append(len(message))
                yield self.message()
            ended = True
            self.end()
        except (concurrent.futures.CancelledError, GeneratorExit, grpc.RpcError):
            if not ended:
                self.write(1)


def main():
    port, log = sys.argv[1], Log(sys.argv[2])
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(lambda request, context: Call("Unary", context, log).one([request])),
        "ClientStream": grpc.stream_unary_rpc_method_handler(lambda requests, context: Call("ClientStream", context, log).one(requests)),
        "ServerStream": grpc.unary_stream_rpc_method_handler(lambda request, context: Call("ServerStream", context, log).many([request])),
        "Bidi": grpc.stream_stream_rpc_method_handler(lambda requests, context: Call("Bidi", context, log).each(requests)),
    }
    options = UNLIMITED + [("grpc.keepalive_time_ms", 1000), ("grpc.http2.max_pings_without_data", 0)]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=80), options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    terminated = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: terminated.set())
    server.start()
    terminated.wait()
    server.stop(10).wait()


main()
