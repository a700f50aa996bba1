"""What the server and the client share. ../truth.md says what they log and how they are told what to do."""

import json
import threading
import time

SERVICE = "wirespan.test.Truth"
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.max_metadata_size", 1 << 20),
             ("grpc.absolute_max_metadata_size", 1 << 20)]


class Fields(dict):
    """Words "name=value"."""

    def __init__(self, text, between=None):
        super().__init__(word.split("=", 1) for word in text.split(between) if "=" in word)

    def number(self, name, otherwise=0):
        return int(self.get(name) or otherwise)

    def seconds(self, name):
        return self.number(name) / 1000


class Tally:
    def __init__(self):
        self.sent, self.received = [], []  # sizes of messages

    def entry(self):
        return {"received_messages": len(self.received), "received_bytes": sum(self.received), "sent_messages": len(self.sent),
                "sent_bytes": sum(self.sent)}


class Log:
    """One JSON object a line."""

    def __init__(self, path):
        self.file, self.lock = open(path, "w"), threading.Lock()

    def write(self, entry):
        with self.lock:
            self.file.write(json.dumps(entry) + "\n")
            self.file.flush()


def ms(since):
    return (time.perf_counter() - since) * 1000
