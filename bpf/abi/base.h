/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef WIRESPAN_BPF_ABI_BASE_H
#define WIRESPAN_BPF_ABI_BASE_H

#include <linux/types.h>

#ifdef __cplusplus
#define WS_ABI_ASSERT(condition, text) static_assert(condition, text)
#else
#define WS_ABI_ASSERT(condition, text) _Static_assert(condition, text)
#endif

#endif
