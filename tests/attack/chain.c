/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attack/chain.h"

struct places {
	struct ring *ring;
	uint64_t buffer, table;
};

static uint64_t place(const struct places *p, const struct entry *e)
{
	switch (e->where) {
	case BUFFER:
		return p->buffer + e->at;
	case TABLE:
		return p->table + e->at;
	case RAM:
		return hal.ram + e->at;
	case RAM_END:
		return hal.ram + hal.ram_size + e->at;
	case DESC:
		return p->ring->desc + e->at;
	case DRIVER:
		return p->ring->driver + e->at;
	case DEVICE:
		return p->ring->device + e->at;
	case REGISTERS:
		return p->ring->d->base + e->at;
	case OTHERS:
		return (p->ring->d->base == hal.slot[0] ? hal.slot[1] : hal.slot[0]) + e->at;
	case SERIAL:
		return hal.uart + e->at;
	case ROM:
		return hal.rom + e->at;
	case ABSOLUTE:
	default:
		return e->at;
	}
}

/* Packed: the first one last, since its flags make all available. */
static void lay_out(const struct places *p, const struct chain *c)
{
	struct ring *r = p->ring;

	for (unsigned i = 0; i < c->table_n; i++)
		ring_desc_at(p->table + 16 * i, r->packed, place(p, &c->table[i]), c->table[i].len,
			     c->table[i].flags, c->table[i].link);
	for (unsigned i = c->n; i-- > 0;)
		ring_desc(r, i, place(p, &c->desc[i]), c->desc[i].len,
			  c->desc[i].flags | (r->packed ? (unsigned)D_AVAIL : 0), c->desc[i].link);
	if (r->packed)
		return;
	for (unsigned i = 0; i < r->size; i++)
		ring_avail(r, i, (uint16_t)(c->head + i));
	ring_avail_index(r, (uint16_t)(c->ahead + 1));
}

static void run_in(struct dev *d, const struct chain *c, uint64_t format)
{
	struct places p = { .ring = &d->ring[d->kind->ring] };
	enum answer answer;
	uint32_t len;

	dev_start(d, (F_INDIRECT & ~c->without) | format, CHAIN_SIZE);
	p.buffer = dev_pages(d, 16384);
	p.table = dev_pages(d, 4096);
	lay_out(&p, c);
	ring_kick(p.ring);
	answer = ring_wait(p.ring, &len);
	if (answer == LATE)
		complain("no answer, and the device does not say that it is broken");
	else if (c->verdict == BREAKS && answer != BROKEN)
		complain("the device took what breaks a rule");
	else if (c->verdict == LEGAL && d->kind->any && answer != USED)
		complain("the device broke of what is legal");
}

void chain_run(struct dev *d, const struct attack *a)
{
	const struct chain *c = a->data;

	if (c->formats & SPLIT)
		run_in(d, c, 0);
	if (c->formats & PACKED && d->offered & F_PACKED)
		run_in(d, c, F_PACKED);
}
