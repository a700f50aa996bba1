// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks: entry and return of the functions that move the bytes of TCP, MPTCP and Unix stream sockets, by trampolines
 * (x86-64 from 5.5 on, arm64 from 6.4 on). Why: cheaper than kprobes, nothing is missed when many threads wait inside,
 * and only socket calls pay. A call that was waiting inside when the hooks came is not seen.
 *
 * Kernels that preempt run second programs too, so that a call is not missed because another task lost its CPU inside
 * of the first one (bpf/lib/turn.h says how that comes). Which one runs first does not matter at an entry.
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

static __always_inline int ws_send_begins(struct sock *sk, struct msghdr *msg)
{
	return ws_call_begins(sk, msg, msg->msg_flags, WS_WRITE);
}

/* `work` sees ctx: the arguments of the function, and its result behind them. */
#define WS_ENTRY(function, name, work)                                                                                 \
	SEC("fentry/" #function)                                                                                       \
	int name(__u64 *ctx)                                                                                           \
	{                                                                                                              \
		return work;                                                                                           \
	}                                                                                                              \
	SEC("fentry/" #function)                                                                                       \
	int name##_again(__u64 *ctx)                                                                                   \
	{                                                                                                              \
		return work;                                                                                           \
	}

#define WS_RETURN(function, name, result)                                                                              \
	SEC("fexit/" #function)                                                                                        \
	int name(__u64 *ctx)                                                                                           \
	{                                                                                                              \
		return ws_call_returns(result);                                                                        \
	}

#define WS_SK ((struct sock *)ctx[0])
#define WS_SK_OF_SOCKET (((struct socket *)ctx[0])->sk)
#define WS_MSG ((struct msghdr *)ctx[1])

/* (sk, msg, size) */
WS_ENTRY(tcp_sendmsg, tcp_send, ws_send_begins(WS_SK, WS_MSG))
WS_RETURN(tcp_sendmsg, tcp_sent, ctx[3])
WS_ENTRY(mptcp_sendmsg, mptcp_send, ws_send_begins(WS_SK, WS_MSG))
WS_RETURN(mptcp_sendmsg, mptcp_sent, ctx[3])

/* See above. */
WS_ENTRY(tcp_recvmsg, tcp_receive, ws_call_begins(WS_SK, WS_MSG, ws_receive_flags(ctx), WS_READ))
WS_RETURN(tcp_recvmsg, tcp_received, ws_receive_result(ctx))
WS_ENTRY(mptcp_recvmsg, mptcp_receive, ws_call_begins(WS_SK, WS_MSG, ws_receive_flags(ctx), WS_READ))
WS_RETURN(mptcp_recvmsg, mptcp_received, ws_receive_result(ctx))

/* (socket, msg, size), (socket, msg, size, flags) */
WS_ENTRY(unix_stream_sendmsg, unix_send, ws_send_begins(WS_SK_OF_SOCKET, WS_MSG))
WS_RETURN(unix_stream_sendmsg, unix_sent, ctx[3])
WS_ENTRY(unix_stream_recvmsg, unix_receive, ws_call_begins(WS_SK_OF_SOCKET, WS_MSG, ctx[3], WS_READ))
WS_RETURN(unix_stream_recvmsg, unix_received, ctx[4])

/* (socket, position, pipe, size, flags) */
WS_ENTRY(tcp_splice_read, tcp_splice, ws_call_begins(WS_SK_OF_SOCKET, NULL, 0, WS_READ))
WS_RETURN(tcp_splice_read, tcp_spliced, ctx[5])
WS_ENTRY(unix_stream_splice_read, unix_splice, ws_call_begins(WS_SK_OF_SOCKET, NULL, 0, WS_READ))
WS_RETURN(unix_stream_splice_read, unix_spliced, ctx[5])

/* sendfile and splice into a socket, before 6.5: (sk, page, offset, size, flags), (socket, page, offset, size, flags) */
WS_ENTRY(tcp_sendpage, tcp_page, ws_call_begins(WS_SK, NULL, 0, WS_WRITE))
WS_RETURN(tcp_sendpage, tcp_paged, ctx[5])
WS_ENTRY(unix_stream_sendpage, unix_page, ws_call_begins(WS_SK_OF_SOCKET, NULL, 0, WS_WRITE))
WS_RETURN(unix_stream_sendpage, unix_paged, ctx[5])

/*
 * The second chance of the returns, but those of splice, for which nothing fires: one for all functions, because each
 * program that may capture takes the verifier as long as all entries together. Which kernels let programs hold the CPU
 * have these tracepoints.
 */
SEC("tp_btf/sock_send_length")
int BPF_PROG(sent_again, struct sock *sk, int ret)
{
	return ws_call_returns_again(sk, ret);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(received_again, struct sock *sk, int ret)
{
	return ws_call_returns_again(sk, ret);
}
