// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks: the tracepoints sock_send_length and sock_recv_length (6.3 and later), which fire where a call on any socket
 * has moved its bytes: read and write, their vector forms, send and recv, sendmsg and recvmsg, sendfile, io_uring.
 * Why: the socket is handed out typed, and system calls that move nothing on a socket cost nothing.
 */
#define WS_TYPED
#include "bpf/lib/lifecycle.h"
#include "bpf/lib/task.h"

char LICENSE[] SEC("license") = "GPL";

/* Whether the descriptor in the registers is this very socket. io_uring's work may run inside any other system call. */
static __always_inline bool ws_is_argument(struct task_struct *task, struct sock *sk, __u32 fd)
{
	struct fdtable *table = task->files->fdt;
	struct file *file = NULL;
	struct socket *socket;

	if (fd >= table->max_fds)
		return false;
	if (bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd) || !file)
		return false;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk) == sk;
}

static __always_inline int on_socket(struct sock *sk, int ret, int flags, __u32 direction)
{
	struct ws_counts *counts = ws_my_counts();
	struct task_struct *task = bpf_get_current_task_btf();
	struct ws_io io = {.direction = direction};
	struct pt_regs *regs;
	__u32 tgid, tid, len;

	if (!counts)
		return 0;
	tgid = task->tgid;
	len = ret > 0 ? ret : 0;
	counts->of[WS_SEEN].events++;
	counts->of[WS_SEEN].bytes += len;
	if (tgid == ws_self) {
		ws_note(counts, WS_IGNORED_EXCLUDED, len);
		return 0;
	}
	if (flags & (WS_MSG_PEEK | WS_MSG_OOB | WS_MSG_ERRQUEUE)) {
		ws_note(counts, flags & WS_MSG_PEEK ? WS_IGNORED_PEEK : WS_IGNORED_OUT_OF_BAND, len);
		return 0;
	}
	if (task->flags & WS_PF_KTHREAD) {
		ws_note(counts, WS_IGNORED_KERNEL_THREAD, len);
		return 0;
	}
	tid = task->pid;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	io.nr = WS_REGS_NR(regs);
	if (ret <= 0) {
		ws_note(counts, WS_IGNORED_EMPTY, 0);
		if (io.nr == WS_NR_SENDMMSG || io.nr == WS_NR_RECVMMSG)
			ws_mmsg_forget(tid);
		if (ret == 0 && direction == WS_READ &&
		    !((io.nr == WS_NR_READ || io.nr == WS_NR_RECVFROM) && WS_REGS_ARG2(regs) == 0))
			ws_on_end(sk, counts, tgid, tid);
		return 0;
	}
	if (ws_thirty_two_bit(task)) {
		ws_note(counts, WS_IGNORED_THIRTY_TWO_BIT, len);
		return 0;
	}
	io.arg1 = WS_REGS_ARG1(regs);
	io.arg2 = WS_REGS_ARG2(regs);
	if (task->flags & WS_PF_IO_WORKER)
		io.nr = ~0u;
	else if (task->io_uring && !ws_is_argument(task, sk, WS_REGS_ARG0(regs)))
		io.nr = ~0u;
	if (direction == WS_READ && (flags & WS_MSG_TRUNC))
		io.nr = WS_NR_SENDFILE; /* thrown away: nothing was copied to the buffer */
	ws_on_bytes(sk, task, counts, &io, tgid, tid, len);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_sent, struct sock *sk, int ret, int flags)
{
	return on_socket(sk, ret, flags, WS_WRITE);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(socket_received, struct sock *sk, int ret, int flags)
{
	return on_socket(sk, ret, flags, WS_READ);
}

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
	ws_on_exec(task, program);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	ws_on_exit(task);
	return 0;
}
