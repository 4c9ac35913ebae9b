/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backends: the processes that serve devices of the guest by vhost-user: those of --vhost-user,
 * which somebody else started, and a virtiofsd of our own for each --share. What is here is the way
 * to them, and their names; the devices are the machine's.
 */
#ifndef VMM_BACKENDS_H
#define VMM_BACKENDS_H

#include "devices/virtio/vhost_user.h"
#include "vmm/config.h"
#include "vmm/host/keeper.h"
#include "vmm/host/virtiofsd.h"

struct backend {
	struct keeper *keeper; /* borrowed */
	struct keeper_job job;
	unsigned nr;	  /* the job's */
	int fd;		  /* the first connection, until a device takes it; -1: none */
	struct virtio *v; /* the device; NULL: none yet, or no more */
	char *name;	  /* owned */
	char *dir;	  /* owned; of a share */
	struct virtiofsd_args args;
	struct vhost_user_setup setup;
};

struct backends {
	struct backend *at; /* owned; NULL: none */
	size_t nr;
	struct virtiofsd program;
};

/*
 * Connects to all of @c's, and starts what is to be started. On failure some may be there:
 * backends_close() in any case. @c outlives this.
 */
int backends_open(struct backends *b, const struct vm_config *c, struct keeper *k,
		  struct err *e) MUST_CHECK;

/* Makes the device of @b, with the first connection. NULL and @e set on failure. */
struct virtio *backend_device(struct backend *b, struct gmem *mem, struct loop *l,
			      struct err *e) MUST_CHECK;

/* The devices are gone, and the keeper, too. Fine on zeroes. */
void backends_close(struct backends *b);

#endif
