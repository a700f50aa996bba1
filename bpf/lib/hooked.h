/* SPDX-License-Identifier: GPL-2.0-only */
/* For hooks that see a socket, a result and flags, but learn about the bytes from the registers of the system call. */
#ifndef WIRESPAN_BPF_HOOKED_H
#define WIRESPAN_BPF_HOOKED_H

#include "bpf/lib/task.h"

/* Rare, and so not in the way of calls that move bytes. */
static WS_NOINLINE int ws_moved_nothing(struct sock *sk, struct task_struct *task, struct ws_counts *counts, int ret,
					__u32 direction)
{
	struct pt_regs *regs = ws_regs_of(task);
	__u32 nr = WS_REGS_NR(regs);

	ws_note(counts, WS_IGNORED_EMPTY, 0);
	if (nr == WS_NR_SENDMMSG || nr == WS_NR_RECVMMSG)
		ws_mmsg_forget(task->pid);
	/* A read into no space says nothing about the stream. */
	if (ret == 0 && direction == WS_READ &&
	    !((nr == WS_NR_READ || nr == WS_NR_RECVFROM) && WS_REGS_ARG2(regs) == 0))
		ws_on_end(sk, counts, task->tgid, task->pid);
	return 0;
}

/* Whether io_uring made the call: a worker, or any other system call of the task that it is done in passing. */
static WS_NOINLINE int ws_is_in_passing(struct sock *sk, struct task_struct *task)
{
	return ws_sock_of(task, WS_REGS_ARG0(ws_regs_of(task))) != sk;
}

/* A call of `task`, the current one, on `sk` returned. */
static __always_inline void ws_on_socket(struct sock *sk, struct task_struct *task, int ret, int flags, __u32 direction)
{
	struct ws_counts *counts = ws_my_counts();
	struct ws_io io = {.direction = direction, .regs = ws_regs_of(task)};
	__u32 len = ret > 0 ? ret : 0, tgid = task->tgid, nr;

	if (!counts)
		return;
	counts->of[WS_SEEN].events++;
	counts->of[WS_SEEN].bytes += len;
	if (tgid == ws_self) {
		ws_note(counts, WS_IGNORED_EXCLUDED, len);
		return;
	}
	if (flags & (WS_MSG_PEEK | WS_MSG_OOB | WS_MSG_ERRQUEUE)) {
		ws_note(counts, flags & WS_MSG_PEEK ? WS_IGNORED_PEEK : WS_IGNORED_OUT_OF_BAND, len);
		return;
	}
	if (task->flags & WS_PF_KTHREAD) {
		ws_note(counts, WS_IGNORED_KERNEL_THREAD, len);
		return;
	}
	if (ret <= 0) {
		ws_moved_nothing(sk, task, counts, ret, direction);
		return;
	}
	if (WS_COMPAT(task->thread_info)) {
		ws_note(counts, WS_IGNORED_THIRTY_TWO_BIT, len);
		return;
	}
	nr = WS_REGS_NR(io.regs);
	if (nr == WS_NR_IO_URING_ENTER || (task->flags & WS_PF_IO_WORKER) ||
	    (task->io_uring && ws_is_in_passing(sk, task)))
		io.unseen_caller = true;
	else if (!(direction == WS_READ && (flags & WS_MSG_TRUNC))) /* thrown away: nothing was copied to the buffer */
		io.shape = ws_shape_of(nr, direction);
	if (nr == WS_NR_SPLICE && direction == WS_WRITE)
		ws_control.splices = 1; /* what goes out of a pipe may come from a socket */
	ws_on_bytes(sk, counts, &io, tgid, task->pid, len, 0);
}

/* Bytes left the receive queue of `sk`, which the caller has locked, within a splice call of `task`. */
static __always_inline void ws_on_splice(struct sock *sk, struct task_struct *task)
{
	struct ws_counts *counts = ws_my_counts();
	struct ws_sock *ws = ws_find_sock(sk);
	__u64 end;

	if (!counts || !ws || !(ws->flags & WS_SOCK_TCP))
		return; /* a stream that begins with a splice shows no head */
	end = ws_tcp_position(ws, sk, ws_tcp_known(sk), WS_READ);
	if (end <= ws->place[WS_READ].next || end - ws->place[WS_READ].next > 0x7fffffff)
		return;
	ws_on_socket(sk, task, end - ws->place[WS_READ].next, 0, WS_READ);
}

/*
 * Within a splice call of `task` the last part of a buffer was taken out of a Unix socket: the one that `from`, which
 * sent it, is connected to. Once that is closed nothing leads from it to the reader.
 */
static __always_inline void ws_on_unix_splice(struct sk_buff *skb, struct sock *from, struct task_struct *task)
{
	/* By way of its file, or verifiers do not take the pointer. */
	struct unix_sock *sender = bpf_skc_to_unix_sock(from->sk_socket->sk);
	struct sock *sk = sender ? sender->peer : NULL;
	__u32 len = skb->len;
	struct ws_counts *counts;
	struct ws_sock *ws;

	if (!sk) {
		counts = ws_my_counts();
		if (counts)
			ws_note(counts, WS_NOTED_UNSEEN, len);
		return;
	}
	ws = ws_find_sock(sk);
	if (!ws)
		return; /* a stream that begins with a splice shows no head */
	if (ws->buffer_read < len)
		ws_on_socket(sk, task, len - ws->buffer_read, 0, WS_READ);
}

#endif
