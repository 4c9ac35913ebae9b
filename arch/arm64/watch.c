/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/watch.h"

#include "arch/arm64/capture.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/memmap.h"
#include "arch/arm64/touch.h"
#include "arch/arm64/watch_parts.h"
#include "vmm/base/checked.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* How many reads of others a page is kept from them for a pair of exclusives. */
#define PATIENCE 1024

/* --- pages ------------------------------------------------------------------------------------ */

static struct watch_cpu *cpu_of(const struct arch_machine *a, unsigned i)
{
	return &a->vcpu[i].watch;
}

/* What the vCPUs do not get of the page at @page. */
static unsigned taken(const struct arch_machine *a, uint64_t page)
{
	const struct watching *wt = &a->watching;
	unsigned kinds = watchset_kinds(wt->set, page, wt->page);

	for (unsigned i = 0; wt->wants && i < a->machine->vcpus->nr; i++)
		if (cpu_of(a, i)->wants && cpu_of(a, i)->page == page)
			kinds |= WATCH_READ;
	return kinds & WATCH_READ ? WATCH_READ | WATCH_WRITE : kinds;
}

static int protect(struct watching *wt, uint64_t base, uint64_t size, unsigned kinds, struct err *e)
{
	const uint64_t first = align_down(base, wt->page);
	const uint64_t last = align_down(base + (size - 1), wt->page);
	int prot = PROT_READ | PROT_WRITE;

	if (kinds)
		prot = kinds & WATCH_READ ? PROT_NONE : PROT_READ;
	if (mprotect(wt->ram + (first - wt->base), last - first + wt->page, prot) < 0)
		return err_sys(e, "--watch: mprotect");
	return 0;
}

static int protect_page(struct arch_machine *a, uint64_t page, struct err *e)
{
	return protect(&a->watching, page, a->watching.page, taken(a, page), e);
}

/* All ranges that are watched for @kind. */
static int protect_kind(struct watching *wt, unsigned kind, unsigned kinds, struct err *e)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < wt->set->nr; i++) {
		const struct watch_range *r = &wt->set->range[i];

		if (r->kinds & kind)
			code = protect(wt, r->base, r->size, kinds, e);
	}
	return code;
}

int watch_open(struct arch_machine *a, struct err *e)
{
	return protect_kind(&a->watching, WATCH_READ | WATCH_WRITE, 0, e);
}

int watch_close(struct arch_machine *a, struct err *e)
{
	struct watching *wt = &a->watching;
	int code = protect_kind(wt, WATCH_WRITE, WATCH_WRITE, e);

	/* Ranges may share a page: what takes more comes last. */
	if (code == 0)
		code = protect_kind(wt, WATCH_READ, WATCH_READ, e);
	for (unsigned i = 0; code == 0 && wt->wants && i < a->machine->vcpus->nr; i++)
		if (cpu_of(a, i)->wants)
			code = protect_page(a, cpu_of(a, i)->page, e);
	return code;
}

/* --- exclusives ------------------------------------------------------------------------------- */

/* Monitors look at 16 aligned bytes, which an exclusive access lies in. */
void watch_written(struct arch_machine *a, uint64_t pa, uint64_t size)
{
	const uint64_t first = pa / 16, last = (pa + (size - 1)) / 16;

	assert_held(&a->watching.lock);
	for (unsigned i = 0; i < a->machine->vcpus->nr; i++) {
		struct watch_cpu *c = cpu_of(a, i);
		const uint64_t at = c->monitor_pa / 16;

		if (c->monitor.bytes && at >= first && at <= last)
			c->monitor = (struct emulate_monitor){ 0 };
	}
}

void watch_clear_monitors(struct arch_machine *a)
{
	for (unsigned i = 0; i < a->machine->vcpus->nr; i++)
		cpu_of(a, i)->monitor = (struct emulate_monitor){ 0 };
}

static int stop_wanting(struct arch_machine *a, struct watch_cpu *c, struct err *e)
{
	if (!c->wants)
		return 0;
	c->wants = false;
	a->watching.wants--;
	return protect_page(a, c->page, e);
}

static int want(struct arch_machine *a, struct watch_cpu *c, uint64_t pa, struct err *e)
{
	const uint64_t page = align_down(pa, a->watching.page);
	int code = c->wants && c->page != page ? stop_wanting(a, c, e) : 0;

	if (code || watchset_kinds(a->watching.set, page, a->watching.page) & WATCH_READ)
		return code;
	c->patience = PATIENCE;
	if (c->wants)
		return 0;
	c->wants = true;
	c->page = page;
	a->watching.wants++;
	return protect_page(a, page, e);
}

/* Somebody read at @pa: who wants that page and does not come for it, loses it. */
static int lose_patience(struct arch_machine *a, uint64_t pa, struct err *e)
{
	const uint64_t page = align_down(pa, a->watching.page);
	int code = 0;

	for (unsigned i = 0; code == 0 && a->watching.wants && i < a->machine->vcpus->nr; i++) {
		struct watch_cpu *c = cpu_of(a, i);

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
	const uint64_t page = a->watching.page;

	for (unsigned i = 0; i < x->nr; i++)
		if (x->kinds & taken(a, align_down(x->span[i].pa, page)))
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

/* What exclusives leave behind. */
static int exclusives(struct vcpu *v, const struct touching *x, const struct emulate_result *r,
		      struct err *e)
{
	struct arch_machine *a = v->machine->arch;
	struct watch_cpu *c = cpu_of(a, v->index);
	int code;

	if (x->i->class != INSN_EXCLUSIVE)
		return x->i->store ? 0 : lose_patience(a, x->span[0].pa, e);
	if (x->i->load) {
		c->monitor_pa = x->span[0].pa;
		return watch_pair_begin(v, e);
	}
	code = watch_pair_end(v, e);
	if (code)
		return code;
	if (r->nr && r->access[0].kind == EMULATE_WRITE)
		return stop_wanting(a, c, e);
	return want(a, c, x->span[0].pa, e);
}

/* *next, when it was done. */
static bool carry_out(struct vcpu *v, struct view *w, const struct touching *x,
		      const struct watch_hits *h, struct fault *f, enum fault_next *next,
		      struct err *e)
{
	struct arch_machine *a = v->machine->arch;
	enum fault_access did;
	struct touch t;

	*next = FAULT_RUN;
	switch (touch(&t, w, x->i, EMULATE_NORMAL, &cpu_of(a, v->index)->monitor)) {
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
	if (exclusives(v, x, &t.result, e))
		*next = FAULT_BROKEN;
	else if (f && outcome(x, &t.result, &did) && watch_report(h, v->machine, f, did))
		*next = FAULT_PARK;
	return true;
}

/* Frames of their own: struct fault is large. */
static NOINLINE bool carry_out_watched(struct vcpu *v, struct view *w, const struct touching *x,
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

static NOINLINE bool carry_out_unwatched(struct vcpu *v, struct view *w, const struct touching *x,
					 enum fault_next *next, struct err *e)
{
	return carry_out(v, w, x, NULL, NULL, next, e);
}

/* With the lock. False when it is to be stepped. */
static bool by_hand(struct vcpu *v, struct view *w, const struct touching *x, enum fault_next *next,
		    struct err *e)
{
	struct arch_machine *a = v->machine->arch;
	struct watch_hits h = { .nr = 0 };

	assert_held(&a->watching.lock);
	if (!is_kept_away(a, x))
		return false;
	for (unsigned i = 0; i < x->nr; i++)
		watch_note(&h, v->machine, x->span[i].pa, x->span[i].va, x->span[i].bytes,
			   x->kinds);
	return h.nr ? carry_out_watched(v, w, x, &h, next, e)
		    : carry_out_unwatched(v, w, x, next, e);
}

static bool take_apart(struct touching *x, struct insn *i, struct view *w,
		       const struct watching *wt)
{
	uint32_t word;

	*x = (struct touching){ .i = i };
	if (!view_insn(w, &word) || !insn_decode(word, i))
		return false;
	x->kinds = (i->load ? WATCH_READ : 0) | (i->store ? WATCH_WRITE : 0);
	return find_spans(x, w, wt);
}

/*
 * The second half of a pair must not be left to the CPU, which knows nothing of the first and may
 * let it fail without an access.
 */
NOINLINE bool watch_pair_store(struct vcpu *v, enum fault_next *next, struct err *e)
{
	struct arch_machine *a = v->machine->arch;
	struct watch_cpu *c = cpu_of(a, v->index);
	struct touching x;
	struct insn i;
	struct view w;

	assert_held(&a->watching.lock);
	view_open(&w, v);
	return take_apart(&x, &i, &w, &a->watching) && i.class == INSN_EXCLUSIVE && i.store &&
	       c->monitor_pa == x.span[0].pa && by_hand(v, &w, &x, next, e);
}

bool watch_efault(struct vcpu *v, struct view *w, enum fault_next *next, struct err *e)
{
	struct watching *wt = &v->machine->arch->watching;
	struct touching x;
	struct insn i;

	if (!wt->set)
		return false;
	if (take_apart(&x, &i, w, wt)) {
		LOCK_SCOPE(&wt->lock);
		if (by_hand(v, w, &x, next, e)) {
			if (i.class == INSN_EXCLUSIVE && i.load && *next == FAULT_RUN &&
			    watch_pair_next(v, next, e))
				*next = FAULT_BROKEN;
			return true;
		}
	}
	return watch_step(v, w, next, e);
}

/* --- what devices do -------------------------------------------------------------------------- */

static void device_before(void *ctx, gpa_t at, size_t len, bool write)
{
	struct arch_machine *a = ctx;

	mutex_lock(&a->watching.lock);
	a->watching.device.nr = 0;
	if (len)
		watch_note(&a->watching.device, a->machine, at.a, 0, len,
			   write ? WATCH_WRITE : WATCH_READ);
}

static void report_device(struct arch_machine *a, size_t len, bool write)
{
	struct fault f = { .device = true, .size = len < UINT32_MAX ? (unsigned)len : 0 };

	(void)watch_report(&a->watching.device, a->machine, &f, write ? FAULT_WRITE : FAULT_READ);
}

static void device_after(void *ctx, gpa_t at, size_t len, bool write)
{
	struct arch_machine *a = ctx;

	if (len && write)
		watch_written(a, at.a, len);
	if (a->watching.device.nr)
		report_device(a, len, write);
	mutex_unlock(&a->watching.lock);
}

/* It was written before anybody could look what was there. */
static void device_written(void *ctx, gpa_t at, size_t len)
{
	device_before(ctx, at, len, true);
	device_after(ctx, at, len, true);
}

/* --- life ------------------------------------------------------------------------------------- */

static int check_ranges(const struct watching *wt, const struct watchset *s, struct err *e)
{
	for (size_t i = 0; i < s->nr; i++) {
		const struct watch_range *r = &s->range[i];

		if (!range_inside(r->base, r->size, wt->base, wt->size))
			return err_set(
				e, EINVAL,
				"--watch %s: 0x%" PRIx64 " bytes at 0x%" PRIx64
				" are not all in RAM, which is from 0x%" PRIx64 " to 0x%" PRIx64,
				r->name, r->size, r->base, wt->base, wt->base + (wt->size - 1));
	}
	return 0;
}

static void forget(struct machine *m)
{
	struct arch_machine *a = m->arch;

	for (unsigned i = 0; i < m->vcpus->nr; i++) {
		if (cpu_of(a, i)->steps)
			(void)watch_pair_end(&m->vcpus->vcpu[i], NULL);
		*cpu_of(a, i) = (struct watch_cpu){ 0 };
	}
	a->watching.wants = 0;
}

int arch_watch(struct machine *m, const struct watchset *s, struct err *e)
{
	struct arch_machine *a = m->arch;
	struct watching *wt = &a->watching;
	int code = 0;

	LOCK_SCOPE(&wt->lock);
	if (wt->set)
		code = watch_open(a, e);
	forget(m);
	wt->set = NULL;
	m->mem->observer = NULL;
	free(wt->shadow);
	wt->shadow = NULL;
	if (code || !s || s->nr == 0)
		return code;
	for (size_t i = 0; i < m->mem->nr; i++)
		if (m->mem->region[i].base == memmap[MM_RAM].base)
			wt->ram = m->mem->region[i].guest;
	wt->base = memmap[MM_RAM].base;
	wt->size = m->config->mem;
	wt->page = (uint64_t)sysconf(_SC_PAGESIZE);
	code = check_ranges(wt, s, e);
	if (code)
		return code;
	wt->shadow = malloc(s->nr * WATCH_SHADOW);
	if (!wt->shadow)
		return err_set(e, ENOMEM, "--watch: out of memory");
	wt->set = s;
	wt->observer = (struct gmem_observer){
		.before = device_before,
		.after = device_after,
		.written = device_written,
		.ctx = a,
	};
	m->mem->observer = &wt->observer;
	return watch_close(a, e);
}

void watch_init(struct arch_machine *a)
{
	mutex_init(&a->watching.lock);
}

void watch_destroy(struct arch_machine *a)
{
	free(a->watching.shadow);
	mutex_destroy(&a->watching.lock);
}
