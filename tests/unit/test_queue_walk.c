/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors at random, in small rings and tables, against what a second reader of the
 * specification makes of them: the same requests to the byte, or the same refusal.
 */
#include "tests/lib/test.h"
#include "tests/lib/virtio_driver.h"
#include "tests/lib/virtio_echo.h"

#include <stdio.h>

enum { SIZE = 4, TABLES = 2, CASES = 40000 };

#define RAM_SIZE  (1 * MiB)
#define BUF	  (DRIVER_RAM + 0x80000)
#define TABLE(i)  (DRIVER_RAM + 0x90000 + 64 * (uint64_t)(i))
#define ROM	  0x50000000ULL
#define NEIGHBOUR (DRIVER_RAM + RAM_SIZE)

struct entry {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, link;
};

static struct driver d;
static struct echo *e;
static struct entry ring[SIZE], table[TABLES][SIZE];

static uint32_t random_below(uint32_t n)
{
	static uint64_t x = 0x9e3779b97f4a7c15ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)((x >> 11) % n);
}

static struct entry some_entry(bool packed)
{
	static const uint64_t addr[] = { BUF,	   BUF + 8, ROM,	   NEIGHBOUR - 4,
					 TABLE(0), 0x1000,  UINT64_MAX - 3 };
	static const uint32_t len[] = { 0, 1, 4, 8, 16, 0xffffffff };
	static const uint16_t flags[] = { 0, 1, 2, 3, 3, 2, 1, 0 };
	struct entry t = { .flags = flags[random_below(ARRAY_SIZE(flags))] };

	/* Most are well, or no long chain ever would be. */
	t.addr = addr[random_below(8) ? random_below(3) : random_below(ARRAY_SIZE(addr))];
	t.len = len[random_below(8) ? random_below(5) : random_below(ARRAY_SIZE(len))];
	t.link = (uint16_t)random_below(random_below(8) ? SIZE : SIZE + 1);
	if (random_below(4) == 0) {
		t.addr = TABLE(random_below(TABLES));
		t.len = 16 * random_below(SIZE + 1) + (random_below(10) ? 0 : 8);
		t.flags = (uint16_t)(D_INDIRECT | (random_below(6) ? 0 : random_below(4)));
	}
	if (packed && random_below(4))
		t.link = (uint16_t)(random_below(SIZE));
	return t;
}

/* --- the second reader --- */

struct reading {
	bool ok;
	unsigned n; /* pieces, with empty ones */
	struct entry piece[ECHO_SEGS];
	unsigned entries; /* packed: of the ring */
	uint16_t id;
};

/* The table that @t refers to, and how many entries it has; NULL: it may not. */
static const struct entry *table_of(const struct entry *t, unsigned *n)
{
	if (t->flags & D_NEXT || t->len == 0 || t->len % 16)
		return NULL;
	*n = t->len / 16;
	for (unsigned i = 0; i < TABLES; i++)
		if (t->addr == TABLE(i))
			return table[i]; /* the last goes on with what follows it, zeroes */
	return NULL;
}

static struct entry entry_of(const struct entry *at, unsigned i)
{
	if (at >= table[0] && at <= table[TABLES - 1]) {
		size_t flat = (size_t)(at - table[0]) + i;

		return flat < TABLES * (size_t)SIZE ? table[flat / SIZE][flat % SIZE]
						    : (struct entry){ 0 };
	}
	return at[i];
}

static void read_split(struct reading *r, unsigned head)
{
	const struct entry *at = ring;
	unsigned n = SIZE, i = head, steps = 0;

	for (;;) {
		struct entry t;

		if (i >= n || steps++ == n)
			return;
		t = entry_of(at, i);
		if (t.flags & D_INDIRECT) {
			if (at != ring)
				return;
			at = table_of(&t, &n);
			if (!at)
				return;
			i = steps = 0;
			continue;
		}
		r->piece[r->n++] = t;
		if (!(t.flags & D_NEXT))
			break;
		i = t.link;
	}
	r->ok = true;
}

static void read_packed(struct reading *r, unsigned from)
{
	for (unsigned i = from;; i++) {
		const struct entry *t = &ring[i], *at;
		unsigned n = 0;

		if (i == SIZE)
			return; /* nothing behind: the test makes no ring wrap */
		r->entries++;
		r->id = t->link;
		if (t->flags & D_INDIRECT) {
			at = r->n ? NULL : table_of(t, &n);
			if (!at)
				return;
			for (unsigned k = 0; k < n; k++) {
				r->piece[r->n] = entry_of(at, k);
				r->piece[r->n++].flags &= D_WRITE;
			}
		} else {
			r->piece[r->n++] = *t;
		}
		if (!(t->flags & D_NEXT))
			break;
	}
	r->ok = r->id < SIZE;
}

static bool lies_in(const struct entry *t, uint64_t base, uint64_t size)
{
	for (uint64_t i = 0; i < 2; i++) { /* both ends */
		uint64_t at = t->addr + (i ? t->len - 1 : 0);

		if (at < t->addr || at < base || at >= base + size)
			return false;
	}
	return true;
}

/* Order, and where the pieces lie; leaves only those that are not empty. */
static void check_pieces(struct reading *r)
{
	bool written = false;
	unsigned kept = 0;

	for (unsigned i = 0; i < r->n; i++) {
		struct entry *t = &r->piece[i];

		if (t->len == 0)
			continue;
		if (!lies_in(t, DRIVER_RAM, RAM_SIZE) && !lies_in(t, NEIGHBOUR, 4096) &&
		    (t->flags & D_WRITE || !lies_in(t, ROM, 4096)))
			r->ok = false;
		if (written && !(t->flags & D_WRITE))
			r->ok = false;
		written = t->flags & D_WRITE;
		r->piece[kept++] = *t;
	}
	r->n = kept;
}

/* --- the comparison --- */

static const void *host_of(uint64_t addr)
{
	const struct gmem_region *g = gmem_find(&d.mem, gpa(addr), 1);

	return (const char *)g->host + (addr - g->base);
}

static void lay_out(bool packed)
{
	struct driver_queue *q = &d.queue[0];

	for (unsigned i = 0; i < SIZE; i++) {
		const struct entry *t = &ring[i];

		driver_desc(q, i, t->addr, t->len, packed ? t->link : t->flags,
			    packed ? t->flags | D_AVAIL : t->link);
	}
	for (unsigned i = 0; i < TABLES * SIZE; i++) {
		const struct entry *t = &table[i / SIZE][i % SIZE];

		driver_desc_at(&d, TABLE(0) + 16 * i, t->addr, t->len, packed ? t->link : t->flags,
			       packed ? t->flags : t->link);
	}
}

static unsigned served, refused;

static void one_case(bool packed)
{
	struct queue *q = &e->queue[0];
	unsigned at = 0, heads[2] = { random_below(SIZE), random_below(SIZE) };
	uint64_t busy = 0;

	for (unsigned i = 0; i < SIZE; i++)
		ring[i] = some_entry(packed);
	for (unsigned i = 0; i < TABLES * SIZE; i++)
		table[i / SIZE][i % SIZE] = some_entry(packed);
	driver_forget(&d);
	driver_start(&d,
		     VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
			     (packed ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0),
		     SIZE);
	lay_out(packed);
	for (uint16_t i = 0; !packed && i < 2; i++)
		driver_avail_entry(&d.queue[0], i, (uint16_t)heads[i]);
	if (!packed)
		driver_avail_index(&d.queue[0], 2);
	LOCK_SCOPE(&q->lock);
	for (unsigned k = 0; packed ? at < SIZE : k < 2; k++) {
		struct reading want = { .id = (uint16_t)heads[k % 2] };
		struct request *r;
		enum pop pop;

		if (packed)
			read_packed(&want, at);
		else
			read_split(&want, heads[k]);
		check_pieces(&want);
		want.ok = want.ok && !(busy >> want.id & 1);
		pop = queue_pop(q, &r);
		EXPECT_EQ(pop, want.ok ? POP_OK : POP_BROKEN);
		served += want.ok;
		refused += !want.ok;
		if (!want.ok)
			return;
		EXPECT_EQ(r->id, want.id);
		EXPECT_EQ(r->nr_out + r->nr_in, want.n);
		for (unsigned i = 0; i < want.n; i++) {
			EXPECT(r->seg[i].iov_base == host_of(want.piece[i].addr));
			EXPECT_EQ(r->seg[i].iov_len, want.piece[i].len);
			EXPECT_EQ(i >= r->nr_out, !!(want.piece[i].flags & D_WRITE));
		}
		at += want.entries;
		busy |= 1ULL << want.id;
		r->next = e->held;
		e->held = r;
	}
}

static void give_all(void)
{
	LOCK_SCOPE(&e->queue[0].lock);
	while (e->held) {
		struct request *r = e->held;

		e->held = r->next;
		queue_push(r, 0);
	}
}

TEST(requests_are_what_a_second_reader_of_the_specification_finds)
{
	static char rom[4096], neighbour[4096];
	struct gmem_region r[] = {
		{ .base = ROM, .size = 4096, .host = rom, .name = "ROM", .readonly = true },
		{ .base = NEIGHBOUR, .size = 4096, .host = neighbour, .name = "neighbour" },
	};
	struct err err;

	driver_init(&d, RAM_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		EXPECT_EQ(gmem_add(&d.mem, &r[i], &err), 0);
	e = echo_create(&d.mem, NULL);
	driver_plug(&d, &e->v);
	for (unsigned i = 0; i < CASES; i++) {
		one_case(i % 2);
		give_all();
	}
	(void)printf("    %u requests, %u refusals\n", served, refused);
	EXPECT(served > CASES / 4 && refused > CASES / 4);
	driver_done(&d);
}

TEST_MAIN(T(requests_are_what_a_second_reader_of_the_specification_finds))
