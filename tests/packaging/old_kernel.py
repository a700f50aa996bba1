"""old_kernel.py COMMAND...: runs it with no system call that Linux 3.10 has not (CentOS 7's, x86-64): the others answer ENOSYS, as they would there.
It is that kernel's table of calls and not that kernel: what calls do with newer flags is today's. Nor does uname answer: OpenSSL would take today's
version for a promise that getrandom is there."""

import ctypes
import os
import struct
import sys

FIRST_NEWER = 314  # sched_setattr, 3.14; the last that 3.10 has is finit_module, 313
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, ENOSYS = 0x7FFF0000, 0x00050000, 38
UNAME = 63
BPF_LD_W_ABS, BPF_JGE, BPF_JEQ, BPF_RET = 0x20, 0x35, 0x15, 0x06
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2


def limit():
    filters = b"".join(struct.pack("HBBI", *one) for one in (
        (BPF_LD_W_ABS, 0, 0, 0),  # seccomp_data.nr
        (BPF_JGE, 1, 0, FIRST_NEWER),
        (BPF_JEQ, 0, 1, UNAME),
        (BPF_RET, 0, 0, SECCOMP_RET_ERRNO | ENOSYS),
        (BPF_RET, 0, 0, SECCOMP_RET_ALLOW)))
    buffer = ctypes.create_string_buffer(filters, len(filters))
    program = struct.pack("HxxxxxxP", len(filters) // 8, ctypes.addressof(buffer))
    program = ctypes.create_string_buffer(program, len(program))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0)):
        if libc.prctl(*(ctypes.c_ulong(a) for a in arguments)) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    limit()
    os.execvp(sys.argv[1], sys.argv[1:])
