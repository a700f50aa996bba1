/* SPDX-License-Identifier: GPL-2.0-only */
/* Ends of connections, and processes that begin and end: from tracepoints that every kernel we run on has. */
#ifndef WIRESPAN_BPF_LIFECYCLE_H
#define WIRESPAN_BPF_LIFECYCLE_H

#include "bpf/lib/groups.h"
#include "bpf/lib/io.h"

static __always_inline void ws_tell_close(struct sock *sk, struct ws_sock *ws, struct ws_counts *counts, __u8 flags)
{
	struct ws_close close = {};
	struct tcp_sock *tp = ws->flags & WS_SOCK_TCP ? ws_tcp(sk) : NULL;

	ws_h2_tell_last(ws, counts, WS_READ);
	ws_h2_tell_last(ws, counts, WS_WRITE);
	close.header.kind = WS_EVENT_CLOSE;
	close.header.flags = flags;
	close.header.conn = ws->id;
	close.read_end = ws->place[WS_READ].next;
	close.write_end = ws->place[WS_WRITE].next;
	if (tp) {
		close.read_end = ws_tcp_position(ws, sk, tp, WS_READ);
		close.write_end = ws_tcp_position(ws, sk, tp, WS_WRITE);
		if (ws->flags & WS_SOCK_FIN_SENT)
			close.write_end--;
	}
	ws_emit(&close.header, sizeof(close), counts);
}

/* May run in a softirq, in any process. */
static __always_inline void ws_on_state(struct sock *sk, int state)
{
	struct ws_counts *counts;
	struct ws_sock *ws;
	__u8 flags = 0, shutdown;

	if (state != WS_TCP_FIN_WAIT1 && state != WS_TCP_LAST_ACK && state != WS_TCP_CLOSE)
		return;
	ws = ws_find_sock(sk);
	if (!ws)
		return;
	counts = ws_my_counts();
	if (!counts || !(ws->flags & WS_SOCK_OPENED) || (ws->flags & WS_SOCK_GONE))
		goto out;
	shutdown = WS_GET(sk, sk_shutdown);
	if (state != WS_TCP_CLOSE)
		flags |= WS_CLOSE_WRITE_ENDED;
	else if (WS_GET(sk, sk_err))
		flags |= WS_CLOSE_RESET;
	/* close() sets both halves before the state changes; a process that still holds the socket may read on. */
	if ((shutdown & WS_SHUTDOWN_MASK) == WS_SHUTDOWN_MASK) {
		flags |= WS_CLOSE_WRITE_ENDED | WS_CLOSE_GONE;
		ws->flags |= WS_SOCK_GONE;
	}
	if (flags)
		ws_tell_close(sk, ws, counts, flags);
out:
	if (state != WS_TCP_CLOSE)
		ws->flags |= WS_SOCK_FIN_SENT; /* it takes its place in the sequence after this */
}

/* The last of a TCP socket. */
static __always_inline void ws_on_destroy(struct sock *sk)
{
	struct ws_counts *counts;
	struct ws_sock *ws = ws_find_sock(sk);

	if (!ws)
		return;
	counts = ws_my_counts();
	if (counts) {
		ws_give_up_hole(&ws->place[WS_READ], counts);
		ws_give_up_hole(&ws->place[WS_WRITE], counts);
		if ((ws->flags & WS_SOCK_OPENED) && !(ws->flags & WS_SOCK_GONE)) {
			ws->flags |= WS_SOCK_GONE;
			ws_tell_close(sk, ws, counts, WS_CLOSE_GONE | (WS_GET(sk, sk_err) ? WS_CLOSE_RESET : 0));
		}
	}
	ws_forget_sock(sk);
}

#define WS_EXEC_NAME 256
#define WS_EXEC_ARGUMENTS 1024

static __always_inline void ws_on_exec(struct task_struct *task, struct linux_binprm *program)
{
	struct ws_counts *counts = ws_my_counts();
	struct ws_ring_control *ring;
	struct ws_scratch *s = ws_my_scratch();
	__u32 cpu = bpf_get_smp_processor_id(), size, groups, arguments, why, tgid = task->tgid;
	struct ws_exec *exec;
	__u64 start, end;
	__u8 *text;
	int name;

	ring = bpf_map_lookup_elem(&ws_rings, &cpu);
	if (!ring || !s || !counts)
		return;
	if (tgid == ws_self)
		return;
	size = sizeof(*exec) + WS_GROUPS_TEXT + WS_EXEC_NAME + WS_EXEC_ARGUMENTS;
	if (!ws_ring_begin(ring)) {
		ws_note(counts, WS_RECORDS_LOST, ws_ring_step(size));
		return;
	}
	why = ws_ring_room(ring, s, ring->head, size, tgid);
	if (why) {
		ws_note(counts, WS_RECORDS_LOST, ws_ring_step(size));
		ws_ring_end(ring);
		return;
	}
	exec = ws_ring_slot(ring, ring->head);
	exec->header.ts_ns = bpf_ktime_get_ns();
	exec->header.conn = 0;
	exec->header.kind = WS_EVENT_EXEC;
	exec->header.direction = 0;
	exec->header.flags = 0;
	exec->header.tgid = tgid;
	exec->header.tid = task->pid;
	exec->parent_tgid = task->real_parent->tgid;
	text = (__u8 *)(exec + 1);
	groups = ws_put_groups(text, BPF_CORE_READ(task, cgroups), 0);
	WS_OPAQUE(groups);
	groups &= WS_GROUPS_TEXT - 1;
	exec->groups_size = groups;
	text += groups;
	name = bpf_probe_read_kernel_str(text, WS_EXEC_NAME, program->filename);
	if (name < 1 || name > WS_EXEC_NAME)
		name = 1;
	name--; /* without the NUL */
	exec->filename_size = name;
	start = task->mm->arg_start;
	end = task->mm->arg_end;
	arguments = end > start ? (end - start > WS_EXEC_ARGUMENTS ? WS_EXEC_ARGUMENTS : end - start) : 0;
	WS_OPAQUE(arguments);
	if (arguments > WS_EXEC_ARGUMENTS)
		arguments = WS_EXEC_ARGUMENTS;
	if (bpf_probe_read_user(text + (name & (WS_EXEC_NAME - 1)), arguments, (void *)start))
		arguments = 0;
	exec->arguments_size = arguments;
	exec->header.size = sizeof(*exec) + groups + name + arguments;
	size = exec->header.size;
	ws_ring_publish(ring, ring->head + ws_ring_step(size));
	ws_note(counts, WS_RECORDS, ws_ring_step(size));
	ws_ring_doorbell(ring, counts, exec->header.ts_ns);
	ws_ring_end(ring);
}

/*
 * When processes whose end was told began, by their number. Threads that end at once have all left the count of the
 * living ones before the first of them comes here, so each of them could be the last one.
 */
#define WS_EXITED_SLOTS 1024
__u64 ws_exited[WS_EXITED_SLOTS];

static __always_inline void ws_on_exit(struct task_struct *task)
{
	struct ws_event_header header = {.kind = WS_EVENT_EXIT};
	struct ws_counts *counts;
	__u64 *told, began;

	if (task->signal->live.counter != 0)
		return;
	told = &ws_exited[(__u32)task->tgid & (WS_EXITED_SLOTS - 1)];
	began = task->group_leader->start_boottime;
	if (*told == began)
		return;
	*told = began;
	counts = ws_my_counts();
	if (!counts)
		return;
	header.tgid = task->tgid;
	header.tid = task->pid;
	ws_emit(&header, sizeof(header), counts);
}

#endif
