/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio: what all virtio devices share (virtio 1.3, sections 2 and 3): feature negotiation, the
 * status machine, configuration space, queues. Modern only: without VERSION_1, FEATURES_OK is
 * refused.
 *
 * Three layers that meet at two small interfaces: a class (blk.c, console.c, rng.c) knows its
 * features, configuration and requests, and is a struct with struct virtio as its first member;
 * this core knows status and rings; a transport (mmio.c) knows registers and interrupts, is the
 * struct device on the bus, and owns the class' struct.
 *
 * Lock: the transport's device lock protects everything here but what says otherwise; calls from
 * the transport come with it held. Who serves the queues never takes it, so that a reset, on a vCPU
 * with the lock held, can wait until nobody touches the rings.
 *
 * What the driver may do in which state is decided in one place, by the functions below for
 * transports: those that return bool say false when it may not, and have no effect then but what is
 * said there; the transport counts that.
 */
#ifndef DEVICES_VIRTIO_VIRTIO_H
#define DEVICES_VIRTIO_VIRTIO_H

#include "devices/virtio/queue.h"

/* Feature bits that belong to no device type. */
enum {
	VIRTIO_F_INDIRECT_DESC = 28,
	VIRTIO_F_EVENT_IDX = 29,
	VIRTIO_F_VERSION_1 = 32,
	VIRTIO_F_RING_PACKED = 34,
	VIRTIO_F_NOTIFICATION_DATA = 38,
	VIRTIO_F_RING_RESET = 40,
};

#define VIRTIO_BIT(bit) (UINT64_C(1) << (bit))

/* Device status. */
enum {
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_NEEDS_RESET = 64, /* the device's to set */
	VIRTIO_FAILED = 128,
};

/* What the core asks of a transport. */
enum { VIRTIO_INT_QUEUE = 1, VIRTIO_INT_CONFIG = 2 };

struct virtio_ops {
	const char *name; /* "virtio-blk" */
	uint32_t id;	  /* device type */

	/*
	 * The driver writes its configuration space, wholly inside it, little-endian. Optional:
	 * without it writes have no effect.
	 */
	void (*config_write)(struct virtio *v, uint32_t off, const void *from,
			     uint32_t len) GUEST_FACING;
	bool config_early; /* ... and may do so before FEATURES_OK */

	/* Whether these features go together; the core has checked that all were offered. Optional.
	 */
	bool (*features_ok)(const struct virtio *v, uint64_t features) GUEST_FACING;

	/*
	 * For queues that are served outside of vmm (vhost), in place of queue_start() and
	 * queue_stop(): the core checked @s, which stands until the queue is stopped, and serves
	 * nothing of it. What queue_stop() begins is over when queue_stopped(), which is not
	 * optional then, returns. False: it cannot be, and the driver is told NEEDS_RESET.
	 */
	bool (*queue_start)(struct virtio *v, unsigned q, const struct queue_setup *s);
	void (*queue_stop)(struct virtio *v, unsigned q);

	/*
	 * DRIVER_OK: queues that were enabled are started, others are not. After it each gets a
	 * kick. Optional.
	 */
	void (*start)(struct virtio *v);

	/*
	 * Queue @q is stopped already: on return no request of it is in flight, and nobody touches
	 * the ring or its buffers. It may have been stopped before, or never started. Optional:
	 * without it the core waits with queue_drain().
	 */
	void (*queue_stopped)(struct virtio *v, unsigned q);

	/* After all queues were stopped: back to the state after power-on. Back ends stay.
	 * Optional. */
	void (*reset)(struct virtio *v);

	/* Frees the class' struct, and its queues with queue_done(). No queue is live; no vCPU
	 * runs. */
	void (*destroy)(struct virtio *v);
} OPS;

struct virtio {
	const struct virtio_ops *ops;
	struct mutex *lock; /* the transport's; NULL until it has one */

	/* The transport's; NULL until there is one. Any thread, with any queue's lock held. */
	void (*interrupt)(struct virtio *v, unsigned why);

	uint64_t offered;   /* feature bits; constant once a guest runs */
	uint64_t wanted;    /* what the driver has written so far */
	uint64_t accepted;  /* what was agreed on; 0 before FEATURES_OK */
	const void *config; /* the class' configuration space, little-endian; borrowed */
	uint32_t config_size;
	uint32_t config_generation;
	struct queue *queue; /* nr_queues of them; borrowed from the class */
	unsigned nr_queues;
	_Atomic uint8_t status;	       /* written with the lock; without NEEDS_RESET */
	_Atomic bool needs_reset;      /* any thread */
	_Atomic uint64_t rules_broken; /* how often a driver made the device need a reset */
};

/*
 * For classes: fills the common part. The features that every device has are added to @features:
 * VERSION_1, INDIRECT_DESC, EVENT_IDX, RING_PACKED, RING_RESET. @config and @queue lie in the
 * class' struct; the queues may be initialised later, but before there is a transport.
 */
void virtio_init(struct virtio *v, const struct virtio_ops *ops, uint64_t features,
		 const void *config, uint32_t config_size, struct queue *queue, unsigned nr_queues);

/* Accepted; constant while a queue is live. */
static inline bool virtio_has(const struct virtio *v, unsigned bit)
{
	return v->accepted & VIRTIO_BIT(bit);
}

/*
 * For classes: the configuration space was changed, in one piece with *v->lock held (it still is):
 * a new generation, and an interrupt.
 */
void virtio_config_changed(struct virtio *v);

/*
 * The driver broke a rule so that only a reset helps: DEVICE_NEEDS_RESET, and a configuration
 * interrupt. Any thread, takes no lock.
 */
void virtio_broken(struct virtio *v);

/* --- for transports, with the lock held --- */

/* To power-on state; waits until nothing is in flight. Also what a status of 0 does. */
void virtio_reset(struct virtio *v);

/*
 * Status. Bits are set in the order of the specification, several at once if need be, as far as
 * they may be: FEATURES_OK not without agreement on the features, DRIVER_OK not while a reset is
 * needed, nothing after FAILED, which stops all queues. Only 0 clears any.
 */
uint8_t virtio_status(const struct virtio *v);
bool virtio_set_status(struct virtio *v, uint32_t status) GUEST_FACING;

/* Features by words of 32 bits; there are two. */
uint32_t virtio_features(const struct virtio *v, uint32_t word) GUEST_FACING;
bool virtio_want_features(struct virtio *v, uint32_t word, uint32_t bits) GUEST_FACING;

/* Queue @i, or NULL when there is none. */
static inline struct queue *virtio_queue(const struct virtio *v, uint32_t i)
{
	return i < v->nr_queues ? &v->queue[i] : NULL;
}

enum virtio_area { VIRTIO_AREA_DESC, VIRTIO_AREA_DRIVER, VIRTIO_AREA_DEVICE };

/* Queue set-up; @q may be NULL, which is refused. An address comes in two halves. */
bool virtio_queue_size(struct virtio *v, struct queue *q, uint32_t size) GUEST_FACING;
bool virtio_queue_address(struct virtio *v, struct queue *q, enum virtio_area area, bool high,
			  uint32_t half) GUEST_FACING;

/* Enables it: what was set up is checked and stands from now on. A bad one: NEEDS_RESET. */
bool virtio_queue_enable(struct virtio *v, struct queue *q);

/* Stops it; what was set up can be changed again. Waits until nothing is in flight. */
bool virtio_queue_disable(struct virtio *v, struct queue *q);

/* RING_RESET: disables it and forgets what was set up. */
bool virtio_queue_reset(struct virtio *v, struct queue *q);

/*
 * The driver's notification when it comes as a register write: the queue's index, with
 * NOTIFICATION_DATA in the low 16 bits.
 */
bool virtio_notify(struct virtio *v, uint32_t value) GUEST_FACING;

/* Configuration space: @len is 1, 2 or 4. What lies outside reads as 0. */
bool virtio_config_read(const struct virtio *v, uint64_t off, unsigned len,
			uint32_t *value) GUEST_FACING;
bool virtio_config_write(struct virtio *v, uint64_t off, unsigned len, uint32_t value) GUEST_FACING;

#endif
