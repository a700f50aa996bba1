/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks that every backend shares: the states of TCP sockets, the end of them, and processes. Tracepoints with typed
 * arguments (5.5); tcp_destroy_sock fires when nobody can use the socket any more. The end of a connection has two
 * hooks to be told by; processes have second programs (bpf/lib/turn.h).
 */
#ifndef WIRESPAN_BPF_PROCESS_PROBE_H
#define WIRESPAN_BPF_PROCESS_PROBE_H

#include "bpf/lib/census.h"
#include "bpf/lib/gone.h"
#include "bpf/lib/lifecycle.h"
#include "bpf/lib/turn.h"

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(socket_state, struct sock *sk, int before, int state)
{
	ws_on_state(sk, state);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(socket_destroyed, struct sock *sk)
{
	ws_on_destroy(sk);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	if (ws_hold_cpu)
		ws_take_turn(task->pid);
	ws_on_exec(task, program);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec_again, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	if (!ws_had_turn(task->pid))
		ws_on_exec(task, program);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	ws_on_exit(task);
	return 0;
}

/* An end is told once, however many programs see it. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit_again, struct task_struct *task)
{
	ws_on_exit(task);
	return 0;
}

#endif
