/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For hooks on the entry and the return of the functions that move bytes: the entry remembers the socket and where the
 * bytes are, because the iterator has moved on at the return; the return says how many. What the functions are given is
 * the same for every system call, io_uring and 32-bit programs.
 */
#ifndef WIRESPAN_BPF_SOCKET_CALL_H
#define WIRESPAN_BPF_SOCKET_CALL_H

#include "bpf/lib/task.h"

/* fentry: the verifier knows the type of the arguments, plain loads do. */
#ifdef WS_TYPED_ARGUMENTS
#define WS_ARGUMENT(p, field) ((p)->field)
#else
#define WS_ARGUMENT(p, field) BPF_CORE_READ(p, field)
#endif

/* The call that a thread is in. */
struct ws_call {
	__u64 sk; /* 0: none */
	__u64 arg1;
	__u64 arg2;
	__u32 shape;
	__u32 flags;
	__u32 direction;
	__u32 asked; /* not for 0 bytes */
};

/* Entries are kept for a thread's next call; those of threads that are gone are the oldest. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct ws_call);
} ws_calls SEC(".maps");

static __always_inline void ws_call_where(struct ws_call *call, struct msghdr *msg)
{
	__u64 skip = WS_ARGUMENT(msg, msg_iter.iov_offset);
	__u32 kind;

	if (bpf_core_field_exists(msg->msg_iter.iter_type))
		kind = WS_ARGUMENT(msg, msg_iter.iter_type);
	else
		kind = WS_ARGUMENT((struct msghdr___before_5_14 *)msg, msg_iter.type) & ~1u;
	call->asked = WS_ARGUMENT(msg, msg_iter.count) != 0;
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    kind == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		call->arg1 = (__u64)BPF_CORE_READ(msg, msg_iter.ubuf) + skip;
		call->shape = WS_SHAPE_BUFFER;
	} else if (kind == bpf_core_enum_value(enum iter_type, ITER_IOVEC)) {
		if (bpf_core_field_exists(msg->msg_iter.__iov))
			call->arg1 = (__u64)WS_ARGUMENT(msg, msg_iter.__iov);
		else
			call->arg1 = (__u64)WS_ARGUMENT((struct msghdr___before_6_4 *)msg, msg_iter.iov);
		call->arg2 = skip << 32 | (__u32)WS_ARGUMENT(msg, msg_iter.nr_segs);
		call->shape = WS_SHAPE_SEGMENTS;
	}
}

/* A function that moves bytes of `sk` begins. `msg` NULL: it moves them without a buffer. */
static __always_inline int ws_call_begins(struct sock *sk, struct msghdr *msg, __u32 flags, __u32 direction)
{
	static const struct ws_call none;
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 tid = ids;
	struct ws_call *call;

	if (ids >> 32 == ws_self)
		return 0;
	call = bpf_map_lookup_elem(&ws_calls, &tid);
	if (!call) {
		bpf_map_update_elem(&ws_calls, &tid, &none, BPF_ANY);
		call = bpf_map_lookup_elem(&ws_calls, &tid);
		if (!call)
			return 0;
	}
	call->sk = (__u64)sk;
	call->shape = WS_SHAPE_NONE;
	call->flags = flags;
	call->direction = direction;
	call->asked = 1;
	if (msg)
		ws_call_where(call, msg);
	return 0;
}

/* What is left of ws_call once it has been judged; false: nothing to capture. */
static __always_inline bool ws_call_counts(struct ws_counts *counts, struct ws_call *call, __u64 ids, int ret)
{
	__u32 len = ret > 0 ? ret : 0;

	counts->of[WS_SEEN].events++;
	counts->of[WS_SEEN].bytes += len;
	if (ids >> 32 == ws_self) {
		ws_note(counts, WS_IGNORED_EXCLUDED, len);
		return false;
	}
	if (!call || !call->sk) {
		ws_note(counts, ret > 0 ? WS_DROPPED_CALL_TABLE : WS_IGNORED_EMPTY, len);
		return false;
	}
	if (call->flags & (WS_MSG_PEEK | WS_MSG_OOB | WS_MSG_ERRQUEUE)) {
		ws_note(counts, call->flags & WS_MSG_PEEK ? WS_IGNORED_PEEK : WS_IGNORED_OUT_OF_BAND, len);
		return false;
	}
	if (BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), flags) & WS_PF_KTHREAD) {
		ws_note(counts, WS_IGNORED_KERNEL_THREAD, len);
		return false;
	}
	if (ret <= 0)
		ws_note(counts, WS_IGNORED_EMPTY, 0);
	return true;
}

/* The end of the stream was read; a function of its own to keep its record off the stack of the one below. */
WS_NOINLINE int ws_call_end(__u64 socket)
{
	struct ws_counts *counts = ws_my_counts();
	__u64 ids = bpf_get_current_pid_tgid();

	if (counts)
		ws_on_end((struct sock *)socket, counts, ids >> 32, ids);
	return 0;
}

/* The function that the thread is in returns `result`. Checked by the verifier once for all hooks. */
WS_NOINLINE int ws_call_returns(__u32 result)
{
	struct ws_counts *counts = ws_my_counts();
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 tid = ids;
	struct ws_call *call = bpf_map_lookup_elem(&ws_calls, &tid);
	struct ws_io io = {};
	struct sock *sk;
	int ret = result;

	if (!counts)
		return 0;
	if (!ws_call_counts(counts, call, ids, ret) || !call) {
		if (call)
			call->sk = 0;
		return 0;
	}
	sk = (struct sock *)call->sk;
	call->sk = 0;
	io.direction = call->direction & 1;
	if (ret > 0) {
		if (io.direction != WS_READ || !(call->flags & WS_MSG_TRUNC)) /* thrown away: not in the buffer */
			io.shape = call->shape;
		io.arg1 = call->arg1;
		io.arg2 = call->arg2;
		ws_on_bytes(sk, counts, &io, ids >> 32, tid, ret, 0);
	} else if (ret == 0 && io.direction == WS_READ && call->asked) {
		ws_call_end((__u64)sk);
	}
	return 0;
}

/*
 * A second chance at the return (bpf/lib/turn.h): a call on `sk` that is still remembered was left out by the first
 * program. An entry needs no such look: what two programs remember of it is the same.
 */
static __always_inline int ws_call_returns_again(struct sock *sk, __u32 result)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct ws_call *call = bpf_map_lookup_elem(&ws_calls, &tid);

	return call && call->sk == (__u64)sk ? ws_call_returns(result) : 0;
}

#endif
