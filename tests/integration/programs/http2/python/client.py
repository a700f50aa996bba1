"""A grpcio client: client.py PORT LOG [OPTION=VALUE]... < commands. One channel."""

import concurrent.futures
import sys
import threading
import time

import grpc

from common import SERVICE, UNLIMITED, Fields, Log, Tally, ms


class Client:
    def __init__(self, port, log, options):
        self.log = log
        own = [("grpc.enable_retries", 0)]
        if after := options.number("keepalive"):
            own += [("grpc.keepalive_time_ms", after), ("grpc.http2.max_pings_without_data", 0)]
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=UNLIMITED + own)
        kinds = {"Unary": channel.unary_unary, "ClientStream": channel.stream_unary, "ServerStream": channel.unary_stream, "Bidi": channel.stream_stream}
        self.methods = {name: kind(f"/{SERVICE}/{name}") for name, kind in kinds.items()}

    @staticmethod
    def metadata(batch, id):
        all = []
        if not batch.number("bare"):
            all += [("x-id", str(id)), ("x-reply", batch.get("reply", ""))]
        if n := batch.number("metadata"):
            all.append(("x-fill", "m" * n))
        if batch.number("trace"):
            all.append(("traceparent", f"00-7e57{id:028x}-{id + 1:016x}-01"))
        return all

    def call(self, batch, id):
        tally, method = Tally(), batch["method"]

        def messages():
            for i in range(batch.number("messages", 1)):
                if i:
                    time.sleep(batch.seconds("pause"))
                size = batch.number("size", 100) + batch.number("step") * id
                tally.sent.append(size)
                yield bytes(size)

        streams = method in ("ClientStream", "Bidi")
        request = messages() if streams else next(messages())
        options = {"metadata": self.metadata(batch, id), "timeout": batch.seconds("deadline") or None}
        wall, start = time.time_ns(), time.perf_counter()
        status, text = 0, ""
        try:
            if method in ("ServerStream", "Bidi"):
                call = self.methods[method](request, **options)
                with cancelling(call, batch.seconds("cancel")):
                    for answer in call:
                        tally.received.append(len(answer))
            elif batch.number("cancel"):
                call = self.methods[method].future(request, **options)
                with cancelling(call, batch.seconds("cancel")):
                    tally.received.append(len(call.result()))
            else:  # waits in this thread, which costs less
                tally.received.append(len(self.methods[method](request, **options)))
        except grpc.FutureCancelledError:
            status = 1
        except grpc.RpcError as error:
            status, text = error.code().value[0], error.details()
        took = ms(start)
        if batch.number("log", 1):
            self.log.write({"id": id, "method": f"{SERVICE}/{method}", "status": status, "text": text, "start_ns": wall, "ms": took, **tally.entry()})
        return status == 0


class cancelling:
    """Cancels the call after a time, unless this is left before."""

    def __init__(self, call, seconds):
        self.timer = threading.Timer(seconds, call.cancel) if seconds else None

    def __enter__(self):
        if self.timer:
            self.timer.start()

    def __exit__(self, *_):
        if self.timer:
            self.timer.cancel()


def main():
    client = Client(sys.argv[1], Log(sys.argv[2]), Fields(" ".join(sys.argv[3:])))
    for line in sys.stdin:
        batch = Fields(line)
        count, first = batch.number("count", 1), batch.number("first")
        with concurrent.futures.ThreadPoolExecutor(batch.number("concurrency", 1)) as pool:
            good = sum(pool.map(lambda n: client.call(batch, first + n), range(count)))
        print("done", count, good, flush=True)


main()
