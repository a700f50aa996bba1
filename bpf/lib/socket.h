/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What we remember of a socket, and how we find it again.
 *
 *   WS_TYPED      the hook hands out a socket that the verifier trusts: socket storage, plain loads (socktrace, fentry)
 *   otherwise     only an address: a hash table keyed by it, reads by probe_read; the socket's inode number tells a
 *                 new socket at an old address from the old one (syscall, kprobe)
 */
#ifndef WIRESPAN_BPF_SOCKET_H
#define WIRESPAN_BPF_SOCKET_H

#include "bpf/lib/maps.h"

enum ws_sock_flag {
	WS_SOCK_KNOWN = 1,  /* the fields below are filled in */
	WS_SOCK_OPENED = 2, /* user space was told */
	WS_SOCK_OPAQUE = 4, /* its bytes are none of our business any more */
	WS_SOCK_TCP = 8,    /* offsets come from TCP's counters */
	WS_SOCK_LATE = 16,
	WS_SOCK_EXCLUDED = 32, /* by port or process, as of `generation` and `tgid` */
	WS_SOCK_GONE = 64,
	WS_SOCK_TCP_FAMILY = 128, /* AF_INET or AF_INET6 */
	WS_SOCK_FIN_SENT = 256,	  /* write_seq counts it */
	WS_SOCK_HTTP2 = 512,	  /* h2 below is in use, dir and talk are not */
	WS_SOCK_GUESSED = 1024,	  /* HTTP/2, by the looks of some frames */
	WS_SOCK_SWITCHED = 2048,  /* HTTP/2 perhaps: 101 was answered */
};

/* How far one direction was told. */
struct ws_place {
	__u64 next;	/* offset behind the last call */
	__u64 hole_at;	/* bytes before it that TCP counts and no call has shown yet: another thread's, which is late */
	__u32 hole;	/* bytes of it */
	__u16 hole_age; /* calls since */
	__u16 strikes;	/* calls in a row that moved more than TCP counted */
};

struct ws_sock {
	__u64 id;
	__u32 flags;
	__u32 generation;
	__u32 tgid;
	__u32 own_start; /* sequence number of the first byte each way */
	__u32 peer_start;
	__u8 opener;
	__u8 last_direction;
	__u8 misses;	   /* GUESSED, SWITCHED: calls in a row that did not look like HTTP/2 */
	__u8 proofs;	   /* GUESSED: calls in a row in which frame headers were where they were due */
	__u32 buffer_read; /* AF_UNIX: bytes of the queue's first buffer that were read */
	struct ws_place place[2];
	struct ws_talk talk;
	struct ws_dir dir[2];
	struct ws_h2 h2[2];
};

#ifdef WS_TYPED

#define WS_GET(p, field) ((p)->field)
#define WS_GET_BITS(p, field) BPF_CORE_READ_BITFIELD(p, field)

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ws_sock);
} ws_socks SEC(".maps");

static __always_inline struct ws_sock *ws_find_sock(struct sock *sk)
{
	return bpf_sk_storage_get(&ws_socks, sk, 0, 0);
}

static __always_inline struct ws_sock *ws_make_sock(struct sock *sk)
{
	return bpf_sk_storage_get(&ws_socks, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

static __always_inline void ws_forget_sock(struct sock *sk)
{
	/* Goes with the socket. */
	(void)sk;
}

static __always_inline __u64 ws_socket_id(struct sock *sk)
{
	return bpf_get_socket_cookie(sk);
}

static __always_inline struct tcp_sock *ws_tcp(struct sock *sk)
{
	return bpf_skc_to_tcp_sock(sk);
}

/* Of a socket that is known to be TCP's: without the price of a call. */
static __always_inline struct tcp_sock *ws_tcp_known(struct sock *sk)
{
	return bpf_core_cast(sk, struct tcp_sock);
}

/* Bytes of the first buffer in the queue of a Unix socket that were read: what splice takes next begins behind them. */
static __always_inline __u32 ws_buffer_read(struct sock *sk)
{
	struct sk_buff *first = sk->sk_receive_queue.next;

	if ((void *)first == (void *)&sk->sk_receive_queue)
		return 0;
	return bpf_core_cast(first->cb, struct unix_skb_parms)->consumed;
}

/*
 * What the peer of a Unix socket wrote, as far as its calls were seen, where nothing of it waits to be read: so much was
 * read, whoever saw it. 0: not known.
 */
static __always_inline __u64 ws_unix_sent(struct sock *sk)
{
	struct unix_sock *own;
	struct ws_sock *from;
	struct sock *peer;

	if ((void *)sk->sk_receive_queue.next != (void *)&sk->sk_receive_queue)
		return 0;
	own = bpf_skc_to_unix_sock(sk);
	peer = own ? own->peer : NULL;
	from = peer ? ws_find_sock(peer) : NULL;
	return from ? from->place[WS_WRITE].next : 0;
}

#else

#define WS_GET(p, field) BPF_CORE_READ(p, field)
#define WS_GET_BITS(p, field) BPF_CORE_READ_BITFIELD_PROBED(p, field)

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct ws_sock);
} ws_socks SEC(".maps");

/* The number of the socket's inode: unique while the socket lives, and not reused soon. 0: not accepted yet. */
static __always_inline __u64 ws_socket_id(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_socket, file, f_inode, i_ino);
}

static __always_inline struct ws_sock *ws_find_sock(struct sock *sk)
{
	__u64 key = (__u64)sk;

	return bpf_map_lookup_elem(&ws_socks, &key);
}

static __always_inline struct ws_sock *ws_make_sock(struct sock *sk)
{
	static const struct ws_sock none;
	__u64 key = (__u64)sk;

	bpf_map_update_elem(&ws_socks, &key, &none, BPF_ANY);
	return bpf_map_lookup_elem(&ws_socks, &key);
}

static __always_inline void ws_forget_sock(struct sock *sk)
{
	__u64 key = (__u64)sk;

	bpf_map_delete_elem(&ws_socks, &key);
}

static __always_inline struct tcp_sock *ws_tcp(struct sock *sk)
{
	return WS_GET(sk, sk_protocol) == WS_IPPROTO_TCP ? (struct tcp_sock *)sk : NULL;
}

static __always_inline struct tcp_sock *ws_tcp_known(struct sock *sk)
{
	return (struct tcp_sock *)sk;
}

/* These see what splice takes without it. */
#define ws_buffer_read(sk) 0
#define ws_unix_sent(sk) 0

#endif

/*
 * Told AF_UNIX sockets, by id: no tracepoint tells their end, so user space asks for the ones that are gone
 * (bpf/lib/gone.h). An entry that a full table pushes out is never told to be gone.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u64); /* address of its struct sock */
} ws_unix_socks SEC(".maps");

static __always_inline void ws_watch_unix(__u64 id, struct sock *sk)
{
	__u64 address = (__u64)sk;

	bpf_map_update_elem(&ws_unix_socks, &id, &address, BPF_ANY);
}

#endif
