/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost: a device of the host's kernel that serves virtqueues, /dev/vhost-NAME
 * (include/uapi/linux/vhost.h). Opened at set-up; the rest may come at any time, from any thread,
 * for one ring after the other.
 */
#ifndef VMM_HOST_VHOST_H
#define VMM_HOST_VHOST_H

#include "vmm/core/gmem.h"

/*
 * Opens /dev/vhost-@name and makes it this process': *@fd, the caller's, and what it can in
 * *@features. An error says what to do: which module to load, whom to ask for permission.
 */
int vhost_open(const char *name, int *fd, uint64_t *features, struct err *e) MUST_CHECK;

/*
 * The memory that rings and buffers may lie in: all of @m that is not read-only, since the kernel
 * knows no such difference. Once, before a ring is started.
 */
int vhost_set_memory(int fd, const struct gmem *m, struct err *e) MUST_CHECK;

/* What was agreed on with the driver; a part of what it can. */
int vhost_set_features(int fd, uint64_t features) MUST_CHECK;

/* A ring of split format, from its beginning. */
struct vhost_ring {
	unsigned index; /* of the ring in the device */
	uint32_t size;
	void GUEST_MEM *desc, *driver, *device; /* on the host */
	int kick_fd, call_fd, error_fd;		/* eventfds */
};

/* -errno; the ring is served when the device's own way to begin was taken, too. */
int vhost_start_ring(int fd, const struct vhost_ring *r) MUST_CHECK;

/* Lets go of its eventfds. Serving was ended before, by the device's own way to. */
void vhost_stop_ring(int fd, unsigned index);

#endif
