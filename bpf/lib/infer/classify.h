/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What do the first bytes of a call look like? Cheap, and strict enough that bodies and other protocols rarely pass. */
#ifndef WIRESPAN_BPF_INFER_CLASSIFY_H
#define WIRESPAN_BPF_INFER_CLASSIFY_H

#include "bpf/lib/infer/bytes.h"

enum ws_look {
	WS_LOOK_OTHER = 0,
	WS_LOOK_REQUEST = 1,  /* METHOD SP then '/', '*', 'h', or anything for CONNECT; also "PROXY " */
	WS_LOOK_RESPONSE = 2, /* "HTTP/" */
	WS_LOOK_PREFIX = 3,   /* the whole call is too short to tell, and could be the beginning of either */
	WS_LOOK_BLANK = 4,    /* nothing but CR and LF, as some clients send after a body */
	WS_LOOK_TLS = 5,      /* a ClientHello record */
	WS_LOOK_HTTP2 = 6,    /* the connection preface */
	WS_LOOK_PROXY2 = 7,   /* PROXY protocol version 2: binary, 16 + length bytes */
	WS_LOOK_UNSURE = 8,   /* of ws_glance: look at it properly */
};

#define WS_METHOD_MAX 24
#define WS_PEEK 32

/* What ws_classify would say, where the first bytes alone tell: most responses, GET and POST, and most bodies. */
WS_INLINE __u32 ws_glance(const __u8 *p, __u32 n)
{
	__u64 word = ws_load64(p);
	__u8 first = word;

	if (n < 8)
		return WS_LOOK_UNSURE;
	if ((word & 0xffffffffffull) == 0x2f50545448ull /* HTTP/ */)
		return WS_LOOK_RESPONSE;
	if ((word & 0xffffffffffull) == 0x2f20544547ull /* GET / */ ||
	    (word & 0xffffffffffffull) == 0x2f2054534f50ull /* POST / */)
		return WS_LOOK_REQUEST;
	/* Neither a letter of a method nor a line's end nor a record of TLS. */
	if (first > '_' || (first > '\r' && first < 'A' && first != '-' && first != 0x16))
		return WS_LOOK_OTHER;
	return WS_LOOK_UNSURE;
}

/* `n` bytes of the window; `complete`: the call has no more. Needs WS_PEEK bytes or a complete call to be sure. */
WS_INLINE __u32 ws_classify(const __u8 *p, __u32 n, int complete)
{
	__u32 i, skip = 0, first;

	if (n == 0)
		return WS_LOOK_OTHER;
	if (n >= 5 && ws_load32(p) == 0x50545448 /* HTTP */ && p[4] == '/')
		return WS_LOOK_RESPONSE;
	if (p[0] == 0x16 && n >= 3 && p[1] == 0x03 && p[2] <= 0x04)
		return (n < 6 || p[5] == 0x01) ? WS_LOOK_TLS : WS_LOOK_OTHER;
	if (p[0] == '\r' || p[0] == '\n') {
		if (n >= 16 && ws_load64(p) == 0x510a0d000a0d0a0dull /* CR LF CR LF NUL CR LF Q */)
			return ws_load32(p + 8) == 0x0a544955 /* UIT LF */ ? WS_LOOK_PROXY2 : WS_LOOK_OTHER;
		WS_ROLLED
		for (i = 0; i < 4; i++) {
			if (i >= n || (p[i] != '\r' && p[i] != '\n'))
				break;
			skip = i + 1;
		}
		if (skip >= n)
			return complete ? WS_LOOK_BLANK : WS_LOOK_OTHER;
		p += skip;
		n -= skip;
		if (n >= 5 && ws_load32(p) == 0x50545448 && p[4] == '/')
			return WS_LOOK_RESPONSE;
	}
	WS_ROLLED
	for (i = 0; i <= WS_METHOD_MAX; i++) {
		__u8 c;

		if (i >= n) /* letters up to the end of the call */
			return complete ? WS_LOOK_PREFIX : WS_LOOK_OTHER;
		c = p[i];
		if (c == ' ')
			break;
		if ((c < 'A' || c > 'Z') && c != '-' && c != '_') {
			/* "HTTP/" cut short */
			if (c == '/' && i == 4 && ws_load32(p) == 0x50545448)
				return WS_LOOK_RESPONSE;
			return WS_LOOK_OTHER;
		}
	}
	if (i < 2 || i > WS_METHOD_MAX)
		return WS_LOOK_OTHER;
	first = ws_load32(p);
	if (i == 3 && first == 0x20495250 /* "PRI " */) {
		if (n >= 16)
			return ws_load64(p + 6) == 0x302e322f50545448ull /* HTTP/2.0 */ ? WS_LOOK_HTTP2 : WS_LOOK_OTHER;
		return complete ? WS_LOOK_PREFIX : WS_LOOK_OTHER;
	}
	if (i + 1 >= n)
		return complete ? WS_LOOK_PREFIX : WS_LOOK_OTHER;
	if (i == 7 && first == 0x4e4e4f43 /* CONN */ && ws_load32(p + 3) == 0x5443454e /* NECT */)
		return WS_LOOK_REQUEST;
	if (i == 5 && first == 0x584f5250 /* PROX */)
		return WS_LOOK_REQUEST;
	i = p[(i + 1) & 31];
	return i == '/' || i == '*' || i == 'h' || i == 'H' ? WS_LOOK_REQUEST : WS_LOOK_OTHER;
}

#endif
