/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unreachable: KVM_RUN came back because the host cannot access what lies at the address, and told
 * nothing of it: which access it was is found out from the instruction and the tables.
 */
#include "arch/arm64/fault/capture.h"
#include "arch/arm64/fault/fault_parts.h"
#include "arch/arm64/fault/inject.h"
#include "arch/arm64/mmu/esr.h"
#include "arch/arm64/watch/watch.h"

#include <string.h>

/* How often a vCPU may come back to one place with nothing found wrong there. */
#define PATIENCE 100

/*
 * Nothing is wrong with the access. So its page is watched. Or the guest's tables changed
 * meanwhile, or a TLB held what was there: it tries again. Or the host cannot give the memory: it
 * fails again.
 */
static enum fault_next puzzled(struct vcpu *v, struct view *w, struct bad *b, struct err *e)
{
	struct arch_vcpu *a = fault_cpu(v);
	enum fault_next next;

	if (!b->poisoned && watch_efault(v, w, &next, e))
		return next;
	if (a->puzzle_pc != w->pc)
		a->puzzles = 0;
	a->puzzle_pc = w->pc;
	if (++a->puzzles < PATIENCE)
		return FAULT_RUN;
	a->puzzles = 0;
	b->cause = FAULT_HOST_MEMORY;
	b->has_va = b->has_ipa = false;
	return fault_settle(v, b, e);
}

/* Whether hardware would set the access flag of a descriptor in read-only memory: it cannot. */
static bool walk_writes_rom(const struct view *w, const struct mmu_walk *walk, uint64_t *at)
{
	const struct mmu_step *last = &walk->step[walk->nr_steps ? walk->nr_steps - 1 : 0];
	const struct space_range *r;

	if (!walk->nr_steps || !walk->regime.ha || last->descriptor & 1u << 10)
		return false;
	r = space_at(&w->v->machine->arch->space, last->at);
	*at = last->at;
	return r && r->kind == SPACE_ROM;
}

static bool is_poisoned(const struct bad *b, uint64_t ipa)
{
	return b->poisoned && b->poison >> 12 == ipa >> 12;
}

static bool is_for_registers(const struct space_range *r)
{
	return r && (r->kind == SPACE_DEVICE || r->kind == SPACE_KERNEL);
}

bool fault_wrong_with(struct view *w, uint64_t va, struct bad *b)
{
	const struct space *s = &w->v->machine->arch->space;
	const struct space_range *r;
	struct mmu_walk walk;

	view_walk(w, va, b->access, &walk);
	b->has_va = true;
	b->va = va;
	b->has_ipa = true;
	if (walk.fault == MMU_EXTERNAL_ABORT) {
		b->walk = true;
		b->ipa = walk.step[walk.nr_steps - 1].at;
		b->fsc = mmu_fsc(&walk);
		b->cause = is_poisoned(b, b->ipa)		   ? FAULT_HOST_MEMORY
			   : is_for_registers(space_at(s, b->ipa)) ? FAULT_NOT_FOR_DEVICE
								   : FAULT_NOTHING_THERE;
		return true;
	}
	if (walk_writes_rom(w, &walk, &b->ipa)) {
		b->walk = true;
		b->fsc = esr_fsc(ESR_FSC_EXTERNAL_WALK, walk.level);
		b->cause = FAULT_READ_ONLY;
		return true;
	}
	if (walk.fault)
		return false;
	b->ipa = walk.pa;
	r = space_at(s, walk.pa);
	if (is_poisoned(b, walk.pa))
		b->cause = FAULT_HOST_MEMORY;
	else if (!r || r->kind == SPACE_QUIET)
		b->cause = FAULT_NOTHING_THERE;
	else if (r->kind == SPACE_ROM &&
		 (b->access == FAULT_WRITE || b->access == FAULT_READ_WRITE))
		b->cause = FAULT_READ_ONLY;
	else if (is_for_registers(r))
		b->cause = FAULT_NOT_FOR_DEVICE;
	else
		return false;
	return true;
}

/* Where the instruction does not tell the address, the CPU did. */
static enum fault_next by_far(struct vcpu *v, struct view *w, struct bad *b, struct err *e)
{
	uint64_t far = 0;

	if (v->machine->arch->features.aarch32)
		return puzzled(v, w, b, e); /* KVM has no way to tell */
	if (inject_peek(v, &far, e))
		return FAULT_BROKEN;
	b->must_abort = true; /* nobody could carry it out with a value */
	return fault_wrong_with(w, far, b) ? fault_settle(v, b, e) : puzzled(v, w, b, e);
}

static enum fault_next bad_data(struct vcpu *v, struct view *w, const struct insn *i, struct bad *b,
				struct err *e)
{
	const struct emulate_cpu cpu = {
		.ops = &capture_address_ops,
		.ctx = w,
		.zva_bytes = view_zva_bytes(),
	};
	struct emulate_address a;
	enum fault_next next;
	uint64_t off = 0;

	if (i->class == INSN_CACHE || i->class == INSN_PREFETCH)
		return watch_efault(v, w, &next, e) ? next : fault_skip(v, e);
	b->access = fault_access_of(i);
	if (emulate_address(&cpu, i, &a) != EMULATE_DONE)
		return by_far(v, w, b, e);
	b->size = a.bytes;
	/* Page by page: what lies in one need not say anything of the next. */
	do {
		if (fault_wrong_with(w, a.va + off, b)) {
			if (off && b->cause == FAULT_NOTHING_THERE && !b->walk)
				b->cause = FAULT_ENDS_OUTSIDE;
			return fault_settle_and_do(v, b, e);
		}
		off = ((a.va + off) | 0xfff) + 1 - a.va;
	} while (off < a.bytes);
	return puzzled(v, w, b, e);
}

/* AT: address translation, whose walk may meet a hole (Arm ARM, C5.4). */
static bool is_at(uint32_t word)
{
	return (word & 0xfff8fe00) == 0xd5087800;
}

/* @b says what is known before: of poison, if any. */
static enum fault_next unreachable(struct vcpu *v, const struct bad *known, struct err *e)
{
	struct bad b = *known;
	struct view w;
	struct insn i;
	uint32_t word;

	view_open(&w, v);
	/* A 32-bit machine has no guards: KVM itself aborts fetches. */
	b.access = FAULT_FETCH;
	if (!v->machine->arch->features.aarch32 && fault_wrong_with(&w, w.pc, &b))
		return fault_settle(v, &b, e);
	b = *known;
	b.access = FAULT_READ;
	if (!view_insn(&w, &word))
		return by_far(v, &w, &b, e);
	if (!view_aarch32(&w) && is_at(word)) {
		b.flags = ESR_CM | ESR_WNR;
		return by_far(v, &w, &b, e);
	}
	if (!view_decode(&w, &i))
		return by_far(v, &w, &b, e);
	return bad_data(v, &w, &i, &b, e);
}

enum fault_next fault_efault(struct vcpu *v, struct err *e)
{
	return unreachable(v, &(struct bad){ .fsc = ESR_FSC_EXTERNAL }, e);
}

enum fault_next fault_poison(struct vcpu *v, uintptr_t host, struct err *e)
{
	struct bad b = { .fsc = ESR_FSC_EXTERNAL };
	gpa_t at;

	b.poisoned = gmem_at_host(v->machine->mem, host, &at);
	b.poison = at.a;
	return unreachable(v, &b, e);
}

/* What KVM_EXIT_ARM_SEA puts where struct kvm_run has its union; not in older headers. */
struct exit_arm_sea {
	uint64_t flags, esr, gva, gpa;
};
#define SEA_GPA_VALID 1u

enum fault_next fault_sea(struct vcpu *v, struct err *e)
{
	struct bad b = { .cause = FAULT_HOST_MEMORY };
	struct exit_arm_sea sea;

	memcpy(&sea, &v->run->hw, sizeof(sea));
	b.fsc = sea.esr & 0x3f;
	b.walk = b.fsc != ESR_FSC_EXTERNAL;
	b.has_ipa = sea.flags & SEA_GPA_VALID;
	b.ipa = sea.gpa;
	if ((sea.esr >> 26 & ~1u) == ESR_EC_INSN_ABORT_LOWER)
		b.access = FAULT_FETCH;
	else
		b.access = sea.esr & ESR_WNR ? FAULT_WRITE : FAULT_READ;
	return fault_settle(v, &b, e);
}
