/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "arch/arm64/mmu/unwind.h"

#include <endian.h>

/* --- guest memory: words put there; code that is all BL; nothing else --------------------------
 */

static struct {
	struct {
		uint64_t at, v;
	} word[128];
	unsigned nr, reads;
	bool big_endian;
} mem;

static bool mem_read(void *ctx, uint64_t va, void *dst, size_t len)
{
	(void)ctx;
	mem.reads++;
	EXPECT(len <= 40);
	for (size_t i = 0; i < len; i++) {
		bool found = false;

		for (unsigned k = mem.nr; k-- > 0 && !found;)
			if (va + i - mem.word[k].at < 8) {
				((uint8_t *)dst)[i] =
					(uint8_t)(mem.word[k].v >> 8 * (va + i - mem.word[k].at));
				found = true;
			}
		if (!found)
			return false;
	}
	return true;
}

static void put(uint64_t at, uint64_t v)
{
	EXPECT(mem.nr < ARRAY_SIZE(mem.word));
	mem.word[mem.nr].at = at;
	mem.word[mem.nr++].v = v;
}

static void record(uint64_t at, uint64_t fp, uint64_t lr)
{
	put(at, mem.big_endian ? __builtin_bswap64(fp) : fp);
	put(at + 8, mem.big_endian ? __builtin_bswap64(lr) : lr);
}

/* Puts the instruction before @lr, and a nop at it. */
static void call(uint64_t lr, uint32_t insn)
{
	put(lr - 4, 0xd503201f00000000 | insn);
}

static uint32_t bl(uint64_t lr, uint64_t target)
{
	return 0x94000000 | (uint32_t)((target - (lr - 4)) >> 2 & 0x3ffffff);
}

/* Functions begin at multiples of 0x1000. */
static bool function(void *ctx, uint64_t va, uint64_t *start)
{
	(void)ctx;
	*start = va & ~0xfffULL;
	return va >> 55 & 1;
}

static bool unknown(void *ctx, uint64_t va, uint64_t *start)
{
	(void)ctx;
	(void)va;
	(void)start;
	return false;
}

/* --- what was found ----------------------------------------------------------------------------
 */

#define STACK 0xffff800080010000ULL
#define TEXT  0xffffc00008000000ULL

static uint64_t frames[32];
static size_t nr;
static bool cut;

static void unwind(struct unwind u, size_t max)
{
	u.va_bits[0] = u.va_bits[1] = 48;
	u.big_endian = mem.big_endian;
	u.read = mem_read;
	memset(frames, 0, sizeof(frames));
	nr = unwind_frames(&u, frames, max, &cut);
	EXPECT(nr <= max);
}

static void expect_frames(const uint64_t *want)
{
	size_t n = 0;

	for (; want[n]; n++)
		EXPECT_EQ(frames[n], want[n]);
	EXPECT_EQ(nr, n);
}

#define EXPECT_FRAMES(...) expect_frames((const uint64_t[]){ __VA_ARGS__, 0 })

static void reset(void)
{
	memset(&mem, 0, sizeof(mem));
}

static void three_frames(void)
{
	record(STACK, STACK + 0x40, TEXT + 0x1010);
	record(STACK + 0x40, STACK + 0x100, TEXT + 0x2020);
	record(STACK + 0x100, 0, TEXT + 0x3030);
}

TEST(unwind_follows_records_to_the_end_in_both_byte_orders)
{
	for (unsigned be = 0; be < 2; be++) {
		reset();
		mem.big_endian = be;
		three_frames();
		unwind((struct unwind){ .pc = TEXT, .fp = STACK }, 32);
		EXPECT_FRAMES(TEXT + 0x1010, TEXT + 0x2020, TEXT + 0x3030);
		EXPECT(!cut);
		/* A record of zeroes ends it as well, and is no frame. */
		record(STACK + 0x100, STACK + 0x200, TEXT + 0x3030);
		record(STACK + 0x200, 0, 0);
		unwind((struct unwind){ .pc = TEXT, .fp = STACK }, 32);
		EXPECT_EQ(nr, 3);
		EXPECT(!cut);
	}
}

TEST(unwind_stops_where_there_is_no_record)
{
	static const struct {
		uint64_t fp, next, lr; /* of the second record */
		unsigned nr;
		bool cut;
	} t[] = {
		{ 0, 0, 0, 0, false },
		{ STACK + 4, 0, 0, 0, true },	   /* unaligned */
		{ STACK + 0x2000, 0, 0, 0, true }, /* nothing there */
		{ ~7ULL, 0, 0, 0, true },
		{ STACK, STACK + 0x104, TEXT, 2, true },
		{ STACK, 0x12345678, TEXT, 2, true },
		{ STACK, STACK + 0x100, 0, 1, false },	     /* no return address */
		{ STACK, STACK + 0x100, TEXT + 2, 1, true }, /* no instruction there */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		reset();
		three_frames();
		record(STACK + 0x40, t[i].next, t[i].lr);
		unwind((struct unwind){ .pc = TEXT, .fp = t[i].fp }, 32);
		EXPECT_EQ(nr, t[i].nr);
		EXPECT_EQ(cut, t[i].cut);
	}
}

TEST(unwind_gives_no_more_than_asked_for_and_says_so)
{
	reset();
	three_frames();
	for (size_t max = 0; max < 5; max++) {
		unwind((struct unwind){ .pc = TEXT, .fp = STACK }, max);
		EXPECT_EQ(nr, max < 3 ? max : 3);
		EXPECT_EQ(cut, max < 3);
	}
}

TEST(unwind_loops_end)
{
	reset();
	record(STACK, STACK, TEXT + 0x10); /* to itself */
	unwind((struct unwind){ .pc = TEXT, .fp = STACK }, 32);
	EXPECT_EQ(nr, UNWIND_JUMPS + 1);
	EXPECT(cut);
	reset();
	three_frames();
	record(STACK + 0x100, STACK, TEXT + 0x10); /* round and round */
	mem.reads = 0;
	unwind((struct unwind){ .pc = TEXT, .fp = STACK }, 32);
	EXPECT_EQ(nr, 3 * (UNWIND_JUMPS + 1));
	EXPECT(cut);
	EXPECT(mem.reads < 40);
}

/* From the interrupt's stack down to the task's. */
TEST(unwind_changes_stacks)
{
	reset();
	record(STACK + 0x8000, STACK + 0x8040, TEXT + 0x1010);
	record(STACK + 0x8040, STACK, TEXT + 0x2020);
	record(STACK, STACK + 0x40, TEXT + 0x3030);
	record(STACK + 0x40, 0, TEXT + 0x4040);
	unwind((struct unwind){ .pc = TEXT, .fp = STACK + 0x8000 }, 32);
	EXPECT_FRAMES(TEXT + 0x1010, TEXT + 0x2020, TEXT + 0x3030, TEXT + 0x4040);
	EXPECT(!cut);
}

TEST(unwind_takes_authentication_codes_off)
{
	static const struct {
		uint64_t va;
		unsigned bits;
		uint64_t plain;
	} t[] = {
		{ 0xffffc00008001010, 48, 0xffffc00008001010 },
		{ 0x12b4c00008001010, 48, 0xffffc00008001010 },
		{ 0x12e4c00008001010, 39, 0xffffff8008001010 },
		{ 0x003412345678abcc, 48, 0x000012345678abcc },
		{ 0xab3412345678abcc, 48, 0x000012345678abcc },
		{ 0x003412345678abcc, 52, 0x000412345678abcc },
		{ 0x12b4c00008001010, 0, 0x12b4c00008001010 },
		{ 0x12b4c00008001010, 64, 0x12b4c00008001010 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		unsigned bits[2] = { t[i].bits, t[i].bits };

		EXPECT_EQ(unwind_strip(t[i].va, bits), t[i].plain);
	}
	/* Each half has its own. */
	EXPECT_EQ(unwind_strip(0x00ff123456789000, (const unsigned[2]){ 39, 48 }),
		  (int64_t)0xffff123456789000);
	reset();
	record(STACK, 0, 0x12b4c00008001010);
	unwind((struct unwind){ .pc = TEXT, .fp = STACK }, 32);
	EXPECT_FRAMES(0xffffc00008001010);
}

/* --- X30 ---------------------------------------------------------------------------------------
 */

TEST(unwind_x30_counts_when_it_is_the_caller_and_no_record_says_so)
{
	const uint64_t pc = TEXT + 0x5008, lr = TEXT + 0x6104;
	static const uint32_t branches[] = { 0xd63f0020, 0xd63f081f, 0xd73f0822, 0xd73f0c22 };

	reset();
	three_frames();
	/* A leaf called by BL, with and without names. */
	call(lr, bl(lr, TEXT + 0x5000));
	unwind((struct unwind){ .pc = pc, .lr = lr, .fp = STACK, .function = function }, 32);
	EXPECT_FRAMES(lr, TEXT + 0x1010, TEXT + 0x2020, TEXT + 0x3030);
	unwind((struct unwind){ .pc = pc, .lr = lr, .fp = STACK }, 32);
	EXPECT_EQ(nr, 4);
	unwind((struct unwind){ .pc = pc, .lr = lr, .fp = STACK, .function = unknown }, 32);
	EXPECT_EQ(nr, 4);
	/* Signed. */
	unwind((struct unwind){ .pc = pc,
				.lr = (lr & 0x0080ffffffffffff) | 0x1234ULL << 56,
				.fp = STACK },
	       32);
	EXPECT_EQ(frames[0], lr);
	/* Without any record. */
	unwind((struct unwind){ .pc = pc, .lr = lr, .fp = 0, .function = function }, 32);
	EXPECT_FRAMES(lr);
	EXPECT(!cut);
	unwind((struct unwind){ .pc = pc, .lr = lr, .fp = 0x1238, .function = function }, 32);
	EXPECT_FRAMES(lr);
	EXPECT(cut);
	/* By any BLR, for which names are needed. */
	for (unsigned i = 0; i < ARRAY_SIZE(branches); i++) {
		call(lr, branches[i]);
		unwind((struct unwind){ .pc = pc, .lr = lr, .fp = STACK, .function = function },
		       32);
		EXPECT_EQ(nr, 4);
		unwind((struct unwind){ .pc = pc, .lr = lr, .fp = STACK }, 32);
		EXPECT_EQ(nr, 3);
	}
}

TEST(unwind_x30_does_not_count_when_it_is_stale_or_no_return_address)
{
	const uint64_t pc = TEXT + 0x5800, lr = TEXT + 0x5104;
	static const uint32_t others[] = { 0xd503201f, 0xd61f0020, 0x14000001, 0xd65f03c0, 0 };

	reset();
	three_frames();
	/* The function itself has called something, before it and behind it. */
	call(lr, bl(lr, TEXT + 0x4000));
	unwind((struct unwind){ .pc = pc, .lr = lr, .fp = STACK, .function = function }, 32);
	EXPECT_EQ(nr, 3);
	unwind((struct unwind){ .pc = pc, .lr = lr, .fp = STACK }, 32);
	EXPECT_EQ(nr, 3);
	call(lr, bl(lr, TEXT + 0x9000));
	unwind((struct unwind){ .pc = pc, .lr = lr, .fp = STACK }, 32);
	EXPECT_EQ(nr, 3);
	call(lr, bl(lr, TEXT - 0x900000));
	unwind((struct unwind){ .pc = pc, .lr = lr, .fp = STACK }, 32);
	EXPECT_EQ(nr, 3);
	call(TEXT + 0x9104, bl(TEXT + 0x9104, TEXT - 0x20000)); /* of a function too far before */
	unwind((struct unwind){ .pc = pc, .lr = TEXT + 0x9104, .fp = STACK }, 32);
	EXPECT_EQ(nr, 3);
	/* What the first record says anyway. */
	call(TEXT + 0x1010, bl(TEXT + 0x1010, TEXT + 0x5000));
	unwind((struct unwind){ .pc = pc, .lr = TEXT + 0x1010, .fp = STACK, .function = function },
	       32);
	EXPECT_EQ(nr, 3);
	/* No call before it, not aligned, nowhere. */
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		call(TEXT + 0x6104, others[i]);
		unwind(
			(struct unwind){
				.pc = pc, .lr = TEXT + 0x6104, .fp = STACK, .function = function },
			32);
		EXPECT_EQ(nr, 3);
	}
	put(TEXT + 0x7102, 0xd503201fd63f0020); /* bytes of a BLR, where no instruction can be */
	unwind((struct unwind){ .pc = pc, .lr = TEXT + 0x7106, .fp = STACK, .function = function },
	       32);
	EXPECT_EQ(nr, 3);
	unwind((struct unwind){ .pc = pc, .lr = 0, .fp = STACK, .function = function }, 32);
	EXPECT_EQ(nr, 3);
	unwind((struct unwind){ .pc = pc, .lr = 0x123450, .fp = STACK, .function = function }, 32);
	EXPECT_EQ(nr, 3);
}

/* --- Linux's exceptions since 6.13 -------------------------------------------------------------
 */

/* struct pt_regs at @at, whose record is at @at + 0x128. */
static void exception(uint64_t at, uint64_t type, uint64_t pc, uint64_t lr, uint64_t fp,
		      uint64_t pstate)
{
	put(at + 0xe8, fp);
	put(at + 0xf0, lr);
	put(at + 0xf8, at + 0x150);
	put(at + 0x100, pc);
	put(at + 0x108, pstate);
	record(at + 0x128, 0, 0);
	put(at + 0x138, type);
}

TEST(unwind_goes_on_behind_an_exception_of_the_kernel)
{
	static const struct {
		uint64_t type, pc, pstate;
		bool goes_on;
	} t[] = {
		{ 2, TEXT + 0x7000, 0x3c5, true },  { 2, TEXT + 0x7000, 0x3c4, true },
		{ 1, TEXT + 0x7000, 0x3c5, false }, /* the last one */
		{ 2, TEXT + 0x7000, 0x3c0, false }, /* user */
		{ 2, TEXT + 0x7002, 0x3c5, false }, { 2, 0, 0x3c5, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		reset();
		record(STACK, STACK + 0x128, TEXT + 0x1010);
		exception(STACK, t[i].type, t[i].pc, TEXT + 0x8004, STACK + 0x200, t[i].pstate);
		record(STACK, STACK + 0x128, TEXT + 0x1010);
		call(TEXT + 0x8004, bl(TEXT + 0x8004, TEXT + 0x7000));
		record(STACK + 0x200, 0, TEXT + 0x9000);
		unwind((struct unwind){ .pc = TEXT, .fp = STACK, .function = function }, 32);
		EXPECT(!cut);
		if (t[i].goes_on)
			EXPECT_FRAMES(TEXT + 0x1010, t[i].pc, TEXT + 0x8004, TEXT + 0x9000);
		else
			EXPECT_FRAMES(TEXT + 0x1010);
	}
}

TEST(unwind_exceptions_in_a_ring_end)
{
	reset();
	exception(STACK, 2, TEXT + 0x10, 0, STACK + 0x128, 0x3c5);
	unwind((struct unwind){ .pc = TEXT, .fp = STACK + 0x128 }, 32);
	EXPECT_EQ(nr, UNWIND_JUMPS);
	EXPECT(cut);
}

static uint64_t random64(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static bool random_read(void *ctx, uint64_t va, void *dst, size_t len)
{
	(void)va;
	(*(unsigned *)ctx)++;
	for (size_t i = 0; i < len; i += 4) {
		uint64_t v = random64();
		uint32_t word = v & 3 ? (uint32_t)(v >> 32) & ~7U : v & 4 ? 2 : 0;

		memcpy((uint8_t *)dst + i, &word, 4);
	}
	return random64() % 64 != 0;
}

TEST(unwind_any_memory_is_safe)
{
	for (unsigned i = 0; i < 100000; i++) {
		unsigned reads = 0;
		size_t max = random64() % 33, got;
		struct unwind u = {
			.pc = random64(),
			.lr = random64() & ~3ULL,
			.fp = random64() & ~7ULL,
			.va_bits = { (unsigned)(random64() % 70), (unsigned)(random64() % 70) },
			.big_endian = random64() & 1,
			.read = random_read,
			.function = random64() & 1 ? function : NULL,
			.ctx = &reads,
		};

		got = unwind_frames(&u, frames, max, &cut);
		EXPECT(got <= max);
		EXPECT(reads <= 4 * 33 + 8);
	}
}

TEST_MAIN(T(unwind_follows_records_to_the_end_in_both_byte_orders),
	  T(unwind_stops_where_there_is_no_record),
	  T(unwind_gives_no_more_than_asked_for_and_says_so), T(unwind_loops_end),
	  T(unwind_changes_stacks), T(unwind_takes_authentication_codes_off),
	  T(unwind_x30_counts_when_it_is_the_caller_and_no_record_says_so),
	  T(unwind_x30_does_not_count_when_it_is_stale_or_no_return_address),
	  T(unwind_goes_on_behind_an_exception_of_the_kernel), T(unwind_exceptions_in_a_ring_end),
	  T(unwind_any_memory_is_safe))
