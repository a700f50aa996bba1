"""Recordings of live traffic (docs/format/recording.md), with some of their events taken out, and what replay makes of them."""

import json
import random
import signal
import struct
import subprocess

from stack import BIN

HEAD_BYTES, DATA = 48, 2


class Recorder:
    """Records what happens at the ports of the stack."""

    def __init__(self, stack, config, raw=False):
        self.config, self.file = stack.folder / "record.yaml", stack.folder / "events.rec"
        self.config.write_text(f"capture: {{filter: {{include_ports: {stack.ports}}}}}\n{config}\n")
        self.process = subprocess.Popen([BIN / "wirespan-agent", "record", *(["--raw"] if raw else []), "--config", self.config, self.file], stderr=subprocess.PIPE, text=True)
        self.first = self.process.stderr.readline()
        assert self.first.startswith("recording to"), self.first + self.process.stderr.read()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        error = self.process.communicate(timeout=60)[1]
        assert self.process.returncode == 0, error


def without_some(recording, share, seed):
    """A recording that lacks this share of its data events; how many those are."""
    content, kept, lost, chance = recording.read_bytes(), [], 0, random.Random(seed)
    kept.append(content[:HEAD_BYTES])
    at = HEAD_BYTES
    while at < len(content):
        (size,) = struct.unpack_from("<I", content, at)
        end = at + 8 + size
        if content[at + 8] == DATA and chance.random() < share:
            lost += 1
        else:
            kept.append(content[at:end])
        at = end
    out = recording.with_name(f"lossy-{seed}.rec")
    out.write_bytes(b"".join(kept))
    return out, lost


def replayed(config, file):
    done = subprocess.run([BIN / "wirespan-agent", "replay", "--json", "--config", config, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
