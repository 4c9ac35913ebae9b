/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/queue_ring.h"
#include "devices/virtio/virtio.h"
#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/core/poison.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

enum { PAGE_MAX = 64 << 10 }; /* of any host */

int queue_init(struct queue *q, struct virtio *v, struct gmem *mem, unsigned index, unsigned max,
	       unsigned max_segs, size_t own_size, struct err *e)
{
	size_t arrays = max_segs > SMALL_SEGS ? max : 0;

	assert(is_power_of_two(max) && max <= QUEUE_MAX && max_segs && max_segs <= QUEUE_MAX);
	*q = (struct queue){ .v = v, .mem = mem, .kick_fd = -1 };
	mutex_init(&q->lock);
	cond_init(&q->idle);
	q->index = (uint16_t)index;
	q->max = (uint16_t)max;
	q->max_segs = (uint16_t)max_segs;
	q->request_size = (sizeof(struct slot) + own_size + 15) & ~(size_t)15;
	q->segs_size = 2 * max_segs * sizeof(struct iovec);
	q->segs_at = (max * q->request_size + PAGE_MAX - 1) & ~(size_t)(PAGE_MAX - 1);
	q->pool_size = q->segs_at + arrays * q->segs_size;
	q->pool = mmap(NULL, q->pool_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (q->pool == MAP_FAILED) {
		q->pool = NULL;
		return err_sys(e, "queue %u: memory for requests", index);
	}
	/* Or the first request might take 2 MiB; an error means that there are none so large. */
	(void)madvise(q->pool, q->pool_size, MADV_NOHUGEPAGE);
	q->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->kick_fd < 0) {
		int code = err_sys(e, "queue %u: eventfd", index);

		queue_done(q);
		return code;
	}
	return 0;
}

void queue_done(struct queue *q)
{
	if (!q->pool) /* never made, or not any more */
		return;
	assert(q->in_flight == 0);
	mutex_destroy(&q->lock);
	close_quietly(q->kick_fd);
	(void)munmap(q->pool, q->pool_size);
	q->pool = NULL;
	q->kick_fd = -1;
}

static const struct queue_format *format_of(const struct queue_setup *s)
{
	return s->features & VIRTIO_BIT(VIRTIO_F_RING_PACKED) ? &queue_packed : &queue_split;
}

/* @each bytes for each entry and @more at @at: the host's address, or NULL. */
static void GUEST_MEM *area(const struct queue *q, uint64_t at, uint32_t each, uint32_t more,
			    uint32_t align, bool written, uint32_t entries)
{
	uint64_t len = ring_bytes(each, entries, more);
	const struct gmem_region *g = gmem_find(q->mem, gpa(at), len);

	if (!is_aligned(at, align) || !g || (written && g->readonly))
		return NULL;
	return (char GUEST_MEM *)g->host + (at - g->base);
}

bool queue_areas(const struct queue *q, const struct queue_setup *s, void GUEST_MEM *host[3])
{
	const struct queue_format *f = format_of(s);

	if (s->size == 0 || s->size > q->max || (!f->any_size && !is_power_of_two(s->size)))
		return false;
	host[0] = area(q, s->desc, f->desc_each, f->desc_more, DESC_SIZE, f->desc_written, s->size);
	host[1] =
		area(q, s->driver, f->driver_each, f->driver_more, f->driver_align, false, s->size);
	host[2] =
		area(q, s->device, f->device_each, f->device_more, f->device_align, true, s->size);
	return host[0] && host[1] && host[2];
}

bool queue_setup_ok(const struct queue *q, const struct queue_setup *s)
{
	void GUEST_MEM *host[3];

	return queue_areas(q, s, host);
}

bool queue_start(struct queue *q, const struct queue_setup *s)
{
	void GUEST_MEM *host[3];

	LOCK_SCOPE(&q->lock);
	assert(!q->started && q->in_flight == 0);
	if (!queue_areas(q, s, host))
		return false;
	q->format = format_of(s);
	q->indirect = s->features & VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC);
	q->event_idx = s->features & VIRTIO_BIT(VIRTIO_F_EVENT_IDX);
	q->near = gmem_find(q->mem, gpa(s->desc), 1);
	q->desc = host[0];
	q->driver = host[1];
	q->device = host[2];
	q->size = s->size;
	q->next_avail = q->avail_seen = q->next_used = 0;
	q->avail_wrap = q->used_wrap = true;
	q->pushed = 0;
	q->asked = q->broken = q->together = false;
	q->first = NULL;
	q->started = true;
	atomic_store_explicit(&q->live, true, memory_order_relaxed);
	return true;
}

/* Stopped, and nothing is out: what long requests took goes back to the host. */
static void became_idle(struct queue *q)
{
	cond_broadcast(&q->idle);
	if (q->fresh_segs == 0)
		return;
	(void)madvise(q->pool + q->segs_at, q->pool_size - q->segs_at, MADV_DONTNEED);
	q->fresh_segs = 0;
	q->free_segs = NULL;
}

void queue_stop(struct queue *q)
{
	LOCK_SCOPE(&q->lock);
	q->started = false;
	atomic_store_explicit(&q->live, false, memory_order_relaxed);
	if (q->in_flight == 0)
		became_idle(q);
}

void queue_drain(struct queue *q)
{
	LOCK_SCOPE(&q->lock);
	assert(!q->started);
	while (q->in_flight)
		cond_wait(&q->idle, &q->lock);
}

void queue_break(struct queue *q)
{
	assert_held(&q->lock);
	if (!queue_live(q))
		return;
	q->broken = true;
	atomic_store_explicit(&q->live, false, memory_order_relaxed);
	virtio_broken(q->v);
}

/* A request that nobody uses, without segments. There is one: no id is in flight twice. */
static struct request *request_get(struct queue *q)
{
	struct request *r = q->free;
	struct slot *s;

	if (r) {
		q->free = r->next;
		s = slot_of(r);
	} else {
		assert(q->fresh < q->max);
		s = (struct slot *)(void *)(q->pool + q->fresh++ * q->request_size);
		r = &s->r;
		r->queue = q;
		r->own = s->own;
	}
	r->seg = s->small;
	r->nr_out = r->nr_in = 0;
	r->out_len = r->in_len = 0;
	return r;
}

static void request_put(struct request *r)
{
	struct queue *q = r->queue;

	if (r->seg != slot_of(r)->small) {
		*(void **)(void *)r->seg = q->free_segs;
		q->free_segs = r->seg;
	}
	r->next = q->free;
	q->free = r;
}

void request_grow_(struct request *r)
{
	struct queue *q = r->queue;
	struct iovec *small = r->seg;

	if (q->free_segs) {
		r->seg = q->free_segs;
		q->free_segs = *(void **)q->free_segs;
	} else {
		assert(q->fresh_segs < q->max);
		r->seg = (struct iovec *)(void *)(q->pool + q->segs_at +
						  q->fresh_segs++ * q->segs_size);
	}
	memcpy(r->seg, small, SMALL_SEGS * sizeof(*small));
}

enum pop queue_pop(struct queue *q, struct request **r)
{
	struct ring_op op = { .q = q, .pop = POP_BROKEN };

	assert_held(&q->lock);
	if (!queue_live(q))
		return q->started ? POP_BROKEN : POP_EMPTY;
	op.r = request_get(q);
	if (!poison_run(q->format->take, &op))
		op.pop = POP_BROKEN;
	if (op.pop != POP_OK) {
		request_put(op.r);
		if (op.pop == POP_BROKEN)
			queue_break(q);
		return op.pop;
	}
	q->busy[op.r->id / 64] |= UINT64_C(1) << (op.r->id % 64);
	q->entries_out += op.r->entries;
	q->in_flight++;
	*r = op.r;
	return POP_OK;
}

/* The driver has it back, or will never ask for it again. */
static void returned(struct request *r)
{
	struct queue *q = r->queue;

	if (queue_live(q))
		q->pushed += r->entries;
	q->busy[r->id / 64] &= ~(UINT64_C(1) << (r->id % 64));
	q->entries_out -= r->entries;
	request_put(r);
	if (--q->in_flight == 0 && !q->started)
		became_idle(q);
}

void queue_push(struct request *r, size_t written)
{
	struct queue *q = r->queue;
	struct ring_op op = { .q = q, .r = r, .written = (uint32_t)written };

	assert_held(&q->lock);
	assert(written <= r->in_len);
	if (q->together) {
		r->in_len = written;
		r->next = NULL;
		*q->group_end = r;
		q->group_end = &r->next;
		return;
	}
	if (queue_live(q) && !poison_run(q->format->give, &op))
		queue_break(q);
	returned(r);
}

void queue_push_begin(struct queue *q)
{
	assert_held(&q->lock);
	q->together = true;
	q->group = NULL;
	q->group_end = &q->group;
}

static void give_group(void *ctx)
{
	struct ring_op *op = ctx;

	for (op->r = op->q->group; op->r; op->r = op->r->next) {
		op->written = (uint32_t)op->r->in_len;
		op->q->format->give(op);
	}
	op->q->format->publish(op);
}

void queue_push_end(struct queue *q)
{
	struct ring_op op = { .q = q };

	assert_held(&q->lock);
	if (queue_live(q) && !poison_run(give_group, &op))
		queue_break(q);
	q->together = false;
	for (struct request *r = q->group, *next; r; r = next) {
		next = r->next;
		returned(r);
	}
}

void queue_flush(struct queue *q)
{
	struct ring_op op = { .q = q };

	assert_held(&q->lock);
	if (!q->pushed || !queue_live(q))
		return;
	if (!poison_run(q->format->want_interrupt, &op)) {
		queue_break(q);
		return;
	}
	q->pushed = 0;
	if (op.yes)
		q->v->interrupt(q->v, VIRTIO_INT_QUEUE);
}

bool queue_want_kicks(struct queue *q, bool want)
{
	struct ring_op op = { .q = q };

	assert_held(&q->lock);
	if (!queue_live(q) || (!want && !q->asked))
		return false;
	if (!poison_run(want ? q->format->ask_kicks : q->format->refuse_kicks, &op))
		queue_break(q);
	return op.yes;
}

void queue_kick(struct queue *q)
{
	/* It cannot fail but when the count is full, and then who reads it has its kick already. */
	io_raise(q->kick_fd);
}

void queue_unkick(struct queue *q)
{
	uint64_t count;

	(void)!read(q->kick_fd, &count, sizeof(count));
}
