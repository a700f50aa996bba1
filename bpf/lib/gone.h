/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of AF_UNIX sockets. Hook: an iterator over a map (5.9), run by user space once a second, because no
 * tracepoint tells it. Answers with struct ws_gone of each told socket that is there no more. A socket that is closed
 * lets go of its struct socket before its memory is freed, and memory that was reused has another id, so a look at
 * the old address tells.
 */
#ifndef WIRESPAN_BPF_GONE_H
#define WIRESPAN_BPF_GONE_H

#include "bpf/lib/socket.h"

SEC("iter/bpf_map_elem")
int unix_gone(struct bpf_iter__bpf_map_elem *ctx)
{
	__u64 *key = ctx->key, *value = ctx->value, id, now = 0;
	struct socket *socket = NULL;
	struct sock *sk;

	if (!key || !value)
		return 0;
	id = *key;
	sk = (struct sock *)*value;
	bpf_probe_read_kernel(&socket, sizeof(socket), &sk->sk_socket);
#ifdef WS_TYPED
	if (socket)
		bpf_probe_read_kernel(&now, sizeof(now), &sk->__sk_common.skc_cookie);
#else
	if (socket)
		now = BPF_CORE_READ(socket, file, f_inode, i_ino);
#endif
	if (now != id)
		bpf_seq_write(ctx->meta->seq, &id, sizeof(id));
	return 0;
}

#endif
