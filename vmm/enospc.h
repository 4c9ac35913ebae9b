/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enospc: the machine stands still while a write of a disk waits for room on the host. The disk
 * tries again by itself, so making room is all that a user has to do.
 */
#ifndef VMM_ENOSPC_H
#define VMM_ENOSPC_H

#include "vmm/base/mutex.h"
#include "vmm/core/loop.h"
#include "vmm/vcpu.h"

struct enospc {
	struct loop *loop;   /* borrowed; NULL before enospc_init() */
	struct vcpus *vcpus; /* borrowed */
	struct call call;
	struct mutex lock;
	unsigned waiting; /* queues with a write that waits; lock */
	char name[128];	  /* of the disk that was the last to say so; lock */
	bool held;	  /* loop thread */
};

void enospc_init(struct enospc *s, struct loop *l, struct vcpus *v);

/* Queue of disk @name waits for room, or (not @full) goes on. Any thread, in turns for each queue.
 */
void enospc_tell(struct enospc *s, const char *name, bool full);

/* Nobody tells any more. Fine on zeroes. */
void enospc_done(struct enospc *s);

#endif
