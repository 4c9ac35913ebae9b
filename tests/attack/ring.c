/* SPDX-License-Identifier: Apache-2.0 */
/* RING: descriptors, chains and rings that break the rules, or only seem to. */
#include "tests/attack/chain.h"
#include "tests/attack/table.h"

#define NEXT D_NEXT
#define IN   D_WRITE

/* The ring that is attacked, of a device that was started with small ones. */
static struct ring *begin(struct dev *d, uint64_t features)
{
	dev_start(d, features, CHAIN_SIZE);
	return &d->ring[d->kind->ring];
}

static void expect_broken(struct dev *d)
{
	if (!dev_wait_broken(d))
		complain("the device does not say that it is broken");
}

/*
 * The same head @arg times in one kick; what was used before may come again. A disk takes all that
 * there is before it gives anything back.
 */
static void same_head(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, 0);
	enum answer answer;

	any_request(r, 0);
	for (unsigned i = 0; i < a->arg; i++)
		ring_avail(r, i, 0);
	ring_avail_index(r, (uint16_t)a->arg);
	ring_kick(r);
	answer = ring_wait(r, &(uint32_t){ 0 });
	if (answer == LATE)
		complain("no answer");
	else if (d->kind->id == ID_BLOCK && answer != BROKEN)
		complain("the device took a request that it has already");
}

/* Again while the first may be under way: kick after kick. */
static void same_head_kicks(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, 0);

	any_request(r, 0);
	for (uint16_t i = 1; i <= a->arg && !(dev_read(d, R_STATUS) & S_NEEDS_RESET); i++) {
		ring_avail(r, (unsigned)i - 1, 0);
		ring_avail_index(r, i);
		ring_kick(r);
	}
	if (ring_wait(r, &(uint32_t){ 0 }) == LATE)
		complain("no answer");
}

/* After a good request the index goes somewhere else: by @arg from where it was. */
static void index_jumps(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, 0);

	any_request(r, 0);
	ring_avail(r, 0, 0);
	ring_avail_index(r, 1);
	ring_kick(r);
	if (ring_wait(r, &(uint32_t){ 0 }) != USED)
		complain("a good request was not used");
	ring_avail_index(r, (uint16_t)(1 + a->arg));
	ring_kick(r);
	expect_broken(d);
}

/* arg: requests, more than an index can count, half a ring of them at a time: none is lost. */
static void index_wraps(struct dev *d, const struct attack *a)
{
	struct ring *r = &d->ring[d->kind->ring];
	unsigned half;

	dev_start(d, 0, 512);
	half = r->size / 2;
	for (unsigned i = 0; i < r->size; i += 2) {
		any_request(r, i);
		ring_avail(r, i / 2, (uint16_t)i);
		ring_avail(r, half + i / 2, (uint16_t)i);
	}
	for (uint64_t used = 0; used < a->arg && !complained(); used += half) {
		r->next_avail = (uint16_t)(r->next_avail + half);
		ring_avail_index(r, r->next_avail);
		ring_kick(r);
		for (unsigned i = 0; i < half && !complained(); i++)
			if (ring_wait(r, &(uint32_t){ 0 }) != USED)
				complain_of("requests that were used", used + i, a->arg);
	}
}

/* A queue's index moves while nothing is in the ring but zeroes: address 0, no bytes. */
static void all_zero(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, 0);

	ring_avail_index(r, (uint16_t)a->arg);
	ring_kick(r);
	if (ring_wait(r, &(uint32_t){ 0 }) == LATE)
		complain("no answer");
}

/* @arg: a value of the available ring's flags, or with EVENT_IDX of used_event: a request is used.
 */
static void avail_flags(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, a->arg2);

	any_request(r, 0);
	if (a->arg2 & F_EVENT_IDX)
		hal_put16(r->driver + 4 + 2 * r->size, (uint16_t)a->arg);
	else
		hal_put16(r->driver, (uint16_t)a->arg);
	for (uint16_t i = 1; i <= 3 && !complained(); i++) {
		ring_avail(r, (unsigned)i - 1, 0);
		ring_avail_index(r, i);
		ring_kick(r);
		if (ring_wait(r, &(uint32_t){ 0 }) != USED)
			complain("a request was not used");
	}
}

/* Packed: junk in the driver's event area. */
static void event_area(struct dev *d, const struct attack *a)
{
	struct ring *r;

	if (!(d->offered & F_PACKED))
		return;
	r = begin(d, F_PACKED | a->arg2);
	hal_put32(r->driver, (uint32_t)a->arg);
	for (unsigned i = 0; i < 3 && !complained(); i++) {
		const struct piece p = { r->d->memory, 16, d->kind->id == ID_RNG };

		if (!d->kind->any)
			break;
		(void)ring_good(r, &(struct piece){ d->scratch, 16, p.in }, 1, p.in ? 16 : 0);
	}
}

/* The driver writes over the used ring; the device does not care. */
static void used_ring_changed(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, 0);

	any_request(r, 0);
	for (uint16_t i = 1; i <= 3 && !complained(); i++) {
		mem_fill(r->device, (uint8_t)a->arg, 6 + 8 * r->size);
		r->next_used = ring_used_index(r);
		ring_avail(r, (unsigned)i - 1, 0);
		ring_avail_index(r, i);
		ring_kick(r);
		if (ring_wait(r, &(uint32_t){ 0 }) != USED)
			complain("a request was not used");
		if (ring_used_index(r) != i)
			complain_of("index of the used ring", ring_used_index(r), i);
	}
}

static void kick_empty(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, 0);

	for (uint64_t i = 0; i < times(a->arg); i++)
		(void)hal_store(d->base + R_QUEUE_NOTIFY, 4, r->index);
	if (dev_read(d, R_STATUS) != S_RUNS)
		complain_of("status", dev_read(d, R_STATUS), S_RUNS);
	any_request(r, 0);
	ring_avail_index(r, 1);
	ring_kick(r);
	if (ring_wait(r, &(uint32_t){ 0 }) != USED)
		complain("a request after kicks of nothing was not used");
}

/* QUEUE_NOTIFY with a value that is no queue of the device. */
static void kick_wrong(struct dev *d, const struct attack *a)
{
	(void)begin(d, 0);
	dev_write(d, R_QUEUE_NOTIFY, (uint32_t)a->arg);
	if (dev_read(d, R_STATUS) != S_RUNS)
		complain_of("status", dev_read(d, R_STATUS), S_RUNS);
}

/* --- where a ring may lie --- */

enum area { AREA_DESC, AREA_DRIVER, AREA_DEVICE, AREA_ALL };

static uint64_t *area_of(struct ring *r, enum area area)
{
	return area == AREA_DESC ? &r->desc : area == AREA_DRIVER ? &r->driver : &r->device;
}

static struct ring *negotiated(struct dev *d)
{
	if (!dev_negotiate(d, 0))
		complain("the device does not take the features");
	ring_make(d, d->kind->ring, CHAIN_SIZE);
	return &d->ring[d->kind->ring];
}

static void enable_bad(struct ring *r)
{
	struct dev *d = r->d;

	ring_program(r);
	ring_enable(r);
	if (dev_read(d, R_QUEUE_READY) != 0)
		complain("the device takes such a ring");
	dev_write(d, R_STATUS, S_RUNS);
	ring_kick(r);
}

/* data: struct entry: where one area is instead. */
static void area_at(struct dev *d, const struct attack *a)
{
	const struct entry *e = a->data;
	struct ring *r = negotiated(d);
	uint64_t *at = area_of(r, (enum area)a->arg);

	*at = e->at + (e->where == RAM_END     ? hal.ram + hal.ram_size
		       : e->where == RAM       ? hal.ram
		       : e->where == BUFFER    ? *at
		       : e->where == REGISTERS ? d->base
		       : e->where == ROM       ? hal.rom
					       : 0);
	enable_bad(r);
}

/* All three areas in the same place: legal for the device, which must get along. */
static void areas_overlap(struct dev *d, const struct attack *a)
{
	struct ring *r = negotiated(d);

	r->driver = r->desc + a->arg;
	r->device = r->desc + a->arg2;
	ring_program(r);
	ring_enable(r);
	dev_write(d, R_STATUS, S_RUNS);
	ring_avail_index(r, 1);
	ring_kick(r);
	for (unsigned i = 0; i < 100; i++)
		hal_pause();
}

/* A size that the device has no room for leaves the one before; one that is no power of 2 does not.
 */
static void ring_size_bad(struct dev *d, const struct attack *a)
{
	struct ring *r = negotiated(d);
	uint32_t max, size = (uint32_t)a->arg;

	ring_program(r);
	max = dev_read(d, R_QUEUE_NUM_MAX);
	if (a->arg2)
		size = max * (uint32_t)a->arg2 + (uint32_t)a->arg;
	dev_write(d, R_QUEUE_NUM, size);
	dev_write(d, R_QUEUE_READY, 1);
	if (dev_read(d, R_QUEUE_READY) != (size == 0 || size > max))
		complain_of("QUEUE_READY", dev_read(d, R_QUEUE_READY), size == 0 || size > max);
	dev_write(d, R_STATUS, S_RUNS);
	ring_kick(r);
}

static void largest_ring(struct dev *d, const struct attack *a)
{
	(void)a;
	dev_start(d, 0, UINT16_MAX);
	d->kind->good(d);
}

static void smallest_ring(struct dev *d, const struct attack *a)
{
	struct ring *r;

	dev_start(d, 0, 1);
	r = &d->ring[d->kind->ring];
	ring_desc(r, 0, d->scratch, 16, a->arg ? D_NEXT : D_WRITE, 0);
	ring_avail(r, 0, 0);
	ring_avail_index(r, 1);
	ring_kick(r);
	if (ring_wait(r, &(uint32_t){ 0 }) == LATE)
		complain("no answer");
}

#define AREA(id, area, base, off)                                                                  \
	{                                                                                          \
		.name = (id), .run = area_at, .arg = (area), .data = &(const struct entry)         \
		{                                                                                  \
			(base), (off), 0, 0, 0                                                     \
		}                                                                                  \
	}

static const struct attack rows[] = {
	/* clang-format off */
	CHAIN("loop of one", SPLIT, BREAKS, DESCRIPTORS({ BUFFER, 0, 16, NEXT, 0 })),
	CHAIN("loop of two", SPLIT, BREAKS,
	      DESCRIPTORS({ BUFFER, 0, 16, NEXT, 1 }, { BUFFER, 0, 16, NEXT, 0 })),
	CHAIN("loop of all", SPLIT, BREAKS,
	      DESCRIPTORS({ BUFFER, 0, 1, NEXT, 1 }, { BUFFER, 0, 1, NEXT, 2 },
			  { BUFFER, 0, 1, NEXT, 3 }, { BUFFER, 0, 1, NEXT, 4 },
			  { BUFFER, 0, 1, NEXT, 5 }, { BUFFER, 0, 1, NEXT, 6 },
			  { BUFFER, 0, 1, NEXT, 7 }, { BUFFER, 0, 1, NEXT, 0 })),
	CHAIN("loop behind the head", SPLIT, BREAKS,
	      DESCRIPTORS({ BUFFER, 0, 16, NEXT, 1 }, { BUFFER, 0, 16, NEXT, 2 },
			  { BUFFER, 0, 16, NEXT, 1 })),
	CHAIN("loop of nothing", SPLIT, BREAKS,
	      DESCRIPTORS({ BUFFER, 0, 0, NEXT, 1 }, { BUFFER, 0, 0, NEXT, 0 })),
	CHAIN("chain of the whole ring", BOTH, LEGAL,
	      DESCRIPTORS({ BUFFER, 0, 1, NEXT, 1 }, { BUFFER, 1, 1, NEXT, 2 },
			  { BUFFER, 2, 1, NEXT, 3 }, { BUFFER, 3, 1, NEXT, 4 },
			  { BUFFER, 4, 1, NEXT, 5 }, { BUFFER, 5, 1, NEXT, 6 },
			  { BUFFER, 6, 1, NEXT, 7 }, { BUFFER, 7, 8, IN, 7 })),
	CHAIN("packed chain without an end", PACKED, BREAKS,
	      DESCRIPTORS({ BUFFER, 0, 1, NEXT, 0 }, { BUFFER, 0, 1, NEXT, 0 },
			  { BUFFER, 0, 1, NEXT, 0 }, { BUFFER, 0, 1, NEXT, 0 },
			  { BUFFER, 0, 1, NEXT, 0 }, { BUFFER, 0, 1, NEXT, 0 },
			  { BUFFER, 0, 1, NEXT, 0 }, { BUFFER, 0, 1, NEXT, 0 })),
	CHAIN("packed id is the size", PACKED, BREAKS, DESCRIPTORS({ BUFFER, 0, 16, IN, 8 })),
	CHAIN("packed id is 65535", PACKED, BREAKS, DESCRIPTORS({ BUFFER, 0, 16, IN, 0xffff })),
	CHAIN("next is the size", SPLIT, BREAKS, DESCRIPTORS({ BUFFER, 0, 16, NEXT, 8 })),
	CHAIN("next is 65535", SPLIT, BREAKS, DESCRIPTORS({ BUFFER, 0, 16, NEXT, 0xffff })),
	CHAIN("next without its flag", SPLIT, LEGAL, DESCRIPTORS({ BUFFER, 0, 16, 0, 0xffff })),
	CHAIN("flags that nobody knows", SPLIT, LEGAL, DESCRIPTORS({ BUFFER, 0, 16, 0x7ff8, 0 })),
	CHAIN("head is the size", SPLIT, BREAKS, .head = 8, DESCRIPTORS({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("head is 65535", SPLIT, BREAKS, .head = 0xffff,
	      DESCRIPTORS({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("index one ring ahead", SPLIT, BREAKS, .ahead = 8,
	      DESCRIPTORS({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("index 32768 ahead", SPLIT, BREAKS, .ahead = 0x7fff,
	      DESCRIPTORS({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("index one back", SPLIT, BREAKS, .ahead = 0xfffe,
	      DESCRIPTORS({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("a full ring of one chain", SPLIT, SURVIVES, .ahead = 7,
	      DESCRIPTORS({ BUFFER, 0, 16, NEXT, 7 }, { BUFFER, 0, 16, NEXT, 7 },
			  { BUFFER, 0, 16, NEXT, 7 }, { BUFFER, 0, 16, NEXT, 7 },
			  { BUFFER, 0, 16, NEXT, 7 }, { BUFFER, 0, 16, NEXT, 7 },
			  { BUFFER, 0, 16, NEXT, 7 }, { BUFFER, 0, 16, IN, 0 })),
	CHAIN("empty head", BOTH, LEGAL,
	      DESCRIPTORS({ BUFFER, 0, 0, NEXT, 1 }, { BUFFER, 0, 16, IN, 0 })),
	CHAIN("empty middle", BOTH, LEGAL,
	      DESCRIPTORS({ BUFFER, 0, 16, NEXT, 1 }, { BUFFER, 0, 0, NEXT, 2 },
			  { BUFFER, 16, 16, IN, 0 })),
	CHAIN("empty last", BOTH, LEGAL,
	      DESCRIPTORS({ BUFFER, 0, 16, NEXT, 1 }, { BUFFER, 0, 0, IN, 0 })),
	CHAIN("nothing but empty ones, nowhere", BOTH, LEGAL,
	      DESCRIPTORS({ ABSOLUTE, 0, 0, NEXT, 1 }, { ABSOLUTE, 0, 0, IN, 0 })),
	CHAIN("length 2^31", BOTH, BREAKS, DESCRIPTORS({ BUFFER, 0, 1U << 31, IN, 0 })),
	CHAIN("length 2^32 - 1", BOTH, BREAKS, DESCRIPTORS({ BUFFER, 0, 0xffffffff, IN, 0 })),
	CHAIN("ends at 2^64", BOTH, BREAKS, DESCRIPTORS({ ABSOLUTE, UINT64_MAX - 15, 16, IN, 0 })),
	CHAIN("wraps into RAM", BOTH, BREAKS,
	      DESCRIPTORS({ ABSOLUTE, UINT64_MAX - 0xffff, 0xffffffff, IN, 0 })),
	CHAIN("the last address of all", BOTH, BREAKS,
	      DESCRIPTORS({ ABSOLUTE, UINT64_MAX, 1, 0, 0 })),
	CHAIN("the last byte of RAM", BOTH, LEGAL, DESCRIPTORS({ RAM_END, -1ULL, 1, IN, 0 })),
	CHAIN("a byte behind RAM", BOTH, BREAKS, DESCRIPTORS({ RAM_END, -1ULL, 2, IN, 0 })),
	CHAIN("behind RAM", BOTH, BREAKS, DESCRIPTORS({ RAM_END, 0, 1, IN, 0 })),
	CHAIN("a byte before RAM", BOTH, BREAKS, DESCRIPTORS({ RAM, -1ULL, 2, IN, 0 })),
	CHAIN("address 0", BOTH, BREAKS, DESCRIPTORS({ ABSOLUTE, 0, 16, IN, 0 })),
	CHAIN("reads its own registers", BOTH, BREAKS, DESCRIPTORS({ REGISTERS, 0, 16, 0, 0 })),
	CHAIN("writes its own registers", BOTH, BREAKS,
	      DESCRIPTORS({ REGISTERS, R_STATUS, 4, IN, 0 })),
	CHAIN("writes another device's registers", BOTH, BREAKS,
	      DESCRIPTORS({ OTHERS, R_STATUS, 4, IN, 0 })),
	CHAIN("writes the UART", BOTH, BREAKS, DESCRIPTORS({ SERIAL, 0, 4, IN, 0 })),
	CHAIN("reads its own descriptors", SPLIT, SURVIVES,
	      DESCRIPTORS({ DESC, 0, 128, NEXT, 1 }, { BUFFER, 0, 16, IN, 0 })),
	CHAIN("writes its own descriptors", SPLIT, SURVIVES, DESCRIPTORS({ DESC, 0, 128, IN, 0 })),
	CHAIN("writes the available ring", SPLIT, SURVIVES, DESCRIPTORS({ DRIVER, 0, 22, IN, 0 })),
	CHAIN("writes the used ring", SPLIT, SURVIVES, DESCRIPTORS({ DEVICE, 0, 70, IN, 0 })),
	CHAIN("reads the used ring", SPLIT, LEGAL,
	      DESCRIPTORS({ DEVICE, 0, 70, NEXT, 1 }, { BUFFER, 0, 16, IN, 0 })),
	CHAIN("one buffer in all descriptors", BOTH, LEGAL,
	      DESCRIPTORS({ BUFFER, 0, 64, NEXT, 1 }, { BUFFER, 8, 64, NEXT, 2 },
			  { BUFFER, 0, 64, IN | NEXT, 3 }, { BUFFER, 8, 64, IN, 0 })),
	CHAIN("only readable", BOTH, LEGAL, DESCRIPTORS({ BUFFER, 0, 64, 0, 0 })),
	CHAIN("only writable", BOTH, LEGAL, DESCRIPTORS({ BUFFER, 0, 64, IN, 0 })),
	CHAIN("readable behind writable", BOTH, BREAKS,
	      DESCRIPTORS({ BUFFER, 0, 16, IN | NEXT, 1 }, { BUFFER, 0, 16, 0, 0 })),
	CHAIN("readable between writable", BOTH, BREAKS,
	      DESCRIPTORS({ BUFFER, 0, 16, IN | NEXT, 1 }, { BUFFER, 0, 16, NEXT, 2 },
			  { BUFFER, 0, 16, IN, 0 })),
	/* clang-format on */
	{ .name = "reads read-only memory",
	  .data = &(const struct chain){ .formats = BOTH,
					 .verdict = LEGAL,
					 DESCRIPTORS({ ROM, 0, 16, NEXT, 1 },
						     { BUFFER, 0, 16, IN, 0 }) },
	  .needs = NEEDS_ROM },
	{ .name = "writes read-only memory",
	  .data = &(const struct chain){ .formats = BOTH,
					 .verdict = BREAKS,
					 DESCRIPTORS({ ROM, 0, 16, IN, 0 }) },
	  .needs = NEEDS_ROM },
	{ .name = "same head twice in a kick", .run = same_head, .arg = 2 },
	{ .name = "same head in the whole ring", .run = same_head, .arg = CHAIN_SIZE },
	{ .name = "same head in every kick", .run = same_head_kicks, .arg = 100 },
	{ .name = "index goes back after a request", .run = index_jumps, .arg = UINT16_MAX },
	{ .name = "index one ring ahead after a request", .run = index_jumps, .arg = 9 },
	{ .name = "index 65534 ahead after a request", .run = index_jumps, .arg = 65534 },
	{ .name = "index wraps at 65536",
	  .run = index_wraps,
	  .arg = 66000,
	  .on = ON(ID_BLOCK) | ON(ID_CONSOLE) },
	{ .name = "one descriptor of zeroes", .run = all_zero, .arg = 1 },
	{ .name = "a ring of zeroes", .run = all_zero, .arg = CHAIN_SIZE },
	{ .name = "all flags of the available ring", .run = avail_flags, .arg = 0xffff },
	{ .name = "flags that nobody knows of the ring", .run = avail_flags, .arg = 0xfffe },
	{ .name = "used_event far ahead", .run = avail_flags, .arg = 0x8000, .arg2 = F_EVENT_IDX },
	{ .name = "used_event behind", .run = avail_flags, .arg = 0xffff, .arg2 = F_EVENT_IDX },
	{ .name = "event area of ones", .run = event_area, .arg = 0xffffffff, .arg2 = F_EVENT_IDX },
	{ .name = "event flags reserved", .run = event_area, .arg = 0x30000 },
	{ .name = "event flags without their feature", .run = event_area, .arg = 0x2ffff },
	{ .name = "used ring written over with 0", .run = used_ring_changed, .arg = 0 },
	{ .name = "used ring written over with ones", .run = used_ring_changed, .arg = 0xff },
	{ .name = "kick of nothing", .run = kick_empty, .arg = 1 },
	{ .name = "many kicks of nothing", .run = kick_empty, .arg = 20000 },
	{ .name = "kick of the queue after the last", .run = kick_wrong, .arg = DEV_RINGS },
	{ .name = "kick of queue 65535", .run = kick_wrong, .arg = 65535 },
	{ .name = "kick of queue 65536", .run = kick_wrong, .arg = 65536 },
	{ .name = "kick of queue 2^31", .run = kick_wrong, .arg = 1U << 31 },
	{ .name = "kick of queue 2^32 - 1", .run = kick_wrong, .arg = UINT32_MAX },
	AREA("descriptors unaligned", AREA_DESC, BUFFER, 8),
	AREA("available ring unaligned", AREA_DRIVER, BUFFER, 1),
	AREA("used ring unaligned", AREA_DEVICE, BUFFER, 2),
	AREA("descriptors nowhere", AREA_DESC, ABSOLUTE, 0),
	AREA("available ring nowhere", AREA_DRIVER, ABSOLUTE, 0x1000),
	AREA("used ring nowhere", AREA_DEVICE, ABSOLUTE, 0x1000),
	AREA("descriptors across the end of RAM", AREA_DESC, RAM_END, -64ULL),
	AREA("available ring across the end of RAM", AREA_DRIVER, RAM_END, -16ULL),
	AREA("used ring across the end of RAM", AREA_DEVICE, RAM_END, -16ULL),
	AREA("descriptors before RAM", AREA_DESC, RAM, -16ULL),
	AREA("descriptors end at 2^64", AREA_DESC, ABSOLUTE, -128ULL),
	AREA("available ring wraps", AREA_DRIVER, ABSOLUTE, -16ULL),
	AREA("used ring wraps", AREA_DEVICE, ABSOLUTE, -16ULL),
	AREA("descriptors in registers", AREA_DESC, REGISTERS, 0x100),
	AREA("used ring in registers", AREA_DEVICE, REGISTERS, 0),
	{ .name = "used ring in read-only memory",
	  .run = area_at,
	  .arg = AREA_DEVICE,
	  .data = &(const struct entry){ ROM, 0, 0, 0, 0 },
	  .needs = NEEDS_ROM },
	{ .name = "all areas in one place", .run = areas_overlap },
	{ .name = "used ring over the descriptors", .run = areas_overlap, .arg = 128 },
	{ .name = "available ring in the used one", .run = areas_overlap, .arg = 132, .arg2 = 128 },
	{ .name = "size 0", .run = ring_size_bad, .arg = 0 },
	{ .name = "size 3", .run = ring_size_bad, .arg = 3 },
	{ .name = "size one above the largest", .run = ring_size_bad, .arg = 1, .arg2 = 1 },
	{ .name = "size twice the largest", .run = ring_size_bad, .arg2 = 2 },
	{ .name = "size 65536", .run = ring_size_bad, .arg = 65536 },
	{ .name = "size 2^32 - 1", .run = ring_size_bad, .arg = UINT32_MAX },
	{ .name = "the largest ring", .run = largest_ring },
	{ .name = "ring of one", .run = smallest_ring },
	{ .name = "ring of one that loops", .run = smallest_ring, .arg = 1 },
};

const struct group group_ring = GROUP("ring", rows, .on = ON_EACH, .run = chain_run);
