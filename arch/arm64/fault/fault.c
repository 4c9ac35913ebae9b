/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/fault.h"

#include "arch/arm64/fault/capture.h"
#include "arch/arm64/fault/fault_parts.h"
#include "arch/arm64/mmu/esr.h"
#include "arch/arm64/fault/exception.h"
#include "arch/arm64/fault/inject.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"
#include "arch/arm64/fault/touch.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- storms ----------------------------------------------------------------------------------- */

/*
 * A vCPU may do the same again and again. To look at a fault costs as much as the exit itself: each
 * register is a system call. So when it was seen STORM_BEGINS times in a row, the next ones on that
 * page in that way are taken for the same instruction, and only one of STORM_LOOK is looked at
 * again. All are counted, and all abort, with ESR as KVM makes it.
 */
#define STORM_BEGINS 128
#define STORM_LOOK   2048

static uint64_t storm_like(uint64_t ipa, enum fault_access access, unsigned size)
{
	return (ipa & ~0xfffULL) | (unsigned)access << 8 | size;
}

/* One more that is not looked at. The guest waits for all of this at each: it is kept short. */
static inline bool storm_goes_on(struct storm *s, uint64_t like)
{
	if (s->like != like || s->unseen >= s->most)
		return false;
	s->unseen++;
	return true;
}

void fault_flush(struct vcpu *v)
{
	const struct machine_events *ev = &v->machine->events;
	struct storm *s = &fault_cpu(v)->storm;

	if (s->unseen == 0)
		return;
	const struct fault f = {
		.vcpu = v->index,
		.pc = s->pc,
		.access = s->access,
		.cause = s->cause,
		.action = s->action,
		.size = s->size,
		.ipa_known = true,
		.ipa = s->ipa,
	};
	ev->fault_repeats(ev->ctx, &f, s->unseen);
	s->unseen = 0;
}

/* Takes note of a fault that was looked at. */
static void storm_note(struct vcpu *v, const struct bad *b, const struct fault *f)
{
	struct storm *s = &fault_cpu(v)->storm;
	const bool same = s->pc == f->pc && s->ipa >> 12 == b->ipa >> 12 &&
			  s->access == b->access && s->cause == b->cause &&
			  s->action == f->action && s->size == b->size;

	fault_flush(v);
	if (!same || !b->has_ipa)
		*s = (struct storm){
			.ipa = b->ipa,
			.pc = f->pc,
			.access = b->access,
			.cause = b->cause,
			.action = f->action,
			.size = b->size,
		};
	if (s->seen < STORM_BEGINS)
		s->seen++;
	s->like = storm_like(b->ipa, b->access, b->size);
	s->most = s->seen == STORM_BEGINS && f->action == FAULT_ABORTED ? STORM_LOOK - 1 : 0;
}

/*
 * The first bad access of a guest is a sign that more may go wrong: from now on all holes have
 * guards. A page of reads without end is cheaper without one.
 */
static void consider_guards(struct vcpu *v, const struct bad *b)
{
	struct arch_machine *a = v->machine->arch;

	fault_want_guards(v->machine);
	if (!b->mmio && b->has_ipa && b->access == FAULT_READ &&
	    fault_cpu(v)->storm.seen == STORM_BEGINS && guards_cover(&a->guards, b->ipa)) {
		__atomic_store_n(&a->guard_to_open, b->ipa, __ATOMIC_RELAXED);
		loop_post(v->machine->loop, &a->guards_call);
	}
}

void fault_want_guards(struct machine *m)
{
	if (__atomic_exchange_n(&m->arch->guards_wanted, true, __ATOMIC_RELAXED))
		return;
	loop_post(m->loop, &m->arch->guards_call);
}

void fault_change_guards(struct call *c)
{
	struct arch_machine *a = container_of(c, struct arch_machine, guards_call);
	uint64_t open = __atomic_exchange_n(&a->guard_to_open, 0, __ATOMIC_RELAXED);
	uint64_t end = machine_space_end(a->machine);
	struct err e;

	/* The rest of 52 bits would take hundreds of slots, and seconds on a slow host. */
	if (end > 1ULL << 48)
		end = 1ULL << 48;

	vcpus_hold(a->machine->vcpus);
	/* In this order: a page that was opened stays open. */
	if (a->guards.nr && guards_extend(&a->guards, &a->space, end, &e))
		log_warn("%s", e.text);
	if (open)
		(void)guards_open(&a->guards, open);
	vcpus_release(a->machine->vcpus);
}

/* --- deciding --------------------------------------------------------------------------------- */

enum fault_access fault_access_of(const struct insn *i)
{
	if (i->load && i->store)
		return FAULT_READ_WRITE;
	return i->store ? FAULT_WRITE : FAULT_READ;
}

void fault_gather(struct fault *f, struct view *w, const struct bad *b)
{
	struct insn i;

	capture_cpu(f, w);
	/* KVM knows no more than whether it writes. */
	if (f->access != FAULT_FETCH && view_decode(w, &i))
		f->access = fault_access_of(&i);
	if (b->has_va) {
		f->va = f->va_decoded = b->va;
		f->va_source = FAULT_VA_DECODED;
	} else if (b->has_ipa) {
		capture_address(f, w, b->ipa);
	}
	capture_walk(f, w);
	capture_vectors(f, w);
	capture_place(f, w->v->machine);
	capture_history(f, w);
}

static int inject(struct vcpu *v, const struct bad *b, struct err *e)
{
	int code;

	if (b->access == FAULT_FETCH)
		return inject_fetch_abort(v, b->fsc, e);
	if (b->fsc == ESR_FSC_EXTERNAL)
		code = inject_exact_abort(v, b->access != FAULT_READ, e);
	else
		code = inject_data_abort(v, b->fsc,
					 b->flags | (b->access == FAULT_READ ? 0 : ESR_WNR), e);
	/* KVM knows the address of the first byte of the instruction that it could not do. */
	if (code == 0 && b->has_va && !b->mmio)
		code = inject_far(v, b->va, e);
	return code;
}

bool fault_locks_up(struct vcpu *v)
{
	uint64_t vbar = 0, pc, pstate;

	return kvm_get_reg(v->fd, REG_VBAR_EL1, &vbar, NULL) == 0 &&
	       kvm_get_reg(v->fd, REG_PC, &pc, NULL) == 0 &&
	       kvm_get_reg(v->fd, REG_PSTATE, &pstate, NULL) == 0 &&
	       exception_vector(vbar, pstate) == pc;
}

static enum fault_action action_of(struct vcpu *v, const struct bad *b)
{
	const struct policy *p = &v->machine->arch->policy;
	const enum unclaimed policy = b->has_ipa ? policy_at(p, b->ipa) : p->general;

	if (b->cause == FAULT_HOST_MEMORY)
		return FAULT_ABORTED;
	if (policy == UNCLAIMED_STOP)
		return FAULT_STOPPED;
	/* Neither instructions nor tables are made of zeroes. */
	if (b->access == FAULT_FETCH)
		return fault_locks_up(v) ? FAULT_LOCKUP : FAULT_ABORTED;
	if (policy == UNCLAIMED_ABORT || b->walk || b->must_abort)
		return FAULT_ABORTED;
	return policy == UNCLAIMED_ZERO ? FAULT_ZEROES : FAULT_ONES;
}

static enum fault_next act(struct vcpu *v, const struct bad *b, enum fault_action action,
			   struct err *e)
{
	const struct machine_events *ev = &v->machine->events;
	char why[100];

	switch (action) {
	case FAULT_ZEROES:
	case FAULT_ONES:
		return FAULT_RUN; /* the caller completes the access */
	case FAULT_STOPPED:
		ev->guest(ev->ctx, GUEST_STOPPED, "stopped at a bad access");
		return FAULT_PARK;
	case FAULT_LOCKUP:
		(void)snprintf(why, sizeof(why),
			       "vCPU %u can never go on: its exception vector is not there",
			       v->index);
		ev->guest(ev->ctx, GUEST_CRASHED, why);
		return FAULT_PARK;
	case FAULT_ABORTED:
		return inject(v, b, e) ? FAULT_BROKEN : FAULT_RUN;
	case FAULT_SERROR:
	case FAULT_SKIPPED:
	case FAULT_CARRIED_OUT:
	case FAULT_BY_KVM:
	case FAULT_ACTION_COUNT:
		break;
	}
	return FAULT_RUN;
}

/* Gathers everything, acts, and hands it on. A frame of its own: struct fault is large. */
static NOINLINE enum fault_next report(struct vcpu *v, const struct bad *b, unsigned where,
				       struct fault *f, struct err *e)
{
	const struct machine_events *ev = &v->machine->events;
	enum fault_next next;
	struct view w;

	view_open(&w, v);
	fault_gather(f, &w, b);
	if (f->action == FAULT_LOCKUP)
		f->vector = f->pc;
	next = act(v, b, f->action, e);
	if (next == FAULT_RUN && f->action == FAULT_ABORTED) {
		bool walked = f->va_source != FAULT_VA_UNKNOWN;

		if (capture_exception(f, &w, e))
			return FAULT_BROKEN;
		if (!walked)
			capture_walk(f, &w);
	}
	ev->fault_report(ev->ctx, where, f);
	return next;
}

/* For the reports of later ones: an exit that said nothing of itself was this. */
static void explain_exit(struct vcpu *v, const struct bad *b)
{
	enum exit_kind kind = b->walk ? EXIT_WALK : EXIT_GUARD;

	if (b->cause == FAULT_HOST_MEMORY)
		kind = EXIT_MEMORY;
	if (b->has_ipa)
		exits_explain(&fault_cpu(v)->exits, kind, b->ipa, b->size, b->access);
}

enum fault_next fault_settle(struct vcpu *v, const struct bad *b, struct err *e)
{
	const struct machine_events *ev = &v->machine->events;
	struct arch_vcpu *a = fault_cpu(v);
	struct fault f = {
		.access = b->access,
		.cause = b->cause,
		.action = action_of(v, b),
		.walk = b->walk,
		.vcpu = v->index,
		.size = b->size,
		.value_known = b->has_value,
		.value = { b->value },
		.ipa_known = b->has_ipa,
		.ipa = b->ipa,
	};
	unsigned where;

	if (kvm_get_reg(v->fd, REG_PC, &f.pc, e))
		return FAULT_BROKEN;
	if (fault_look_back(v)) /* while the guest's registers still tell of it */
		return FAULT_PARK;
	if (f.action == FAULT_ABORTED)
		a->fetch_known = b->access == FAULT_FETCH ? fault_known_fetch(f.pc) : 0;
	storm_note(v, b, &f);
	explain_exit(v, b);
	where = ev->fault_count(ev->ctx, &f);
	consider_guards(v, b);
	return where ? report(v, b, where, &f, e) : act(v, b, f.action, e);
}

bool fault_is_quiet(const struct vcpu *v, uint64_t ipa)
{
	const struct space_range *r = space_at(&v->machine->arch->space, ipa);

	return r && r->kind == SPACE_QUIET;
}

/* --- an exit that says all -------------------------------------------------------------------- */

static NOINLINE enum fault_next by_hand(struct vcpu *v, struct bad *b, bool forgive, struct err *e);

static NOINLINE enum fault_next bad_mmio(struct vcpu *v, enum access answer, struct err *e)
{
	enum fault_action action;
	enum fault_next next;
	const struct kvm_run *r = v->run;
	struct bad b = {
		.access = r->mmio.is_write ? FAULT_WRITE : FAULT_READ,
		.cause = answer == ACCESS_REFUSED ? FAULT_REFUSED : FAULT_NOTHING_THERE,
		.size = r->mmio.len,
		.has_value = r->mmio.is_write,
		.has_ipa = true,
		.ipa = r->mmio.phys_addr,
		.fsc = ESR_FSC_EXTERNAL,
		.mmio = true,
	};

	memcpy(&b.value, r->mmio.data, sizeof(b.value));
	if (b.size < 8)
		b.value &= (1ULL << (8 * b.size)) - 1;
	/* KVM's own completion is wrong for LDRSB and kin, and for what begins elsewhere. */
	if (fault_is_quiet(v, b.ipa))
		return by_hand(v, &b, true, e);
	action = action_of(v, &b);
	next = fault_settle(v, &b, e);
	if (next == FAULT_RUN && (action == FAULT_ZEROES || action == FAULT_ONES))
		return by_hand(v, &b, true, e);
	return next;
}

enum fault_next fault_mmio(struct vcpu *v, enum access answer, struct err *e)
{
	const struct kvm_run *r = v->run;
	const enum fault_access access = r->mmio.is_write ? FAULT_WRITE : FAULT_READ;

	if (!storm_goes_on(&fault_cpu(v)->storm,
			   storm_like(r->mmio.phys_addr, access, r->mmio.len)))
		return bad_mmio(v, answer, e);
	return inject_external_abort(v, e) ? FAULT_BROKEN : FAULT_RUN;
}

/* --- instructions that KVM leaves to us ------------------------------------------------------- */

/* The guest's own stage 1 refuses a part of the access: its own fault, and nobody else's matter. */
static enum fault_next stage_1_fault(struct vcpu *v, const struct touch *t, struct err *e)
{
	const uint32_t wnr = t->walk.access == FAULT_READ ? 0 : ESR_WNR;
	int code = inject_data_abort(v, mmu_fsc(&t->walk), wnr, e);

	if (code == 0)
		code = inject_far(v, t->result.va, e);
	return code ? FAULT_BROKEN : FAULT_RUN;
}

static enum fault_next stopped_at(struct vcpu *v, const struct touch *t, struct bad *b,
				  struct err *e)
{
	static const enum fault_cause causes[] = {
		[TOUCH_NOBODY] = FAULT_NOTHING_THERE,
		[TOUCH_READ_ONLY] = FAULT_READ_ONLY,
		[TOUCH_REFUSED] = FAULT_REFUSED,
		[TOUCH_KERNEL] = FAULT_NOT_FOR_DEVICE,
	};

	b->has_va = true;
	b->va = t->result.va;
	b->mmio = false; /* KVM's FAR is of the first byte, which may be done */
	if (t->stop == TOUCH_STAGE_1) {
		if (t->walk.fault != MMU_EXTERNAL_ABORT)
			return stage_1_fault(v, t, e);
		b->walk = true;
		b->cause = FAULT_NOTHING_THERE;
		b->fsc = mmu_fsc(&t->walk);
		b->ipa = t->walk.step[t->walk.nr_steps - 1].at;
		return fault_settle(v, b, e);
	}
	b->cause = t->result.nr && t->stop == TOUCH_NOBODY ? FAULT_ENDS_OUTSIDE : causes[t->stop];
	b->ipa = t->ipa;
	return fault_settle_and_do(v, b, e);
}

/*
 * Carries out the instruction at PC. Where that cannot be, @b, which says what KVM told, becomes
 * what the guest gets. @forgive: what is not there has the policy's value, and was counted; then
 * what still cannot be done aborts.
 */
static NOINLINE enum fault_next by_hand(struct vcpu *v, struct bad *b, bool forgive, struct err *e)
{
	const struct space_range *r = space_at(&v->machine->arch->space, b->ipa);
	struct touch t = { .forgive = forgive };
	struct view w;
	struct insn i;

	/* A hole with a value is as good as memory; a device takes only what devices take. */
	t.memory = r && (r->kind == SPACE_DEVICE || r->kind == SPACE_KERNEL) ? EMULATE_DEVICE
									     : EMULATE_NORMAL;
	b->must_abort = forgive;
	view_open(&w, v);
	if (!view_decode(&w, &i))
		return fault_settle(v, b, e);
	b->access = fault_access_of(&i);
	switch (touch(&t, &w, &i)) {
	case EMULATE_DONE:
	case EMULATE_AGAIN:
		return FAULT_RUN;
	case EMULATE_ABORT:
		return stopped_at(v, &t, b, e);
	case EMULATE_ALIGNMENT:
		b->fsc = ESR_FSC_ALIGNMENT;
		break;
	case EMULATE_UNSUPPORTED:
		b->fsc = ESR_FSC_EXCLUSIVE;
		break;
	case EMULATE_CANNOT:
		b->must_abort = true;
		return fault_settle(v, b, e);
	case EMULATE_FAILED:
		(void)err_code(e, w.code ? -w.code : EIO, "vCPU %u: registers", v->index);
		return FAULT_BROKEN;
	}
	b->must_abort = true;
	b->has_va = true;
	/* FAR has the address that DC ZVA was given, not that of its block. */
	b->va = i.class == INSN_ZERO ? view_x(&w, i.rn) : t.result.va;
	return fault_settle(v, b, e);
}

enum fault_next fault_settle_and_do(struct vcpu *v, struct bad *b, struct err *e)
{
	const enum fault_action action = action_of(v, b);
	const enum fault_next next = fault_settle(v, b, e);

	if (next == FAULT_RUN && (action == FAULT_ZEROES || action == FAULT_ONES))
		return by_hand(v, b, true, e);
	return next;
}

enum fault_next fault_skip(struct vcpu *v, struct err *e)
{
	struct view w;
	int code;

	view_open(&w, v);
	code = view_skip(&w, 4);
	if (code == 0)
		return FAULT_RUN;
	(void)err_code(e, -code, "vCPU %u: registers", v->index);
	return FAULT_BROKEN;
}

enum fault_next fault_nisv(struct vcpu *v, struct err *e)
{
	const uint64_t iss = v->run->arm_nisv.esr_iss, ipa = v->run->arm_nisv.fault_ipa;
	const struct space_range *r = space_at(&v->machine->arch->space, ipa);
	struct bad b = {
		.access = iss & ESR_WNR ? FAULT_WRITE : FAULT_READ,
		.cause = FAULT_NOTHING_THERE,
		.has_ipa = true,
		.ipa = ipa,
		.fsc = ESR_FSC_EXTERNAL,
	};

	/* There is no cache to maintain where there is no memory. */
	if (iss & ESR_CM)
		return fault_skip(v, e);
	if (r && r->kind == SPACE_QUIET)
		return by_hand(v, &b, true, e);
	if (r && (r->kind == SPACE_DEVICE || r->kind == SPACE_KERNEL)) {
		b.cause = FAULT_NOT_FOR_DEVICE;
		return by_hand(v, &b, false, e);
	}
	if (r && r->kind == SPACE_ROM)
		b.cause = FAULT_READ_ONLY;
	return fault_settle_and_do(v, &b, e);
}

bool fault_straddle(struct vcpu *v, enum fault_next *next, struct err *e)
{
	struct bad b = {
		.access = v->run->mmio.is_write ? FAULT_WRITE : FAULT_READ,
		.cause = FAULT_NOT_FOR_DEVICE,
		.has_ipa = true,
		.ipa = v->run->mmio.phys_addr,
		.fsc = ESR_FSC_EXTERNAL,
	};
	struct emulate_address a;
	struct view w;
	struct insn i;

	view_open(&w, v);
	const struct emulate_cpu cpu = { .ops = &capture_address_ops, .ctx = &w };
	if (!view_decode(&w, &i) || emulate_address(&cpu, &i, &a) != EMULATE_DONE ||
	    (a.va & 0xfff) == 0)
		return false;
	*next = by_hand(v, &b, false, e);
	return true;
}

enum fault_next fault_sign(struct vcpu *v, struct err *e)
{
	const unsigned bits = 8 * v->run->mmio.len;
	uint64_t value = 0;
	struct view w;
	struct insn i;
	int code;

	view_open(&w, v);
	if (!view_decode(&w, &i) || !i.sign || i.size * 8U != bits)
		return FAULT_RUN;
	memcpy(&value, v->run->mmio.data, v->run->mmio.len);
	value |= UINT64_MAX << (bits - 1);
	if (i.reg_bytes == 4)
		value = (uint32_t)value;
	code = i.rt == 31 ? 0 : view_set_x(&w, i.rt, value);
	if (code == 0)
		code = view_skip(&w, i.length);
	v->run->exit_reason = 0;
	if (code == 0)
		return FAULT_RUN;
	(void)err_code(e, -code, "vCPU %u: registers", v->index);
	return FAULT_BROKEN;
}
