/* SPDX-License-Identifier: Apache-2.0 */
/* The regimes of a 32-bit EL1: which table, and short descriptors. Arm ARM, chapter G5. */
#include "arch/arm64/mmu/mmu_parts.h"

/* TTBCR, and TTBCR2 above it. */
#define TTBCR_N	    0
#define TTBCR_T0SZ  0
#define TTBCR_PD0   4
#define TTBCR_T2E   6
#define TTBCR_EPD0  7
#define TTBCR_T1SZ  16
#define TTBCR_EPD1  23
#define TTBCR2_HPD0 41

/* --- long descriptors (G5.5) ---------------------------------------------------------------------
 */

/* All faults here count as level 1. */
bool mmu32_long_regime(const struct mmu_regs *r, struct mmu_walk *w)
{
	struct mmu_regime *g = &w->regime;
	unsigned t0sz = (unsigned)field(r->tcr, TTBCR_T0SZ, 3);
	unsigned t1sz = (unsigned)field(r->tcr, TTBCR_T1SZ, 3);
	bool low = (w->va & ~(UINT64_C(0xffffffff) >> t0sz)) == 0;

	/* TTBR1 has the top of the space as T1SZ bounds it, or all that T0SZ leaves. */
	g->upper = t1sz ? w->va >= ~(UINT32_MAX >> t1sz) : !low;
	g->granule = 12;
	g->ia_bits = 32 - (g->upper ? t1sz : t0sz);
	g->oa_bits = 40;
	g->hpd = bit(r->tcr, TTBCR_T2E) && bit(r->tcr, TTBCR2_HPD0 + g->upper);
	if (!g->upper && !low)
		mmu_end(w, MMU_TRANSLATION_FAULT, MMU_WHY_RANGE, 1);
	else if (bit(r->tcr, g->upper ? TTBCR_EPD1 : TTBCR_EPD0))
		mmu_end(w, MMU_TRANSLATION_FAULT, MMU_WHY_EPD, 1);
	return w->fault == MMU_NO_FAULT;
}

void mmu32_execute(const struct mmu_regs *r, struct mmu_walk *w, bool xn, bool pxn)
{
	bool wxn = bit(r->sctlr, SCTLR_WXN), uwxn = bit(r->sctlr, SCTLR_UWXN);
	bool xn0 = xn || !(w->el0 & MMU_R) || (wxn && w->el0 & MMU_W);
	bool xn1 = xn || pxn || !(w->el1 & MMU_R) || (wxn && w->el1 & MMU_W) ||
		   (uwxn && w->el0 & MMU_W);

	w->el0 |= xn0 ? 0 : MMU_X;
	w->el1 |= xn1 ? 0 : MMU_X;
}

/* --- short descriptors (G5.4) --------------------------------------------------------------------
 */

/* TEX, C and B when SCTLR.TRE is 0. */
static uint8_t memory_of_tex(unsigned tex, unsigned cb)
{
	/* Non-cacheable; Write-Back allocating; Write-Through; Write-Back: in MAIR's encoding */
	static const uint8_t cache[] = { 4, 0xf, 0xa, 0xe };
	static const uint8_t plain[3][4] = {
		{ MEMORY_DEVICE_NGNRNE, MEMORY_DEVICE_NGNRE, 0xaa, 0xee },
		{ MEMORY_NORMAL_NC, MEMORY_RESERVED, MEMORY_RESERVED, 0xff },
		{ MEMORY_DEVICE_NGNRE, MEMORY_RESERVED, MEMORY_RESERVED, MEMORY_RESERVED },
	};

	if (tex >= 4)
		return (uint8_t)(cache[tex & 3] << 4 | cache[cb]);
	return tex < 3 ? plain[tex][cb] : MEMORY_RESERVED;
}

/* And when it is 1: three bits choose from PRRR and NMRR. */
static uint8_t memory_remapped(const struct mmu_regs *r, unsigned n)
{
	static const uint8_t cache[] = { 4, 0xf, 0xa, 0xe };
	uint32_t prrr = (uint32_t)r->mair, nmrr = (uint32_t)(r->mair >> 32);

	switch (field(prrr, n * 2, 2)) {
	case 0:
		return MEMORY_DEVICE_NGNRNE;
	case 1:
		return MEMORY_DEVICE_NGNRE;
	case 2:
		return (uint8_t)(cache[field(nmrr, 16 + n * 2, 2)] << 4 |
				 cache[field(nmrr, n * 2, 2)]);
	default:
		return MEMORY_RESERVED;
	}
}

static void set_memory(const struct mmu_regs *r, struct mmu32_leaf *l, unsigned tex, unsigned cb)
{
	unsigned n = (tex & 1) << 2 | cb;
	uint32_t prrr = (uint32_t)r->mair;

	if (!bit(r->sctlr, SCTLR_TRE)) {
		l->memory = memory_of_tex(tex, cb);
		l->sh = l->s ? 3 : 0;
		return;
	}
	l->memory = memory_remapped(r, n);
	if (bit(prrr, l->s ? 19 : 18)) /* NS1, NS0: what S means for Normal memory */
		l->sh = bit(prrr, 24 + n) ? 3 : 2;
}

struct mmu32_leaf mmu32_leaf(const struct mmu_regs *r, enum mmu_kind kind, uint32_t d)
{
	bool section = kind == MMU_SECTION || kind == MMU_SUPERSECTION;
	unsigned ap_at = section ? 10 : 4;
	struct mmu32_leaf l = {
		.ap = (unsigned)(field(d, section ? 15 : 9, 1) << 2 | field(d, ap_at, 2)),
		.pxn = section && bit(d, 0),
		.xn = bit(d, section		      ? 4
			     : kind == MMU_LARGE_PAGE ? 15
						      : 0),
		.ng = bit(d, section ? 17 : 11),
		.s = bit(d, section ? 16 : 10),
	};

	set_memory(r, &l, (unsigned)field(d, kind == MMU_SMALL_PAGE ? 6 : 12, 3),
		   (unsigned)field(d, 2, 2));
	return l;
}

void mmu32_ap(const struct mmu_regs *r, unsigned ap, unsigned *el0, unsigned *el1)
{
	static const uint8_t rights[8][2] = {
		{ 0, 0 },
		{ 0, MMU_R | MMU_W },
		{ MMU_R, MMU_R | MMU_W },
		{ MMU_R | MMU_W, MMU_R | MMU_W },
		{ 0, 0 }, /* reserved */
		{ 0, MMU_R },
		{ MMU_R, MMU_R },
		{ MMU_R, MMU_R },
	};

	if (bit(r->sctlr, SCTLR_AFE)) {
		mmu_ap(ap >> 1, el0, el1);
		return;
	}
	*el0 = rights[ap][0];
	*el1 = rights[ap][1];
}

static enum mmu_kind kind_at(int level, uint32_t d)
{
	unsigned type = d & 3;

	if (type == 0)
		return MMU_INVALID;
	if (level == 2)
		return type == 1 ? MMU_LARGE_PAGE : MMU_SMALL_PAGE;
	if (type == 1)
		return MMU_TABLE;
	return bit(d, 18) ? MMU_SUPERSECTION : MMU_SECTION;
}

static void map(const struct mmu_regs *r, struct mmu_walk *w, struct mmu_step *s, bool table_pxn)
{
	static const uint64_t sizes[] = {
		[MMU_SECTION] = MiB,
		[MMU_SUPERSECTION] = 16 * MiB,
		[MMU_LARGE_PAGE] = 64 * KiB,
		[MMU_SMALL_PAGE] = 4 * KiB,
	};
	uint32_t d = (uint32_t)s->descriptor;
	struct mmu32_leaf l = mmu32_leaf(r, s->kind, d);
	unsigned access;

	s->size = sizes[s->kind];
	if (s->kind == MMU_SUPERSECTION) {
		w->pa = field(d, 20, 4) << 32 | field(d, 5, 4) << 36;
		w->domain = 0;
	}
	w->pa |= (d & ~(s->size - 1)) | (w->va & (s->size - 1));
	w->mapped = true;
	w->level = s->level;
	w->memory = l.memory;
	w->sh = l.sh;
	mmu32_ap(r, l.ap, &w->el0, &w->el1);
	mmu32_execute(r, w, l.xn, l.pxn || table_pxn);

	access = domain_access(r, w->domain);
	if (bit(r->sctlr, SCTLR_AFE) && !(l.ap & 1)) {
		mmu_end(w, MMU_ACCESS_FLAG_FAULT, MMU_WHY_PLAIN, s->level);
	} else if (access == DOMAIN_NONE || access == DOMAIN_RESERVED) {
		mmu_end(w, MMU_DOMAIN_FAULT, MMU_WHY_PLAIN, s->level);
	} else if (access == DOMAIN_MANAGER) {
		w->el0 = w->el1 = MMU_R | MMU_W | MMU_X; /* permissions are not checked */
	} else {
		mmu_check_permission(r, w);
	}
}

void mmu32_walk_short(const struct mmu_regs *r, const struct mmu_memory *m, struct mmu_walk *w)
{
	struct mmu_regime *g = &w->regime;
	unsigned n = (unsigned)field(r->tcr, TTBCR_N, 3);
	uint32_t va = (uint32_t)w->va, table;
	bool pxn = false;

	g->upper = n > 0 && va >> (32 - n);
	g->ia_bits = g->upper ? 32 : 32 - n;
	g->oa_bits = 40;
	g->level = 1;
	g->table = g->upper ? (uint32_t)r->ttbr1 & ~UINT32_C(0x3fff)
			    : (uint32_t)r->ttbr0 & ~(UINT32_C(0x3fff) >> n);
	if (bit(r->tcr, TTBCR_PD0 + g->upper)) {
		mmu_end(w, MMU_TRANSLATION_FAULT, MMU_WHY_EPD, 1);
		return;
	}
	table = (uint32_t)g->table + 4 * (uint32_t)field(va, 20, g->ia_bits - 20);
	for (int level = 1; level <= 2; level++) {
		struct mmu_step *s = &w->step[w->nr_steps];
		uint32_t d;

		if (!mmu_read_step(m, w, level, table, 4))
			return;
		d = (uint32_t)s->descriptor;
		s->kind = kind_at(level, d);
		if (s->kind == MMU_INVALID) {
			mmu_end(w, MMU_TRANSLATION_FAULT, MMU_WHY_PLAIN, level);
			return;
		}
		if (level == 1)
			w->domain = (uint8_t)field(d, 5, 4);
		if (s->kind != MMU_TABLE) {
			map(r, w, s, pxn);
			return;
		}
		pxn = bit(d, 2);
		table = (d & ~UINT32_C(0x3ff)) + 4 * (uint32_t)field(va, 12, 8);
	}
}
