// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks: the tracepoints sock_send_length and sock_recv_length (6.3 and later), which fire where a call on any socket
 * has moved its bytes: read and write, their vector forms, send and recv, sendmsg and recvmsg, sendfile, io_uring.
 * Why: the socket is handed out typed, and system calls that move nothing on a socket cost nothing.
 *
 * They do not fire for splice from a socket to a pipe. tcp_rcv_space_adjust does, after each part that was taken out
 * of the receive queue; how much that was, the sequence numbers tell. Of AF_UNIX, consume_skb does, when a buffer was
 * emptied. (A hook on the exit of splice alone would put every thread of the machine on the slow path of system calls.)
 * Both fire for packets and ordinary reads too, three times each for a request: they are attached where something splices.
 */
#define WS_TYPED
#include "bpf/lib/hooked.h"
#include "bpf/lib/process_probe.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_sent, struct sock *sk, int ret, int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (ws_hold_cpu)
		ws_take_turn(task->pid);
	ws_on_socket(sk, task, ret, flags, WS_WRITE);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_sent_again, struct sock *sk, int ret, int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!ws_had_turn(task->pid))
		ws_on_socket(sk, task, ret, flags, WS_WRITE);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(socket_received, struct sock *sk, int ret, int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (ws_hold_cpu)
		ws_take_turn(task->pid);
	ws_on_socket(sk, task, ret, flags, WS_READ);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(socket_received_again, struct sock *sk, int ret, int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!ws_had_turn(task->pid))
		ws_on_socket(sk, task, ret, flags, WS_READ);
	return 0;
}

SEC("tp_btf/consume_skb")
int BPF_PROG(buffer_consumed, struct sk_buff *skb)
{
	struct sock *from = skb->sk;
	struct task_struct *task;

	/* Most buffers belong to no socket by then: packets that went out, messages of netlink. */
	if (!from || from->__sk_common.skc_family != WS_AF_UNIX)
		return 0;
	task = bpf_get_current_task_btf();
	if (WS_REGS_NR(ws_regs_of(task)) != WS_NR_SPLICE)
		return 0;
	ws_on_unix_splice(skb, from, task);
	return 0;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(socket_spliced, struct sock *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (WS_REGS_NR(ws_regs_of(task)) != WS_NR_SPLICE)
		return 0;
	ws_on_splice(sk, task);
	return 0;
}
