/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What is remembered of one direction of a socket that speaks HTTP/2 (http2.h says what the modes are and what is held
 * back), and how it moves on where no byte has to be looked at, or only a header that was seen before.
 */
#ifndef WIRESPAN_BPF_INFER_HTTP2_STATE_H
#define WIRESPAN_BPF_INFER_HTTP2_STATE_H

#include "bpf/lib/infer/message.h"

enum ws_h2_mode {
	WS_H2_SYNC = 0,
	WS_H2_SCAN = 1,
	WS_H2_UPGRADED = 2,
};

/* One direction of a socket. */
struct ws_h2 {
	/* What header blocks added to their table, modulo 2^32, and how many blocks, or losses, were not counted. Before `at`: ws_h2_take. */
	__u32 added;
	__u32 uncounted;
	__u64 at;
	__u64 told;
	__u64 run_at; /* where the run begins */
	__u32 run_stream;
	__u32 run_frames; /* 0: no run */
	__u32 run_payload;
	__u32 frame_left; /* octets of the frame's payload that are still to come */
	__u32 keep_left;  /* of those, so many are copied, come what may */
	__u32 head_left;  /* octets of the header block that may still be copied */
	__u32 stream;	  /* of the frame */
	__u8 type;
	__u8 flags;
	__u8 have; /* octets of a frame header that is cut over calls */
	__u8 mode;
	__u8 header[9]; /* of the frame, or its first `have` octets */
	__u8 doubt;	/* the boundary was found by one header, and no other one has confirmed it */
	__u8 unused;
	__u8 free_run; /* in_run: of DATA that nobody looks into */
	__u8 in_run;   /* the frame is the last one of the run */
	__u8 in_block; /* CONTINUATION must follow */
	__u8 message;  /* index of the stream's entry while its messages are followed; WS_MESSAGES: they are not */
	__u8 victim;
	struct ws_messages messages;
};

#define WS_H2_PREFACE 0xff	/* as type of a "frame" */
#define WS_H2_SMALL 256		/* payload that costs less to copy than to leave out */
#define WS_H2_PAYLOAD 16	/* octets of other payload that are copied */
#define WS_H2_CONTROL 1024	/* octets of a control frame that are copied */
#define WS_H2_PEEK 64		/* window where a summable frame is expected */
#define WS_H2_HOLD (256 * 1024) /* so many bytes are held back */
#define WS_H2_HOLD_UPDATES 64
#define WS_H2_UPDATE 13 /* octets of a WINDOW_UPDATE frame */

/* Is the run's last frame still under way? */
WS_INLINE int ws_run_is_open(const struct ws_h2 *h)
{
	return h->run_frames && h->in_run && h->frame_left;
}

/* Length of the frame whose header is in h->header. */
WS_INLINE __u32 ws_h2_frame_length(const struct ws_h2 *h)
{
	return (__u32)h->header[0] << 16 | (__u32)h->header[1] << 8 | h->header[2];
}

/* The run's whole frames, and where they end. */
struct ws_run {
	__u32 frames;
	__u32 payload;
	__u64 end;
};

WS_INLINE void ws_run_whole(const struct ws_h2 *h, struct ws_run *run)
{
	run->frames = h->run_frames;
	run->payload = h->run_payload;
	if (ws_run_is_open(h)) {
		run->frames--;
		run->payload -= ws_h2_frame_length(h);
	}
	run->end = h->run_at + run->payload + (__u64)run->frames * WS_FRAME_HEADER;
}

/* They were told: a frame under way begins the next run. */
WS_INLINE void ws_run_told(struct ws_h2 *h, const struct ws_run *run)
{
	h->told = run->end;
	h->run_at = run->end;
	h->run_frames -= run->frames;
	h->run_payload -= run->payload;
	if (!h->run_frames)
		h->in_run = 0;
}

/* The run ends for good: a frame under way is none of it. */
WS_INLINE void ws_run_close(struct ws_h2 *h)
{
	struct ws_run run;

	ws_run_whole(h, &run);
	h->run_frames = run.frames;
	h->run_payload = run.payload;
	h->in_run = 0;
}

/* Must what is held back be told at the end of this call? */
WS_INLINE int ws_held_is_due(const struct ws_h2 *h)
{
	if (h->at == h->told || (h->run_frames == 1 && ws_run_is_open(h)))
		return 0;
	if (h->at - h->told >= WS_H2_HOLD || (!h->run_stream && h->run_frames >= WS_H2_HOLD_UPDATES))
		return 1;
	/* The end of a stream, or of what is not DATA, has a time. */
	return h->mode == WS_H2_SYNC && !h->frame_left && !h->in_run &&
	       (h->type != WS_FRAME_DATA || (h->flags & WS_FRAME_END_STREAM));
}

WS_INLINE void ws_h2_lose(struct ws_h2 *h)
{
	ws_run_close(h);
	h->mode = WS_H2_SCAN;
	h->frame_left = 0;
	h->keep_left = 0;
	h->have = 0;
	h->in_run = 0;
	h->in_block = 0;
	h->doubt = 0;
	h->message = WS_MESSAGES;
	h->uncounted++;
	__builtin_memset(&h->messages, 0, sizeof(h->messages));
}

/* Copies what another thread's call may be changing: whoever sees its `at` sees its counts too, or counts as not having. */
WS_INLINE void ws_h2_take(struct ws_h2 *to, const struct ws_h2 *from)
{
	*to = *from;
	__asm__ volatile("" ::: "memory");
	if (to->added != *(volatile const __u32 *)&from->added ||
	    to->uncounted != *(volatile const __u32 *)&from->uncounted)
		to->uncounted++;
}

/* The first byte to come is at `at`. */
WS_INLINE void ws_h2_start(struct ws_h2 *h, __u64 at, __u8 mode)
{
	__builtin_memset(h, 0, sizeof(*h));
	h->at = at;
	h->told = at;
	h->mode = mode;
	h->message = WS_MESSAGES;
	h->type = WS_H2_PREFACE;
}

/* So many octets of what is left of the preface come next. */
WS_INLINE void ws_h2_expect_preface(struct ws_h2 *h, __u32 left)
{
	h->mode = WS_H2_SYNC;
	h->type = WS_H2_PREFACE;
	h->flags = 0;
	h->frame_left = left;
	h->keep_left = left;
	h->have = 0;
	h->in_run = 0;
	h->message = WS_MESSAGES;
}

/* Octets of the frame's payload, from h->at on, that need not be looked at. */
WS_INLINE __u32 ws_h2_passable(const struct ws_h2 *h)
{
	const struct ws_message *message;

	if (h->keep_left)
		return 0;
	if (h->message >= WS_MESSAGES)
		return h->frame_left;
	message = &h->messages.of[h->message & (WS_MESSAGES - 1)];
	if (message->have || message->left <= WS_H2_SMALL)
		return 0;
	return message->left < h->frame_left ? message->left : h->frame_left;
}

/* Moves on by `n` <= frame_left octets of payload. */
WS_INLINE void ws_h2_pass(struct ws_h2 *h, __u32 n)
{
	h->at += n;
	h->frame_left -= n;
	h->keep_left = h->keep_left > n ? h->keep_left - n : 0;
	if (h->message < WS_MESSAGES) {
		struct ws_message *message = &h->messages.of[h->message & (WS_MESSAGES - 1)];

		if (message->kind == WS_MESSAGE_FREE) {
			h->message = WS_MESSAGES;
		} else if (message->left >= n && !message->have) {
			message->left -= n;
		} else if (n) {
			ws_message_blur(message);
			h->message = WS_MESSAGES;
		}
	}
}

/*
 * A call of `len` octets at `start` that lies within a frame, in payload that nobody looks at, and after which nothing is due
 * (so it may reach the frame's end only if that is summed): passed over without a window. One load of frame_left and one
 * store, because two threads may be here at once. True: done.
 */
WS_INLINE int ws_h2_inside(struct ws_h2 *h, __u64 start, __u32 len)
{
	__u32 left = *(volatile __u32 *)&h->frame_left;

	if (left < len || (left == len && !h->in_run) || h->at != start || h->mode != WS_H2_SYNC || h->have ||
	    h->keep_left || h->doubt || h->message < WS_MESSAGES || start + len - h->told >= WS_H2_HOLD)
		return 0;
	h->at = start + len;
	h->frame_left = left - len;
	return 1;
}

#define WS_BODY_HEADERS 8

/* A call within a summed body; nothing of the direction changes before it was found to be one. */
struct ws_body {
	__u32 at;      /* octets of the call that are behind us: its next frame header lies here */
	__u32 left;    /* octets of the frame's payload behind the call */
	__u32 frames;  /* headers seen */
	__u32 payload; /* of those frames */
	__u32 length;  /* of the last one */
};

/* May a call of `len` octets at `start` go on in the run's frame, and then be frames of the same body and no more? */
WS_INLINE int ws_body_begin(const struct ws_h2 *h, struct ws_body *b, __u64 start, __u32 len)
{
	b->at = *(volatile const __u32 *)&h->frame_left;
	b->left = 0;
	b->frames = 0;
	b->payload = 0;
	b->length = 0;
	return h->in_run && h->free_run && b->at < len && h->at == start && h->mode == WS_H2_SYNC && !h->have &&
	       !h->doubt && start + len - h->told < WS_H2_HOLD;
}

/* `p` lies in the call of `len` octets where the next frame header is due: is it one of the body's? Then we are behind its frame. */
WS_INLINE int ws_body_header(const struct ws_h2 *h, struct ws_body *b, const __u8 *p, __u32 len)
{
	__u32 length = (__u32)p[0] << 16 | (__u32)p[1] << 8 | p[2], rest = len - b->at - WS_FRAME_HEADER;

	if (__builtin_memcmp(p + 3, h->header + 3, WS_FRAME_HEADER - 3) || !length)
		return 0;
	b->frames++;
	b->payload += length;
	b->length = length;
	b->left = length > rest ? length - rest : 0;
	b->at = length > rest ? len : len - rest + length;
	return 1;
}

/* The call's end was reached: its frames join the run. */
WS_INLINE void ws_body_end(struct ws_h2 *h, const struct ws_body *b, __u64 start, __u32 len)
{
	h->run_frames += b->frames;
	h->run_payload += b->payload;
	h->header[0] = b->length >> 16;
	h->header[1] = b->length >> 8;
	h->header[2] = b->length;
	h->at = start + len;
	h->frame_left = b->left;
}

#endif
