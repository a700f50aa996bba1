/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Where the messages in a stream's DATA begin, if they are gRPC's: a flag of 0 or 1, four octets of length, and so many
 * octets, without regard to frames. What is guessed here decides which octets of DATA are copied and which frames are
 * summed; user space knows the content type and counts.
 *
 *   kind    what is known of the stream's DATA                     its frames
 *
 *   START   HEADERS went before: a message or any body begins      looked at
 *   GRPC    messages, `left` octets until the next prefix          prefixes are copied; summed inside a message
 *   FREE    no messages, or nobody can look for them               summed
 *   VAGUE   its beginning was not seen                             16 octets of each are copied
 *
 * A few streams of a direction are remembered. A wrong guess costs records, or exact counts of messages, nothing else.
 */
#ifndef WIRESPAN_BPF_INFER_MESSAGE_H
#define WIRESPAN_BPF_INFER_MESSAGE_H

#include "bpf/lib/infer/frame.h"

enum ws_message_kind {
	WS_MESSAGE_VAGUE = 0,
	WS_MESSAGE_START = 1,
	WS_MESSAGE_GRPC = 2,
	WS_MESSAGE_FREE = 3,
};

#define WS_MESSAGE_PREFIX 5
#define WS_MESSAGE_MAX (1u << 30)
#define WS_MESSAGE_EMPTY 4 /* so many empty messages in a row are zeros, not messages */

/* One stream's DATA in one direction. */
struct ws_message {
	__u32 stream; /* 0: free */
	__u32 left;   /* GRPC: octets until the next prefix; while `have`: the length so far */
	__u8 kind;
	__u8 have;  /* octets of a prefix that is cut over frames or calls */
	__u8 empty; /* messages without an octet in a row */
	__u8 sure;  /* its beginning was seen */
};

#define WS_MESSAGES 4

struct ws_messages {
	struct ws_message of[WS_MESSAGES];
};

/* Index of the stream's entry; WS_MESSAGES: none. */
WS_INLINE __u32 ws_message_find(const struct ws_messages *messages, __u32 stream)
{
	if (messages->of[0].stream == stream)
		return 0;
	if (messages->of[1].stream == stream)
		return 1;
	if (messages->of[2].stream == stream)
		return 2;
	if (messages->of[3].stream == stream)
		return 3;
	return WS_MESSAGES;
}

/* The stream's entry: the one it has, a free one, or another stream's. */
WS_INLINE __u32 ws_message_take(struct ws_messages *messages, __u32 stream, __u8 kind, __u8 *victim)
{
	__u32 at = ws_message_find(messages, stream);

	if (at == WS_MESSAGES)
		at = ws_message_find(messages, 0);
	if (at == WS_MESSAGES)
		at = ++*victim;
	at &= WS_MESSAGES - 1;
	messages->of[at].stream = stream;
	messages->of[at].kind = kind;
	messages->of[at].left = 0;
	messages->of[at].have = 0;
	messages->of[at].empty = 0;
	messages->of[at].sure = kind == WS_MESSAGE_START;
	return at;
}

/* A whole prefix was read. False: this is no message. */
WS_INLINE int ws_message_begins(struct ws_message *message, __u8 flag, __u32 length)
{
	message->have = 0;
	message->left = 0;
	message->empty = length ? 0 : message->empty + 1;
	if (flag > 1 || length > WS_MESSAGE_MAX || message->empty >= WS_MESSAGE_EMPTY) {
		message->kind = message->sure ? WS_MESSAGE_FREE : WS_MESSAGE_VAGUE;
		return 0;
	}
	message->kind = WS_MESSAGE_GRPC;
	message->left = length;
	return 1;
}

/* One octet of a prefix that is cut. False: this is no message. */
WS_INLINE int ws_message_octet(struct ws_message *message, __u8 octet)
{
	if (!message->have) {
		message->left = 0;
		if (octet > 1)
			return ws_message_begins(message, octet, 1);
		message->have = 1;
		return 1;
	}
	message->left = message->left << 8 | octet;
	if (++message->have < WS_MESSAGE_PREFIX)
		return 1;
	return ws_message_begins(message, 0, message->left);
}

/* Octets were passed that nobody looked at. */
WS_INLINE void ws_message_blur(struct ws_message *message)
{
	message->kind = WS_MESSAGE_VAGUE;
	message->sure = 0;
	message->have = 0;
	message->left = 0;
}

/*
 * A call without a buffer (sendfile) carried octets. Who begins a body so goes on so: a file, which has no messages, or
 * none that we could find.
 */
WS_INLINE void ws_message_unseen(struct ws_message *message)
{
	if (message->kind == WS_MESSAGE_START && !message->have)
		message->kind = WS_MESSAGE_FREE;
}

/* Would a message at the start of a frame with so much payload fill it and, maybe, go on behind it? */
WS_INLINE int ws_message_fills(const __u8 *p, __u32 payload)
{
	__u32 length = ws_big32(p + 1);

	return p[0] <= 1 && length + WS_MESSAGE_PREFIX >= payload && length <= (1u << 26);
}

#endif
