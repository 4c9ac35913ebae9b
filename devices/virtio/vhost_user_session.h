/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost_user_session: what is said to a vhost-user back end between its coming and its going, on
 * top of the link's messages: the handshake, the guest's memory, the buffer that notes what is in
 * flight, and the rings. It knows the order of the protocol and no device.
 *
 * Of guest memory, regions that are shared (vmm/core/gmem.h) are told, at their guest physical
 * addresses: what the back end calls our addresses are those too, so it learns nothing of ours.
 *
 * One thread at a time. After an error: session_end().
 */
#ifndef DEVICES_VIRTIO_VHOST_USER_SESSION_H
#define DEVICES_VIRTIO_VHOST_USER_SESSION_H

#include "devices/virtio/queue.h"
#include "devices/virtio/vhost_user_link.h"

/* Which records a back end keeps of requests in flight, so that its successor finds them. */
struct session_inflight {
	int fd; /* owned; -1: none */
	struct vu_inflight of;
};

struct session {
	struct vu_link link; /* link.fd is -1 while there is no session */
	const struct gmem *mem;
	uint64_t features; /* that it offers, as it said them */
	uint64_t protocol; /* protocol features agreed on */
	uint64_t queues;   /* that it can have */
	bool begun;	   /* features and memory were told */
	int channel;	   /* our end of the back end's own channel; -1: not agreed on; borrowed */
};

/* A ring that is to be served: the set-up is checked. */
struct session_ring {
	unsigned index;
	struct queue_setup setup;
	uint16_t base;	      /* position of the first available entry to take */
	int kick_fd, call_fd; /* borrowed */
};

static inline bool session_has(const struct session *s, enum vu_protocol_feature f)
{
	return s->protocol & (UINT64_C(1) << f);
}

/*
 * Begins on @fd, a connected socket, which is the session's from here on: the handshake up to what
 * is known of the back end. @channel: both ends of a socket pair, ours first, that outlive the
 * session. What follows must be done within @limit_ms, or vu_limit() be called again.
 */
int session_open(struct session *s, const struct gmem *mem, int fd, const int channel[2],
		 unsigned limit_ms, struct err *e) MUST_CHECK;

/* Ends it, whatever state it is in. */
void session_end(struct session *s);

/* The configuration space: @len bytes of it. */
int session_read_config(struct session *s, void *to, size_t len, struct err *e) MUST_CHECK;
int session_write_config(struct session *s, uint32_t off, const void *from, size_t len,
			 struct err *e) MUST_CHECK;

/*
 * Before the first ring: @accepted features, the memory, and the buffer for what is in flight:
 * @kept->fd is one of a predecessor, or -1, and then a new one, of @queues queues with at most
 * @entries, is kept there, if the back end has such.
 */
int session_begin(struct session *s, uint64_t accepted, struct session_inflight *kept,
		  unsigned queues, unsigned entries, struct err *e) MUST_CHECK;

/* Has the ring served from now on. */
int session_start_ring(struct session *s, const struct session_ring *r, struct err *e) MUST_CHECK;

/* On return, the back end says that it is done with the ring and what was in it. */
int session_stop_ring(struct session *s, unsigned index, struct err *e) MUST_CHECK;

/* All rings run, or none does any more: told where the back end wants to know it. */
int session_driver_ok(struct session *s, struct err *e) MUST_CHECK;
int session_reset(struct session *s, struct err *e) MUST_CHECK;

void session_inflight_drop(struct session_inflight *kept);

#endif
