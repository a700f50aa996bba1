/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel structures that we look into, by hand: libbpf finds the real offsets by CO-RE when it loads, so one
 * object serves every kernel and is built on machines that have no BTF, for other architectures too. Fields that moved
 * between kernels have flavours (the name after ___ is ours).
 */
#ifndef WIRESPAN_BPF_KERNEL_TYPES_H
#define WIRESPAN_BPF_KERNEL_TYPES_H

#define __VMLINUX_H__ /* names of registers in bpf_tracing.h */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

typedef struct {
	long long counter;
} atomic64_t;

typedef struct {
	int counter;
} atomic_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_net_refcnt : 1;
	unsigned long skc_flags;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};

struct socket;

/* Of AF_UNIX in skb->cb: 4.3 and later. */
struct unix_skb_parms {
	__u32 consumed;
};

struct sock;

struct sk_buff {
	struct sock *sk;
	unsigned int len;
	char cb[48];
};

struct sk_buff_head {
	struct sk_buff *next;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;	/* of its namespace: 0 is the machine's */
	struct upid numbers[1]; /* the first one is the machine's */
};

/* Of the spinlock only its first word counts: not 0 where somebody holds it. */
struct ws_spinlock {
	__u32 word;
};

typedef struct {
	struct ws_spinlock slock;
	int owned;
} socket_lock_t;

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	int sk_err;
	struct socket *sk_socket;
	__u16 sk_protocol;
	__u16 sk_type;
	__u8 sk_shutdown;
	struct pid *sk_peer_pid;
	struct sk_buff_head sk_receive_queue;
};

struct inet_sock {
	struct sock sk;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 copied_seq;
	__u64 bytes_sent;
	__u32 write_seq;
	__u32 rcv_nxt;
	__u32 snd_nxt;
	__u32 snd_una;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u64 bytes_retrans;
	__u8 syn_data : 1;
	__u8 syn_fastopen : 1;
};

struct sockaddr_un {
	unsigned short sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct sock *peer;
};

struct super_block {
	unsigned long s_magic;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned short i_mode;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct socket {
	short type;
	struct file *file;
	struct sock *sk;
};

struct thread_info {
	unsigned long flags;
	__u32 status;
};

struct bpf_map;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

struct task_struct;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd __attribute__((aligned(8)));
	struct file *file;
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};

struct signal_struct {
	atomic_t live;
};

struct io_uring_task;

/* A control group's folder. 6.15 renamed `parent`. */
struct kernfs_node {
	struct kernfs_node *__parent;
	const char *name;
};

struct kernfs_node___before_6_15 {
	struct kernfs_node *parent;
};

struct cgroup_root;

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

/* Controllers that a kernel may be built without, in an order that changes: they are asked for by name. */
enum cgroup_subsys_id {
	memory_cgrp_id,
	pids_cgrp_id,
};

/* The groups of a task, in all hierarchies. */
struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp; /* version 2's */
};

struct cgroup_namespace {
	struct css_set *root_cset;
};

struct nsproxy {
	struct cgroup_namespace *cgroup_ns;
};

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	unsigned int flags;
	struct mm_struct *mm;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	__u64 start_boottime;
	struct files_struct *files;
	struct io_uring_task *io_uring;
	struct signal_struct *signal;
	struct css_set *cgroups;
	struct nsproxy *nsproxy;
};

/*
 * Where the bytes of a call are. 6.0 added ITER_UBUF, 6.4 renamed `iov`, and the numbers of the kinds have changed more
 * than once: they are asked for by name.
 */
enum iter_type {
	ITER_IOVEC,
	ITER_UBUF,
};

struct iov_iter {
	__u8 iter_type;
	unsigned long iov_offset;
	unsigned long count;
	const void *__iov;
	void *ubuf;
	unsigned long nr_segs;
};

struct msghdr {
	struct iov_iter msg_iter;
	unsigned int msg_flags;
};

struct iov_iter___before_6_4 {
	const void *iov;
};

struct msghdr___before_6_4 {
	struct iov_iter___before_6_4 msg_iter;
};

struct iov_iter___before_5_14 {
	unsigned int type; /* the lowest bit is the direction */
};

struct msghdr___before_5_14 {
	struct iov_iter___before_5_14 msg_iter;
};

struct linux_binprm {
	const char *filename;
};

#ifdef __TARGET_ARCH_arm64
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};

struct pt_regs {
	union {
		struct user_pt_regs user_regs;
		struct {
			__u64 regs[31];
			__u64 sp;
			__u64 pc;
			__u64 pstate;
		};
	};
	__u64 orig_x0;
	__s32 syscallno;
};
#else
struct pt_regs {
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long ax;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long r15;
	unsigned long r14;
	unsigned long r13;
	unsigned long r12;
	unsigned long bp;
	unsigned long bx;
	unsigned long r11;
	unsigned long cx;
	unsigned long ip;
	unsigned long sp;
};
#endif

#pragma clang attribute pop

/* User memory: the same for every 64-bit kernel, so no CO-RE. */
struct ws_iovec {
	__u64 base;
	__u64 len;
};

/* struct msghdr: the vector's address, then its length. */
#define WS_USER_MSGHDR_VECTOR 16
#define WS_MMSGHDR_SIZE 64

#define WS_AF_UNIX 1
#define WS_AF_INET 2
#define WS_AF_INET6 10
#define WS_SOCK_STREAM 1
#define WS_IPPROTO_TCP 6
#define WS_IPPROTO_MPTCP 262

#define WS_S_IFMT 0170000
#define WS_S_IFSOCK 0140000
#define WS_ANON_INODE_FS 0x09041934

#define WS_PF_IO_WORKER 0x10
#define WS_PF_KTHREAD 0x200000

#define WS_MSG_OOB 1
#define WS_MSG_PEEK 2
#define WS_MSG_TRUNC 0x20
#define WS_MSG_ERRQUEUE 0x2000

#define WS_RCV_SHUTDOWN 1
#define WS_SHUTDOWN_MASK 3

enum ws_tcp_state {
	WS_TCP_ESTABLISHED = 1,
	WS_TCP_FIN_WAIT1 = 4,
	WS_TCP_FIN_WAIT2 = 5,
	WS_TCP_CLOSE = 7,
	WS_TCP_CLOSE_WAIT = 8,
	WS_TCP_LAST_ACK = 9,
	WS_TCP_LISTEN = 10,
	WS_TCP_CLOSING = 11,
};

#endif
