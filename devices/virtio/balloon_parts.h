/* SPDX-License-Identifier: Apache-2.0 */
/* Between balloon.c (life, configuration, what is asked of it) and balloon_serve.c (the queues). */
#ifndef DEVICES_VIRTIO_BALLOON_PARTS_H
#define DEVICES_VIRTIO_BALLOON_PARTS_H

#include "devices/virtio/balloon.h"
#include "devices/virtio/balloon_pages.h"
#include "devices/virtio/server.h"
#include "vmm/base/le.h"

enum {
	BALLOON_F_STATS_VQ = 1,
	BALLOON_F_DEFLATE_ON_OOM = 2,
	BALLOON_F_PAGE_POISON = 4,
	BALLOON_F_REPORTING = 5,
};

/*
 * Queues. The specification gives reporting number 4; but Linux numbers only those that it uses,
 * and then it is 3, or 2 without statistics. There being no free page hints, both can be.
 */
enum {
	BALLOON_Q_INFLATE,
	BALLOON_Q_DEFLATE,
	BALLOON_Q_THIRD,
	BALLOON_Q_FOURTH,
	BALLOON_Q_FIFTH,
	BALLOON_QUEUES
};

struct balloon_space {
	le32 num_pages, actual, free_page_hint_cmd_id, poison_val;
};

static_assert(sizeof(struct balloon_space) == 16, "as section 5.5.4 has it");

struct balloon;

/* A queue, and the request of it that a turn left unfinished, or that waits. */
struct balloon_lane {
	struct server server;
	struct balloon *b;
	struct request *now; /* queue.lock */
	size_t done;	     /* bytes of it; queue.lock */
};

struct balloon {
	struct virtio v;
	const struct gmem *mem;	    /* borrowed, outlives us */
	struct balloon_space space; /* v.lock */
	_Atomic bool poison;	    /* poison_val is not 0 */
	struct balloon_pages pages; /* loop thread; and a reset, with all queues stopped */
	_Atomic uint64_t target;    /* space.num_pages */
	_Atomic uint64_t inflated, reported, not_ram;
	/* The lock of the queue for statistics. */
	unsigned has_stats;
	uint64_t stats[VIRTIO_BALLOON_S_TAGS];
	struct virtio_balloon_asked *asked; /* NULL: nobody waits for an answer */
	struct queue queue[BALLOON_QUEUES];
	struct balloon_lane lane[BALLOON_QUEUES];
};

/* The turns of the queues. */
extern bool (*const balloon_turn[BALLOON_QUEUES])(struct server *s);

/* With the lock of the queue for statistics. */
void balloon_figures(struct balloon *b, struct virtio_balloon_figures *f);

#endif
