/* SPDX-License-Identifier: GPL-2.0-only */
/* The bytes of a call, wherever in user memory its system call says they are. */
#ifndef WIRESPAN_BPF_USER_BYTES_H
#define WIRESPAN_BPF_USER_BYTES_H

#include "bpf/lib/ring.h"
#include "bpf/lib/system_call.h"

/* sendmmsg and recvmmsg: the hook fires once a message, the registers name the vector. */
struct ws_mmsg {
	__u64 vector;
	__u32 index;
	__u32 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct ws_mmsg);
} ws_mmsgs SEC(".maps");

static __always_inline __u64 ws_mmsg_header(__u32 tid, __u64 vector, __u32 count)
{
	struct ws_mmsg *known = bpf_map_lookup_elem(&ws_mmsgs, &tid);
	struct ws_mmsg fresh = {.vector = vector, .index = 1, .count = count};

	if (known && known->vector == vector && known->count == count && known->index < known->count) {
		__u32 index = known->index++;

		return vector + (__u64)index * WS_MMSGHDR_SIZE;
	}
	bpf_map_update_elem(&ws_mmsgs, &tid, &fresh, BPF_ANY);
	return vector;
}

/* A call of several messages ended early: the next one begins at its first again. */
static __always_inline void ws_mmsg_forget(__u32 tid)
{
	bpf_map_delete_elem(&ws_mmsgs, &tid);
}

/* The longer ways to the first byte; a function of its own to keep its variables off the caller's stack. 0: a fault. */
WS_NOINLINE int ws_find_vector(__u32 shape, __u64 arg1, __u64 arg2, __u32 tid)
{
	struct ws_scratch *s = ws_my_scratch();
	struct ws_iovec vector; /* where it is, and how many */

	if (!s)
		return 0;
	if (shape == WS_SHAPE_SEGMENTS) {
		__u64 skip = arg2 >> 32;

		s->iov_kernel = 1;
		s->iov_user = arg1;
		s->iov_count = arg2;
		if (bpf_probe_read_kernel(&vector, sizeof(vector), (void *)arg1) || vector.len < skip)
			return 0;
		s->cursor.base = vector.base + skip;
		s->cursor.left = vector.len - skip;
		s->cursor.next_iov = 1;
		return 1;
	}
	if (shape == WS_SHAPE_MESSAGES)
		arg1 = ws_mmsg_header(tid, arg1, arg2);
	if (bpf_probe_read_user(&vector, sizeof(vector), (void *)(arg1 + WS_USER_MSGHDR_VECTOR)))
		return 0;
	s->iov_user = vector.base;
	s->iov_count = vector.len;
	return 1;
}

/* Points the cursor at the call's first byte. False: a fault. */
static __always_inline bool ws_find_bytes(struct ws_scratch *s, __u32 shape, __u64 arg1, __u64 arg2, __u32 len,
					  __u32 tid)
{
	s->cursor.position = 0;
	s->cursor.next_iov = 0;
	s->now.position = ~0u;
	s->iov_count = 0;
	s->iov_first = ~0u;
	s->iov_kernel = 0;
	if (shape == WS_SHAPE_BUFFER) {
		s->cursor.base = arg1;
		s->cursor.left = len;
		return true;
	}
	s->cursor.base = 0;
	s->cursor.left = 0;
	if (shape == WS_SHAPE_VECTOR) {
		/* The first part may be all that is looked at. */
		if (bpf_probe_read_user(s->iov, sizeof(s->iov[0]), (void *)arg1))
			return false;
		s->iov_user = arg1;
		s->iov_count = arg2;
		s->cursor.base = s->iov[0].base;
		s->cursor.left = s->iov[0].len;
		s->cursor.next_iov = 1;
		return true;
	}
	return ws_find_vector(shape, arg1, arg2, tid) != 0;
}

#define WS_GATHER_STEPS 64

static __always_inline long ws_read_vector(struct ws_scratch *s, __u32 first, __u32 count)
{
	const void *from = (const void *)(s->iov_user + (__u64)first * sizeof(s->iov[0]));

	if (s->iov_kernel)
		return bpf_probe_read_kernel(s->iov, count * sizeof(s->iov[0]), from);
	return bpf_probe_read_user(s->iov, count * sizeof(s->iov[0]), from);
}

/*
 * One part of the way: the next entry of the vector if need be, then a step towards plan.pos or a copy into the
 * window. scratch->now and scratch->got carry on between parts. 0: enough, or no more.
 */
static __always_inline int ws_gather_part(struct ws_scratch *s, __u8 *to)
{
	struct ws_cursor *now = &s->now;
	__u32 pos = s->plan.pos, n = s->got, step;

	if (now->left == 0) {
		__u32 index = now->next_iov, first = index & ~(WS_IOV_BATCH - 1), in_batch;

		if (index >= s->iov_count)
			return 0;
		if (first != s->iov_first) {
			__u32 count = ws_min(s->iov_count - first, WS_IOV_BATCH);

			WS_OPAQUE(count);
			if (count > WS_IOV_BATCH)
				return 0;
			if (ws_read_vector(s, first, count)) {
				s->fault = 1;
				return 0;
			}
			s->iov_first = first;
		}
		in_batch = index & (WS_IOV_BATCH - 1);
		now->base = s->iov[in_batch].base;
		now->left = s->iov[in_batch].len;
		now->next_iov = index + 1;
		if (now->left == 0)
			return 1;
	}
	if (now->position < pos) {
		step = pos - now->position;
		if (step > now->left)
			step = now->left;
		now->base += step;
		now->left -= step;
		now->position += step;
		if (now->position < pos || now->left == 0)
			return 1;
	}
	if (n == 0)
		s->cursor = *now; /* of the window's first byte: it may be asked for again */
	step = s->plan.want - n;
	if (step > now->left)
		step = now->left;
	WS_OPAQUE(step);
	WS_OPAQUE(n);
	if (step > WS_WINDOW || n >= WS_WINDOW)
		return 0;
	if (bpf_probe_read_user(to + n, step, (void *)now->base)) {
		s->fault = 1;
		return 0;
	}
	n += step;
	now->base += step;
	now->left -= step;
	now->position += step;
	s->got = n;
	return n < s->plan.want;
}

#endif
