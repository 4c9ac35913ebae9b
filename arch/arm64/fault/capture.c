/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/capture.h"

#include "arch/arm64/mmu/esr.h"
#include "arch/arm64/fault/exception.h"
#include "arch/arm64/fault/inject.h"
#include "arch/arm64/insn/insn32.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"
#include "arch/arm64/mmu/unwind.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void capture_cpu(struct fault *f, struct view *w)
{
	esr_pstate_text(w->pstate, f->state, sizeof(f->state));
	f->privilege = view_privileged(w) ? 1 : 0;
	f->aarch32 = view_aarch32(w);
	f->insn_known = view_insn(w, &f->insn);
	if (f->insn_known && f->aarch32)
		(void)insn32_text(f->insn, (uint32_t)w->pstate, f->insn_text, sizeof(f->insn_text));
	else if (f->insn_known)
		(void)insn_text(f->insn, w->pc, f->insn_text, sizeof(f->insn_text));
}

/* --- the virtual address ---------------------------------------------------------------------- */

static int get_register(void *ctx, unsigned reg, uint64_t *v)
{
	struct view *w = ctx;

	*v = reg == EMULATE_PC ? w->pc : view_x(w, reg);
	return w->code;
}

const struct emulate_ops capture_address_ops = { .get = get_register };

static bool leads_to(struct view *w, uint64_t va, enum fault_access access, uint64_t ipa)
{
	struct mmu_walk walk;

	view_walk(w, va, access, &walk);
	return walk.fault || walk.pa == ipa;
}

void capture_address(struct fault *f, struct view *w, uint64_t ipa)
{
	const struct emulate_cpu cpu = {
		.ops = &capture_address_ops,
		.ctx = w,
		.zva_bytes = view_zva_bytes(),
	};
	struct emulate_address a;
	struct insn i;
	uint64_t off;

	if (!view_decode(w, &i) || emulate_address(&cpu, &i, &a) != EMULATE_DONE)
		return;
	if (f->size == 0)
		f->size = a.bytes;
	/* Translation leaves bits 11:0 alone, and the access may begin in a page before. */
	for (off = (ipa - a.va) & 0xfff; off == 0 || off < a.bytes; off += 0x1000) {
		if (!leads_to(w, a.va + off, f->access, ipa))
			continue;
		f->va = f->va_decoded = a.va + off;
		f->va_source = FAULT_VA_DECODED;
		if (off && f->cause == FAULT_NOTHING_THERE && !f->walk)
			f->cause = FAULT_ENDS_OUTSIDE;
		return;
	}
}

void capture_walk(struct fault *f, struct view *w)
{
	struct mmu_walk walk;

	if (f->va_source == FAULT_VA_UNKNOWN)
		return;
	view_walk(w, f->va, f->access, &walk);
	mmu_regime_text(&walk, f->regime, sizeof(f->regime));
	for (unsigned i = 0; i < walk.nr_steps && i < ARRAY_SIZE(f->step); i++) {
		struct fault_step *s = &f->step[f->nr_steps++];

		s->level = walk.step[i].level;
		s->at = walk.step[i].at;
		s->descriptor = walk.step[i].descriptor;
		s->read = walk.step[i].kind != MMU_UNREAD;
		mmu_step_text(&w->mmu, &walk, i, s->text, sizeof(s->text));
	}
	mmu_result_text(&walk, f->walk_result, sizeof(f->walk_result));
}

void capture_vectors(struct fault *f, struct view *w)
{
	struct mmu_walk walk;
	uint64_t vbar;

	if (f->aarch32 || kvm_get_reg(w->v->fd, REG_VBAR_EL1, &vbar, NULL))
		return;
	view_walk(w, vbar, FAULT_READ, &walk);
	f->mmu_off = walk.regime.format == MMU_OFF;
	f->vectors_known = walk.mapped && !f->mmu_off;
	f->vectors_va = vbar;
	f->vectors_pa = walk.pa;
}

/* --- the physical one ------------------------------------------------------------------------- */

static void neighbour(struct fault_neighbour *n, const struct space_range *r, uint64_t distance)
{
	if (!r)
		return;
	*n = (struct fault_neighbour){
		.there = true,
		.base = r->base,
		.size = r->size,
		.distance = distance,
	};
	(void)snprintf(n->name, sizeof(n->name), "%s", r->name);
}

void capture_place(struct fault *f, const struct machine *m)
{
	const struct space *s = &m->arch->space;
	const struct space_range *at, *below, *above;

	if (!f->ipa_known)
		return;
	at = space_at(s, f->ipa);
	if (at && at->kind != SPACE_QUIET) {
		(void)snprintf(f->inside, sizeof(f->inside), "%s", at->name);
		return;
	}
	space_beside(s, f->ipa, &below, &above);
	neighbour(&f->below, below, below ? f->ipa - (below->base + below->size) : 0);
	neighbour(&f->above, above, above ? above->base - f->ipa : 0);
}

/* --- what came before ------------------------------------------------------------------------- */

static bool read_stack(void *ctx, uint64_t va, void *dst, size_t len)
{
	return view_read(ctx, va, dst, len) == len;
}

static void backtrace(struct fault *f, struct view *w)
{
	const struct unwind u = {
		.pc = w->pc,
		.lr = view_x(w, 30),
		.fp = view_x(w, 29),
		.va_bits = { view_va_bits(w, 0), view_va_bits(w, UINT64_MAX) },
		.big_endian = view_big_endian(w),
		.read = read_stack,
		.ctx = w,
	};

	f->nr_frames = (unsigned)unwind_frames(&u, f->frame, ARRAY_SIZE(f->frame), &f->frames_cut);
}

static void last_exits(struct fault *f, const struct vcpu *v)
{
	const struct arch_machine *a = v->machine->arch;
	const struct exits *x = &a->vcpu[v->index].exits;
	unsigned before = x->count ? x->count - 1 : 0; /* the last is the fault itself */
	unsigned n = before < EXITS_KEPT - 1 ? before : EXITS_KEPT - 1;

	static_assert(EXITS_KEPT <= FAULT_EXITS, "all fit in a report");

	for (; n; n--)
		exits_text(&x->at[(before - n) % EXITS_KEPT], &a->space,
			   f->exit[f->nr_exits++].text, sizeof(f->exit[0].text));
}

void capture_history(struct fault *f, struct view *w)
{
	if (!f->aarch32)
		backtrace(f, w);
	last_exits(f, w->v);
}

/* --- what the guest gets ---------------------------------------------------------------------- */

static void compare_far(struct fault *f)
{
	const uint64_t plain = f->access == FAULT_FETCH ? UINT64_MAX : UINT64_MAX >> 8;

	if (f->va_source == FAULT_VA_UNKNOWN) {
		f->va = f->far;
		f->va_source = FAULT_VA_REGISTER;
	} else if (((f->va ^ f->far) & plain) == 0) { /* a tag may be in only one of them */
		f->va = f->far;
		f->va_source = FAULT_VA_BOTH;
	} else {
		f->va_decoded = f->va;
		f->va = f->far;
		f->va_source = FAULT_VA_DISAGREE;
	}
}

int capture_exception(struct fault *f, struct view *w, struct err *e)
{
	const bool aarch32 = w->v->machine->arch->features.aarch32;
	uint64_t vbar = 0;
	int code = inject_look(w->v, &f->esr, &f->far, e);

	if (code == 0)
		code = kvm_get_reg(w->v->fd, REG_VBAR_EL1, &vbar, e);
	if (code)
		return code;
	f->elr = w->pc;
	if (aarch32) {
		f->far = (uint32_t)f->far; /* DFAR */
		esr_fsr_text((uint32_t)f->esr, true, f->esr_text, sizeof(f->esr_text));
	} else {
		f->vector = exception_vector(vbar, w->pstate);
		esr_text(f->esr, f->esr_text, sizeof(f->esr_text));
	}
	compare_far(f);
	return 0;
}
