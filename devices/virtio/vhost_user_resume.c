/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/ring_index.h"
#include "devices/virtio/vhost_user_parts.h"

#include "vmm/base/le.h"
#include "vmm/core/poison.h"

struct load {
	const raw16 GUEST_MEM *from;
	le16 word;
};

static void load(void *ctx)
{
	struct load *l = ctx;

	l->word.raw = __atomic_load_n(l->from, __ATOMIC_ACQUIRE);
}

/* The 16-bit word at @at of the guest's memory, which is aligned. */
static bool word(const struct gmem *mem, uint64_t at, uint16_t *v)
{
	const struct gmem_region *g = gmem_find(mem, gpa(at), sizeof(*v));
	struct load l;

	if (!g)
		return false;
	l.from = (const raw16 GUEST_MEM *)(const void GUEST_MEM *)((const char GUEST_MEM *)g->host +
								   (at - g->base));
	if (!poison_run(load, &l))
		return false;
	*v = le16_get(l.word);
	return true;
}

enum { INDEX = 2, ENTRIES = 4, AVAIL_EACH = 2, USED_EACH = 8 }; /* bytes in a split ring */

/* Whether entry @i became used in its turn. */
static bool in_turn(const struct gmem *mem, const struct queue_setup *s, uint16_t i)
{
	const uint32_t slot = ring_slot(i, s->size);
	uint16_t head, id;

	return word(mem, s->driver + ENTRIES + (uint64_t)AVAIL_EACH * slot, &head) &&
	       word(mem, s->device + ENTRIES + (uint64_t)USED_EACH * slot, &id) && head == id;
}

bool vhost_user_resume(const struct gmem *mem, const struct queue_setup *s, bool recorded,
		       uint16_t *base)
{
	uint16_t avail, used, out;

	if (!word(mem, s->device + INDEX, &used) || !word(mem, s->driver + INDEX, &avail))
		return false;
	*base = used;
	out = ring_ahead(avail, used);
	if (recorded || out == 0)
		return true;
	if (out > s->size)
		return false;
	/* What of both rings is not overwritten yet. Before the first round, the rest is zero. */
	for (uint16_t i = (uint16_t)(avail - s->size); i != used; i++)
		if (!in_turn(mem, s, i))
			return false;
	return true;
}
