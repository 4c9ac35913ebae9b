/* SPDX-License-Identifier: Apache-2.0 */
/*
 * afterwards: aborts that KVM settled by itself, without an exit, found in the registers that they
 * left: fetches that fail, and a vector that cannot be fetched, for ever.
 */
#include "arch/arm64/fault/capture.h"
#include "arch/arm64/fault/exception.h"
#include "arch/arm64/fault/fault_parts.h"
#include "arch/arm64/mmu/esr.h"
#include "arch/arm64/regs.h"

bool fault_look_for_lockup(struct vcpu *v)
{
	const uint64_t fetch_abort = (uint64_t)ESR_EC_INSN_ABORT << 26 | ESR_FSC_EXTERNAL;
	struct bad b = { .access = FAULT_FETCH, .fsc = ESR_FSC_EXTERNAL };
	uint64_t elr, far, esr;
	struct view w;
	struct err e;

	if (v->machine->arch->features.aarch32)
		return false;
	view_open(&w, v);
	if (kvm_get_reg(v->fd, REG_ELR_EL1, &elr, NULL) ||
	    kvm_get_reg(v->fd, REG_FAR_EL1, &far, NULL) ||
	    kvm_get_reg(v->fd, REG_ESR_EL1, &esr, NULL))
		return false;
	if (w.code || w.pc != elr || w.pc != far || !fault_locks_up(v) ||
	    (esr & 0xfc00003fULL) != fetch_abort)
		return false;
	if (!fault_wrong_with(&w, w.pc, &b))
		b.cause = FAULT_NOT_FOR_DEVICE;
	return fault_settle(v, &b, &e) == FAULT_PARK;
}

/* An Instruction Abort, from either level, that nothing answered: the fetch or the walk for it. */
static bool is_fetch_abort(uint64_t esr)
{
	const unsigned fsc = esr & 0x3f;

	return (esr >> 26 & 0x3e) == ESR_EC_INSN_ABORT_LOWER &&
	       (fsc == ESR_FSC_EXTERNAL || (fsc & 0x3c) == ESR_FSC_EXTERNAL_WALK);
}

/* PSTATE before it: SPSR_EL1, unless an interrupt came since; then only the level is known. */
static uint64_t pstate_before(const struct vcpu *v, uint64_t esr)
{
	const bool lower = (esr >> 26 & 0x3f) == ESR_EC_INSN_ABORT_LOWER;
	uint64_t spsr;

	if (kvm_get_reg(v->fd, REG_SPSR_EL1, &spsr, NULL) == 0 && !(spsr & 0xf) == lower)
		return spsr;
	return lower ? 0 : PSTATE_EL1H;
}

/* Gathers what can still be known, and hands it on. A frame of its own, as report(). */
static NOINLINE void report_later(const struct bad *b, struct view *w, uint64_t pc_now,
				  unsigned where, struct fault *f)
{
	const struct machine_events *ev = &w->v->machine->events;
	struct err e;

	fault_gather(f, w, b);
	if (capture_exception(f, w, &e))
		return;
	/* Once the vector has begun, registers and exits may be of what came after. */
	if (pc_now != f->vector) {
		f->nr_frames = f->nr_exits = 0;
		f->frames_cut = false;
	}
	ev->fault_report(ev->ctx, where, f);
}

bool fault_look_back(struct vcpu *v)
{
	const struct machine_events *ev = &v->machine->events;
	struct arch_vcpu *a = fault_cpu(v);
	struct bad b = { .access = FAULT_FETCH };
	uint64_t esr = 0, far = 0, pc_now;
	struct view w;
	unsigned where;

	if (v->machine->arch->features.aarch32 || kvm_get_reg(v->fd, REG_ESR_EL1, &esr, NULL) ||
	    !is_fetch_abort(esr) || kvm_get_reg(v->fd, REG_FAR_EL1, &far, NULL) ||
	    a->fetch_known == fault_known_fetch(far))
		return false;
	view_open(&w, v);
	pc_now = w.pc;
	/* A vector that cannot be fetched: the same happens again; see fault_look_for_lockup(). */
	if (w.code || pc_now == far)
		return false;
	a->fetch_known = fault_known_fetch(far);
	w.pc = far;
	w.pstate = pstate_before(v, esr);
	if (!fault_wrong_with(&w, far, &b))
		return false;
	struct fault f = {
		.access = FAULT_FETCH,
		.cause = b.cause,
		.action = FAULT_BY_KVM,
		.walk = b.walk,
		.vcpu = v->index,
		.pc = far,
		.ipa_known = true,
		.ipa = b.ipa,
	};
	where = ev->fault_count(ev->ctx, &f);
	fault_want_guards(v->machine);
	if (where)
		report_later(&b, &w, pc_now, where, &f);
	if (policy_at(&v->machine->arch->policy, b.ipa) != UNCLAIMED_STOP)
		return false;
	ev->guest(ev->ctx, GUEST_STOPPED, "stopped after a bad access");
	return true;
}
