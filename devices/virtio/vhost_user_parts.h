/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of vhost_user share. */
#ifndef DEVICES_VIRTIO_VHOST_USER_PARTS_H
#define DEVICES_VIRTIO_VHOST_USER_PARTS_H

#include "devices/virtio/vhost_user.h"
#include "devices/virtio/vhost_user_session.h"
#include "vmm/base/thread.h"

enum ring_state {
	RING_OFF,
	RING_WANTED,   /* the driver has it enabled: to be served whenever there is a back end */
	RING_STOPPING, /* the driver waits until it is OFF */
};

/* Who found that there is no back end; both speak in turns of one that fails again and again. */
enum away { AWAY_LOST, AWAY_DOWN };

struct vu_ring {
	struct vhost_user *u;
	struct watch call; /* loop thread */
	int call_fd;
	enum ring_state state;	  /* lock; only the thread makes it OFF */
	struct queue_setup setup; /* lock */

	/* The thread's own. */
	bool on;    /* in this session */
	bool began; /* was on before since it is wanted: there is something to take up */
	bool stuck; /* cannot be taken up */
};

struct vhost_user {
	struct virtio v;
	struct virtio_ops ops; /* as all, but for the type's name and number */
	char name[108];
	struct gmem *mem;  /* borrowed, outlives us */
	struct loop *loop; /* likewise */
	void (*again)(void *ctx);
	void *again_ctx;

	struct queue *queue; /* nr of them; owned, as the rings */
	struct vu_ring *ring;
	unsigned nr;
	uint8_t config[VU_CONFIG_MAX]; /* the transport's lock */
	uint32_t config_size;
	bool own_config; /* the back end is not asked for it */

	/* The thread's own. */
	struct session s;
	struct session_inflight kept;
	bool recorded;	 /* what the predecessor had in flight is in kept, for this session */
	bool configured; /* features are told in this session */
	bool idle;	 /* all rings went OFF: the driver begins anew */

	int channel[2]; /* the back end's own channel: ours, and its */
	int wake_fd;
	struct thread thread;

	/* Loop thread. */
	struct call tell;
	char told[2][200]; /* enum away: why, when that was said last; "": not since it was there */

	/* Inside the transport's lock. */
	struct mutex lock;
	struct cond stopped; /* a ring is OFF */
	bool quit;
	int new_fd;		/* a connection that the thread shall take; -1: none */
	uint64_t accepted;	/* by the driver */
	bool lost, back, stuck; /* to be told to the loop thread */
	char why[200];
	uint8_t fresh[VU_CONFIG_MAX]; /* the back end's configuration space */
	bool has_fresh;
	uint32_t write_from, write_to; /* bytes of it that the driver wrote; none when equal */
	uint8_t written[VU_CONFIG_MAX];
};

/* Milliseconds that a back end has for a round of messages. A test may change it. */
extern _Atomic unsigned vhost_user_limit_ms;

/* The thread. */
void vhost_user_serve(void *u);
void vhost_user_wake(const struct vhost_user *u);

/*
 * Where a successor of a back end that went away, and left no record, begins in the split ring: at
 * the first request that is not used. False: requests were completed out of order, so that which
 * were and which were not cannot be told.
 */
bool vhost_user_resume(const struct gmem *mem, const struct queue_setup *s, bool recorded,
		       uint16_t *base);

#endif
