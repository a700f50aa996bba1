// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks: entry and return of the functions that move the bytes of TCP, MPTCP and Unix stream sockets, by kprobes. Right
 * from 5.8 on, on every architecture that has them. Why: for kernels without trampolines and without the tracepoints of
 * socktrace; only socket calls pay. A call that was waiting inside when the hooks came is not seen.
 */
#include "bpf/lib/process_probe.h"
#include "bpf/lib/socket_call.h"

char LICENSE[] SEC("license") = "GPL";

/* Of tcp_recvmsg and mptcp_recvmsg, which lost `nonblock` before it in 5.19. */
static __always_inline __u32 ws_receive_flags(struct pt_regs *ctx)
{
	__u64 fourth = PT_REGS_PARM4(ctx), fifth = PT_REGS_PARM5(ctx);

	WS_OPAQUE(fourth); /* two loads at fixed places: a chosen place is refused */
	WS_OPAQUE(fifth);
	return ws_settings.receive_arguments == 6 ? fifth : fourth;
}

static __always_inline struct sock *ws_sk_of(struct socket *socket)
{
	return BPF_CORE_READ(socket, sk);
}

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(tcp_send, struct sock *sk, struct msghdr *msg)
{
	return ws_call_begins(sk, msg, BPF_CORE_READ(msg, msg_flags), WS_WRITE);
}

SEC("kprobe/tcp_recvmsg")
int BPF_KPROBE(tcp_receive, struct sock *sk, struct msghdr *msg)
{
	return ws_call_begins(sk, msg, ws_receive_flags(ctx), WS_READ);
}

SEC("kprobe/tcp_splice_read")
int BPF_KPROBE(tcp_splice, struct socket *socket)
{
	return ws_call_begins(ws_sk_of(socket), NULL, 0, WS_READ);
}

/* sendfile and splice into a socket, before 6.5. */
SEC("kprobe/tcp_sendpage")
int BPF_KPROBE(tcp_page, struct sock *sk)
{
	return ws_call_begins(sk, NULL, 0, WS_WRITE);
}

SEC("kprobe/unix_stream_sendmsg")
int BPF_KPROBE(unix_send, struct socket *socket, struct msghdr *msg)
{
	return ws_call_begins(ws_sk_of(socket), msg, BPF_CORE_READ(msg, msg_flags), WS_WRITE);
}

SEC("kprobe/unix_stream_recvmsg")
int BPF_KPROBE(unix_receive, struct socket *socket, struct msghdr *msg, unsigned long size, int flags)
{
	return ws_call_begins(ws_sk_of(socket), msg, flags, WS_READ);
}

SEC("kprobe/unix_stream_splice_read")
int BPF_KPROBE(unix_splice, struct socket *socket)
{
	return ws_call_begins(ws_sk_of(socket), NULL, 0, WS_READ);
}

/* Before 6.5. */
SEC("kprobe/unix_stream_sendpage")
int BPF_KPROBE(unix_page, struct socket *socket)
{
	return ws_call_begins(ws_sk_of(socket), NULL, 0, WS_WRITE);
}

SEC("kprobe/mptcp_sendmsg")
int BPF_KPROBE(mptcp_send, struct sock *sk, struct msghdr *msg)
{
	return ws_call_begins(sk, msg, BPF_CORE_READ(msg, msg_flags), WS_WRITE);
}

SEC("kprobe/mptcp_recvmsg")
int BPF_KPROBE(mptcp_receive, struct sock *sk, struct msghdr *msg)
{
	return ws_call_begins(sk, msg, ws_receive_flags(ctx), WS_READ);
}

/* At the return of each of the above: one program, checked and loaded once. */
SEC("kretprobe")
int BPF_KRETPROBE(call_returned, int ret)
{
	return ws_call_returns(ret);
}
