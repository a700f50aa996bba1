/* SPDX-License-Identifier: GPL-2.0-only */
/* The task that made the call, its registers, and the ways in which it may not be what it seems. */
#ifndef WIRESPAN_BPF_TASK_H
#define WIRESPAN_BPF_TASK_H

#include "bpf/lib/io.h"

static __always_inline bool ws_thirty_two_bit(struct task_struct *task)
{
#ifdef __TARGET_ARCH_arm64
	return task->thread_info.flags & (1ul << 22); /* TIF_32BIT */
#else
	return task->thread_info.status & 2; /* TS_COMPAT: this very call */
#endif
}

#endif
