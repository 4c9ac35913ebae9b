/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vsock by the host's kernel: /dev/vhost-vsock has the two queues with packets; the one for events
 * stays here, and there are none.
 *
 * The kernel serves both queues or neither, so it begins when both are there, and when one of them
 * is reset by itself the other rests until that is back.
 */
#include "devices/virtio/vhost.h"
#include "devices/virtio/vsock_parts.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum { DEVICE_ID = 19, ENTRIES = 128, EVENT_ENTRIES = 16, BOTH = 3 };

struct kernel_vsock {
	struct virtio v;
	struct queue queue[VSOCK_QUEUES];
	struct vhost vhost;
	struct vsock_config_space config;
	unsigned given; /* transport's lock: a bit for each queue that the kernel has */
};

static struct kernel_vsock *kernel_vsock(struct virtio *v)
{
	return container_of(v, struct kernel_vsock, v);
}

static bool run(struct kernel_vsock *s, int on)
{
	return ioctl(s->vhost.fd, VHOST_VSOCK_SET_RUNNING, &on) == 0;
}

static void take_back(struct kernel_vsock *s, unsigned q)
{
	if (s->given == BOTH)
		(void)run(s, false);
	if (s->given & 1U << q)
		vhost_queue_stop(&s->vhost, q);
	s->given &= ~(1U << q);
}

static bool kernel_queue_start(struct virtio *v, unsigned q, const struct queue_setup *setup)
{
	struct kernel_vsock *s = kernel_vsock(v);

	if (q == VSOCK_EVENT)
		return queue_start(&s->queue[q], setup);
	if (!vhost_queue_start(&s->vhost, q, setup))
		return false;
	s->given |= 1U << q;
	if (s->given != BOTH || run(s, true))
		return true;
	take_back(s, q);
	return false;
}

static void kernel_queue_stop(struct virtio *v, unsigned q)
{
	struct kernel_vsock *s = kernel_vsock(v);

	if (q == VSOCK_EVENT)
		queue_stop(&s->queue[q]);
	else
		take_back(s, q);
}

static void kernel_queue_stopped(struct virtio *v UNUSED, unsigned q UNUSED)
{
	/* It was when kernel_queue_stop() returned. */
}

static void kernel_destroy(struct virtio *v)
{
	struct kernel_vsock *s = kernel_vsock(v);

	vhost_done(&s->vhost);
	for (unsigned i = 0; i < VSOCK_QUEUES; i++)
		queue_done(&s->queue[i]);
	free(s);
}

static const struct virtio_ops kernel_ops = {
	.name = "virtio-vsock",
	.id = DEVICE_ID,
	.queue_start = kernel_queue_start,
	.queue_stop = kernel_queue_stop,
	.queue_stopped = kernel_queue_stopped,
	.destroy = kernel_destroy,
};

static int set_cid(struct kernel_vsock *s, uint32_t cid, struct err *e)
{
	uint64_t c = cid;

	if (ioctl(s->vhost.fd, VHOST_VSOCK_SET_GUEST_CID, &c) == 0)
		return 0;
	if (errno == EADDRINUSE)
		return err_set(e, EADDRINUSE, "CID %u is another guest's; choose another", cid);
	return err_sys(e, "CID %u", cid);
}

static int make(struct kernel_vsock *s, uint32_t cid, struct gmem *mem, struct loop *loop,
		struct err *e)
{
	if (vhost_init(&s->vhost, "vsock", mem, loop, e))
		return -e->code;
	vhost_limit_features(&s->vhost, &s->v, 0);
	for (unsigned i = 0; i < VSOCK_QUEUES; i++) {
		unsigned entries = i == VSOCK_EVENT ? EVENT_ENTRIES : ENTRIES;

		if (queue_init(&s->queue[i], &s->v, mem, i, entries, entries, 0, e) ||
		    (i != VSOCK_EVENT && vhost_add_queue(&s->vhost, &s->queue[i], e)))
			return -e->code;
	}
	return set_cid(s, cid, e);
}

struct virtio *virtio_vsock_kernel_create(const struct virtio_vsock_config *c, struct gmem *mem,
					  struct loop *loop, struct err *e)
{
	struct kernel_vsock *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ENOMEM, "virtio-vsock: out of memory");
		return NULL;
	}
	s->vhost.fd = -1;
	s->config.guest_cid = le64_of(c->cid);
	virtio_init(&s->v, &kernel_ops, VIRTIO_BIT(VSOCK_F_SEQPACKET), &s->config,
		    sizeof(s->config), s->queue, VSOCK_QUEUES);
	if (make(s, c->cid, mem, loop, e)) {
		(void)err_ctx(e, "--vsock");
		kernel_destroy(&s->v);
		return NULL;
	}
	return &s->v;
}
