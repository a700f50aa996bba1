/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Where does a message head end? After an empty line: CR LF CR LF, with bare LF tolerated for each CR LF.
 * A head may be cut anywhere between two windows, so the end of a window leaves a `tail`:
 *
 *   tail              the bytes before ended in     ends the head now
 *   WS_TAIL_NONE      anything else                 -
 *   WS_TAIL_LF        LF                            LF, CR LF
 *   WS_TAIL_LF_CR     LF CR                         LF
 */
#ifndef WIRESPAN_BPF_INFER_HEAD_END_H
#define WIRESPAN_BPF_INFER_HEAD_END_H

#include "bpf/lib/infer/bytes.h"

enum ws_tail {
	WS_TAIL_NONE = 0,
	WS_TAIL_LF = 1,
	WS_TAIL_LF_CR = 2,
};

#define WS_ONES 0x0101010101010101ull
#define WS_HIGHS 0x8080808080808080ull

/* 0x80 in every byte of `word` that equals `byte`, exactly. */
WS_INLINE __u64 ws_equal_bytes(__u64 word, __u8 byte)
{
	__u64 x = word ^ (WS_ONES * byte);

	return ~(((x & ~WS_HIGHS) + ~WS_HIGHS) | x | ~WS_HIGHS);
}

/* The index of the lowest byte that is not zero; mask must not be zero. */
WS_INLINE __u32 ws_lowest_byte(__u64 mask)
{
	__u32 index = 0;

	if (!(mask & 0xffffffffull)) {
		index += 4;
		mask >>= 32;
	}
	if (!(mask & 0xffff)) {
		index += 2;
		mask >>= 16;
	}
	if (!(mask & 0xff))
		index += 1;
	return index;
}

WS_INLINE __u8 ws_tail_after(const __u8 *p, __u32 n, __u8 tail)
{
	__u8 last, before;

	if (n == 0 || n > WS_WINDOW)
		return tail;
	last = p[n - 1];
	if (last == '\n')
		return WS_TAIL_LF;
	if (last != '\r')
		return WS_TAIL_NONE;
	if (n == 1)
		return tail == WS_TAIL_LF ? WS_TAIL_LF_CR : WS_TAIL_NONE;
	before = p[n - 2];
	return before == '\n' ? WS_TAIL_LF_CR : WS_TAIL_NONE;
}

/* The index of the first of 8 bytes among which is the LF that an empty line follows; n or more: nowhere. */
WS_INLINE __u32 ws_find_empty_line(const __u8 *p, __u32 n)
{
	__u32 i;

	WS_ROLLED
	for (i = 0; i < WS_WINDOW; i += 8) {
		__u64 word, x, after;

		if (i >= n)
			break;
		word = ws_load64(p + i);
		x = word ^ (WS_ONES * '\n');
		/* Cheap and never wrong about "no LF here". */
		if (!((x - WS_ONES) & ~x & WS_HIGHS))
			continue;
		after = ws_load64(p + i + 1);
		if (ws_equal_bytes(word, '\n') &
		    (ws_equal_bytes(after, '\n') |
		     (ws_equal_bytes(after, '\r') & ws_equal_bytes(ws_load64(p + i + 2), '\n'))))
			return i;
	}
	return WS_WINDOW;
}

/* In the kernel the verifier must not go on from each step of the loop separately: see bpf/lib/window.h. */
#ifndef WS_FIND_EMPTY_LINE
#define WS_FIND_EMPTY_LINE(p, n) ws_find_empty_line(p, n)
#endif

/* The number of bytes up to the head's end, the empty line included; 0: it does not end in this window. */
WS_INLINE __u32 ws_head_end(const __u8 *p, __u32 n, __u8 tail)
{
	__u64 after, ends;
	__u32 i, at;

	if (n == 0 || n > WS_WINDOW)
		return 0;
	if (tail != WS_TAIL_NONE) {
		if (p[0] == '\n')
			return 1;
		if (tail == WS_TAIL_LF && p[0] == '\r' && n > 1 && p[1] == '\n')
			return 2;
	}
	i = WS_FIND_EMPTY_LINE(p, n);
	if (i >= n || i >= WS_WINDOW)
		return 0;
	after = ws_load64(p + i + 1);
	ends = ws_equal_bytes(ws_load64(p + i), '\n') &
	       (ws_equal_bytes(after, '\n') |
		(ws_equal_bytes(after, '\r') & ws_equal_bytes(ws_load64(p + i + 2), '\n')));
	if (!ends)
		return 0;
	at = ws_lowest_byte(ends);
	i += at + 2;
	if (!(ws_equal_bytes(after, '\n') & (0x80ull << (8 * (at & 7)))))
		i++;
	return i <= n ? i : 0;
}

/* Whether the window ends exactly in CR LF CR LF: the cheap test for the common case of a call that is one head. */
WS_INLINE int ws_ends_in_empty_line(const __u8 *p, __u32 n)
{
	if (n < 4 || n > WS_WINDOW)
		return 0;
	return ws_load32(p + n - 4) == 0x0a0d0a0d;
}

#endif
