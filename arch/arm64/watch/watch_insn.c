/* SPDX-License-Identifier: Apache-2.0 */
/* One instruction, carried out by hand on pages that are taken from the vCPUs. */
#include "arch/arm64/fault/capture.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/fault/touch.h"
#include "arch/arm64/insn/insn32.h"
#include "arch/arm64/watch/watch_parts.h"
#include "vmm/base/checked.h"

#include <errno.h>

/* How many reads of others a page is kept from them for a pair of exclusives. */
#define PATIENCE 1024

/* --- exclusives ------------------------------------------------------------------------------- */

/* Monitors look at 16 aligned bytes, which an exclusive access lies in. */
void watch_written(struct arch_machine *a, uint64_t pa, uint64_t size)
{
	const uint64_t first = pa / 16, last = (pa + (size - 1)) / 16;

	assert_held(&a->watching.lock);
	for (unsigned i = 0; i < a->machine->vcpus->nr; i++) {
		struct watch_cpu *c = watch_cpu_of(a, i);
		const uint64_t at = c->monitor_pa / 16;

		if (c->monitor.bytes && at >= first && at <= last)
			c->monitor = (struct emulate_monitor){ 0 };
	}
}

void watch_clear_monitors(struct arch_machine *a)
{
	for (unsigned i = 0; i < a->machine->vcpus->nr; i++)
		watch_cpu_of(a, i)->monitor = (struct emulate_monitor){ 0 };
}

static int stop_wanting(struct arch_machine *a, struct watch_cpu *c, struct err *e)
{
	if (!c->wants)
		return 0;
	c->wants = false;
	a->watching.wants--;
	return watch_close(a, c->page, e);
}

static int want(struct arch_machine *a, struct watch_cpu *c, uint64_t pa, struct err *e)
{
	const uint64_t page = align_down(pa, a->watching.page);
	const unsigned kinds = watchset_kinds(a->watching.set, page, a->watching.page);
	int code = c->wants && c->page != page ? stop_wanting(a, c, e) : 0;

	if (code || kinds == 0 || kinds & WATCH_READ)
		return code; /* it is nobody's, or nobody's but ours anyway */
	c->patience = PATIENCE;
	if (c->wants)
		return 0;
	c->wants = true;
	c->page = page;
	a->watching.wants++;
	return watch_close(a, page, e);
}

/* Somebody read at @pa: who wants that page and does not come for it, loses it. */
static int lose_patience(struct arch_machine *a, uint64_t pa, struct err *e)
{
	const uint64_t page = align_down(pa, a->watching.page);
	int code = 0;

	for (unsigned i = 0; code == 0 && a->watching.wants && i < a->machine->vcpus->nr; i++) {
		struct watch_cpu *c = watch_cpu_of(a, i);

		if (c->wants && c->page == page && --c->patience == 0)
			code = stop_wanting(a, c, e);
	}
	return code;
}

/* --- the instruction -------------------------------------------------------------------------- */

/* A part of an access within one page of 4 KiB. */
struct span {
	uint64_t va, pa, bytes;
};

#define SPANS 2 /* no access is longer than 2048 bytes */

struct touching {
	const struct insn *i;
	struct span span[SPANS];
	unsigned nr;
	unsigned kinds; /* what it may do */
};

/* Where all of it is in RAM: false when it is not, or not known. */
static bool find_spans(struct touching *x, struct view *w, const struct watching *wt)
{
	const struct emulate_cpu cpu = {
		.ops = &capture_address_ops,
		.ctx = w,
		.zva_bytes = view_zva_bytes(),
	};
	const enum fault_access access = x->i->store ? FAULT_WRITE : FAULT_READ;
	struct emulate_address at;
	uint64_t left;

	if (emulate_address(&cpu, x->i, &at) != EMULATE_DONE)
		return false;
	for (left = at.bytes; left && x->nr < SPANS; x->nr++) {
		struct span *s = &x->span[x->nr];
		struct mmu_walk walk;

		s->va = at.va + (at.bytes - left);
		s->bytes = 0x1000 - s->va % 0x1000;
		if (s->bytes > left)
			s->bytes = left;
		view_walk(w, s->va, access, &walk);
		if (!walk.mapped || !range_inside(walk.pa, s->bytes, wt->base, wt->size))
			return false;
		s->pa = walk.pa;
		left -= s->bytes;
	}
	return left == 0 && x->nr;
}

/* Whether the vCPU could not do it since it does not get a page. */
static bool is_kept_away(const struct arch_machine *a, const struct touching *x)
{
	for (unsigned i = 0; i < x->nr; i++)
		if (x->kinds & watch_taken(a, x->span[i].pa))
			return true;
	return false;
}

/* What it did in the end: false when it came to nothing. */
static bool outcome(const struct touching *x, const struct emulate_result *r,
		    enum fault_access *did)
{
	if (r->nr == 0)
		return false;
	switch (r->access[0].kind) {
	case EMULATE_READ: /* a store-exclusive that failed looked, but nobody gets to know what */
		*did = FAULT_READ;
		return !x->i->status;
	case EMULATE_WRITE:
		*did = FAULT_WRITE;
		break;
	case EMULATE_UPDATE:
		*did = FAULT_READ_WRITE;
		break;
	}
	return true;
}

/* What it leaves behind. */
static int leave(struct vcpu *v, const struct touching *x, const struct emulate_result *r,
		 struct err *e)
{
	struct arch_machine *a = v->machine->arch;
	struct watch_cpu *c = watch_cpu_of(a, v->index);

	if (x->i->class != INSN_EXCLUSIVE)
		return x->i->store ? 0 : lose_patience(a, x->span[0].pa, e);
	c->pairing = x->i->load;
	if (x->i->load) {
		c->monitor_pa = x->span[0].pa;
		return 0;
	}
	c->monitor = (struct emulate_monitor){ 0 };
	c->failed_pa = 0;
	if (r->nr && r->access[0].kind == EMULATE_WRITE)
		return stop_wanting(a, c, e);
	c->failed_pa = x->span[0].pa;
	c->pairing = true; /* it is likely to try again */
	return 0;
}

/* *next, when it was done. */
static bool carry_out(struct vcpu *v, struct view *w, const struct touching *x,
		      const struct watch_hits *h, struct fault *f, enum fault_next *next,
		      struct err *e)
{
	enum fault_access did;
	struct touch t = { .memory = EMULATE_NORMAL, .watched = true };

	*next = FAULT_RUN;
	switch (touch(&t, w, x->i)) {
	case EMULATE_DONE:
		break;
	case EMULATE_AGAIN:
		return true;
	case EMULATE_FAILED:
		(void)err_code(e, w->code ? -w->code : EIO, "vCPU %u: registers", v->index);
		*next = FAULT_BROKEN;
		return true;
	case EMULATE_ABORT: /* the guest's tables changed, or the host's memory failed */
	case EMULATE_ALIGNMENT:
	case EMULATE_UNSUPPORTED:
	case EMULATE_CANNOT:
		return false;
	}
	if (leave(v, x, &t.result, e))
		*next = FAULT_BROKEN;
	else if (h->nr && outcome(x, &t.result, &did) && watch_report(h, v->machine, f, did))
		*next = FAULT_PARK;
	return true;
}

/* Frames of their own: struct fault is large. */
static NOINLINE bool carry_out_told(struct vcpu *v, struct view *w, const struct touching *x,
				    const struct watch_hits *h, enum fault_next *next,
				    struct err *e)
{
	struct fault f = { .vcpu = v->index, .pc = w->pc };

	watch_capture(&f, w);
	f.size = 0;
	for (unsigned i = 0; i < x->nr; i++)
		f.size += (unsigned)x->span[i].bytes;
	return carry_out(v, w, x, h, &f, next, e);
}

static NOINLINE bool carry_out_untold(struct vcpu *v, struct view *w, const struct touching *x,
				      const struct watch_hits *h, enum fault_next *next,
				      struct err *e)
{
	return carry_out(v, w, x, h, NULL, next, e);
}

static bool take_apart(struct touching *x, struct insn *i, struct view *w,
		       const struct watching *wt)
{
	*x = (struct touching){ .i = i };
	if (!view_decode(w, i) || (i->aarch32 && !insn32_passes(i->cond, (uint32_t)w->pstate)))
		return false;
	x->kinds = (i->load ? WATCH_READ : 0) | (i->store ? WATCH_WRITE : 0);
	return find_spans(x, w, wt);
}

/* Whether it is one that has to be done by hand. */
static enum watch_did whether(const struct arch_machine *a, const struct touching *x,
			      enum watch_how how)
{
	if (is_kept_away(a, x))
		return WATCH_DONE;
	if (x->i->class != INSN_EXCLUSIVE || how == WATCH_BESIDE)
		return WATCH_LEFT;
	return how == WATCH_ALONE || watch_taken(a, x->span[0].pa) ? WATCH_DONE : WATCH_OTHER;
}

enum watch_did watch_insn(struct vcpu *v, struct view *w, enum watch_how how, enum fault_next *next,
			  struct err *e)
{
	struct arch_machine *a = v->machine->arch;
	struct watch_hits h = { .nr = 0 };
	enum watch_did did;
	struct touching x;
	struct insn i;
	bool done;

	assert_held(&a->watching.lock);
	*next = FAULT_RUN;
	if (!take_apart(&x, &i, w, &a->watching))
		return WATCH_LEFT;
	did = whether(a, &x, how);
	if (did != WATCH_DONE)
		return did;
	for (unsigned n = 0; n < x.nr; n++)
		watch_note(&h, v->machine, x.span[n].pa, x.span[n].va, x.span[n].bytes, x.kinds);
	if (h.nr && watch_wants_facts(&h, v->machine))
		done = carry_out_told(v, w, &x, &h, next, e);
	else
		done = carry_out_untold(v, w, &x, &h, next, e);
	return done ? WATCH_DONE : WATCH_LEFT;
}

int watch_pair_over(struct vcpu *v, struct err *e)
{
	struct arch_machine *a = v->machine->arch;
	struct watch_cpu *c = watch_cpu_of(a, v->index);
	const uint64_t failed = c->failed_pa;

	assert_held(&a->watching.lock);
	c->monitor = (struct emulate_monitor){ 0 };
	c->pairing = false;
	c->failed_pa = 0;
	return failed ? want(a, c, failed, e) : 0;
}

/* Whether the page that PC is in is taken. */
static bool fetch_is_taken(struct arch_machine *a, struct view *w)
{
	struct mmu_walk walk;

	view_walk(w, w->pc, FAULT_FETCH, &walk);
	return walk.mapped && watch_taken(a, walk.pa) & WATCH_READ;
}

/* With the lock. */
static bool by_hand(struct vcpu *v, struct view *w, enum fault_next *next, struct err *e)
{
	LOCK_SCOPE(&v->machine->arch->watching.lock);
	return !fetch_is_taken(v->machine->arch, w) &&
	       watch_insn(v, w, WATCH_BESIDE, next, e) == WATCH_DONE;
}

bool watch_efault(struct vcpu *v, struct view *w, enum fault_next *next, struct err *e)
{
	struct arch_machine *a = v->machine->arch;

	if (!a->watching.set)
		return false;
	if (!by_hand(v, w, next, e)) {
		if (!watch_alone(v, next, e))
			return false;
		exits_explain(&a->vcpu[v->index].exits, EXIT_WATCHED, 0, 0, FAULT_READ);
		return true;
	}
	exits_explain(&a->vcpu[v->index].exits, EXIT_WATCHED, 0, 0, FAULT_READ);
	if (*next == FAULT_RUN && watch_cpu_of(a, v->index)->pairing)
		*next = watch_pair(v, e);
	return true;
}
