/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * One ring for each CPU, in a memory-mapped array: element i belongs to CPU i.
 *
 *   +------------------------+ 0
 *   | ws_ring_control        |  head and busy are the kernel's, tail is the agent's
 *   +------------------------+ WS_RING_DATA
 *   | data, a power of two   |  the record at position p begins at p & (ring size - 1)
 *   +------------------------+
 *   | WS_RING_SLACK          |  so that a record that begins near the end never wraps
 *   +------------------------+
 *
 * head and tail only grow. A writer makes busy odd before it takes the time of its record and even after it has moved
 * head: who read the clock, then sees busy even, knows every record of this CPU up to that time.
 */
#ifndef WIRESPAN_BPF_ABI_RING_H
#define WIRESPAN_BPF_ABI_RING_H

#include "bpf/abi/base.h"

struct ws_ring_control {
	__u64 head;
	__u64 busy;
	__u64 rung_at; /* tail + 1 for which the doorbell was rung */
	__u64 entered; /* writers inside, where the kernel has no atomic way to take busy */
	__u64 unused_kernel[12];
	__u64 tail;
	__u64 unused_user[15];
};
WS_ABI_ASSERT(sizeof(struct ws_ring_control) == 256, "ws_ring_control is ABI");

#define WS_RING_DATA 256
#define WS_RING_SLACK 4096
#define WS_SIDE_RING_BYTES (256 * 1024)

#endif
