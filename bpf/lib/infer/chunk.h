/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Chunk-size lines (RFC 9112, 7.1), a byte at a time so that a line may be cut anywhere:
 *
 *   state            hex digit    ; SP HT     CR           LF            else
 *   WS_LINE_START    DIGITS       wrong       wrong        wrong         wrong
 *   WS_LINE_DIGITS   DIGITS       EXT         EXT          done          wrong
 *   WS_LINE_EXT      EXT          EXT         EXT          done          EXT
 */
#ifndef WIRESPAN_BPF_INFER_CHUNK_H
#define WIRESPAN_BPF_INFER_CHUNK_H

#include "bpf/lib/infer/bytes.h"

enum ws_line_state {
	WS_LINE_START = 0,
	WS_LINE_DIGITS = 1,
	WS_LINE_EXT = 2,
};

enum ws_line_result {
	WS_LINE_MORE = 0, /* all bytes belong to the line, which goes on */
	WS_LINE_DONE = 1,
	WS_LINE_WRONG = 2,
};

struct ws_line {
	__u64 value;
	__u32 used; /* bytes of this window up to and with the LF */
	__u8 state;
	__u8 digits;
	__u8 result;
	__u8 unused;
};

#define WS_LINE_WINDOW 32
#define WS_CHUNK_MAX (1ull << 40)

/*
 * What changes from byte to byte stays in memory (volatile): in registers the verifier would follow every combination.
 */
WS_INLINE void ws_parse_line(volatile struct ws_line *line, const __u8 *p, __u32 n)
{
	__u32 i;

	line->result = WS_LINE_MORE;
	line->used = n;
	WS_ROLLED
	for (i = 0; i < WS_LINE_WINDOW; i++) {
		__u8 c;
		__u32 digit;

		if (i >= n)
			break;
		c = p[i];
		if (c == '\n') {
			line->used = i + 1;
			line->result = line->state == WS_LINE_START ? WS_LINE_WRONG : WS_LINE_DONE;
			break;
		}
		if (line->state == WS_LINE_EXT)
			continue;
		digit = c - '0';
		if (digit > 9) {
			digit = (c | 0x20) - 'a' + 10;
			if (digit < 10 || digit > 15)
				digit = 16;
		}
		if (digit < 16) {
			line->value = line->value << 4 | digit;
			line->state = WS_LINE_DIGITS;
			line->digits = line->digits + 1;
			if (line->digits > 16 || line->value > WS_CHUNK_MAX) {
				line->result = WS_LINE_WRONG;
				break;
			}
			continue;
		}
		if (line->state == WS_LINE_DIGITS && (c == ';' || c == ' ' || c == '\t' || c == '\r')) {
			line->state = WS_LINE_EXT;
			continue;
		}
		line->result = WS_LINE_WRONG;
		break;
	}
}

#endif
