// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks: the tracepoints sock_send_length and sock_recv_length (6.3 and later), which fire where a call on any socket
 * has moved its bytes: read and write, their vector forms, send and recv, sendmsg and recvmsg, sendfile, io_uring.
 * Why: the socket is handed out typed, and system calls that move nothing on a socket cost nothing.
 */
#define WS_TYPED
#include "bpf/lib/hooked.h"
#include "bpf/lib/process_probe.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_sent, struct sock *sk, int ret, int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ws_caller who;

	ws_who(&who, task);
	ws_on_socket(sk, task, &who, ret, flags, WS_WRITE);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(socket_received, struct sock *sk, int ret, int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ws_caller who;

	ws_who(&who, task);
	ws_on_socket(sk, task, &who, ret, flags, WS_READ);
	return 0;
}
