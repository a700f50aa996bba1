/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loops over the window that is being written into this CPU's ring, each a function of its own: the verifier checks
 * such a function once, with unknown arguments, instead of once for every path that leads to it. They take numbers
 * and find the memory themselves, because kernels before 5.13 allow no pointers here.
 */
#ifndef WIRESPAN_BPF_WINDOW_H
#define WIRESPAN_BPF_WINDOW_H

#include "bpf/lib/user_bytes.h"

/* The window, or NULL. The ring is ours. */
static __always_inline __u8 *ws_my_window(struct ws_scratch *s)
{
	struct ws_ring_control *ring;
	__u32 cpu = s->cpu;

	ring = bpf_map_lookup_elem(&ws_rings, &cpu);
	if (!ring)
		return NULL;
	return (__u8 *)ws_ring_slot(ring, s->at) + sizeof(struct ws_data);
}

WS_NOINLINE int ws_window_part(void)
{
	struct ws_scratch *s = ws_my_scratch();
	__u8 *p = s ? ws_my_window(s) : NULL;

	return p ? ws_gather_part(s, p) : 0;
}

/*
 * Copies up to plan.want bytes from plan.pos into the window, which has room for WS_WINDOW more. Returns how many;
 * fewer than wanted after a fault (scratch->fault) or after too many small parts.
 */
WS_NOINLINE __u32 ws_window_gather(void)
{
	struct ws_scratch *s = ws_my_scratch();
	__u32 i;

	if (!s)
		return 0;
	s->now = s->cursor;
	s->got = 0;
	WS_ROLLED
	for (i = 0; i < WS_GATHER_STEPS; i++)
		if (!ws_window_part())
			break;
	return s->got;
}

WS_NOINLINE __u32 ws_window_look(__u32 at, __u32 n, __u32 complete)
{
	struct ws_scratch *s = ws_my_scratch();
	__u8 *p = s ? ws_my_window(s) : NULL;

	return p ? ws_classify(p + (at & (WS_WINDOW - 1)), n, complete) : WS_LOOK_OTHER;
}

WS_NOINLINE __u32 ws_window_empty_line(__u32 n)
{
	struct ws_scratch *s = ws_my_scratch();
	__u8 *p = s ? ws_my_window(s) : NULL;

	return p ? ws_find_empty_line(p, n) : WS_WINDOW;
}

WS_NOINLINE __u32 ws_window_end(__u32 n, __u32 tail)
{
	struct ws_scratch *s = ws_my_scratch();
	__u8 *p = s ? ws_my_window(s) : NULL;

	return p ? ws_head_end(p, n, tail) : 0;
}

WS_NOINLINE __u32 ws_window_line(__u32 at, __u32 n)
{
	struct ws_scratch *s = ws_my_scratch();
	__u8 *p = s ? ws_my_window(s) : NULL;

	if (p)
		ws_parse_line(&s->plan.line, p + (at & (WS_WINDOW - 1)), n);
	return 0;
}

#endif
