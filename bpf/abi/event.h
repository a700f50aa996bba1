/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Records from the kernel to the agent. Little or big endian as the machine; never stored, never sent (recordings have
 * a format of their own). A record begins at a multiple of 8 bytes. Values of enums are only ever added to.
 */
#ifndef WIRESPAN_BPF_ABI_EVENT_H
#define WIRESPAN_BPF_ABI_EVENT_H

#include "bpf/abi/base.h"

enum ws_event_kind {
	WS_EVENT_OPEN = 1,
	WS_EVENT_DATA = 2,
	WS_EVENT_CLOSE = 3,
	WS_EVENT_TLS = 4,
	WS_EVENT_EXEC = 5,
	WS_EVENT_EXIT = 6,
	WS_EVENT_DOORBELL = 7, /* a header alone, in the side ring: "drain the rings now" */
	WS_EVENT_FRAMES = 8,
};

enum ws_direction {
	WS_READ = 0,
	WS_WRITE = 1,
};

/* Bits of ws_event_header.flags; their meaning depends on the kind. */
enum ws_data_flag {
	WS_DATA_WIRE_EXACT = 1,
	WS_DATA_NO_BUFFER = 2,
	WS_DATA_HTTP2 = 4,   /* the first byte is that of an HTTP/2 frame header or preface, as far as it can be told */
	WS_DATA_COUNTED = 8, /* it is a ws_counted_data */
};

enum ws_close_flag {
	WS_CLOSE_READ_ENDED = 1,
	WS_CLOSE_WRITE_ENDED = 2,
	WS_CLOSE_GONE = 4,
	WS_CLOSE_RESET = 8,
};

enum ws_open_flag {
	WS_OPEN_WIRE_KNOWN = 1,
	WS_OPEN_JOINED_LATE = 2,
};

enum ws_opener {
	WS_OPENER_UNKNOWN = 0,
	WS_OPENER_LOCAL = 1,
	WS_OPENER_REMOTE = 2,
};

struct ws_event_header {
	__u64 ts_ns; /* bpf_ktime_get_ns */
	__u64 conn;  /* socket; 0 for processes */
	__u32 size;  /* of the record, header included, padding to 8 not */
	__u16 kind;  /* enum ws_event_kind */
	__u8 direction;
	__u8 flags;
	__u32 tgid;
	__u32 tid;
};
WS_ABI_ASSERT(sizeof(struct ws_event_header) == 32, "ws_event_header is ABI");

/* Followed by size - sizeof(struct ws_data) captured bytes, which begin at `offset`. */
struct ws_data {
	struct ws_event_header header;
	__u64 offset;
	__u64 end_offset;
};
WS_ABI_ASSERT(sizeof(struct ws_data) == 48, "ws_data is ABI");

/*
 * HTTP/2: before the first byte of it, this direction's header blocks had added so many entries to their table (modulo 2^32, from
 * where it was first seen on), as far as they could be counted. `uncounted` moves with each one that could not.
 */
struct ws_counted_data {
	struct ws_data data;
	__u32 added;
	__u32 uncounted;
};
WS_ABI_ASSERT(sizeof(struct ws_counted_data) == 56, "ws_counted_data is ABI");

/*
 * [offset, end_offset) were `frames` whole HTTP/2 DATA frames of one stream, without padding, none with END_STREAM,
 * `payload` octets together. Nothing of them was copied. The flags are those of WS_EVENT_DATA.
 */
struct ws_frames {
	struct ws_event_header header;
	__u64 offset;
	__u64 end_offset;
	__u64 payload;
	__u32 stream;
	__u32 frames;
};
WS_ABI_ASSERT(sizeof(struct ws_frames) == 64, "ws_frames is ABI");

#define WS_UNIX_PATH 108

/* AF_UNIX: followed by two arrays of WS_UNIX_PATH bytes, local and remote, of which the first *_path bytes count. */
struct ws_open {
	struct ws_event_header header;
	__u64 peer_cookie;
	__u32 local_isn;
	__u32 remote_isn;
	__u32 netns;
	__u16 family;	  /* AF_INET 2, AF_INET6 10, AF_UNIX 1 */
	__u16 opener;	  /* enum ws_opener */
	__u16 local_port; /* host order */
	__u16 remote_port;
	__u16 local_path;
	__u16 remote_path;
	__u8 local_ip[16]; /* AF_INET: the first 4 */
	__u8 remote_ip[16];
};
WS_ABI_ASSERT(sizeof(struct ws_open) == 96, "ws_open is ABI");

/* WS_EVENT_TLS: the header, followed by the captured bytes of the ClientHello. */
/* WS_EVENT_EXIT: the header alone. */

/* Where the bytes of each direction end; 0: unknown. */
struct ws_close {
	struct ws_event_header header;
	__u64 read_end;
	__u64 write_end;
};
WS_ABI_ASSERT(sizeof(struct ws_close) == 48, "ws_close is ABI");

#define WS_GROUPS_TEXT 1024 /* at most, of: */

/*
 * Followed by groups_size, filename_size and arguments_size bytes. The first are lines as /proc/PID/cgroup has them, of
 * the hierarchies that tell containers apart, with paths from the hierarchy's own root on. One that is too deep or too
 * long is left out.
 */
struct ws_exec {
	struct ws_event_header header;
	__u32 parent_tgid;
	__u16 groups_size;
	__u16 filename_size;
	__u16 arguments_size;
	__u16 unused[3];
};
WS_ABI_ASSERT(sizeof(struct ws_exec) == 48, "ws_exec is ABI");

#endif
