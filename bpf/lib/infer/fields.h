/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * How many entries a header block adds to its table. Representations (RFC 7541, 6) are walked, nothing is decoded:
 * where events are lost, that number tells which entry an index means afterwards.
 *
 *   ws_fields_begin(...)
 *   while ws_field(f, p);
 *   ws_fields_whole(f)     -> f->added is right
 *
 * Blocks that lie in one window are counted; of any other it is said that it was not.
 */
#ifndef WIRESPAN_BPF_INFER_FIELDS_H
#define WIRESPAN_BPF_INFER_FIELDS_H

#include "bpf/lib/infer/frame.h"

#define WS_FIELDS 128 /* representations of a block that are walked */

/* The block at [at, end) of the window. */
struct ws_fields {
	__u32 at;
	__u32 end; /* 0: none */
	__u32 added;
	__u32 bad;
};

/* The payload of the frame, so many octets at `at`, holds a whole block, with what HEADERS or PUSH_PROMISE put around it. */
WS_INLINE void ws_fields_begin(struct ws_fields *f, const __u8 *p, __u32 at, __u32 size, __u8 type, __u8 flags)
{
	__u32 end = at + size;

	f->added = 0;
	f->bad = 0;
	f->end = 0;
	if (flags & WS_FRAME_PADDED) {
		end -= p[at & (WS_WINDOW - 1)];
		at++;
	}
	if (type == WS_FRAME_PUSH_PROMISE)
		at += 4;
	else if (flags & WS_FRAME_PRIORITY_FIELDS)
		at += 5;
	f->at = at;
	if (at <= end && end <= WS_WINDOW)
		f->end = end;
}

/* An integer whose prefix was full goes on at f->at (RFC 7541, 5.1): at most three octets more. */
WS_INLINE __u32 ws_field_number(struct ws_fields *f, const __u8 *p)
{
	__u32 value = 0, shift, octet;

	for (shift = 0; shift < 21; shift += 7) {
		octet = p[f->at & (WS_WINDOW - 1)];
		f->at++;
		value += (octet & 0x7f) << shift;
		if (octet < 0x80)
			return value;
	}
	f->bad = 1;
	return 0;
}

WS_INLINE void ws_field_text(struct ws_fields *f, const __u8 *p)
{
	__u32 size = p[f->at & (WS_WINDOW - 1)] & 0x7f;

	f->at++;
	if (size == 0x7f)
		size += ws_field_number(f, p);
	f->at += size;
}

/* Is the next representation one octet, an entry of a table? Most are, on a connection that is used again and again. Then it is passed. */
WS_INLINE int ws_field_indexed(struct ws_fields *f, const __u8 *p)
{
	__u32 first = p[f->at & (WS_WINDOW - 1)];

	if (f->at >= f->end || first < 0x80 || first == 0xff)
		return 0;
	f->at++;
	return 1;
}

/* The next representation. False: there is none. */
WS_INLINE int ws_field(struct ws_fields *f, const __u8 *p)
{
	__u32 first, mask;

	if (f->bad || f->at >= f->end)
		return 0;
	first = p[f->at & (WS_WINDOW - 1)];
	f->at++;
	mask = first & 0x80 ? 0x7f : first & 0x40 ? 0x3f : first & 0x20 ? 0x1f : 0x0f;
	if ((first & mask) == mask)
		ws_field_number(f, p);
	if (first & 0x80 || (first & 0xe0) == 0x20)
		return 1; /* an entry, or the table's size */
	if (!(first & mask))
		ws_field_text(f, p);
	ws_field_text(f, p);
	f->added += (first & 0x40) != 0;
	return 1;
}

WS_INLINE int ws_fields_whole(const struct ws_fields *f)
{
	return f->end && !f->bad && f->at == f->end;
}

#endif
