/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables are built here by the manual's own figures (Arm ARM, D8.2): which bits of an address each
 * level resolves, and at which level each size of address space begins.
 */
#include "tests/lib/mmu_rig.h"

/* --- long descriptors: where they are ----------------------------------------------------------
 */

/* Lowest address bit that each level resolves; level + 1 is the index. 0: no such level. */
static const uint8_t low_bit[][5] = {
	[G4K] = { 48, 39, 30, 21, 12 },
	[G16K] = { 0, 47, 36, 25, 14 },
	[G64K] = { 0, 0, 42, 29, 16 },
};

static bool maps_at(unsigned granule, int level, bool large)
{
	if (level >= 2)
		return true;
	switch (granule) {
	case G4K:
		return level == 1 || (level == 0 && large);
	default:
		return level == 1 && large;
	}
}

/* An address of the half, with both kinds of bits everywhere. */
static uint64_t some_va(unsigned ia, bool upper)
{
	uint64_t inside = 0x965a5a6996a5c3a7 & ((1ULL << ia) - 1);

	return upper ? inside | ~((1ULL << ia) - 1) : inside;
}

/* The descriptor for @out with the address bits where the format has them. */
static uint64_t desc(unsigned granule, bool large, uint64_t out)
{
	uint64_t d = out & 0xffffffffffffULL;

	if (large && granule == G64K)
		return d | (out >> 48 & 15) << 12;
	if (large)
		return (out & 0x3ffffffffffffULL) | (out >> 50 & 3) << 8;
	return d;
}

static void walk_everything(unsigned granule, unsigned txsz, bool upper, bool large)
{
	struct mmu_regs r = regs(granule, txsz, newest);
	unsigned ia = 64 - txsz, top = ia;
	uint64_t va = some_va(ia, upper);
	int first = first_level(granule, txsz);

	if (large)
		r.tcr = (r.tcr & ~IPS(7)) | IPS(6) | (granule == G64K ? 0 : DS);
	for (int leaf = first; leaf <= 3; leaf++) {
		uint64_t high = large ? 0xdULL << 48 : 0;
		uint64_t table = (upper ? TTBR1 : TTBR0) | high;
		unsigned low = low_bit[granule][leaf + 1];
		uint64_t out = (high | 0x5aa5c3961000ULL << 1) & ~((1ULL << low) - 1), at[5];
		struct mmu_walk w;

		if (!maps_at(granule, leaf, large))
			continue;
		mem_reset();
		top = ia;
		r.ttbr0 = TTBR0 | (large ? 0xd << 2 : 1); /* or CnP */
		r.ttbr1 = TTBR1 | (large ? 0xd << 2 : 1);
		for (int level = first; level <= leaf; level++) {
			unsigned from = low_bit[granule][level + 1];
			uint64_t next = (0x100000000ULL + (uint64_t)(level + 2) * 0x1000000) | high;

			at[level - first] = table + (va >> from & ((1ULL << (top - from)) - 1)) * 8;
			put64(at[level - first], level < leaf ? desc(granule, large, next) | TABLE
							      : desc(granule, large, out) | AF |
									(leaf == 3 ? PAGE : BLOCK));
			table = next;
			top = from;
		}
		walk(&r, va, &w);
		EXPECT_EQ(w.fault, MMU_NO_FAULT);
		EXPECT_EQ(w.nr_steps, leaf - first + 1);
		for (unsigned i = 0; i < w.nr_steps; i++) {
			EXPECT_EQ(w.step[i].level, first + (int)i);
			EXPECT_EQ(w.step[i].at, at[i]);
			EXPECT_EQ(w.step[i].kind, i + 1 < w.nr_steps ? MMU_TABLE
						  : leaf == 3	     ? MMU_PAGE
								     : MMU_BLOCK);
		}
		EXPECT(w.mapped);
		EXPECT_EQ(w.step[w.nr_steps - 1].size, 1ULL << low);
		EXPECT_EQ(w.pa, out | (va & ((1ULL << low) - 1)));
		EXPECT_EQ(w.level, leaf);
		EXPECT_EQ(w.regime.ia_bits, ia);
		EXPECT_EQ(w.regime.upper, upper);
		EXPECT_EQ(w.regime.oa_bits, large ? 52 : 48);
		EXPECT_EQ(mem.reads, w.nr_steps);
		EXPECT_EQ(mmu_va_bits(&r, va), ia);
	}
}

TEST(mmu_finds_every_descriptor_of_every_granule_size_half_and_level)
{
	static const uint8_t granules[] = { G4K, G16K, G64K };

	for (unsigned g = 0; g < ARRAY_SIZE(granules); g++)
		for (unsigned large = 0; large < 2; large++) {
			unsigned min = large || granules[g] == G64K ? 12 : 16;

			for (unsigned txsz = min; txsz <= (granules[g] == G64K ? 47 : 48); txsz++) {
				walk_everything(granules[g], txsz, false, large);
				walk_everything(granules[g], txsz, true, large);
			}
		}
}

/* A first table that is smaller than 64 bytes still is aligned to 64 when addresses have 52 bits.
 */
TEST(mmu_first_table_is_aligned_to_its_size)
{
	static const struct {
		unsigned txsz;
		bool large;
		uint64_t ttbr, table;
	} t[] = {
		{ 16, false, 0x40001ff8, 0x40001000 }, /* 512 entries */
		{ 24, false, 0x40001ff8, 0x40001ff0 }, /* 2 */
		{ 25, false, 0x40001ff8, 0x40001000 },
		{ 22, false, 0x40001ff8, 0x40001fc0 }, /* 8 */
		{ 24, true, 0x40001ffc, 0xf000040001fc0 },
		{ 16, true, 0x40001fff, 0xf000040001000 },
		{ 16, false, 0x8234000040000001, 0x40000000 }, /* ASID, CnP */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct mmu_regs r = regs(G4K, t[i].txsz, newest);
		struct mmu_walk w;

		mem_reset();
		r.ttbr0 = t[i].ttbr;
		if (t[i].large)
			r.tcr |= DS | IPS(6);
		walk(&r, 0, &w);
		EXPECT_EQ(w.regime.table, t[i].table);
		EXPECT_EQ(w.step[0].at, t[i].table);
	}
}

TEST(mmu_granule_that_is_missing_or_reserved_is_the_smallest_there_is)
{
	static const struct {
		uint64_t mmfr0;
		unsigned tg0, tg1, granule0, granule1;
	} t[] = {
		{ 0x00100005, 3, 0, G4K, G4K },	  { 0xf0100005, 0, 2, G16K, G16K },
		{ 0xf0000005, 0, 2, G64K, G64K }, { 0x0f000005, 1, 3, G4K, G4K },
		{ 0x00000005, 2, 1, G4K, G4K },	  { 0xf0000005, 1, 3, G64K, G64K },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct mmu_regs r = regs(G4K, 25, armv80);
		struct mmu_walk w;

		mem_reset();
		r.mmfr[0] = t[i].mmfr0;
		r.tcr = IPS(5) | 25 | 25 << 16 | t[i].tg0 << 14 | (uint64_t)t[i].tg1 << 30;
		walk(&r, 0, &w);
		EXPECT_EQ(w.regime.granule, t[i].granule0);
		walk(&r, ~0ULL, &w);
		EXPECT_EQ(w.regime.granule, t[i].granule1);
	}
}

/* --- faults ------------------------------------------------------------------------------------
 */

TEST(mmu_every_fault_at_every_level_is_told)
{
	const struct mmu_regs r = regs(G4K, 16, armv80);
	struct mmu_walk w;
	char want[128];

	for (int level = 0; level <= 3; level++) {
		uint64_t at = chain[level];

		/* A descriptor that is invalid, with whatever bits software left in it. */
		put_chain(0x60000000 | AF | PAGE);
		put64(at, 0xdeadbeefdeadbee0);
		walk(&r, 0, &w);
		EXPECT_EQ(w.fault, MMU_TRANSLATION_FAULT);
		EXPECT_EQ(w.level, level);
		EXPECT_EQ(w.nr_steps, level + 1);
		EXPECT_EQ(w.step[level].kind, MMU_INVALID);
		EXPECT_EQ(w.step[level].descriptor, 0xdeadbeefdeadbee0);
		EXPECT(!w.mapped);
		EXPECT_EQ(mmu_fsc(&w), 0x04 + level);
		(void)snprintf(want, sizeof(want), "level %d translation fault", level);
		EXPECT_STR(result(&w), want);
		EXPECT_STR(step(&r, &w, (unsigned)level), "invalid");

		/* A block where there can be none: all levels but 1 and 2. */
		put64(at, 0x60000000 | AF | BLOCK);
		walk(&r, 0, &w);
		EXPECT_EQ(w.fault, level == 1 || level == 2 ? MMU_NO_FAULT : MMU_TRANSLATION_FAULT);
		EXPECT_EQ(w.step[level].kind, level == 1 || level == 2 ? MMU_BLOCK : MMU_RESERVED);

		/* An address above TCR.IPS, in a table or a page. */
		put64(at, 1ULL << 47 | AF | TABLE);
		{
			struct mmu_regs less = r;

			less.tcr = (less.tcr & ~IPS(7)) | IPS(4);
			walk(&less, 0, &w);
		}
		EXPECT_EQ(w.fault, MMU_ADDRESS_SIZE_FAULT);
		EXPECT_EQ(w.level, level);
		EXPECT(!w.mapped);
		EXPECT_EQ(mmu_fsc(&w), level);
		(void)snprintf(want, sizeof(want),
			       "level %d address size fault: its output has more than 44 bits",
			       level);
		EXPECT_STR(result(&w), want);

		/* No memory where the descriptor should be. */
		put_chain(0x60000000 | AF | PAGE);
		if (level > 0)
			put64(chain[level - 1], 0x70000000 | TABLE);
		mem.end = level > 0 ? 0x70000000 : TTBR0;
		walk(&r, 0, &w);
		EXPECT_EQ(w.fault, MMU_EXTERNAL_ABORT);
		EXPECT_EQ(w.level, level);
		EXPECT_EQ(w.nr_steps, level + 1);
		EXPECT_EQ(w.step[level].kind, MMU_UNREAD);
		EXPECT_EQ(w.step[level].at, mem.end);
		EXPECT_EQ(w.step[level].descriptor, 0);
		EXPECT_EQ(mmu_fsc(&w), 0x14 + level);
		(void)snprintf(want, sizeof(want),
			       "level %d external abort on the walk: no memory at 0x%" PRIx64,
			       level, mem.end);
		EXPECT_STR(result(&w), want);
		EXPECT_STR(step(&r, &w, (unsigned)level), "no memory there");
	}
	put_chain(0x60000000 | PAGE);
	walk(&r, 0, &w);
	EXPECT_EQ(w.fault, MMU_ACCESS_FLAG_FAULT);
	EXPECT(w.mapped);
	EXPECT_EQ(w.pa, 0x60000000);
	EXPECT_EQ(mmu_fsc(&w), 0x0b);
	EXPECT_STR(result(&w), "level 3 access flag fault, maps to 0x60000000");

	put_chain(0x60000000 | AF | AP(2) | PAGE);
	mmu_walk(&r, &memory, 0x123, FAULT_WRITE, true, &w);
	EXPECT_EQ(w.fault, MMU_PERMISSION_FAULT);
	EXPECT_EQ(w.pa, 0x60000123);
	EXPECT_EQ(mmu_fsc(&w), 0x0f);
	EXPECT_STR(result(&w), "level 3 permission fault: write by EL1, which has read-execute, "
			       "maps to 0x60000123");
}

TEST(mmu_blocks_are_only_where_the_granule_and_the_features_allow_them)
{
	static const struct {
		unsigned granule, txsz; /* that begin at this level */
		int level;
		bool old, ds, allowed;
	} t[] = {
		{ G4K, 16, 0, false, false, false },  { G4K, 16, 0, false, true, true },
		{ G4K, 16, 0, true, true, false },    { G4K, 25, 1, true, false, true },
		{ G16K, 16, 0, false, true, false },  { G16K, 17, 1, false, false, false },
		{ G16K, 17, 1, false, true, true },   { G16K, 17, 1, true, true, false },
		{ G16K, 28, 2, true, false, true },   { G64K, 16, 1, true, false, false },
		{ G64K, 16, 1, false, false, true },  { G64K, 22, 2, true, false, true },
		{ G64K, 35, 3, false, false, false }, { G4K, 43, 3, false, true, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct mmu_regs r = regs(t[i].granule, t[i].txsz, t[i].old ? armv80 : newest);
		struct mmu_walk w;

		mem_reset();
		put64(TTBR0, AF | BLOCK);
		r.tcr |= t[i].ds ? DS : 0;
		walk(&r, 0, &w);
		EXPECT_EQ(w.nr_steps, 1);
		EXPECT_EQ(w.step[0].level, t[i].level);
		EXPECT_EQ(w.step[0].kind, t[i].allowed ? MMU_BLOCK : MMU_RESERVED);
		EXPECT_EQ(w.fault, t[i].allowed ? MMU_NO_FAULT : MMU_TRANSLATION_FAULT);
	}
}

TEST(mmu_level_minus_one_has_fault_codes_of_its_own)
{
	struct mmu_regs r = regs(G4K, 12, newest);
	struct mmu_walk w;

	r.tcr |= DS;
	mem_reset();
	walk(&r, 0, &w);
	EXPECT_EQ(w.level, -1);
	EXPECT_EQ(mmu_fsc(&w), 0x2b);
	EXPECT_STR(result(&w), "level -1 translation fault");
	put64(TTBR0, 0x3ULL << 8 | TABLE); /* bits 51:50 of an address, but IPS says 48 */
	walk(&r, 0, &w);
	EXPECT_EQ(mmu_fsc(&w), 0x29);
	mem.end = TTBR0;
	walk(&r, 0, &w);
	EXPECT_EQ(mmu_fsc(&w), 0x13);
}

TEST(mmu_faults_before_the_first_step)
{
	static const struct {
		uint64_t tcr; /* added to 4K, 48 bits */
		uint64_t va;
		bool old;
		unsigned txsz, granule;
		bool el0;
		const char *result; /* NULL: none before */
	} t[] = {
		/* too small, too large, and the features that allow more */
		{ 0, 0, true, 15, G4K, false, "level 0 translation fault: T0SZ is out of range" },
		{ 0, ~0ULL, true, 15, G4K, false,
		  "level 0 translation fault: T1SZ is out of range" },
		{ 0, 0, false, 15, G4K, false, "level 0 translation fault: T0SZ is out of range" },
		{ DS, 0, true, 15, G4K, false, "level 0 translation fault: T0SZ is out of range" },
		{ DS, 0, false, 12, G4K, false, NULL },
		{ DS, 0, false, 11, G4K, false, "level 0 translation fault: T0SZ is out of range" },
		{ DS, 0, false, 12, G16K, false, NULL },
		{ 0, 0, true, 12, G64K, false, "level 0 translation fault: T0SZ is out of range" },
		{ 0, 0, false, 12, G64K, false, NULL },
		{ 0, 0, true, 39, G4K, false, NULL },
		{ 0, 0, true, 40, G4K, false, "level 0 translation fault: T0SZ is out of range" },
		{ 0, 0, false, 48, G4K, false, NULL },
		{ 0, 0, false, 49, G4K, false, "level 0 translation fault: T0SZ is out of range" },
		{ 0, 0, false, 63, G4K, false, "level 0 translation fault: T0SZ is out of range" },
		{ 0, 0, false, 48, G64K, false, "level 0 translation fault: T0SZ is out of range" },
		/* not canonical */
		{ 0, 1ULL << 48, true, 16, G4K, false,
		  "level 0 translation fault: not an address of 48 bits" },
		{ 0, 0xfffeffffffffffff, true, 16, G4K, false,
		  "level 0 translation fault: not an address of 48 bits" },
		{ 0, 0xffff000000000000, true, 16, G4K, false, NULL },
		{ 0, 0x0000ffffffffffff, true, 16, G4K, false, NULL },
		{ 0, 0x0100000000000000, true, 16, G4K, false,
		  "level 0 translation fault: not an address of 48 bits" },
		{ 0, 0x0000010000000000, true, 25, G4K, false,
		  "level 0 translation fault: not an address of 39 bits" },
		/* turned off */
		{ 1 << 7, 0, true, 16, G4K, false,
		  "level 0 translation fault: walks by TTBR0 are turned off" },
		{ 1 << 7, ~0ULL, true, 16, G4K, false, NULL },
		{ 1 << 23, ~0ULL, true, 16, G4K, false,
		  "level 0 translation fault: walks by TTBR1 are turned off" },
		{ 1 << 23, 0, true, 16, G4K, false, NULL },
		/* kept from EL0 */
		{ 1ULL << 56, ~0ULL, false, 16, G4K, true,
		  "level 0 translation fault: EL0 is kept out (E0PD1)" },
		{ 1ULL << 56, ~0ULL, false, 16, G4K, false, NULL },
		{ 1ULL << 56, ~0ULL, true, 16, G4K, true, NULL },
		{ 1ULL << 55, 0, false, 16, G4K, true,
		  "level 0 translation fault: EL0 is kept out (E0PD0)" },
	};
	struct mmu_walk w;
	struct mmu_regs r;

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		mem_reset();
		r = regs(t[i].granule, t[i].txsz, t[i].old ? armv80 : newest);
		r.tcr |= t[i].tcr;
		mmu_walk(&r, &memory, t[i].va, FAULT_READ, !t[i].el0, &w);
		EXPECT_EQ(w.nr_steps, t[i].result ? 0 : 1);
		EXPECT_EQ(w.fault, MMU_TRANSLATION_FAULT);
		if (t[i].result) {
			EXPECT_STR(result(&w), t[i].result);
			EXPECT_EQ(mmu_fsc(&w), 0x04);
			EXPECT_EQ(mem.reads, 0);
		}
	}
	r = regs(G4K, 16, armv80);
	r.tcr &= ~IPS(7);
	r.ttbr0 = 1ULL << 32;
	walk(&r, 0, &w);
	EXPECT_EQ(w.nr_steps, 0);
	EXPECT_STR(result(&w), "level 0 address size fault: TTBR0 has more than 32 bits");
	EXPECT_EQ(mmu_fsc(&w), 0x00);
	r.tcr |= IPS(1);
	walk(&r, 0, &w);
	EXPECT_EQ(w.nr_steps, 1);
	r = regs(G4K, 5, armv80);
	walk(&r, ~0ULL, &w);
	EXPECT_STR(regime(&w), "TTBR1_EL1, 4K granule, T1SZ out of range");
	EXPECT_EQ(mmu_va_bits(&r, 0), 0);
}

/* PARange bounds what TCR.IPS may say. */
TEST(mmu_output_size_is_what_both_the_cpu_and_tcr_allow)
{
	static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48, 52, 52 };
	struct mmu_regs r = regs(G64K, 16, newest);
	struct mmu_walk w;

	mem_reset();
	for (unsigned ips = 0; ips < 8; ips++)
		for (unsigned pa = 0; pa < 8; pa++) {
			unsigned want = bits[ips] < bits[pa] ? bits[ips] : bits[pa];

			r.tcr = (r.tcr & ~IPS(7)) | IPS(ips);
			r.mmfr[0] = 0x00100000 | pa;
			walk(&r, 0, &w);
			EXPECT_EQ(w.regime.oa_bits, want);
			EXPECT_EQ(w.regime.wide, want == 52);
		}
	/* With 4K only as much as 48 bits without DS, whatever is said. */
	r = regs(G4K, 16, newest);
	r.tcr |= IPS(6);
	walk(&r, 0, &w);
	EXPECT_EQ(w.regime.oa_bits, 48);
}

TEST(mmu_table_that_points_to_itself_ends_at_the_last_level)
{
	const struct mmu_regs r = regs(G4K, 16, armv80);
	struct mmu_walk w;

	mem_reset();
	put64(TTBR0, TTBR0 | AF | TABLE);
	walk(&r, 0, &w);
	EXPECT_EQ(w.fault, MMU_NO_FAULT);
	EXPECT_EQ(w.nr_steps, 4);
	EXPECT_EQ(w.pa, TTBR0);
	EXPECT_EQ(mem.reads, 4);
}

/* --- what the address carries ------------------------------------------------------------------
 */

TEST(mmu_top_byte_is_ignored_where_tcr_says_so_for_data_or_for_both)
{
	static const struct {
		uint64_t tcr, va;
		enum fault_access access;
		bool found, tagged;
	} t[] = {
		{ 0, 0xab00000000000000, FAULT_READ, false, false },
		{ 1ULL << 37, 0xab00000000000000, FAULT_READ, true, true },
		{ 1ULL << 37, 0x0000000000000000, FAULT_READ, true, false },
		{ 1ULL << 38, 0xab00000000000000, FAULT_READ, false, false },
		{ 1ULL << 38, 0xabff000000000000, FAULT_READ, true, true },
		{ 1ULL << 38, 0xffff000000000000, FAULT_READ, true, false },
		{ 1ULL << 37, 0xab01000000000000, FAULT_READ, false, true },
		{ 1ULL << 37, 0xab00000000000000, FAULT_FETCH, true, true },
		{ 1ULL << 37 | 1ULL << 51, 0xab00000000000000, FAULT_FETCH, false, false },
		{ 1ULL << 37 | 1ULL << 51, 0xab00000000000000, FAULT_WRITE, true, true },
		{ 1ULL << 38 | 1ULL << 52, 0xabff000000000000, FAULT_FETCH, false, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct mmu_regs r = regs(G4K, 16, armv80);
		struct mmu_walk w;

		put_chain(0x60000000 | AF | PAGE);
		put64(TTBR1, 0x50000000 | TABLE);
		r.tcr |= t[i].tcr;
		mmu_walk(&r, &memory, t[i].va, t[i].access, true, &w);
		EXPECT_EQ(w.mapped, t[i].found);
		EXPECT_EQ(w.regime.tagged, t[i].tagged);
		if (w.mapped)
			EXPECT_EQ(w.pa, 0x60000000);
	}
}

TEST(mmu_off_leaves_addresses_as_they_are_up_to_the_size_of_the_cpu)
{
	static const struct {
		uint64_t va, tcr;
		bool fits;
		uint64_t pa;
	} t[] = {
		{ 0x40080000, 0, true, 0x40080000 },
		{ 0xffffffffff, 0, true, 0xffffffffff },
		{ 0x10000000000, 0, false, 0 },
		{ 0xffffff8000000000, 0, false, 0 },
		{ 0x1200000040080000, 0, false, 0 },
		{ 0x1200000040080000, 1ULL << 37, true, 0x40080000 },
	};
	struct mmu_regs r = { .mmfr = { 0x00100002 } };
	struct mmu_walk w;

	mem_reset();
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		r.tcr = t[i].tcr;
		walk(&r, t[i].va, &w);
		EXPECT_EQ(w.mapped, t[i].fits);
		EXPECT_EQ(w.pa, t[i].pa);
		EXPECT_EQ(w.nr_steps, 0);
		EXPECT_EQ(w.fault, t[i].fits ? MMU_NO_FAULT : MMU_ADDRESS_SIZE_FAULT);
	}
	EXPECT_STR(regime(&w), "MMU off, top byte ignored");
	EXPECT_STR(result(&w), "0x40080000, Device-nGnRnE");
	mmu_walk(&r, &memory, 0x40080000, FAULT_FETCH, true, &w);
	EXPECT_STR(regime(&w), "MMU off");
	EXPECT_STR(result(&w), "0x40080000, Normal NC");
	r.sctlr = 1 << 12;
	mmu_walk(&r, &memory, 0x40080000, FAULT_FETCH, true, &w);
	EXPECT_STR(result(&w), "0x40080000, Normal WT");
	walk(&r, 1ULL << 40, &w);
	EXPECT_STR(result(&w), "level 0 address size fault: more than 40 bits");
	EXPECT_EQ(mem.reads, 0);
	r.aarch32 = true;
	walk(&r, 0x1ffff0000, &w);
	EXPECT_EQ(w.pa, 0xffff0000);
}

TEST(mmu_descriptors_are_big_endian_when_sctlr_says_so)
{
	struct mmu_regs r = regs(G4K, 16, armv80);
	struct mmu_walk w;

	mem_reset();
	mem.big_endian = true;
	for (unsigned i = 0; i < 3; i++)
		put64(chain[i], chain[i + 1] | TABLE);
	put64(chain[3], 0x60000000 | AF | PAGE);
	r.sctlr |= 1 << 25;
	walk(&r, 0x10, &w);
	EXPECT_EQ(w.pa, 0x60000010);
	EXPECT_EQ(w.step[3].descriptor, 0x60000000 | AF | PAGE);
	EXPECT_STR(regime(&w), "TTBR0_EL1 0x40000000, 4K granule, 48 bits, big-endian");
	r.sctlr = 1;
	walk(&r, 0x10, &w);
	EXPECT(!w.mapped);
}

/* --- reading through it ------------------------------------------------------------------------
 */

TEST(mmu_reads_bytes_across_pages_until_one_is_missing)
{
	const struct mmu_regs r = regs(G4K, 16, armv80);
	static uint8_t got[4096 * 3];

	put_chain(0x60000000 | AP(0) | UXN | PAGE); /* no access flag: fine for a debugger */
	put64(chain[3] + 8, 0x70000000 | AF | PAGE);
	put64(0x60000ff8, 0x8877665544332211);
	put64(0x70000000, 0xffeeddccbbaa9988);
	EXPECT_EQ(mmu_read_va(&r, &memory, 0xffa, got, 12), 12);
	EXPECT(memcmp(got, "\x33\x44\x55\x66\x77\x88\x88\x99\xaa\xbb\xcc\xdd", 12) == 0);
	EXPECT_EQ(mmu_read_va(&r, &memory, 0xfff, got, 1), 1);
	EXPECT_EQ(got[0], 0x88);
	EXPECT_EQ(mmu_read_va(&r, &memory, 0xfff, got, 0), 0);
	EXPECT_EQ(mmu_read_va(&r, &memory, 0x10, got, sizeof(got)), 0x2000 - 0x10);
	EXPECT_EQ(mmu_read_va(&r, &memory, 0x2000, got, 1), 0);
	mem.end = 0x60000ffc; /* memory itself ends: the part of a page is not given */
	EXPECT_EQ(mmu_read_va(&r, &memory, 0xff8, got, 8), 0);
	EXPECT_EQ(mmu_read_va(&r, &memory, 0xff8, got, 4), 4);
}

TEST(mmu_reads_stop_at_the_end_of_the_address_space)
{
	struct mmu_regs r = { .sctlr = 0, .aarch32 = true };
	uint8_t got[64];

	mem_reset();
	EXPECT_EQ(mmu_read_va(&r, &memory, 0xfffffff0, got, sizeof(got)), 16);
	r = regs(G4K, 16, armv80);
	put64(TTBR1 + 0xff8, 0x50000000 | TABLE);
	put64(0x50000ff8, 0x50000000 | AF | TABLE);
	put64(TTBR0, 0x50001000 | TABLE); /* address 0 is there */
	put64(0x50001000, 0x50001000 | AF | TABLE);
	EXPECT_EQ(mmu_read_va(&r, &memory, 0, got, 8), 8);
	EXPECT_EQ(mmu_read_va(&r, &memory, ~0ULL - 7, got, sizeof(got)), 8);
}

/* --- walks that are kept -----------------------------------------------------------------------
 */

static void expect_same(const struct mmu_walk *a, const struct mmu_walk *b)
{
	EXPECT_EQ(a->va, b->va);
	EXPECT_EQ(a->pa, b->pa);
	EXPECT_EQ(a->access, b->access);
	EXPECT_EQ(a->privileged, b->privileged);
	EXPECT_EQ(a->mapped, b->mapped);
	EXPECT_EQ(a->fault, b->fault);
	EXPECT_EQ(a->level, b->level);
	EXPECT_EQ(a->nr_steps, b->nr_steps);
	EXPECT_EQ(a->step[a->nr_steps - 1].at, b->step[b->nr_steps - 1].at);
	EXPECT_EQ(a->el0, b->el0);
	EXPECT_EQ(a->el1, b->el1);
}

TEST(mmu_walks_that_are_kept_say_what_new_ones_say)
{
	/* Pages 0 to 5, the last not mapped: all kinds of walks, more than are kept. */
	const struct mmu_regs r = regs(G4K, 16, armv80);
	struct mmu_recent recent = { .nr = 0 };
	const struct mmu_memory keeping = { .read = mem_read, .recent = &recent };
	struct mmu_walk kept, fresh;

	put_chain(0x60000000 | PAGE); /* no access flag */
	for (unsigned i = 1; i < 5; i++)
		put64(chain[3] + 8 * i, (0x70000000 + 0x5000 * i) | AP(i - 1) | AF | PAGE);
	for (unsigned i = 0; i < 40000; i++) {
		const uint64_t n = (uint64_t)i * 2654435761U >> 7;
		const uint64_t va = (n % 6) << 12 | (n / 6 & 0xfff);
		const enum fault_access access = (enum fault_access)(n / 64 % FAULT_ACCESS_COUNT);

		mmu_walk(&r, &keeping, va, access, n & 512, &kept);
		mmu_walk(&r, &memory, va, access, n & 512, &fresh);
		expect_same(&kept, &fresh);
	}
}

TEST(mmu_walks_that_are_kept_read_no_tables)
{
	const struct mmu_regs r = regs(G4K, 16, armv80);
	struct mmu_recent recent = { .nr = 0 };
	const struct mmu_memory keeping = { .read = mem_read, .recent = &recent };
	struct mmu_walk w;
	uint8_t got[16];

	put_chain(0x60000000 | PAGE); /* no access flag, which does not matter to a debugger */
	(void)mmu_read_va(&r, &keeping, 0x20, got, 1);
	(void)mmu_read_va(&r, &keeping, 0x30, got, 1);
	EXPECT_EQ(mem.reads, 4 + 2);
	recent = (struct mmu_recent){ .nr = 0 };

	put_chain(0x60000000 | AF | PAGE);
	for (unsigned i = 1; i < MMU_RECENT + 2; i++)
		put64(chain[3] + 8 * i, (0x60000000 + 0x1000 * i) | AF | PAGE);
	mmu_walk(&r, &keeping, 0x10, FAULT_READ, true, &w);
	EXPECT_EQ(mem.reads, 4);
	mmu_walk(&r, &keeping, 0xfff, FAULT_READ, true, &w);
	EXPECT_EQ(mem.reads, 4);
	EXPECT_EQ(w.pa, 0x60000fff);
	EXPECT_EQ(mmu_read_va(&r, &keeping, 0x20, got, sizeof(got)), sizeof(got));
	EXPECT_EQ(mem.reads, 5);			     /* what was asked for */
	mmu_walk(&r, &keeping, 0x10, FAULT_WRITE, true, &w); /* another purpose */
	EXPECT_EQ(mem.reads, 9);
	mmu_walk(&r, &keeping, 0x10, FAULT_READ, false, &w);
	EXPECT_EQ(mem.reads, 13);
	mmu_walk(&r, &keeping, 1ULL << 56 | 0x10, FAULT_READ, true,
		 &w); /* a tag, which is no address */
	EXPECT_EQ(w.fault, MMU_TRANSLATION_FAULT);
	for (unsigned i = 1; i <= MMU_RECENT; i++)
		mmu_walk(&r, &keeping, i << 12, FAULT_READ, true, &w);
	mem.reads = 0;
	mmu_walk(&r, &keeping, MMU_RECENT << 12, FAULT_READ, true, &w);
	EXPECT_EQ(mem.reads, 0);
	mmu_walk(&r, &keeping, 0x10, FAULT_READ, true, &w); /* pushed out by then */
	EXPECT_EQ(mem.reads, 4);
}

TEST(mmu_faults_are_not_kept_where_nothing_is_mapped)
{
	const struct mmu_regs r = regs(G4K, 16, armv80);
	struct mmu_recent recent = { .nr = 0 };
	const struct mmu_memory keeping = { .read = mem_read, .recent = &recent };
	struct mmu_walk w;

	put_chain(0);
	mmu_walk(&r, &keeping, 0, FAULT_READ, true, &w);
	EXPECT_EQ(w.fault, MMU_TRANSLATION_FAULT);
	EXPECT_EQ(recent.nr, 0);
}

/* --- anything ----------------------------------------------------------------------------------
 */

static uint64_t random64(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static bool random_read(void *ctx, gpa_t at, void *dst, size_t len)
{
	uint64_t v = random64();

	(void)ctx;
	(void)at;
	memset(dst, 0, len);
	v |= v >> 60 ? 3 : 0; /* mostly tables */
	memcpy(dst, &v, len < 8 ? len : 8);
	return v % 64 != 8;
}

TEST(mmu_any_registers_and_any_memory_are_safe)
{
	const struct mmu_memory any = { .read = random_read };
	struct mmu_walk w;
	char buf[128];

	for (unsigned i = 0; i < 300000; i++) {
		struct mmu_regs r = {
			.aarch32 = random64() % 4 == 0,
			.pan = random64() & 1,
			.sctlr = random64() | 1,
			.tcr = random64(),
			.tcr2 = random64(),
			.ttbr0 = random64() & random64(),
			.ttbr1 = random64() & random64(),
			.mair = random64(),
			.pir = random64(),
			.pire0 = random64(),
			.mmfr = { random64() | 6, random64(), random64(), random64() },
			.dacr = (uint32_t)random64(),
		};
		uint64_t va = random64() >> random64() % 64;

		if (random64() & 1)
			va = ~va;
		if (random64() & 1)
			r.tcr = (r.tcr & ~0x3f003fULL) | 25 | 25 << 16;
		mmu_walk(&r, &any, va, (enum fault_access)(i % FAULT_ACCESS_COUNT), i & 8, &w);
		EXPECT(w.nr_steps <= MMU_MAX_STEPS);
		EXPECT(w.mapped || w.fault != MMU_NO_FAULT);
		EXPECT(w.pa >> 52 == 0);
		mmu_regime_text(&w, buf, 96);
		EXPECT(strlen(buf) > 0);
		for (unsigned k = 0; k < w.nr_steps; k++) {
			EXPECT(w.step[k].at >> 52 == 0);
			mmu_step_text(&r, &w, k, buf, 96);
			EXPECT(strlen(buf) > 0);
		}
		mmu_result_text(&w, buf, 128);
		EXPECT(strlen(buf) > 0);
		EXPECT(mmu_fsc(&w) < 64);
		EXPECT(mmu_va_bits(&r, va) <= 52);
	}
}

TEST_MAIN(T(mmu_finds_every_descriptor_of_every_granule_size_half_and_level),
	  T(mmu_first_table_is_aligned_to_its_size),
	  T(mmu_granule_that_is_missing_or_reserved_is_the_smallest_there_is),
	  T(mmu_every_fault_at_every_level_is_told),
	  T(mmu_blocks_are_only_where_the_granule_and_the_features_allow_them),
	  T(mmu_level_minus_one_has_fault_codes_of_its_own), T(mmu_faults_before_the_first_step),
	  T(mmu_output_size_is_what_both_the_cpu_and_tcr_allow),
	  T(mmu_table_that_points_to_itself_ends_at_the_last_level),
	  T(mmu_top_byte_is_ignored_where_tcr_says_so_for_data_or_for_both),
	  T(mmu_off_leaves_addresses_as_they_are_up_to_the_size_of_the_cpu),
	  T(mmu_descriptors_are_big_endian_when_sctlr_says_so),
	  T(mmu_reads_bytes_across_pages_until_one_is_missing),
	  T(mmu_reads_stop_at_the_end_of_the_address_space),
	  T(mmu_walks_that_are_kept_say_what_new_ones_say),
	  T(mmu_walks_that_are_kept_read_no_tables),
	  T(mmu_faults_are_not_kept_where_nothing_is_mapped),
	  T(mmu_any_registers_and_any_memory_are_safe))
