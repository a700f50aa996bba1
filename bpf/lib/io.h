/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every backend does with a call that moved bytes. The order is by cost: reject, judge once and remember, then
 * copy windows (bpf/lib/infer/stream.h) straight into this CPU's ring.
 */
#ifndef WIRESPAN_BPF_IO_H
#define WIRESPAN_BPF_IO_H

#include "bpf/lib/http2_turns.h"
#include "bpf/lib/open.h"
#include "bpf/lib/place.h"
#include "bpf/lib/steps.h"

struct ws_io {
	__u32 direction;
	__u32 shape; /* enum ws_shape, of: */
#ifdef WS_TYPED
	const struct pt_regs *regs; /* the system call's */
#else
	__u64 arg1;
	__u64 arg2;
#endif
	bool unseen_caller; /* io_uring, where its buffers can't be found */
};

#ifdef WS_TYPED
#define WS_IO_ARG1(io) WS_REGS_ARG1((io)->regs)
#define WS_IO_ARG2(io) WS_REGS_ARG2((io)->regs)
#else
#define WS_IO_ARG1(io) ((io)->arg1)
#define WS_IO_ARG2(io) ((io)->arg2)
#endif

static __always_inline void ws_capture(struct ws_ring_control *ring, struct ws_scratch *s, struct ws_sock *ws,
				       struct sock *sk, struct ws_counts *counts, const struct ws_io *io, __u32 len,
				       __u32 after)
{
	__u32 direction = io->direction, shape = io->shape;
	struct ws_dir *dir = &ws->dir[direction & 1];
	__u64 head = ring->head;
	bool exact = false, look = shape != WS_SHAPE_NONE, http2 = false, summed = false;
	__u32 why = WS_ROOM;

	s->sent = 0;
	s->lost = 0;
	s->fault = 0;
	s->told = 0;
	s->plan.len = len;
	s->plan.head_max = ws_head_max;
	s->plan.turned = ws->last_direction != direction;
	s->plan.start = ws_locate(ws, sk, counts, direction, len, after, &exact);
	ws->last_direction = direction;
	s->header.conn = ws->id;
	s->header.direction = direction;
	s->header.flags = exact ? WS_DATA_WIRE_EXACT : 0;
	s->header.ts_ns = bpf_ktime_get_ns();
	/* User space must hear of a socket before its bytes: room for that is left before them. */
	s->at = head + (ws->flags & WS_SOCK_OPENED ? 0 : ws_open_size(ws));
	if (look && !ws_find_bytes(s, shape, WS_IO_ARG1(io), WS_IO_ARG2(io), len, s->header.tid)) {
		s->fault = 1;
		look = false;
	}
	if (!(ws->flags & WS_SOCK_HTTP2)) {
		s->dir = *dir;
		s->talk = ws->talk;
		ws_begin(&s->dir, &s->talk, &s->plan);
		if (look) {
			if (WS_FIRST_STEP(s, ring) && ws_steps()) {
				s->dir.mode = WS_MODE_BODY;
				s->plan.window_bound = 1;
			}
		} else if (s->dir.mode != WS_MODE_DATA || s->dir.line_at < s->plan.start + len) {
			/* Lengths alone: only chunk data can be followed by arithmetic. */
			s->dir.mode = WS_MODE_BODY;
		}
		*dir = s->dir;
		ws->talk = s->talk;
		if (s->plan.act >= WS_ACT_HTTP2 && s->plan.act <= WS_ACT_SWITCHED) {
			if (s->plan.act != WS_ACT_SWITCHED)
				ws_note(counts, WS_NOTED_HTTP2, len);
			ws_h2_begin(ws, s, direction & 1);
			http2 = true;
		}
	} else {
		ws_h2_take(&s->h2, &ws->h2[direction & 1]);
		s->plan.act = WS_ACT_NONE;
		s->plan.pos = 0;
		s->plan.head_bound = 0;
		s->plan.window_bound = 0;
		http2 = true;
	}
	if (http2) {
		s->walk_base = s->plan.pos;
		s->walk.start = s->plan.start + s->plan.pos;
		s->walk.len = len - s->plan.pos;
		s->walk.head_max = ws_h2_head_max;
		s->walk.guessed = !!(ws->flags & WS_SOCK_GUESSED);
		if (ws_h2_call(look))
			ws->h2[direction & 1] = s->h2;
		ws_h2_judge(ws, s, counts);
	}

	if (s->sent == 0 && s->lost)
		why = s->lost_why;
	else if (http2)
		summed = !s->sent && !(ws->flags & WS_SOCK_SWITCHED);
	else if (s->told < len && (s->sent || (s->talk.flags & WS_TALK_HTTP)) && s->plan.act < WS_ACT_UNRECOGNIZED)
		why = ws_tell_rest(ring, s, s->fault || !look ? WS_DATA_NO_BUFFER : 0);

	if (s->sent) {
		if (!(ws->flags & WS_SOCK_OPENED)) {
			ws_introduce(ring, s, ws, sk);
			ws->flags |= WS_SOCK_OPENED;
			counts->of[WS_RECORDS].events++;
		}
		ws_ring_publish(ring, s->at);
		counts->of[WS_CAPTURED].events++;
		counts->of[WS_CAPTURED].bytes += len;
		counts->of[WS_RECORDS].events += s->sent;
		counts->of[WS_RECORDS].bytes += ring->head - head;
		ws_ring_doorbell(ring, counts, s->header.ts_ns);
	} else {
		ws_note(counts, why ? why : summed ? WS_CAPTURED : WS_IGNORED_UNRECOGNIZED, len);
	}
	if (s->sent)
		counts->of[WS_RECORDS_LOST].events += s->lost + (why != WS_ROOM);
	if (s->fault)
		ws_note(counts, WS_NOTED_FAULT, len);
	if (!look)
		ws_note(counts, WS_NOTED_NO_BUFFER, len);
	if (s->plan.head_bound)
		ws_note(counts, WS_NOTED_HEAD_BOUND, len);
	if (s->plan.window_bound)
		ws_note(counts, WS_NOTED_WINDOW_BOUND, len);
	if (s->plan.act >= WS_ACT_NOT_HTTP) {
		__u32 what = WS_NOTED_NOT_HTTP;

		if (s->plan.act == WS_ACT_TLS)
			what = WS_NOTED_TLS;
		else if (s->plan.act == WS_ACT_UPGRADED)
			what = WS_NOTED_UPGRADED;
		ws_note(counts, what, len);
		ws->flags |= WS_SOCK_OPAQUE;
	}
}

/*
 * A call of this task on `sk` moved `len` > 0 bytes and returned; `after` more bytes followed in the same call, which
 * will be told next.
 */
static __always_inline void ws_on_bytes(struct sock *sk, struct ws_counts *counts, const struct ws_io *io, __u32 tgid,
					__u32 tid, __u32 len, __u32 after)
{
	__u32 cpu, generation = *(volatile __u32 *)&ws_control.generation;
	struct ws_ring_control *ring;
	struct ws_scratch *s;
	struct ws_sock *ws;
	__u32 ends_at_s = *(volatile __u32 *)&ws_control.ends_at_s;

	/* The agent has left, and nobody took over. */
	if (ends_at_s && bpf_ktime_get_ns() / 1000000000ull >= ends_at_s) {
		ws_note(counts, WS_IGNORED_EXCLUDED, len);
		return;
	}
	ws = ws_find_sock(sk);
#ifndef WS_TYPED
	__u64 id = ws_socket_id(sk);

	if (ws && ws->id != id)
		ws->flags = 0; /* a new socket at an old one's address */
#endif
	if (!ws || !(ws->flags & WS_SOCK_KNOWN)) {
		bool inet;

		if (!ws_is_stream(sk, &inet)) {
			ws_note(counts, WS_IGNORED_NOT_STREAM, len);
			return;
		}
		if (!ws_process_wanted(tgid)) {
			ws_note(counts, WS_IGNORED_EXCLUDED, len);
			return;
		}
		if (!ws)
			ws = ws_make_sock(sk);
		if (!ws) {
			ws_note(counts, WS_DROPPED_SOCKET_TABLE, len);
			return;
		}
#ifdef WS_TYPED
		ws_meet(ws, sk, ws_socket_id(sk), inet, io->direction, len + after);
#else
		ws_meet(ws, sk, id, inet, io->direction, len + after);
#endif
		ws->tgid = tgid;
		ws->generation = generation;
		if (!ws_socket_wanted(sk, ws->flags))
			ws->flags |= WS_SOCK_EXCLUDED;
	} else if (ws->tgid != tgid || ws->generation != generation) {
		bool wanted = ws_process_wanted(tgid) && ws_socket_wanted(sk, ws->flags);

		ws->tgid = tgid;
		ws->generation = generation;
		if (wanted)
			ws->flags &= ~WS_SOCK_EXCLUDED;
		else
			ws->flags |= WS_SOCK_EXCLUDED;
	}
	if (ws->flags & (WS_SOCK_OPAQUE | WS_SOCK_EXCLUDED)) {
		ws_note(counts, ws->flags & WS_SOCK_OPAQUE ? WS_IGNORED_OPAQUE : WS_IGNORED_EXCLUDED, len);
		return;
	}
	if (io->unseen_caller)
		ws_note(counts, WS_NOTED_IO_URING, len);
	if (ws_inside_frame(ws, io->direction & 1, len)) {
		ws_note(counts, WS_CAPTURED, len);
		if (io->shape == WS_SHAPE_NONE)
			ws_note(counts, WS_NOTED_NO_BUFFER, len);
		return;
	}
	if (ws_more_of_body(ws, io->direction & 1, io->shape, WS_IO_ARG1(io), WS_IO_ARG2(io), len)) {
		ws_note(counts, WS_CAPTURED, len);
		return;
	}

	cpu = bpf_get_smp_processor_id();
	ring = bpf_map_lookup_elem(&ws_rings, &cpu);
	s = ws_my_scratch();
	if (!ring || !s)
		return;
	if (!ws_ring_begin(ring)) {
		/* Another task of this CPU was preempted inside our program: possible on fully preemptible kernels. */
		ws->place[io->direction & 1].next += len;
		ws_note(counts, WS_DROPPED_NESTED, len);
		return;
	}
	s->cpu = cpu;
	s->header.tgid = tgid;
	s->header.tid = tid;
	ws_capture(ring, s, ws, sk, counts, io, len, after);
	ws_ring_end(ring);
}

/* A read of 0 bytes: the end of the stream, if the peer is done. */
static __always_inline void ws_on_end(struct sock *sk, struct ws_counts *counts, __u32 tgid, __u32 tid)
{
	struct ws_sock *ws = ws_find_sock(sk);
	struct ws_close close = {};

	if (!ws || !(ws->flags & WS_SOCK_OPENED) || (ws->flags & WS_SOCK_EXCLUDED))
		return;
	if (!(WS_GET(sk, sk_shutdown) & WS_RCV_SHUTDOWN))
		return;
	ws_h2_tell_last(ws, counts, WS_READ);
	close.header.kind = WS_EVENT_CLOSE;
	close.header.flags = WS_CLOSE_READ_ENDED;
	/* The peer of a Unix socket took both halves with it. */
	if (!(ws->flags & WS_SOCK_TCP_FAMILY) && (WS_GET(sk, sk_shutdown) & WS_SHUTDOWN_MASK) == WS_SHUTDOWN_MASK) {
		close.header.flags |= WS_CLOSE_WRITE_ENDED;
		close.write_end = ws->place[WS_WRITE].next;
	}
	close.header.conn = ws->id;
	close.header.tgid = tgid;
	close.header.tid = tid;
	close.read_end = ws->place[WS_READ].next;
	if (ws->flags & WS_SOCK_TCP) {
		struct tcp_sock *tp = ws_tcp(sk);

		if (tp)
			close.read_end = ws_tcp_position(ws, sk, tp, WS_READ);
	}
	ws_emit(&close.header, sizeof(close), counts);
}

#endif
