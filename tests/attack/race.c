/* SPDX-License-Identifier: Apache-2.0 */
/* RACE: another CPU changes what a device reads, or does what this one does, at the same time. */
#include "tests/attack/table.h"

#define NEXT D_NEXT
#define IN   D_WRITE

enum { SIZE = 8 };

/* What the other CPU works on. */
struct race {
	struct dev *d;
	const struct attack *a;
	struct ring r;		/* a copy: where it lies does not change from start to start */
	uint64_t buffer, table; /* likewise */
	volatile bool stop;
};

/* --- words that flip between a good and a bad value, as fast as can be --- */

enum word {
	ADDRESS,
	LENGTH_OF,
	FLAGS,
	LINK,
	TABLE_ADDRESS,
	TABLE_LENGTH,
	TABLE_FLAGS,
	TABLE_LINK,
	HEADER_TYPE,
	HEADER_SECTOR,
	INDEX,
	HEAD,
	USED_INDEX,
	EVENT,
};

static void flip_word(struct race *c, bool bad)
{
	const uint64_t desc = c->r.desc, bad_value = c->a->arg2;

	switch ((enum word)c->a->arg) {
	case ADDRESS:
		hal_put64(desc, bad ? bad_value : c->buffer);
		break;
	case LENGTH_OF:
		hal_put32(desc + 8, bad ? (uint32_t)bad_value : 16);
		break;
	case FLAGS:
		hal_put16(desc + 12, bad ? (uint16_t)bad_value : NEXT);
		break;
	case LINK:
		hal_put16(desc + 14, bad ? (uint16_t)bad_value : 1);
		break;
	case TABLE_ADDRESS:
		hal_put64(c->table, bad ? bad_value : c->buffer);
		break;
	case TABLE_LENGTH:
		hal_put32(c->table + 8, bad ? (uint32_t)bad_value : 16);
		break;
	case TABLE_FLAGS:
		hal_put16(c->table + 12, bad ? (uint16_t)bad_value : NEXT);
		break;
	case TABLE_LINK:
		hal_put16(c->table + 14, bad ? (uint16_t)bad_value : 1);
		break;
	case HEADER_TYPE:
		hal_put32(c->buffer, bad ? (uint32_t)bad_value : 0);
		break;
	case HEADER_SECTOR:
		hal_put64(c->buffer + 8, bad ? bad_value : 0);
		break;
	case INDEX:
		hal_put16(c->r.driver + 2, bad ? (uint16_t)bad_value : 1);
		break;
	case HEAD:
		for (unsigned i = 0; i < SIZE; i++)
			hal_put16(c->r.driver + 4 + 2 * i, bad ? (uint16_t)bad_value : 0);
		break;
	case USED_INDEX:
		hal_put16(c->r.device + 2, bad ? (uint16_t)bad_value : 0);
		break;
	case EVENT:
	default:
		hal_put16(c->r.driver + 4 + 2 * SIZE, bad ? (uint16_t)bad_value : 0);
		break;
	}
}

static void flip(void *ctx)
{
	struct race *c = ctx;

	while (!c->stop) {
		flip_word(c, true);
		flip_word(c, false);
	}
}

/* A request of two pieces for the device to read and one to write: one disk sector, for a disk. */
static void lay_out(struct race *c, bool in_table)
{
	const uint64_t b = c->buffer;
	struct piece p[] = { { b, 16, false }, { b + 512, 512, true }, { b + 1024, 1, true } };
	const unsigned n = LENGTH(p);

	for (unsigned i = 0; i < n; i++) {
		const unsigned flags = (p[i].in ? IN : 0) | (i + 1 < n ? NEXT : 0);

		ring_desc_at(in_table ? c->table + 16 * i : c->r.desc + 16 * i, false, p[i].at,
			     p[i].len, flags, (uint16_t)(i + 1));
	}
	if (in_table)
		ring_desc(&c->r, 0, c->table, 16 * n, D_INDIRECT, 0);
	mem_fill(b, 0, 16);
}

static bool in_table(const struct attack *a)
{
	return a->arg >= TABLE_ADDRESS && a->arg <= TABLE_LINK;
}

/* Whatever the device read, it says so: by using the request, or by breaking. */
static bool sure_of_answer(const struct attack *a)
{
	return a->arg < INDEX;
}

static uint64_t features(const struct attack *a)
{
	return F_INDIRECT | (a->arg == EVENT ? F_EVENT_IDX : 0);
}

static void begin(struct race *c, struct dev *d, const struct attack *a)
{
	dev_start(d, features(a), SIZE);
	c->d = d;
	c->a = a;
	c->buffer = dev_pages(d, 4096);
	c->table = dev_pages(d, 4096);
	c->r = d->ring[d->kind->ring];
	c->stop = false;
	lay_out(c, in_table(a));
}

static bool answered_soon(struct ring *r)
{
	for (unsigned i = 0; i < 20; i++) {
		if (ring_used_index(r) != r->next_used)
			return true;
		hal_pause();
	}
	return false;
}

static void flips(struct dev *d, const struct attack *a)
{
	static struct race c;
	struct ring *r = &d->ring[d->kind->ring];
	const uint64_t rounds = times(200);

	begin(&c, d, a);
	hal_start(flip, &c);
	for (uint64_t i = 0; i < rounds && !complained(); i++) {
		enum answer answer = USED;

		lay_out(&c, in_table(a));
		ring_avail(r, r->next_avail, 0);
		ring_avail_index(r, ++r->next_avail);
		ring_kick(r);
		if (sure_of_answer(a))
			answer = ring_wait(r, &(uint32_t){ 0 });
		else if (!answered_soon(r) || dev_read(d, R_STATUS) & S_NEEDS_RESET)
			answer = BROKEN;
		else
			r->next_used = ring_used_index(r);
		if (answer == LATE)
			complain("no answer, and the device does not say that it is broken");
		if (answer == BROKEN)
			(void)dev_try_start(d, features(a), SIZE);
	}
	c.stop = true;
	hal_join();
}

/* --- two CPUs at the registers of one device --- */

static void kick_on(void *ctx)
{
	struct race *c = ctx;

	while (!c->stop)
		for (unsigned i = 0; i < c->d->nr_rings; i++)
			(void)hal_store(c->d->base + R_QUEUE_NOTIFY, 4, i);
}

/* data: registers that the other CPU writes, each with its value, up to one that is 0xffff. */
struct write {
	uint16_t reg;
	uint32_t value;
};

#define END 0xffff

static void write_on(void *ctx)
{
	struct race *c = ctx;

	while (!c->stop)
		for (const struct write *w = c->a->data; w->reg != END; w++)
			(void)hal_store(c->d->base + w->reg, 4, w->value);
}

static void read_on(void *ctx)
{
	struct race *c = ctx;
	uint64_t v;

	while (!c->stop)
		for (unsigned off = 0; off < R_END; off += 4)
			(void)hal_load(c->d->base + off, 4, &v);
}

/* A flood of requests, and no wait for them. */
static void flood(struct dev *d)
{
	struct ring *r = &d->ring[d->kind->ring];

	for (unsigned i = 0; i < r->size; i += 2) {
		any_request(r, i);
		ring_avail(r, i / 2, (uint16_t)i);
	}
	ring_avail_index(r, (uint16_t)(r->size / 2));
	(void)hal_store(d->base + R_QUEUE_NOTIFY, 4, r->index);
}

/*
 * The start of a driver whose every step another may undo: no complaint of a step. Memory is as the
 * last one left it.
 */
static void start_blindly(struct dev *d)
{
	(void)hal_store(d->base + R_STATUS, 4, 0);
	d->used = 0;
	for (uint32_t status = 1; status <= 3; status += 2)
		(void)hal_store(d->base + R_STATUS, 4, status);
	(void)hal_store(d->base + R_DRIVER_FEATURES_SEL, 4, 1);
	(void)hal_store(d->base + R_DRIVER_FEATURES, 4, 1);
	(void)hal_store(d->base + R_STATUS, 4, S_RUNS & ~S_DRIVER_OK);
	for (unsigned i = 0; i < d->nr_rings; i++) {
		ring_make(d, i, SIZE);
		ring_program(&d->ring[i]);
		ring_enable(&d->ring[i]);
	}
	(void)hal_store(d->base + R_STATUS, 4, S_RUNS);
}

enum { RESETS, QUEUE_RESETS, DISABLES, FLOODS };

static void together(struct dev *d, const struct attack *a, void (*other)(void *ctx))
{
	static struct race c;
	const uint64_t rounds = times(100);

	c = (struct race){ .d = d, .a = a };
	dev_start(d, F_RING_RESET, SIZE);
	hal_start(other, &c);
	for (uint64_t i = 0; i < rounds; i++) {
		flood(d);
		if (a->arg == FLOODS)
			hal_pause();
		else if (a->arg != RESETS)
			(void)hal_store(
				d->base + (a->arg == DISABLES ? R_QUEUE_READY : R_QUEUE_RESET), 4,
				a->arg == QUEUE_RESETS);
		start_blindly(d);
	}
	c.stop = true;
	hal_join();
}

static void against_kicks(struct dev *d, const struct attack *a)
{
	together(d, a, kick_on);
}

static void against_writes(struct dev *d, const struct attack *a)
{
	together(d, a, write_on);
}

static void against_reads(struct dev *d, const struct attack *a)
{
	together(d, a, read_on);
}

static void start_on(void *ctx)
{
	struct race *c = ctx;
	struct dev mine = *c->d; /* other rings, in the same memory: both drivers are wrong */

	while (!c->stop)
		start_blindly(&mine);
}

static void two_drivers(struct dev *d, const struct attack *a)
{
	together(d, a, start_on);
}

#define WRITES(...)                                                                                \
	.run = against_writes, .data = (const struct write[])                                      \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			END, 0                                                                     \
		}                                                                                  \
	}

static const struct attack rows[] = {
	{ .name = "address and nowhere", .arg = ADDRESS, .arg2 = 0x1000 },
	{ .name = "address and registers", .arg = ADDRESS, .arg2 = 0x0a000000 },
	{ .name = "address and the end of all", .arg = ADDRESS, .arg2 = UINT64_MAX - 7 },
	{ .name = "length and 2^32 - 1", .arg = LENGTH_OF, .arg2 = UINT32_MAX },
	{ .name = "length and 0", .arg = LENGTH_OF, .arg2 = 0 },
	{ .name = "flags and a table", .arg = FLAGS, .arg2 = D_INDIRECT },
	{ .name = "flags and the other direction", .arg = FLAGS, .arg2 = NEXT | IN },
	{ .name = "flags and the end of the chain", .arg = FLAGS, .arg2 = 0 },
	{ .name = "next and a loop", .arg = LINK, .arg2 = 0 },
	{ .name = "next and 65535", .arg = LINK, .arg2 = 0xffff },
	{ .name = "address in a table and nowhere", .arg = TABLE_ADDRESS, .arg2 = 0x1000 },
	{ .name = "length in a table and 2^31", .arg = TABLE_LENGTH, .arg2 = 1U << 31 },
	{ .name = "flags in a table and a table", .arg = TABLE_FLAGS, .arg2 = D_INDIRECT },
	{ .name = "next in a table and behind it", .arg = TABLE_LINK, .arg2 = 3 },
	{ .name = "type of a disk request and a flush",
	  .arg = HEADER_TYPE,
	  .arg2 = 4,
	  .on = ON(ID_BLOCK) },
	{ .name = "type of a disk request and 2^32 - 1",
	  .arg = HEADER_TYPE,
	  .arg2 = UINT32_MAX,
	  .on = ON(ID_BLOCK) },
	{ .name = "sector and one far away",
	  .arg = HEADER_SECTOR,
	  .arg2 = UINT64_MAX / 512,
	  .on = ON(ID_BLOCK) },
	{ .name = "available index and far ahead", .arg = INDEX, .arg2 = 0x7fff },
	{ .name = "available index and back", .arg = INDEX, .arg2 = 0xffff },
	{ .name = "heads and 65535", .arg = HEAD, .arg2 = 0xffff },
	{ .name = "heads and another's tail", .arg = HEAD, .arg2 = 1 },
	{ .name = "used index and anything", .arg = USED_INDEX, .arg2 = 0x1234 },
	{ .name = "used_event and anything", .arg = EVENT, .arg2 = 0x8000 },
	{ .name = "kicks and resets", .run = against_kicks, .arg = RESETS },
	{ .name = "kicks and queue resets", .run = against_kicks, .arg = QUEUE_RESETS },
	{ .name = "kicks and disabled queues", .run = against_kicks, .arg = DISABLES },
	{ .name = "kicks and floods", .run = against_kicks, .arg = FLOODS },
	{ .name = "reads of all registers and resets", .run = against_reads },
	{ .name = "resets and resets", WRITES({ R_STATUS, 0 }) },
	{ .name = "FAILED and starts", WRITES({ R_STATUS, S_RUNS | S_FAILED }) },
	{ .name = "DRIVER_OK and starts", WRITES({ R_STATUS, S_RUNS }) },
	{ .name = "acknowledgements and floods",
	  .arg = FLOODS,
	  WRITES({ R_INTERRUPT_ACK, 1 }, { R_INTERRUPT_ACK, 3 }) },
	{ .name = "configuration writes and floods",
	  .arg = FLOODS,
	  WRITES({ R_CONFIG + 32, 1 }, { R_CONFIG + 32, 0 }, { R_CONFIG + 8, 'x' }) },
	{ .name = "two selectors of queues", WRITES({ R_QUEUE_SEL, 0 }, { R_QUEUE_SEL, 1 }) },
	{ .name = "sizes and starts", WRITES({ R_QUEUE_NUM, 1 }, { R_QUEUE_NUM, 3 }) },
	{ .name = "addresses and starts",
	  WRITES({ R_QUEUE_DESC, 0 }, { R_QUEUE_DRIVER, 0x1000 }, { R_QUEUE_DEVICE + 4, 1 }) },
	{ .name = "features and starts",
	  WRITES({ R_DRIVER_FEATURES_SEL, 0 }, { R_DRIVER_FEATURES, UINT32_MAX }) },
	{ .name = "QUEUE_READY and starts", WRITES({ R_QUEUE_READY, 0 }, { R_QUEUE_READY, 1 }) },
	{ .name = "two drivers", .run = two_drivers },
};

const struct group group_race =
	GROUP("race", rows, .on = ON_EACH, .run = flips, .needs = NEEDS_CPU);
