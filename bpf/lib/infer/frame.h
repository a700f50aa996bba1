/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * HTTP/2's frame header (RFC 9113, 4.1), and how it is told from other bytes:
 *
 *   +-----------------+------+-------+-----------+
 *   | length of the   | type | flags | stream id |
 *   | payload      24 |    8 |     8 |  0 +   31 |
 *   +-----------------+------+-------+-----------+
 */
#ifndef WIRESPAN_BPF_INFER_FRAME_H
#define WIRESPAN_BPF_INFER_FRAME_H

#include "bpf/lib/infer/bytes.h"

#define WS_FRAME_HEADER 9
#define WS_PREFACE 24
#define WS_PREFACE_HEAD 18 /* "PRI * HTTP/2.0" and an empty line, which begin it */

enum ws_frame_type {
	WS_FRAME_DATA = 0,
	WS_FRAME_HEADERS = 1,
	WS_FRAME_PRIORITY = 2,
	WS_FRAME_RST_STREAM = 3,
	WS_FRAME_SETTINGS = 4,
	WS_FRAME_PUSH_PROMISE = 5,
	WS_FRAME_PING = 6,
	WS_FRAME_GOAWAY = 7,
	WS_FRAME_WINDOW_UPDATE = 8,
	WS_FRAME_CONTINUATION = 9,
};

enum ws_frame_flag {
	WS_FRAME_ACK = 1,	 /* SETTINGS, PING */
	WS_FRAME_END_STREAM = 1, /* DATA, HEADERS */
	WS_FRAME_END_HEADERS = 4,
	WS_FRAME_PADDED = 8,
	WS_FRAME_PRIORITY_FIELDS = 32, /* HEADERS */
};

struct ws_frame {
	__u32 length;
	__u32 stream; /* the reserved bit included */
	__u8 type;
	__u8 flags;
};

WS_INLINE __u32 ws_big32(const __u8 *p)
{
	return (__u32)p[0] << 24 | (__u32)p[1] << 16 | (__u32)p[2] << 8 | p[3];
}

WS_INLINE void ws_parse_frame(struct ws_frame *frame, const __u8 *p)
{
	frame->length = (__u32)p[0] << 16 | (__u32)p[1] << 8 | p[2];
	frame->type = p[3];
	frame->flags = p[4];
	frame->stream = ws_big32(p + 5);
}

/* What a peer may send where a frame header is due (RFC 9113, 6): types that nobody defined, and flags too. */
WS_INLINE int ws_frame_may_be(const struct ws_frame *frame)
{
	__u32 stream = frame->stream & 0x7fffffff, length = frame->length;

	switch (frame->type) {
	case WS_FRAME_DATA:
	case WS_FRAME_HEADERS:
	case WS_FRAME_CONTINUATION:
		return stream != 0;
	case WS_FRAME_PRIORITY:
		return stream != 0 && length == 5;
	case WS_FRAME_RST_STREAM:
		return stream != 0 && length == 4;
	case WS_FRAME_SETTINGS:
		return stream == 0 && length % 6 == 0 && (!(frame->flags & WS_FRAME_ACK) || length == 0);
	case WS_FRAME_PUSH_PROMISE:
		return stream != 0 && length >= 4;
	case WS_FRAME_PING:
		return stream == 0 && length == 8;
	case WS_FRAME_GOAWAY:
		return stream == 0 && length >= 8;
	case WS_FRAME_WINDOW_UPDATE:
		return length == 4;
	}
	return 1;
}

/* Of a type that some RFC defines: those of RFC 9113, ALTSVC (7838), ORIGIN (8336), PRIORITY_UPDATE (9218). */
WS_INLINE int ws_frame_is_known(const struct ws_frame *frame)
{
	return frame->type <= WS_FRAME_CONTINUATION || frame->type == 0xa || frame->type == 0xc || frame->type == 0x10;
}

#define WS_FRAME_LIKELY_LENGTH (1u << 20)

/* What is taken for a header where none was due: all of the above, and nothing that the standard leaves open. */
WS_INLINE int ws_frame_is_likely(const struct ws_frame *frame)
{
	__u32 flags;

	switch (frame->type) {
	case WS_FRAME_DATA:
		if (!frame->length && !(frame->flags & WS_FRAME_END_STREAM))
			return 0; /* of no use to anybody */
		flags = WS_FRAME_END_STREAM | WS_FRAME_PADDED;
		break;
	case WS_FRAME_HEADERS:
		flags = 0x2d; /* and PRIORITY */
		break;
	case WS_FRAME_SETTINGS:
	case WS_FRAME_PING:
		flags = WS_FRAME_ACK;
		break;
	case WS_FRAME_PUSH_PROMISE:
		flags = WS_FRAME_END_HEADERS | WS_FRAME_PADDED;
		break;
	case WS_FRAME_CONTINUATION:
		flags = WS_FRAME_END_HEADERS;
		break;
	case WS_FRAME_PRIORITY:
	case WS_FRAME_RST_STREAM:
	case WS_FRAME_GOAWAY:
	case WS_FRAME_WINDOW_UPDATE:
		flags = 0;
		break;
	default:
		return 0;
	}
	return !(frame->flags & ~flags) && !(frame->stream >> 31) && frame->length <= WS_FRAME_LIKELY_LENGTH &&
	       ws_frame_may_be(frame);
}

enum ws_frames_look {
	WS_FRAMES_NO = 0,
	WS_FRAMES_MAYBE = 1,  /* one header, and what follows it is not in the window */
	WS_FRAMES_SURE = 2,   /* two, or one that ends where the call does, or a header alone, as some read it */
	WS_FRAMES_SERVER = 3, /* a server's first words: SETTINGS */
};

#define WS_FRAMES_CHAIN 4

/* Do the first `n` bytes of what is left of a call, `rest`, begin with frames? `n` <= WS_WINDOW. */
WS_INLINE __u32 ws_look_for_frames(const __u8 *p, __u32 n, __u32 rest)
{
	__u32 at = 0, i, found = 0;
	struct ws_frame frame;

	WS_ROLLED
	for (i = 0; i < WS_FRAMES_CHAIN; i++) {
		if (at + WS_FRAME_HEADER > n)
			break;
		ws_parse_frame(&frame, p + (at & (WS_WINDOW - 1)));
		if (!ws_frame_is_likely(&frame))
			return WS_FRAMES_NO;
		if (i == 0 && frame.type == WS_FRAME_SETTINGS && frame.flags == 0 && frame.length <= 6 * 32)
			return WS_FRAMES_SERVER;
		at += WS_FRAME_HEADER + frame.length;
		found++;
	}
	if (!found)
		return WS_FRAMES_NO;
	if (found > 1 || at == rest)
		return WS_FRAMES_SURE;
	/* One header that nothing confirms: of an ordinary length, of one of a client's first 8 million streams. */
	if (p[0] || p[5] || ((p[8] & 1) == 0 && p[3] <= WS_FRAME_HEADERS) ||
	    (p[3] == WS_FRAME_HEADERS && !(p[4] & WS_FRAME_END_HEADERS)))
		return WS_FRAMES_NO;
	return rest == WS_FRAME_HEADER ? WS_FRAMES_SURE : WS_FRAMES_MAYBE;
}

/* The client's preface (3.4), as far as its first 16 bytes tell. */
WS_INLINE int ws_is_preface(const __u8 *p, __u32 n)
{
	return n >= 16 && ws_load64(p) == 0x5448202a20495250ull /* PRI * HT */ &&
	       ws_load64(p + 8) == 0x0a0d302e322f5054ull /* TP/2.0 CR LF */;
}

/* Do the first `n` bytes end with the preface's first lines? Another line may go before: the PROXY protocol's. */
WS_INLINE int ws_ends_in_preface_head(const __u8 *p, __u32 n)
{
	if (n < WS_PREFACE_HEAD || (n > WS_PREFACE_HEAD && p[(n - WS_PREFACE_HEAD - 1) & (WS_WINDOW - 1)] != '\n'))
		return 0;
	p += (n - WS_PREFACE_HEAD) & (WS_WINDOW - 1);
	return ws_is_preface(p, 16) && p[16] == '\r' && p[17] == '\n';
}

#endif
