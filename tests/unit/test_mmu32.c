/* SPDX-License-Identifier: Apache-2.0 */
/* The regimes of a 32-bit EL1 (Arm ARM, G5). */
#include "tests/lib/mmu_rig.h"

static struct mmu_regs regs32(uint32_t ttbcr)
{
	return (struct mmu_regs){
		.aarch32 = true,
		.sctlr = 1,
		.tcr = ttbcr,
		.ttbr0 = TTBR0 | 0x4a, /* cacheability of walks */
		.ttbr1 = TTBR1 | 0x4a,
		.mair = 0x000000ff00000044,
		.dacr = 0x55555555, /* client everywhere */
	};
}

TEST(mmu_short_descriptors_of_every_kind_are_found)
{
	static const struct {
		uint32_t l1, l2; /* l2 0: none */
		enum mmu_kind kind;
		uint64_t pa, size;
	} t[] = {
		{ 0x60000c02, 0, MMU_SECTION, 0x60045678, MiB },
		{ 0x60000c03, 0, MMU_SECTION, 0x60045678, MiB }, /* PXN */
		{ 0x61040c02, 0, MMU_SUPERSECTION, 0x61345678, 16 * MiB },
		{ 0x61a40ca2, 0, MMU_SUPERSECTION, 0x5a61345678, 16 * MiB },
		{ 0x50000001, 0x70000032, MMU_SMALL_PAGE, 0x70000678, 4 * KiB },
		{ 0x50000001, 0x70000033, MMU_SMALL_PAGE, 0x70000678, 4 * KiB }, /* XN */
		{ 0x50000001, 0x70000031, MMU_LARGE_PAGE, 0x70005678, 64 * KiB },
	};
	const uint32_t va = 0x12345678;

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		const struct mmu_regs r = regs32(0);
		struct mmu_walk w;

		mem_reset();
		put32(TTBR0 + 0x123 * 4, t[i].l1);
		if (t[i].l2)
			put32(0x50000000 + 0x45 * 4, t[i].l2);
		walk(&r, va, &w);
		EXPECT_EQ(w.fault, MMU_NO_FAULT);
		EXPECT_EQ(w.nr_steps, t[i].l2 ? 2 : 1);
		EXPECT_EQ(w.step[0].at, TTBR0 + 0x123 * 4);
		EXPECT_EQ(w.step[w.nr_steps - 1].kind, t[i].kind);
		EXPECT_EQ(w.step[w.nr_steps - 1].size, t[i].size);
		EXPECT_EQ(w.pa, t[i].pa);
		EXPECT_EQ(w.level, t[i].l2 ? 2 : 1);
		EXPECT_EQ(mmu_va_bits(&r, va), 32);
	}
	struct mmu_regs r = regs32(0);
	struct mmu_walk w;

	mem_reset();
	mem.big_endian = true;
	r.sctlr |= 1 << 25;
	put32(TTBR0 + 0x123 * 4, 0x60000c02);
	walk(&r, va, &w);
	EXPECT_EQ(w.pa, 0x60045678);
	EXPECT_EQ(w.step[0].descriptor, 0x60000c02);
}

TEST(mmu_ttbcr_n_splits_the_space_and_pd_closes_it)
{
	static const struct {
		uint32_t ttbcr, va;
		uint64_t at; /* 0: no walk */
		unsigned bits;
	} t[] = {
		{ 0, 0xffffffff, TTBR0 + 0x3ffc, 32 },
		{ 1, 0x7fffffff, TTBR0 + 0x1ffc, 31 },
		{ 1, 0x80000000, TTBR1 + 0x2000, 32 },
		{ 2, 0x40000000, TTBR1 + 0x1000, 32 },
		{ 7, 0x01ffffff, TTBR0 + 0x7c, 25 },
		{ 7, 0x02000000, TTBR1 + 0x80, 32 },
		{ 0x10, 0, 0, 32 },
		{ 0x11, 0x80000000, TTBR1 + 0x2000, 32 },
		{ 0x20, 0, TTBR0, 32 },
		{ 0x21, 0x80000000, 0, 32 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		const struct mmu_regs r = regs32(t[i].ttbcr);
		struct mmu_walk w;

		mem_reset();
		walk(&r, t[i].va, &w);
		EXPECT_EQ(w.fault, MMU_TRANSLATION_FAULT);
		EXPECT_EQ(w.level, 1);
		EXPECT_EQ(w.nr_steps, t[i].at != 0);
		EXPECT_EQ(w.step[0].at, t[i].at);
		EXPECT_EQ(w.regime.ia_bits, t[i].bits);
		EXPECT_EQ(w.why, t[i].at ? MMU_WHY_PLAIN : MMU_WHY_EPD);
	}
	/* A smaller table may begin at smaller boundaries. */
	struct mmu_regs r = regs32(7);
	struct mmu_walk w;

	mem_reset();
	r.ttbr0 = TTBR0 | 0x3fff;
	walk(&r, 0, &w);
	EXPECT_EQ(w.step[0].at, TTBR0 + 0x3f80);
}

/* A section for 0 with these bits; rights for EL0 and EL1. */
static void rights32(struct mmu_regs *r, uint32_t section, unsigned el0, unsigned el1)
{
	struct mmu_walk w;

	mem_reset();
	put32(TTBR0, 0x60000002 | section);
	walk(r, 0, &w);
	EXPECT(w.mapped);
	EXPECT_EQ(w.el0, el0);
	EXPECT_EQ(w.el1, el1);
	mmu_walk(r, &memory, 0, FAULT_WRITE, false, &w);
	EXPECT_EQ(w.fault == MMU_NO_FAULT, (el0 & W) != 0);
	mmu_walk(r, &memory, 0, FAULT_FETCH, true, &w);
	EXPECT_EQ(w.fault == MMU_NO_FAULT, (el1 & X) != 0);
}

TEST(mmu_short_descriptor_permissions)
{
	static const unsigned ap[8][2] = {
		{ 0, 0 }, { 0, R | W | X }, { R | X, R | W | X }, { R | W | X, R | W | X },
		{ 0, 0 }, { 0, R | X },	    { R | X, R | X },	  { R | X, R | X }
	};
	struct mmu_regs r = regs32(0);
	struct mmu_walk w;

	for (unsigned i = 0; i < 8; i++) {
		uint32_t bits = (i & 3) << 10 | (i & 4) << 13;

		r.sctlr = 1;
		rights32(&r, bits, ap[i][0], ap[i][1]);
		rights32(&r, bits | 1 << 4, ap[i][0] & (R | W), ap[i][1] & (R | W)); /* XN */
		rights32(&r, bits | 1, ap[i][0], ap[i][1] & (R | W));		     /* PXN */
		r.sctlr = 1 | 1 << 19;						     /* WXN */
		rights32(&r, bits, ap[i][0] & W ? R | W : ap[i][0],
			 ap[i][1] & W ? R | W : ap[i][1]);
		r.sctlr = 1 | 1 << 20; /* UWXN */
		rights32(&r, bits, ap[i][0], ap[i][0] & W ? R | W : ap[i][1]);
	}
	/* AFE: AP[0] is the access flag. */
	r.sctlr = 1 | 1 << 29;
	rights32(&r, 1 << 10, 0, R | W | X);
	rights32(&r, 3 << 10, R | W | X, R | W | X);
	rights32(&r, 1 << 10 | 1 << 15, 0, R | X);
	rights32(&r, 3 << 10 | 1 << 15, R | X, R | X);
	put32(TTBR0, 0x60000002 | 2 << 10);
	walk(&r, 0, &w);
	EXPECT_EQ(w.fault, MMU_ACCESS_FLAG_FAULT);
	EXPECT_STR(step(&r, &w, 0), "1 MiB section, Device-nGnRnE, EL0 read-write, EL1 read-write, "
				    "domain 0 client, AF 0");
	/* A table's PXN. */
	r.sctlr = 1;
	mem_reset();
	put32(TTBR0, 0x50000000 | 1 << 2 | 1);
	put32(0x50000000, 0x70000000 | 3 << 4 | 2);
	walk(&r, 0, &w);
	EXPECT_EQ(w.el1, R | W);
	EXPECT_EQ(w.el0, R | W | X);
	EXPECT_STR(step(&r, &w, 0), "table, domain 0 client, PXN");
	/* XN of a large page is not where that of a small one is. */
	put32(0x50000000, 0x70000000 | 1 << 15 | 3 << 4 | 1);
	walk(&r, 0, &w);
	EXPECT_EQ(w.el0, R | W);
	put32(0x50000000, 0x70000000 | 3 << 4 | 1);
	walk(&r, 0, &w);
	EXPECT_EQ(w.el0, R | W | X);
	/* PAN. */
	r.pan = true;
	walk(&r, 0, &w);
	EXPECT_EQ(w.why, MMU_WHY_PAN);
}

TEST(mmu_domains_decide_before_permissions)
{
	static const struct {
		unsigned access;
		enum mmu_fault fault;
		unsigned el0;
	} t[] = {
		{ 0, MMU_DOMAIN_FAULT, 0 },
		{ 1, MMU_PERMISSION_FAULT, 0 },
		{ 2, MMU_DOMAIN_FAULT, 0 },
		{ 3, MMU_NO_FAULT, R | W | X },
	};
	struct mmu_regs r = regs32(0);
	struct mmu_walk w;

	mem_reset();
	put32(TTBR0, 0x60000002 | 9 << 5); /* AP 0 */
	put32(TTBR0 + 4, 0x50000001 | 9 << 5);
	put32(0x50000000, 0x70000002);
	put32(TTBR0 + 8, 0x61040002 | 9 << 5); /* a supersection's bits there are address */
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		r.dacr = t[i].access << 18;
		walk(&r, 0, &w);
		EXPECT_EQ(w.fault, t[i].fault);
		EXPECT_EQ(w.level, 1);
		EXPECT_EQ(w.domain, 9);
		EXPECT_EQ(w.el0, t[i].el0);
		walk(&r, 0x100000, &w);
		EXPECT_EQ(w.fault, t[i].fault);
		EXPECT_EQ(w.level, 2);
		walk(&r, 0x200000, &w);
		EXPECT_EQ(w.domain, 0);
		EXPECT_EQ(w.fault, MMU_DOMAIN_FAULT);
	}
	r.dacr = 0;
	walk(&r, 0x100000, &w);
	EXPECT_STR(step(&r, &w, 0), "table, domain 9 none");
	EXPECT_STR(result(&w), "level 2 domain fault: no access to domain 9, maps to 0x70000000");
	EXPECT_STR(regime(&w), "TTBR0 0x40000000, short descriptors, 32 bits");
}

TEST(mmu_short_memory_types_by_tex_c_b_and_by_remapping)
{
	static const struct {
		unsigned tex, cb;
		const char *name;
	} t[] = {
		{ 0, 0, "Device-nGnRnE" },
		{ 0, 1, "Device-nGnRE" },
		{ 0, 2, "Normal WT" },
		{ 0, 3, "Normal WB" },
		{ 1, 0, "Normal NC" },
		{ 1, 1, "reserved type" },
		{ 1, 3, "Normal WB" },
		{ 2, 0, "Device-nGnRE" },
		{ 2, 1, "reserved type" },
		{ 3, 0, "reserved type" },
		{ 4, 0, "Normal NC" },
		{ 5, 0, "Normal inner NC outer WB" },
		{ 6, 1, "Normal inner WB outer WT" },
		{ 7, 3, "Normal WB" },
	};
	struct mmu_regs r = regs32(0);
	struct mmu_walk w;

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		mem_reset();
		put32(TTBR0, 0x60000c02 | t[i].tex << 12 | t[i].cb << 2 | 1 << 16);
		walk(&r, 0, &w);
		EXPECT_STR(mmu_memory_name(w.memory).s, t[i].name);
		EXPECT_EQ(w.sh, 3);
		/* The same of a page, whose TEX is elsewhere. */
		put32(TTBR0, 0x50000001);
		put32(0x50000000, 0x70000032 | t[i].tex << 6 | t[i].cb << 2);
		walk(&r, 0, &w);
		EXPECT_STR(mmu_memory_name(w.memory).s, t[i].name);
		EXPECT_EQ(w.sh, 0);
		put32(0x50000000, 0x70000031 | t[i].tex << 12 | t[i].cb << 2);
		walk(&r, 0, &w);
		EXPECT_STR(mmu_memory_name(w.memory).s, t[i].name);
	}
	/* Linux: PRRR and NMRR of arch/arm/mm/proc-v7-2level.S */
	r.sctlr |= 1 << 28;
	r.mair = 0x40e040e0ff0a81a8;
	mem_reset();
	put32(TTBR0, 0x60000c02 | 3 << 2 | 1 << 12 | 1 << 16); /* TEX[0] 1, C 1, B 1: n 7 */
	walk(&r, 0, &w);
	EXPECT_STR(result(&w), "0x60000000, Normal WB, inner shareable, EL0 read-write-execute, "
			       "EL1 read-write-execute");
	put32(TTBR0, 0x60000c02 | 1 << 12); /* n 4: device */
	walk(&r, 0, &w);
	EXPECT_STR(mmu_memory_name(w.memory).s, "Device-nGnRE");
	r.mair = 0x80e040e0ff0a81a8; /* n 7: outer Write-Through */
	put32(TTBR0, 0x60000c02 | 3 << 2 | 1 << 12);
	walk(&r, 0, &w);
	EXPECT_STR(mmu_memory_name(w.memory).s, "Normal inner WB outer WT");
}

TEST(mmu_aarch32_long_descriptors)
{
	static const struct {
		unsigned t0sz, t1sz;
		uint32_t va;
		uint64_t at; /* of the first descriptor; 0: none */
		int level;
	} t[] = {
		{ 0, 0, 0xffffffff, TTBR0 + 0x18, 1 },
		{ 0, 1, 0x7fffffff, TTBR0 + 0x08, 1 },
		{ 0, 1, 0x80000000, TTBR1 + 0x00, 1 },
		{ 1, 0, 0x7fffffff, TTBR0 + 0x08, 1 },
		{ 1, 0, 0x80000000, TTBR1 + 0x10, 1 },
		{ 1, 1, 0xffffffff, TTBR1 + 0x08, 1 },
		{ 2, 2, 0x3fffffff, TTBR0 + 0xff8, 2 },
		{ 2, 2, 0x40000000, 0, 1 }, /* the gap */
		{ 2, 2, 0xbfffffff, 0, 1 },
		{ 2, 2, 0xc0200000, TTBR1 + 0x008, 2 },
		{ 7, 7, 0x01ffffff, TTBR0 + 0x78, 2 },
		{ 7, 7, 0xfe000000, TTBR1 + 0x00, 2 },
	};
	struct mmu_regs r;
	struct mmu_walk w;

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		mem_reset();
		r = regs32(1U << 31 | t[i].t0sz | t[i].t1sz << 16);
		r.ttbr0 = TTBR0;
		r.ttbr1 = TTBR1;
		walk(&r, t[i].va, &w);
		EXPECT_EQ(w.nr_steps, t[i].at != 0);
		EXPECT_EQ(w.step[0].at, t[i].at);
		EXPECT_EQ(w.level, t[i].level);
		EXPECT_EQ(w.fault, MMU_TRANSLATION_FAULT);
	}
	mem_reset();
	r = regs32(1U << 31);
	put64(TTBR0 + 8, 0x50000000 | TABLE);
	put64(0x50000000 + 8, 0x50001000 | TABLE);
	put64(0x50001000 + 8, 0x8060000000 | AF | AP(1) | UXN | SH(3) | INDEX(4) | PAGE);
	r.ttbr0 = TTBR0;
	walk(&r, 0x40201234, &w);
	EXPECT_STR(regime(&w), "TTBR0 0x40000000, long descriptors, 32 bits");
	EXPECT_STR(step(&r, &w, 2),
		   "4 KiB page, AttrIndx 4 (Normal WB), EL0 read-write, EL1 read-write, XN");
	EXPECT_STR(result(&w), "0x8060000234, Normal WB, inner shareable, EL0 read-write, EL1 "
			       "read-write");
	put64(0x50001000 + 8, 0x60000000 | AF | AP(1) | PAGE);
	walk(&r, 0x40201234, &w);
	EXPECT_EQ(w.el1, R | W | X); /* unlike AArch64 */
	put64(0x50001000 + 8, 1ULL << 40 | AF | PAGE);
	walk(&r, 0x40201234, &w);
	EXPECT_EQ(w.fault, MMU_ADDRESS_SIZE_FAULT);
	EXPECT_EQ(w.level, 3);
	/* HPD wants TTBCR.T2E as well. */
	put64(0x50001000 + 8, 0x60000000 | AF | AP(1) | PAGE);
	put64(TTBR0 + 8, 0x50000000 | TABLE | 8ULL << 59);
	r.tcr |= 1ULL << 41;
	walk(&r, 0x40201234, &w);
	EXPECT_EQ(w.el1, R | X);
	r.tcr |= 1 << 6;
	walk(&r, 0x40201234, &w);
	EXPECT_EQ(w.el1, R | W | X);
	r.tcr |= 1 << 7;
	walk(&r, 0x40201234, &w);
	EXPECT_STR(result(&w), "level 1 translation fault: walks by TTBR0 are turned off");
	r = regs32(1U << 31);
	r.ttbr0 = 1ULL << 40;
	walk(&r, 0, &w);
	EXPECT_STR(result(&w), "level 0 address size fault: TTBR0 has more than 40 bits");
}

TEST_MAIN(T(mmu_short_descriptors_of_every_kind_are_found),
	  T(mmu_ttbcr_n_splits_the_space_and_pd_closes_it), T(mmu_short_descriptor_permissions),
	  T(mmu_domains_decide_before_permissions),
	  T(mmu_short_memory_types_by_tex_c_b_and_by_remapping), T(mmu_aarch32_long_descriptors))
