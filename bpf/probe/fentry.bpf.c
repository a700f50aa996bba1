// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks: entry and return of the functions that move the bytes of TCP, MPTCP and Unix stream sockets, by trampolines
 * (x86-64 from 5.5 on, arm64 from 6.4 on). Why: cheaper than kprobes, nothing is missed when many threads wait inside,
 * and only socket calls pay. A call that was waiting inside when the hooks came is not seen.
 */
#define WS_TYPED_ARGUMENTS
#include "bpf/lib/process_probe.h"
#include "bpf/lib/socket_call.h"

char LICENSE[] SEC("license") = "GPL";

/*
 * tcp_recvmsg and mptcp_recvmsg lost `nonblock`, which stood before `flags`, in 5.19, and `addr_len` behind it by 7.3;
 * the result follows the last argument. Only loads of what exists may be reached, each at a fixed place.
 */
#define WS_LOAD(ctx, at)                                                                                               \
	({                                                                                                             \
		__u64 value = (ctx)[at];                                                                               \
		WS_OPAQUE(value);                                                                                      \
		value;                                                                                                 \
	})

static __always_inline __u64 ws_receive_flags(__u64 *ctx)
{
	if (ws_settings.receive_arguments == 6)
		return WS_LOAD(ctx, 4);
	return WS_LOAD(ctx, 3);
}

static __always_inline __u64 ws_receive_result(__u64 *ctx)
{
	if (ws_settings.receive_arguments == 6)
		return WS_LOAD(ctx, 6);
	if (ws_settings.receive_arguments == 4)
		return WS_LOAD(ctx, 4);
	return WS_LOAD(ctx, 5);
}

SEC("fentry/tcp_sendmsg")
int BPF_PROG(tcp_send, struct sock *sk, struct msghdr *msg)
{
	return ws_call_begins(sk, msg, msg->msg_flags, WS_WRITE);
}

SEC("fexit/tcp_sendmsg")
int BPF_PROG(tcp_sent, struct sock *sk, struct msghdr *msg, unsigned long size, int ret)
{
	return ws_call_returns(ret);
}

SEC("fentry/tcp_recvmsg")
int tcp_receive(__u64 *ctx)
{
	return ws_call_begins((struct sock *)ctx[0], (struct msghdr *)ctx[1], ws_receive_flags(ctx), WS_READ);
}

SEC("fexit/tcp_recvmsg")
int tcp_received(__u64 *ctx)
{
	return ws_call_returns(ws_receive_result(ctx));
}

SEC("fentry/tcp_splice_read")
int BPF_PROG(tcp_splice, struct socket *socket)
{
	return ws_call_begins(socket->sk, NULL, 0, WS_READ);
}

SEC("fexit/tcp_splice_read")
int BPF_PROG(tcp_spliced, struct socket *socket, void *position, void *pipe, unsigned long size, unsigned int flags,
	     long ret)
{
	return ws_call_returns(ret);
}

/* sendfile and splice into a socket, before 6.5. */
SEC("fentry/tcp_sendpage")
int BPF_PROG(tcp_page, struct sock *sk)
{
	return ws_call_begins(sk, NULL, 0, WS_WRITE);
}

SEC("fexit/tcp_sendpage")
int BPF_PROG(tcp_paged, struct sock *sk, void *page, int offset, unsigned long size, int flags, int ret)
{
	return ws_call_returns(ret);
}

SEC("fentry/unix_stream_sendmsg")
int BPF_PROG(unix_send, struct socket *socket, struct msghdr *msg)
{
	return ws_call_begins(socket->sk, msg, msg->msg_flags, WS_WRITE);
}

SEC("fexit/unix_stream_sendmsg")
int BPF_PROG(unix_sent, struct socket *socket, struct msghdr *msg, unsigned long size, int ret)
{
	return ws_call_returns(ret);
}

SEC("fentry/unix_stream_recvmsg")
int BPF_PROG(unix_receive, struct socket *socket, struct msghdr *msg, unsigned long size, int flags)
{
	return ws_call_begins(socket->sk, msg, flags, WS_READ);
}

SEC("fexit/unix_stream_recvmsg")
int BPF_PROG(unix_received, struct socket *socket, struct msghdr *msg, unsigned long size, int flags, int ret)
{
	return ws_call_returns(ret);
}

SEC("fentry/unix_stream_splice_read")
int BPF_PROG(unix_splice, struct socket *socket)
{
	return ws_call_begins(socket->sk, NULL, 0, WS_READ);
}

SEC("fexit/unix_stream_splice_read")
int BPF_PROG(unix_spliced, struct socket *socket, void *position, void *pipe, unsigned long size, unsigned int flags,
	     long ret)
{
	return ws_call_returns(ret);
}

/* Before 6.5. */
SEC("fentry/unix_stream_sendpage")
int BPF_PROG(unix_page, struct socket *socket)
{
	return ws_call_begins(socket->sk, NULL, 0, WS_WRITE);
}

SEC("fexit/unix_stream_sendpage")
int BPF_PROG(unix_paged, struct socket *socket, void *page, int offset, unsigned long size, int flags, long ret)
{
	return ws_call_returns(ret);
}

SEC("fentry/mptcp_sendmsg")
int BPF_PROG(mptcp_send, struct sock *sk, struct msghdr *msg)
{
	return ws_call_begins(sk, msg, msg->msg_flags, WS_WRITE);
}

SEC("fexit/mptcp_sendmsg")
int BPF_PROG(mptcp_sent, struct sock *sk, struct msghdr *msg, unsigned long size, int ret)
{
	return ws_call_returns(ret);
}

SEC("fentry/mptcp_recvmsg")
int mptcp_receive(__u64 *ctx)
{
	return ws_call_begins((struct sock *)ctx[0], (struct msghdr *)ctx[1], ws_receive_flags(ctx), WS_READ);
}

SEC("fexit/mptcp_recvmsg")
int mptcp_received(__u64 *ctx)
{
	return ws_call_returns(ws_receive_result(ctx));
}
