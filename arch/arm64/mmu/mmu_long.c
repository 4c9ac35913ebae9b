/* SPDX-License-Identifier: Apache-2.0 */
/* Long descriptors, of both kinds of EL1, and the permissions they give. Arm ARM, D8.3 to D8.6. */
#include "arch/arm64/mmu/mmu_parts.h"

#include "vmm/base/checked.h"

/* --- permissions (D8.4) --------------------------------------------------------------------------
 */

/* What the tables on the way take away. */
struct hierarchy {
	bool no_el0, read_only, pxn, uxn;
};

void mmu_ap(unsigned ap, unsigned *el0, unsigned *el1)
{
	*el1 = ap & 2 ? MMU_R : MMU_R | MMU_W;
	*el0 = ap & 1 ? *el1 : 0;
}

static void direct_permissions(const struct mmu_regs *r, struct mmu_walk *w, uint64_t d,
			       const struct hierarchy *h)
{
	const struct mmu_regime *g = &w->regime;
	bool pxn = bit(d, DESC_PXN) || h->pxn, uxn = bit(d, DESC_UXN) || h->uxn;
	bool wxn = bit(r->sctlr, SCTLR_WXN);
	unsigned ap = (unsigned)field(d, 6, 2);

	if (g->hd && bit(d, DESC_DBM))
		ap &= 1; /* a write makes it writable */
	mmu_ap(ap, &w->el0, &w->el1);
	if (h->no_el0)
		w->el0 = 0;
	if (h->read_only) {
		w->el0 &= MMU_R;
		w->el1 &= MMU_R;
	}
	if (g->aarch32) {
		mmu32_execute(r, w, uxn, pxn);
		return;
	}
	if (!pxn && !(w->el0 & MMU_W) && !(wxn && w->el1 & MMU_W))
		w->el1 |= MMU_X;
	if (!uxn && !(wxn && w->el0 & MMU_W))
		w->el0 |= MMU_X;
}

/* What the field of PIR_EL1 or PIRE0_EL1 for @index permits. */
static unsigned indirect(uint64_t pir, unsigned index)
{
	static const uint8_t base[16] = {
		[1] = MMU_R,
		[2] = MMU_X,
		[3] = MMU_R | MMU_X,
		[5] = MMU_R | MMU_W,
		[6] = MMU_R | MMU_W | MMU_X,
		[7] = MMU_R | MMU_W | MMU_X,
		[8] = MMU_R,
		[9] = MMU_R, /* a guarded control stack */
		[10] = MMU_R | MMU_X,
		[12] = MMU_R | MMU_W,
		[14] = MMU_R | MMU_W | MMU_X,
	};

	return base[field(pir, index * 4, 4)];
}

/* One of the fields has a WXN built in. */
static bool indirect_wxn(uint64_t pir, unsigned index)
{
	return field(pir, index * 4, 4) == 6;
}

static void indirect_permissions(const struct mmu_regs *r, struct mmu_walk *w, uint64_t d)
{
	unsigned index = mmu_pi_index(d);

	w->el1 = indirect(r->pir, index);
	w->el0 = indirect(r->pire0, index);
	if (w->el1 & MMU_X && w->el0 & MMU_W)
		w->el0 = w->el1 = 0; /* EL1 never executes what EL0 can write */
	if (indirect_wxn(r->pir, index))
		w->el1 &= ~(unsigned)MMU_X;
	if (indirect_wxn(r->pire0, index))
		w->el0 &= ~(unsigned)MMU_X;
}

/* --- descriptors (D8.3) --------------------------------------------------------------------------
 */

/* Where the first table is: at a multiple of its size, and of 64 where addresses are wide. */
void mmu_first_table(struct mmu_regime *g, uint64_t ttbr)
{
	unsigned stride = g->granule - 3, below;

	g->level = 3 - (int)((g->ia_bits - 1 - g->granule) / stride);
	below = g->granule + (unsigned)(3 - g->level) * stride;
	g->table = align_down(field(ttbr, 0, 48), UINT64_C(8) << (g->ia_bits - below));
	if (g->wide)
		g->table = align_down(g->table, 64) | field(ttbr, 2, 4) << 48;
}

static bool block_allowed(const struct mmu_regime *g, int level)
{
	switch (g->granule) {
	case 12:
		return level == 2 || level == 1 || (level == 0 && g->lpa2);
	case 14:
		return level == 2 || (level == 1 && g->lpa2);
	default:
		return level == 2 || (level == 1 && g->block_1);
	}
}

static enum mmu_kind kind_of(const struct mmu_regime *g, int level, uint64_t d)
{
	if (!bit(d, 0))
		return MMU_INVALID;
	if (bit(d, 1))
		return level == 3 ? MMU_PAGE : MMU_TABLE;
	return level < 3 && block_allowed(g, level) ? MMU_BLOCK : MMU_RESERVED;
}

static uint64_t address_in(const struct mmu_regime *g, uint64_t d)
{
	uint64_t address = align_down(field(d, 0, g->lpa2 ? 50 : 48), UINT64_C(1) << g->granule);

	if (g->lpa2)
		address |= field(d, 8, 2) << 50;
	else if (g->wide)
		address |= field(d, 12, 4) << 48;
	return address;
}

/* Bytes of the run that the contiguous bit makes of blocks or pages of this level; 0: none. */
static uint64_t run_size(const struct mmu_regime *g, int level, uint64_t size)
{
	if (level < (g->granule == 12 ? 1 : 2))
		return 0;
	switch (g->granule) {
	case 12:
		return size << 4;
	case 14:
		return size << (level == 3 ? 7 : 5);
	default:
		return size << 5;
	}
}

static void map(const struct mmu_regs *r, struct mmu_walk *w, const struct mmu_step *s,
		uint64_t address, const struct hierarchy *h)
{
	const struct mmu_regime *g = &w->regime;
	uint64_t d = s->descriptor;

	w->mapped = true;
	w->level = s->level;
	w->pa = align_down(address, s->size) | (w->va & (s->size - 1));
	if (bit(d, DESC_CONTIGUOUS))
		w->run_size = run_size(g, s->level, s->size);
	w->memory = (uint8_t)field(r->mair, (unsigned)field(d, 2, 3) * 8, 8);
	w->sh = (uint8_t)(g->lpa2 ? field(r->tcr, g->upper ? TCR_SH1 : TCR_SH0, 2)
				  : field(d, 8, 2));
	if (g->pie)
		indirect_permissions(r, w, d);
	else
		direct_permissions(r, w, d, h);

	if (!bit(d, DESC_AF) && !g->ha) {
		mmu_end(w, MMU_ACCESS_FLAG_FAULT, MMU_WHY_PLAIN, s->level);
		return;
	}
	mmu_check_permission(r, w);
	/* With indirect permissions AP[2] says that the page is clean. */
	if (w->fault == MMU_NO_FAULT && g->pie && bit(d, 7) && !g->hd &&
	    (w->access == FAULT_WRITE || w->access == FAULT_READ_WRITE))
		mmu_end(w, MMU_PERMISSION_FAULT, MMU_WHY_CLEAN, s->level);
}

void mmu_walk_long(const struct mmu_regs *r, const struct mmu_memory *m, struct mmu_walk *w)
{
	const struct mmu_regime *g = &w->regime;
	unsigned stride = g->granule - 3, top = g->ia_bits;
	uint64_t table = g->table, address;
	struct hierarchy h = { 0 };

	for (int level = g->level; level <= 3; level++) {
		unsigned low = g->granule + (unsigned)(3 - level) * stride;
		struct mmu_step *s = &w->step[w->nr_steps];

		if (!mmu_read_step(m, w, level, table + 8 * field(w->va, low, top - low), 8))
			return;
		s->kind = kind_of(g, level, s->descriptor);
		if (s->kind == MMU_INVALID || s->kind == MMU_RESERVED) {
			mmu_end(w, MMU_TRANSLATION_FAULT, MMU_WHY_PLAIN, level);
			return;
		}
		if (s->kind != MMU_TABLE)
			s->size = UINT64_C(1) << low;
		address = address_in(g, s->descriptor);
		if (address >> g->oa_bits) {
			mmu_end(w, MMU_ADDRESS_SIZE_FAULT, MMU_WHY_PLAIN, level);
			return;
		}
		if (s->kind != MMU_TABLE) {
			map(r, w, s, address, &h);
			return;
		}
		if (!g->hpd) {
			h.no_el0 |= bit(s->descriptor, DESC_APTABLE);
			h.read_only |= bit(s->descriptor, DESC_APTABLE + 1);
			h.pxn |= bit(s->descriptor, DESC_PXNTABLE);
			h.uxn |= bit(s->descriptor, DESC_UXNTABLE);
		}
		table = address;
		top = low;
	}
}
