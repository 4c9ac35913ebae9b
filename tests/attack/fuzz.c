/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attack/fuzz.h"

enum { CHECK_EVERY = 64 };

static uint64_t state;

/* splitmix64: any seed is good, 0 as well. */
static uint64_t any(void)
{
	uint64_t x = state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static uint64_t below(uint64_t n)
{
	return any() % n;
}

static bool one_in(unsigned n)
{
	return below(n) == 0;
}

static uint64_t value(void)
{
	static const uint64_t odd[] = {
		0,	    1,		2,	    3,		4,	    7,		8,
		0xf,	    0x10,	0x4f,	    0x7f,	0x80,	    0xff,	0x100,
		0x1ff,	    0x200,	0x7fff,	    0x8000,	0xffff,	    0x10000,	0x7fffffff,
		0x80000000, 0xfffffff0, 0xffffffff, 1ULL << 32, 1ULL << 63, UINT64_MAX,
	};

	return one_in(4) ? any() : odd[below(LENGTH(odd))];
}

/* Where a device is asked to read or write: in its own memory, or where it must refuse. */
static void piece(struct dev *d, uint64_t *at, uint32_t *len)
{
	const uint64_t off = below(DEV_MEMORY);

	*at = d->memory + off;
	*len = (uint32_t)below(one_in(8) ? DEV_MEMORY - off : 600 < DEV_MEMORY - off ? 600 : 1);
	if (one_in(12))
		*len = (uint32_t)(hal.ram_size + below(UINT32_MAX - hal.ram_size));
	if (one_in(16))
		*at = value() | 1ULL << 63;
	else if (one_in(16))
		*at = hal.slot[below(hal.nr_slots)] + below(R_END);
	else if (one_in(16))
		*at = hal.ram + hal.ram_size - below(2) * *len + below(3);
}

/* In the memory of a device: its rings as well, which lie at the beginning. */
static void store_word(struct dev *d)
{
	const uint64_t at = d->memory + below(one_in(2) ? 4096 : DEV_MEMORY) / 8 * 8;

	if (one_in(3))
		hal_put64(at, value());
	else
		hal_put16(at + 2 * below(4), (uint16_t)value());
	if (d->dirty < DEV_MEMORY)
		d->dirty = DEV_MEMORY;
}

static struct ring *some_ring(struct dev *d)
{
	struct ring *r = &d->ring[below(d->nr_rings)];

	return r->size ? r : NULL;
}

static void descriptor(struct dev *d)
{
	struct ring *r = some_ring(d);
	uint64_t at;
	uint32_t len;
	unsigned flags = (unsigned)below(8);

	if (!r)
		return;
	piece(d, &at, &len);
	if (r->packed)
		flags |= one_in(2) ? (unsigned)D_AVAIL : one_in(2) ? (unsigned)D_USED : 0;
	if (!one_in(4))
		flags &= ~(unsigned)D_INDIRECT;
	ring_desc(r, (unsigned)below(r->size), at, len, flags,
		  (uint16_t)(one_in(20) ? value() : below(r->size)));
}

struct shape {
	struct piece p[4];
	unsigned n;
};

static uint64_t sector(void)
{
	return one_in(3) ? value() : below(2200);
}

/* A disk's, as the specification has it. */
static void disk_request(uint64_t at, struct shape *s)
{
	static const uint32_t types[] = { 0, 0, 0, 1, 1, 1, 4, 8, 11, 13 };
	const uint32_t type = types[below(LENGTH(types))];
	uint32_t data = (uint32_t)below(6) * 512;

	hal_put32(at, type);
	hal_put64(at + 8, sector());
	if (type > 8) { /* discard, write zeroes: one range */
		hal_put64(at + 16, sector());
		hal_put32(at + 24, (uint32_t)below(64));
		hal_put32(at + 28, one_in(8) ? (uint32_t)value() : (uint32_t)below(2));
		data = 16;
	} else if (type == 8) {
		data = 20;
	} else if (type == 4) {
		data = 0;
	}
	s->p[0] = (struct piece){ at, 16, false };
	s->p[1] = (struct piece){ at + 16, data, type == 0 || type == 8 };
	s->p[2] = (struct piece){ at + 16 + 6 * 512, 1, true };
	s->n = 3;
}

/* Anything, readable and then writable. */
static void other_request(struct dev *d, struct shape *s)
{
	const unsigned readable = (unsigned)below(LENGTH(s->p) + 1);

	s->n = 1 + (unsigned)below(LENGTH(s->p));
	for (unsigned i = 0; i < s->n; i++) {
		s->p[i].in = i >= readable;
		piece(d, &s->p[i].at, &s->p[i].len);
	}
}

/* A request like one of the device's own, now and then with something of it wrong. */
static void request(struct dev *d)
{
	struct ring *r = some_ring(d);
	struct shape s;
	unsigned first;

	if (!r || r->packed || r->size < LENGTH(s.p))
		return;
	if (d->kind->id == ID_BLOCK)
		disk_request(d->memory + below(DEV_MEMORY - 4096) / 8 * 8, &s);
	else
		other_request(d, &s);
	first = (unsigned)below(r->size - s.n + 1);
	for (unsigned i = 0; i < s.n; i++) {
		if (one_in(40))
			piece(d, &s.p[i].at, &s.p[i].len);
		if (one_in(40))
			s.p[i].in = !s.p[i].in;
		ring_desc(r, first + i, s.p[i].at, s.p[i].len,
			  (i + 1 < s.n ? D_NEXT : 0) | (s.p[i].in ? D_WRITE : 0),
			  (uint16_t)(first + i + 1));
	}
	ring_avail(r, r->next_avail, (uint16_t)first);
	ring_avail_index(r, ++r->next_avail);
	if (!one_in(4))
		(void)hal_store(d->base + R_QUEUE_NOTIFY, 4, r->index);
	d->dirty = DEV_MEMORY;
}

static void available(struct dev *d)
{
	struct ring *r = some_ring(d);

	if (!r || r->packed)
		return;
	ring_avail(r, r->next_avail, (uint16_t)(one_in(16) ? value() : below(r->size)));
	r->next_avail = (uint16_t)(r->next_avail + (one_in(32) ? value() : 1));
	ring_avail_index(r, r->next_avail);
}

static void register_write(struct dev *d)
{
	static const uint16_t regs[] = {
		R_DEVICE_FEATURES_SEL, R_DRIVER_FEATURES, R_DRIVER_FEATURES_SEL,
		R_QUEUE_SEL,	       R_QUEUE_NUM,	  R_QUEUE_READY,
		R_QUEUE_NOTIFY,	       R_INTERRUPT_ACK,	  R_STATUS,
		R_QUEUE_RESET,	       R_SHM_SEL,
	};

	(void)hal_store(d->base + regs[below(LENGTH(regs))], 4, value());
}

/* Of any width, anywhere in the window or just behind it; an access that is refused is one, too. */
static void any_access(uint64_t base, uint64_t size)
{
	const unsigned width = 1U << below(4);
	uint64_t at = base + below(size + 16), v;

	if (!one_in(8))
		at &= ~(uint64_t)(width - 1);
	if (one_in(2))
		(void)hal_load(at, width, &v);
	else
		(void)hal_store(at, width, value());
}

static void start(struct dev *d)
{
	static const uint64_t masks[] = {
		0, F_PACKED, F_INDIRECT, F_EVENT_IDX, F_RING_RESET, UINT64_MAX,
	};
	uint64_t features = d->kind->wanted;

	for (unsigned i = 0; i < 3; i++)
		features |= masks[below(LENGTH(masks))];
	if (one_in(16))
		features ^= any();
	(void)dev_try_start(d, features & d->offered, 1U << below(8));
}

static void step(struct dev *d, const struct fuzz *f)
{
	switch (below(16)) {
	case 0:
		start(d);
		break;
	case 1:
		(void)hal_store(d->base + R_STATUS, 4, one_in(3) ? value() : 0);
		break;
	case 2:
		register_write(d);
		break;
	case 3:
		any_access(d->base, R_END);
		break;
	case 4:
		if (hal.uart && one_in(2))
			any_access(hal.uart, 0x1000);
		else
			any_access(d->base + R_CONFIG, R_END - R_CONFIG);
		break;
	case 5:
		if (f->more)
			f->more(any());
		break;
	case 6:
		store_word(d);
		break;
	case 7:
		hal_pause();
		break;
	case 8:
	case 9:
	case 10:
		request(d);
		break;
	case 11:
	case 12:
		available(d);
		break;
	case 13:
		(void)hal_store(d->base + R_QUEUE_NOTIFY, 4, below(d->nr_rings));
		break;
	default:
		descriptor(d);
		break;
	}
}

/* What is wrong by step @at. */
static bool check(struct dev *d, const struct fuzz *f, uint64_t at)
{
	attack_check(d);
	if (f->after)
		f->after();
	if (!complained())
		return true;
	hal_say("not ok fuzz by step ");
	hal_say_number(at);
	attack_say_complaint(d);
	return false;
}

bool attack_fuzz(const struct fuzz *f)
{
	state = f->seed;
	hal_say("# fuzz seed ");
	hal_say_number(f->seed);
	hal_say(" steps ");
	hal_say_number(f->steps);
	hal_say("\n");
	for (uint64_t i = 1; i <= f->steps; i++) {
		struct dev *d = attack_victim((unsigned)below(HAL_SLOTS));

		step(d, f);
		if (i % CHECK_EVERY == 0 && !check(d, f, i))
			return false;
	}
	hal_say("ok fuzz\n");
	return true;
}
