/* SPDX-License-Identifier: GPL-2.0-only */
/* When a socket begins to speak HTTP/2, when that was a wrong guess, and which of its calls need no look at all. */
#ifndef WIRESPAN_BPF_HTTP2_TURNS_H
#define WIRESPAN_BPF_HTTP2_TURNS_H

#include "bpf/lib/http2.h"

#define WS_GUESS_MISSES 8
#define WS_SWITCHED_MISSES 6
#define WS_GUESS_PROOFS 64

/*
 * The socket begins to speak HTTP/2, or may: from plan.pos of this call on, and where the other direction is by now.
 * That one begins with the client's preface if nothing of it passed yet; where the preface was seen, with a frame.
 */
static __always_inline void ws_h2_begin(struct ws_sock *ws, struct ws_scratch *s, __u32 direction)
{
	__u64 other = ws->place[!direction].next;
	struct ws_h2 *there = &ws->h2[!direction];
	__u32 act = s->plan.act, uncounted = ws->h2[direction].uncounted + 1, uncounted_there = there->uncounted + 1;

	ws->misses = 0;
	ws->proofs = 0;
	ws->flags |= WS_SOCK_HTTP2 | (act == WS_ACT_FRAMES   ? WS_SOCK_GUESSED :
				      act == WS_ACT_SWITCHED ? WS_SOCK_SWITCHED :
							       0);
	ws_h2_start(&s->h2, s->plan.start + s->plan.pos, act == WS_ACT_SWITCHED ? WS_H2_UPGRADED : WS_H2_SCAN);
	if (act == WS_ACT_HTTP2_CUT)
		ws_h2_expect_preface(&s->h2, WS_PREFACE - WS_PREFACE_HEAD);
	ws_h2_start(there, other, act == WS_ACT_SWITCHED ? WS_H2_UPGRADED : WS_H2_SCAN);
	s->h2.uncounted = uncounted; /* blocks of an earlier guess were not */
	there->uncounted = uncounted_there;
	if (act == WS_ACT_HTTP2 || act == WS_ACT_HTTP2_CUT) {
		there->mode = WS_H2_SYNC;
	} else if (act == WS_ACT_FRAMES && other == 0 && (ws->flags & WS_SOCK_TCP)) {
		ws_h2_expect_preface(there, WS_PREFACE);
	}
}

/* What a walked call tells of the guess that this is HTTP/2. */
static __always_inline void ws_h2_judge(struct ws_sock *ws, struct ws_scratch *s, struct ws_counts *counts)
{
	__u32 len = s->plan.len;

	if (s->walk.lost)
		ws_note(counts, WS_NOTED_HTTP2_LOST, len);
	if (s->walk.head_bound)
		s->plan.head_bound = 1;
	if (s->walk.lost || s->walk.missed)
		ws->proofs = 0;
	if (s->walk.found) {
		ws->misses = 0;
		if ((ws->flags & WS_SOCK_GUESSED) && !s->walk.lost && ++ws->proofs >= WS_GUESS_PROOFS)
			ws->flags &= ~WS_SOCK_GUESSED;
		if (ws->flags & WS_SOCK_SWITCHED) {
			ws->flags &= ~WS_SOCK_SWITCHED;
			ws_note(counts, WS_NOTED_HTTP2, len);
		}
		return;
	}
	if (!s->walk.missed || !(ws->flags & (WS_SOCK_GUESSED | WS_SOCK_SWITCHED)))
		return;
	ws->misses++;
	if (ws->misses < (ws->flags & WS_SOCK_GUESSED ? WS_GUESS_MISSES : WS_SWITCHED_MISSES))
		return;
	if (ws->flags & WS_SOCK_SWITCHED) {
		ws_note(counts, WS_NOTED_UPGRADED, len);
		ws->flags |= WS_SOCK_OPAQUE;
		return;
	}
	ws_note(counts, WS_NOTED_HTTP2_UNDONE, len);
	ws->flags &= ~(WS_SOCK_HTTP2 | WS_SOCK_GUESSED);
	ws->talk.misses += 2; /* or this goes on for ever */
}

/*
 * Is this call the inside of a large DATA frame? Nothing is told of it, so neither the clock nor the ring is needed; where it
 * lies is our own count, which the next call that is told compares with TCP's.
 */
static __always_inline bool ws_inside_frame(struct ws_sock *ws, __u32 direction, __u32 len)
{
	struct ws_place *place = &ws->place[direction];

	/* Of a read from a Unix socket more has to be remembered (ws_locate). */
	if (direction == WS_READ && !(ws->flags & WS_SOCK_TCP_FAMILY))
		return false;
	if ((ws->flags & (WS_SOCK_HTTP2 | WS_SOCK_SWITCHED)) != WS_SOCK_HTTP2 || place->hole ||
	    !ws_h2_inside(&ws->h2[direction], place->next, len))
		return false;
	__sync_fetch_and_add(&place->next, len);
	ws->last_direction = direction;
	return true;
}

/* Where the `len` octets of a call are, if they are in one piece. 0: elsewhere. */
static __always_inline __u64 ws_one_piece(__u32 shape, __u64 arg1, __u64 arg2, __u32 len)
{
	struct ws_iovec part = {};
	__u64 skip = 0;

	if (shape == WS_SHAPE_BUFFER)
		return arg1;
	if (shape == WS_SHAPE_VECTOR) {
		if (bpf_probe_read_user(&part, sizeof(part), (void *)arg1))
			return 0;
	} else if (shape == WS_SHAPE_SEGMENTS) {
		skip = arg2 >> 32;
		if (bpf_probe_read_kernel(&part, sizeof(part), (void *)arg1))
			return 0;
	}
	return part.len >= skip + len ? part.base + skip : 0;
}

/*
 * A call of `len` octets at `from`, `start` in its stream: goes on in a summed body and holds nothing else than frames of it?
 * A function of its own, so that calls of other kinds do not pay for its stack.
 */
static WS_NOINLINE int ws_body_again(struct ws_h2 *h, __u64 start, __u64 from, __u32 len)
{
	__u8 header[16] = {};
	struct ws_body body;
	__u32 i;

	if (!ws_body_begin(h, &body, start, len))
		return 0;
	WS_ROLLED
	for (i = 0; i < WS_BODY_HEADERS; i++) {
		if (len - body.at < WS_FRAME_HEADER)
			return 0;
		if (bpf_probe_read_user(header, WS_FRAME_HEADER, (void *)(from + body.at)) ||
		    !ws_body_header(h, &body, header, len))
			return 0;
		if (body.at >= len) {
			ws_body_end(h, &body, start, len);
			return 1;
		}
	}
	return 0;
}

/* Is this call more of a summed body, frame headers and all? Those are all that is read of it, otherwise as above. */
static __always_inline bool ws_more_of_body(struct ws_sock *ws, __u32 direction, __u32 shape, __u64 arg1, __u64 arg2,
					    __u32 len)
{
	struct ws_place *place = &ws->place[direction];
	struct ws_h2 *h = &ws->h2[direction];
	__u64 from;

	/* The flags first: HTTP/1 has no business in that cache line. */
	if ((ws->flags & (WS_SOCK_HTTP2 | WS_SOCK_SWITCHED)) != WS_SOCK_HTTP2 || !h->free_run || place->hole ||
	    (direction == WS_READ && !(ws->flags & WS_SOCK_TCP_FAMILY)))
		return false;
	from = ws_one_piece(shape, arg1, arg2, len);
	if (!from || !ws_body_again(h, place->next, from, len))
		return false;
	__sync_fetch_and_add(&place->next, len);
	ws->last_direction = direction;
	return true;
}

#endif
