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

/*
 * An Instruction Abort, from either level, that nothing answered: the fetch or the walk for it. As
 * KVM makes it, with nothing else in the syndrome.
 */
static bool is_fetch_abort(uint64_t esr)
{
	const unsigned ec = esr >> 26 & 0x3f, iss = esr & 0x1ffffff;

	return (ec & 0x3e) == ESR_EC_INSN_ABORT_LOWER &&
	       (iss == ESR_FSC_EXTERNAL || (iss & ~3U) == ESR_FSC_EXTERNAL_WALK);
}

/*
 * PC and PSTATE before it, from ELR_EL1 and SPSR_EL1. An interrupt replaces these, but not ESR_EL1:
 * then only the level is known, and false. The second half of a T32 instruction may be what failed.
 */
static bool state_before(struct view *w, uint64_t esr, uint64_t far)
{
	const bool lower = (esr >> 26 & 0x3f) == ESR_EC_INSN_ABORT_LOWER;
	uint64_t elr, spsr;

	if (kvm_get_reg(w->v->fd, REG_ELR_EL1, &elr, NULL) == 0 &&
	    kvm_get_reg(w->v->fd, REG_SPSR_EL1, &spsr, NULL) == 0 && !(spsr & 0xf) == lower &&
	    (elr == far || elr + 2 == far)) {
		w->pc = elr;
		w->pstate = spsr;
		return true;
	}
	w->pc = far;
	w->pstate = lower ? 0 : PSTATE_EL1H;
	return false;
}

/* Gathers what can still be known, and hands it on. A frame of its own, as report(). */
static NOINLINE void report_later(const struct bad *b, struct view *w, bool intact, uint64_t pc_now,
				  unsigned where, struct fault *f)
{
	const struct machine_events *ev = &w->v->machine->events;
	struct err e;

	fault_gather(f, w, b);
	if (capture_exception(f, w, &e))
		return;
	f->va_source = FAULT_VA_REGISTER;
	f->elr_lost = !intact;
	if (!intact)
		f->state[0] = '\0';
	/* Once the vector has begun, registers may be of what came after; so may exits be. */
	f->nr_exits = 0;
	if (!intact || pc_now != f->vector) {
		f->nr_frames = 0;
		f->frames_cut = false;
	}
	ev->fault_report(ev->ctx, where, f);
}

/*
 * What the registers tell is believed: a guest that writes them itself may have that abort reported
 * that it wrote.
 */
bool fault_look_back(struct vcpu *v)
{
	const struct machine_events *ev = &v->machine->events;
	struct arch_vcpu *a = fault_cpu(v);
	struct bad b = { .access = FAULT_FETCH };
	uint64_t esr = 0, far = 0, pc_now;
	struct view w;
	unsigned where;
	bool intact, stop;

	if (v->machine->arch->features.aarch32 || kvm_get_reg(v->fd, REG_ESR_EL1, &esr, NULL))
		return false;
	if (!is_fetch_abort(esr)) {
		a->fetch_known = 0; /* what comes next is another one */
		return false;
	}
	if (kvm_get_reg(v->fd, REG_FAR_EL1, &far, NULL) || a->fetch_known == fault_known_fetch(far))
		return false;
	view_open(&w, v);
	pc_now = w.pc;
	/* A vector that cannot be fetched: the same happens again; see fault_look_for_lockup(). */
	if (w.code || pc_now == far)
		return false;
	a->fetch_known = fault_known_fetch(far);
	intact = state_before(&w, esr, far);
	if (!fault_wrong_with(&w, far, &b) || fault_is_quiet(v, b.ipa))
		return false;
	stop = policy_at(&v->machine->arch->policy, b.ipa) == UNCLAIMED_STOP;
	struct fault f = {
		.access = FAULT_FETCH,
		.cause = b.cause,
		.action = FAULT_BY_KVM,
		.walk = b.walk,
		.stops = stop,
		.vcpu = v->index,
		.pc = w.pc,
		.ipa_known = true,
		.ipa = b.ipa,
	};
	where = ev->fault_count(ev->ctx, &f);
	fault_want_guards(v->machine);
	if (where)
		report_later(&b, &w, intact, pc_now, where, &f);
	if (stop)
		ev->guest(ev->ctx, GUEST_STOPPED, "stopped after a bad access");
	return stop;
}
