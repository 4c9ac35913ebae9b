/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BLK: requests that a disk must refuse, or take although they look odd (virtio 1.3,
 * section 5.2.6). Whatever they are, only the sectors that a good one names may change, and the
 * last one, which each of them comes after, is as it was.
 */
#include "tests/attack/requests.h"
#include "tests/attack/table.h"

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, SECURE_ERASE = 14, ZEROES = 13 };
enum { SECTOR = 512, DATA_SIZE = 160 * 1024, MARK = 0x4d, JUNK = 0xd5, NO_STATUS = 0xee };
enum { FREE_SECTOR = 80, ID_LEN = 20, RING_SIZE = 512 };
enum { F_RO = 5, F_FLUSH = 9, F_WCE = 11, F_MQ = 12, F_DISCARD = 13, F_ZEROES = 14 };
enum { CONFIG_WRITEBACK = 32 };

/* What a request must come back with. */
enum wanted {
	OK,
	IOERR,
	UNSUPP,
	REFUSED,   /* any but OK */
	EITHER,	   /* whatever, but an answer */
	BROKEN_BY, /* the device needs a reset */
};

/* A part of a request: header and range lie one behind the other. */
enum what { HEADER, RANGE, DATA, STATUS };

struct part {
	enum what what;
	uint32_t at, len;
	bool in;
	uint32_t chop; /* into descriptors of so many bytes; 0: in one */
};

struct ask {
	enum wanted wanted;
	uint32_t type;
	uint64_t sector;
	bool from_end; /* the sector is counted from the capacity */
	uint64_t without;
	uint64_t range_sector;
	uint32_t range_sectors, range_flags;
	unsigned n;
	struct part part[8];
};

struct places {
	uint64_t header, data, status, last; /* the last byte for the device to write */
};

static uint64_t capacity(struct dev *d)
{
	return dev_read(d, R_CONFIG) | (uint64_t)dev_read(d, R_CONFIG + 4) << 32;
}

static struct places get_places(struct dev *d)
{
	struct places p = { .header = dev_pages(d, 4096) };

	p.data = dev_pages(d, DATA_SIZE);
	p.status = dev_alloc(d, 16);
	mem_fill(p.data, JUNK, DATA_SIZE);
	mem_fill(p.status, NO_STATUS, 16);
	return p;
}

static void put_header(uint64_t at, uint32_t type, uint64_t sector)
{
	hal_put32(at, type);
	hal_put32(at + 4, 0xffffffff); /* reserved: nobody looks */
	hal_put64(at + 8, sector);
}

static void put_range(uint64_t at, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	hal_put64(at, sector);
	hal_put32(at + 8, sectors);
	hal_put32(at + 12, flags);
}

/* One sector, well; its status is at data + SECTOR. */
static bool one_sector(struct dev *d, uint32_t type, uint64_t sector, uint64_t header,
		       uint64_t data)
{
	const struct piece p[] = { { header, 16, false },
				   { data, SECTOR, type == IN },
				   { data + SECTOR, 1, true } };

	put_header(header, type, sector);
	if (!ring_good(&d->ring[0], p, 3, type == IN ? SECTOR + 1 : 1))
		return false;
	if (hal_get8(data + SECTOR))
		complain_of("status of a good disk request", hal_get8(data + SECTOR), 0);
	return !complained();
}

static bool is_read_only(const struct dev *d)
{
	return d->offered & F(F_RO);
}

/* The disk's end is marked before the attack, and looked at after. */
static void mark_end(struct dev *d)
{
	const uint64_t at = dev_alloc(d, 16), data = dev_alloc(d, SECTOR + 1);

	if (is_read_only(d))
		return;
	mem_fill(data, MARK, SECTOR);
	(void)one_sector(d, OUT, capacity(d) - 1, at, data);
}

static void expect_disk(struct dev *d)
{
	const uint64_t at = dev_alloc(d, 16), data = dev_alloc(d, SECTOR + 1);

	if (complained())
		return;
	disk_expect_all(d);
	if (one_sector(d, IN, capacity(d) - 1, at, data))
		mem_expect(data, is_read_only(d) ? 0 : MARK, SECTOR, "the disk's last sector has");
}

static bool status_is(uint8_t is, enum wanted wanted)
{
	return wanted == EITHER	   ? is <= UNSUPP
	       : wanted == REFUSED ? is == IOERR || is == UNSUPP
				   : is == (uint8_t)wanted;
}

static void judge(struct dev *d, enum answer answer, uint8_t status, enum wanted wanted)
{
	if (wanted == BROKEN_BY && answer != BROKEN)
		complain("the device took what breaks a rule");
	if (wanted == BROKEN_BY || complained())
		return;
	if (answer != USED)
		complain("the device broke of a request that it should answer");
	else if (!status_is(status, wanted))
		complain_of("status", status, wanted);
	/* It goes on as if nothing had been. */
	if (!complained())
		d->kind->good(d);
	expect_disk(d);
}

static uint64_t part_at(const struct places *p, const struct part *part)
{
	static const uint8_t range = 16;

	switch (part->what) {
	case HEADER:
		return p->header + part->at;
	case RANGE:
		return p->header + range + part->at;
	case DATA:
		return p->data + part->at;
	case STATUS:
	default:
		return p->status + part->at;
	}
}

/* The descriptors of @ask; how many. *@in_len: bytes for the device to write. */
static unsigned lay_out(const struct ask *ask, struct places *p, struct piece *to, uint32_t *in_len)
{
	unsigned n = 0;

	*in_len = 0;
	p->last = p->status;
	for (unsigned i = 0; i < ask->n; i++) {
		const struct part *part = &ask->part[i];
		const uint32_t step = part->chop ? part->chop : part->len;
		uint64_t at = part_at(p, part);
		uint32_t left = part->len;

		do {
			const uint32_t len = left < step ? left : step;

			to[n++] = (struct piece){ at, len, part->in };
			at += len;
			left -= len;
		} while (left);
		*in_len += part->in ? part->len : 0;
		if (part->in && part->len)
			p->last = at - 1;
	}
	return n;
}

static void ask_run(struct dev *d, const struct attack *a)
{
	static struct piece piece[RING_SIZE];
	const struct ask *ask = a->data;
	struct ring *r = begin_with(d, ask->without, RING_SIZE);
	uint32_t len, in_len;
	struct places p;
	enum answer answer;
	unsigned n;

	mark_end(d);
	p = get_places(d);
	put_header(p.header, ask->type, ask->sector + (ask->from_end ? capacity(d) : 0));
	put_range(p.header + 16, ask->range_sector, ask->range_sectors, ask->range_flags);
	n = lay_out(ask, &p, piece, &in_len);
	answer = ring_send(r, piece, n, &len);
	if (len > in_len)
		complain_of("bytes written, of a request with room for less", len, in_len);
	judge(d, answer, hal_get8(p.last), ask->wanted);
}

/* --- types --- */

static uint8_t status_of_type(struct dev *d, const struct places *p, uint32_t type)
{
	const struct piece piece[] = { { p->header, 16, false },
				       { p->data, SECTOR, false },
				       { p->status, 1, true } };
	uint32_t len;

	put_header(p->header, type, FREE_SECTOR);
	hal_put8(p->status, NO_STATUS);
	(void)ring_send(&d->ring[0], piece, 3, &len);
	return hal_get8(p->status);
}

static bool is_known(uint32_t type)
{
	return type == IN || type == OUT || type == FLUSH || type == GET_ID || type == DISCARD ||
	       type == ZEROES;
}

/* Types arg to arg2; nothing is written by one that nobody knows. */
static void types(struct dev *d, const struct attack *a)
{
	struct places p;

	(void)begin_with(d, 0, 16);
	mark_end(d);
	p = get_places(d);
	for (uint64_t type = a->arg; type <= a->arg2 && !complained(); type++)
		if (!is_known((uint32_t)type)) {
			const uint8_t status = status_of_type(d, &p, (uint32_t)type);

			if (status != UNSUPP)
				complain_of("status of a type that nobody knows", status, UNSUPP);
		}
	expect_disk(d);
}

/* Each type whose number is a known one's and one more bit. */
static void types_with_a_bit(struct dev *d, const struct attack *a)
{
	static const uint32_t known[] = { IN, OUT, FLUSH, GET_ID, DISCARD, ZEROES };
	struct places p;

	(void)a;
	(void)begin_with(d, 0, 16);
	mark_end(d);
	p = get_places(d);
	for (unsigned i = 0; i < LENGTH(known); i++)
		for (unsigned bit = 5; bit < 32 && !complained(); bit++) {
			const uint8_t status = status_of_type(d, &p, known[i] | 1U << bit);

			if (status != UNSUPP)
				complain_of("status of a type with one bit more", status, UNSUPP);
		}
	expect_disk(d);
}

/* --- sectors of zeroes, and none beside them --- */

static void zeroes_exactly(struct dev *d, const struct attack *a)
{
	const uint64_t first = FREE_SECTOR, n = a->arg;
	struct places p;
	struct piece piece[3];

	(void)begin_with(d, 0, 16);
	mark_end(d);
	p = get_places(d);
	for (uint64_t i = 0; i < n + 2; i++)
		(void)one_sector(d, OUT, first + i, p.header, p.data);
	put_header(p.header, ZEROES, 0);
	put_range(p.header + 16, first + 1, (uint32_t)n, (uint32_t)a->arg2);
	piece[0] = (struct piece){ p.header, 16, false };
	piece[1] = (struct piece){ p.header + 16, 16, false };
	piece[2] = (struct piece){ p.status, 1, true };
	(void)ring_good(&d->ring[0], piece, 3, 1);
	for (uint64_t i = 0; i < n + 2 && !complained(); i++) {
		const bool beside = i == 0 || i == n + 1;

		if (one_sector(d, IN, first + i, p.header, p.data))
			mem_expect(p.data, beside ? JUNK : 0, SECTOR,
				   beside ? "beside zeroes a sector has" : "a zeroed sector has");
	}
	expect_disk(d);
}

/* The name does not go beyond its bytes, and a short buffer gets the first of them. */
static void id_of(struct dev *d, const struct attack *a)
{
	const uint32_t room = (uint32_t)a->arg, len = room < ID_LEN ? room : ID_LEN;
	struct places p;
	uint32_t got;
	enum answer answer;

	(void)begin_with(d, 0, 16);
	mark_end(d);
	p = get_places(d);
	put_header(p.header, GET_ID, UINT64_MAX);
	answer = ring_send(&d->ring[0],
			   (struct piece[]){ { p.header, 16, false },
					     { p.data, room, true },
					     { p.status, 1, true } },
			   3, &got);
	mem_expect(p.data + len, JUNK, 64, "behind the name is");
	judge(d, answer, hal_get8(p.status), OK);
}

/* --- many at a time --- */

enum { MANY = 128 };

/* arg: the type; each of MANY requests has its own data, all are for one sector. */
static void put_many(struct ring *r, const struct places *p, uint32_t type, uint64_t sector,
		     bool one_sector_only)
{
	for (unsigned i = 0; i < MANY; i++) {
		const uint64_t header = p->header + 16 * i, data = p->data + SECTOR * i;
		const struct piece piece[] = { { header, 16, false },
					       { data, SECTOR, type == IN },
					       { p->status, 1, true } };

		put_header(header, type, sector + (one_sector_only ? 0 : i));
		mem_fill(data, (uint8_t)i, SECTOR);
		ring_add_at(r, 3 * i, piece, 3);
	}
}

/* All write one sector: it has the data of one of them, and of that all. */
static void one_sector_often(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, a->arg, RING_SIZE);
	struct places p;
	uint8_t first;

	mark_end(d);
	p = get_places(d);
	put_many(r, &p, OUT, FREE_SECTOR, true);
	ring_kick(r);
	ring_collect(r, MANY);
	if (one_sector(d, IN, FREE_SECTOR, p.header, p.data)) {
		first = hal_get8(p.data);
		mem_expect(p.data, first, SECTOR, "a sector that many wrote is mixed");
		if (first >= MANY)
			complain_of("a sector has what nobody wrote", first, 0);
	}
	expect_disk(d);
}

/* A flush in the middle of writes, and one behind them. */
static void flush_among_writes(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, RING_SIZE);
	const unsigned flushes = (unsigned)a->arg;
	struct places p;
	uint64_t header;

	mark_end(d);
	p = get_places(d);
	header = dev_alloc(d, 16);
	put_header(header, FLUSH, 0);
	put_many(r, &p, OUT, FREE_SECTOR, false);
	for (unsigned i = 0; i < flushes; i++)
		ring_add_at(r, 3 * MANY + 2 * i,
			    (struct piece[]){ { header, 16, false }, { p.status + 1, 1, true } },
			    2);
	ring_kick(r);
	ring_collect(r, MANY + flushes);
	if (hal_get8(p.status + 1) != OK)
		complain_of("status of a flush", hal_get8(p.status + 1), OK);
	expect_disk(d);
}

/* The cache is switched while writes are under way. */
static void cache_toggled(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, RING_SIZE);
	struct places p;

	mark_end(d);
	p = get_places(d);
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		put_many(r, &p, OUT, FREE_SECTOR, false);
		ring_kick(r);
		for (unsigned k = 0; k < 16; k++)
			(void)hal_store(d->base + R_CONFIG + CONFIG_WRITEBACK, 1, k & 1);
		ring_collect(r, MANY);
	}
	expect_disk(d);
}

/* A write of the configuration that is not the driver's: what can be read of it stays. */
static void config_written(struct dev *d, const struct attack *a)
{
	const uint64_t without = a->arg;
	const unsigned width = (unsigned)a->arg2;
	const uint64_t sectors = capacity(d);
	uint64_t v, was[64];

	(void)begin_with(d, without, 16);
	mark_end(d);
	for (unsigned i = 0; i < LENGTH(was); i++)
		(void)hal_load(d->base + R_CONFIG + i, 1, &was[i]);
	for (unsigned i = 0; i < LENGTH(was); i += width)
		(void)hal_store(d->base + R_CONFIG + i, width, UINT64_MAX);
	for (unsigned i = 0; i < LENGTH(was); i++) {
		(void)hal_load(d->base + R_CONFIG + i, 1, &v);
		if (v != was[i] && i != CONFIG_WRITEBACK)
			complain_of("the driver changed the configuration at", i, 0);
	}
	if (capacity(d) != sectors)
		complain_of("capacity", capacity(d), sectors);
	expect_disk(d);
}

/* arg: how often; each time with requests of type arg2 on their way. */
static void reset_under_way(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		struct ring *r = begin_with(d, 0, RING_SIZE);
		const struct places p = get_places(d);

		put_many(r, &p, (uint32_t)a->arg2, FREE_SECTOR, false);
		ring_kick(r);
		dev_reset(d); /* and all of the memory is others' now, and zeroed */
		mem_expect(p.data, 0, SECTOR * MANY, "a read came after the reset");
	}
}

static void queue_reset_under_way(struct dev *d, const struct attack *a)
{
	dev_start(d, (d->offered & d->kind->wanted) | F_RING_RESET, RING_SIZE);
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		struct ring *r = &d->ring[0];
		const uint64_t used = d->used;
		const struct places p = get_places(d);

		put_many(r, &p, (uint32_t)a->arg2, FREE_SECTOR, false);
		ring_kick(r);
		dev_write(d, R_QUEUE_SEL, 0);
		dev_write(d, R_QUEUE_RESET, 1);
		while (dev_read(d, R_QUEUE_RESET))
			hal_pause();
		mem_fill(p.data, JUNK, SECTOR * MANY);
		mem_fill(r->driver, 0, 6 + 2 * r->size);
		mem_fill(r->device, 0, 6 + 8 * r->size);
		r->next_avail = r->next_used = 0;
		mem_expect(p.data, JUNK, SECTOR * MANY, "a read came after the queue's reset");
		ring_program(r);
		ring_enable(r);
		d->used = used;
	}
	d->kind->good(d);
}

/* --- several queues --- */

/* All queues write the same sectors at once, each descriptor with the same data area. */
static void queues_cross(struct dev *d, const struct attack *a)
{
	struct places p;

	(void)a;
	dev_start(d, (d->offered & d->kind->wanted) | F(F_MQ), RING_SIZE);
	mark_end(d);
	p = get_places(d);
	for (unsigned q = 0; q < d->nr_rings; q++)
		put_many(&d->ring[q], &p, q % 2 ? IN : OUT, FREE_SECTOR, false);
	for (unsigned q = 0; q < d->nr_rings; q++)
		ring_kick(&d->ring[q]);
	for (unsigned q = 0; q < d->nr_rings; q++)
		ring_collect(&d->ring[q], MANY);
	expect_disk(d);
}

/* Two queues share their areas in memory. */
static void queues_share(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, RING_SIZE);
	struct places p;

	(void)a;
	dev_reset(d);
	(void)dev_negotiate(d, (d->offered & d->kind->wanted) | F(F_MQ));
	ring_make(d, 0, RING_SIZE);
	for (unsigned q = 0; q < d->nr_rings; q++) {
		d->ring[q] = d->ring[0];
		d->ring[q].index = q;
		ring_program(&d->ring[q]);
		ring_enable(&d->ring[q]);
	}
	dev_write(d, R_STATUS, S_RUNS);
	p = get_places(d);
	put_many(r, &p, IN, 0, false);
	for (unsigned q = 0; q < d->nr_rings; q++)
		ring_kick(&d->ring[q]);
	for (unsigned i = 0; i < 100; i++)
		hal_pause();
}

/* One queue breaks; then none is served, and nothing of the others' is used. */
static void one_queue_breaks(struct dev *d, const struct attack *a)
{
	(void)a;
	dev_start(d, (d->offered & d->kind->wanted) | F(F_MQ), 16);
	ring_avail_index(&d->ring[1], 17);
	ring_kick(&d->ring[1]);
	if (!dev_wait_broken(d))
		complain("the device does not break");
}

/* --- buffers that lie where they should not --- */

/* The data is read over the request's own header, or over the ring: arg. */
static void read_over(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, 16);
	struct places p;
	uint64_t to;
	enum answer answer;
	uint32_t len;

	mark_end(d);
	p = get_places(d);
	to = a->arg == 0 ? p.header : a->arg == 1 ? r->desc : a->arg == 2 ? r->driver : r->device;
	put_header(p.header, IN, 0);
	answer = ring_send(r,
			   (struct piece[]){ { p.header, 16, false },
					     { to, SECTOR, true },
					     { p.status, 1, true } },
			   3, &len);
	if (a->arg == 0)
		judge(d, answer, hal_get8(p.status), OK);
}

/* The status byte lies in the data, or in the header. */
static void status_in(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, 16);
	struct places p;
	uint64_t at;
	enum answer answer;
	uint32_t len;

	mark_end(d);
	p = get_places(d);
	at = a->arg ? p.data + 10 : p.header;
	put_header(p.header, IN, 0);
	answer = ring_send(r,
			   (struct piece[]){ { p.header, 16, false },
					     { p.data, SECTOR, true },
					     { at, 1, true } },
			   3, &len);
	judge(d, answer, hal_get8(at), OK);
}

/* clang-format off */
#define PARTS(...)                                                                                 \
	.n = LENGTH(((const struct part[]){ __VA_ARGS__ })), .part = { __VA_ARGS__ }

/* A row for ask_run(): name, what comes of it, type, members of struct ask. */
#define ASK_OF(id, features, what, kind, ...)                                                      \
	{                                                                                          \
		.name = (id), .offers = (features), .data = &(const struct ask)                    \
		{                                                                                  \
			.wanted = (what), .type = (kind), __VA_ARGS__                              \
		}                                                                                  \
	}
#define ASK(id, what, kind, ...)  ASK_OF(id, 0, what, kind, __VA_ARGS__)
#define WRITES(id, what, kind, ...) ASK_OF(id, F(F_FLUSH), what, kind, __VA_ARGS__)

#define HEAD	   { HEADER, 0, 16, false, 0 }
#define END	   { STATUS, 0, 1, true, 0 }
#define TO(size)   { DATA, 0, (size), false, 0 }
#define FROM(size) { DATA, 0, (size), true, 0 }
#define SPAN	   { RANGE, 0, 16, false, 0 }

/* A transfer of @sectors at @at behind (or before) the capacity, each way. */
#define AT_END(id, what, at, sectors)                                                              \
	ASK("read " id, what, IN, .sector = (uint64_t)(at), .from_end = true,                      \
	    PARTS(HEAD, FROM((sectors) * SECTOR), END)),                                           \
	WRITES("write " id, what, OUT, .sector = (uint64_t)(at), .from_end = true,                 \
	       PARTS(HEAD, TO((sectors) * SECTOR), END))
#define AT_SECTOR(id, what, at, sectors)                                                           \
	ASK("read " id, what, IN, .sector = (at), PARTS(HEAD, FROM((sectors) * SECTOR), END)),     \
	WRITES("write " id, what, OUT, .sector = (at), PARTS(HEAD, TO((sectors) * SECTOR), END))

static const struct attack rows[] = {
	{ .name = "types that nobody knows", .run = types, .arg = 2, .arg2 = 64 },
	{ .name = "the last types", .run = types, .arg = 0xfffffff0, .arg2 = 0xffffffff },
	{ .name = "types of 16 bits", .run = types, .arg = 0xfff8, .arg2 = 0x10008 },
	{ .name = "known types with one bit more", .run = types_with_a_bit },
	WRITES("the barrier of old", UNSUPP, 0x80000000U | OUT, .sector = FREE_SECTOR,
	       PARTS(HEAD, TO(SECTOR), END)),
	WRITES("a SCSI command", UNSUPP, 2, PARTS(HEAD, TO(16), FROM(96), END)),
	WRITES("secure erase that is not offered", UNSUPP, SECURE_ERASE,
	       .range_sectors = 64, PARTS(HEAD, SPAN, END)),
	ASK("lifetime that is not offered", UNSUPP, 10, PARTS(HEAD, FROM(40), END)),
	ASK("zones that are not offered", UNSUPP, 16, PARTS(HEAD, FROM(4096), END)),

	ASK("header in bytes", OK, IN, PARTS({ HEADER, 0, 16, false, 1 }, FROM(SECTOR), END)),
	ASK("header of 15 and 1", OK, IN, PARTS({ HEADER, 0, 16, false, 15 }, FROM(SECTOR), END)),
	ASK("header of 15", BROKEN_BY, IN, PARTS({ HEADER, 0, 15, false, 0 }, FROM(SECTOR), END)),
	ASK("header of 1", BROKEN_BY, IN, PARTS({ HEADER, 0, 1, false, 0 }, END)),
	ASK("no header", BROKEN_BY, IN, PARTS(FROM(SECTOR), END)),
	ASK("header for the device to write", BROKEN_BY, IN,
	    PARTS({ HEADER, 0, 16, true, 0 }, FROM(SECTOR), END)),
	WRITES("header of 17", IOERR, OUT, .sector = FREE_SECTOR,
	       PARTS({ HEADER, 0, 17, false, 0 }, TO(SECTOR), END)),
	WRITES("header and data in one", OK, OUT, .sector = FREE_SECTOR,
	       PARTS({ HEADER, 0, 16 + SECTOR, false, 0 }, END)),
	ASK("empty descriptors between all", OK, IN,
	    PARTS(TO(0), HEAD, TO(0), FROM(0), FROM(SECTOR), FROM(0), END)),

	ASK("no status", BROKEN_BY, FLUSH, PARTS(HEAD)),
	WRITES("data and no status", BROKEN_BY, OUT, .sector = FREE_SECTOR, PARTS(HEAD, TO(SECTOR))),
	ASK("status of 0 bytes", BROKEN_BY, FLUSH, PARTS(HEAD, { STATUS, 0, 0, true, 0 })),
	ASK("status that is not the device's to write", BROKEN_BY, FLUSH,
	    PARTS(HEAD, { STATUS, 0, 1, false, 0 })),
	ASK("read with a status of 2 bytes", IOERR, IN,
	    PARTS(HEAD, FROM(SECTOR), { STATUS, 0, 2, true, 0 })),
	ASK("flush with a status of 4 KiB", OK, FLUSH, PARTS(HEAD, FROM(4096))),
	ASK("status behind the data in one", OK, IN, PARTS(HEAD, FROM(SECTOR + 1))),
	{ .name = "status in the data", .run = status_in, .arg = 1 },
	{ .name = "status in the header", .run = status_in },

	ASK("read of 0 bytes", OK, IN, PARTS(HEAD, END)),
	WRITES("write of 0 bytes", OK, OUT, .sector = 0, PARTS(HEAD, END)),
	ASK("read of 1 byte", IOERR, IN, PARTS(HEAD, FROM(1), END)),
	ASK("read of 513 bytes", IOERR, IN, PARTS(HEAD, FROM(SECTOR + 1), END)),
	WRITES("write of 511 bytes", IOERR, OUT, PARTS(HEAD, TO(SECTOR - 1), END)),
	WRITES("write of 1 byte", IOERR, OUT, PARTS(HEAD, TO(1), END)),
	ASK("read in pieces of 1 and 511", OK, IN,
	    PARTS(HEAD, { DATA, 0, 1, true, 0 }, { DATA, 1, SECTOR - 1, true, 0 }, END)),
	ASK("read in pieces of 7", OK, IN, PARTS(HEAD, { DATA, 0, SECTOR, true, 7 }, END)),
	WRITES("write in pieces of 3", OK, OUT, .sector = FREE_SECTOR,
	       PARTS(HEAD, { DATA, 0, SECTOR, false, 3 }, END)),
	ASK("as many segments as there may be", OK, IN,
	    PARTS(HEAD, { DATA, 0, 256 * SECTOR, true, SECTOR }, END)),
	ASK("a segment more than there may be", BROKEN_BY, IN,
	    PARTS(HEAD, { DATA, 0, 257 * SECTOR, true, SECTOR }, END)),
	ASK("read with data to the device", EITHER, IN, PARTS(HEAD, TO(SECTOR), FROM(SECTOR), END)),
	WRITES("write with data from the device", EITHER, OUT, .sector = FREE_SECTOR,
	       PARTS(HEAD, TO(SECTOR), FROM(SECTOR), END)),

	AT_END("of 2 sectors at the last", IOERR, -1, 2),
	AT_END("at the capacity", IOERR, 0, 1),
	AT_END("1 behind the capacity", IOERR, 1, 1),
	AT_END("of nothing at the capacity", OK, 0, 0),
	AT_END("of nothing behind the capacity", IOERR, 1, 0),
	AT_END("of 64 KiB across the end", IOERR, -100, 128),
	AT_SECTOR("at sector 2^32", IOERR, UINT64_C(1) << 32, 1),
	AT_SECTOR("at sector 2^55 - 1", IOERR, (UINT64_C(1) << 55) - 1, 1),
	AT_SECTOR("at sector 2^55", IOERR, UINT64_C(1) << 55, 1),
	AT_SECTOR("at sector 2^63", IOERR, UINT64_C(1) << 63, 1),
	AT_SECTOR("at the last sector of all", IOERR, UINT64_MAX, 1),
	AT_SECTOR("that wraps to sector 0", IOERR, UINT64_MAX, 2),

	ASK_OF("write to a read-only disk", F(F_RO), IOERR, OUT, PARTS(HEAD, TO(SECTOR), END)),
	ASK_OF("write where read-only was not negotiated", F(F_RO), IOERR, OUT, .without = F(F_RO),
	       PARTS(HEAD, TO(SECTOR), END)),
	ASK_OF("write behind the end of a read-only disk", F(F_RO), IOERR, OUT, .from_end = true,
	       PARTS(HEAD, TO(SECTOR), END)),
	ASK_OF("discard on a read-only disk", F(F_RO), REFUSED, DISCARD, .range_sectors = 8,
	       PARTS(HEAD, SPAN, END)),
	ASK_OF("zeroes on a read-only disk", F(F_RO), REFUSED, ZEROES, .range_sectors = 8,
	       PARTS(HEAD, SPAN, END)),
	ASK_OF("flush of a read-only disk", F(F_RO), EITHER, FLUSH, PARTS(HEAD, END)),

	WRITES("flush with data", OK, FLUSH, PARTS(HEAD, TO(SECTOR), END)),
	WRITES("flush with data from the device", OK, FLUSH, PARTS(HEAD, FROM(SECTOR), END)),
	WRITES("flush of the last sector of all", OK, FLUSH, .sector = UINT64_MAX, PARTS(HEAD, END)),
	WRITES("flush that was not negotiated", EITHER, FLUSH, .without = F(F_FLUSH) | F(F_WCE),
	       PARTS(HEAD, END)),
	{ .name = "a flush behind writes", .run = flush_among_writes, .arg = 1,
	  .offers = F(F_FLUSH) },
	{ .name = "many flushes behind writes", .run = flush_among_writes, .arg = 60,
	  .offers = F(F_FLUSH) },

	WRITES("discard without a range", IOERR, DISCARD, PARTS(HEAD, END)),
	WRITES("discard of two ranges", IOERR, DISCARD, .range_sector = FREE_SECTOR,
	       .range_sectors = 1, PARTS(HEAD, { RANGE, 0, 32, false, 0 }, END)),
	WRITES("discard by a range of 15 bytes", IOERR, DISCARD, .range_sectors = 1,
	       PARTS(HEAD, { RANGE, 0, 15, false, 0 }, END)),
	WRITES("discard that unmaps", UNSUPP, DISCARD, .range_sectors = 1, .range_flags = 1,
	       PARTS(HEAD, SPAN, END)),
	WRITES("discard with flags that nobody knows", UNSUPP, DISCARD, .range_sectors = 1,
	       .range_flags = 0x80000000, PARTS(HEAD, SPAN, END)),
	WRITES("discard that wraps", IOERR, DISCARD, .range_sector = UINT64_MAX, .range_sectors = 2,
	       PARTS(HEAD, SPAN, END)),
	WRITES("discard of 2^32 - 1 sectors", IOERR, DISCARD, .range_sectors = UINT32_MAX,
	       PARTS(HEAD, SPAN, END)),
	WRITES("discard at 2^55", IOERR, DISCARD, .range_sector = UINT64_C(1) << 55,
	       .range_sectors = 1, PARTS(HEAD, SPAN, END)),
	WRITES("discard of nothing", OK, DISCARD, PARTS(HEAD, SPAN, END)),
	WRITES("discard that was not negotiated", UNSUPP, DISCARD, .without = F(F_DISCARD),
	       .range_sectors = 64, PARTS(HEAD, SPAN, END)),
	WRITES("zeroes that were not negotiated", UNSUPP, ZEROES, .without = F(F_ZEROES),
	       .range_sectors = 64, PARTS(HEAD, SPAN, END)),
	WRITES("zeroes without a range", IOERR, ZEROES, PARTS(HEAD, END)),
	WRITES("zeroes with flags that nobody knows", UNSUPP, ZEROES, .range_sectors = 64,
	       .range_flags = 2, PARTS(HEAD, SPAN, END)),
	WRITES("zeroes behind the end", IOERR, ZEROES, .range_sector = 1024,
	       .range_sectors = UINT32_MAX, PARTS(HEAD, SPAN, END)),
	WRITES("zeroes that wrap", IOERR, ZEROES, .range_sector = UINT64_MAX - 7,
	       .range_sectors = 9, PARTS(HEAD, SPAN, END)),
	WRITES("range for the device to write", IOERR, ZEROES, .range_sectors = 64,
	       PARTS(HEAD, { RANGE, 0, 16, true, 0 }, END)),
	WRITES("range in bytes", OK, ZEROES, .range_sector = FREE_SECTOR, .range_sectors = 1,
	       PARTS(HEAD, { RANGE, 0, 16, false, 1 }, END)),
	{ .name = "zeroes and nothing beside", .run = zeroes_exactly, .arg = 3,
	  .offers = F(F_ZEROES) },
	{ .name = "zeroes that unmap and nothing beside", .run = zeroes_exactly, .arg = 8,
	  .arg2 = 1, .offers = F(F_ZEROES) },

	{ .name = "name in 20 bytes", .run = id_of, .arg = 20 },
	{ .name = "name in 7 bytes", .run = id_of, .arg = 7 },
	{ .name = "name in 0 bytes", .run = id_of, .arg = 0 },
	{ .name = "name in 4 KiB", .run = id_of, .arg = 4096 },

	{ .name = "one sector written 128 times at once", .run = one_sector_often,
	  .offers = F(F_FLUSH) },
	{ .name = "one sector written through 128 times", .run = one_sector_often,
	  .arg = F(F_FLUSH) | F(F_WCE), .offers = F(F_FLUSH) },
	{ .name = "cache switched under writes", .run = cache_toggled, .arg = 20,
	  .offers = F(F_WCE) },
	{ .name = "configuration written by bytes", .run = config_written, .arg2 = 1 },
	{ .name = "configuration written by words", .run = config_written, .arg2 = 4 },
	{ .name = "cache switched without its feature", .run = config_written, .arg = F(F_WCE),
	  .arg2 = 1 },
	{ .name = "reset under reads", .run = reset_under_way, .arg = 30, .arg2 = IN },
	{ .name = "reset under writes", .run = reset_under_way, .arg = 30, .arg2 = OUT,
	  .offers = F(F_FLUSH) },
	{ .name = "queue reset under reads", .run = queue_reset_under_way, .arg = 30, .arg2 = IN },
	{ .name = "queue reset under writes", .run = queue_reset_under_way, .arg = 30, .arg2 = OUT,
	  .offers = F(F_FLUSH) },
	{ .name = "all queues in the same sectors", .run = queues_cross, .offers = F(F_MQ) },
	{ .name = "queues that share their areas", .run = queues_share, .offers = F(F_MQ) },
	{ .name = "one queue of several breaks", .run = one_queue_breaks, .offers = F(F_MQ) },
	{ .name = "read over its own header", .run = read_over, .arg = 0 },
	{ .name = "read over the descriptors", .run = read_over, .arg = 1 },
	{ .name = "read over the available ring", .run = read_over, .arg = 2 },
	{ .name = "read over the used ring", .run = read_over, .arg = 3 },
};
/* clang-format on */

const struct group group_blk = GROUP("blk", rows, .on = ON(ID_BLOCK), .run = ask_run);
