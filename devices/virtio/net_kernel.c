/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames between a tap and the guest moved by the host's kernel, /dev/vhost-net: one of it for each
 * pair of queues. The control queue stays with the card.
 *
 * What the driver says with it about addresses it wants has no effect then: it gets all that the
 * tap has for it. Headers are checked by the tap, which knows the same rules.
 */
#include "devices/virtio/net_parts.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>

/* With the lock, since no live queue keeps a reset away. */
static void shape(struct call *c)
{
	struct net *n = container_of(c, struct net, shape);

	LOCK_SCOPE(n->v.lock);
	net_reshape(n);
}

static int open_all(struct net *n, const struct gmem *mem, struct err *e)
{
	for (unsigned i = 0; i < n->max_pairs; i++) {
		n->vhost[i].fd = -1;
		if (vhost_init(&n->vhost[i], "net", mem, n->loop, e)) {
			while (i != UINT32_MAX)
				vhost_done(&n->vhost[i--]);
			return -e->code;
		}
	}
	return 0;
}

int net_kernel_init(struct net *n, enum net_vhost want, const struct gmem *mem, struct err *e)
{
	struct err why = { 0 };

	if (want == NET_VHOST_OFF || net_fd(n->host, 0) < 0)
		return 0;
	if (open_all(n, mem, &why)) {
		if (want == NET_VHOST_ON)
			return err_set(e, why.code, "%s: vhost: %s", n->host->name, why.text);
		log_info("%s: frames go through vmm: %s", n->host->name, why.text);
		return 0;
	}
	n->by_kernel = true;
	n->shape.fn = shape;
	vhost_limit_features(&n->vhost[0], &n->v,
			     n->v.offered & ~VIRTIO_BIT(NET_F_MRG_RXBUF) &
				     ~VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	return 0;
}

void net_kernel_done(struct net *n)
{
	if (!n->by_kernel)
		return;
	loop_unpost(n->loop, &n->shape);
	for (unsigned i = 0; i < n->max_pairs; i++)
		vhost_done(&n->vhost[i]);
}

/* -1 ends it, and waits until no frame is under way. */
static bool set_backend(struct net *n, unsigned q, int fd)
{
	struct vhost_vring_file f = { .index = q % 2, .fd = fd };

	return ioctl(n->vhost[q / 2].fd, VHOST_NET_SET_BACKEND, &f) == 0;
}

static bool is_kernel_s(const struct net *n, unsigned q)
{
	return n->by_kernel && q != net_control_queue(n) && q < 2 * n->max_pairs;
}

bool net_queue_start(struct virtio *v, unsigned q, const struct queue_setup *s)
{
	struct net *n = container_of(v, struct net, v);

	if (!is_kernel_s(n, q))
		return queue_start(&v->queue[q], s);
	if (!vhost_queue_start(&n->vhost[q / 2], q % 2, s))
		return false;
	if (set_backend(n, q, net_fd(n->host, q / 2)))
		return true;
	vhost_queue_stop(&n->vhost[q / 2], q % 2);
	return false;
}

void net_queue_stop(struct virtio *v, unsigned q)
{
	struct net *n = container_of(v, struct net, v);

	if (!is_kernel_s(n, q)) {
		queue_stop(&v->queue[q]);
		return;
	}
	(void)set_backend(n, q, -1);
	vhost_queue_stop(&n->vhost[q / 2], q % 2);
}

/* Nothing but this tells the tap what the driver takes: no turn of a queue of frames comes. */
void net_start(struct virtio *v)
{
	struct net *n = container_of(v, struct net, v);

	if (!n->by_kernel)
		return;
	atomic_store(&n->reshape, true);
	loop_post(n->loop, &n->shape);
}
