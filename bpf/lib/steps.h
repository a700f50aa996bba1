/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call of HTTP/1, or of what may be: copies the windows that bpf/lib/infer/stream.h asks for and writes its records.
 */
#ifndef WIRESPAN_BPF_STEPS_H
#define WIRESPAN_BPF_STEPS_H

#include "bpf/lib/window.h"

#define WS_CALL_STEPS 96

/* A record of lengths alone, [from, to) of the call; `at` has room for it. */
static __always_inline void ws_fill_length(struct ws_scratch *s, struct ws_data *data, __u32 from, __u32 to, __u8 flags)
{
	data->header = s->header;
	data->header.size = sizeof(*data);
	data->header.kind = WS_EVENT_DATA;
	data->header.flags |= flags;
	data->offset = s->plan.start + from;
	data->end_offset = s->plan.start + to;
	s->told = to;
	s->sent++;
}

/*
 * One window: copy it to scratch memory, judge it, write a record if there is something to keep. 0: the call is done.
 */
static __always_inline int ws_take_step(struct ws_scratch *s, struct ws_ring_control *ring)
{
	__u32 pos, n, keep, why, size, before, want;
	struct ws_data *data;
	__u64 end;

	pos = s->plan.pos;
	/* Bytes before the window that no record covers get one of their own, in front. */
	before = pos > s->told ? sizeof(*data) : 0;
	want = s->plan.want;
	if (s->cursor.position == pos && s->cursor.left >= want && want <= WS_WINDOW) {
		/* All of it lies in one place: the common case. */
		WS_OPAQUE(want);
		if (want > WS_WINDOW)
			return 0;
		n = want;
		if (bpf_probe_read_user(s->window, want, (void *)s->cursor.base)) {
			s->fault = 1;
			n = 0;
		}
	} else {
		n = ws_window_gather();
	}
	if (n > WS_WINDOW)
		return 0;
	if (n == 0) {
		s->plan.want = 0;
		s->dir.mode = WS_MODE_BODY;
		if (!s->fault)
			s->plan.window_bound = 1;
		return 0;
	}
	ws_digest(&s->dir, &s->talk, &s->plan, s->window, n);
	if (s->fault && s->plan.pos == pos + n)
		s->plan.want = 0; /* the rest can't be read */
	keep = s->plan.keep;
	WS_OPAQUE(keep);
	if (keep == 0 || keep > WS_WINDOW)
		return s->plan.want != 0;
	size = sizeof(*data) + keep;
	why = ws_ring_room(ring, s, s->at, before + size, s->header.tgid);
	if (why) {
		s->lost++;
		s->lost_why = why;
		return s->plan.want != 0;
	}
	if (before) {
		ws_fill_length(s, ws_ring_slot(ring, s->at), s->told, pos, 0);
		s->at += before;
	}
	data = ws_ring_slot(ring, s->at);
	end = s->plan.want || s->plan.handed_on ? s->plan.pos : s->plan.len;
	if (end < pos + keep)
		end = pos + keep; /* the next window is inside of this one: seen, not emitted again */
	s->told = end;
	data->header = s->header;
	if (s->plan.act == WS_ACT_TLS) {
		/* The bytes follow the header directly there, after those that an earlier call had. */
		__u8 *to = (__u8 *)(&data->header + 1);

		size = sizeof(data->header) + keep;
		if (s->plan.hello_kept) {
			__builtin_memcpy(to, s->plan.hello, WS_TLS_HEADER);
			to += WS_TLS_HEADER;
			size += WS_TLS_HEADER;
		}
		bpf_probe_read_kernel(to, keep, s->window);
		data->header.kind = WS_EVENT_TLS;
		data->header.flags = 0;
	} else {
		ws_ring_copy((__u64 *)(data + 1), (const __u64 *)s->window, keep);
		data->header.kind = WS_EVENT_DATA;
		data->offset = s->plan.start + pos;
		data->end_offset = s->plan.start + end;
	}
	data->header.size = size;
	s->at += ws_ring_step(size);
	s->sent++;
	return s->plan.want != 0;
}

/* The same as a function of its own to the verifier, which so checks it once, on this CPU's scratch memory. */
WS_NOINLINE int ws_step(void)
{
	struct ws_scratch *s = ws_my_scratch();
	struct ws_ring_control *ring;
	__u32 cpu;

	if (!s)
		return 0;
	cpu = s->cpu;
	ring = bpf_map_lookup_elem(&ws_rings, &cpu);
	return ring ? ws_take_step(s, ring) : 0;
}

/*
 * A call's first window, and mostly its only one, without the price of a call of ours: some 10 ns where returns are guarded
 * (retpolines, SRSO). Where the verifier knows types it can follow that as a part of the program.
 */
#ifdef WS_TYPED
#define WS_FIRST_STEP(s, ring) ws_take_step(s, ring)
#else
#define WS_FIRST_STEP(s, ring) ws_step()
#endif

/* All windows of a call. */
WS_NOINLINE int ws_steps(void)
{
	__u32 i;

	WS_ROLLED
	for (i = 0; i < WS_CALL_STEPS; i++)
		if (!ws_step())
			return 0;
	return 1; /* more than we look at */
}

/* The rest of the call, of which no record tells yet. */
static __always_inline __u32 ws_tell_rest(struct ws_ring_control *ring, struct ws_scratch *s, __u8 flags)
{
	__u32 why = ws_ring_room(ring, s, s->at, sizeof(struct ws_data), s->header.tgid);

	if (why)
		return why;
	ws_fill_length(s, ws_ring_slot(ring, s->at), s->told, s->plan.len, flags);
	s->at += sizeof(struct ws_data);
	return WS_ROOM;
}

#endif
