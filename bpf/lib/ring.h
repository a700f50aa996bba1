/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing into this CPU's ring (bpf/abi/ring.h), and the scratch memory that its busy word guards. */
#ifndef WIRESPAN_BPF_RING_H
#define WIRESPAN_BPF_RING_H

#include "bpf/lib/maps.h"

#define WS_IOV_BATCH 8
#define WS_SHARE_SLOTS 256

/* Where the next byte of a call lies in user memory. */
struct ws_cursor {
	__u64 base;
	__u64 left;	/* of this part */
	__u32 next_iov; /* index of the part after this one */
	__u32 position; /* in the call */
};

/* What one process wrote while the ring was over half full. */
struct ws_share {
	__u64 end; /* of the last of it: once the reader is past that, nothing of it waits */
	__u64 bytes;
};

/* One for each CPU; belongs to whoever made busy odd. */
struct ws_scratch {
	__u64 at; /* where the next record is written; published by moving head here */
	__u32 cpu;
	__u32 sent; /* records of this call */
	__u32 lost;
	__u32 lost_why; /* enum ws_counter */
	__u32 fault;
	__u32 iov_count;
	__u64 iov_user;
	__u32 iov_first;	 /* index of iov[0]; ~0: nothing there */
	__u32 iov_kernel;	 /* iov_user is the kernel's own copy */
	struct ws_cursor cursor; /* at plan.pos or before */
	struct ws_cursor now;
	__u32 got;	 /* bytes in the window */
	__u32 told;	 /* records cover the call up to here */
	__u32 forgotten; /* ws_forget */
	__u32 unused;
	struct ws_iovec iov[WS_IOV_BATCH];
	struct ws_plan plan;
	struct ws_dir dir;
	struct ws_talk talk;
	struct ws_h2 h2; /* instead of the two above, where a socket speaks HTTP/2 */
	struct ws_walk walk;
	__u32 walk_base;	       /* where in the call the walk begins */
	struct ws_event_header header; /* of the call's data events */
	struct ws_share share[WS_SHARE_SLOTS];
	/*
	 * The window: copied from the user, judged here, then written into the ring. Judging it in the ring would wait
	 * for memory that the reader's CPU had last. Twice the size, so that a bounded copy at a bounded place fits.
	 */
	__u8 window[2 * WS_WINDOW + 32] __attribute__((aligned(8)));
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ws_scratch);
} ws_scratches SEC(".maps");

static __always_inline struct ws_scratch *ws_my_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ws_scratches, &zero);
}

/* From 6.10 on; in the way that we use them, by trying (agent/kernel/bpf_object.cc). */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;
#define ws_hold_cpu (ws_settings.hold_cpu)

/*
 * True: the ring and the scratch memory of this CPU are ours until ws_ring_end. Who holds the CPU too can be
 * interrupted only by what is done before it goes on, so plain loads and stores do.
 */
static __always_inline bool ws_ring_begin(struct ws_ring_control *ring)
{
	if (ws_hold_cpu) {
		__u64 before;

		bpf_preempt_disable();
		before = *(volatile __u64 *)&ring->busy;
		if (!(before & 1)) {
			*(volatile __u64 *)&ring->busy = before + 1;
			barrier();
			return true;
		}
		bpf_preempt_enable();
		return false;
	}
#ifdef WS_NO_FETCH
	/* Two that interrupt each other at this very place both see 2, and both give way. */
	__sync_fetch_and_add(&ring->entered, 1);
	if (*(volatile __u64 *)&ring->entered != 1) {
		__sync_fetch_and_add(&ring->entered, -1);
		return false;
	}
	__sync_fetch_and_add(&ring->busy, 1);
	return true;
#else
	__u64 before = __sync_fetch_and_or(&ring->busy, 1);

	return !(before & 1);
#endif
}

static __always_inline void ws_ring_end(struct ws_ring_control *ring)
{
	barrier();
	*(volatile __u64 *)&ring->busy = ring->busy + 1;
	if (ws_hold_cpu) {
		bpf_preempt_enable();
		return;
	}
#ifdef WS_NO_FETCH
	__sync_fetch_and_add(&ring->entered, -1);
#endif
}

#define WS_ROOM 0
/* Bytes beyond a record that ws_ring_copy may write: never over what is not read yet. */
#define WS_RING_SPILL 32

/*
 * May a record of `size` bytes be written for this process? WS_ROOM, or the reason to drop it. A process that floods
 * is stopped first: once the ring is over half full, no process may have more waiting (of what it wrote since) than a
 * quarter of what is still free. So each one that floods takes a fifth of what the others left of the upper half.
 */
static __always_inline __u32 ws_ring_room(struct ws_ring_control *ring, struct ws_scratch *scratch, __u64 at,
					  __u32 size, __u32 tgid)
{
	__u64 tail = *(volatile __u64 *)&ring->tail;
	__u64 used = at - tail + size;

	if (used > ws_ring_mask - WS_RING_SPILL)
		return WS_DROPPED_RING_FULL;
	if (used > ws_ring_mask / 2) {
		struct ws_share *share = &scratch->share[(tgid ^ tgid >> 8) & (WS_SHARE_SLOTS - 1)];

		if ((__s64)(share->end - tail) <= 0)
			share->bytes = 0;
		if (share->bytes + size > (ws_ring_mask - used) / 4)
			return WS_DROPPED_SHARE;
		share->bytes += size;
		share->end = at + size;
	}
	return WS_ROOM;
}

/* Position `at` in memory; WS_RING_SLACK bytes and more are there. */
static __always_inline void *ws_ring_slot(struct ws_ring_control *ring, __u64 at)
{
	WS_OPAQUE(at);
	at &= ws_ring_mask;
	return (void *)ring + WS_RING_DATA + at;
}

/*
 * `n` bytes of the window, and up to WS_RING_SPILL more, into the ring. A loop of ours, because a helper would cost
 * more than so few bytes do: it checks addresses, and returns several times.
 */
static __always_inline void ws_ring_copy(__u64 *to, const __u64 *window, __u32 n)
{
	__u32 i;

	WS_ROLLED
	for (i = 0; i < WS_WINDOW / 8; i += 4) {
		if (i * 8 >= n)
			break;
		to[i] = window[i];
		to[i + 1] = window[i + 1];
		to[i + 2] = window[i + 2];
		to[i + 3] = window[i + 3];
	}
}

static __always_inline __u32 ws_ring_step(__u32 size)
{
	return (size + 7) & ~7u;
}

/* Moves head to `at`: what was written before it may be read. */
static __always_inline void ws_ring_publish(struct ws_ring_control *ring, __u64 at)
{
#if defined(__TARGET_ARCH_arm64) && !defined(WS_NO_FETCH)
	__sync_fetch_and_add(&ring->head, at - ring->head);
#else
	barrier(); /* x86 keeps the order of stores */
	*(volatile __u64 *)&ring->head = at;
#endif
}

static __always_inline void ws_side_doorbell(__u64 now, __u32 flags)
{
	struct ws_event_header bell = {.ts_ns = now, .size = sizeof(bell), .kind = WS_EVENT_DOORBELL};

	bpf_ringbuf_output(&ws_side_ring, &bell, sizeof(bell), flags);
}

/* Wakes user space once a drain, when a quarter of the ring is used. */
static __always_inline void ws_ring_doorbell(struct ws_ring_control *ring, struct ws_counts *counts, __u64 now)
{
	__u64 tail = *(volatile __u64 *)&ring->tail;

	if (ring->head - tail <= ws_ring_mask / 4 || ring->rung_at == tail + 1)
		return;
	ring->rung_at = tail + 1;
	ws_note(counts, WS_NOTED_DOORBELL, 0);
	ws_side_doorbell(now, BPF_RB_FORCE_WAKEUP);
}

/*
 * One finished record of a fixed size, from any context: into the ring, or into the side ring if the ring is busy
 * (we interrupted a writer). The time is taken here, inside the busy section.
 */
static __always_inline bool ws_emit(struct ws_event_header *record, __u32 size, struct ws_counts *counts)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct ws_ring_control *ring = bpf_map_lookup_elem(&ws_rings, &cpu);
	struct ws_scratch *scratch = ws_my_scratch();
	bool done = false;

	if (!ring || !scratch)
		return false;
	record->size = size;
	if (ws_ring_begin(ring)) {
		__u64 at = ring->head;

		if (ws_ring_room(ring, scratch, at, size, record->tgid) == WS_ROOM) {
			record->ts_ns = bpf_ktime_get_ns();
			__builtin_memcpy(ws_ring_slot(ring, at), record, size);
			ws_ring_publish(ring, at + ws_ring_step(size));
			ws_ring_doorbell(ring, counts, record->ts_ns);
			done = true;
		}
		ws_ring_end(ring);
	} else {
		record->ts_ns = bpf_ktime_get_ns();
		done = !bpf_ringbuf_output(&ws_side_ring, record, size, BPF_RB_NO_WAKEUP);
		ws_note(counts, WS_NOTED_SIDE_RING, size);
	}
	ws_note(counts, done ? WS_RECORDS : WS_RECORDS_LOST, ws_ring_step(size));
	return done;
}

#endif
