"""A program that watches nothing and takes as much CPU as one that does: burn.py SHARE PERIOD [SHARE PERIOD]...

A process each: SHARE of a CPU's time in slices, one every PERIOD seconds, until it is ended. What a server pays beside it is the price of
a busy neighbour, not of being watched.
"""

import os
import sys
import time


def burn(share, period):
    due = time.monotonic()
    while os.getppid() != 1:
        start = time.thread_time()
        while time.thread_time() - start < share * period:
            pass
        due += period
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    numbers = [float(a) for a in sys.argv[1:]]
    pairs = list(zip(numbers[::2], numbers[1::2]))
    for share, period in pairs[1:]:
        if os.fork() == 0:
            burn(share, period)
            sys.exit(0)
    burn(*pairs[0])
