/* SPDX-License-Identifier: GPL-2.0-only */
/* For hooks that see a socket, a result and flags, but learn about the bytes from the registers of the system call. */
#ifndef WIRESPAN_BPF_HOOKED_H
#define WIRESPAN_BPF_HOOKED_H

#include "bpf/lib/task.h"

/* A call of `who` on `sk` returned. `task` is the current one. */
static __always_inline void ws_on_socket(struct sock *sk, struct task_struct *task, const struct ws_caller *who, int ret,
					 int flags, __u32 direction)
{
	struct ws_counts *counts = ws_my_counts();
	struct ws_io io = {.direction = direction, .arg1 = who->arg1, .arg2 = who->arg2};
	__u32 len = ret > 0 ? ret : 0;

	if (!counts)
		return;
	counts->of[WS_SEEN].events++;
	counts->of[WS_SEEN].bytes += len;
	if (who->tgid == ws_self) {
		ws_note(counts, WS_IGNORED_EXCLUDED, len);
		return;
	}
	if (flags & (WS_MSG_PEEK | WS_MSG_OOB | WS_MSG_ERRQUEUE)) {
		ws_note(counts, flags & WS_MSG_PEEK ? WS_IGNORED_PEEK : WS_IGNORED_OUT_OF_BAND, len);
		return;
	}
	if (who->kernel_thread) {
		ws_note(counts, WS_IGNORED_KERNEL_THREAD, len);
		return;
	}
	if (ret <= 0) {
		ws_note(counts, WS_IGNORED_EMPTY, 0);
		if (who->nr == WS_NR_SENDMMSG || who->nr == WS_NR_RECVMMSG)
			ws_mmsg_forget(who->tid);
		/* A read into no space says nothing about the stream. */
		if (ret == 0 && direction == WS_READ &&
		    !((who->nr == WS_NR_READ || who->nr == WS_NR_RECVFROM) && who->arg2 == 0))
			ws_on_end(sk, counts, who->tgid, who->tid);
		return;
	}
	if (who->thirty_two_bit) {
		ws_note(counts, WS_IGNORED_THIRTY_TWO_BIT, len);
		return;
	}
	/* io_uring's work is done by a worker, or inside any other system call of the task. */
	if (who->io_worker || (who->io_uring && ws_sock_of(task, who->arg0) != sk))
		io.unseen_caller = true;
	else if (who->nr == WS_NR_IO_URING_ENTER)
		io.unseen_caller = true;
	else if (!(direction == WS_READ && (flags & WS_MSG_TRUNC))) /* thrown away: nothing was copied to the buffer */
		io.shape = ws_shape_of(who->nr, direction);
	ws_on_bytes(sk, counts, &io, who->tgid, who->tid, len, 0);
}

/* Bytes left the receive queue of `sk`, which the caller has locked, within a splice call of `task`. */
static __always_inline void ws_on_splice(struct sock *sk, struct task_struct *task)
{
	struct ws_counts *counts = ws_my_counts();
	struct ws_sock *ws = ws_find_sock(sk);
	struct ws_caller who;
	__u64 end;

	if (!counts || !ws || !(ws->flags & WS_SOCK_TCP))
		return; /* a stream that begins with a splice shows no head */
	end = ws_tcp_position(ws, sk, ws_tcp_known(sk), WS_READ);
	if (end <= ws->place[WS_READ].next || end - ws->place[WS_READ].next > 0x7fffffff)
		return;
	ws_who(&who, task);
	who.io_uring = false;
	ws_on_socket(sk, task, &who, end - ws->place[WS_READ].next, 0, WS_READ);
}

#endif
