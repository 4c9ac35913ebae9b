/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between net.c (life, features, configuration), net_rx.c and net_tx.c (frames), net_header.c (what
 * their headers may say), net_control.c (what the driver asks for) and net_filter.c (which frames
 * it wants).
 *
 * All queues are served by the card's thread, in turns of a struct server. What only turns use
 * needs no other lock than their queue's: a reset, on a vCPU, writes it when all queues are
 * stopped, and each of them was locked for that.
 */
#ifndef DEVICES_VIRTIO_NET_PARTS_H
#define DEVICES_VIRTIO_NET_PARTS_H

#include "devices/virtio/net.h"
#include "devices/virtio/server.h"
#include "devices/virtio/turns.h"
#include "devices/virtio/vhost.h"
#include "vmm/base/thread.h"

/* Feature bits, section 5.1.3. */
enum {
	NET_F_CSUM = 0,
	NET_F_GUEST_CSUM = 1,
	NET_F_CTRL_GUEST_OFFLOADS = 2,
	NET_F_MTU = 3,
	NET_F_MAC = 5,
	NET_F_GUEST_TSO4 = 7,
	NET_F_GUEST_TSO6 = 8,
	NET_F_GUEST_ECN = 9,
	NET_F_HOST_TSO4 = 11,
	NET_F_HOST_TSO6 = 12,
	NET_F_HOST_ECN = 13,
	NET_F_MRG_RXBUF = 15,
	NET_F_STATUS = 16,
	NET_F_CTRL_VQ = 17,
	NET_F_CTRL_RX = 18,
	NET_F_CTRL_RX_EXTRA = 20,
	NET_F_GUEST_ANNOUNCE = 21,
	NET_F_MQ = 22,
	NET_F_CTRL_MAC_ADDR = 23,
	NET_F_GUEST_USO4 = 54,
	NET_F_GUEST_USO6 = 55,
	NET_F_HOST_USO = 56,
	NET_F_SPEED_DUPLEX = 63,
};

enum { NET_S_LINK_UP = 1, NET_S_ANNOUNCE = 2 };

/* The configuration space, section 5.1.4, as far as the duplex. */
struct net_space {
	uint8_t mac[NET_MAC];
	le16 status, max_pairs, mtu;
	le32 speed;
	uint8_t duplex, unused[3];
};

#define NET_SPACE_SIZE 17

/* --- net_filter.c: which frames the driver wants ---------------------------------------------- */

#define NET_TABLE 64 /* addresses of each kind; a driver that wants more gets all of that kind */

struct net_table {
	unsigned nr;
	bool overflow;
	uint8_t mac[NET_TABLE][NET_MAC];
};

struct net_filter {
	uint8_t mac[NET_MAC];
	bool promisc, all_multi, all_uni, no_multi, no_uni, no_broadcast;
	struct net_table uni, multi;
};

/* What a driver gets that has not said what it wants: all. */
void net_filter_reset(struct net_filter *f, const uint8_t mac[NET_MAC]);

/* Whether it wants a frame to @to. */
bool net_filter_wants(const struct net_filter *f, const uint8_t to[NET_MAC]);

/* --- net_header.c ----------------------------------------------------------------------------- */

/* What the driver's features let frames ask for, as a mask of enum net_offload. */
unsigned net_may_ask(uint64_t features);      /* those from it */
unsigned net_may_be_given(uint64_t features); /* those to it */

/* Whether features go together: section 5.1.3.1. */
bool net_features_ok(uint64_t features);

/*
 * Whether a driver whose frames may ask for @may may send one of @len bytes with this header; then
 * nothing is left in it that has no meaning.
 */
bool net_header_from_driver(struct net_header *h, size_t len, unsigned may);

/*
 * Makes the header of a frame from the host one that a driver understands which may be given @may;
 * computes the checksum if it has to. False: it must not get such a frame.
 */
bool net_header_to_driver(struct net_frame *f, unsigned may);

/* --- the card --------------------------------------------------------------------------------- */

struct net;

/* Of a queue of frames; and as many segments has the longest, its header included. */
#define NET_FRAME_ENTRIES 256

struct net_pair {
	struct net *net;

	/* The receive queue's lock. */
	struct net_frame frame;		  /* waits for buffers; its len is 0 when there is none */
	struct request *held, **held_end; /* buffers that wait for frames, oldest first */
	unsigned nr_held;
	size_t room; /* bytes in them */
	size_t last; /* the last frame's length */
	struct iovec place[NET_PLACES];
	struct timer stuck; /* thread; see net_rx.c */

	/* The transmit queue's lock. */
	struct request *sending; /* a frame that the host end does not take now */
	struct iovec pieces[1 + NET_FRAME_ENTRIES];

	unsigned wants; /* thread: NET_IN, NET_OUT; what the host end was told */
};

struct net_counters {
	_Atomic uint64_t bad;	    /* from the driver, that it must not send */
	_Atomic uint64_t unsent;    /* from the driver, lost at the host end */
	_Atomic uint64_t unwanted;  /* for the driver, which wants no such */
	_Atomic uint64_t too_large; /* for the driver, which has no room for them */
};

#define NET_QUEUES (2 * NET_MAX_QUEUES + 1)

struct net {
	struct virtio v;
	struct net_host *host; /* owned */
	struct net_front front;
	struct net_counters lost;
	struct net_space space; /* v.lock */

	struct loop *loop; /* owned; the thread's */
	struct thread thread;
	struct call settle; /* brings the configuration space up to date */
	bool link;	    /* thread: as the front was told */
	struct turns turns; /* thread: of transmit queues */
	atomic_bool announce;

	/* Turns; see above. */
	unsigned pairs; /* in use */
	struct net_filter filter;
	unsigned given;	     /* enum net_offload: of what may be given, what is wanted */
	atomic_bool reshape; /* the host end does not know of pairs and given yet */

	bool by_kernel;			    /* the queues of frames are the kernel's */
	struct vhost vhost[NET_MAX_QUEUES]; /* of each pair */
	struct call shape;		    /* by_kernel: does what reshape asks for */

	unsigned max_pairs;
	struct net_pair pair[NET_MAX_QUEUES];
	struct server server[NET_QUEUES]; /* by queue; of frames, by_kernel: none */
	struct queue queues[NET_QUEUES];
};

static inline struct net *net_of(const struct server *s)
{
	return container_of(s->queue->v, struct net, v);
}

static inline struct net_pair *net_pair_of(const struct server *s)
{
	return &net_of(s)->pair[s->queue->index / 2];
}

/* Has the host end know of pairs and given, if it does not. */
void net_reshape(struct net *n);

/* Which of the queues is the control queue depends on what the driver knows of. */
unsigned net_control_queue(const struct net *n);

/* --- net_kernel.c: frames moved by the kernel, vhost-net --- */

/*
 * Opens it for all pairs: n->by_kernel. Where it cannot be had, that is an error only when it is
 * wanted, NET_VHOST_ON.
 */
int net_kernel_init(struct net *n, enum net_vhost want, const struct gmem *mem,
		    struct err *e) MUST_CHECK;
void net_kernel_done(struct net *n);

/* For virtio_ops, also of queues that are served here. */
bool net_queue_start(struct virtio *v, unsigned q, const struct queue_setup *s);
void net_queue_stop(struct virtio *v, unsigned q);
void net_start(struct virtio *v);

/* Turns of the queues. */
bool net_receive_turn(struct server *s);
bool net_transmit_turn(struct server *s);
bool net_control_turn(struct server *s);

/* The pair's queue is stopped: lets go of its requests, and of the frame for them. */
void net_receive_stopped(struct net_pair *p);
void net_transmit_stopped(struct net_pair *p);

/* Sets up what net_rx.c keeps. */
void net_receive_init(struct net_pair *p);

/* Has the host end tell of @what from now on, or not. */
static inline void net_pair_want(struct net *n, struct net_pair *p, unsigned what, bool want)
{
	p->wants = want ? p->wants | what : p->wants & ~what;
	net_want(n->host, (unsigned)(p - n->pair), p->wants);
}

#endif
