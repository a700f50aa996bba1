/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * HTTP/2: where the next frame header is, and which bytes of a call are worth copying: frame headers, header blocks,
 * control frames, the prefixes of gRPC messages; not what DATA carries.
 *
 *   ws_walk_begin(h, w)                                     -> w->pos, w->want
 *   while w->want:
 *     copy so many bytes of the call; ws_walk_window(h, w, n)
 *     while ws_walk_unit(h, w, p):
 *       if w->fields.end: a header block: while ws_field(&w->fields, p); ws_fields_done(h, w)
 *     w->flush: the run is told first
 *     w->keep:  so many bytes from w->pos on are told, and that the call's bytes up to w->next belong to them
 *     ws_walk_next(h, w)
 *
 *   mode of a direction
 *   SYNC      h->at is where the next byte is due, inside a frame (frame_left) or its header (have) or between two
 *   SCAN      the boundary is lost: frames are looked for where a call begins
 *   UPGRADED  behind "101 Switching Protocols": the preface, or a server's SETTINGS, may come now; or no HTTP/2 at all
 *
 * Bytes that need not be told at once are held back: those between h->told and h->at. They are payload that was passed
 * over, and then maybe a run: whole DATA frames of one stream, without padding and END_STREAM, summed; or, as stream 0,
 * whole WINDOW_UPDATE frames. Whatever is told later of this direction is told after them.
 */
#ifndef WIRESPAN_BPF_INFER_HTTP2_H
#define WIRESPAN_BPF_INFER_HTTP2_H

#include "bpf/lib/infer/fields.h"
#include "bpf/lib/infer/http2_state.h"

/* One call. */
struct ws_walk {
	__u64 start; /* offset of its first byte */
	__u32 len;
	__u32 head_max;
	__u32 pos;  /* of the window */
	__u32 want; /* bytes of the window; 0: done */
	__u32 n;    /* bytes in the window */
	__u32 at;   /* in the window: what lies before was judged */
	__u32 keep;
	__u32 next;
	__u8 starts;	 /* the window's first byte is a frame's or the preface's first */
	__u8 flush;	 /* the run is another one from here on */
	__u8 found;	 /* frames were found at the call's start, or a header where it was due */
	__u8 missed;	 /* there were none */
	__u8 lost;	 /* what was due is no frame header */
	__u8 head_bound; /* a header block was longer than head_max */
	__u8 doubted;	 /* the call's start was looked at, because of h->doubt */
	__u8 guessed;	 /* frames of types that nobody defined speak against HTTP/2 */
	__u32 added;	 /* h->added and h->uncounted before the window */
	__u32 uncounted;
	struct ws_fields fields; /* of a header block that the unit found */
};

/* The next window is at `pos`, or where passable payload ends. */
WS_INLINE void ws_walk_window_at(struct ws_h2 *h, struct ws_walk *w, __u32 pos)
{
	__u32 passed = h->doubt && !w->doubted ? 0 : ws_h2_passable(h), left = w->len - pos;

	if (h->mode == WS_H2_SYNC && passed) {
		if (passed > left)
			passed = left;
		ws_h2_pass(h, passed);
		pos += passed;
		left -= passed;
	}
	w->pos = pos;
	w->want = left < WS_WINDOW ? left : h->in_run && !h->frame_left ? WS_H2_PEEK : WS_WINDOW;
}

/*
 * A call begins: w->start, w->len, w->head_max and w->guessed are set. `look`: its bytes can be read. False: it lies before h->at,
 * because another thread's call was seen first; then the caller walks it with a state of its own.
 */
WS_INLINE int ws_walk_begin(struct ws_h2 *h, struct ws_walk *w, int look)
{
	__u64 skipped = w->start - h->at, all;

	w->keep = 0;
	w->next = 0;
	w->n = 0;
	w->at = 0;
	w->pos = 0;
	w->want = 0;
	w->starts = 0;
	w->flush = 0;
	w->found = 0;
	w->missed = 0;
	w->lost = 0;
	w->head_bound = 0;
	w->doubted = 0;
	if ((__s64)skipped < 0)
		return 0;
	all = skipped + (look ? 0 : w->len);
	if (all) {
		/* Bytes that nobody can look at: arithmetic, inside a frame. */
		if (h->mode == WS_H2_SYNC && !h->have && all <= h->frame_left) {
			if (!skipped && h->message < WS_MESSAGES)
				ws_message_unseen(&h->messages.of[h->message & (WS_MESSAGES - 1)]);
			ws_h2_pass(h, all);
		} else {
			if (h->mode == WS_H2_SYNC) {
				ws_h2_lose(h);
				w->lost = 1;
			}
			h->at += all;
			if (h->mode == WS_H2_UPGRADED)
				h->told = h->at;
		}
	}
	if (look)
		ws_walk_window_at(h, w, 0);
	return 1;
}

/* `n` bytes of the window were copied. */
WS_INLINE void ws_walk_window(const struct ws_h2 *h, struct ws_walk *w, __u32 n)
{
	w->added = h->added;
	w->uncounted = h->uncounted;
	w->fields.end = 0;
	w->n = n;
	w->at = 0;
	w->keep = 0;
	w->next = w->pos;
	w->starts = 0;
	w->flush = 0;
}

/* The window is done: what lies before `at` is kept, the next one begins at w->pos + next. */
WS_INLINE int ws_walk_stop(struct ws_walk *w, __u32 next)
{
	w->keep = w->at;
	w->next = w->pos + next;
	return 0;
}

WS_INLINE int ws_walk_lose(struct ws_h2 *h, struct ws_walk *w)
{
	ws_h2_lose(h);
	w->lost = 1;
	w->keep = w->at;
	w->next = w->len;
	h->at = w->start + w->len;
	return 0;
}

WS_INLINE void ws_walk_step(struct ws_h2 *h, struct ws_walk *w, __u32 n)
{
	w->at += n;
	h->at += n;
}

/* At the start of a call, where no boundary is known. True: one is now. */
WS_INLINE int ws_walk_scan(struct ws_h2 *h, struct ws_walk *w, const __u8 *p)
{
	__u32 look;

	if (ws_is_preface(p, w->n)) {
		ws_h2_expect_preface(h, WS_PREFACE);
		w->starts = 1;
		w->found = 1;
		return 1;
	}
	look = ws_look_for_frames(p, w->n, w->len);
	if (look == WS_FRAMES_NO || (h->mode == WS_H2_UPGRADED && look != WS_FRAMES_SERVER)) {
		w->missed = 1;
		h->at = w->start + w->len;
		if (h->mode == WS_H2_UPGRADED)
			h->told = h->at;
		w->keep = 0;
		w->next = w->len;
		return 0;
	}
	h->mode = WS_H2_SYNC;
	h->frame_left = 0;
	h->doubt = look == WS_FRAMES_MAYBE ? 2 : 0;
	w->doubted = 1;
	w->found = 1;
	return 1;
}

/*
 * A call begins, and where it is was concluded from one header alone: if it begins with frames for sure, that was no
 * header. True: there is nothing to look at in this window.
 */
WS_INLINE int ws_walk_doubt(struct ws_h2 *h, struct ws_walk *w, const __u8 *p)
{
	w->doubted = 1;
	if (ws_look_for_frames(p, w->n, w->len) >= WS_FRAMES_SURE || ws_is_preface(p, w->n)) {
		ws_h2_lose(h);
		w->lost = 1;
		w->uncounted = h->uncounted;
		return 0;
	}
	return ws_h2_passable(h) != 0;
}

/* May the frame be summed, in place of being told? */
WS_INLINE int ws_frame_sums(struct ws_h2 *h, const struct ws_walk *w, const struct ws_frame *frame, const __u8 *p)
{
	const struct ws_message *message;
	__u32 rest = w->len - w->pos, at;

	if (frame->type == WS_FRAME_WINDOW_UPDATE) {
		/* A call of nothing else: one, or the stream's and the connection's. Some clients write one for 4 KiB read. */
		if (w->pos == 0 && !w->at && rest == 2 * WS_H2_UPDATE)
			return w->n == rest && p[WS_H2_UPDATE + 3] == WS_FRAME_WINDOW_UPDATE;
		return rest == WS_H2_UPDATE && !w->at && (w->pos == 0 || (h->in_run && !h->run_stream));
	}
	if (frame->type != WS_FRAME_DATA || (frame->flags & (WS_FRAME_END_STREAM | WS_FRAME_PADDED)) || !frame->length)
		return 0;
	at = ws_message_find(&h->messages, frame->stream & 0x7fffffff);
	if (at >= WS_MESSAGES)
		return 0;
	message = &h->messages.of[at & (WS_MESSAGES - 1)];
	if (message->kind == WS_MESSAGE_GRPC)
		return !message->have && message->left >= frame->length;
	return message->kind == WS_MESSAGE_FREE;
}

/* The frame joins the run; its header is at h->at and the window's start. */
WS_INLINE int ws_walk_sum(struct ws_h2 *h, struct ws_walk *w, const struct ws_frame *frame)
{
	__u32 stream = frame->type == WS_FRAME_DATA ? frame->stream & 0x7fffffff : 0, at;
	__u64 run_end = h->run_at + h->run_payload + (__u64)h->run_frames * WS_FRAME_HEADER;

	if (h->run_frames && (h->run_stream != stream || run_end != h->at)) {
		w->flush = 1;
		return ws_walk_stop(w, 0);
	}
	if (!h->run_frames) {
		h->run_at = h->at;
		h->run_stream = stream;
		h->run_payload = 0;
	}
	h->run_frames++;
	h->run_payload += frame->length;
	h->in_run = 1;
	h->type = frame->type;
	h->flags = frame->flags;
	h->stream = frame->stream & 0x7fffffff;
	h->message = WS_MESSAGES;
	h->keep_left = 0;
	h->frame_left = frame->length;
	at = ws_message_find(&h->messages, stream);
	h->free_run = stream && at < WS_MESSAGES;
	if (h->free_run && h->messages.of[at & (WS_MESSAGES - 1)].kind == WS_MESSAGE_GRPC) {
		h->messages.of[at & (WS_MESSAGES - 1)].left -= frame->length;
		h->free_run = 0;
	}
	h->at += WS_FRAME_HEADER;
	w->next = w->pos + WS_FRAME_HEADER;
	return 0;
}

/* Octets of the frame's payload that are copied whatever they are. */
WS_INLINE __u32 ws_frame_wants(const struct ws_h2 *h, const struct ws_walk *w, const struct ws_frame *frame)
{
	__u32 most = WS_H2_CONTROL;

	if (frame->type == WS_FRAME_DATA)
		most = frame->length <= WS_H2_SMALL ? WS_H2_SMALL : WS_H2_PAYLOAD;
	else if (frame->type == WS_FRAME_HEADERS || frame->type == WS_FRAME_PUSH_PROMISE)
		most = w->head_max;
	else if (frame->type == WS_FRAME_CONTINUATION)
		most = h->head_left;
	return frame->length < most ? frame->length : most;
}

/* A DATA frame begins; `p` is its payload, of which `n` octets are in the window. */
WS_INLINE void ws_h2_begin_data(struct ws_h2 *h, const __u8 *p, __u32 n)
{
	__u32 at = ws_message_find(&h->messages, h->stream);
	struct ws_message *message;

	h->message = WS_MESSAGES;
	if (at >= WS_MESSAGES)
		at = ws_message_take(&h->messages, h->stream, WS_MESSAGE_VAGUE, &h->victim);
	message = &h->messages.of[at & (WS_MESSAGES - 1)];
	if (message->kind == WS_MESSAGE_VAGUE && !(h->flags & WS_FRAME_PADDED) && n >= WS_MESSAGE_PREFIX &&
	    h->frame_left > WS_MESSAGE_PREFIX && ws_message_fills(p, h->frame_left)) {
		ws_message_blur(message);
		message->kind = WS_MESSAGE_GRPC;
		message->empty = 0;
	}
	if (h->flags & WS_FRAME_PADDED) {
		ws_message_blur(message);
	} else if (message->kind == WS_MESSAGE_START || message->kind == WS_MESSAGE_GRPC) {
		h->message = at;
		h->keep_left = 0;
	}
	if (h->flags & WS_FRAME_END_STREAM)
		message->stream = 0;
}

/* The frame header in h->header begins a frame that is told. False: it is none. `n`: octets of it in the window */
WS_INLINE void ws_h2_begin_frame(struct ws_h2 *h, struct ws_walk *w, const struct ws_frame *frame, const __u8 *p,
				 __u32 n)
{
	__u32 wants = ws_frame_wants(h, w, frame);

	h->type = frame->type;
	h->flags = frame->flags;
	h->stream = frame->stream & 0x7fffffff;
	h->frame_left = frame->length;
	h->keep_left = wants;
	h->in_run = 0;
	h->message = WS_MESSAGES;
	h->doubt -= h->doubt != 0;
	w->found = 1;
	if (frame->type == WS_FRAME_DATA) {
		ws_h2_begin_data(h, p, n);
		return;
	}
	if (frame->type == WS_FRAME_HEADERS || frame->type == WS_FRAME_PUSH_PROMISE ||
	    frame->type == WS_FRAME_CONTINUATION) {
		h->uncounted++; /* until it has been */
		if (wants < frame->length)
			w->head_bound = 1;
		h->head_left = (frame->type == WS_FRAME_CONTINUATION ? h->head_left : w->head_max) - wants;
		h->in_block = !(frame->flags & WS_FRAME_END_HEADERS);
	}
	if (frame->type == WS_FRAME_HEADERS) {
		if (!(frame->flags & WS_FRAME_END_STREAM)) {
			ws_message_take(&h->messages, h->stream, WS_MESSAGE_START, &h->victim);
			return;
		}
	} else if (frame->type != WS_FRAME_RST_STREAM) {
		return;
	}
	n = ws_message_find(&h->messages, h->stream);
	if (n < WS_MESSAGES)
		h->messages.of[n & (WS_MESSAGES - 1)].stream = 0;
}

/* At a frame header, or in it. */
WS_INLINE int ws_walk_header(struct ws_h2 *h, struct ws_walk *w, const __u8 *p)
{
	__u32 at = w->at & (WS_WINDOW - 1), left = w->n - w->at, wants;
	int whole = !h->have && left >= WS_FRAME_HEADER, more = w->pos + w->n < w->len;
	struct ws_frame frame;

	if (whole) {
		__builtin_memcpy(h->header, p + at, WS_FRAME_HEADER);
	} else if (!h->have && more && w->at) {
		return ws_walk_stop(w, w->at);
	} else {
		if (!h->have && !w->at)
			w->starts = 1;
		h->header[h->have & 15] = p[at]; /* have < WS_FRAME_HEADER */
		ws_walk_step(h, w, 1);
		if (++h->have < WS_FRAME_HEADER)
			return 1;
		h->have = 0;
	}
	ws_parse_frame(&frame, h->header);
	if (!ws_frame_may_be(&frame) || (w->guessed && !ws_frame_is_known(&frame)) ||
	    (frame.type == WS_FRAME_CONTINUATION) != h->in_block ||
	    (h->in_block && (frame.stream & 0x7fffffff) != h->stream))
		return ws_walk_lose(h, w);
	if (whole) {
		if (ws_frame_sums(h, w, &frame, p))
			return w->at ? ws_walk_stop(w, w->at) : ws_walk_sum(h, w, &frame);
		wants = WS_FRAME_HEADER + ws_frame_wants(h, w, &frame);
		if (wants > left && more) {
			/* Better in a window of its own, or in a larger one. */
			if (w->at)
				return ws_walk_stop(w, w->at);
			if (w->n < WS_WINDOW && w->want == WS_H2_PEEK) {
				h->in_run = 0;
				return ws_walk_stop(w, 0);
			}
		}
		if (!w->at)
			w->starts = 1;
		ws_walk_step(h, w, WS_FRAME_HEADER);
	}
	ws_h2_begin_frame(h, w, &frame, p + (w->at & (WS_WINDOW - 1)), w->n - w->at);
	return 1;
}

/* At a prefix of a gRPC message, or in it. False: no message goes on behind it in this window. */
WS_INLINE int ws_walk_prefix(struct ws_h2 *h, struct ws_walk *w, struct ws_message *message, const __u8 *p)
{
	__u32 at = w->at & (WS_WINDOW - 1), n;
	int good;

	if (!message->have && w->n - w->at >= WS_MESSAGE_PREFIX && h->frame_left >= WS_MESSAGE_PREFIX) {
		n = WS_MESSAGE_PREFIX;
		good = ws_message_begins(message, p[at], ws_big32(p + at + 1));
	} else {
		n = 1;
		good = ws_message_octet(message, p[at]);
	}
	if (!good) {
		h->message = WS_MESSAGES;
		h->keep_left = h->frame_left <= WS_H2_SMALL ? h->frame_left : WS_H2_PAYLOAD;
		return 0;
	}
	h->frame_left -= n;
	ws_walk_step(h, w, n);
	return message->left && !message->have && h->frame_left && w->at < w->n;
}

/* At a prefix of a gRPC message, or in it, or inside the message. */
WS_INLINE int ws_walk_message(struct ws_h2 *h, struct ws_walk *w, const __u8 *p)
{
	struct ws_message *message = &h->messages.of[h->message & (WS_MESSAGES - 1)];
	__u32 n;

	if ((!message->left || message->have) && !ws_walk_prefix(h, w, message, p))
		return 1;
	n = message->left < h->frame_left ? message->left : h->frame_left;
	if (n > WS_H2_SMALL)
		return ws_walk_stop(w, w->at); /* passed over */
	if (n > w->n - w->at)
		n = w->n - w->at;
	message->left -= n;
	h->frame_left -= n;
	ws_walk_step(h, w, n);
	return 1;
}

/* Are the next `n` octets the payload of a frame with a whole header block? */
WS_INLINE int ws_is_whole_block(const struct ws_h2 *h, __u32 n)
{
	return (h->type == WS_FRAME_HEADERS || h->type == WS_FRAME_PUSH_PROMISE) && (h->flags & WS_FRAME_END_HEADERS) &&
	       n == h->frame_left && n == ws_h2_frame_length(h);
}

/* The block was walked as far as it could be. */
WS_INLINE void ws_fields_done(struct ws_h2 *h, struct ws_walk *w)
{
	if (ws_fields_whole(&w->fields)) {
		h->added += w->fields.added;
		h->uncounted--;
	}
	w->fields.end = 0;
}

/* The next part of the window: a frame header with what follows of its payload, or a stretch of payload. False: the window is done. */
WS_INLINE int ws_walk_unit(struct ws_h2 *h, struct ws_walk *w, const __u8 *p)
{
	__u32 n;

	if (w->at >= w->n)
		return ws_walk_stop(w, w->n);
	if (h->doubt && !w->doubted && ws_walk_doubt(h, w, p))
		return ws_walk_stop(w, 0);
	if (h->mode != WS_H2_SYNC && !ws_walk_scan(h, w, p))
		return 0;
	if (!h->frame_left) {
		if (!ws_walk_header(h, w, p))
			return 0;
		if (!h->frame_left || w->at >= w->n)
			return 1;
	}
	if (h->type == WS_H2_PREFACE && !w->at && h->frame_left == WS_PREFACE)
		w->starts = 1;
	if (h->message < WS_MESSAGES)
		return ws_walk_message(h, w, p);
	n = w->n - w->at;
	if (n > h->keep_left)
		n = h->keep_left;
	if (ws_is_whole_block(h, n))
		ws_fields_begin(&w->fields, p, w->at, n, h->type, h->flags);
	ws_walk_step(h, w, n);
	h->frame_left -= n;
	h->keep_left -= n;
	if (h->frame_left && !h->keep_left)
		return ws_walk_stop(w, w->at); /* the rest is passed over */
	return 1;
}

/* What the window kept was told, or there was nothing: on to the next. */
WS_INLINE void ws_walk_next(struct ws_h2 *h, struct ws_walk *w)
{
	if (w->next >= w->len) {
		w->pos = w->len;
		w->want = 0;
		return;
	}
	ws_walk_window_at(h, w, w->next);
}

#endif
