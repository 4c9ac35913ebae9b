/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost_user_link: messages of the vhost-user protocol (QEMU's docs/interop/vhost-user.rst), as the
 * front end sends them and takes what comes back, with descriptors, over one Unix socket.
 *
 * The back end is a peer that may lie, be slow, or be gone at any time. What it sends is taken in
 * full, into memory of ours that was there before, and must be just what the protocol allows at
 * that point: version, request, flags, size, and how many descriptors. Anything else is an error,
 * and so is a reply that does not come within the time that was set; after any error the link is of
 * no use.
 *
 * One thread at a time.
 */
#ifndef DEVICES_VIRTIO_VHOST_USER_LINK_H
#define DEVICES_VIRTIO_VHOST_USER_LINK_H

#include "vmm/base/err.h"

#include <assert.h>

/* Messages to the back end. */
enum vu_request {
	VU_GET_FEATURES = 1,
	VU_SET_FEATURES = 2,
	VU_SET_OWNER = 3,
	VU_SET_MEM_TABLE = 5,
	VU_SET_VRING_NUM = 8,
	VU_SET_VRING_ADDR = 9,
	VU_SET_VRING_BASE = 10,
	VU_GET_VRING_BASE = 11,
	VU_SET_VRING_KICK = 12,
	VU_SET_VRING_CALL = 13,
	VU_GET_PROTOCOL_FEATURES = 15,
	VU_SET_PROTOCOL_FEATURES = 16,
	VU_GET_QUEUE_NUM = 17,
	VU_SET_VRING_ENABLE = 18,
	VU_SET_BACKEND_REQ_FD = 21,
	VU_GET_CONFIG = 24,
	VU_SET_CONFIG = 25,
	VU_GET_INFLIGHT_FD = 31,
	VU_SET_INFLIGHT_FD = 32,
	VU_GET_MAX_MEM_SLOTS = 36,
	VU_ADD_MEM_REG = 37,
	VU_SET_STATUS = 39,
};

/* Messages from it, on a channel of their own. */
enum vu_backend_request {
	VU_BACKEND_CONFIG_CHANGE = 2,
};

#define VU_F_PROTOCOL_FEATURES 30 /* a feature bit, and no device's */

enum vu_protocol_feature {
	VU_PROTOCOL_MQ = 0,
	VU_PROTOCOL_REPLY_ACK = 3,
	VU_PROTOCOL_BACKEND_REQ = 5,
	VU_PROTOCOL_CONFIG = 9,
	VU_PROTOCOL_INFLIGHT_SHMFD = 12,
	VU_PROTOCOL_CONFIGURE_MEM_SLOTS = 15,
	VU_PROTOCOL_STATUS = 16,
};

#define VU_VERSION    1U
#define VU_REPLY      4U /* flags beside the version */
#define VU_NEED_REPLY 8U

struct vu_header {
	uint32_t request, flags, size; /* size: bytes that follow */
};

struct vu_vring_state {
	uint32_t index, num;
};

struct vu_vring_addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

struct vu_region {
	uint64_t guest, size, user, offset;
};

#define VU_TABLE_REGIONS 8 /* of a SET_MEM_TABLE */

struct vu_mem_table {
	uint32_t nr, padding;
	struct vu_region region[VU_TABLE_REGIONS];
};

struct vu_mem_reg {
	uint64_t padding;
	struct vu_region region;
};

struct vu_inflight {
	uint64_t size, offset;
	uint16_t queues, entries;
	uint32_t padding; /* of the struct in C that back ends read it into */
};

#define VU_CONFIG_MAX 256 /* bytes of a configuration space */

struct vu_config {
	uint32_t offset, size, flags;
	uint8_t bytes[VU_CONFIG_MAX];
};

static_assert(sizeof(struct vu_header) == 12 && sizeof(struct vu_vring_addr) == 40 &&
		      sizeof(struct vu_mem_table) == 264 && sizeof(struct vu_mem_reg) == 40 &&
		      sizeof(struct vu_inflight) == 24 && sizeof(struct vu_config) == 268,
	      "as the protocol has them");

#define VU_FDS_MAX 8 /* descriptors that come with one message */

struct vu_link {
	int fd;		      /* owned; -1: none */
	bool reply_ack;	      /* agreed on: what has no reply is acknowledged */
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; what takes longer fails */
};

/* From now on, all that follows must be done within @ms. */
void vu_limit(struct vu_link *l, unsigned ms);

/* Closes it; fine on a closed one. */
void vu_close(struct vu_link *l);

/* Sends, with @nr descriptors, which stay the caller's. Waits for the acknowledgement if agreed. */
int vu_send(struct vu_link *l, enum vu_request request, const void *payload, size_t size,
	    const int *fds, unsigned nr, struct err *e) MUST_CHECK;

/*
 * Sends, and takes the reply: at least @min and at most @max bytes of it into @reply, and how many
 * into *@got (NULL: @min is @max). @fd NULL: no descriptor may come with it; else one may, which
 * is the caller's then, or it is -1.
 */
int vu_ask(struct vu_link *l, enum vu_request request, const void *payload, size_t size,
	   void *reply, size_t min, size_t max, size_t *got, int *fd, struct err *e) MUST_CHECK;

/* The common case: a number. */
int vu_ask_u64(struct vu_link *l, enum vu_request request, uint64_t *value,
	       struct err *e) MUST_CHECK;

/*
 * Takes a message that is there, from the back end's own channel: header, and payload of at most
 * @max bytes; descriptors are closed. 0, or -EPROTO for what is no such message.
 */
int vu_take(int channel, struct vu_header *h, void *payload, size_t max, struct err *e) MUST_CHECK;

/* Answers it, if it asks for an answer and that was agreed on. */
int vu_answer(int channel, const struct vu_header *h, uint64_t value, struct err *e) MUST_CHECK;

#endif
