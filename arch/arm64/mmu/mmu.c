/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/mmu/mmu_parts.h"

#include "arch/arm64/mmu/esr.h"

#include <endian.h>

#define TTBCR_EAE  31
#define PAGE_SHIFT 12 /* of the smallest page there is */

bool mmu_read_step(const struct mmu_memory *m, struct mmu_walk *w, int level, uint64_t at,
		   unsigned size)
{
	struct mmu_step *s = &w->step[w->nr_steps++];
	uint64_t d8 = 0;
	uint32_t d4 = 0;
	bool read;

	assert(w->nr_steps <= MMU_MAX_STEPS && (size == 4 || size == 8));
	*s = (struct mmu_step){ .level = level, .at = at };
	read = size == 8 ? m->read(m->ctx, gpa(at), &d8, 8) : m->read(m->ctx, gpa(at), &d4, 4);
	if (!read) {
		s->kind = MMU_UNREAD;
		mmu_end(w, MMU_EXTERNAL_ABORT, MMU_WHY_PLAIN, level);
		return false;
	}
	if (w->regime.big_endian)
		s->descriptor = size == 8 ? be64toh(d8) : be32toh(d4);
	else
		s->descriptor = size == 8 ? le64toh(d8) : le32toh(d4);
	s->kind = MMU_INVALID;
	return true;
}

static bool pan_forbids(const struct mmu_regs *r, const struct mmu_walk *w)
{
	bool epan = !r->aarch32 && mmu64_feature(r, 1, 20) >= 3 &&
		    (w->regime.pie || bit(r->sctlr, SCTLR_EPAN));

	return r->pan && w->privileged && w->access != FAULT_FETCH &&
	       (w->el0 & (MMU_R | MMU_W) || (epan && w->el0 & MMU_X));
}

void mmu_check_permission(const struct mmu_regs *r, struct mmu_walk *w)
{
	static const uint8_t needs[FAULT_ACCESS_COUNT] = {
		[FAULT_READ] = MMU_R,
		[FAULT_WRITE] = MMU_W,
		[FAULT_READ_WRITE] = MMU_R | MMU_W,
		[FAULT_FETCH] = MMU_X,
	};
	unsigned has = w->privileged ? w->el1 : w->el0;

	if (pan_forbids(r, w))
		mmu_end(w, MMU_PERMISSION_FAULT, MMU_WHY_PAN, w->level);
	else if (needs[w->access] & ~has)
		mmu_end(w, MMU_PERMISSION_FAULT, MMU_WHY_PLAIN, w->level);
}

/* MMU off: addresses stay as they are, but must not be too large (D8.2). */
static void walk_off(const struct mmu_regs *r, struct mmu_walk *w)
{
	struct mmu_regime *g = &w->regime;
	bool tbi = !g->aarch32 && mmu64_top_byte_ignored(r, w);

	g->oa_bits = g->aarch32 ? 32 : mmu64_pa_bits(r);
	g->tagged = tbi && field(w->va, 56, 8);
	w->pa = tbi ? field(w->va, 0, 56) : w->va;
	if (w->pa >> g->oa_bits) {
		mmu_end(w, MMU_ADDRESS_SIZE_FAULT, MMU_WHY_OUTPUT, 0);
		w->pa = 0;
		return;
	}
	w->mapped = true;
	w->memory = w->access != FAULT_FETCH ? MEMORY_DEVICE_NGNRNE
		    : bit(r->sctlr, SCTLR_I) ? MEMORY_NORMAL_WT
					     : MEMORY_NORMAL_NC;
	w->sh = 2;
	w->el0 = w->el1 = MMU_R | MMU_W | MMU_X;
}

static void walk_tables(const struct mmu_regs *r, const struct mmu_memory *m, uint64_t va,
			struct mmu_walk *w)
{
	struct mmu_regime *g = &w->regime;

	g->aarch32 = r->aarch32;
	g->upper = !r->aarch32 && bit(va, 55);
	if (!bit(r->sctlr, SCTLR_M)) {
		walk_off(r, w);
		return;
	}
	g->big_endian = bit(r->sctlr, SCTLR_EE);
	if (r->aarch32 && !bit(r->tcr, TTBCR_EAE)) {
		g->format = MMU_SHORT;
		mmu32_walk_short(r, m, w);
		return;
	}
	g->format = MMU_LONG;
	if (r->aarch32) {
		if (mmu32_long_regime(r, w)) {
			mmu_first_table(g, g->upper ? r->ttbr1 : r->ttbr0);
			if (g->table >> g->oa_bits)
				mmu_end(w, MMU_ADDRESS_SIZE_FAULT, MMU_WHY_TTBR, 0);
			else
				mmu_walk_long(r, m, w);
		}
	} else if (mmu64_regime(r, w)) {
		mmu_walk_long(r, m, w);
	}
}

/* The walk that went to the same page for the same purpose, or NULL. */
static const struct mmu_walk *find_recent(const struct mmu_recent *c, const struct mmu_walk *w)
{
	for (unsigned i = 0; i < MMU_RECENT && i < c->nr; i++) {
		const struct mmu_walk *k = &c->walk[i];

		if (k->va >> PAGE_SHIFT == w->va >> PAGE_SHIFT && k->access == w->access &&
		    k->privileged == w->privileged)
			return k;
	}
	return NULL;
}

void mmu_walk(const struct mmu_regs *r, const struct mmu_memory *m, uint64_t va,
	      enum fault_access access, bool privileged, struct mmu_walk *w)
{
	struct mmu_recent *c = m->recent;
	const struct mmu_walk *known;

	assert(access < FAULT_ACCESS_COUNT);
	*w = (struct mmu_walk){ .va = r->aarch32 ? (uint32_t)va : va,
				.access = access,
				.privileged = privileged };
	known = c ? find_recent(c, w) : NULL;
	if (known) {
		const uint64_t moved = w->va ^ known->va; /* within the page */

		*w = *known;
		w->va ^= moved;
		w->pa ^= moved;
		return;
	}
	walk_tables(r, m, va, w);
	if (c && w->mapped)
		c->walk[c->nr++ % MMU_RECENT] = *w;
}

size_t mmu_read_va(const struct mmu_regs *r, const struct mmu_memory *m, uint64_t va, void *dst,
		   size_t len)
{
	const uint64_t page = 4 * KiB;
	size_t done = 0;

	while (done < len) {
		size_t n = (size_t)(page - (va & (page - 1)));
		struct mmu_walk w;

		if (n > len - done)
			n = len - done;
		mmu_walk(r, m, va, FAULT_READ, true, &w);
		if (!w.mapped || !m->read(m->ctx, gpa(w.pa), (uint8_t *)dst + done, n))
			break;
		done += n;
		va += n;
		if (va == 0 || (r->aarch32 && va >> 32))
			break; /* the end of the address space */
	}
	return done;
}

unsigned mmu_fsc(const struct mmu_walk *w)
{
	switch (w->fault) {
	case MMU_TRANSLATION_FAULT:
		return esr_fsc(ESR_FSC_TRANSLATION, w->level);
	case MMU_ADDRESS_SIZE_FAULT:
		return esr_fsc(ESR_FSC_ADDRESS_SIZE, w->level);
	case MMU_ACCESS_FLAG_FAULT:
		return esr_fsc(ESR_FSC_ACCESS_FLAG, w->level);
	case MMU_PERMISSION_FAULT:
		return esr_fsc(ESR_FSC_PERMISSION, w->level);
	case MMU_EXTERNAL_ABORT:
		return esr_fsc(ESR_FSC_EXTERNAL_WALK, w->level);
	case MMU_DOMAIN_FAULT:
		return ESR_FSC_DOMAIN + (unsigned)w->level;
	case MMU_NO_FAULT:
		break;
	}
	return ESR_FSC_EXTERNAL;
}
