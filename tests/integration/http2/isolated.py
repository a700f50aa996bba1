"""A Stack whose agent sees the connections of its own servers alone: what else runs on this machine does not take part."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "truth"))

from stack import Stack, free_port  # noqa: E402

PORTS = 24


def only_our_ports(kind):
    """`kind` of Stack, with ports of its own. `capture` words of its configuration go into the `capture` option."""

    class Isolated(kind):
        def __init__(self, config="", capture="", handover=False, **more):
            self.ports = [free_port() for _ in range(PORTS)]
            self.unused = list(self.ports)
            words = f"filter: {{include_ports: {self.ports}}}" + (f", {capture}" if capture else "")
            if not handover:
                words += ", handover: 0s"
            super().__init__(f"capture: {{{words}}}\n{config}", handover=handover, **more)

        def port(self):
            return self.unused.pop()

    return Isolated


IsolatedStack = only_our_ports(Stack)
