/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers and arguments of the system calls that move bytes. At the exit of a call the registers still hold its
 * arguments; on arm64 the first one is in orig_x0, because x0 is the result by then.
 */
#ifndef WIRESPAN_BPF_SYSTEM_CALL_H
#define WIRESPAN_BPF_SYSTEM_CALL_H

#include "bpf/lib/kernel_types.h"

#ifdef __TARGET_ARCH_arm64
enum ws_nr {
	WS_NR_READ = 63,
	WS_NR_WRITE = 64,
	WS_NR_READV = 65,
	WS_NR_WRITEV = 66,
	WS_NR_PREAD64 = 67,
	WS_NR_PWRITE64 = 68,
	WS_NR_PREADV = 69,
	WS_NR_PWRITEV = 70,
	WS_NR_SENDFILE = 71,
	WS_NR_SPLICE = 76,
	WS_NR_SENDTO = 206,
	WS_NR_RECVFROM = 207,
	WS_NR_SENDMSG = 211,
	WS_NR_RECVMSG = 212,
	WS_NR_RECVMMSG = 243,
	WS_NR_SENDMMSG = 269,
	WS_NR_PREADV2 = 286,
	WS_NR_PWRITEV2 = 287,
	WS_NR_IO_URING_ENTER = 426,
};
#define WS_REGS_NR(r) ((__u32)(r)->syscallno)
#define WS_REGS_RESULT(r) ((long)(r)->regs[0])
#define WS_REGS_ARG0(r) ((r)->orig_x0)
#define WS_REGS_ARG1(r) ((r)->regs[1])
#define WS_REGS_ARG2(r) ((r)->regs[2])
#define WS_REGS_ARG3(r) ((r)->regs[3])
#else
enum ws_nr {
	WS_NR_READ = 0,
	WS_NR_WRITE = 1,
	WS_NR_PREAD64 = 17,
	WS_NR_PWRITE64 = 18,
	WS_NR_READV = 19,
	WS_NR_WRITEV = 20,
	WS_NR_SENDFILE = 40,
	WS_NR_SENDTO = 44,
	WS_NR_RECVFROM = 45,
	WS_NR_SENDMSG = 46,
	WS_NR_RECVMSG = 47,
	WS_NR_SPLICE = 275,
	WS_NR_PREADV = 295,
	WS_NR_PWRITEV = 296,
	WS_NR_RECVMMSG = 299,
	WS_NR_SENDMMSG = 307,
	WS_NR_PREADV2 = 327,
	WS_NR_PWRITEV2 = 328,
	WS_NR_IO_URING_ENTER = 426,
};
#define WS_REGS_NR(r) ((__u32)(r)->orig_ax)
#define WS_REGS_RESULT(r) ((long)(r)->ax)
#define WS_REGS_ARG0(r) ((r)->di)
#define WS_REGS_ARG1(r) ((r)->si)
#define WS_REGS_ARG2(r) ((r)->dx)
#define WS_REGS_ARG3(r) ((r)->r10)
#endif

/* How a call names its bytes. */
enum ws_shape {
	WS_SHAPE_NONE = 0, /* moves bytes without naming them: sendfile, splice, io_uring */
	WS_SHAPE_BUFFER,   /* arg1, arg2 */
	WS_SHAPE_VECTOR,   /* struct iovec at arg1, arg2 of them */
	WS_SHAPE_MESSAGE,  /* struct msghdr at arg1 */
	WS_SHAPE_MESSAGES, /* struct mmsghdr at arg1, arg2 of them */
	WS_SHAPE_SEGMENTS, /* the kernel's struct iovec at arg1; arg2: how many, and how far into the first << 32 */
};

static __always_inline __u32 ws_shape_of(__u32 nr, __u32 direction)
{
	if (direction == WS_READ) {
		switch (nr) {
		case WS_NR_READ:
		case WS_NR_RECVFROM:
			return WS_SHAPE_BUFFER;
		case WS_NR_READV:
		case WS_NR_PREADV2:
			return WS_SHAPE_VECTOR;
		case WS_NR_RECVMSG:
			return WS_SHAPE_MESSAGE;
		case WS_NR_RECVMMSG:
			return WS_SHAPE_MESSAGES;
		}
	} else {
		switch (nr) {
		case WS_NR_WRITE:
		case WS_NR_SENDTO:
			return WS_SHAPE_BUFFER;
		case WS_NR_WRITEV:
		case WS_NR_PWRITEV2:
			return WS_SHAPE_VECTOR;
		case WS_NR_SENDMSG:
			return WS_SHAPE_MESSAGE;
		case WS_NR_SENDMMSG:
			return WS_SHAPE_MESSAGES;
		}
	}
	return WS_SHAPE_NONE;
}

#endif
