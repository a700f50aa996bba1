/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps and settings that every backend has. User space sizes the rings and fills the settings before load. */
#ifndef WIRESPAN_BPF_MAPS_H
#define WIRESPAN_BPF_MAPS_H

#include "bpf/lib/kernel_types.h"

/* Objects for kernels before 5.12 do without atomic operations that return a value. */
#if !defined(WS_TYPED) && !defined(__TARGET_ARCH_arm64)
#define WS_NO_FETCH
#endif

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/abi/counter.h"
#include "bpf/abi/event.h"
#include "bpf/abi/ring.h"
#include "bpf/abi/settings.h"
/* The loops over bytes as functions of their own: bpf/lib/window.h. */
#define WS_LOOK_AT(p, at, n, complete) ws_window_look(at, n, complete)
#define WS_FIND_END(p, n, tail) ws_window_end(n, tail)
#define WS_FIND_EMPTY_LINE(p, n) ws_forget(ws_find_empty_line(p, n))
#define WS_PARSE_LINE(plan, p, at, n) ws_window_line(at, n)
#define WS_LOOK_FOR_FRAMES(p, n, rest) ws_window_frames(n, rest)
__u32 ws_window_look(__u32 at, __u32 n, __u32 complete);
__u32 ws_window_end(__u32 n, __u32 tail);
__u32 ws_window_line(__u32 at, __u32 n);
__u32 ws_window_frames(__u32 n, __u32 rest);
static inline __attribute__((always_inline)) __u32 ws_forget(__u32 number);
#include "bpf/lib/infer/http2.h"
#include "bpf/lib/infer/stream.h"

#define WS_NOINLINE __attribute__((noinline))

/* Settings are constants to the verifier; control changes while running, through the mapped section. */
const volatile struct ws_settings ws_settings SEC(".rodata.settings") = {
	.ring_mask = WS_RING_DEFAULT - 1,
	.head_max = 16384,
	.h2_head_max = 65536,
};
struct ws_control ws_control SEC(".data.control") = {};

#define ws_ring_mask ((__u64)ws_settings.ring_mask)
#define ws_head_max (ws_settings.head_max)
#define ws_h2_head_max (ws_settings.h2_head_max)
#define ws_self (ws_settings.self)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, WS_RING_DATA + WS_RING_DEFAULT + WS_RING_SLACK);
} ws_rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, WS_SIDE_RING_BYTES);
} ws_side_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ws_counts);
} ws_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} ws_verdicts SEC(".maps");

static __always_inline struct ws_counts *ws_my_counts(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ws_counts, &zero);
}

static __always_inline void ws_note(struct ws_counts *counts, __u32 what, __u64 bytes)
{
	/* Checked and used in one register: verifiers before 6.3 know nothing of its copies. */
	if (!__builtin_constant_p(what))
		WS_OPAQUE(what);
	if (what < WS_COUNTERS) {
		counts->of[what].events++;
		counts->of[what].bytes += bytes;
	}
}

#endif
