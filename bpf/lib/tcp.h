/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Offsets in a TCP stream, and both initial sequence numbers, from the socket's own counters: at any time, for
 * connections of any age, equal at both ends.
 *
 *   first byte we send      snd_nxt - (bytes_sent - bytes_retrans)        FIN not counted
 *   first byte we receive   rcv_nxt - bytes_received                      a FIN counts one in both
 *   sent so far             write_seq - first byte sent
 *   read so far             copied_seq - first byte received              a FIN that was read counts one
 *   snd_una - bytes_acked   one less than the first byte sent, exactly where this end opened the connection:
 *                           bytes_acked counts the SYN
 *
 * The socket is not locked here, and a softirq or another thread may be between two counters that belong together. So
 * start values are computed once a socket, from counters that read the same twice while nobody had it locked, and
 * checked for sense; afterwards only write_seq or copied_seq is read.
 */
#ifndef WIRESPAN_BPF_TCP_H
#define WIRESPAN_BPF_TCP_H

#include "bpf/lib/socket.h"

#define WS_SOCK_DONE 2 /* bit of skc_flags: the peer's FIN has arrived */

/* The 64-bit offset nearest to `near` whose low half is `low`. */
static __always_inline __u64 ws_extend(__u32 low, __u64 near)
{
	return near + (__s32)(low - (__u32)near);
}

static __always_inline __u64 ws_tcp_position(struct ws_sock *ws, struct sock *sk, struct tcp_sock *tp, __u32 direction)
{
	__u64 at;

	if (direction == WS_WRITE)
		return ws_extend(WS_GET(tp, write_seq) - ws->own_start, ws->place[WS_WRITE].next);
	at = ws_extend(WS_GET(tp, copied_seq) - ws->peer_start, ws->place[WS_READ].next);
	if ((WS_GET(sk, __sk_common.skc_flags) & WS_SOCK_DONE) && at == WS_GET(tp, bytes_received))
		at--; /* the FIN was read too */
	return at;
}

#define WS_TCP_TRIES 24

/* What both ends' first sequence numbers are computed from, already subtracted. */
struct ws_tcp_starts {
	__u32 own;
	__u32 acked;
	__u32 peer;
	__u32 busy; /* somebody had the socket locked meanwhile */
};

/* Whether a softirq or a thread is at work on the socket. */
static __always_inline __u32 ws_tcp_locked(struct sock *sk)
{
	__u32 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), &sk->sk_lock.slock);
	return word | (__u32)WS_GET(sk, sk_lock.owned);
}

static __always_inline void ws_tcp_read_starts(struct sock *sk, struct tcp_sock *tp, struct ws_tcp_starts *to)
{
	to->busy = ws_tcp_locked(sk);
	barrier();
	to->own = WS_GET(tp, snd_nxt) - (__u32)(WS_GET(tp, bytes_sent) - WS_GET(tp, bytes_retrans));
	to->acked = WS_GET(tp, snd_una) - (__u32)WS_GET(tp, bytes_acked);
	to->peer = WS_GET(tp, rcv_nxt) - (__u32)WS_GET(tp, bytes_received);
	barrier();
	to->busy |= ws_tcp_locked(sk);
}

/*
 * Fills in starts, role and both positions. False: the counters make no sense as plain TCP. A socket that is locked
 * all the time (by the thread in whose call we are, or by one that copies much) is believed if its counters hold still.
 */
static __always_inline bool ws_tcp_start(struct ws_sock *ws, struct sock *sk, struct tcp_sock *tp)
{
	struct ws_tcp_starts now = {}, before;
	__u8 state = WS_GET(sk, __sk_common.skc_state);
	bool same = false;
	__u32 i;

	if (WS_GET_BITS(tp, syn_data) || WS_GET_BITS(tp, syn_fastopen))
		return false;
	if (state != WS_TCP_ESTABLISHED && state != WS_TCP_CLOSE_WAIT)
		return false; /* whether the FIN is in snd_nxt can't be told; no more requests will come either */
	ws_tcp_read_starts(sk, tp, &now);
	WS_ROLLED
	for (i = 0; i < WS_TCP_TRIES; i++) {
		before = now;
		ws_tcp_read_starts(sk, tp, &now);
		same = now.own == before.own && now.acked == before.acked && now.peer == before.peer &&
		       now.own - now.acked <= 1;
		if (same && !now.busy && !before.busy)
			break;
	}
	if (!same)
		return false;
	ws->own_start = now.own;
	ws->peer_start = now.peer;
	ws->opener = now.own == now.acked ? WS_OPENER_REMOTE : WS_OPENER_LOCAL;
	ws->place[WS_WRITE].next = ws_extend(WS_GET(tp, write_seq) - now.own, WS_GET(tp, bytes_acked));
	ws->place[WS_READ].next = WS_GET(tp, bytes_received);
	ws->place[WS_READ].next = ws_tcp_position(ws, sk, tp, WS_READ);
	return true;
}

#endif
