/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/fault.h"

#include "arch/arm64/fault/capture.h"
#include "arch/arm64/mmu/esr.h"
#include "arch/arm64/fault/exception.h"
#include "arch/arm64/fault/inject.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"
#include "arch/arm64/fault/touch.h"
#include "arch/arm64/watch/watch.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ISS_WNR (1ULL << 6)
#define ISS_CM	(1ULL << 8) /* cache maintenance by address */

/* A bad access, as the exit and the instruction tell of it. */
struct bad {
	enum fault_access access;
	enum fault_cause cause;
	unsigned size; /* bytes; 0: unknown */
	bool has_value;
	uint64_t value;
	bool has_ipa;
	uint64_t ipa;
	bool has_va; /* else FAR is as KVM knows it */
	uint64_t va;
	bool walk;	 /* stage 1's walk met it */
	unsigned fsc;	 /* the status code that the guest gets */
	uint32_t flags;	 /* and more of its ISS, beside WnR */
	bool must_abort; /* whatever the policy: there is no other way */
	bool mmio;	 /* KVM completes the access with run->mmio.data */
	bool poisoned;	 /* the host's memory failed at guest physical address poison */
	uint64_t poison; /* the 4 KiB page of it */
};

static struct arch_vcpu *arch_vcpu(const struct vcpu *v)
{
	return &v->machine->arch->vcpu[v->index];
}

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
	struct storm *s = &arch_vcpu(v)->storm;

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
	struct storm *s = &arch_vcpu(v)->storm;
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
	    arch_vcpu(v)->storm.seen == STORM_BEGINS && guards_cover(&a->guards, b->ipa)) {
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

static enum fault_access access_of(const struct insn *i)
{
	if (i->load && i->store)
		return FAULT_READ_WRITE;
	return i->store ? FAULT_WRITE : FAULT_READ;
}

static void capture(struct fault *f, struct view *w, const struct bad *b)
{
	struct insn i;

	capture_cpu(f, w);
	/* KVM knows no more than whether it writes. */
	if (f->access != FAULT_FETCH && view_decode(w, &i))
		f->access = access_of(&i);
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

/* An exception that leads back to where it came from, with nothing changed, never ends. */
static bool locks_up(struct vcpu *v)
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
		return locks_up(v) ? FAULT_LOCKUP : FAULT_ABORTED;
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
	capture(f, &w, b);
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
		exits_explain(&arch_vcpu(v)->exits, kind, b->ipa, b->size, b->access);
}

/* As struct arch_vcpu has it: 0 is none, and no instruction lies at an odd address. */
static uint64_t known_fetch(uint64_t va)
{
	return va | 1;
}

static NOINLINE enum fault_next settle(struct vcpu *v, const struct bad *b, struct err *e)
{
	const struct machine_events *ev = &v->machine->events;
	struct arch_vcpu *a = arch_vcpu(v);
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
		a->fetch_known = b->access == FAULT_FETCH ? known_fetch(f.pc) : 0;
	storm_note(v, b, &f);
	explain_exit(v, b);
	where = ev->fault_count(ev->ctx, &f);
	consider_guards(v, b);
	return where ? report(v, b, where, &f, e) : act(v, b, f.action, e);
}

/* Whether the hole at @ipa is one that is probed on purpose: no word about it. */
static bool is_quiet(const struct vcpu *v, uint64_t ipa)
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
	if (is_quiet(v, b.ipa))
		return by_hand(v, &b, true, e);
	action = action_of(v, &b);
	next = settle(v, &b, e);
	if (next == FAULT_RUN && (action == FAULT_ZEROES || action == FAULT_ONES))
		return by_hand(v, &b, true, e);
	return next;
}

enum fault_next fault_mmio(struct vcpu *v, enum access answer, struct err *e)
{
	const struct kvm_run *r = v->run;
	const enum fault_access access = r->mmio.is_write ? FAULT_WRITE : FAULT_READ;

	if (!storm_goes_on(&arch_vcpu(v)->storm,
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

static enum fault_next settle_and_do(struct vcpu *v, struct bad *b, struct err *e);

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
		return settle(v, b, e);
	}
	b->cause = t->result.nr && t->stop == TOUCH_NOBODY ? FAULT_ENDS_OUTSIDE : causes[t->stop];
	b->ipa = t->ipa;
	return settle_and_do(v, b, e);
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
		return settle(v, b, e);
	b->access = access_of(&i);
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
		return settle(v, b, e);
	case EMULATE_FAILED:
		(void)err_code(e, w.code ? -w.code : EIO, "vCPU %u: registers", v->index);
		return FAULT_BROKEN;
	}
	b->must_abort = true;
	b->has_va = true;
	/* FAR has the address that DC ZVA was given, not that of its block. */
	b->va = i.class == INSN_ZERO ? view_x(&w, i.rn) : t.result.va;
	return settle(v, b, e);
}

/* Settles @b; where the address has a value, the instruction is carried out with it. */
static enum fault_next settle_and_do(struct vcpu *v, struct bad *b, struct err *e)
{
	const enum fault_action action = action_of(v, b);
	const enum fault_next next = settle(v, b, e);

	if (next == FAULT_RUN && (action == FAULT_ZEROES || action == FAULT_ONES))
		return by_hand(v, b, true, e);
	return next;
}

static enum fault_next skip_instruction(struct vcpu *v, struct err *e)
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
		.access = iss & ISS_WNR ? FAULT_WRITE : FAULT_READ,
		.cause = FAULT_NOTHING_THERE,
		.has_ipa = true,
		.ipa = ipa,
		.fsc = ESR_FSC_EXTERNAL,
	};

	/* There is no cache to maintain where there is no memory. */
	if (iss & ISS_CM)
		return skip_instruction(v, e);
	if (r && r->kind == SPACE_QUIET)
		return by_hand(v, &b, true, e);
	if (r && (r->kind == SPACE_DEVICE || r->kind == SPACE_KERNEL)) {
		b.cause = FAULT_NOT_FOR_DEVICE;
		return by_hand(v, &b, false, e);
	}
	if (r && r->kind == SPACE_ROM)
		b.cause = FAULT_READ_ONLY;
	return settle_and_do(v, &b, e);
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

/* --- what the host cannot access -------------------------------------------------------------- */

/* How often a vCPU may come back to one place with nothing found wrong there. */
#define PATIENCE 100

/*
 * Nothing is wrong with the access. So its page is watched. Or the guest's tables changed
 * meanwhile, or a TLB held what was there: it tries again. Or the host cannot give the memory: it
 * fails again.
 */
static enum fault_next puzzled(struct vcpu *v, struct view *w, struct bad *b, struct err *e)
{
	struct arch_vcpu *a = arch_vcpu(v);
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
	return settle(v, b, e);
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

/*
 * Whether something is wrong with the access to @va, and what: *b. False also when stage 1 refuses
 * it, which is the guest's own matter.
 */
static bool wrong_with(struct view *w, uint64_t va, struct bad *b)
{
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
		b->cause = is_poisoned(b, b->ipa) ? FAULT_HOST_MEMORY : FAULT_NOTHING_THERE;
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
	r = space_at(&w->v->machine->arch->space, walk.pa);
	if (is_poisoned(b, walk.pa))
		b->cause = FAULT_HOST_MEMORY;
	else if (!r || r->kind == SPACE_QUIET)
		b->cause = FAULT_NOTHING_THERE;
	else if (r->kind == SPACE_ROM &&
		 (b->access == FAULT_WRITE || b->access == FAULT_READ_WRITE))
		b->cause = FAULT_READ_ONLY;
	else if (r->kind == SPACE_DEVICE || r->kind == SPACE_KERNEL)
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
	return wrong_with(w, far, b) ? settle(v, b, e) : puzzled(v, w, b, e);
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
		return watch_efault(v, w, &next, e) ? next : skip_instruction(v, e);
	b->access = access_of(i);
	if (emulate_address(&cpu, i, &a) != EMULATE_DONE)
		return by_far(v, w, b, e);
	b->size = a.bytes;
	/* Page by page: what lies in one need not say anything of the next. */
	do {
		if (wrong_with(w, a.va + off, b)) {
			if (off && b->cause == FAULT_NOTHING_THERE && !b->walk)
				b->cause = FAULT_ENDS_OUTSIDE;
			return settle_and_do(v, b, e);
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
	if (!v->machine->arch->features.aarch32 && wrong_with(&w, w.pc, &b))
		return settle(v, &b, e);
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
	if (w.code || w.pc != elr || w.pc != far || !locks_up(v) ||
	    (esr & 0xfc00003fULL) != fetch_abort)
		return false;
	if (!wrong_with(&w, w.pc, &b))
		b.cause = FAULT_NOT_FOR_DEVICE;
	return settle(v, &b, &e) == FAULT_PARK;
}

/* --- what KVM settled by itself ------------------------------------------------------------- */

/* An Instruction Abort, from either level, that nothing answered: the fetch or the walk for it. */
static bool is_fetch_abort(uint64_t esr)
{
	const unsigned fsc = esr & 0x3f;

	return (esr >> 26 & 0x3e) == ESR_EC_INSN_ABORT_LOWER &&
	       (fsc == ESR_FSC_EXTERNAL || (fsc & 0x3c) == ESR_FSC_EXTERNAL_WALK);
}

/* PSTATE before it. SPSR_EL1 has it, unless an interrupt came since: then only the level is known.
 */
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

	capture(f, w, b);
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
	struct arch_vcpu *a = arch_vcpu(v);
	struct bad b = { .access = FAULT_FETCH };
	uint64_t esr = 0, far = 0, pc_now;
	struct view w;
	unsigned where;

	if (v->machine->arch->features.aarch32 || kvm_get_reg(v->fd, REG_ESR_EL1, &esr, NULL) ||
	    !is_fetch_abort(esr) || kvm_get_reg(v->fd, REG_FAR_EL1, &far, NULL) ||
	    a->fetch_known == known_fetch(far))
		return false;
	view_open(&w, v);
	pc_now = w.pc;
	/* A vector that cannot be fetched: the same happens again; see fault_look_for_lockup(). */
	if (w.code || pc_now == far)
		return false;
	a->fetch_known = known_fetch(far);
	w.pc = far;
	w.pstate = pstate_before(v, esr);
	if (!wrong_with(&w, far, &b))
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
		b.access = sea.esr & ISS_WNR ? FAULT_WRITE : FAULT_READ;
	return settle(v, &b, e);
}
