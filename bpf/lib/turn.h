/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second chance, on kernels that preempt: the kernel does not run a program on a CPU where it is running already. A
 * task that loses its CPU inside of one (holding the CPU does not help: it is given up before the program has ended)
 * keeps it from all others of that CPU until it goes on. So a hook whose call must not be missed has a second program,
 * another one to the kernel, "x_again" for "x", which runs after it and does its work if that was left out: tracepoints
 * run what was attached first first. (fentry needs no mark: bpf/lib/socket_call.h.)
 */
#ifndef WIRESPAN_BPF_TURN_H
#define WIRESPAN_BPF_TURN_H

#include "bpf/lib/ring.h"

/* By thread. Two threads of one slot that are between both programs at the same time are too rare to matter. */
#define WS_TURN_SLOTS 16384
__u32 ws_turns[WS_TURN_SLOTS];

/* The first program runs, in this thread. Only where there is a second one: ws_hold_cpu. */
static __always_inline void ws_take_turn(__u32 tid)
{
	ws_turns[tid & (WS_TURN_SLOTS - 1)] = tid;
}

/* In the second one: whether the first one ran. */
static __always_inline bool ws_had_turn(__u32 tid)
{
	__u32 *turn = &ws_turns[tid & (WS_TURN_SLOTS - 1)];

	if (*turn != tid)
		return false;
	*turn = 0;
	return true;
}

#endif
