/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Byte logic without helpers: the kernel's verifier and the host's unit tests compile the same lines.
 *
 * Everything here looks at a window: up to WS_WINDOW bytes copied from one system call. The memory behind `p` is at
 * least WS_WINDOW + 16 bytes long whatever the window's length `n`; bytes after n are stale and must not decide.
 */
#ifndef WIRESPAN_BPF_INFER_BYTES_H
#define WIRESPAN_BPF_INFER_BYTES_H

#include <linux/types.h>

#define WS_WINDOW 1024

#define WS_INLINE static inline __attribute__((always_inline))

#ifdef __clang__
#define WS_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define WS_ROLLED
#endif

/* Keeps the compiler from proving a bound away that the verifier wants to see checked. */
#define WS_OPAQUE(x) __asm__ volatile("" : "+r"(x))

/*
 * Words from any address. For BPF clang would make memcpy from bytes a load and a shift for each byte, because it knows
 * nothing about alignment; the machines that we run on need none, and their verifiers take one plain load.
 */
WS_INLINE __u64 ws_load64(const __u8 *p)
{
#ifdef __bpf__
	return *(const __u64 *)p;
#else
	__u64 word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
#endif
}

WS_INLINE __u32 ws_load32(const __u8 *p)
{
#ifdef __bpf__
	return *(const __u32 *)p;
#else
	__u32 word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
#endif
}

#endif
