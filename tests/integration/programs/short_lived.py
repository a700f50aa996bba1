"""Starts processes that live for a few milliseconds, one after the other, each in a container and with one request.

    short_lived.py GROUP PORT PATH COUNT [keep]

As a container runtime does: it stays outside of the group (a folder of a control group) itself, and its children enter it before
they run their program. GET /PATH/0, /PATH/1, ... "keep": the dead are left unburied until standard input ends.
"""

import os
import sys

CLIENT = (r'exec 3<>/dev/tcp/127.0.0.1/$0; printf "GET $1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" >&3; '
          'while read -r _; do :; done <&3')


def main():
    group, port, path, count = sys.argv[1:5]
    keep = "keep" in sys.argv[5:]
    kept = []
    for number in range(int(count)):
        pid = os.fork()
        if pid == 0:
            with open(f"{group}/cgroup.procs", "w") as procs:
                procs.write(str(os.getpid()))
            os.execv("/bin/bash", ["bash", "-c", CLIENT, port, f"/{path}/{number}"])
        if keep:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            kept.append(pid)
        else:
            os.waitpid(pid, 0)
    print("done", flush=True)
    sys.stdin.read()
    for pid in kept:
        os.waitpid(pid, 0)


main()
