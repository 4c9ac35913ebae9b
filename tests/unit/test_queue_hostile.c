/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueues whose driver breaks the rules, or only seems to. One table: what lies in the ring,
 * what the device makes of it. A broken rule is told once, no other queue suffers, and a reset
 * cures it.
 */
#include "tests/lib/test.h"
#include "tests/lib/virtio_driver.h"
#include "tests/lib/virtio_echo.h"

#include <stdio.h>
#include <sys/mman.h>

enum { SPLIT = 1, PACKED = 2, BOTH = 3 };
enum { SIZE = 8, PIECES = 40 };

#define RAM_SIZE  (8 * MiB)
#define RAM_END	  (DRIVER_RAM + RAM_SIZE)
#define BUF	  (DRIVER_RAM + 4 * MiB)
#define TABLE	  (DRIVER_RAM + 5 * MiB)
#define NEIGHBOUR RAM_END	/* another region of a page */
#define ROM	  0x50000000ULL /* read-only, a page */
#define VAST	  0x100000000ULL
#define VAST_SIZE (3 * GiB)

#define NEXT D_NEXT
#define IN   D_WRITE
#define IND  D_INDIRECT

/* For rows of the table: entries of the ring and of an indirect table, counted. */
#define DESC(...) .n = ARRAY_SIZE(((const struct entry[]){ __VA_ARGS__ })), .desc = { __VA_ARGS__ }
#define TABLE_OF(...)                                                                              \
	.table_n = ARRAY_SIZE(((const struct entry[]){ __VA_ARGS__ })), .table = { __VA_ARGS__ }

/* @link: split: the next one; packed: the buffer id. */
struct entry {
	uint64_t addr;
	uint32_t len;
	unsigned flags;
	uint16_t link;
};

static const struct attack {
	const char *name;
	unsigned formats;
	enum { BROKEN, FINE } verdict; /* fine: legal, however odd */
	unsigned taken;		       /* requests that the device gets */
	uint16_t idx;		       /* split: of the available ring */
	uint16_t head[4];	       /* split */
	bool no_indirect;	       /* not negotiated */
	unsigned n, table_n;
	struct entry desc[SIZE], table[PIECES];
} attacks[] = {
	/* clang-format off */
	{ "one piece", BOTH, FINE, 1, 1, DESC({ BUF, 16, IN, 0 }) },
	{ "no index moved", SPLIT, FINE, 0, 0, DESC({ BUF, 16, IN, 0 }) },
	{ "index one queue ahead", SPLIT, BROKEN, 0, 9, DESC({ BUF, 16, IN, 0 }) },
	{ "index backwards", SPLIT, BROKEN, 0, 0xffff, DESC({ BUF, 16, IN, 0 }) },
	{ "index far ahead", SPLIT, BROKEN, 0, 0x8000, DESC({ BUF, 16, IN, 0 }) },
	{ "head is the size", SPLIT, BROKEN, 0, 1, .head = { 8 }, DESC({ BUF, 16, IN, 0 }) },
	{ "head is 65535", SPLIT, BROKEN, 0, 1, .head = { 0xffff }, DESC({ BUF, 16, IN, 0 }) },
	{ "head twice in flight", SPLIT, BROKEN, 1, 2, .head = { 0, 0 }, DESC({ BUF, 16, IN, 0 }) },
	{ "head again after another", SPLIT, BROKEN, 2, 3, .head = { 0, 1, 0 },
	  DESC({ BUF, 16, IN, 0 }, { BUF, 16, IN, 0 }) },
	{ "one buffer in two requests", SPLIT, FINE, 2, 2, .head = { 0, 1 },
	  DESC({ BUF, 16, NEXT, 2 }, { BUF, 16, NEXT, 2 }, { BUF, 16, IN, 0 }) },
	{ "loop of one", SPLIT, BROKEN, 0, 1, DESC({ BUF, 16, NEXT, 0 }) },
	{ "loop of two", SPLIT, BROKEN, 0, 1, DESC({ BUF, 16, NEXT, 1 }, { BUF, 16, NEXT, 0 }) },
	{ "loop at the end", SPLIT, BROKEN, 0, 1,
	  DESC({ BUF, 16, NEXT, 1 }, { BUF, 16, NEXT, 2 }, { BUF, 16, NEXT, 2 }) },
	{ "loop of all", SPLIT, BROKEN, 0, 1,
	  DESC({ BUF, 1, NEXT, 1 }, { BUF, 1, NEXT, 2 }, { BUF, 1, NEXT, 3 }, { BUF, 1, NEXT, 4 },
	       { BUF, 1, NEXT, 5 }, { BUF, 1, NEXT, 6 }, { BUF, 1, NEXT, 7 }, { BUF, 1, NEXT, 0 }) },
	{ "loop of empty ones", SPLIT, BROKEN, 0, 1,
	  DESC({ BUF, 0, NEXT, 1 }, { BUF, 0, NEXT, 0 }) },
	{ "chain of all", BOTH, FINE, 1, 1,
	  DESC({ BUF, 1, NEXT, 1 }, { BUF, 1, NEXT, 2 }, { BUF, 1, NEXT, 3 }, { BUF, 1, NEXT, 4 },
	       { BUF, 1, NEXT, 5 }, { BUF, 1, NEXT, 6 }, { BUF, 1, NEXT, 7 }, { BUF, 8, IN, 7 }) },
	{ "list without end", PACKED, BROKEN, 0, 0,
	  DESC({ BUF, 1, NEXT, 1 }, { BUF, 1, NEXT, 2 }, { BUF, 1, NEXT, 3 }, { BUF, 1, NEXT, 4 },
	       { BUF, 1, NEXT, 5 }, { BUF, 1, NEXT, 6 }, { BUF, 1, NEXT, 7 }, { BUF, 8, NEXT, 7 }) },
	{ "list over what is in flight", PACKED, BROKEN, 6, 0,
	  DESC({ BUF, 1, 0, 0 }, { BUF, 1, 0, 1 }, { BUF, 1, 0, 2 }, { BUF, 1, 0, 3 },
	       { BUF, 1, 0, 4 }, { BUF, 1, 0, 5 }, { BUF, 1, NEXT, 6 }, { BUF, 8, NEXT, 7 }) },
	{ "id is the size", PACKED, BROKEN, 0, 0, DESC({ BUF, 16, IN, 8 }) },
	{ "id is 65535", PACKED, BROKEN, 0, 0, DESC({ BUF, 16, IN, 0xffff }) },
	{ "id twice in flight", PACKED, BROKEN, 1, 0,
	  DESC({ BUF, 16, IN, 3 }, { BUF, 16, IN, 3 }) },
	{ "id of the last counts", PACKED, FINE, 2, 0,
	  DESC({ BUF, 16, NEXT, 99 }, { BUF, 16, IN, 3 }, { BUF, 16, IN, 2 }) },
	{ "next is the size", SPLIT, BROKEN, 0, 1, DESC({ BUF, 16, NEXT, 8 }) },
	{ "next is 65535", SPLIT, BROKEN, 0, 1, DESC({ BUF, 16, NEXT, 0xffff }) },
	{ "next without the flag", SPLIT, FINE, 1, 1, DESC({ BUF, 16, 0, 0xffff }) },
	{ "flags that nobody knows", SPLIT, FINE, 1, 1, DESC({ BUF, 16, 0x7ff8, 0 }) },
	{ "readable after writable", BOTH, BROKEN, 0, 1,
	  DESC({ BUF, 16, IN | NEXT, 1 }, { BUF, 16, 0, 0 }) },
	{ "empty first", BOTH, FINE, 1, 1, DESC({ BUF, 0, NEXT, 1 }, { BUF, 16, IN, 0 }) },
	{ "empty between", BOTH, FINE, 1, 1,
	  DESC({ BUF, 16, NEXT, 1 }, { BUF, 0, NEXT, 2 }, { BUF, 16, IN, 0 }) },
	{ "empty last", BOTH, FINE, 1, 1, DESC({ BUF, 16, NEXT, 1 }, { BUF, 0, IN, 0 }) },
	{ "all empty", BOTH, FINE, 1, 1, DESC({ 0, 0, NEXT, 1 }, { 0, 0, IN, 0 }) },
	{ "address 0", BOTH, BROKEN, 0, 1, DESC({ 0, 16, IN, 0 }) },
	{ "a device's registers", BOTH, BROKEN, 0, 1, DESC({ DRIVER_MMIO, 4, IN, 0 }) },
	{ "below RAM", BOTH, BROKEN, 0, 1, DESC({ DRIVER_RAM - 1, 2, IN, 0 }) },
	{ "the last byte", BOTH, FINE, 1, 1, DESC({ NEIGHBOUR + 4095, 1, IN, 0 }) },
	{ "one byte more", BOTH, BROKEN, 0, 1, DESC({ NEIGHBOUR + 4095, 2, IN, 0 }) },
	{ "behind the end", BOTH, BROKEN, 0, 1, DESC({ NEIGHBOUR + 4096, 1, IN, 0 }) },
	{ "across two regions", BOTH, BROKEN, 0, 1, DESC({ NEIGHBOUR - 8, 16, IN, 0 }) },
	{ "2^32 - 1 bytes", BOTH, BROKEN, 0, 1, DESC({ BUF, 0xffffffff, IN, 0 }) },
	{ "wraps to 0", BOTH, BROKEN, 0, 1, DESC({ UINT64_MAX - 15, 16, IN, 0 }) },
	{ "wraps into RAM", BOTH, BROKEN, 0, 1, DESC({ UINT64_MAX - 0xffff, 0xffffffff, IN, 0 }) },
	{ "the last address", BOTH, BROKEN, 0, 1, DESC({ UINT64_MAX, 1, 0, 0 }) },
	{ "reads read-only memory", BOTH, FINE, 1, 1,
	  DESC({ ROM, 16, NEXT, 1 }, { BUF, 16, IN, 0 }) },
	{ "writes read-only memory", BOTH, BROKEN, 0, 1, DESC({ ROM, 16, IN, 0 }) },
	{ "almost 2^32 bytes", BOTH, FINE, 1, 1,
	  DESC({ VAST, 0xc0000000, NEXT, 1 }, { VAST, 0x3fffffff, 0, 0 }) },
	{ "2^32 bytes", BOTH, BROKEN, 0, 1,
	  DESC({ VAST, 0xc0000000, NEXT, 1 }, { VAST, 0x40000000, 0, 0 }) },
	{ "2^32 bytes in both parts", BOTH, BROKEN, 0, 1,
	  DESC({ VAST, 0xc0000000, NEXT, 1 }, { VAST, 0x40000000, IN, 0 }) },

	{ "table", BOTH, FINE, 1, 1, DESC({ TABLE, 32, IND, 0 }),
	  TABLE_OF({ BUF, 16, NEXT, 1 }, { BUF, 16, IN, 0 }) },
	{ "table at an odd address", BOTH, FINE, 1, 1, DESC({ TABLE + 3, 32, IND, 0 }),
	  TABLE_OF({ BUF, 16, NEXT, 1 }, { BUF, 16, IN, 0 }) },
	{ "table that is writable", BOTH, FINE, 1, 1, DESC({ TABLE, 32, IND | IN, 0 }),
	  TABLE_OF({ BUF, 16, NEXT, 1 }, { BUF, 16, IN, 0 }) },
	{ "table not negotiated", BOTH, BROKEN, 0, 1, .no_indirect = true,
	  DESC({ TABLE, 16, IND, 0 }), TABLE_OF({ BUF, 16, IN, 0 }) },
	{ "table and next", BOTH, BROKEN, 0, 1,
	  DESC({ TABLE, 16, IND | NEXT, 1 }, { BUF, 16, IN, 0 }), TABLE_OF({ BUF, 16, 0, 0 }) },
	{ "table after a piece", SPLIT, FINE, 1, 1,
	  DESC({ BUF, 16, NEXT, 1 }, { TABLE, 16, IND, 0 }), TABLE_OF({ BUF, 16, IN, 0 }) },
	{ "table after a piece", PACKED, BROKEN, 0, 0,
	  DESC({ BUF, 16, NEXT, 0 }, { TABLE, 16, IND, 0 }), TABLE_OF({ BUF, 16, IN, 0 }) },
	{ "table in a table", SPLIT, BROKEN, 0, 1, DESC({ TABLE, 16, IND, 0 }),
	  TABLE_OF({ TABLE, 16, IND, 0 }) },
	{ "flags that count for nothing there", PACKED, FINE, 1, 0, DESC({ TABLE, 32, IND, 0 }),
	  TABLE_OF({ BUF, 16, IND | NEXT, 0 }, { BUF, 16, IN | IND, 0 }) },
	{ "table of 0 bytes", BOTH, BROKEN, 0, 1, DESC({ TABLE, 0, IND, 0 }),
	  TABLE_OF({ BUF, 16, IN, 0 }) },
	{ "table of 8 bytes", BOTH, BROKEN, 0, 1, DESC({ TABLE, 8, IND, 0 }),
	  TABLE_OF({ BUF, 16, IN, 0 }) },
	{ "table of 24 bytes", BOTH, BROKEN, 0, 1, DESC({ TABLE, 24, IND, 0 }),
	  TABLE_OF({ BUF, 16, IN, 0 }) },
	{ "table of 2^32 - 16 bytes", BOTH, BROKEN, 0, 1, DESC({ TABLE, 0xfffffff0, IND, 0 }),
	  TABLE_OF({ BUF, 16, IN, 0 }) },
	{ "table longer than any queue", BOTH, BROKEN, 0, 1,
	  DESC({ TABLE, 16 * (QUEUE_MAX + 1), IND, 0 }), TABLE_OF({ BUF, 16, IN, 0 }) },
	{ "table nowhere", BOTH, BROKEN, 0, 1, DESC({ 0x1000, 16, IND, 0 }) },
	{ "table at the end", BOTH, BROKEN, 0, 1, DESC({ NEIGHBOUR + 4096 - 16, 32, IND, 0 }) },
	{ "table across two regions", BOTH, BROKEN, 0, 1, DESC({ NEIGHBOUR - 16, 32, IND, 0 }) },
	{ "table wraps", BOTH, BROKEN, 0, 1, DESC({ UINT64_MAX - 15, 32, IND, 0 }) },
	{ "loop in a table", SPLIT, BROKEN, 0, 1, DESC({ TABLE, 32, IND, 0 }),
	  TABLE_OF({ BUF, 16, NEXT, 1 }, { BUF, 16, NEXT, 0 }) },
	{ "next behind the table", SPLIT, BROKEN, 0, 1, DESC({ TABLE, 32, IND, 0 }),
	  TABLE_OF({ BUF, 16, NEXT, 1 }, { BUF, 16, NEXT, 2 }, { BUF, 16, 0, 0 }) },
	{ "more in the table than is used", SPLIT, FINE, 1, 1, DESC({ TABLE, 48, IND, 0 }),
	  TABLE_OF({ BUF, 16, NEXT, 2 }, { 0, 0xffffffff, IND, 0 }, { BUF, 16, IN, 0 }) },
	{ "readable after writable in a table", BOTH, BROKEN, 0, 1, DESC({ TABLE, 32, IND, 0 }),
	  TABLE_OF({ BUF, 16, IN | NEXT, 1 }, { BUF, 16, 0, 0 }) },
	{ "hole in a table", BOTH, BROKEN, 0, 1, DESC({ TABLE, 32, IND, 0 }),
	  TABLE_OF({ BUF, 16, NEXT, 1 }, { 0x1000, 16, IN, 0 }) },
	/* clang-format on */
};

static struct driver d;
static struct echo *e;

static void setup(void)
{
	static char neighbour[4096], rom[4096];
	struct gmem_region r[] = {
		{ .base = NEIGHBOUR, .size = 4096, .host = neighbour, .name = "neighbour" },
		{ .base = ROM, .size = 4096, .host = rom, .name = "ROM", .readonly = true },
		{ .base = VAST, .size = VAST_SIZE, .name = "vast" },
	};
	struct err err;

	driver_init(&d, RAM_SIZE);
	r[2].host = mmap(NULL, VAST_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);
	EXPECT(r[2].host != MAP_FAILED);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		EXPECT_EQ(gmem_add(&d.mem, &r[i], &err), 0);
	e = echo_create(&d.mem, NULL);
	driver_plug(&d, &e->v);
}

static void lay_out(const struct attack *a, bool packed)
{
	struct driver_queue *q = &d.queue[0];

	for (unsigned i = 0; i < a->table_n; i++) {
		const struct entry *t = &a->table[i];
		uint64_t at = a->desc[a->n - 1].flags & IND ? a->desc[a->n - 1].addr : TABLE;

		driver_desc_at(&d, at + 16 * i, t->addr, t->len,
			       packed ? t->link : (uint16_t)t->flags,
			       packed ? (uint16_t)t->flags : t->link);
	}
	for (unsigned i = 0; i < a->n; i++) {
		const struct entry *t = &a->desc[i];

		if (packed)
			driver_desc(q, i, t->addr, t->len, t->link, (uint16_t)(t->flags | D_AVAIL));
		else
			driver_desc(q, i, t->addr, t->len, (uint16_t)t->flags, t->link);
	}
	for (unsigned i = 0; !packed && i < ARRAY_SIZE(a->head); i++)
		driver_avail_entry(q, i, a->head[i]);
	if (!packed)
		driver_avail_index(q, a->idx);
}

static void expect_good_request(unsigned i)
{
	struct piece p[] = { { BUF, 100, false }, { BUF + 4096, 100, true } };
	uint64_t cookie;
	uint32_t written;

	memset(driver_at(&d, BUF), 0x0f, 100);
	EXPECT(driver_add(&d.queue[i], p, 2, 77));
	EXPECT_EQ(echo_serve(e, i), POP_EMPTY);
	EXPECT(driver_get(&d.queue[i], &cookie, &written));
	EXPECT_EQ(cookie, 77);
	EXPECT_EQ(written, 100);
	EXPECT_EQ(*(unsigned char *)driver_at(&d, BUF + 4096 + 99), 0xf0);
}

static void give_all(void)
{
	LOCK_SCOPE(&e->queue[0].lock);
	while (e->held) {
		struct request *r = e->held;

		e->held = r->next;
		queue_push(r, 0);
	}
	queue_flush(&e->queue[0]);
}

static void attack(const struct attack *a, bool packed)
{
	uint64_t features = packed ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0;
	uint64_t before = e->v.rules_broken;

	(void)printf("    %s: %s\n", packed ? "packed" : "split", a->name);
	driver_forget(&d);
	driver_start(&d, features | (a->no_indirect ? 0 : VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC)),
		     SIZE);
	(void)driver_wait(&d, 0);
	lay_out(a, packed);
	EXPECT_EQ(echo_take(e), a->taken);
	EXPECT_EQ(e->v.rules_broken - before, a->verdict == BROKEN);
	EXPECT_EQ(driver_read(&d, REG_STATUS), a->verdict == FINE ? 0x0f : 0x4f);
	EXPECT_EQ(driver_wait(&d, 0), a->verdict == FINE ? 0 : VIRTIO_INT_CONFIG);
	if (a->verdict ==
	    BROKEN) { /* told once; nothing is served any more, and nothing is asked for */
		EXPECT_EQ(echo_serve(e, 0), POP_BROKEN);
		EXPECT_EQ(echo_serve(e, 0), POP_BROKEN);
		EXPECT_EQ(e->v.rules_broken - before, 1);
		EXPECT_EQ(driver_wait(&d, 0), 0);
	}
	give_all();
	EXPECT_EQ(driver_wait(&d, 0), a->verdict == FINE && a->taken ? VIRTIO_INT_QUEUE : 0);
	mutex_lock(&e->queue[0].lock);
	EXPECT_EQ(queue_in_flight(&e->queue[0]), 0);
	mutex_unlock(&e->queue[0].lock);
	expect_good_request(1);
	driver_forget(&d);
	driver_start(&d, features, SIZE);
	expect_good_request(0);
	expect_good_request(1);
}

TEST(rings_of_a_hostile_driver_break_alone_and_a_reset_cures_them)
{
	setup();
	for (unsigned packed = 0; packed < 2; packed++)
		for (size_t i = 0; i < ARRAY_SIZE(attacks); i++)
			if (attacks[i].formats & (packed ? PACKED : SPLIT))
				attack(&attacks[i], packed);
	driver_done(&d);
}

/* The whole ring is in flight, as four lists; the driver makes the next round available over it. */
TEST(packed_ring_with_more_available_than_fits_breaks)
{
	setup();
	driver_start(&d, VIRTIO_BIT(VIRTIO_F_RING_PACKED), SIZE);
	for (uint16_t i = 0; i < SIZE; i++)
		driver_desc(&d.queue[0], i, BUF, 16, i / 2, (i % 2 ? 0 : D_NEXT) | D_AVAIL);
	EXPECT_EQ(echo_take(e), SIZE / 2);
	EXPECT_EQ(driver_read(&d, REG_STATUS), 0x0f);
	driver_desc(&d.queue[0], 0, BUF, 16, SIZE - 1, D_USED);
	EXPECT_EQ(echo_take(e), 0);
	EXPECT_EQ(driver_read(&d, REG_STATUS), 0x4f);
	give_all();
	driver_done(&d);
}

TEST(chain_of_a_table_is_as_long_as_the_device_said)
{
	for (unsigned n = ECHO_SEGS; n <= ECHO_SEGS + 1; n++) {
		for (unsigned packed = 0; packed < 2; packed++) {
			setup();
			driver_start(&d,
				     VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
					     (packed ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0),
				     SIZE);
			for (unsigned i = 0; i < n; i++)
				driver_desc_at(&d, TABLE + 16 * i, BUF, 1,
					       packed || i + 1 == n ? 0 : D_NEXT,
					       packed ? 0 : (uint16_t)(i + 1));
			driver_desc(&d.queue[0], 0, TABLE, 16 * n, packed ? 0 : D_INDIRECT,
				    packed ? D_INDIRECT | D_AVAIL : 0);
			if (!packed)
				driver_avail_index(&d.queue[0], 1);
			EXPECT_EQ(echo_take(e), n == ECHO_SEGS);
			EXPECT_EQ(driver_read(&d, REG_STATUS), n == ECHO_SEGS ? 0x0f : 0x4f);
			give_all();
			driver_done(&d);
		}
	}
}

/* What came before the table counts, too. */
TEST(table_behind_pieces_is_shorter_by_them)
{
	for (unsigned n = ECHO_SEGS - 2; n <= ECHO_SEGS - 1; n++) {
		setup();
		driver_start(&d, VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC), SIZE);
		for (unsigned i = 0; i < n; i++)
			driver_desc_at(&d, TABLE + 16 * i, BUF, 1, i + 1 == n ? 0 : D_NEXT,
				       (uint16_t)(i + 1));
		driver_desc(&d.queue[0], 0, BUF, 1, D_NEXT, 1);
		driver_desc(&d.queue[0], 1, BUF, 1, D_NEXT, 2);
		driver_desc(&d.queue[0], 2, TABLE, 16 * n, D_INDIRECT, 0);
		driver_avail_index(&d.queue[0], 1);
		EXPECT_EQ(echo_take(e), n + 2 == ECHO_SEGS);
		EXPECT_EQ(driver_read(&d, REG_STATUS), n + 2 == ECHO_SEGS ? 0x0f : 0x4f);
		give_all();
		driver_done(&d);
	}
}

/* What the driver wrote behind the device's back while a request is out has no say any more. */
TEST(request_is_what_it_was_when_it_was_popped)
{
	setup();
	for (unsigned packed = 0; packed < 2; packed++) {
		struct piece p[] = { { BUF, 8, false }, { BUF + 64, 8, true } };
		uint64_t cookie;
		uint32_t written;

		driver_forget(&d);
		driver_start(&d, packed ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0, SIZE);
		memset(driver_at(&d, BUF), 0, 128);
		EXPECT(driver_add(&d.queue[0], p, 2, 5));
		EXPECT_EQ(echo_take(e), 1);
		for (unsigned i = 0; i < 2; i++)
			driver_desc(&d.queue[0], i, 0x1000, 0xffffffff, 0xffff, 0xffff);
		mutex_lock(&e->queue[0].lock);
		EXPECT(echo_give(e));
		mutex_unlock(&e->queue[0].lock);
		EXPECT(driver_get(&d.queue[0], &cookie, &written));
		EXPECT_EQ(written, 8);
		EXPECT_EQ(*(unsigned char *)driver_at(&d, BUF + 64 + 7), 0xff);
		EXPECT_EQ(*(unsigned char *)driver_at(&d, BUF + 64 + 8), 0);
		EXPECT_EQ(driver_read(&d, REG_STATUS), 0x0f);
	}
	driver_done(&d);
}

TEST_MAIN(T(rings_of_a_hostile_driver_break_alone_and_a_reset_cures_them),
	  T(packed_ring_with_more_available_than_fits_breaks),
	  T(chain_of_a_table_is_as_long_as_the_device_said),
	  T(table_behind_pieces_is_shorter_by_them), T(request_is_what_it_was_when_it_was_popped))
