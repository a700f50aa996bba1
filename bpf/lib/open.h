/* SPDX-License-Identifier: GPL-2.0-only */
/* The first sight of a socket: is it one of ours, what is it, and the OPEN record that tells user space. */
#ifndef WIRESPAN_BPF_OPEN_H
#define WIRESPAN_BPF_OPEN_H

#include "bpf/lib/ring.h"
#include "bpf/lib/tcp.h"

static __always_inline bool ws_port_in(const __u64 *set, __u16 port)
{
	__u32 word = port >> 6;

	WS_OPAQUE(word); /* or the compiler drops the bound that verifiers before 6.3 need to see */
	return set[word & 1023] >> (port & 63) & 1;
}

/* A Unix socket that was connected to the agent's: `watch` and `explain` are at the other end. */
static __always_inline bool ws_leads_to_agent(struct sock *sk)
{
	return (__u32)BPF_CORE_READ(sk, sk_peer_pid, numbers[0].nr) == ws_self;
}

/* By its port, or by whose it is; of processes: ws_process_wanted. */
static __always_inline bool ws_socket_wanted(struct sock *sk, __u32 flags)
{
	__u16 local, remote;

	if (!(flags & WS_SOCK_TCP_FAMILY))
		return !ws_control.ports_included && !ws_leads_to_agent(sk);
	if (!ws_control.ports_included && !ws_control.ports_excluded)
		return true;
	local = WS_GET(sk, __sk_common.skc_num);
	remote = __builtin_bswap16(WS_GET(sk, __sk_common.skc_dport));
	if (ws_control.ports_excluded &&
	    (ws_port_in(ws_control.exclude_port, local) || ws_port_in(ws_control.exclude_port, remote)))
		return false;
	return !ws_control.ports_included || ws_port_in(ws_control.include_port, local) ||
	       ws_port_in(ws_control.include_port, remote);
}

static __always_inline bool ws_process_wanted(__u32 tgid)
{
	__u32 *verdict = bpf_map_lookup_elem(&ws_verdicts, &tgid);

	return !verdict || *verdict != WS_VERDICT_EXCLUDE;
}

/* Can this be an HTTP connection at all? */
static __always_inline bool ws_is_stream(struct sock *sk, bool *inet)
{
	__u16 family = WS_GET(sk, __sk_common.skc_family);

	*inet = family == WS_AF_INET || family == WS_AF_INET6;
	if (!*inet && family != WS_AF_UNIX)
		return false;
	return WS_GET(sk, sk_type) == WS_SOCK_STREAM;
}

/* Fills in a fresh state. `moved`: the bytes that the call in progress has moved already. */
static __always_inline void ws_first_sight(struct ws_sock *ws, struct sock *sk, __u64 id, bool inet, __u32 direction,
					   __u32 moved)
{
	__u32 flags = WS_SOCK_KNOWN;

	__builtin_memset(ws, 0, sizeof(*ws));
	ws->id = id;
	ws->last_direction = !direction;
	if (inet) {
		struct tcp_sock *tp;

		flags |= WS_SOCK_TCP_FAMILY;
		tp = ws_tcp(sk);
		if (!WS_GET_BITS(sk, __sk_common.skc_net_refcnt))
			flags |= WS_SOCK_OPAQUE; /* the kernel's own: NFS and the like */
		else if (tp && ws_tcp_start(ws, sk, tp))
			flags |= WS_SOCK_TCP;
	}
	if (flags & WS_SOCK_TCP) {
		ws->place[direction & 1].next -= moved;
		if (ws->place[WS_READ].next || ws->place[WS_WRITE].next) {
			flags |= WS_SOCK_LATE;
			ws->talk.flags |= WS_TALK_LATE;
		}
	} else {
		/* Not known whether there were bytes before. */
		ws->talk.flags |= WS_TALK_LATE;
	}
	/* Last: another CPU may be at this socket too, and trusts what is flagged. */
	barrier();
	ws->flags = flags;
}

#define WS_OPEN_UNIX_SIZE (sizeof(struct ws_open) + 2 * WS_UNIX_PATH)

static __always_inline __u32 ws_unix_path(__u8 *to, struct unix_address *address)
{
	int len;

	if (!address)
		return 0;
	len = BPF_CORE_READ(address, len) - 2;
	if (len <= 0)
		return 0;
	if (len > WS_UNIX_PATH)
		len = WS_UNIX_PATH;
	if (bpf_probe_read_kernel(to, WS_UNIX_PATH, &address->name[0].sun_path))
		return 0;
	return len;
}

static __always_inline __u32 ws_open_size(const struct ws_sock *ws)
{
	return ws->flags & WS_SOCK_TCP_FAMILY ? sizeof(struct ws_open) : WS_OPEN_UNIX_SIZE;
}

/* Writes the OPEN record into the place that was left for it at the ring's head, before what is to follow. */
static __always_inline void ws_tell_open(struct ws_ring_control *ring, struct ws_scratch *s, struct ws_sock *ws,
					 struct sock *sk)
{
	__u32 size = ws_open_size(ws);
	struct ws_open *open = ws_ring_slot(ring, ring->head);

	open->header = s->header;
	open->header.size = size;
	open->header.kind = WS_EVENT_OPEN;
	open->header.flags = (ws->flags & WS_SOCK_TCP ? WS_OPEN_WIRE_KNOWN : 0) |
			     (ws->flags & WS_SOCK_LATE ? WS_OPEN_JOINED_LATE : 0);
	open->peer_cookie = 0;
	open->local_isn = ws->own_start - 1;
	open->remote_isn = ws->peer_start - 1;
	open->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	open->family = WS_GET(sk, __sk_common.skc_family);
	open->opener = ws->opener;
	open->local_port = 0;
	open->remote_port = 0;
	open->local_path = 0;
	open->remote_path = 0;
	__builtin_memset(open->local_ip, 0, 32);
	if (open->family == WS_AF_INET6) {
		bpf_probe_read_kernel(open->local_ip, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(open->remote_ip, 16, &sk->__sk_common.skc_v6_daddr);
	} else if (open->family == WS_AF_INET) {
		bpf_probe_read_kernel(open->local_ip, 4, &sk->__sk_common.skc_rcv_saddr);
		bpf_probe_read_kernel(open->remote_ip, 4, &sk->__sk_common.skc_daddr);
	}
	if (ws->flags & WS_SOCK_TCP_FAMILY) {
		open->local_port = WS_GET(sk, __sk_common.skc_num);
		open->remote_port = __builtin_bswap16(WS_GET(sk, __sk_common.skc_dport));
	} else {
		struct unix_sock *own = (struct unix_sock *)sk;
		struct sock *peer = BPF_CORE_READ(own, peer);

		ws_watch_unix(ws->id, sk);
		open->local_path = ws_unix_path((__u8 *)(open + 1), BPF_CORE_READ(own, addr));
		if (peer) {
			struct unix_sock *other = (struct unix_sock *)peer;

			open->remote_path = ws_unix_path((__u8 *)(open + 1) + WS_UNIX_PATH, BPF_CORE_READ(other, addr));
#ifdef WS_TYPED
			/* A typed walk, because the cookie may have to be made. */
			own = bpf_skc_to_unix_sock(sk);
			if (own) {
				peer = own->peer;
				if (peer)
					open->peer_cookie = bpf_get_socket_cookie(peer);
			}
#else
			open->peer_cookie = ws_socket_id(peer);
#endif
		}
	}
}

/*
 * The two above, called once a socket, as functions of their own: a program has 512 bytes of stack for all functions
 * that it is in at a time, and what is called for every call should be short and use little of it.
 */
#ifdef WS_TYPED

static WS_NOINLINE int ws_meet_typed(struct ws_sock *ws, struct sock *sk, __u64 id, __u32 inet_and_direction,
				     __u32 moved)
{
	ws_first_sight(ws, sk, id, inet_and_direction >> 1, inet_and_direction & 1, moved);
	return 0;
}

static WS_NOINLINE int ws_introduce(struct ws_ring_control *ring, struct ws_scratch *s, struct ws_sock *ws,
				    struct sock *sk)
{
	ws_tell_open(ring, s, ws, sk);
	return 0;
}

#define ws_meet(ws, sk, id, inet, direction, moved) ws_meet_typed(ws, sk, id, (inet) << 1 | ((direction) & 1), moved)

#else

WS_NOINLINE int ws_meet_socket(__u64 socket, __u64 id, __u32 inet, __u32 direction, __u32 moved)
{
	struct sock *sk = (struct sock *)socket;
	struct ws_sock *ws = ws_find_sock(sk);

	if (ws)
		ws_first_sight(ws, sk, id, inet, direction, moved);
	return 0;
}

WS_NOINLINE int ws_introduce_socket(__u64 socket)
{
	struct sock *sk = (struct sock *)socket;
	struct ws_sock *ws = ws_find_sock(sk);
	struct ws_scratch *s = ws_my_scratch();
	struct ws_ring_control *ring;
	__u32 cpu;

	if (!ws || !s)
		return 0;
	cpu = s->cpu;
	ring = bpf_map_lookup_elem(&ws_rings, &cpu);
	if (ring)
		ws_tell_open(ring, s, ws, sk);
	return 0;
}

#define ws_meet(ws, sk, id, inet, direction, moved) ws_meet_socket((__u64)(sk), id, inet, direction, moved)
#define ws_introduce(ring, s, ws, sk) ws_introduce_socket((__u64)(sk))

#endif

#endif
