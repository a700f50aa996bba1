/* SPDX-License-Identifier: GPL-2.0-only */
/* The task that makes the call: who it is, which system call it is in, and how it may not be what it seems. */
#ifndef WIRESPAN_BPF_TASK_H
#define WIRESPAN_BPF_TASK_H

#include "bpf/lib/io.h"

#ifdef __TARGET_ARCH_arm64
#define WS_COMPAT_BIT 22 /* TIF_32BIT */
#define WS_COMPAT(thread) ((thread).flags >> WS_COMPAT_BIT & 1)
#else
#define WS_COMPAT_BIT 1 /* TS_COMPAT: this very call */
#define WS_COMPAT(thread) ((thread).status >> WS_COMPAT_BIT & 1)
#endif

#ifdef WS_TYPED

/* How far above its stack's lowest address a task's saved registers are: one number for all tasks. 0: not known yet. */
__u64 ws_regs_at;

/* As bpf_task_pt_regs, without the price of a call. */
static __always_inline struct pt_regs *ws_regs_of(struct task_struct *task)
{
	__u64 at = ws_regs_at;

	if (!at) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
		__u64 stack = 0;

		/* Through memory they become numbers to reckon with: newer verifiers take `stack` for a pointer. */
		bpf_probe_read_kernel(&at, sizeof(at), &regs);
		bpf_probe_read_kernel(&stack, sizeof(stack), &task->stack);
		at -= stack;
		ws_regs_at = at;
	}
	return bpf_core_cast(task->stack + at, struct pt_regs);
}

#else

/* A 32-bit program's call. */
static __always_inline bool ws_compat(struct task_struct *task)
{
#ifdef __TARGET_ARCH_arm64
	return BPF_CORE_READ(task, thread_info.flags) >> WS_COMPAT_BIT & 1;
#else
	return BPF_CORE_READ(task, thread_info.status) >> WS_COMPAT_BIT & 1;
#endif
}

#endif

/* The socket behind a descriptor of the task, by address; NULL: no socket. */
static __always_inline struct sock *ws_sock_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **slots, *file = NULL;
	struct socket *socket;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	slots = BPF_CORE_READ(table, fd);
	if (bpf_probe_read_kernel(&file, sizeof(file), slots + fd) || !file)
		return NULL;
	if ((BPF_CORE_READ(file, f_inode, i_mode) & 0170000) != 0140000)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

#endif
