// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook: the raw tracepoint sys_exit, at which the registers still hold the call's arguments. Right from 5.8 on, on
 * every architecture. The last resort: it taxes every system call of the machine, so the first thing it does is to let
 * the others go. Sees no io_uring, and the descriptor may name another socket by then if a thread has replaced it.
 */
#include "bpf/lib/process_probe.h"
#include "bpf/lib/task.h"

char LICENSE[] SEC("license") = "GPL";

#define WS_MESSAGES_MAX 64

/* What the call in progress moves, one message at a time; a function of its own to the verifier. */
WS_NOINLINE int ws_syscall_bytes(__u64 socket, __u64 nr_and_direction, __u64 arg1, __u64 arg2, __u64 len_and_after)
{
	struct ws_counts *counts = ws_my_counts();
	__u64 ids = bpf_get_current_pid_tgid();
	struct ws_io io = {.direction = nr_and_direction & 1, .arg1 = arg1, .arg2 = arg2};
	__u32 len = len_and_after;

	if (!counts)
		return 0;
	io.shape = ws_shape_of(nr_and_direction >> 1, io.direction);
	counts->of[WS_SEEN].events++;
	counts->of[WS_SEEN].bytes += len;
	ws_on_bytes((struct sock *)socket, counts, &io, ids >> 32, ids, len, len_and_after >> 32);
	return 0;
}

WS_NOINLINE __u32 ws_syscall_length(__u64 message)
{
	__u32 len = 0;

	bpf_probe_read_user(&len, sizeof(len), (void *)(message + 56));
	return len;
}

/* Bytes of the messages from `at` on. */
WS_NOINLINE __u32 ws_syscall_after(__u64 at, __u64 end)
{
	__u32 i, total = 0;

	WS_ROLLED
	for (i = 0; i < WS_MESSAGES_MAX; i++) {
		if (at >= end)
			break;
		total += ws_syscall_length(at);
		at += WS_MMSGHDR_SIZE;
	}
	return total;
}

/* All messages of sendmmsg or recvmmsg, each a call of its own. */
WS_NOINLINE int ws_syscall_messages(__u64 socket, __u64 nr_and_direction, __u64 at, __u64 end)
{
	__u32 i, len;

	WS_ROLLED
	for (i = 0; i < WS_MESSAGES_MAX; i++) {
		if (at >= end)
			break;
		len = ws_syscall_length(at);
		if (len > 0)
			ws_syscall_bytes(socket, nr_and_direction, at, 1,
					 (__u64)ws_syscall_after(at + WS_MMSGHDR_SIZE, end) << 32 | len);
		at += WS_MMSGHDR_SIZE;
	}
	return 0;
}

/* Leaves of the call tree: what they keep on the stack is not below the calls that move bytes. */
WS_NOINLINE __u64 ws_syscall_socket(__u32 fd)
{
	return (__u64)ws_sock_of((struct task_struct *)bpf_get_current_task(), fd);
}

WS_NOINLINE int ws_syscall_compat(void)
{
	return ws_compat((struct task_struct *)bpf_get_current_task());
}

WS_NOINLINE int ws_syscall_end(__u64 socket)
{
	struct ws_counts *counts = ws_my_counts();
	__u64 ids = bpf_get_current_pid_tgid();

	if (counts)
		ws_on_end((struct sock *)socket, counts, ids >> 32, ids);
	return 0;
}

static __always_inline int ws_ignore(__u32 what, __u32 len)
{
	struct ws_counts *counts = ws_my_counts();

	if (counts) {
		counts->of[WS_SEEN].events++;
		counts->of[WS_SEEN].bytes += len;
		ws_note(counts, what, len);
	}
	return 0;
}

/* A call with these registers returned `ret`, no error. */
static __always_inline int ws_call_ended(struct pt_regs *regs, long ret)
{
	struct ws_counts *counts;
	__u32 nr = WS_REGS_NR(regs), fd, direction = WS_READ, flags = 0, tgid;
	__u64 arg1, arg2, sk;

	switch (nr) {
	case WS_NR_READ:
	case WS_NR_READV:
	case WS_NR_PREADV2:
	case WS_NR_RECVFROM:
	case WS_NR_RECVMSG:
	case WS_NR_RECVMMSG:
		break;
	case WS_NR_WRITE:
	case WS_NR_WRITEV:
	case WS_NR_PWRITEV2:
	case WS_NR_SENDTO:
	case WS_NR_SENDMSG:
	case WS_NR_SENDMMSG:
	case WS_NR_SENDFILE:
		direction = WS_WRITE;
		break;
	case WS_NR_SPLICE:
		break;
	case WS_NR_IO_URING_ENTER:
		if (ret > 0) {
			counts = ws_my_counts();
			if (counts)
				ws_note(counts, WS_NOTED_IO_URING, 0);
		}
		return 0;
#ifdef __TARGET_ARCH_x86
	/* The numbers that 32-bit programs use for the like: read, write, socketcall, readv, writev, sendto... */
	case 3:
	case 4:
	case 102:
	case 145:
	case 146:
	case 369 ... 372:
		if (ret > 0 && ws_syscall_compat() && (nr == 102 || ws_syscall_socket(regs->bx)))
			return ws_ignore(WS_IGNORED_THIRTY_TWO_BIT, nr == 102 ? 0 : ret);
		return 0;
#endif
	default:
		return 0;
	}
	tgid = bpf_get_current_pid_tgid() >> 32;
	if (tgid == ws_self)
		return 0;
	fd = WS_REGS_ARG0(regs);
	arg1 = WS_REGS_ARG1(regs);
	arg2 = WS_REGS_ARG2(regs);
	if (ws_syscall_compat())
		return 0; /* another table of numbers: not what it seems */
	sk = ws_syscall_socket(fd);
	if (!sk && nr == WS_NR_SPLICE) {
		sk = ws_syscall_socket(arg2);
		direction = WS_WRITE;
	}
	if (!sk)
		return 0;
	if (nr == WS_NR_RECVFROM || nr == WS_NR_RECVMMSG || nr == WS_NR_SENDTO || nr == WS_NR_SENDMMSG)
		flags = WS_REGS_ARG3(regs);
	else if (nr == WS_NR_RECVMSG || nr == WS_NR_SENDMSG)
		flags = arg2;
	if (flags & WS_MSG_PEEK)
		return ws_ignore(WS_IGNORED_PEEK, ret);
	if (flags & (WS_MSG_OOB | WS_MSG_ERRQUEUE))
		return ws_ignore(WS_IGNORED_OUT_OF_BAND, ret);
	if (ret == 0) {
		ws_ignore(WS_IGNORED_EMPTY, 0);
		if (direction == WS_READ && nr != WS_NR_RECVMMSG &&
		    !((nr == WS_NR_READ || nr == WS_NR_RECVFROM) && arg2 == 0))
			ws_syscall_end(sk);
		return 0;
	}
	if (nr == WS_NR_RECVMMSG || nr == WS_NR_SENDMMSG) {
		nr = nr == WS_NR_RECVMMSG ? WS_NR_RECVMSG : WS_NR_SENDMSG;
		ws_syscall_messages(sk, (__u64)nr << 1 | direction, arg1, arg1 + (__u64)ret * WS_MMSGHDR_SIZE);
		return 0;
	}
	if (direction == WS_READ && (flags & WS_MSG_TRUNC))
		nr = WS_NR_SENDFILE;
	ws_syscall_bytes(sk, (__u64)nr << 1 | direction, arg1, arg2, (__u32)ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_ended, struct pt_regs *regs, long ret)
{
	return ret < 0 ? 0 : ws_call_ended(regs, ret);
}

/*
 * Instead of the above where programs of tracepoints may be preempted, and then keep out those of other tasks: by way of
 * perf, which switches preemption off before it runs a program. It costs each system call more, and is told no registers.
 */
SEC("tp/raw_syscalls/sys_exit")
int call_ended_held(void *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	long ret = WS_REGS_RESULT(regs);

	return ret < 0 ? 0 : ws_call_ended(regs, ret);
}
