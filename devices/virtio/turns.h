/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns: how a thread that serves a queue shares a host CPU with the vCPU.
 *
 * A kick may put the vCPU aside for us at once, or let it go on until it waits, so that all of its
 * requests are taken in one turn. The first is better for one request at a time, the second for
 * several; SCHED_BATCH asks for the second. On a host CPU of our own there is no difference. So it
 * is tried now and then, and kept up while it gives several. The serving thread's.
 */
#ifndef DEVICES_VIRTIO_TURNS_H
#define DEVICES_VIRTIO_TURNS_H

#include <stdbool.h>

struct turns {
	bool batch;
	unsigned
		count; /* until the next try, or of those that ended with one request in this one */
	unsigned others; /* of queues that do not count, since the last one that does */
};

/* A turn took this many requests; every @every turns the other way is tried. */
void turns_took(struct turns *t, unsigned requests, unsigned every);

/* A turn of another queue of this thread's: after many of them alone, a try has ended. */
void turns_other(struct turns *t);

#endif
