/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who holds which stream socket, and whether it listens. Hook: an iterator over the open files of all tasks (5.8), run
 * by user space when somebody asks. Why: /proc has the states of sockets in tables of a network namespace each, and a
 * look at one of them walks the hash table of all connections of the machine; here a descriptor costs a tenth of a
 * microsecond, whatever its namespace. Tasks are those of the reader's pid namespace and below.
 */
#ifndef WIRESPAN_BPF_CENSUS_H
#define WIRESPAN_BPF_CENSUS_H

#include "bpf/abi/census.h"
#include "bpf/lib/open.h"

/* Sets kind, state and names. False: none of the sockets that count. */
static __always_inline bool ws_describe_held(struct ws_held_listener *r, struct sock *sk)
{
	struct ws_held *held = &r->held;
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family), protocol;

	if (BPF_CORE_READ(sk, sk_type) != WS_SOCK_STREAM)
		return false;
	if (family == WS_AF_UNIX) {
		held->kind = WS_HELD_UNIX;
		if (state == WS_TCP_ESTABLISHED)
			held->state = WS_HELD_CONNECTED;
		if (state != WS_TCP_LISTEN)
			return true;
		held->state = WS_HELD_LISTENING;
		held->size = sizeof(*r);
		held->path_size = ws_unix_path(r->path, BPF_CORE_READ((struct unix_sock *)sk, addr));
		return true;
	}
	if (family != WS_AF_INET && family != WS_AF_INET6)
		return false;
	protocol = BPF_CORE_READ(sk, sk_protocol);
	/* One that is no connection yet, or no more, is in no table of /proc either. */
	if ((protocol != WS_IPPROTO_TCP && protocol != WS_IPPROTO_MPTCP) || state == WS_TCP_CLOSE)
		return false;
	held->kind = family == WS_AF_INET ? WS_HELD_INET : WS_HELD_INET6;
	held->state = state == WS_TCP_LISTEN ? WS_HELD_LISTENING : WS_HELD_CONNECTED;
	held->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (family == WS_AF_INET)
		bpf_probe_read_kernel(held->address, 4, &sk->__sk_common.skc_rcv_saddr);
	else
		bpf_probe_read_kernel(held->address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	return true;
}

/* What /proc/PID/fd shows as anon_inode:[io_uring]. */
static __always_inline bool ws_is_io_uring(struct file *file, struct inode *inode)
{
	__u64 name[2]; /* a name this short is inside of its dentry, which is larger than what is read */

	if (inode->i_sb->s_magic != WS_ANON_INODE_FS)
		return false;
	if (bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name)))
		return false;
	/* "[io_urin", "g]" and a NUL, in the byte order of both architectures. */
	return name[0] == 0x6e6972755f6f695b && (name[1] & 0xffffff) == 0x5d67;
}

SEC("iter/task_file")
int open_files(struct bpf_iter__task_file *ctx)
{
	struct ws_held_listener r = {.held = {.size = sizeof(r.held)}};
	struct seq_file *out = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct inode *inode;
	struct sock *sk;

	if (!file) {
		r.held.kind = WS_HELD_END;
		r.held.tgid = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), thread_pid, level);
		bpf_seq_write(out, &r.held, sizeof(r.held));
		return 0;
	}
	/* 5.11 and later show the table that threads share once. */
	if (!task || (task->pid != task->tgid && task->files == task->group_leader->files))
		return 0;
	inode = file->f_inode;
	if ((inode->i_mode & WS_S_IFMT) == WS_S_IFSOCK) {
		socket = file->private_data;
		sk = BPF_CORE_READ(socket, sk);
		if (!sk || !ws_describe_held(&r, sk))
			return 0;
	} else if (ws_is_io_uring(file, inode)) {
		r.held.kind = WS_HELD_IO_URING;
	} else {
		return 0;
	}
	r.held.inode = inode->i_ino;
	r.held.tgid = task->tgid;
	r.held.fd = ctx->fd;
	if (r.held.size == sizeof(r))
		bpf_seq_write(out, &r, sizeof(r));
	else
		bpf_seq_write(out, &r.held, sizeof(r.held));
	return 0;
}

#endif
