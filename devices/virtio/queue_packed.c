/* SPDX-License-Identifier: Apache-2.0 */
/* The packed ring: virtio 1.3, section 2.8. */
#include "devices/virtio/queue_ring.h"

enum { DESC_AVAIL = 1 << 7, DESC_USED = 1 << 15 };

/* Offsets in a descriptor of the ring. */
enum { AT_LEN = 8, AT_ID = 12, AT_FLAGS = 14 };

/* Event suppression: one word of position (bits 0-14), wrap counter (15) and these (16, 17). */
enum { EVENT_WRAP = 1 << 15, EVENT_ENABLE = 0, EVENT_DISABLE = 1 << 16, EVENT_DESC = 2 << 16 };
#define EVENT_FLAGS (3U << 16)

static char GUEST_MEM *entry(const struct queue *q, uint32_t i)
{
	return (char GUEST_MEM *)q->desc + (size_t)i * DESC_SIZE;
}

/* Whether the driver made available what has @flags, the last time round or this time. */
static bool is_available(const struct queue *q, uint16_t flags)
{
	return !!(flags & DESC_AVAIL) == q->avail_wrap && !!(flags & DESC_USED) != q->avail_wrap;
}

/* All of a table, in order; WRITE is the only flag there. */
static bool walk_table(struct queue *q, struct request *r, struct desc d)
{
	uint32_t n;
	const char GUEST_MEM *table = desc_table(q, d, &n);

	if (!table || n > q->max_segs)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		d = desc_at(table, i);
		if (!request_add(q, r, d, desc_fourth(d) & DESC_WRITE))
			return false;
	}
	return true;
}

/* The list that begins at next_avail, whose first flags are @flags; its entries into r->entries. */
static bool walk(struct queue *q, struct request *r, uint16_t flags)
{
	uint32_t i = q->next_avail, n = 0, room = q->size - q->entries_out;
	struct desc d;

	if (room > q->max_segs)
		room = q->max_segs;
	for (;;) {
		if (n++ == room) /* what is in flight lies in the ring, too */
			return false;
		d = desc_at(q->desc, i);
		if (n > 1)
			flags = desc_fourth(d);
		if (flags & DESC_INDIRECT) {
			if (n > 1 || flags & DESC_NEXT || !walk_table(q, r, d))
				return false;
		} else if (!request_add(q, r, d, flags & DESC_WRITE)) {
			return false;
		}
		if (!(flags & DESC_NEXT))
			break;
		if (++i == q->size)
			i = 0;
	}
	r->id = desc_third(d);
	r->entries = (uint16_t)n;
	return r->out_len + r->in_len <= UINT32_MAX;
}

static void packed_take(void *ctx)
{
	struct ring_op *op = ctx;
	struct queue *q = op->q;
	uint16_t flags = load16_acquire(entry(q, q->next_avail) + AT_FLAGS);

	if (!is_available(q, flags)) {
		op->pop = POP_EMPTY;
		return;
	}
	if (!walk(q, op->r, flags) || op->r->id >= q->size || queue_busy(q, op->r->id))
		return;
	ring_move(&q->next_avail, &q->avail_wrap, op->r->entries, q->size);
	op->pop = POP_OK;
}

static void packed_give(void *ctx)
{
	struct ring_op *op = ctx;
	struct queue *q = op->q;
	char GUEST_MEM *at = entry(q, q->next_used);
	uint16_t flags = q->used_wrap ? DESC_AVAIL | DESC_USED : 0;

	store32(at + AT_LEN, op->written);
	store16(at + AT_ID, op->r->id);
	if (op->written)
		flags |= DESC_WRITE;
	if (q->together && !q->first) {
		q->first = at;
		q->first_flags = flags;
	} else {
		store16_release(at + AT_FLAGS, flags);
	}
	gmem_mark_dirty_host(q->mem, at, DESC_SIZE);
	ring_move(&q->next_used, &q->used_wrap, op->r->entries, q->size);
}

/* The driver looks at the first, and with that at all. */
static void packed_publish(void *ctx)
{
	struct ring_op *op = ctx;
	struct queue *q = op->q;

	if (!q->first)
		return;
	store16_release(q->first + AT_FLAGS, q->first_flags);
	gmem_mark_dirty_host(q->mem, q->first, DESC_SIZE);
	q->first = NULL;
}

static void packed_want_interrupt(void *ctx)
{
	struct ring_op *op = ctx;
	const struct queue *q = op->q;
	uint32_t event;

	store_load_fence();
	event = load32(q->driver);
	if (q->event_idx && (event & EVENT_FLAGS) == EVENT_DESC) {
		uint16_t at = event & (EVENT_WRAP - 1);

		if (!!(event & EVENT_WRAP) !=
		    q->used_wrap) /* it lies before the ring's beginning */
			at = (uint16_t)(at - q->size);
		op->yes = event_passed(at, q->next_used, q->pushed);
	} else {
		op->yes = (event & EVENT_FLAGS) != EVENT_DISABLE;
	}
}

static void tell_driver(struct queue *q, uint32_t event)
{
	store32(q->device, event);
	gmem_mark_dirty_host(q->mem, q->device, 4);
}

static void packed_ask_kicks(void *ctx)
{
	struct ring_op *op = ctx;
	struct queue *q = op->q;

	if (q->event_idx)
		tell_driver(q, q->next_avail | (q->avail_wrap ? EVENT_WRAP : 0U) | EVENT_DESC);
	else if (!q->asked)
		tell_driver(q, EVENT_ENABLE);
	q->asked = true;
	store_load_fence();
	op->yes = is_available(q, load16(entry(q, q->next_avail) + AT_FLAGS));
}

static void packed_refuse_kicks(void *ctx)
{
	struct ring_op *op = ctx;

	tell_driver(op->q, EVENT_DISABLE);
	op->q->asked = false;
}

const struct queue_format queue_packed = {
	.desc_each = DESC_SIZE,
	.driver_more = 4,
	.device_more = 4,
	.driver_align = 4,
	.device_align = 4,
	.any_size = true,
	.desc_written = true,
	.take = packed_take,
	.give = packed_give,
	.publish = packed_publish,
	.want_interrupt = packed_want_interrupt,
	.ask_kicks = packed_ask_kicks,
	.refuse_kicks = packed_refuse_kicks,
};
