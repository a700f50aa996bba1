/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control groups of a task as text, for a process that is gone before anybody can read /proc/PID/cgroup. Three
 * hierarchies: version 2's, and of version 1 those of memory and pids, which container runtimes and systemd use for
 * whatever they start. (Named ones, as systemd's own of version 1, hang in a list that is long to walk.)
 */
#ifndef WIRESPAN_BPF_GROUPS_H
#define WIRESPAN_BPF_GROUPS_H

#include "bpf/lib/maps.h"

#define WS_GROUP_DEPTH 16 /* a container of a pod of a node that is a container: 9 */
#define WS_GROUP_NAME 256 /* NAME_MAX and a NUL */

/*
 * Kept in memory, because the verifier forgets what it knew of a value that comes from there: it looks at each step
 * once then, not once for each way to it.
 */
struct ws_group_scratch {
	__u64 names[WS_GROUP_DEPTH]; /* addresses, from the group's own up */
	__u32 depth;
	__u32 at;   /* where the next line begins */
	__u32 next; /* byte of this one */
	__u32 unused;
};

/* The first one belongs to who holds this CPU's ring, the second one to the iterator. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct ws_group_scratch);
} ws_group_scratches SEC(".maps");

static __always_inline struct kernfs_node *ws_group_parent(struct kernfs_node *node)
{
	struct kernfs_node___before_6_15 *old = (void *)node;

	if (bpf_core_field_exists(old->parent))
		return BPF_CORE_READ(old, parent);
	return BPF_CORE_READ(node, __parent);
}

/*
 * Appends "<head>/a/b\n". The text ends at WS_GROUPS_TEXT - 1 at most, with WS_GROUP_NAME bytes and more of memory behind
 * that. Nothing is appended if not all of the path fits. Names are found from the last one up, and written from the
 * first one down.
 */
static __always_inline void ws_put_group(struct ws_group_scratch *s, __u8 *text, const char *head, __u32 head_size,
					 struct cgroup *group)
{
	struct kernfs_node *node = BPF_CORE_READ(group, kn), *parent;
	__u32 at, left, i;
	__u64 n;

	WS_ROLLED
	for (i = 0; i < WS_GROUP_DEPTH; i++) {
		parent = ws_group_parent(node);
		if (!parent)
			break; /* the root's name is empty */
		s->names[i] = (__u64)BPF_CORE_READ(node, name);
		node = parent;
	}
	if (!node || ws_group_parent(node))
		return;
	*(volatile __u32 *)&s->depth = i;
	left = *(volatile __u32 *)&s->depth;
	at = *(volatile __u32 *)&s->at;
	WS_OPAQUE(at);
	if (at > WS_GROUPS_TEXT - 32)
		return;
	__builtin_memcpy(text + at, head, head_size);
	at += head_size;
	if (!left)
		text[at++] = '/';
	WS_ROLLED
	for (i = 0; i < WS_GROUP_DEPTH && left; i++) {
		left--;
		WS_OPAQUE(at);
		if (at > WS_GROUPS_TEXT - WS_GROUP_NAME - 2)
			return;
		text[at++] = '/';
		/* In one comparison, which old verifiers follow: an error, an empty name or one that is cut. */
		n = bpf_probe_read_kernel_str(text + at, WS_GROUP_NAME, (void *)s->names[left & (WS_GROUP_DEPTH - 1)]) -
		    2;
		WS_OPAQUE(n);
		if (n > WS_GROUP_NAME - 2)
			return;
		*(volatile __u32 *)&s->next = at + n + 1;
		at = *(volatile __u32 *)&s->next;
	}
	WS_OPAQUE(at);
	if (at >= WS_GROUPS_TEXT)
		return;
	text[at] = '\n';
	s->at = at + 1;
}

static __always_inline struct cgroup *ws_group_of(struct css_set *set, __u32 controller)
{
	struct cgroup_subsys_state *state = NULL;

	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)set + bpf_core_field_offset(set->subsys) + controller * sizeof(state));
	return BPF_CORE_READ(state, cgroup);
}

/*
 * How many bytes of lines are at `text` afterwards. WS_GROUPS_TEXT and WS_GROUP_NAME bytes of memory must be there.
 */
static __always_inline __u32 ws_put_groups(__u8 *text, struct css_set *set, __u32 scratch)
{
	struct ws_group_scratch *s = bpf_map_lookup_elem(&ws_group_scratches, &scratch);
	struct cgroup *unified = BPF_CORE_READ(set, dfl_cgrp), *group;
	struct cgroup_root *root = BPF_CORE_READ(unified, root), *of_memory = NULL, *of_pids;

	if (!s)
		return 0;
	s->at = 0;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
		group = ws_group_of(set, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
		of_memory = BPF_CORE_READ(group, root);
		if (of_memory && of_memory != root)
			ws_put_group(s, text, "1:memory:", 9, group);
	}
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id)) {
		group = ws_group_of(set, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
		of_pids = BPF_CORE_READ(group, root);
		if (of_pids && of_pids != root && of_pids != of_memory)
			ws_put_group(s, text, "2:pids:", 7, group);
	}
	ws_put_group(s, text, "0::", 3, unified);
	return *(volatile __u32 *)&s->at & (WS_GROUPS_TEXT - 1);
}

/*
 * The root of the control group namespace of who reads this iterator: paths of /proc/PID/cgroup begin there. Hook: an
 * iterator over any hash map (5.9), because it runs in its reader; its last call, without an element, tells.
 */
__u8 ws_own_groups[WS_GROUPS_TEXT + WS_GROUP_NAME];

SEC("iter/bpf_map_elem")
int own_groups(struct bpf_iter__bpf_map_elem *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 size;

	if (ctx->key)
		return 0;
	size = ws_put_groups(ws_own_groups, BPF_CORE_READ(task, nsproxy, cgroup_ns, root_cset), 1);
	bpf_seq_write(ctx->meta->seq, ws_own_groups, size);
	return 0;
}

#endif
