/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions that the CPU itself does, one by one. */
#include "arch/arm64/fault/inject.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/watch/watch_mask.h"
#include "arch/arm64/watch/watch_parts.h"
#include "vmm/base/checked.h"

#include <string.h>

/*
 * Between a load-exclusive and its store; the manual asks for few ("Load-Exclusive and
 * Store-Exclusive instruction usage restrictions").
 */
#define PAIR_STEPS 64

/* In one turn alone; twice as many when it ends in a pair. */
#define ALONE_STEPS 64

/* --- a pair of exclusives --------------------------------------------------------------------- */

/* Whether the pair goes on behind this instruction; else *next says how to go on. */
static bool pair_goes_on(struct stepper *s, enum fault_next *next, struct err *e)
{
	struct vcpu *v = s->v;
	struct watching *wt = &v->machine->arch->watching;
	const struct watch_cpu *c = watch_cpu_of(v->machine->arch, v->index);
	enum watch_did did;
	uint32_t word;
	struct view w;

	*next = FAULT_RUN;
	view_open(&w, v);
	if (!view_insn(&w, &word) || (!view_aarch32(&w) && stepper_ends_pair(word)))
		return false;
	mutex_lock(&wt->lock);
	did = watch_insn(v, &w, WATCH_PAIR, next, e);
	mutex_unlock(&wt->lock);
	if (did == WATCH_DONE)
		return *next == FAULT_RUN && c->pairing;
	if (did == WATCH_OTHER)
		return false;
	switch (stepper_step(s, &w, word, e)) {
	case STEP_DONE:
		return true;
	case STEP_EXCEPTION:
	case STEP_REFUSED:
	case STEP_NOT_NOW:
		break;
	case STEP_EXIT:
		*next = FAULT_EXIT;
		break;
	case STEP_BROKEN:
		*next = FAULT_BROKEN;
		break;
	}
	return false;
}

enum fault_next watch_pair(struct vcpu *v, struct err *e)
{
	struct watching *wt = &v->machine->arch->watching;
	enum fault_next next = FAULT_RUN;
	struct stepper s;
	int code;

	if (stepper_begin(&s, v, e))
		return FAULT_BROKEN;
	for (unsigned n = 0; n < PAIR_STEPS && pair_goes_on(&s, &next, e); n++)
		;
	if (next == FAULT_BROKEN || stepper_end(&s, e))
		return FAULT_BROKEN;
	mutex_lock(&wt->lock);
	code = watch_pair_over(v, e);
	mutex_unlock(&wt->lock);
	return code ? FAULT_BROKEN : next;
}

/* --- pages that are open while a vCPU is alone ------------------------------------------------ */

/* Opens the page of @pa, if it is taken and not open yet: true. */
static bool open_page(struct machine *m, uint64_t pa, struct err *e, int *code)
{
	struct watching *wt = &m->arch->watching;
	const uint64_t page = align_down(pa, wt->page);
	struct watch_opened *o = &wt->opened[wt->nr_opened];

	if (*code || !range_inside(page, wt->page, wt->base, wt->size) ||
	    !watch_taken(m->arch, page))
		return false;
	for (unsigned i = 0; i < wt->nr_opened; i++)
		if (wt->opened[i].page == page)
			return false;
	if (wt->nr_opened == WATCH_OPENED)
		return false;
	o->page = page;
	wt->nr_opened++;
	*code = watch_open(m->arch, page, e);
	return *code == 0;
}

/* Those that a walk and the access behind it need. */
static bool open_walk(struct view *w, uint64_t va, enum fault_access access, struct err *e,
		      int *code)
{
	struct machine *m = w->v->machine;
	struct mmu_walk walk;
	bool more = false;

	view_walk(w, va, access, &walk);
	for (unsigned i = 0; i < walk.nr_steps; i++)
		more = open_page(m, walk.step[i].at, e, code) || more;
	return (walk.mapped && open_page(m, walk.pa, e, code)) || more;
}

/* What the vCPU was refused: first its instruction, then as the CPU tells. */
static bool open_more(struct view *w, struct err *e, int *code)
{
	uint64_t far = 0;

	if (open_walk(w, w->pc, FAULT_FETCH, e, code))
		return true;
	if (*code == 0)
		*code = inject_peek(w->v, &far, e);
	return *code == 0 && open_walk(w, far, FAULT_READ, e, code);
}

static int close_pages(struct arch_machine *a, struct err *e)
{
	int code = 0;

	for (unsigned i = 0; i < a->watching.nr_opened; i++)
		if (code == 0)
			code = watch_close(a, a->watching.opened[i].page, e);
	a->watching.nr_opened = 0;
	return code;
}

static void look_before(const struct machine *m)
{
	const struct watching *wt = &m->arch->watching;

	for (unsigned i = 0; i < wt->nr_opened; i++) {
		const struct watch_opened *o = &wt->opened[i];

		if (!gmem_peek(m->mem, gpa(o->page), o->before, wt->page))
			memset(o->before, 0, wt->page);
	}
}

/* --- alone ------------------------------------------------------------------------------------ */

/* What became of an instruction, and *next when that is the end of the turn. */
enum turn {
	TURN_GOES_ON,
	TURN_ENDS,
	TURN_INTERRUPTED, /* it ends as well, and the instruction is still to be done */
	TURN_NOT_OURS,
};

static enum turn turn_after(enum step step, enum fault_next *next)
{
	switch (step) {
	case STEP_DONE:
		return TURN_GOES_ON;
	case STEP_REFUSED:
		return TURN_NOT_OURS;
	case STEP_NOT_NOW:
		return TURN_INTERRUPTED;
	case STEP_EXCEPTION:
		*next = FAULT_RUN;
		break;
	case STEP_EXIT:
		*next = FAULT_EXIT;
		break;
	case STEP_BROKEN:
		*next = FAULT_BROKEN;
		break;
	}
	return TURN_ENDS;
}

static enum step step_open(struct stepper *s, struct view *w, uint32_t word, struct err *e)
{
	enum step step = STEP_REFUSED;
	int code = 0;

	/* Of the instruction it is known what it needs. */
	(void)open_walk(w, w->pc, FAULT_FETCH, e, &code);
	while (code == 0) {
		look_before(w->v->machine);
		step = stepper_step(s, w, word, e);
		if (step != STEP_REFUSED || !open_more(w, e, &code))
			break;
	}
	return code ? STEP_BROKEN : step;
}

/* A frame of its own: struct fault is large. True when the machine stops. */
static NOINLINE bool report_changes(struct view *w, const struct watch_hits *h)
{
	struct fault f = { .vcpu = w->v->index, .pc = w->pc };

	watch_capture(&f, w);
	return watch_report(h, w->v->machine, &f, FAULT_WRITE);
}

static bool tell_changes(struct view *w, const struct watch_hits *h)
{
	if (watch_wants_facts(h, w->v->machine))
		return report_changes(w, h);
	return watch_report(h, w->v->machine, NULL, FAULT_WRITE);
}

static enum turn do_one(struct stepper *s, struct view *w, enum fault_next *next, struct err *e)
{
	uint32_t word = 0;
	struct watch_hits *h = &w->v->machine->arch->watching.stepped;
	enum step step;

	if (view_insn(w, &word) && watch_insn(w->v, w, WATCH_ALONE, next, e) == WATCH_DONE)
		return *next == FAULT_RUN ? TURN_GOES_ON : TURN_ENDS;
	*next = FAULT_RUN;
	step = step_open(s, w, word, e);
	watch_note_changes(h, w->v->machine);
	if (h->nr && step != STEP_REFUSED && tell_changes(w, h)) {
		*next = FAULT_PARK;
		return TURN_ENDS;
	}
	return turn_after(step, next);
}

/* The same for one that is fetched from watched bytes, which is told first. */
static NOINLINE enum turn do_fetched(struct stepper *s, struct view *w, const struct watch_hits *h,
				     enum fault_next *next, struct err *e)
{
	struct fault f = { .vcpu = w->v->index, .pc = w->pc, .size = 4 };
	const bool facts = watch_wants_facts(h, w->v->machine);
	enum turn t;

	if (facts)
		watch_capture(&f, w);
	t = do_one(s, w, next, e);
	if ((t == TURN_GOES_ON || t == TURN_ENDS) &&
	    watch_report(h, w->v->machine, facts ? &f : NULL, FAULT_FETCH) && *next == FAULT_RUN)
		*next = FAULT_PARK;
	return t;
}

/* Whether the vCPU cannot even fetch it, or not without us. */
static bool is_taken(const struct arch_machine *a, const struct mmu_walk *walk)
{
	for (unsigned i = 0; i < walk->nr_steps; i++)
		if (watch_taken(a, walk->step[i].at) & WATCH_READ)
			return true;
	return walk->mapped && watch_taken(a, walk->pa) & WATCH_READ;
}

/* With the lock. False when nothing could be done. */
static bool take_turn(struct stepper *s, enum fault_next *next, struct err *e)
{
	struct arch_machine *a = s->v->machine->arch;
	const struct watch_cpu *c = watch_cpu_of(a, s->v->index);

	assert_held(&a->watching.lock);
	for (unsigned n = 0;; n++) {
		struct watch_hits h = { .nr = 0 };
		struct mmu_walk walk;
		struct view w;
		enum turn t;

		view_open(&w, s->v);
		view_walk(&w, w.pc, FAULT_FETCH, &walk);
		if (n && (!is_taken(a, &walk) || n >= (c->pairing ? 2 * ALONE_STEPS : ALONE_STEPS)))
			return true;
		if (walk.mapped)
			watch_note(&h, s->v->machine, walk.pa, w.pc, 4, WATCH_READ);
		t = h.nr ? do_fetched(s, &w, &h, next, e) : do_one(s, &w, next, e);
		if (t == TURN_NOT_OURS)
			return n;
		if (t != TURN_GOES_ON || *next != FAULT_RUN)
			return true;
	}
}

/* With the lock, alone. */
static bool alone(struct vcpu *v, enum fault_next *next, struct err *e)
{
	struct arch_machine *a = v->machine->arch;
	struct stepper s;
	bool done = true;

	*next = FAULT_RUN;
	if (stepper_begin(&s, v, e)) {
		*next = FAULT_BROKEN;
		return true;
	}
	done = take_turn(&s, next, e);
	watch_clear_monitors(a);
	if (*next == FAULT_BROKEN || close_pages(a, e) || watch_pair_over(v, e) ||
	    stepper_end(&s, e))
		*next = FAULT_BROKEN;
	return done || *next == FAULT_BROKEN;
}

bool watch_alone(struct vcpu *v, enum fault_next *next, struct err *e)
{
	struct watching *wt = &v->machine->arch->watching;
	bool done;

	*next = FAULT_RUN;
	if (!vcpus_exclusive_begin(v))
		return true;
	mutex_lock(&wt->lock);
	done = alone(v, next, e);
	mutex_unlock(&wt->lock);
	vcpus_exclusive_end(v);
	return done;
}
