/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call on a socket that speaks HTTP/2: copies the windows that bpf/lib/infer/http2.h asks for and writes its records.
 * Functions of their own to the verifier, on this CPU's scratch memory, so that HTTP/1 does not pay for them.
 */
#ifndef WIRESPAN_BPF_HTTP2_H
#define WIRESPAN_BPF_HTTP2_H

#include "bpf/lib/socket.h"
#include "bpf/lib/window.h"

#define WS_H2_UNITS 256	   /* frame headers and stretches of payload in a window */
#define WS_H2_WINDOWS 1024 /* in a call */

/* A record of [from, to) without bytes. */
static __always_inline void ws_h2_tell_gap(struct ws_ring_control *ring, struct ws_scratch *s, __u64 from, __u64 to)
{
	__u32 why = ws_ring_room(ring, s, s->at, sizeof(struct ws_data), s->header.tgid);
	struct ws_data *data;

	if (why) {
		s->lost++;
		s->lost_why = why;
		return;
	}
	data = ws_ring_slot(ring, s->at);
	data->header = s->header;
	data->header.size = sizeof(*data);
	data->header.kind = WS_EVENT_DATA;
	data->offset = from;
	data->end_offset = to;
	s->at += sizeof(*data);
	s->sent++;
}

static __always_inline void ws_h2_tell_run(struct ws_ring_control *ring, struct ws_scratch *s, const struct ws_run *run)
{
	__u32 why = ws_ring_room(ring, s, s->at, sizeof(struct ws_frames), s->header.tgid);
	struct ws_frames *frames;

	if (why) {
		s->lost++;
		s->lost_why = why;
		return;
	}
	frames = ws_ring_slot(ring, s->at);
	frames->header = s->header;
	frames->header.size = sizeof(*frames);
	frames->header.kind = WS_EVENT_FRAMES;
	frames->header.flags |= WS_DATA_HTTP2;
	frames->offset = s->h2.run_at;
	frames->end_offset = run->end;
	frames->payload = run->payload;
	frames->stream = s->h2.run_stream;
	frames->frames = run->frames;
	s->at += sizeof(*frames);
	s->sent++;
}

/* Tells what was held back before the offset `to`, but for a frame of the run that is under way. */
WS_NOINLINE int ws_h2_tell(__u64 to)
{
	struct ws_scratch *s = ws_my_scratch();
	struct ws_ring_control *ring;
	struct ws_run run;
	struct ws_h2 *h;
	__u32 cpu;

	if (!s)
		return 0;
	cpu = s->cpu;
	ring = bpf_map_lookup_elem(&ws_rings, &cpu);
	if (!ring)
		return 0;
	h = &s->h2;
	ws_run_whole(h, &run);
	if (run.frames) {
		if (h->run_at > h->told)
			ws_h2_tell_gap(ring, s, h->told, h->run_at);
		ws_h2_tell_run(ring, s, &run);
		ws_run_told(h, &run);
	}
	if (to > h->told && !h->run_frames) {
		ws_h2_tell_gap(ring, s, h->told, to);
		h->told = to;
	}
	return 0;
}

WS_NOINLINE int ws_h2_unit(void)
{
	struct ws_scratch *s = ws_my_scratch();

	return s ? ws_walk_unit(&s->h2, &s->walk, s->window) : 0;
}

WS_NOINLINE int ws_h2_field(void)
{
	struct ws_scratch *s = ws_my_scratch();

	return s ? ws_field(&s->walk.fields, s->window) : 0;
}

/* How much a header block adds to its table. */
WS_NOINLINE int ws_h2_fields(void)
{
	struct ws_scratch *s = ws_my_scratch();
	__u32 i;

	if (!s)
		return 0;
	WS_ROLLED
	for (i = 0; i < WS_FIELDS; i++)
		if (!ws_field_indexed(&s->walk.fields, s->window) && !ws_h2_field())
			break;
	ws_fields_done(&s->h2, &s->walk);
	return 0;
}

WS_NOINLINE int ws_h2_units(void)
{
	struct ws_scratch *s = ws_my_scratch();
	int more;
	__u32 i;

	if (!s)
		return 0;
	WS_ROLLED
	for (i = 0; i < WS_H2_UNITS; i++) {
		more = ws_h2_unit();
		if (s->walk.fields.end)
			ws_h2_fields();
		if (!more)
			return 0;
	}
	ws_walk_stop(&s->walk, s->walk.at);
	return 0;
}

/* One window: 0: the call is done. */
WS_NOINLINE int ws_h2_window(void)
{
	struct ws_scratch *s = ws_my_scratch();
	struct ws_ring_control *ring;
	__u32 cpu, pos, want, n, ahead, keep, size, why, before;
	struct ws_counted_data *data;
	struct ws_walk *w;
	__u64 from;

	if (!s)
		return 0;
	cpu = s->cpu;
	ring = bpf_map_lookup_elem(&ws_rings, &cpu);
	if (!ring)
		return 0;
	w = &s->walk;
	pos = s->walk_base + w->pos;
	from = w->start + w->pos;
	want = w->want;
	ahead = pos - s->cursor.position;
	if (ahead <= s->cursor.left && s->cursor.left - ahead >= want) {
		WS_OPAQUE(want);
		if (want > WS_WINDOW)
			return 0;
		n = want;
		if (bpf_probe_read_user(s->window, want, (void *)(s->cursor.base + ahead))) {
			s->fault = 1;
			n = 0;
		}
	} else {
		before = s->now.position > pos ? s->cursor.position : s->now.position;
		s->plan.pos = pos;
		s->plan.want = want;
		n = ws_window_gather();
		/* So many small parts lie before it that another turn is needed. */
		if (n == 0 && !s->fault && s->now.position > before && s->now.position <= pos)
			return 1;
	}
	if (n == 0 || n > WS_WINDOW) {
		/* The rest can't be read. */
		ws_h2_lose(&s->h2);
		w->lost = 1;
		s->h2.at = w->start + w->len;
		return 0;
	}
	ws_walk_window(&s->h2, w, n);
	ws_h2_units();
	keep = w->keep;
	ws_walk_next(&s->h2, w);
	if (keep ? s->h2.told < from : w->flush)
		ws_h2_tell(from);
	WS_OPAQUE(keep);
	if (keep == 0 || keep > WS_WINDOW)
		return w->want != 0;
	size = sizeof(*data) + keep;
	s->h2.told = w->start + w->pos;
	why = ws_ring_room(ring, s, s->at, size + WS_RING_SPILL, s->header.tgid);
	if (why) {
		s->lost++;
		s->lost_why = why;
		return w->want != 0;
	}
	data = ws_ring_slot(ring, s->at);
	data->data.header = s->header;
	data->data.header.size = size;
	data->data.header.kind = WS_EVENT_DATA;
	data->data.header.flags |= WS_DATA_COUNTED;
	if (w->starts)
		data->data.header.flags |= WS_DATA_HTTP2;
	data->data.offset = from;
	data->data.end_offset = s->h2.told;
	data->added = w->added;
	data->uncounted = w->uncounted;
	ws_ring_copy((__u64 *)(data + 1), (const __u64 *)s->window, keep);
	s->at += ws_ring_step(size);
	s->sent++;
	return w->want != 0;
}

/*
 * The call from walk_base on, `look`: its bytes can be read. Works on scratch->h2. False: that is not to be remembered,
 * because the call lies before what was seen already.
 */
WS_NOINLINE int ws_h2_call(__u32 look)
{
	struct ws_scratch *s = ws_my_scratch();
	int in_order;
	__u32 i;

	if (!s)
		return 1;
	in_order = ws_walk_begin(&s->h2, &s->walk, look);
	if (!in_order) {
		ws_h2_start(&s->h2, s->walk.start, WS_H2_SCAN);
		ws_walk_begin(&s->h2, &s->walk, look);
	}
	if (s->walk.want) {
		WS_ROLLED
		for (i = 0; i < WS_H2_WINDOWS; i++)
			if (!ws_h2_window())
				break;
		if (i == WS_H2_WINDOWS) {
			/* More than we look at. */
			ws_h2_lose(&s->h2);
			s->walk.lost = 1;
			s->plan.window_bound = 1;
			s->h2.at = s->walk.start + s->walk.len;
		}
	}
	if (!in_order || ws_held_is_due(&s->h2))
		ws_h2_tell(s->h2.at);
	return in_order;
}

/*
 * One direction of a connection ends: its run is told. What was passed over behind it is not, the end's offset says so.
 * From any context, also in the middle of a call on this CPU.
 */
static __always_inline void ws_h2_tell_last(struct ws_sock *ws, struct ws_counts *counts, __u32 direction)
{
	struct ws_h2 *h = &ws->h2[direction & 1];
	struct ws_frames record = {};
	struct ws_run run;

	if (!(ws->flags & WS_SOCK_HTTP2) || !h->run_frames)
		return;
	ws_run_close(h);
	ws_run_whole(h, &run);
	record.header.conn = ws->id;
	record.header.direction = direction;
	record.header.kind = WS_EVENT_DATA;
	record.header.tgid = ws->tgid;
	record.offset = h->told;
	record.end_offset = h->run_at;
	if (h->run_at > h->told)
		ws_emit(&record.header, sizeof(struct ws_data), counts);
	if (run.frames) {
		record.header.kind = WS_EVENT_FRAMES;
		record.header.flags = WS_DATA_HTTP2;
		record.offset = h->run_at;
		record.end_offset = run.end;
		record.payload = run.payload;
		record.stream = h->run_stream;
		record.frames = run.frames;
		ws_emit(&record.header, sizeof(record), counts);
	}
	ws_run_told(h, &run);
}

#endif
