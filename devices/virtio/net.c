/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/net.h"

#include "devices/virtio/net_parts.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_NET = 1, CONTROL_ENTRIES = 64 };

#define SPEED_MBIT  10000 /* nominal: what moves frames is the host's CPUs */
#define DUPLEX_FULL 1

static_assert(offsetof(struct net_space, duplex) + 1 == NET_SPACE_SIZE, "as section 5.1.4 has it");

static struct net *net(struct virtio *v)
{
	return container_of(v, struct net, v);
}

/* --- queues --------------------------------------------------------------------------------- */

unsigned net_control_queue(const struct net *n)
{
	return virtio_has(&n->v, NET_F_MQ) ? 2 * n->max_pairs : 2;
}

/* A queue that does not exist as things were negotiated: using it breaks it. */
static bool refuse(struct server *s)
{
	struct request *r;

	if (server_pop(s, &r)) {
		queue_break(s->queue);
		queue_push(r, 0);
	}
	return false;
}

void net_reshape(struct net *n)
{
	if (!atomic_exchange(&n->reshape, false))
		return;
	n->given = net_may_be_given(n->v.accepted);
	net_shape(n->host, n->pairs, n->given);
}

static bool turn(struct server *s)
{
	struct net *n = net_of(s);
	const unsigned q = s->queue->index, control = net_control_queue(n);

	net_reshape(n);
	if (q > control || (q == control && !virtio_has(&n->v, NET_F_CTRL_VQ)))
		return refuse(s);
	if (q == control)
		return net_control_turn(s);
	return q % 2 ? net_transmit_turn(s) : net_receive_turn(s);
}

/* --- what the host end tells ---------------------------------------------------------------- */

/* One that the driver has stopped, or not begun to use, shall not tell again and again. */
static void serve(struct net *n, struct net_pair *p, unsigned q, unsigned what)
{
	struct server *s = &n->server[2 * (p - n->pair) + q];

	server_run(s);
	if (!queue_live(s->queue))
		net_pair_want(n, p, what, false);
}

static void ready(struct net_front *f, unsigned queue, unsigned what)
{
	struct net *n = container_of(f, struct net, front);

	if (what & NET_IN)
		serve(n, &n->pair[queue], 0, NET_IN);
	if (what & NET_OUT)
		serve(n, &n->pair[queue], 1, NET_OUT);
}

/*
 * A driver that has just acknowledged an announcement, or changed its address, may see the old
 * value for a moment: this takes the device's lock, which comes before a queue's.
 */
static void settle(struct call *c)
{
	struct net *n = container_of(c, struct net, settle);
	uint16_t status = n->link ? NET_S_LINK_UP : 0;

	for (unsigned i = 0; i < n->max_pairs; i++)
		net_want(n->host, i, n->pair[i].wants);
	LOCK_SCOPE(n->v.lock);
	if (virtio_has(&n->v, NET_F_GUEST_ANNOUNCE) && atomic_load(&n->announce))
		status |= NET_S_ANNOUNCE;
	memcpy(n->space.mac, n->filter.mac, NET_MAC);
	if (status == le16_get(n->space.status))
		return;
	n->space.status = le16_of(status);
	virtio_config_changed(&n->v);
}

/* Who is at the other end now may not know of the guest. */
static void link_changed(struct net_front *f, bool up)
{
	struct net *n = container_of(f, struct net, front);

	n->link = up;
	atomic_store(&n->announce, up);
	settle(&n->settle);
	for (unsigned i = 0; i < n->max_pairs && !n->by_kernel; i++) {
		server_run(&n->server[2 * i]);
		server_run(&n->server[2 * i + 1]);
	}
}

static void run(void *arg)
{
	struct net *n = arg;
	struct err e;

	if (loop_run(n->loop, &e))
		log_error("%s: it stands still: %s", n->host->name, e.text);
}

/* --- the device ----------------------------------------------------------------------------- */

static bool net_features(const struct virtio *v UNUSED, uint64_t features)
{
	return net_features_ok(features);
}

static void net_queue_stopped(struct virtio *v, unsigned q)
{
	struct net *n = net(v);

	LOCK_SCOPE(&v->queue[q].lock);
	if (q == net_control_queue(n) || q / 2 >= n->max_pairs)
		return; /* commands are done with when a turn is */
	if (q % 2)
		net_transmit_stopped(&n->pair[q / 2]);
	else
		net_receive_stopped(&n->pair[q / 2]);
}

static void net_reset(struct virtio *v)
{
	struct net *n = net(v);

	n->pairs = 1;
	/* The host end is told by the thread, in the first turn of the next driver. */
	atomic_store(&n->reshape, true);
	net_filter_reset(&n->filter, n->host->mac);
	memcpy(n->space.mac, n->host->mac, NET_MAC);
	atomic_store(&n->announce, false);
	/* At the first one there is a lock: the thread may begin. */
	loop_post(n->loop, &n->settle);
	if (n->by_kernel)
		loop_post(n->loop, &n->shape);
}

static void net_destroy(struct virtio *v)
{
	struct net *n = net(v);

	if (n->thread.begun)
		loop_stop(n->loop);
	thread_join(&n->thread);
	for (unsigned i = 0; i < NET_QUEUES; i++)
		server_done(&n->server[i]);
	net_kernel_done(n);
	if (n->loop)
		loop_unpost(n->loop, &n->settle);
	net_close(n->host);
	loop_destroy(n->loop);
	for (unsigned i = 0; i < NET_QUEUES; i++)
		queue_done(&n->queues[i]);
	free(n);
}

static const struct virtio_ops net_ops = {
	.name = "virtio-net",
	.id = ID_NET,
	.features_ok = net_features,
	.queue_start = net_queue_start,
	.queue_stop = net_queue_stop,
	.start = net_start,
	.queue_stopped = net_queue_stopped,
	.reset = net_reset,
	.destroy = net_destroy,
};

/* --- making it ------------------------------------------------------------------------------ */

static uint64_t bit_if(unsigned mask, unsigned offload, unsigned bit)
{
	return mask & offload ? VIRTIO_BIT(bit) : 0;
}

static uint64_t features(const struct net_host *h)
{
	uint64_t f = VIRTIO_BIT(NET_F_MAC) | VIRTIO_BIT(NET_F_MRG_RXBUF) |
		     VIRTIO_BIT(NET_F_STATUS) | VIRTIO_BIT(NET_F_CTRL_VQ) |
		     VIRTIO_BIT(NET_F_CTRL_RX) | VIRTIO_BIT(NET_F_CTRL_RX_EXTRA) |
		     VIRTIO_BIT(NET_F_GUEST_ANNOUNCE) | VIRTIO_BIT(NET_F_CTRL_MAC_ADDR) |
		     VIRTIO_BIT(NET_F_SPEED_DUPLEX);

	f |= bit_if(h->offloads, NET_CSUM, NET_F_CSUM) |
	     bit_if(h->offloads, NET_TSO4, NET_F_HOST_TSO4) |
	     bit_if(h->offloads, NET_TSO6, NET_F_HOST_TSO6) |
	     bit_if(h->offloads, NET_ECN, NET_F_HOST_ECN) |
	     bit_if(h->offloads, NET_USO, NET_F_HOST_USO);
	f |= bit_if(h->gives, NET_CSUM, NET_F_GUEST_CSUM) |
	     bit_if(h->gives, NET_TSO4, NET_F_GUEST_TSO4) |
	     bit_if(h->gives, NET_TSO6, NET_F_GUEST_TSO6) |
	     bit_if(h->gives, NET_ECN, NET_F_GUEST_ECN) |
	     bit_if(h->gives, NET_USO, NET_F_GUEST_USO4) |
	     bit_if(h->gives, NET_USO, NET_F_GUEST_USO6) |
	     bit_if(h->gives, NET_TSO4, NET_F_CTRL_GUEST_OFFLOADS);
	if (h->queues > 1)
		f |= VIRTIO_BIT(NET_F_MQ);
	/* The usual one is no reason to keep the guest from another. */
	if (h->mtu && h->mtu != 1500)
		f |= VIRTIO_BIT(NET_F_MTU);
	return f;
}

/* The one place where this card's own server takes queue @i. */
static int create_queue(struct net *n, unsigned i, struct gmem *mem, struct err *e)
{
	const bool control = i == 2 * n->max_pairs;
	unsigned entries = control ? CONTROL_ENTRIES : NET_FRAME_ENTRIES;
	int code = queue_init(&n->queues[i], &n->v, mem, i, entries, entries, 0, e);

	if (code == 0 && n->by_kernel && !control)
		code = vhost_add_queue(&n->vhost[i / 2], &n->queues[i], e);
	/* Of a driver that knows of one pair, queue 2 is the control queue. */
	if (code || (n->by_kernel && !control && i != 2))
		return code;
	return server_init(&n->server[i], &n->queues[i], n->loop, turn, e);
}

static int start_thread(struct net *n, unsigned index, struct err *e)
{
	n->thread = (struct thread){ .kind = THREAD_NET, .run = run, .ctx = n };
	(void)snprintf(n->thread.name, sizeof(n->thread.name), "net/%u", index);
	return thread_start(&n->thread, e);
}

static int make(struct net *n, enum net_vhost vhost, struct gmem *mem, struct err *e)
{
	int code;

	n->loop = loop_create(e);
	if (!n->loop)
		return -e->code;
	code = net_attach(n->host, n->loop, &n->front, e);
	if (code == 0)
		code = net_kernel_init(n, vhost, mem, e);
	for (unsigned i = 0; code == 0 && i < n->v.nr_queues; i++)
		code = create_queue(n, i, mem, e);
	return code;
}

struct virtio *virtio_net_create(struct net_host *host, unsigned index, bool packed,
				 enum net_vhost vhost, struct gmem *mem, struct err *e)
{
	struct net *n = calloc(1, sizeof(*n));

	if (!n) {
		net_close(host);
		(void)err_set(e, ENOMEM, "net%u: out of memory", index);
		return NULL;
	}
	n->host = host;
	n->front = (struct net_front){ .ready = ready, .link = link_changed };
	n->settle.fn = settle;
	n->max_pairs = host->queues;
	n->pairs = 1;
	n->link = atomic_load(&host->up);
	atomic_store(&n->reshape, true);
	n->space = (struct net_space){
		.status = le16_of(n->link ? NET_S_LINK_UP : 0),
		.max_pairs = le16_of((uint16_t)n->max_pairs),
		.mtu = le16_of(host->mtu),
		.speed = le32_of(SPEED_MBIT),
		.duplex = DUPLEX_FULL,
	};
	memcpy(n->space.mac, host->mac, NET_MAC);
	net_filter_reset(&n->filter, host->mac);
	for (unsigned i = 0; i < n->max_pairs; i++) {
		n->pair[i].net = n;
		net_receive_init(&n->pair[i]);
	}
	virtio_init(&n->v, &net_ops, features(host), &n->space, NET_SPACE_SIZE, n->queues,
		    2 * n->max_pairs + 1);
	if (!packed)
		n->v.offered &= ~VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	if (make(n, vhost, mem, e) || start_thread(n, index, e)) {
		net_destroy(&n->v);
		return NULL;
	}
	return &n->v;
}
