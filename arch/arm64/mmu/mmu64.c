/* SPDX-License-Identifier: Apache-2.0 */
/* The regime of a 64-bit EL1: which table, how many bits, which options. Arm ARM, D8.2. */
#include "arch/arm64/mmu/mmu_parts.h"

#include "vmm/base/checked.h"

/* TCR_EL1; where there are two of a kind, TTBR1's is one above TTBR0's unless said. */
#define TCR_T0SZ 0
#define TCR_EPD0 7
#define TCR_TG0	 14
#define TCR_T1SZ 16
#define TCR_EPD1 23
#define TCR_TG1	 30
#define TCR_IPS	 32
#define TCR_TBI	 37
#define TCR_HA	 39
#define TCR_HD	 40
#define TCR_HPD	 41
#define TCR_TBID 51
#define TCR_E0PD 55
#define TCR_DS	 59

/* TCR2_EL1 */
#define TCR2_PIE   1
#define TCR2_E0POE 2 /* two bits with POE */

#define MAX_PA_BITS 52 /* more need 128-bit descriptors */

/* --- what the CPU can do: fields of ID_AA64MMFR0_EL1 and its kin --------------------------------
 */

unsigned mmu64_feature(const struct mmu_regs *r, unsigned reg, unsigned low)
{
	return (unsigned)field(r->mmfr[reg], low, 4);
}

/* PARange and TCR_EL1.IPS. */
static unsigned address_bits(unsigned code)
{
	static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48 };

	return code < ARRAY_SIZE(bits) ? bits[code] : MAX_PA_BITS;
}

unsigned mmu64_pa_bits(const struct mmu_regs *r)
{
	return address_bits(mmu64_feature(r, 0, 0));
}

static bool has_granule(const struct mmu_regs *r, unsigned granule)
{
	switch (granule) {
	case 12:
		return mmu64_feature(r, 0, 28) != 0xf;
	case 14:
		return mmu64_feature(r, 0, 20) != 0;
	case 16:
		return mmu64_feature(r, 0, 24) != 0xf;
	default:
		return false;
	}
}

/* Whether TCR_EL1.DS means something for this granule. */
static bool has_lpa2(const struct mmu_regs *r, unsigned granule)
{
	if (granule == 12)
		return mmu64_feature(r, 0, 28) == 1;
	return granule == 14 && mmu64_feature(r, 0, 20) == 2;
}

/* --- the AArch64 regime --------------------------------------------------------------------------
 */

static unsigned granule_of(const struct mmu_regs *r, bool upper)
{
	static const uint8_t tg0[] = { 12, 16, 14, 0 }, tg1[] = { 0, 14, 12, 16 };
	unsigned granule = upper ? tg1[field(r->tcr, TCR_TG1, 2)] : tg0[field(r->tcr, TCR_TG0, 2)];

	if (has_granule(r, granule))
		return granule;
	for (granule = 12; granule < 16 && !has_granule(r, granule);)
		granule += 2;
	return granule;
}

/* Bits of an input address by TxSZ; 0 when that is out of range. */
static unsigned input_bits(const struct mmu_regs *r, bool upper, unsigned granule)
{
	unsigned txsz = (unsigned)field(r->tcr, upper ? TCR_T1SZ : TCR_T0SZ, 6);
	bool small = mmu64_feature(r, 2, 28) != 0;		  /* TTST */
	bool large = granule == 16 ? mmu64_feature(r, 2, 16) != 0 /* LVA */
				   : has_lpa2(r, granule) && bit(r->tcr, TCR_DS);
	unsigned most = !small ? 39 : granule == 16 ? 47 : 48;

	return txsz < (large ? 12 : 16) || txsz > most ? 0 : 64 - txsz;
}

bool mmu64_top_byte_ignored(const struct mmu_regs *r, const struct mmu_walk *w)
{
	unsigned half = w->regime.upper;

	return bit(r->tcr, TCR_TBI + half) &&
	       !(w->access == FAULT_FETCH && bit(r->tcr, TCR_TBID + half));
}

static void output_size(const struct mmu_regs *r, struct mmu_regime *g)
{
	unsigned ips = address_bits((unsigned)field(r->tcr, TCR_IPS, 3));

	g->lpa2 = has_lpa2(r, g->granule) && bit(r->tcr, TCR_DS);
	g->block_1 = g->granule == 16 && mmu64_pa_bits(r) == MAX_PA_BITS;
	g->wide = g->lpa2 || (g->block_1 && ips == MAX_PA_BITS);
	g->oa_bits = ips < mmu64_pa_bits(r) ? ips : mmu64_pa_bits(r);
	if (!g->wide && g->oa_bits > 48)
		g->oa_bits = 48;
}

static void options(const struct mmu_regs *r, struct mmu_regime *g)
{
	unsigned dirty = mmu64_feature(r, 1, 0); /* HAFDBS */
	bool poe = mmu64_feature(r, 3, 16) && field(r->tcr2, TCR2_E0POE, 2);

	g->pie = mmu64_feature(r, 3, 8) && bit(r->tcr2, TCR2_PIE);
	g->hpd = (mmu64_feature(r, 1, 12) && bit(r->tcr, TCR_HPD + g->upper)) || g->pie || poe;
	g->ha = dirty >= 1 && bit(r->tcr, TCR_HA);
	g->hd = dirty >= 2 && g->ha && bit(r->tcr, TCR_HD);
}

/* Whether the bits from @ia_bits to @top - 1, which translation does not look at, are plain. */
static bool in_range(const struct mmu_walk *w, unsigned top)
{
	unsigned nr = top - w->regime.ia_bits;
	uint64_t all = (UINT64_C(1) << nr) - 1;

	return field(w->va, w->regime.ia_bits, nr) == (w->regime.upper ? all : 0);
}

/* False when the walk ends before its first step. All faults here count as level 0 (D8.2). */
bool mmu64_regime(const struct mmu_regs *r, struct mmu_walk *w)
{
	struct mmu_regime *g = &w->regime;
	bool tbi = mmu64_top_byte_ignored(r, w);
	unsigned top = tbi ? 56 : 64;

	g->tagged = tbi && field(w->va, 56, 8) != (g->upper ? 0xff : 0);
	g->granule = granule_of(r, g->upper);
	g->ia_bits = input_bits(r, g->upper, g->granule);
	options(r, g);
	output_size(r, g);
	if (g->ia_bits == 0) {
		mmu_end(w, MMU_TRANSLATION_FAULT, MMU_WHY_TXSZ, 0);
		return false;
	}
	mmu_first_table(g, g->upper ? r->ttbr1 : r->ttbr0);
	if (!in_range(w, top))
		mmu_end(w, MMU_TRANSLATION_FAULT, MMU_WHY_RANGE, 0);
	else if (bit(r->tcr, g->upper ? TCR_EPD1 : TCR_EPD0))
		mmu_end(w, MMU_TRANSLATION_FAULT, MMU_WHY_EPD, 0);
	else if (!w->privileged && mmu64_feature(r, 2, 60) && bit(r->tcr, TCR_E0PD + g->upper))
		mmu_end(w, MMU_TRANSLATION_FAULT, MMU_WHY_E0PD, 0);
	else if (g->table >> g->oa_bits)
		mmu_end(w, MMU_ADDRESS_SIZE_FAULT, MMU_WHY_TTBR, 0);
	return w->fault == MMU_NO_FAULT;
}

unsigned mmu_va_bits(const struct mmu_regs *r, uint64_t va)
{
	bool upper = bit(va, 55);

	return r->aarch32 ? 32 : input_bits(r, upper, granule_of(r, upper));
}
