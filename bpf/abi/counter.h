/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What happened to each call that moved bytes. The sum that must close, in calls and in bytes, on each CPU:
 *
 *   SEEN = CAPTURED + IGNORED_* + DROPPED_*
 *
 * NOTED_* are remarks about calls that are counted elsewhere too. RECORDS counts what was written into the rings.
 */
#ifndef WIRESPAN_BPF_ABI_COUNTER_H
#define WIRESPAN_BPF_ABI_COUNTER_H

#include "bpf/abi/base.h"

enum ws_counter {
	WS_SEEN = 0,
	WS_CAPTURED = 1,      /* at least one record, maybe of a length alone, or summed into one that comes later */
	WS_IGNORED_EMPTY = 2, /* errors, EAGAIN, zero bytes */
	WS_IGNORED_PEEK = 3,
	WS_IGNORED_OUT_OF_BAND = 4,
	WS_IGNORED_EXCLUDED = 5, /* process or port */
	WS_IGNORED_NOT_STREAM = 6,
	WS_IGNORED_OPAQUE = 7,	     /* TLS, upgraded, not HTTP */
	WS_IGNORED_UNRECOGNIZED = 8, /* not decided yet */
	WS_IGNORED_KERNEL_THREAD = 9,
	WS_IGNORED_THIRTY_TWO_BIT = 10,
	WS_DROPPED_RING_FULL = 11,
	WS_DROPPED_SHARE = 12,
	WS_DROPPED_NESTED = 13,
	WS_DROPPED_SOCKET_TABLE = 14,
	WS_NOTED_NO_BUFFER = 15,
	WS_NOTED_IO_URING = 16,
	WS_NOTED_FAULT = 17,
	WS_NOTED_TLS = 18,
	WS_NOTED_HTTP2 = 19,
	WS_NOTED_UPGRADED = 20,
	WS_NOTED_NOT_HTTP = 21,
	WS_NOTED_HEAD_BOUND = 22,
	WS_NOTED_WINDOW_BOUND = 23,
	WS_NOTED_INEXACT = 24,
	WS_NOTED_UNSEEN = 25, /* bytes that TCP counted and no call showed */
	WS_NOTED_SIDE_RING = 26,
	WS_NOTED_DOORBELL = 27,
	WS_RECORDS = 28,
	WS_RECORDS_LOST = 29,	    /* open, close, exec, exit and later windows that found no room */
	WS_DROPPED_CALL_TABLE = 30, /* the return of a call whose entry is not remembered */
	WS_NOTED_HTTP2_LOST = 31,   /* no frame header where one was due */
	WS_NOTED_HTTP2_UNDONE = 32, /* a guess that was wrong */
	WS_COUNTERS = 33,
};

struct ws_count {
	__u64 events;
	__u64 bytes;
};

struct ws_counts {
	struct ws_count of[WS_COUNTERS];
};

enum ws_verdict {
	WS_VERDICT_UNKNOWN = 0,
	WS_VERDICT_INCLUDE = 1,
	WS_VERDICT_EXCLUDE = 2,
};

#endif
