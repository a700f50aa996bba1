/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What user space tells the programs: settings once, before load; control at any time, and the other way in one field. */
#ifndef WIRESPAN_BPF_ABI_SETTINGS_H
#define WIRESPAN_BPF_ABI_SETTINGS_H

#include "bpf/abi/base.h"

#define WS_RING_DEFAULT (1u << 20) /* bytes of one ring in an object that nobody has sized */

/* Section .rodata.settings. */
struct ws_settings {
	__u32 ring_mask;	 /* size of one ring - 1 */
	__u32 head_max;		 /* HTTP/1: octets of a head that are captured */
	__u32 self;		 /* tgid that is never looked at */
	__u32 receive_arguments; /* of tcp_recvmsg: 6 before 5.19, then 5, 4 by 7.3 */
	__u32 hold_cpu;		 /* a program switches preemption off while it writes: the kernel lets it */
	__u32 h2_head_max;	 /* HTTP/2: octets of a header block */
};
WS_ABI_ASSERT(sizeof(struct ws_settings) == 24, "ws_settings is ABI");

/* Section .data.control. */
struct ws_control {
	__u32 generation;     /* of verdicts and ports: cached judgements of an older one are void */
	__u32 ports_included; /* 0: all ports */
	__u32 ports_excluded;
	__u32 ends_at_s;	  /* second of the monotonic clock from which on nothing is captured; 0: never */
	__u64 include_port[1024]; /* bit sets */
	__u64 exclude_port[1024];
	__u32 splices; /* a program's word: something on this machine splices sockets */
	__u32 reserved;
};
WS_ABI_ASSERT(sizeof(struct ws_control) == 16408, "ws_control is ABI");

#endif
