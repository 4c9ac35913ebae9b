/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/balloon_parts.h"
#include "vmm/base/checked.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/* Linux reports at most 32 pieces at once; as many fit as a driver may put into the ring. */
enum { DEVICE_ID = 5, ENTRIES = 128 };

#define AT(field) .offset = offsetof(struct virtio_balloon_config, field)

const struct key virtio_balloon_keys[] = {
	{
		.name = "size",
		.arg = "SIZE",
		.help = "taken from the guest at the start",
		.type = KEY_SIZE,
		.unnamed = true,
		.step = BALLOON_PAGE,
		AT(size),
	},
	{
		.name = "from",
		.arg = "FILE",
		.help = "a file that has the size; read again at SIGUSR1",
		.type = KEY_STR,
		.min = 1,
		AT(from),
	},
	{
		.name = "reporting",
		.help = "what the guest frees goes back to the host",
		.more = "On unless it is switched off.",
		.type = KEY_BOOL,
		AT(reporting),
	},
	{
		.name = "deflate-on-oom",
		.help = "the guest takes memory back rather than end a process",
		.more = "On unless it is switched off.",
		.type = KEY_BOOL,
		AT(deflate_on_oom),
	},
	{ 0 },
};

const struct virtio_balloon_config virtio_balloon_defaults = {
	.reporting = true,
	.deflate_on_oom = true,
};

static struct balloon *balloon(struct virtio *v)
{
	return container_of(v, struct balloon, v);
}

/* --- configuration and life ----------------------------------------------------------------- */

/* The driver's: how many pages it has in the balloon, and what it fills free pages with. */
static void balloon_config_write(struct virtio *v, uint32_t off, const void *from, uint32_t len)
{
	struct balloon *b = balloon(v);
	const bool actual = off >= offsetof(struct balloon_space, actual) &&
			    off < offsetof(struct balloon_space, free_page_hint_cmd_id);
	const bool poison = off >= offsetof(struct balloon_space, poison_val);

	if ((actual || poison) && off % 4 + len <= 4 && range_inside(off, len, 0, sizeof(b->space)))
		memcpy((char *)&b->space + off, from, len);
	atomic_store_explicit(&b->poison,
			      virtio_has(v, BALLOON_F_PAGE_POISON) &&
				      le32_get(b->space.poison_val) != 0,
			      memory_order_relaxed);
}

static void balloon_queue_stopped(struct virtio *v, unsigned q)
{
	struct balloon_lane *l = &balloon(v)->lane[q];

	LOCK_SCOPE(&l->server.queue->lock);
	if (l->now)
		queue_push(l->now, 0);
	l->now = NULL;
	l->done = 0;
	if (q != BALLOON_Q_THIRD)
		return;
	l->b->has_stats = 0;
	l->b->asked = NULL;
}

static void balloon_reset(struct virtio *v)
{
	struct balloon *b = balloon(v);

	balloon_pages_clear(&b->pages);
	b->space.actual = b->space.poison_val = le32_of(0);
	atomic_store_explicit(&b->poison, false, memory_order_relaxed);
}

static void balloon_destroy(struct virtio *v)
{
	struct balloon *b = balloon(v);

	for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
		server_done(&b->lane[i].server);
		queue_done(&b->queue[i]);
	}
	balloon_pages_done(&b->pages);
	free(b);
}

static const struct virtio_ops balloon_ops = {
	.name = "virtio-balloon",
	.id = DEVICE_ID,
	.config_write = balloon_config_write,
	.queue_stopped = balloon_queue_stopped,
	.reset = balloon_reset,
	.destroy = balloon_destroy,
};

static int make_lanes(struct balloon *b, struct gmem *mem, struct loop *loop, struct err *e)
{
	for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
		b->lane[i].b = b;
		if (queue_init(&b->queue[i], &b->v, mem, i, ENTRIES, ENTRIES, 0, e) ||
		    server_init(&b->lane[i].server, &b->queue[i], loop, balloon_turn[i], e))
			return -e->code;
	}
	return 0;
}

struct virtio *virtio_balloon_create(const struct virtio_balloon_config *c, struct gmem *mem,
				     struct loop *loop, struct err *e)
{
	struct balloon *b = calloc(1, sizeof(*b));
	uint64_t features = VIRTIO_BIT(BALLOON_F_STATS_VQ);

	if (!b) {
		(void)err_set(e, ENOMEM, "virtio-balloon: out of memory");
		return NULL;
	}
	if (c->deflate_on_oom)
		features |= VIRTIO_BIT(BALLOON_F_DEFLATE_ON_OOM);
	if (c->reporting)
		features |= VIRTIO_BIT(BALLOON_F_REPORTING) | VIRTIO_BIT(BALLOON_F_PAGE_POISON);
	b->mem = mem;
	atomic_store_explicit(&b->target, c->size / BALLOON_PAGE, memory_order_relaxed);
	b->space.num_pages = le32_of((uint32_t)(c->size / BALLOON_PAGE));
	virtio_init(&b->v, &balloon_ops, features, &b->space, sizeof(b->space), b->queue,
		    BALLOON_QUEUES);
	if (balloon_pages_init(&b->pages, mem, e) || make_lanes(b, mem, loop, e)) {
		(void)err_ctx(e, "virtio-balloon");
		balloon_destroy(&b->v);
		return NULL;
	}
	return &b->v;
}

/* --- what is asked of it ---------------------------------------------------------------------- */

bool virtio_balloon_ask(struct virtio *v, struct virtio_balloon_asked *a)
{
	struct balloon_lane *l = &balloon(v)->lane[BALLOON_Q_THIRD];
	struct queue *q = &balloon(v)->queue[BALLOON_Q_THIRD];

	LOCK_SCOPE(&q->lock);
	if (!queue_live(q) || !virtio_has(v, BALLOON_F_STATS_VQ) || !l->now)
		return false;
	l->b->asked = a;
	queue_push(l->now, 0);
	l->now = NULL;
	queue_flush(q);
	return true;
}

void virtio_balloon_figures(struct virtio *v, struct virtio_balloon_figures *f)
{
	struct balloon *b = balloon(v);

	*f = (struct virtio_balloon_figures){ 0 };
	LOCK_SCOPE(&b->queue[BALLOON_Q_THIRD].lock);
	balloon_figures(b, f);
}

void virtio_balloon_resize(struct virtio *v, uint64_t bytes)
{
	struct balloon *b = balloon(v);
	const uint64_t pages = bytes / BALLOON_PAGE;
	const le32 want = le32_of(pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX);

	LOCK_SCOPE(v->lock);
	if (b->space.num_pages.raw == want.raw)
		return;
	b->space.num_pages = want;
	atomic_store_explicit(&b->target, le32_get(want), memory_order_relaxed);
	virtio_config_changed(v);
}
