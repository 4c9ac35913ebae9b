/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RNG: buffers of sizes and places that a source of random numbers is not asked for by a driver in
 * its right mind. What it says that it wrote it wrote, and nothing behind.
 */
#include "tests/attack/requests.h"
#include "tests/attack/table.h"

enum { JUNK = 0xd5, MOST = 4096, RING_SIZE = 16 };

/* What it said is there: that 16 bytes are JUNK still is an accident of 1 in 2^128. */
static void expect_filled(uint64_t at, uint32_t len)
{
	unsigned same = 0;

	for (uint32_t i = 0; i < len; i++) {
		same = hal_get8(at + i) == JUNK ? same + 1 : 0;
		if (same == 16)
			complain_of("of bytes said to be random nobody wrote that at", i, 0);
	}
}

/* arg: bytes, in descriptors of arg2 each. */
static void sized(struct dev *d, const struct attack *a)
{
	static struct piece piece[RING_SIZE];
	struct ring *r = begin_with(d, 0, RING_SIZE);
	const uint32_t size = (uint32_t)a->arg, step = (uint32_t)a->arg2;
	const uint64_t at = dev_pages(d, size + 64);
	enum answer answer;
	unsigned n = 0;
	uint32_t len;

	mem_fill(at, JUNK, size + 64);
	for (uint32_t off = 0; off < size || n == 0; off += step)
		piece[n++] =
			(struct piece){ at + off, size - off < step ? size - off : step, true };
	answer = ring_send(r, piece, n, &len);
	if (answer != USED)
		complain("a buffer was not answered");
	if (len > size || (size > 0 && len == 0))
		complain_of("random bytes", len, size);
	expect_filled(at, len);
	mem_expect(at + len, JUNK, size + 64 - len, "behind the random bytes is");
}

/* One that the device may only read, alone or before one to write: arg. */
static void readable(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, RING_SIZE);
	const uint64_t at = dev_pages(d, 128);
	const struct piece piece[] = { { at, 64, false }, { at + 64, 64, true } };
	uint32_t len;

	mem_fill(at, JUNK, 128);
	if (ring_send(r, piece, a->arg ? 2 : 1, &len) != USED)
		complain("a buffer was not answered");
	if (len != (a->arg ? 64 : 0))
		complain_of("random bytes", len, a->arg ? 64 : 0);
	mem_expect(at, JUNK, 64, "what may only be read is");
	expect_filled(at + 64, len);
}

/* All entries of the ring at once, arg rounds; each buffer is filled. arg2: all are the same one.
 */
static void full_ring(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, RING_SIZE);
	const uint64_t at = dev_pages(d, RING_SIZE * 64);

	for (uint64_t round = 0; round < times(a->arg) && !complained(); round++) {
		mem_fill(at, JUNK, RING_SIZE * 64);
		for (unsigned i = 0; i < r->size; i++)
			ring_add_at(r, i, &(struct piece){ at + (a->arg2 ? 0 : 64 * i), 64, true },
				    1);
		ring_kick(r);
		ring_collect(r, r->size);
		for (unsigned i = 0; i < r->size; i++)
			expect_filled(at + (a->arg2 ? 0 : 64 * i), 64);
	}
}

/* No two of many are the same: 16 bytes each. */
static void never_the_same(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, RING_SIZE);
	const uint64_t n = times(a->arg), at = dev_pages(d, 16 * n);

	for (uint64_t i = 0; i < n; i++) {
		(void)ring_good(r, &(struct piece){ at + 16 * i, 16, true }, 1, 16);
		for (uint64_t k = 0; k < i; k++)
			if (hal_get64(at + 16 * i) == hal_get64(at + 16 * k))
				complain_of("random numbers come again", i, k);
	}
}

/* arg: so much of RAM, which is everybody's, from the first byte of ours: no more is written than
 * the device gives at once.
 */
static void huge(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, RING_SIZE);
	const uint64_t at = dev_pages(d, 2 * MOST);
	uint32_t len;

	mem_fill(at, JUNK, 2 * MOST);
	if (ring_send(r, &(struct piece){ at, (uint32_t)a->arg, true }, 1, &len) != USED)
		complain("a buffer was not answered");
	if (len == 0 || len > MOST)
		complain_of("random bytes", len, MOST);
	expect_filled(at, len);
	mem_expect(at + len, JUNK, 2 * MOST - len, "behind the random bytes is");
}

/* The buffer ends where RAM does, or goes arg beyond. */
static void at_the_end(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, RING_SIZE);
	const struct piece p = { hal.ram + hal.ram_size - 64, (uint32_t)(64 + a->arg), true };
	uint32_t len;
	const enum answer answer = ring_send(r, &p, 1, &len);

	if (answer != (a->arg ? BROKEN : USED))
		complain("the end of RAM is somewhere else");
}

/* Over the ring itself: the device must get along. */
static void over_the_ring(struct dev *d, const struct attack *a)
{
	struct ring *r = begin_with(d, 0, RING_SIZE);
	const uint64_t at = a->arg == 0 ? r->desc : a->arg == 1 ? r->driver : r->device;
	uint32_t len;

	(void)ring_send(r, &(struct piece){ at, (uint32_t)a->arg2, true }, 1, &len);
}

/* A reset with all of them on their way: nothing is written after. */
static void reset_under_way(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		struct ring *r = begin_with(d, 0, RING_SIZE);
		const uint64_t at = dev_pages(d, RING_SIZE * MOST);

		for (unsigned k = 0; k < r->size; k++)
			ring_add_at(r, k, &(struct piece){ at + MOST * k, MOST, true }, 1);
		ring_kick(r);
		dev_reset(d);
		mem_expect(at, 0, RING_SIZE * MOST, "random numbers after a reset:");
	}
}

static const struct attack rows[] = {
	{ .name = "0 bytes", .run = sized, .arg = 0, .arg2 = 1 },
	{ .name = "1 byte", .run = sized, .arg = 1, .arg2 = 1 },
	{ .name = "16 bytes in 16 descriptors", .run = sized, .arg = 16, .arg2 = 1 },
	{ .name = "4095 bytes", .run = sized, .arg = 4095, .arg2 = 4095 },
	{ .name = "4 KiB across pages", .run = sized, .arg = 4096, .arg2 = 1000 },
	{ .name = "64 KiB", .run = sized, .arg = 65536, .arg2 = 65536 },
	{ .name = "64 KiB in 16 descriptors", .run = sized, .arg = 65536, .arg2 = 4096 },
	{ .name = "8 MiB", .run = huge, .arg = 8 << 20 },
	{ .name = "up to the end of RAM", .run = at_the_end },
	{ .name = "a byte beyond the end of RAM", .run = at_the_end, .arg = 1 },
	{ .name = "2 GiB beyond the end of RAM", .run = at_the_end, .arg = 1U << 31 },
	{ .name = "only to read", .run = readable },
	{ .name = "some to read, some to write", .run = readable, .arg = 1 },
	{ .name = "the ring full of buffers", .run = full_ring, .arg = 1 },
	{ .name = "one buffer in the whole ring", .run = full_ring, .arg = 1, .arg2 = 1 },
	{ .name = "many full rings", .run = full_ring, .arg = 500 },
	{ .name = "numbers that never come again", .run = never_the_same, .arg = 200 },
	{ .name = "over the descriptors", .run = over_the_ring, .arg = 0, .arg2 = 256 },
	{ .name = "over the available ring", .run = over_the_ring, .arg = 1, .arg2 = 38 },
	{ .name = "over the used ring", .run = over_the_ring, .arg = 2, .arg2 = 134 },
	{ .name = "reset under a full ring", .run = reset_under_way, .arg = 40 },
};

const struct group group_rng = GROUP("rng", rows, .on = ON(ID_RNG));
