/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second chance, on kernels that preempt: the kernel does not run a program on a CPU where it is running already. A
 * task that loses its CPU inside of one (holding the CPU does not help: it is given up before the program has ended)
 * keeps it from all others of that CPU until it goes on. So each hook that moves bytes has a second program, another
 * one to the kernel, which runs after the first, and does its work if that was left out.
 */
#ifndef WIRESPAN_BPF_TURN_H
#define WIRESPAN_BPF_TURN_H

#include "bpf/lib/maps.h"

/* By thread. Two threads of one slot that are between both programs at the same time are too rare to matter. */
#define WS_TURN_SLOTS 16384
__u32 ws_turns[WS_TURN_SLOTS];

/* The first program runs. */
static __always_inline void ws_take_turn(struct task_struct *task)
{
	__u32 pid = task->pid;

	if (ws_settings.hold_cpu)
		ws_turns[pid & (WS_TURN_SLOTS - 1)] = pid;
}

/* In the second one: whether the first one ran. */
static __always_inline bool ws_had_turn(struct task_struct *task)
{
	__u32 pid = task->pid, *turn = &ws_turns[pid & (WS_TURN_SLOTS - 1)];

	if (*turn != pid)
		return false;
	*turn = 0;
	return true;
}

#endif
