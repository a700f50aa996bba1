/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loops over the window in this CPU's scratch memory, each a function of its own: the verifier checks
 * such a function once, with unknown arguments, instead of once for every path that leads to it. They take numbers and
 * find the memory themselves, because kernels before 5.13 allow no pointers here.
 */
#ifndef WIRESPAN_BPF_WINDOW_H
#define WIRESPAN_BPF_WINDOW_H

#include "bpf/lib/user_bytes.h"

WS_NOINLINE int ws_window_part(void)
{
	struct ws_scratch *s = ws_my_scratch();

	return s ? ws_gather_part(s, s->window) : 0;
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
	/* From where the last window of this call ended, if that is not too far: many parts take many steps. */
	if (s->now.position > s->plan.pos)
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

	return s ? ws_classify(s->window + (at & (WS_WINDOW - 1)), n, complete) : WS_LOOK_OTHER;
}

/*
 * The same number, of which the verifier knows nothing any more: it would check what follows a loop once for each step
 * at which the loop may end.
 */
static __always_inline __u32 ws_forget(__u32 number)
{
	struct ws_scratch *s = ws_my_scratch();

	if (!s)
		return 0;
	*(volatile __u32 *)&s->forgotten = number;
	return *(volatile __u32 *)&s->forgotten;
}

WS_NOINLINE __u32 ws_window_end(__u32 n, __u32 tail)
{
	struct ws_scratch *s = ws_my_scratch();

	return s ? ws_head_end(s->window, n, tail) : 0;
}

WS_NOINLINE __u32 ws_window_line(__u32 at, __u32 n)
{
	struct ws_scratch *s = ws_my_scratch();
	if (s)
		ws_parse_line(&s->plan.line, s->window + (at & (WS_WINDOW - 1)), n);
	return 0;
}

WS_NOINLINE __u32 ws_window_frames(__u32 n, __u32 rest)
{
	struct ws_scratch *s = ws_my_scratch();

	return s ? ws_look_for_frames(s->window, n, rest) : WS_FRAMES_NO;
}

#endif
