/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the iterator `open_files` writes (bpf/lib/census.h): a record for each descriptor that is a stream socket or an
 * io_uring, and one of kind WS_HELD_END behind all others.
 *
 *   +-----------------+ 0
 *   | ws_held         |
 *   +-----------------+
 *   | path            |  ws_held_listener: of a listening AF_UNIX socket, of which the first path_size bytes count
 *   +-----------------+ size
 */
#ifndef WIRESPAN_BPF_ABI_CENSUS_H
#define WIRESPAN_BPF_ABI_CENSUS_H

#include "bpf/abi/base.h"
#include "bpf/abi/event.h"

enum ws_held_kind {
	WS_HELD_END = 1,
	WS_HELD_INET = 2,
	WS_HELD_INET6 = 3,
	WS_HELD_UNIX = 4,
	WS_HELD_IO_URING = 5,
};

enum ws_held_state {
	WS_HELD_IDLE = 0, /* neither of the two: a Unix socket that was made, no more */
	WS_HELD_LISTENING = 1,
	WS_HELD_CONNECTED = 2, /* or becoming so, or ending */
};

struct ws_held {
	__u64 inode; /* number of the socket's; all rings may share one */
	__u32 tgid;  /* END: the level of the reader's pid namespace. 0: all processes were looked at */
	__u32 fd;
	__u16 size; /* of the whole record */
	__u8 kind;
	__u8 state;
	__u16 port; /* local, host order */
	__u16 path_size;
	__u8 address[16]; /* local; IPv4 in the first four bytes */
};
WS_ABI_ASSERT(sizeof(struct ws_held) == 40, "ws_held is ABI");

struct ws_held_listener {
	struct ws_held held;
	__u8 path[WS_UNIX_PATH]; /* sun_path */
	__u8 unused[4];
};
WS_ABI_ASSERT(sizeof(struct ws_held_listener) == 152, "ws_held_listener is ABI");

#endif
