/* SPDX-License-Identifier: Apache-2.0 */
/* RES: as much as can be asked for, as often as can be: vmm's memory, threads and lines stay few.
 */
#include "tests/attack/table.h"

/* Entries of the largest ring, as far as the device's memory has room for it. */
enum { LARGEST = 1024 };

/* Fills ring @r with requests of one descriptor for the device to write, or to read. */
static void fill(struct ring *r, bool in)
{
	const uint64_t buffer = dev_pages(r->d, 4096);

	for (unsigned i = 0; i < r->size; i++) {
		ring_desc(r, i, buffer, 4096, in ? D_WRITE : 0, 0);
		ring_avail(r, i, (uint16_t)i);
	}
	ring_avail_index(r, (uint16_t)r->size);
	ring_kick(r);
}

/* As many as there are requests in it, and each of another descriptor: all queues of @d. */
static void full(struct dev *d)
{
	dev_start(d, 0, LARGEST);
	for (unsigned i = 0; i < d->nr_rings; i++)
		if (d->kind->id == ID_BLOCK) {
			struct ring *r = &d->ring[i];

			for (unsigned k = 0; k < r->size; k += 2) {
				any_request(r, k);
				ring_avail(r, k / 2, (uint16_t)k);
			}
			ring_avail_index(r, (uint16_t)(r->size / 2));
			ring_kick(r);
		} else {
			fill(&d->ring[i], d->kind->id == ID_RNG || i == 0);
		}
}

static void full_rings(struct dev *d, const struct attack *a)
{
	(void)a;
	full(d);
}

/* All devices at the same time. */
static void all_full(struct dev *machine, const struct attack *a)
{
	struct dev *first = attack_victim(0), *d = first;

	(void)machine;
	for (unsigned i = 1; i == 1 || d != first; d = attack_victim(i++))
		full(d);
	for (uint64_t i = 0; i < a->arg; i++)
		hal_pause();
	for (unsigned i = 1; i == 1 || d != first; d = attack_victim(i++))
		attack_check(d);
}

/* arg: requests, one after the other; none of the interrupts is acknowledged, or each is. */
static void request_storm(struct dev *d, const struct attack *a)
{
	struct ring *r = &d->ring[d->kind->ring];

	dev_start(d, 0, 8);
	any_request(r, 0);
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		ring_avail(r, r->next_avail, 0);
		ring_avail_index(r, ++r->next_avail);
		ring_kick(r);
		if (ring_wait(r, &(uint32_t){ 0 }) != USED)
			complain_of("no answer to request", i, 0);
		if (a->arg2)
			dev_write(d, R_INTERRUPT_ACK, 3);
	}
}

/* arg: times that the device is broken, and started again. */
static void break_storm(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		struct ring *r = &d->ring[d->kind->ring];

		dev_start(d, 0, 8);
		ring_desc(r, 0, 0, 1, 0, 0);
		ring_avail_index(r, 1);
		ring_kick(r);
		if (!dev_wait_broken(d))
			complain("the device did not break");
	}
}

/* arg: accesses, arg2: their width, to registers that the device does not have so. */
static void refused_storm(struct dev *d, const struct attack *a)
{
	uint64_t v;

	for (uint64_t i = 0; i < times(a->arg); i++) {
		(void)hal_load(d->base + 8 * (i % 64), (unsigned)a->arg2, &v);
		(void)hal_store(d->base + 0x28 + 4 * (i % 2), (unsigned)a->arg2, i);
	}
}

/* Each from another place in a hole: no two are the same fault. */
static void hole_storm(struct dev *d, const struct attack *a)
{
	uint64_t v;

	(void)d;
	for (uint64_t i = 0; i < times(a->arg); i++)
		(void)hal_load(a->arg2 + 8 * i, 8, &v);
}

static void read_storm(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg); i++)
		(void)dev_read(d, (unsigned)a->arg2);
}

static void selector_storm(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg); i++)
		dev_write(d, R_QUEUE_SEL, (uint32_t)(i * 0x9e3779b9));
}

/* The console is written to, far more than anybody keeps: arg KiB by its ring. */
static void console_flood(struct dev *d, const struct attack *a)
{
	struct ring *r = &d->ring[1];
	uint64_t buffer;

	dev_start(d, 0, 64);
	buffer = dev_pages(d, 65536);
	mem_fill(buffer, 'f', 65535);
	hal_put8(buffer + 65535, '\n');
	for (uint64_t i = 0; i < times(a->arg / 64) && !complained(); i++) {
		const struct piece p = { buffer, 65536, false };

		(void)ring_good(r, &p, 1, 0);
	}
}

/* One request of as many pieces as a ring has, and as long as memory is. */
static void longest_request(struct dev *d, const struct attack *a)
{
	struct ring *r = &d->ring[d->kind->ring];
	uint64_t buffer;

	dev_start(d, 0, LARGEST);
	buffer = dev_pages(d, 65536);
	for (unsigned i = 0; i < r->size; i++)
		ring_desc(r, i, buffer, (uint32_t)a->arg,
			  (d->kind->id == ID_RNG ? D_WRITE : 0) | (i + 1 < r->size ? D_NEXT : 0),
			  (uint16_t)(i + 1));
	ring_avail_index(r, 1);
	ring_kick(r);
	if (ring_wait(r, &(uint32_t){ 0 }) == LATE)
		complain("no answer");
}

/* In each entry of the ring a request of as many pieces as the ring has entries, in one table. */
static void fill_longest(struct ring *r, bool disk, bool in)
{
	const uint64_t buffer = dev_pages(r->d, 4096), table = dev_pages(r->d, 16UL * r->size);

	for (unsigned i = 0; i < r->size; i++) {
		const bool last = i + 1 == r->size;
		const uint32_t len = !disk ? 16 : i == 0 ? 16 : last ? 1 : 512;

		ring_desc_at(table + 16UL * i, false, buffer, len,
			     ((disk ? i : in) ? D_WRITE : 0) | (last ? 0 : D_NEXT),
			     (uint16_t)(i + 1));
	}
	for (unsigned i = 0; i < r->size; i++) {
		ring_desc(r, i, table, 16 * r->size, D_INDIRECT, 0);
		ring_avail(r, i, (uint16_t)i);
	}
	ring_avail_index(r, (uint16_t)r->size);
	ring_kick(r);
}

/* As much as can be in flight, on all queues; arg times, each after a reset. */
static void most_in_flight(struct dev *d, const struct attack *a)
{
	for (uint64_t k = 0; k < times(a->arg) && !complained(); k++) {
		dev_start(d, F_INDIRECT, LARGEST);
		for (unsigned i = 0; i < d->nr_rings; i++)
			fill_longest(&d->ring[i], d->kind->id == ID_BLOCK,
				     d->kind->id == ID_RNG || i % 2 == 0);
	}
}

/* arg: kicks of all queues of all devices, by turns: of queues that are empty. */
static void kick_storm(struct dev *machine, const struct attack *a)
{
	struct dev *first = attack_victim(0), *d = first;

	(void)machine;
	for (unsigned i = 1; i == 1 || d != first; d = attack_victim(i++))
		dev_start(d, 0, 8);
	for (uint64_t k = 0; k < times(a->arg); k++, d = attack_victim((unsigned)k))
		dev_write(d, R_QUEUE_NOTIFY, (uint32_t)k % d->nr_rings);
	d = first;
	for (unsigned i = 1; i == 1 || d != first; d = attack_victim(i++))
		attack_check(d);
}

/* arg: acknowledgements of what never was, of one bit, of none, and of all. */
static void ack_storm(struct dev *d, const struct attack *a)
{
	static const uint32_t bits[] = { 1, 0, 0xffffffff, 2, 3 };

	dev_start(d, 0, 8);
	for (uint64_t i = 0; i < times(a->arg); i++)
		dev_write(d, R_INTERRUPT_ACK, bits[i % LENGTH(bits)]);
}

/* Stores of each width to places in a hole: no two are the same fault. */
static void hole_store_storm(struct dev *d, const struct attack *a)
{
	(void)d;
	for (uint64_t i = 0; i < times(a->arg); i++)
		(void)hal_store(a->arg2 + 8 * i, 1U << (i % 4), i);
}

/* The same sector over and over, and the write-back cache switched in between. */
static void one_sector(struct dev *d, const struct attack *a)
{
	struct ring *r = &d->ring[0];
	uint64_t header;

	dev_start(d, d->offered & d->kind->wanted, 512);
	header = dev_pages(d, 4096);
	hal_put32(header, 1);
	hal_put64(header + 8, 100);
	for (unsigned i = 0; i + 2 < r->size; i += 3) {
		ring_desc(r, i, header, 16, D_NEXT, (uint16_t)(i + 1));
		ring_desc(r, i + 1, header + 512, 512, D_NEXT, (uint16_t)(i + 2));
		ring_desc(r, i + 2, header + 1024, 1, D_WRITE, 0);
		ring_avail(r, i / 3, (uint16_t)i);
		if (a->arg) {
			(void)hal_store(d->base + R_CONFIG + 32, 1, i & 1);
			ring_avail_index(r, (uint16_t)(i / 3 + 1));
			ring_kick(r);
		}
	}
	ring_avail_index(r, (uint16_t)(r->size / 3));
	ring_kick(r);
	for (unsigned i = 0; i < r->size / 3 && !complained(); i++)
		if (ring_wait(r, &(uint32_t){ 0 }) != USED)
			complain("a write was not used");
}

static const struct attack rows[] = {
	{ .name = "full rings", .run = full_rings },
	{ .name = "full rings of all devices", .run = all_full, .arg = 50, .on = ON(ID_MACHINE) },
	{ .name = "interrupts that nobody acknowledges", .run = request_storm, .arg = 2000 },
	{ .name = "interrupts without end", .run = request_storm, .arg = 2000, .arg2 = 1 },
	{ .name = "broken again and again", .run = break_storm, .arg = 200 },
	{ .name = "registers that are none", .run = refused_storm, .arg = 20000, .arg2 = 4 },
	{ .name = "narrow accesses without end", .run = refused_storm, .arg = 20000, .arg2 = 1 },
	{ .name = "refused accesses without end", .run = refused_storm, .arg = 5000, .arg2 = 8 },
	{ .name = "holes without end",
	  .run = hole_storm,
	  .arg = 20000,
	  .arg2 = 0x0b000000,
	  .on = ON(ID_MACHINE) },
	{ .name = "holes above RAM without end",
	  .run = hole_storm,
	  .arg = 20000,
	  .arg2 = 0x70000000,
	  .on = ON(ID_MACHINE) },
	{ .name = "status without end", .run = read_storm, .arg = 50000, .arg2 = R_STATUS },
	{ .name = "interrupt status without end",
	  .run = read_storm,
	  .arg = 50000,
	  .arg2 = R_INTERRUPT_STATUS },
	{ .name = "queues selected without end", .run = selector_storm, .arg = 50000 },
	{ .name = "output without end",
	  .run = console_flood,
	  .arg = 100 << 10,
	  .on = ON(ID_CONSOLE) },
	{ .name = "the longest request of small pieces", .run = longest_request, .arg = 16 },
	{ .name = "the longest request of large pieces", .run = longest_request, .arg = 65536 },
	{ .name = "as many of the longest requests as there can be",
	  .run = most_in_flight,
	  .arg = 1 },
	{ .name = "the same again and again", .run = most_in_flight, .arg = 20 },
	{ .name = "kicks of all devices without end",
	  .run = kick_storm,
	  .arg = 20000,
	  .on = ON(ID_MACHINE) },
	{ .name = "acknowledgements without end", .run = ack_storm, .arg = 50000 },
	{ .name = "stores to holes without end",
	  .run = hole_store_storm,
	  .arg = 20000,
	  .arg2 = 0x0b000000,
	  .on = ON(ID_MACHINE) },
	{ .name = "configuration without end", .run = read_storm, .arg = 50000, .arg2 = R_CONFIG },
	{ .name = "a sector is written over and over", .run = one_sector, .on = ON(ID_BLOCK) },
	{ .name = "a sector is written with the cache on and off",
	  .run = one_sector,
	  .arg = 1,
	  .on = ON(ID_BLOCK) },
};

const struct group group_resources = GROUP("resources", rows, .on = ON_EACH);
