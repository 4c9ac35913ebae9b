/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translation tables in a guest memory of a few words, and the registers that go with them. Include
 * it in one file of a test program.
 */
#ifndef TESTS_LIB_MMU_RIG_H
#define TESTS_LIB_MMU_RIG_H

#include "tests/lib/test.h"
#include "arch/arm64/mmu/mmu.h"
#include "vmm/base/checked.h"

#include <endian.h>
#include <stdio.h>

/* --- guest memory: what was put there, zeroes elsewhere, nothing from `end` on ------------------
 */

static struct {
	struct {
		uint64_t at, v;
	} word[64];
	unsigned nr, reads;
	uint64_t end;
	bool big_endian;
} mem;

static UNUSED bool mem_read(void *ctx, gpa_t at, void *dst, size_t len)
{
	(void)ctx;
	mem.reads++;
	if (!range_inside(at.a, len, 0, mem.end))
		return false;
	for (size_t i = 0; i < len; i++) {
		uint64_t word = 0;

		for (unsigned k = 0; k < mem.nr; k++)
			if (mem.word[k].at == align_down(at.a + i, 8))
				word = mem.word[k].v;
		((uint8_t *)dst)[i] = (uint8_t)(word >> 8 * ((at.a + i) % 8));
	}
	return true;
}

static UNUSED const struct mmu_memory memory = { .read = mem_read };

static UNUSED void mem_reset(void)
{
	memset(&mem, 0, sizeof(mem));
	mem.end = 1ULL << 56;
}

/* Later ones win. */
static UNUSED void put64(uint64_t at, uint64_t v)
{
	EXPECT(mem.nr < ARRAY_SIZE(mem.word) && at % 8 == 0);
	mem.word[mem.nr].at = at;
	mem.word[mem.nr++].v = mem.big_endian ? __builtin_bswap64(v) : v;
}

static UNUSED void put32(uint64_t at, uint32_t v)
{
	uint64_t word = 0;

	(void)mem_read(NULL, gpa(align_down(at, 8)), &word, 8);
	word = le64toh(word);
	word &= ~(0xffffffffULL << 8 * (at % 8));
	word |= (uint64_t)(mem.big_endian ? __builtin_bswap32(v) : v) << 8 * (at % 8);
	EXPECT(mem.nr < ARRAY_SIZE(mem.word));
	mem.word[mem.nr].at = align_down(at, 8);
	mem.word[mem.nr++].v = word;
}

/* --- registers ---------------------------------------------------------------------------------
 */

enum {
	G4K = 12,
	G16K = 14,
	G64K = 16,
};

#define TABLE	   3ULL
#define PAGE	   3ULL
#define BLOCK	   1ULL
#define AF	   (1ULL << 10)
#define DBM	   (1ULL << 51)
#define CONTIGUOUS (1ULL << 52)
#define PXN	   (1ULL << 53)
#define UXN	   (1ULL << 54)
#define AP(ap)	   ((uint64_t)(ap) << 6) /* AP[2:1] */
#define SH(sh)	   ((uint64_t)(sh) << 8)
#define INDEX(i)   ((uint64_t)(i) << 2)

#define DS     (1ULL << 59)
#define HA     (1ULL << 39)
#define HD     (1ULL << 40)
#define IPS(n) ((uint64_t)(n) << 32)

#define TTBR0 0x40000000ULL
#define TTBR1 0x48000000ULL

/* ID_AA64MMFR0 to 3 of a CPU of Armv8.0 with all granules, and of one with everything. */
static UNUSED const uint64_t armv80[4] = { 0x00100005 };
static UNUSED const uint64_t newest[4] = { 0x10200006, 0x0000000000301002, 0x1000000010010000,
					   0x00010111 };

static UNUSED uint64_t tcr_of(unsigned granule, unsigned txsz)
{
	static const uint8_t tg0[] = { [G4K] = 0, [G16K] = 2, [G64K] = 1 };
	static const uint8_t tg1[] = { [G4K] = 2, [G16K] = 1, [G64K] = 3 };

	return IPS(5) | txsz | txsz << 16 | (uint64_t)tg0[granule] << 14 |
	       (uint64_t)tg1[granule] << 30;
}

static UNUSED struct mmu_regs regs(unsigned granule, unsigned txsz, const uint64_t mmfr[4])
{
	struct mmu_regs r = {
		.sctlr = 1,
		.tcr = tcr_of(granule, txsz),
		.ttbr0 = TTBR0,
		.ttbr1 = TTBR1,
		.mair = 0x00f0bb444c0c04ff,
	};

	memcpy(r.mmfr, mmfr, sizeof(r.mmfr));
	return r;
}

static UNUSED void walk(const struct mmu_regs *r, uint64_t va, struct mmu_walk *w)
{
	mmu_walk(r, &memory, va, FAULT_READ, true, w);
}

static const char *result(const struct mmu_walk *w)
{
	static char buf[128];

	mmu_result_text(w, buf, sizeof(buf));
	return buf;
}

static const char *regime(const struct mmu_walk *w)
{
	static char buf[96];

	mmu_regime_text(w, buf, sizeof(buf));
	return buf;
}

static const char *step(const struct mmu_regs *r, const struct mmu_walk *w, unsigned i)
{
	static char buf[96];

	mmu_step_text(r, w, i, buf, sizeof(buf));
	return buf;
}

static UNUSED int first_level(unsigned granule, unsigned txsz)
{
	switch (granule) {
	case G4K:
		return txsz < 16 ? -1 : txsz < 25 ? 0 : txsz < 34 ? 1 : txsz < 43 ? 2 : 3;
	case G16K:
		return txsz < 17 ? 0 : txsz < 28 ? 1 : txsz < 39 ? 2 : 3;
	default:
		return txsz < 22 ? 1 : txsz < 35 ? 2 : 3;
	}
}

/* Tables for VA 0 with 4K pages and 48 bits, leaf at level 3. */
static UNUSED const uint64_t chain[] = { TTBR0, 0x50000000, 0x50001000, 0x50002000 };

static UNUSED void put_chain(uint64_t leaf)
{
	mem_reset();
	for (unsigned i = 0; i < 3; i++)
		put64(chain[i], chain[i + 1] | TABLE);
	put64(chain[3], leaf);
}

enum { R = MMU_R, W = MMU_W, X = MMU_X };

#endif
