/* SPDX-License-Identifier: Apache-2.0 */
/* The split ring: virtio 1.3, section 2.7. */
#include "devices/virtio/queue_ring.h"

/* Offsets in the available (driver) and the used (device) ring. */
enum { RING_FLAGS = 0, RING_IDX = 2, RING_ENTRIES = 4, AVAIL_EACH = 2, USED_EACH = 8 };

/* The flag of either ring. */
enum { RING_DO_NOT_NOTIFY = 1 };

static char GUEST_MEM *avail(const struct queue *q)
{
	return q->driver;
}

static char GUEST_MEM *used(const struct queue *q)
{
	return q->device;
}

/* The chain that begins at @head. Not more descriptors than there are, so a loop ends. */
static bool walk(struct queue *q, struct request *r, uint16_t head)
{
	const char GUEST_MEM *table = q->desc;
	uint32_t n = q->size, i = head, left = q->max_segs;
	bool nested = false;

	if (left > n)
		left = n;
	for (;;) {
		struct desc d = desc_at(table, i);
		uint16_t flags = desc_third(d);

		if (flags & DESC_INDIRECT) {
			if (nested || flags & DESC_NEXT)
				return false;
			table = desc_table(q, d, &n);
			if (!table)
				return false;
			left = (uint32_t)(q->max_segs - r->nr_out - r->nr_in);
			if (left > n)
				left = n;
			i = 0;
			nested = true;
			continue;
		}
		if (left-- == 0 || !request_add(q, r, d, flags & DESC_WRITE))
			return false;
		if (!(flags & DESC_NEXT))
			return r->out_len + r->in_len <= UINT32_MAX;
		i = desc_fourth(d);
		if (i >= n)
			return false;
	}
}

static void split_take(void *ctx)
{
	struct ring_op *op = ctx;
	struct queue *q = op->q;
	uint16_t head;

	if (q->next_avail == q->avail_seen) {
		uint16_t idx = load16_acquire(avail(q) + RING_IDX);

		if (ring_ahead(idx, q->next_avail) > q->size)
			return;
		q->avail_seen = idx;
		if (idx == q->next_avail) {
			op->pop = POP_EMPTY;
			return;
		}
	}
	head = load16(avail(q) + RING_ENTRIES + AVAIL_EACH * ring_slot(q->next_avail, q->size));
	if (head >= q->size || queue_busy(q, head) || !walk(q, op->r, head))
		return;
	op->r->id = head;
	op->r->entries = 1;
	q->next_avail++;
	op->pop = POP_OK;
}

static void split_publish(void *ctx)
{
	const struct ring_op *op = ctx;
	const struct queue *q = op->q;

	store16_release(used(q) + RING_IDX, q->next_used);
	gmem_mark_dirty_host(q->mem, used(q) + RING_IDX, 2);
}

static void split_give(void *ctx)
{
	struct ring_op *op = ctx;
	struct queue *q = op->q;
	char GUEST_MEM *at = used(q) + RING_ENTRIES + USED_EACH * ring_slot(q->next_used, q->size);

	store32(at, op->r->id);
	store32(at + 4, op->written);
	gmem_mark_dirty_host(q->mem, at, USED_EACH);
	q->next_used++;
	if (!q->together)
		split_publish(ctx);
}

static void split_want_interrupt(void *ctx)
{
	struct ring_op *op = ctx;
	const struct queue *q = op->q;

	store_load_fence();
	if (q->event_idx) {
		uint16_t event = load16(avail(q) + RING_ENTRIES + AVAIL_EACH * q->size);

		op->yes = event_passed(event, q->next_used, q->pushed);
	} else {
		op->yes = !(load16(avail(q) + RING_FLAGS) & RING_DO_NOT_NOTIFY);
	}
}

static void split_ask_kicks(void *ctx)
{
	struct ring_op *op = ctx;
	struct queue *q = op->q;
	char GUEST_MEM *event = used(q) + RING_ENTRIES + USED_EACH * q->size;

	if (q->event_idx) {
		store16(event, q->next_avail);
		gmem_mark_dirty_host(q->mem, event, 2);
	} else if (!q->asked) {
		store16(used(q) + RING_FLAGS, 0);
		q->asked = true;
		gmem_mark_dirty_host(q->mem, used(q) + RING_FLAGS, 2);
	}
	store_load_fence();
	op->yes = load16(avail(q) + RING_IDX) != q->next_avail;
}

/* Not with EVENT_IDX: the driver will be past the event that we asked for. */
static void split_refuse_kicks(void *ctx)
{
	struct ring_op *op = ctx;
	struct queue *q = op->q;

	store16(used(q) + RING_FLAGS, RING_DO_NOT_NOTIFY);
	gmem_mark_dirty_host(q->mem, used(q) + RING_FLAGS, 2);
	q->asked = false;
}

const struct queue_format queue_split = {
	.desc_each = DESC_SIZE,
	.driver_each = AVAIL_EACH,
	.device_each = USED_EACH,
	.driver_more = RING_ENTRIES + 2,
	.device_more = RING_ENTRIES + 2,
	.driver_align = 2,
	.device_align = 4,
	.take = split_take,
	.give = split_give,
	.publish = split_publish,
	.want_interrupt = split_want_interrupt,
	.ask_kicks = split_ask_kicks,
	.refuse_kicks = split_refuse_kicks,
};
