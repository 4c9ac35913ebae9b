/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost: queues of a class that the host's kernel serves (vmm/host/vhost.h), in place of
 * queue_pop() and queue_push(). Kicks reach the kernel by the queue's kick_fd. Its interrupts come
 * by an eventfd that the loop watches, and go to the transport, which sets InterruptStatus before
 * the line. What it finds wrong with a ring, also memory of the host that fails under it, is
 * DEVICE_NEEDS_RESET.
 *
 * The kernel writes the guest's memory unseen by gmem's observer.
 *
 * A class has one struct vhost for each fd, whose rings are numbered as they were added, and calls
 * this from its operations queue_start and queue_stop. When the kernel begins and ends to serve a
 * ring that is set up is the class' to say: each kind of device has an ioctl of its own for that.
 * In between come vhost_queue_start() and, after the end, vhost_queue_stop().
 */
#ifndef DEVICES_VIRTIO_VHOST_H
#define DEVICES_VIRTIO_VHOST_H

#include "devices/virtio/virtio.h"
#include "vmm/core/loop.h"

#define VHOST_QUEUES 2 /* of one fd */

struct vhost_queue {
	struct queue *q;       /* borrowed */
	int call_fd, error_fd; /* eventfds, owned */
	struct watch call, error;
	bool started; /* q->lock */
};

struct vhost {
	int fd;		   /* owned; -1: none */
	uint64_t features; /* what the kernel can */
	struct loop *loop; /* borrowed, outlives us */
	struct vhost_queue queue[VHOST_QUEUES];
	unsigned nr;
};

/* Opens /dev/vhost-@name; @mem has all its regions. Loop thread, as all but start and stop. */
int vhost_init(struct vhost *h, const char *name, const struct gmem *mem, struct loop *l,
	       struct err *e) MUST_CHECK;

/* @q, which is initialised and outlives it, is the next ring. */
int vhost_add_queue(struct vhost *h, struct queue *q, struct err *e) MUST_CHECK;

/*
 * Of the features that @v offers, leaves those that the kernel knows, those in @ours that it need
 * not know, and RING_RESET.
 */
void vhost_limit_features(const struct vhost *h, struct virtio *v, uint64_t ours);

/*
 * For virtio_ops: gives ring @i, as the driver has set it up, to the kernel, and takes it back.
 * False: the kernel refused. The transport's lock is held.
 */
bool vhost_queue_start(struct vhost *h, unsigned i, const struct queue_setup *s) MUST_CHECK;
void vhost_queue_stop(struct vhost *h, unsigned i);

/* No ring is started. Fine on one that is zeroed with fd -1, or failed. */
void vhost_done(struct vhost *h);

#endif
