/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user: a virtio device whose queues are served by another process, the back end, that vmm is
 * connected to by a Unix socket (QEMU's docs/interop/vhost-user.rst). Any type: what is special to
 * one is its number, how many queues it has, and who has its configuration space.
 *
 * The guest's kicks go from KVM straight to the back end. What the back end completed comes back by
 * an eventfd that the loop watches, since somebody must set InterruptStatus first.
 *
 * A thread of the device's own speaks the protocol, which has replies to wait for: the loop waits
 * for none. A vCPU only where the driver stops a queue, and not longer than a time limit allows.
 *
 * A back end that goes away does so unseen by the guest: requests wait in the rings. When it is
 * back, it is told all again, and takes up what was in flight: with a record of it that it keeps
 * with us (INFLIGHT_SHMFD), or, without, if it completed everything in order so far. If neither,
 * the device needs a reset. Rings are split ones: of packed ones nobody else knows the position.
 *
 * Not modelled: live migration, the control queue of network devices, shared memory regions.
 */
#ifndef DEVICES_VIRTIO_VHOST_USER_H
#define DEVICES_VIRTIO_VHOST_USER_H

#include "devices/virtio/virtio.h"
#include "vmm/core/loop.h"

#define VHOST_USER_MAX_QUEUES 64

/* Types that are known by name. */
enum { VHOST_USER_NET = 1, VHOST_USER_BLK = 2, VHOST_USER_FS = 26 };
#define VHOST_USER_MAX_TYPE 63 /* of all */

#define VHOST_USER_FS_TAG 36 /* bytes of a tag at most */

/* All is borrowed until vhost_user_create() returns, but for what @again needs. */
struct vhost_user_setup {
	const char *name; /* for messages: "vhost-user /run/blk.sock" */
	unsigned type;
	unsigned queues;      /* request queues; 0: one, or what the type has at least */
	const char *tag;      /* of a file system */
	unsigned config_size; /* bytes of the configuration space; 0: what the type has */

	/*
	 * Asks for a new connection, which vhost_user_up() is to be called with. Loop thread, after
	 * the last one was lost; never from inside vhost_user_up() or vhost_user_down().
	 */
	void (*again)(void *ctx);
	void *ctx;
};

/*
 * Takes @fd, connected, in any case, and shakes hands, for ten seconds at most. @mem and @loop
 * outlive the device. NULL and @e set: the back end is no such one, or cannot what is asked for.
 */
struct virtio *vhost_user_create(const struct vhost_user_setup *c, int fd, struct gmem *mem,
				 struct loop *loop, struct err *e) MUST_CHECK;

/* A new connection; the device's. Loop thread. */
void vhost_user_up(struct virtio *v, int fd);

/* There cannot be one, now; says so once, and asks again. Loop thread. */
void vhost_user_down(struct virtio *v, const char *why);

#endif
