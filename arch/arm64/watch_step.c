/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions that the CPU itself does, one by one (KVM_SET_GUEST_DEBUG). */
#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"
#include "arch/arm64/watch_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

/* Between a load-exclusive and its store; the manual asks for few ("Load-Exclusive and
 * Store-Exclusive instruction usage restrictions").
 */
#define PAIR_STEPS 64

#define SPSR_SS	     (1u << 21)
#define VECTORS_SIZE 0x800

static int set_stepping(struct vcpu *v, bool on, struct err *e)
{
	const struct kvm_guest_debug d = {
		.control = on ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0,
	};

	if (ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d) < 0)
		return err_sys(e, "vCPU %u: KVM_SET_GUEST_DEBUG", v->index);
	return 0;
}

/* --- a pair of exclusives --------------------------------------------------------------------- */

static struct watch_cpu *own(const struct vcpu *v)
{
	return &v->machine->arch->vcpu[v->index].watch;
}

int watch_pair_begin(struct vcpu *v, struct err *e)
{
	own(v)->steps = PAIR_STEPS;
	return set_stepping(v, true, e);
}

int watch_pair_end(struct vcpu *v, struct err *e)
{
	own(v)->monitor = (struct emulate_monitor){ 0 };
	if (own(v)->steps == 0)
		return 0;
	own(v)->steps = 0;
	return set_stepping(v, false, e);
}

/*
 * Whether an exception was taken instead of an instruction, or by it; then the guest finds no trace
 * of our stepping in SPSR.
 */
static bool took_exception(struct vcpu *v, uint64_t pc)
{
	uint64_t vbar, spsr;

	if (kvm_get_reg(v->fd, REG_VBAR_EL1, &vbar, NULL) || pc - vbar >= VECTORS_SIZE)
		return false;
	if (kvm_get_reg(v->fd, REG_SPSR_EL1, &spsr, NULL) || !(spsr & SPSR_SS))
		return true;
	spsr &= ~(uint64_t)SPSR_SS;
	/* A trace that stays does no harm: it counts only for who steps as well. */
	return kvm_set_reg(v->fd, REG_SPSR_EL1, &spsr, NULL) <= 0;
}

/* CLREX, ERET and its kin: the instructions that open a monitor. */
static bool opens_monitor(uint32_t word)
{
	return (word & 0xfffff0ff) == 0xd503305f || (word & 0xfffff3ff) == 0xd69f03e0 ||
	       (word & 0xfffffbff) == 0xd69f0bff;
}

int watch_pair_next(struct vcpu *v, enum fault_next *next, struct err *e)
{
	uint32_t word = 0;
	struct view w;

	if (watch_pair_store(v, next, e))
		return 0;
	view_open(&w, v);
	return view_insn(&w, &word) && opens_monitor(word) ? watch_pair_end(v, e) : 0;
}

enum fault_next watch_stepped(struct vcpu *v, struct err *e)
{
	struct watching *wt = &v->machine->arch->watching;
	struct watch_cpu *c = own(v);
	enum fault_next next = FAULT_RUN;
	uint64_t pc;
	int code = kvm_get_reg(v->fd, REG_PC, &pc, e);

	LOCK_SCOPE(&wt->lock);
	if (code == 0 && (c->steps <= 1 || took_exception(v, pc))) {
		c->steps = 1; /* the CPU steps, whatever we thought */
		code = watch_pair_end(v, e);
	} else if (code == 0) {
		c->steps--;
		code = watch_pair_next(v, &next, e);
	}
	return code ? FAULT_BROKEN : next;
}

/* --- one instruction, alone ------------------------------------------------------------------- */

/* Of each range, the beginning: what it is before the step. */
static size_t beginning(const struct watch_range *r)
{
	return r->size < WATCH_SHADOW ? (size_t)r->size : WATCH_SHADOW;
}

static void take_shadow(const struct machine *m)
{
	const struct watching *wt = &m->arch->watching;
	uint8_t *at = wt->shadow;

	for (size_t i = 0; i < wt->set->nr; i++) {
		const struct watch_range *r = &wt->set->range[i];

		if (!gmem_peek(m->mem, gpa(r->base), at, beginning(r)))
			memset(at, 0, beginning(r));
		at += beginning(r);
	}
}

/* Adds @r when it changed: from the first byte that did. */
static void note_change(struct watch_hits *h, const struct machine *m, const struct watch_range *r,
			const uint8_t *old)
{
	const size_t n = beginning(r);
	struct watch_hit *hit = &h->at[h->nr];
	uint8_t now[WATCH_SHADOW];
	size_t first = 0, last = n - 1;

	if (!gmem_peek(m->mem, gpa(r->base), now, n) || memcmp(old, now, n) == 0 ||
	    h->nr == WATCH_HITS)
		return;
	while (old[first] == now[first])
		first++;
	while (old[last] == now[last])
		last--;
	*hit = (struct watch_hit){ .range = r, .pa = r->base + first };
	hit->bytes = (unsigned)(last - first < 16 ? last - first + 1 : 16);
	memcpy(hit->old, old + first, hit->bytes);
	h->nr++;
}

static void note_changes(struct watch_hits *h, const struct machine *m)
{
	const struct watching *wt = &m->arch->watching;
	const uint8_t *old = wt->shadow;

	h->nr = 0;
	for (size_t i = 0; i < wt->set->nr; i++) {
		note_change(h, m, &wt->set->range[i], old);
		old += beginning(&wt->set->range[i]);
	}
}

/* Whether the instruction at @pc is done, and not an exception taken instead. */
static bool is_done(struct vcpu *v, uint64_t pc)
{
	uint64_t now, elr;

	if (kvm_get_reg(v->fd, REG_PC, &now, NULL))
		return false;
	return !took_exception(v, now) || kvm_get_reg(v->fd, REG_ELR_EL1, &elr, NULL) || elr != pc;
}

static NOINLINE bool report(struct vcpu *v, struct fault *f)
{
	struct machine *m = v->machine;
	struct watch_hits *h = &m->arch->watching.stepped;
	bool stops = is_done(v, f->pc) && watch_report(h, m, f, FAULT_FETCH);

	note_changes(h, m);
	f->size = 0;
	return watch_report(h, m, f, FAULT_WRITE) || stops;
}

/* KVM_RUN for one instruction. 0, or errno; EIO when KVM refused the stepping. */
static int run_one(struct vcpu *v, struct err *e)
{
	int ret;

	if (set_stepping(v, true, e))
		return EIO;
	ret = ioctl(v->fd, KVM_RUN, 0) < 0 ? errno : 0;
	if (own(v)->steps == 0 && set_stepping(v, false, e))
		return EIO;
	return ret;
}

/* With the lock, alone, and *f captured. */
static bool open_and_run(struct vcpu *v, struct view *w, struct fault *f, enum fault_next *next,
			 struct err *e)
{
	struct arch_machine *a = v->machine->arch;
	struct watch_hits *h = &a->watching.stepped;
	struct mmu_walk walk;
	int ret;

	assert_held(&a->watching.lock);
	h->nr = 0;
	view_walk(w, w->pc, FAULT_FETCH, &walk);
	if (walk.mapped)
		watch_note(h, v->machine, walk.pa, w->pc, 4, WATCH_READ);
	take_shadow(v->machine);
	*next = FAULT_BROKEN;
	if (watch_open(a, e))
		return true;
	ret = run_one(v, e);
	if (watch_close(a, e) || ret == EIO)
		return true;
	if (ret == EFAULT)
		return false;
	watch_clear_monitors(a);
	*next = ret || v->run->exit_reason == KVM_EXIT_DEBUG ? FAULT_RUN : FAULT_EXIT;
	if (!ret && report(v, f))
		*next = FAULT_PARK;
	return true;
}

static NOINLINE bool captured(struct vcpu *v, struct view *w, enum fault_next *next, struct err *e)
{
	struct fault f = { .vcpu = v->index, .pc = w->pc, .size = 4 };

	watch_capture(&f, w);
	return open_and_run(v, w, &f, next, e);
}

bool watch_step(struct vcpu *v, struct view *w, enum fault_next *next, struct err *e)
{
	struct watching *wt = &v->machine->arch->watching;
	bool done;

	*next = FAULT_RUN;
	if (!vcpus_exclusive_begin(v))
		return true;
	mutex_lock(&wt->lock);
	done = captured(v, w, next, e);
	mutex_unlock(&wt->lock);
	vcpus_exclusive_end(v);
	return done;
}
