/* SPDX-License-Identifier: Apache-2.0 */
/* What a 64-bit walk finds allowed, the attributes it meets, and how both are put into words. */
#include "tests/lib/mmu_rig.h"

/* --- permissions -------------------------------------------------------------------------------
 */

static void rights(const struct mmu_regs *r, uint64_t leaf, unsigned el0, unsigned el1)
{
	static const unsigned needs[] = {
		[FAULT_READ] = R, [FAULT_WRITE] = W, [FAULT_READ_WRITE] = R | W, [FAULT_FETCH] = X
	};
	struct mmu_walk w;

	put64(chain[3], leaf | PAGE);
	for (unsigned access = 0; access < FAULT_ACCESS_COUNT; access++)
		for (unsigned el = 0; el < 2; el++) {
			unsigned has = el ? el1 : el0;

			mmu_walk(r, &memory, 0, (enum fault_access)access, el, &w);
			EXPECT_EQ(w.el0, el0);
			EXPECT_EQ(w.el1, el1);
			EXPECT_EQ(w.fault,
				  needs[access] & ~has ? MMU_PERMISSION_FAULT : MMU_NO_FAULT);
		}
}

TEST(mmu_permissions_of_ap_pxn_uxn_and_wxn)
{
	static const struct {
		uint64_t leaf;
		unsigned el0, el1, wxn0, wxn1; /* and with SCTLR.WXN */
	} t[] = {
		{ AP(0), X, R | W | X, X, R | W },
		{ AP(1), R | W | X, R | W, R | W, R | W },
		{ AP(2), X, R | X, X, R | X },
		{ AP(3), R | X, R | X, R | X, R | X },
		{ AP(0) | PXN, X, R | W, X, R | W },
		{ AP(0) | UXN, 0, R | W | X, 0, R | W },
		{ AP(0) | PXN | UXN, 0, R | W, 0, R | W },
		{ AP(1) | UXN, R | W, R | W, R | W, R | W },
		{ AP(2) | PXN | UXN, 0, R, 0, R },
		{ AP(2) | UXN, 0, R | X, 0, R | X },
		{ AP(3) | PXN, R | X, R, R | X, R },
		{ AP(3) | PXN | UXN, R, R, R, R },
	};
	struct mmu_regs r = regs(G4K, 16, armv80);

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		put_chain(0);
		r.sctlr = 1;
		rights(&r, 0x60000000 | AF | t[i].leaf, t[i].el0, t[i].el1);
		r.sctlr |= 1 << 19;
		rights(&r, 0x60000000 | AF | t[i].leaf, t[i].wxn0, t[i].wxn1);
	}
}

TEST(mmu_tables_take_permissions_away_unless_hpd)
{
	static const struct {
		unsigned attributes; /* bits 63:59 */
		unsigned el0, el1;
	} t[] = {
		{ 0, R | W, R | W },		      /* what EL0 can write, EL1 cannot execute */
		{ 1, R | W, R | W },		      /* PXNTable */
		{ 2, R | W, R | W },		      /* UXNTable */
		{ 4, 0, R | W | X },		      /* APTable: EL0 none */
		{ 4 | 1, 0, R | W }, { 8, R, R | X }, /* APTable: read-only */
		{ 12, 0, R | X },    { 12 | 1, 0, R },
	};
	struct mmu_regs r = regs(G4K, 16, newest);

	for (unsigned level = 0; level < 3; level++)
		for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
			put_chain(0);
			put64(chain[level],
			      chain[level + 1] | TABLE | (uint64_t)t[i].attributes << 59);
			r.tcr &= ~(1ULL << 41);
			rights(&r, 0x60000000 | AF | AP(1) | UXN, t[i].el0, t[i].el1);
			r.tcr |= 1ULL << 42; /* that is TTBR1's */
			rights(&r, 0x60000000 | AF | AP(1) | UXN, t[i].el0, t[i].el1);
			r.tcr |= 1ULL << 41;
			rights(&r, 0x60000000 | AF | AP(1) | UXN, R | W, R | W);
		}
	/* Overlays turn them off as well, for either EL. */
	r.tcr &= ~(1ULL << 41);
	for (unsigned poe = 2; poe <= 3; poe++) {
		r.tcr2 = 1 << poe;
		rights(&r, 0x60000000 | AF | AP(1) | UXN, R | W, R | W);
	}
	r.tcr2 = 0;
	r.tcr |= 1ULL << 41;
	/* Where the CPU does not have HPD, the bit means nothing. */
	memcpy(r.mmfr, armv80, sizeof(r.mmfr));
	rights(&r, 0x60000000 | AF | AP(1) | UXN, 0, R);
}

TEST(mmu_pan_keeps_el1_from_data_of_el0)
{
	static const struct {
		uint64_t leaf;
		bool epan, old, forbids;
	} t[] = {
		{ AP(0) | UXN, false, false, false }, { AP(1) | UXN, false, false, true },
		{ AP(3) | UXN, false, false, true },  { AP(0), false, false, false },
		{ AP(0), true, false, true },	      { AP(0), true, true, false },
		{ AP(0) | UXN, true, false, false },  { AP(2), true, false, true },
	};
	struct mmu_walk w;

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct mmu_regs r = regs(G4K, 16, t[i].old ? armv80 : newest);

		put_chain(0x60000000 | AF | t[i].leaf | PAGE);
		r.sctlr |= t[i].epan ? 1ULL << 57 : 0;
		r.pan = true;
		mmu_walk(&r, &memory, 0, FAULT_READ, true, &w);
		EXPECT_EQ(w.why == MMU_WHY_PAN, t[i].forbids);
		EXPECT_EQ(w.fault, t[i].forbids ? MMU_PERMISSION_FAULT : MMU_NO_FAULT);
		mmu_walk(&r, &memory, 0, FAULT_FETCH, true, &w);
		EXPECT(w.why != MMU_WHY_PAN);
		mmu_walk(&r, &memory, 0, FAULT_READ, false, &w);
		EXPECT(w.why != MMU_WHY_PAN);
		r.pan = false;
		mmu_walk(&r, &memory, 0, FAULT_READ, true, &w);
		EXPECT_EQ(w.fault, MMU_NO_FAULT);
	}
	put_chain(0x60000000 | AF | AP(1) | UXN | PAGE);
	{
		struct mmu_regs r = regs(G4K, 16, armv80);

		r.pan = true;
		mmu_walk(&r, &memory, 0, FAULT_WRITE, true, &w);
		EXPECT_STR(result(&w), "level 3 permission fault: write by EL1 with PAN, and EL0 "
				       "has read-write, maps to 0x60000000");
	}
}

TEST(mmu_hardware_sets_access_flag_and_dirty_state_where_it_can)
{
	static const struct {
		uint64_t tcr, leaf;
		unsigned hafdbs;
		enum mmu_fault read, write;
	} t[] = {
		{ 0, AP(2), 2, MMU_ACCESS_FLAG_FAULT, MMU_ACCESS_FLAG_FAULT },
		{ HA, AP(0), 0, MMU_ACCESS_FLAG_FAULT, MMU_ACCESS_FLAG_FAULT },
		{ HA, AP(0), 1, MMU_NO_FAULT, MMU_NO_FAULT },
		{ HA, AP(2) | AF | DBM, 2, MMU_NO_FAULT, MMU_PERMISSION_FAULT },
		{ HD, AP(2) | AF | DBM, 2, MMU_NO_FAULT, MMU_PERMISSION_FAULT },
		{ HA | HD, AP(2) | AF | DBM, 2, MMU_NO_FAULT, MMU_NO_FAULT },
		{ HA | HD, AP(2) | AF | DBM, 1, MMU_NO_FAULT, MMU_PERMISSION_FAULT },
		{ HA | HD, AP(2) | AF, 2, MMU_NO_FAULT, MMU_PERMISSION_FAULT },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct mmu_regs r = regs(G4K, 16, newest);
		struct mmu_walk w;

		put_chain(0x60000000 | t[i].leaf | PAGE);
		r.tcr |= t[i].tcr;
		r.mmfr[1] = t[i].hafdbs;
		mmu_walk(&r, &memory, 0, FAULT_READ, true, &w);
		EXPECT_EQ(w.fault, t[i].read);
		mmu_walk(&r, &memory, 0, FAULT_WRITE, true, &w);
		EXPECT_EQ(w.fault, t[i].write);
	}
}

TEST(mmu_indirect_permissions_come_from_pir)
{
	static const unsigned base[16] = { 0, R, X,	R | X, 0,     R | W, R | W,	R | W | X,
					   R, R, R | X, 0,     R | W, 0,     R | W | X, 0 };
	struct mmu_regs r = regs(G4K, 16, newest);
	struct mmu_walk w;

	r.tcr2 = 1 << 1;
	put_chain(0);
	/* Tables no longer take away; and every value at every index. */
	put64(chain[1], chain[2] | TABLE | 0xfULL << 59);
	for (unsigned index = 0; index < 16; index++)
		for (unsigned v = 0; v < 16; v++) {
			uint64_t leaf = 0x60000000 | AF | (index & 1 ? AP(1) : 0) |
					(index & 2 ? DBM : 0) | (index & 4 ? PXN : 0) |
					(index & 8 ? UXN : 0);

			mem.nr = 5;
			r.pir = (uint64_t)v << index * 4;
			r.pire0 = 0;
			rights(&r, leaf, 0, base[v]);
			mem.nr = 5;
			r.pir = 0;
			r.pire0 = (uint64_t)v << index * 4;
			rights(&r, leaf, base[v], 0);
		}
	/* What EL0 can write, EL1 never executes: then nobody has anything. */
	r.pir = 0xa;
	r.pire0 = 5;
	mem.nr = 5;
	rights(&r, 0x60000000 | AF, 0, 0);
	r.pire0 = 1;
	rights(&r, 0x60000000 | AF, R, R | X);

	/* PAN minds what EL0 may execute, without SCTLR.EPAN. */
	r.pan = true;
	r.pir = 5;
	r.pire0 = 2;
	put64(chain[3], 0x60000000 | AF | PAGE);
	mmu_walk(&r, &memory, 0, FAULT_READ, true, &w);
	EXPECT_EQ(w.why, MMU_WHY_PAN);
	r.pan = false;

	/* AP[2] is the clean state. */
	r.pir = 5;
	r.pire0 = 0;
	put64(chain[3], 0x60000000 | AF | AP(2) | PAGE);
	mmu_walk(&r, &memory, 0, FAULT_WRITE, true, &w);
	EXPECT_STR(result(&w), "level 3 permission fault: write by EL1, and the page is clean, "
			       "maps to 0x60000000");
	EXPECT_STR(step(&r, &w, 3), "4 KiB page, AttrIndx 0 (Normal WB), PIIndex 0, EL0 none, EL1 "
				    "read-write, clean");
	EXPECT_STR(regime(&w), "TTBR0_EL1 0x40000000, 4K granule, 48 bits, PIE");
	EXPECT_STR(step(&r, &w, 1),
		   "table, EL0 none, read-only, PXNTable, UXNTable, not used (HPD)");
	r.tcr |= HA | HD;
	mmu_walk(&r, &memory, 0, FAULT_WRITE, true, &w);
	EXPECT_EQ(w.fault, MMU_NO_FAULT);
	/* Without the feature TCR2 means nothing. */
	r.mmfr[3] = 0;
	rights(&r, 0x60000000 | AF | AP(3), 0, R);
}

/* --- attributes and words ----------------------------------------------------------------------
 */

TEST(mmu_memory_types_have_the_names_of_the_manual)
{
	static const struct {
		uint8_t attr;
		const char *name;
	} t[] = {
		{ 0x00, "Device-nGnRnE" },
		{ 0x04, "Device-nGnRE" },
		{ 0x08, "Device-nGRE" },
		{ 0x0c, "Device-GRE" },
		{ 0x05, "Device-nGnRE XS 0" },
		{ 0x02, "reserved type" },
		{ 0x0f, "reserved type" },
		{ 0x44, "Normal NC" },
		{ 0xff, "Normal WB" },
		{ 0xee, "Normal WB" },
		{ 0x77, "Normal WB" },
		{ 0xbb, "Normal WT" },
		{ 0x33, "Normal WT" },
		{ 0xf4, "Normal inner NC outer WB" },
		{ 0x4f, "Normal inner WB outer NC" },
		{ 0xbf, "Normal inner WB outer WT" },
		{ 0x40, "Normal NC XS 0" },
		{ 0xa0, "Normal WT XS 0" },
		{ 0xf0, "Normal WB Tagged" },
		{ 0xe0, "Normal WB NoTagAccess" },
		{ 0x50, "reserved type" },
		{ 0x0b, "reserved type" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		EXPECT_STR(mmu_memory_name(t[i].attr).s, t[i].name);
}

TEST(mmu_attribute_index_shareability_and_contiguous_run_are_those_of_the_leaf)
{
	static const struct {
		unsigned granule;
		int level;
		uint64_t run; /* bytes */
	} t[] = {
		{ G4K, 3, 64 * KiB },  { G4K, 2, 32 * MiB }, { G4K, 1, 16 * GiB },
		{ G16K, 3, 2 * MiB },  { G16K, 2, GiB },     { G64K, 3, 2 * MiB },
		{ G64K, 2, 16 * GiB },
	};
	struct mmu_walk w;

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct mmu_regs r = regs(t[i].granule, 16, armv80);
		uint64_t leaf = 0x5000000000ULL;

		mem_reset();
		for (int level = first_level(t[i].granule, 16); level < t[i].level; level++)
			put64(level == first_level(t[i].granule, 16)
				      ? TTBR0
				      : 0x50000000ULL + (unsigned)level * 0x10000,
			      (0x50000000ULL + (unsigned)(level + 1) * 0x10000) | TABLE);
		put64(t[i].level == first_level(t[i].granule, 16)
			      ? TTBR0
			      : 0x50000000ULL + (unsigned)t[i].level * 0x10000,
		      leaf | AF | CONTIGUOUS | SH(2) | INDEX(4) | (t[i].level == 3 ? PAGE : BLOCK));
		walk(&r, 0x123, &w);
		EXPECT_EQ(w.fault, MMU_NO_FAULT);
		EXPECT_EQ(w.run_size, t[i].run);
		EXPECT_EQ(w.pa, leaf + 0x123);
		EXPECT_EQ(w.sh, 2);
		EXPECT_EQ(w.memory, 0x44);
	}
	/* With LPA2 shareability is TCR's: those bits are address. */
	struct mmu_regs r = regs(G4K, 25, newest);

	mem_reset();
	r.tcr |= DS | 3 << 12;
	r.tcr = (r.tcr & ~IPS(7)) | IPS(6);
	put64(TTBR0, 0x40000000 | AF | SH(2) | BLOCK);
	walk(&r, 0, &w);
	EXPECT_EQ(w.sh, 3);
	EXPECT_EQ(w.pa, 2ULL << 50 | 0x40000000);
	EXPECT_STR(regime(&w), "TTBR0_EL1 0x40000000, 4K granule, 39 bits, LPA2");
}

TEST(mmu_walk_of_a_linux_kernel_reads_well)
{
	struct mmu_regs r = regs(G4K, 16, newest);
	const uint64_t va = 0xffff800008010e40;
	struct mmu_walk w;

	r.ttbr1 = 0x00010000413f4000;
	r.tcr |= HA | HD | 1ULL << 42;
	r.mair = 0x000000f0440004ff; /* as Linux has it */
	mem_reset();
	put64(0x413f4800, 0x10000000413f5003);
	put64(0x413f5000, 0x10000000413f6003);
	put64(0x413f6200, 0x10000000413f7003);
	put64(0x413f7080, 0x006800000a000707 | CONTIGUOUS);
	walk(&r, va, &w);
	EXPECT_STR(regime(&w), "TTBR1_EL1 0x413f4000, 4K granule, 48 bits, HPD, HA HD");
	EXPECT_STR(step(&r, &w, 0), "table, UXNTable, not used (HPD)");
	EXPECT_STR(step(&r, &w, 3),
		   "4 KiB page, AttrIndx 1 (Device-nGnRE), EL0 none, EL1 read-write, PXN UXN, "
		   "contiguous, DBM");
	EXPECT_STR(result(&w),
		   "0xa000e40, Device-nGnRE, EL0 none, EL1 read-write, contiguous 0xa000000 to "
		   "0xa00ffff");

	/* A block of its linear map. */
	put64(0x413f6200, 0x0078000041200711 & ~INDEX(7));
	walk(&r, va, &w);
	EXPECT_STR(step(&r, &w, 2),
		   "2 MiB block, AttrIndx 0 (Normal WB), EL0 none, EL1 read-write, PXN UXN, "
		   "contiguous, DBM");
	EXPECT_STR(result(&w), "0x41210e40, Normal WB, inner shareable, EL0 none, EL1 read-write, "
			       "contiguous 0x40000000 to 0x41ffffff");
	put64(0x413f6200, 0x0040000041200c11 & ~INDEX(7));
	walk(&r, va, &w);
	EXPECT_STR(result(&w),
		   "0x41210e40, Normal WB, non-shareable, EL0 none, EL1 read-write-execute");
}

/* All items of @buf are in @full, in order; only the first one may be cut. */
static void expect_whole_items(const char *buf, const char *full)
{
	const char *comma = strchr(buf, ',');

	if (!comma) {
		EXPECT(strncmp(buf, full, strlen(buf)) == 0);
		return;
	}
	while (comma) {
		size_t len = 2 + strcspn(comma + 2, ",");

		for (full = strchr(full, ','); full; full = strchr(full + 1, ','))
			if (strncmp(comma, full, len) == 0 &&
			    (full[len] == ',' || full[len] == '\0'))
				break;
		EXPECT(full != NULL);
		comma = strchr(comma + 1, ',');
	}
}

/* Items that do not fit are left out whole, and nothing is written beyond the buffer. */
TEST(mmu_texts_fit_buffers_of_any_size)
{
	const struct mmu_regs r = regs(G4K, 16, armv80);
	const char *full = "4 KiB page, AttrIndx 7 (Device-nGnRnE), EL0 none, EL1 read-only, PXN "
			   "UXN, AF 0, contiguous, DBM, nG";
	struct mmu_walk w;
	char buf[256];

	put_chain(0x60000000 | AP(2) | PXN | UXN | CONTIGUOUS | DBM | 1 << 11 | INDEX(7) | PAGE);
	walk(&r, 0, &w);
	for (size_t size = 0; size < sizeof(buf) - 1; size++) {
		memset(buf, 0x7f, sizeof(buf));
		mmu_step_text(&r, &w, 3, buf, size);
		EXPECT(buf[size] == 0x7f);
		if (size == 0)
			continue;
		EXPECT(strlen(buf) < size);
		expect_whole_items(buf, full);
		memset(buf, 0x7f, sizeof(buf));
		mmu_result_text(&w, buf, size);
		EXPECT(buf[size] == 0x7f && strlen(buf) < size);
		memset(buf, 0x7f, sizeof(buf));
		mmu_regime_text(&w, buf, size);
		EXPECT(buf[size] == 0x7f && strlen(buf) < size);
	}
	mmu_step_text(&r, &w, 3, buf, sizeof(buf));
	EXPECT_STR(buf, full);
}

TEST_MAIN(T(mmu_permissions_of_ap_pxn_uxn_and_wxn), T(mmu_tables_take_permissions_away_unless_hpd),
	  T(mmu_pan_keeps_el1_from_data_of_el0),
	  T(mmu_hardware_sets_access_flag_and_dirty_state_where_it_can),
	  T(mmu_indirect_permissions_come_from_pir),
	  T(mmu_memory_types_have_the_names_of_the_manual),
	  T(mmu_attribute_index_shareability_and_contiguous_run_are_those_of_the_leaf),
	  T(mmu_walk_of_a_linux_kernel_reads_well), T(mmu_texts_fit_buffers_of_any_size))
