/* SPDX-License-Identifier: GPL-2.0-only */
/* Where in its stream a call's bytes lie, by TCP's counters where they can be trusted, and by our own count elsewhere. */
#ifndef WIRESPAN_BPF_PLACE_H
#define WIRESPAN_BPF_PLACE_H

#include "bpf/lib/tcp.h"

#define WS_HOLE_AGE 64
#define WS_STRIKES 4

/* Nobody will show those bytes any more. */
static __always_inline void ws_give_up_hole(struct ws_place *place, struct ws_counts *counts)
{
	if (place->hole)
		ws_note(counts, WS_NOTED_UNSEEN, place->hole);
	place->hole = 0;
}

/* The call's bytes end at `end`, and before them are some that no call of ours showed, or another thread's that is not seen yet. */
static __always_inline __u64 ws_open_hole(struct ws_place *place, struct ws_counts *counts, __u64 end, __u32 len)
{
	__u64 size = end - place->next - len;

	ws_give_up_hole(place, counts);
	place->hole_at = place->next;
	place->hole = size < ~0u ? size : ~0u;
	place->hole_age = 0;
	place->next = end;
	return end - len;
}

/* The late call. */
static __always_inline __u64 ws_fill_hole(struct ws_place *place, __u32 len)
{
	__u64 start = place->hole_at;

	place->hole_at += len;
	place->hole -= len;
	return start;
}

/* Of Unix sockets our own count is all there is; but where all was read that the peer wrote, that tells what was not seen. */
static __always_inline __u64 ws_locate_unix_read(struct ws_sock *ws, struct sock *sk, struct ws_counts *counts,
						 __u32 len)
{
	struct ws_place *place = &ws->place[WS_READ];
	__u64 start = place->next, sent = ws_unix_sent(sk);

	ws->buffer_read = ws_buffer_read(sk);
	if (sent > start + len) {
		ws_control.splices = 1;
		return ws_open_hole(place, counts, sent, len);
	}
	if (place->hole) {
		if (sent && sent < start + len && place->hole >= len)
			return ws_fill_hole(place, len);
		if (++place->hole_age > WS_HOLE_AGE)
			ws_give_up_hole(place, counts);
	}
	__sync_fetch_and_add(&place->next, len);
	return start;
}

/*
 * Where the call's bytes lie in the stream; moves `next` behind them. Two threads may have written (or read) before
 * either call is seen here: TCP's counter then holds both, the first one seen is taken for the last one made, and
 * leaves a hole that the other one fills. Neither is exact.
 */
static __always_inline __u64 ws_locate(struct ws_sock *ws, struct sock *sk, struct ws_counts *counts, __u32 direction,
				       __u32 len, __u32 after, bool *exact)
{
	struct ws_place *place = &ws->place[direction & 1];
	__u64 start = place->next, end;

	*exact = false;
	if (!(ws->flags & WS_SOCK_TCP)) {
		if (direction == WS_READ && !(ws->flags & WS_SOCK_TCP_FAMILY))
			return ws_locate_unix_read(ws, sk, counts, len);
		__sync_fetch_and_add(&place->next, len);
		return start;
	}
	end = ws_tcp_position(ws, sk, ws_tcp_known(sk), direction) - after;
	if (end == start + len) {
		if (place->hole && ++place->hole_age > WS_HOLE_AGE)
			ws_give_up_hole(place, counts);
		*exact = !place->hole;
		place->strikes = 0;
		place->next = end;
		return start;
	}
	if (end > start + len) {
		if (direction == WS_READ)
			ws_control.splices = 1;
		return ws_open_hole(place, counts, end, len);
	}
	ws_note(counts, WS_NOTED_INEXACT, len);
	if (place->hole >= len)
		return ws_fill_hole(place, len);
	if (++place->strikes >= WS_STRIKES) {
		/* The counters don't move with the calls: own counting from here on. */
		ws->flags &= ~WS_SOCK_TCP;
		place->next = start + len;
		return start;
	}
	/* A later one of three threads: told at a place that was told already, which does no harm. */
	return start > len ? start - len : 0;
}

#endif
