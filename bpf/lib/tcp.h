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
 * The socket is not locked here, so counters that belong together may be read apart: start values are checked for
 * sense, and computed once a socket; afterwards only write_seq or copied_seq is read.
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
		return ws_extend(WS_GET(tp, write_seq) - ws->own_start, ws->dir[WS_WRITE].next);
	at = ws_extend(WS_GET(tp, copied_seq) - ws->peer_start, ws->dir[WS_READ].next);
	if ((WS_GET(sk, __sk_common.skc_flags) & WS_SOCK_DONE) && at == WS_GET(tp, bytes_received))
		at--; /* the FIN was read too */
	return at;
}

/* Fills in starts, role and both positions. False: the counters make no sense as plain TCP. */
static __always_inline bool ws_tcp_start(struct ws_sock *ws, struct sock *sk, struct tcp_sock *tp)
{
	__u32 own, acked_start, sent_fin, peer, i;
	__u8 state = WS_GET(sk, __sk_common.skc_state);

	if (WS_GET_BITS(tp, syn_data) || WS_GET_BITS(tp, syn_fastopen))
		return false;
	sent_fin = state != WS_TCP_ESTABLISHED && state != WS_TCP_CLOSE_WAIT;
	if (sent_fin)
		return false; /* whether the FIN is in snd_nxt can't be told; no more requests will come either */
	for (i = 0; i < 3; i++) {
		own = WS_GET(tp, snd_nxt) - (__u32)(WS_GET(tp, bytes_sent) - WS_GET(tp, bytes_retrans));
		acked_start = WS_GET(tp, snd_una) - (__u32)WS_GET(tp, bytes_acked);
		if (own - acked_start <= 1)
			break;
	}
	if (i == 3)
		return false;
	peer = WS_GET(tp, rcv_nxt) - (__u32)WS_GET(tp, bytes_received);
	ws->own_start = own;
	ws->peer_start = peer;
	ws->opener = own == acked_start ? WS_OPENER_REMOTE : WS_OPENER_LOCAL;
	ws->dir[WS_WRITE].next = ws_extend(WS_GET(tp, write_seq) - own, WS_GET(tp, bytes_acked));
	ws->dir[WS_READ].next = WS_GET(tp, bytes_received);
	ws->dir[WS_READ].next = ws_tcp_position(ws, sk, tp, WS_READ);
	return true;
}

#endif
