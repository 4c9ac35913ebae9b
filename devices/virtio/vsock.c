/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/vsock_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { DEVICE_ID = 19, ENTRIES = 128, EVENT_ENTRIES = 16 };

const struct key virtio_vsock_keys[] = {
	{
		.name = "cid",
		.arg = "N",
		.help = "the guest's address",
		.type = KEY_U32,
		.min = 3,
		.max = UINT32_MAX - 1,
		.offset = offsetof(struct virtio_vsock_config, cid),
		.unnamed = true,
	},
	{
		.name = "uds",
		.arg = "PATH",
		.help = "by Unix sockets, not by the host's kernel",
		.type = KEY_STR,
		.min = 1,
		.offset = offsetof(struct virtio_vsock_config, uds),
	},
	{ 0 },
};

const struct virtio_vsock_config virtio_vsock_defaults = { .cid = 0 };

static struct vsock *vsock(struct virtio *v)
{
	return container_of(v, struct vsock, v);
}

/* --- reset ---------------------------------------------------------------------------------- */

static void drop(struct vsock_conn *c)
{
	switch (c->state) {
	case VSOCK_OPEN:
		c->s->event_due = true;
		vsock_leave(c);
		break;
	case VSOCK_DIALING:
		vsock_leave(c);
		break;
	case VSOCK_ASKING:
	case VSOCK_REFUSED:
		vsock_free(c);
		break;
	case VSOCK_FREE:
	case VSOCK_ABANDONED:
	case VSOCK_GREETING:
	case VSOCK_DRAINING:
		break;
	}
}

void vsock_settle(struct vsock *s)
{
	if (!atomic_load_explicit(&s->was_reset, memory_order_relaxed) ||
	    !atomic_exchange(&s->was_reset, false))
		return;
	for (unsigned i = 0; i < s->fresh; i++)
		drop(&s->conn[i]);
	s->first_reset = s->nr_resets = 0;
	s->tx_waits = false;
}

static void settle_later(struct call *c)
{
	vsock_settle(container_of(c, struct vsock, reset));
}

/* On a vCPU: the connections are the loop thread's. It looks before it serves the next driver. */
static void vsock_reset(struct virtio *v)
{
	struct vsock *s = vsock(v);

	atomic_store(&s->was_reset, true);
	loop_post(s->loop, &s->reset);
}

static void vsock_queue_stopped(struct virtio *v, unsigned q)
{
	struct vsock *s = vsock(v);

	if (q != VSOCK_RX)
		return; /* their requests are done with when a turn is */
	LOCK_SCOPE(&s->queue[q].lock);
	if (s->spare)
		queue_push(s->spare, 0);
	s->spare = NULL;
}

/* --- events --------------------------------------------------------------------------------- */

/*
 * A driver that comes after a reset hears that connections were lost by it, in case it still has
 * them. Not when it has made new ones meanwhile, which it would end.
 */
static bool event_turn(struct server *srv)
{
	struct vsock *s = container_of(srv, struct vsock, event);
	const le32 transport_reset = le32_of(0);
	struct request *r;

	vsock_settle(s);
	if (!s->event_due || !server_pop(srv, &r))
		return false;
	if (r->in_len < sizeof(transport_reset)) {
		queue_push(r, 0);
		queue_break(srv->queue);
		return false;
	}
	queue_push(r, request_write(r, 0, &transport_reset, sizeof(transport_reset)));
	s->event_due = false;
	return false;
}

/* --- life ----------------------------------------------------------------------------------- */

static void vsock_destroy(struct virtio *v)
{
	struct vsock *s = vsock(v);

	server_done(&s->rx);
	server_done(&s->tx);
	server_done(&s->event);
	loop_unpost(s->loop, &s->reset);
	for (unsigned i = 0; i < s->fresh; i++)
		if (s->conn[i].state != VSOCK_FREE)
			vsock_free(&s->conn[i]);
	vsock_unlisten(s);
	for (unsigned i = 0; i < VSOCK_QUEUES; i++)
		queue_done(&s->queue[i]);
	if (s->rings)
		(void)munmap(s->rings, (size_t)VIRTIO_VSOCK_CONNECTIONS * VSOCK_RING);
	free(s);
}

static const struct virtio_ops vsock_ops = {
	.name = "virtio-vsock",
	.id = DEVICE_ID,
	.queue_stopped = vsock_queue_stopped,
	.reset = vsock_reset,
	.destroy = vsock_destroy,
};

/* Memory is touched only as connections need it, and given back when they end. */
static int make_rings(struct vsock *s, struct err *e)
{
	const size_t size = (size_t)VIRTIO_VSOCK_CONNECTIONS * VSOCK_RING;

	s->rings = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->rings == MAP_FAILED) {
		s->rings = NULL;
		return err_sys(e, "memory for connections");
	}
	(void)madvise(s->rings, size, MADV_NOHUGEPAGE);
	return 0;
}

static int make_queue(struct vsock *s, struct server *srv, unsigned i, struct gmem *mem,
		      bool (*turn)(struct server *srv), struct err *e)
{
	unsigned entries = i == VSOCK_EVENT ? EVENT_ENTRIES : ENTRIES;

	if (queue_init(&s->queue[i], &s->v, mem, i, entries, entries, 0, e))
		return -e->code;
	return server_init(srv, &s->queue[i], s->loop, turn, e);
}

struct virtio *virtio_vsock_create(const struct virtio_vsock_config *c, struct gmem *mem,
				   struct loop *loop, const struct virtio_vsock_dialer *dialer,
				   struct err *e)
{
	struct vsock *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ENOMEM, "virtio-vsock: out of memory");
		return NULL;
	}
	s->loop = loop;
	s->cid = c->cid;
	s->config.guest_cid = le64_of(c->cid);
	s->dialer = dialer;
	s->ready_end = &s->ready;
	s->dials_end = &s->dials;
	s->listener.fd = -1;
	s->reset.fn = settle_later;
	virtio_init(&s->v, &vsock_ops, VIRTIO_BIT(VSOCK_F_STREAM), &s->config, sizeof(s->config),
		    s->queue, VSOCK_QUEUES);
	if (make_rings(s, e) || make_queue(s, &s->rx, VSOCK_RX, mem, vsock_receive, e) ||
	    make_queue(s, &s->tx, VSOCK_TX, mem, vsock_transmit, e) ||
	    make_queue(s, &s->event, VSOCK_EVENT, mem, event_turn, e) ||
	    vsock_listen(s, c->uds, e)) {
		(void)err_ctx(e, "virtio-vsock");
		vsock_destroy(&s->v);
		return NULL;
	}
	return &s->v;
}
