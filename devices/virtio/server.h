/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: a virtqueue that the loop thread serves, in bounded turns.
 *
 * A kick begins a turn; one that did not finish is followed by another after the loop's other work
 * has had its own, so a guest that always has more does not keep the loop to itself. Kicks of a
 * queue that is not live are ignored. Loop thread throughout.
 */
#ifndef DEVICES_VIRTIO_SERVER_H
#define DEVICES_VIRTIO_SERVER_H

#include "devices/virtio/virtio.h"
#include "vmm/core/loop.h"

struct server {
	/* Serves the live queue for a while, with its lock; whether there is more to do at once. */
	bool (*turn)(struct server *s);
	struct queue *queue; /* borrowed, outlives us */
	struct loop *loop;   /* likewise */
	struct watch kick;
	struct call again;
};

/* @s is zeroed. From now on kicks are watched. */
int server_init(struct server *s, struct queue *q, struct loop *l, bool (*turn)(struct server *s),
		struct err *e) MUST_CHECK;

/* Fine on a zeroed one. */
void server_done(struct server *s);

/* A turn now, for another reason than a kick. Without the queue's lock. */
void server_run(struct server *s);

/* A turn soon. Any thread, any locks. */
void server_post(struct server *s);

/*
 * queue_pop() for a turn: says what was pushed before it says that there is nothing more, and then
 * has the driver kick when there is. True with *@r set; else the turn ends.
 */
bool server_pop(struct server *s, struct request **r) MUST_CHECK;

#endif
