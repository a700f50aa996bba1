/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Which bytes of a call are worth copying: heads, chunk-size lines and what is too small to argue about, not bodies.
 *
 * The caller copies windows of the call that this machine asks for, and hands them in:
 *
 *   ws_begin(dir, talk, plan)                  -> plan.pos, plan.want
 *   while plan.want: copy, ws_digest(..., p, n) -> plan.keep bytes of the window are to be emitted; next pos, want
 *
 *   mode of a direction (between calls)          phase within a call
 *   START       nothing known                    LOOK  what do the bytes at pos look like?
 *   HEAD        inside a head or trailers        HEAD  search the end of the head
 *   AFTER_HEAD  exactly behind a head            LINE  parse a chunk-size line
 *   BODY        a body, or between messages      REST  copy without looking
 *   LINE        inside a chunk-size line
 *   DATA        inside chunk data; the next line is at line_at
 *   HELLO       five bytes of a TLS record were read, as many servers do first; the ClientHello follows
 *
 * A wrong guess costs windows, not heads: every call that does not continue a head is looked at anew.
 */
#ifndef WIRESPAN_BPF_INFER_STREAM_H
#define WIRESPAN_BPF_INFER_STREAM_H

#include "bpf/lib/infer/chunk.h"
#include "bpf/lib/infer/classify.h"
#include "bpf/lib/infer/frame.h"
#include "bpf/lib/infer/head_end.h"

/*
 * The loops over bytes. In the kernel each is a function of its own to the verifier (bpf/lib/window.h), so that
 * their paths do not multiply.
 */
#ifndef WS_LOOK_AT
#define WS_LOOK_AT(p, at, n, complete) ws_classify((p) + (at), n, complete)
#define WS_FIND_END(p, n, tail) ws_head_end(p, n, tail)
#define WS_PARSE_LINE(plan, p, at, n) ws_parse_line(&(plan)->line, (p) + (at), n)
#define WS_LOOK_FOR_FRAMES(p, n, rest) ws_look_for_frames(p, n, rest)
#endif

/* What begins at p + at? */
WS_INLINE __u32 ws_look(const __u8 *p, __u32 at, __u32 n, int complete)
{
	__u32 look = ws_glance(p + at, n);

	return look != WS_LOOK_UNSURE ? look : WS_LOOK_AT(p, at, n, complete);
}

enum ws_mode {
	WS_MODE_START = 0,
	WS_MODE_HEAD = 1,
	WS_MODE_AFTER_HEAD = 2,
	WS_MODE_BODY = 3,
	WS_MODE_LINE = 4,
	WS_MODE_DATA = 5,
	WS_MODE_HELLO = 6,
};

enum ws_phase {
	WS_PHASE_LOOK = 0,
	WS_PHASE_HEAD = 1,
	WS_PHASE_LINE = 2,
	WS_PHASE_REST = 3,
};

enum ws_sends {
	WS_SENDS_UNKNOWN = 0,
	WS_SENDS_REQUESTS = 1,
	WS_SENDS_RESPONSES = 2,
};

/* One direction of a socket. */
struct ws_dir {
	__u64 line_at;	  /* DATA: absolute offset of the next chunk-size line */
	__u64 line_value; /* LINE */
	__u32 head_len;	  /* HEAD: bytes of it so far */
	__u8 mode;
	__u8 tail;
	__u8 sends;
	__u8 trailer; /* HEAD: these are trailers */
	__u8 line_state;
	__u8 line_digits;
	__u8 status[3]; /* of the response head, as text */
	__u8 first;	/* byte of this head */
	__u8 hello[5];	/* HELLO */
	__u8 unused[5];
};

enum ws_talk_flag {
	WS_TALK_HTTP = 1,      /* a head was seen in either direction */
	WS_TALK_PIPELINED = 2, /* one call held more than one message, or requests came before the last one's answer */
	WS_TALK_CONNECT = 4,   /* the last request was CONNECT */
	WS_TALK_LATE = 8,      /* the first byte seen was not the stream's first */
	WS_TALK_BEHIND = 16,   /* a call had bytes behind a request's head: a body, and maybe another request */
};

/* Both directions. */
struct ws_talk {
	__u32 flags;
	__u16 misses;
	__u16 calls;
};

enum ws_act {
	WS_ACT_NONE = 0,
	WS_ACT_UNRECOGNIZED, /* nothing to tell yet */
	WS_ACT_HTTP2,	     /* from plan.pos on, by the preface: bpf/lib/infer/http2.h has the rest of the call */
	WS_ACT_HTTP2_CUT,    /* the same, behind the preface's first lines, which came like a head */
	WS_ACT_FRAMES,	     /* the same, by the looks of frames: a guess */
	WS_ACT_SWITCHED,     /* 101: maybe the same */
	WS_ACT_NOT_HTTP,     /* the rest: never look at this socket again */
	WS_ACT_TLS,
	WS_ACT_UPGRADED,
};

/* One call. */
struct ws_plan {
	__u64 start; /* offset of its first byte */
	__u32 len;
	__u32 head_max;
	__u32 pos;	 /* of the window */
	__u32 want;	 /* bytes of the window; 0: done */
	__u32 keep;	 /* of the window just digested, to be emitted */
	__u32 kept_to;	 /* up to here everything was emitted */
	__u32 rest_left; /* REST: bytes that may still be copied */
	__u8 phase;
	__u8 turned;	 /* the last call on this socket was the other direction's */
	__u8 rest_heads; /* REST: what is copied are messages, so the mode after it depends on how it ends */
	__u8 act;
	__u8 head_bound;   /* a head was longer than head_max */
	__u8 window_bound; /* a call held more than we copy */
	__u8 hello_kept;   /* WS_ACT_TLS: `hello` comes before the window */
	__u8 hello[5];
	__u8 handed_on; /* WS_ACT_HTTP2_CUT, WS_ACT_SWITCHED: the call goes on at pos, for somebody else */
	__u8 unused[3];
	struct ws_line line;
};

#define WS_TLS_HEADER 5
#define WS_REST_PIPELINED (64 * 1024)
#define WS_MISSES 3
#define WS_MISSES_LATE 8

WS_INLINE __u32 ws_min(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

WS_INLINE void ws_window(struct ws_plan *plan, __u32 pos, __u32 most, __u8 phase)
{
	plan->pos = pos;
	plan->want = pos < plan->len ? ws_min(plan->len - pos, most) : 0;
	plan->phase = phase;
}

WS_INLINE void ws_begin(struct ws_dir *dir, struct ws_talk *talk, struct ws_plan *plan)
{
	plan->keep = 0;
	plan->kept_to = 0;
	plan->rest_heads = 0;
	plan->act = WS_ACT_NONE;
	plan->head_bound = 0;
	plan->window_bound = 0;
	plan->hello_kept = 0;
	plan->handed_on = 0;
	(void)talk;
	if (dir->mode == WS_MODE_HEAD)
		ws_window(plan, 0, WS_WINDOW, WS_PHASE_HEAD);
	else if (dir->mode == WS_MODE_LINE)
		ws_window(plan, 0, WS_LINE_WINDOW, WS_PHASE_LINE);
	else if (dir->mode != WS_MODE_DATA &&
		 (plan->turned || dir->mode == WS_MODE_START || dir->mode == WS_MODE_HELLO))
		ws_window(plan, 0, WS_WINDOW, WS_PHASE_LOOK);
	else
		ws_window(plan, 0, WS_PEEK, WS_PHASE_LOOK);
}

WS_INLINE void ws_enter_head(struct ws_dir *dir, __u8 trailer)
{
	dir->mode = WS_MODE_HEAD;
	dir->head_len = 0;
	dir->tail = trailer ? WS_TAIL_LF : WS_TAIL_NONE;
	dir->trailer = trailer;
}

WS_INLINE void ws_enter_line(struct ws_dir *dir)
{
	dir->mode = WS_MODE_LINE;
	dir->line_value = 0;
	dir->line_state = WS_LINE_START;
	dir->line_digits = 0;
}

/* Is it a head that this direction may send? */
WS_INLINE int ws_is_head(const struct ws_dir *dir, __u32 look, __u8 first)
{
	if (look == WS_LOOK_RESPONSE)
		return 1;
	if (look == WS_LOOK_REQUEST)
		return dir->sends != WS_SENDS_RESPONSES;
	if (look == WS_LOOK_PREFIX)
		return dir->sends != WS_SENDS_RESPONSES || first == 'H';
	return 0;
}

/* The end of a stretch of messages that was copied without looking. */
WS_INLINE void ws_end_of_messages(struct ws_dir *dir, const __u8 *p, __u32 n)
{
	if (ws_ends_in_empty_line(p, n)) {
		dir->mode = WS_MODE_AFTER_HEAD;
		return;
	}
	/* Somewhere inside a message. If that was a head, its end comes soon; if not, head_max bounds the error. */
	ws_enter_head(dir, 0);
	dir->status[0] = 0;
	dir->head_len = WS_WINDOW;
	dir->tail = ws_tail_after(p, n, WS_TAIL_NONE);
}

WS_INLINE int ws_is_hex(__u8 c)
{
	c |= 0x20; /* the digits have that bit */
	return c >= '0' && c <= 'f' && (c <= '9' || c >= 'a');
}

/* Could a chunk-size line begin here? */
WS_INLINE int ws_is_line(struct ws_plan *plan, const __u8 *p, __u32 at, __u32 n, int complete)
{
	if (!ws_is_hex(p[at]))
		return 0;
	plan->line.value = 0;
	plan->line.state = WS_LINE_START;
	plan->line.digits = 0;
	WS_PARSE_LINE(plan, p, at, ws_min(n, WS_LINE_WINDOW));
	return plan->line.result == WS_LINE_DONE ||
	       (plan->line.result == WS_LINE_MORE && complete && n < WS_LINE_WINDOW);
}

WS_INLINE void ws_digest_rest(struct ws_dir *dir, struct ws_plan *plan, const __u8 *p, __u32 n)
{
	plan->keep = n;
	plan->rest_left = plan->rest_left > n ? plan->rest_left - n : 0;
	ws_window(plan, plan->pos + n, ws_min(WS_WINDOW, plan->rest_left), WS_PHASE_REST);
	if (plan->want)
		return;
	if (!plan->rest_heads) {
		dir->mode = WS_MODE_BODY;
	} else if (plan->pos >= plan->len) {
		ws_end_of_messages(dir, p, n);
	} else {
		dir->mode = WS_MODE_BODY;
		plan->window_bound = 1;
	}
}

WS_INLINE void ws_digest_head(struct ws_dir *dir, struct ws_talk *talk, struct ws_plan *plan, const __u8 *p, __u32 n)
{
	__u32 end, rest, had = dir->head_len, left, look;

	if (!dir->trailer && had < 12) {
		if (had == 0 && n >= 12) {
			dir->status[0] = p[9];
			dir->status[1] = p[10];
			dir->status[2] = p[11];
		} else {
			__u32 i;

			WS_ROLLED
			for (i = 0; i < 3; i++)
				if (9 + i >= had && 9 + i - had < n)
					dir->status[i] = p[(9 + i - had) & 15];
		}
		if (had == 0)
			dir->first = p[0];
		if (dir->sends == WS_SENDS_UNKNOWN && had <= 3 && 3 - had < n)
			dir->sends =
				dir->first == 'H' && p[(3 - had) & 3] == 'P' ? WS_SENDS_RESPONSES : WS_SENDS_REQUESTS;
		if (had == 0 && dir->sends == WS_SENDS_REQUESTS) {
			if (n >= 8 && ws_load64(p) == 0x205443454e4e4f43ull /* "CONNECT " */)
				talk->flags |= WS_TALK_CONNECT;
			else
				talk->flags &= ~WS_TALK_CONNECT;
		}
	}
	rest = plan->len - plan->pos;
	/*
	 * A request is searched even if the call ends in an empty line: whether it held several decides how the answers
	 * are copied. An answer need not be: one head or several, all of the call is kept.
	 */
	if (n == rest && had == 0 && !dir->trailer && dir->sends == WS_SENDS_RESPONSES && dir->status[0] >= '2' &&
	    !(talk->flags & WS_TALK_CONNECT) && ws_ends_in_empty_line(p, n))
		end = n;
	else
		end = WS_FIND_END(p, n, dir->tail);
	plan->keep = n;
	if (!end) {
		dir->head_len = had + n;
		dir->tail = ws_tail_after(p, n, dir->tail);
		if (dir->head_len >= plan->head_max) {
			dir->mode = WS_MODE_BODY;
			plan->head_bound = 1;
			plan->want = 0;
			return;
		}
		ws_window(plan, plan->pos + n, WS_WINDOW, WS_PHASE_HEAD);
		return;
	}
	dir->tail = WS_TAIL_NONE;
	dir->head_len = 0;
	dir->mode = dir->trailer ? WS_MODE_BODY : WS_MODE_AFTER_HEAD;
	plan->want = 0;
	if (!dir->trailer && dir->sends == WS_SENDS_RESPONSES) {
		if (dir->status[0] == '1' && dir->status[1] == '0' && dir->status[2] == '1') {
			plan->act = WS_ACT_SWITCHED;
			plan->handed_on = 1;
			plan->pos += end;
		} else if (dir->status[0] == '2' && (talk->flags & WS_TALK_CONNECT)) {
			plan->act = WS_ACT_UPGRADED;
		} else if (dir->status[0] != '1') {
			talk->flags &= ~WS_TALK_CONNECT;
		}
		if (plan->act) {
			plan->keep = end;
			return;
		}
	}
	if (dir->first == 'P' && !dir->trailer &&
	    ((dir->status[1] == '/' && dir->status[0] == 'P' && dir->status[2] == '2' &&
	      had + end == WS_PREFACE_HEAD) ||
	     ws_ends_in_preface_head(p, end))) {
		/*
		 * "PRI * HTTP/2.0", in pieces too short to be known for what it is: no other request is that short. Or it
		 * stands behind a line of the PROXY protocol, which has no empty line of its own.
		 */
		plan->act = WS_ACT_HTTP2_CUT;
		plan->handed_on = 1;
		plan->keep = end;
		plan->pos += end;
		return;
	}
	rest -= end;
	if (!rest)
		return;
	left = n - end; /* of the window, behind the head */
	if (left < WS_PEEK && left < rest) {
		plan->keep = end;
		ws_window(plan, plan->pos + end, WS_PEEK, WS_PHASE_LOOK);
		return;
	}
	end &= WS_WINDOW - 1; /* end < n <= WS_WINDOW */
	look = ws_look(p, end, left, left == rest);
	if ((talk->flags & WS_TALK_PIPELINED) || ws_is_head(dir, look, p[end])) {
		talk->flags |= WS_TALK_PIPELINED;
		plan->rest_heads = 1;
		plan->rest_left = WS_REST_PIPELINED;
		ws_digest_rest(dir, plan, p, n);
		return;
	}
	if (!dir->trailer && ws_is_line(plan, p, end, left, left == rest)) {
		if (left == rest) {
			plan->kept_to = plan->len;
			if (n >= 5 && ws_ends_in_empty_line(p, n) && p[(n - 5) & (WS_WINDOW - 1)] == '0') {
				dir->mode = WS_MODE_BODY;
				return;
			}
		} else {
			plan->keep = end;
		}
		ws_enter_line(dir);
		ws_window(plan, plan->pos + end, WS_LINE_WINDOW, WS_PHASE_LINE);
		return;
	}
	dir->mode = WS_MODE_BODY;
	if (dir->sends != WS_SENDS_RESPONSES)
		talk->flags |= WS_TALK_BEHIND;
	/* Of an answer that can be the only one in this call, the head is enough. */
	if (rest > WS_WINDOW || (dir->sends == WS_SENDS_RESPONSES && !dir->trailer && !ws_is_hex(p[end]) &&
				 !(talk->flags & (WS_TALK_LATE | WS_TALK_BEHIND)))) {
		plan->keep = end;
		return;
	}
	plan->rest_left = WS_WINDOW;
	ws_window(plan, plan->pos + n, WS_WINDOW, WS_PHASE_REST);
}

WS_INLINE void ws_digest_line(struct ws_dir *dir, struct ws_plan *plan, const __u8 *p, __u32 n)
{
	struct ws_line line;
	__u64 next;

	plan->line.value = dir->line_value;
	plan->line.state = dir->line_state;
	plan->line.digits = dir->line_digits;
	WS_PARSE_LINE(plan, p, 0, ws_min(n, WS_LINE_WINDOW));
	line = plan->line;
	plan->want = 0;
	if (line.result == WS_LINE_WRONG) {
		/* Not chunked after all, or out of step: whatever this is, it may be a head. */
		dir->mode = WS_MODE_BODY;
		plan->keep = 0;
		ws_window(plan, plan->pos, WS_WINDOW, WS_PHASE_LOOK);
		return;
	}
	plan->keep = line.used;
	if (line.result == WS_LINE_MORE) {
		dir->mode = WS_MODE_LINE;
		dir->line_value = line.value;
		dir->line_state = line.state;
		dir->line_digits = line.digits;
		ws_window(plan, plan->pos + line.used, WS_LINE_WINDOW, WS_PHASE_LINE);
		return;
	}
	if (line.value == 0) {
		__u32 at = line.used & (WS_LINE_WINDOW * 2 - 1);

		if (at + 2 <= n && p[at] == '\r' && p[at + 1] == '\n') {
			plan->keep = at + 2;
			dir->mode = WS_MODE_BODY;
			ws_window(plan, plan->pos + at + 2, WS_PEEK, WS_PHASE_LOOK);
			return;
		}
		ws_enter_head(dir, 1);
		ws_window(plan, plan->pos + at, WS_WINDOW, WS_PHASE_HEAD);
		return;
	}
	next = (__u64)plan->pos + line.used + line.value + 2;
	ws_enter_line(dir);
	if (next >= plan->len) {
		dir->mode = WS_MODE_DATA;
		dir->line_at = plan->start + next;
		return;
	}
	ws_window(plan, next, WS_LINE_WINDOW, WS_PHASE_LINE);
}

WS_INLINE void ws_digest_look(struct ws_dir *dir, struct ws_talk *talk, struct ws_plan *plan, const __u8 *p, __u32 n)
{
	__u32 rest = plan->len - plan->pos;
	__u32 look = ws_look(p, 0, n, n == rest);

	plan->keep = 0;
	plan->want = 0;
	if (ws_is_head(dir, look, p[0])) {
		talk->flags |= WS_TALK_HTTP;
		talk->misses = 0;
		if (look == WS_LOOK_RESPONSE || (look == WS_LOOK_PREFIX && dir->sends == WS_SENDS_RESPONSES)) {
			dir->sends = WS_SENDS_RESPONSES;
		} else if (look == WS_LOOK_REQUEST) {
			/* Another one before any answer: answers may come several in a call, too. */
			if (dir->sends == WS_SENDS_REQUESTS && !plan->turned && plan->pos == 0)
				talk->flags |= WS_TALK_PIPELINED;
			dir->sends = WS_SENDS_REQUESTS;
		}
		ws_enter_head(dir, 0);
		/* A second pass, over the whole window if this was a peek. */
		ws_window(plan, plan->pos, WS_WINDOW, WS_PHASE_HEAD);
		return;
	}
	if (look == WS_LOOK_BLANK && (talk->flags & WS_TALK_HTTP)) {
		plan->keep = n;
		return;
	}
	if (!(talk->flags & WS_TALK_HTTP)) {
		if (dir->mode == WS_MODE_HELLO && p[0] == 1) {
			plan->hello_kept = 1;
			__builtin_memcpy(plan->hello, dir->hello, WS_TLS_HEADER);
			plan->keep = n;
			plan->act = WS_ACT_TLS;
			return;
		}
		if (look == WS_LOOK_TLS && n == rest && n == WS_TLS_HEADER) {
			__builtin_memcpy(dir->hello, p, WS_TLS_HEADER);
			dir->mode = WS_MODE_HELLO;
			plan->act = WS_ACT_UNRECOGNIZED;
			return;
		}
		if (look == WS_LOOK_HTTP2) {
			plan->act = WS_ACT_HTTP2;
			return;
		}
		if (look == WS_LOOK_TLS || (p[0] == 0 && n >= WS_FRAME_HEADER && p[3] <= WS_FRAME_CONTINUATION)) {
			__u32 frames;

			if (n <= WS_PEEK && n < ws_min(rest, WS_WINDOW)) {
				ws_window(plan, plan->pos, WS_WINDOW, WS_PHASE_LOOK);
				return;
			}
			if (look == WS_LOOK_TLS) {
				plan->keep = n;
				plan->act = WS_ACT_TLS;
				return;
			}
			frames = WS_LOOK_FOR_FRAMES(p, n, rest);
			if (frames == WS_FRAMES_SERVER || (frames == WS_FRAMES_SURE && (talk->flags & WS_TALK_LATE))) {
				plan->act = WS_ACT_FRAMES;
				return;
			}
		}
		if (look == WS_LOOK_PROXY2) {
			__u32 length = 16 + ((__u32)p[14] << 8 | p[15]);

			plan->keep = length < n ? length : n;
			dir->mode = WS_MODE_START;
			ws_window(plan, length < rest ? plan->pos + length : plan->len, WS_WINDOW, WS_PHASE_LOOK);
			return;
		}
		talk->calls++;
		if (plan->turned || !(talk->flags & WS_TALK_LATE))
			talk->misses++;
		plan->act = talk->misses >= (talk->flags & WS_TALK_LATE ? WS_MISSES_LATE : WS_MISSES) ||
					    talk->calls == 0xffff ?
				    WS_ACT_NOT_HTTP :
				    WS_ACT_UNRECOGNIZED;
		return;
	}
	if (dir->mode == WS_MODE_DATA) {
		if (dir->line_at < plan->start) {
			dir->mode = WS_MODE_BODY;
		} else if (dir->line_at - plan->start < plan->len) {
			__u32 at = dir->line_at - plan->start;

			ws_enter_line(dir);
			ws_window(plan, at, WS_LINE_WINDOW, WS_PHASE_LINE);
		}
		return;
	}
	if (dir->mode == WS_MODE_AFTER_HEAD && ws_is_line(plan, p, 0, n, n == rest)) {
		ws_enter_line(dir);
		ws_window(plan, plan->pos, WS_LINE_WINDOW, WS_PHASE_LINE);
		return;
	}
	dir->mode = WS_MODE_BODY;
	if (talk->flags & WS_TALK_PIPELINED) {
		/* Somewhere in a body; the next message begins behind it, maybe in this call. */
		plan->rest_heads = 1;
		plan->rest_left = WS_REST_PIPELINED;
		ws_window(plan, plan->pos, WS_WINDOW, WS_PHASE_REST);
	} else if (plan->pos > 0 && rest <= WS_WINDOW) {
		/* Behind a head in the same call. */
		plan->rest_left = WS_WINDOW;
		ws_window(plan, plan->pos, WS_WINDOW, WS_PHASE_REST);
	}
}

/* `n` bytes of the window at plan->pos, 1 <= n <= plan->want. Changes plan->pos: remember it before. */
WS_INLINE void ws_digest(struct ws_dir *dir, struct ws_talk *talk, struct ws_plan *plan, const __u8 *p, __u32 n)
{
	__u32 pos = plan->pos, kept_to = plan->kept_to;

	if (n == 0 || n > WS_WINDOW) {
		plan->keep = 0;
		plan->want = 0;
		return;
	}
	if (plan->phase == WS_PHASE_LOOK) {
		ws_digest_look(dir, talk, plan, p, n);
		/* The window may be all that the next phase asks for. */
		if (!(plan->phase == WS_PHASE_HEAD && plan->pos == pos && plan->want <= n))
			goto out;
	}
	if (plan->phase == WS_PHASE_HEAD)
		ws_digest_head(dir, talk, plan, p, n);
	else if (plan->phase == WS_PHASE_LINE)
		ws_digest_line(dir, plan, p, n);
	else if (plan->phase == WS_PHASE_REST)
		ws_digest_rest(dir, plan, p, n);
out:
	if (pos + plan->keep <= kept_to)
		plan->keep = 0;
}

#endif
