/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken from the vCPUs; what devices do there; beginning and end. */
#include "arch/arm64/machine.h"
#include "arch/arm64/memmap.h"
#include "arch/arm64/watch/watch_parts.h"
#include "vmm/base/checked.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- pages ------------------------------------------------------------------------------------ */

struct watch_cpu *watch_cpu_of(const struct arch_machine *a, unsigned i)
{
	return &a->vcpu[i].watch;
}

unsigned watch_taken(const struct arch_machine *a, uint64_t pa)
{
	const struct watching *wt = &a->watching;
	const uint64_t page = align_down(pa, wt->page);
	unsigned kinds = watchset_kinds(wt->set, page, wt->page);

	for (unsigned i = 0; wt->wants && i < a->machine->vcpus->nr; i++)
		if (watch_cpu_of(a, i)->wants && watch_cpu_of(a, i)->page == page)
			kinds |= WATCH_READ;
	return kinds & WATCH_READ ? WATCH_READ | WATCH_WRITE : kinds;
}

/* All pages of [@base, @base + @size). */
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

int watch_close(struct arch_machine *a, uint64_t page, struct err *e)
{
	return protect(&a->watching, page, a->watching.page, watch_taken(a, page), e);
}

int watch_open(struct arch_machine *a, uint64_t page, struct err *e)
{
	return protect(&a->watching, page, a->watching.page, 0, e);
}

/* All ranges that are watched for @kind get the rights of @kinds. */
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

static int open_all(struct watching *wt, struct err *e)
{
	return protect_kind(wt, WATCH_READ | WATCH_WRITE, 0, e);
}

static int close_all(struct watching *wt, struct err *e)
{
	int code = protect_kind(wt, WATCH_WRITE, WATCH_WRITE, e);

	/* Ranges may share a page: what takes more comes last. */
	return code ? code : protect_kind(wt, WATCH_READ, WATCH_READ, e);
}

/* --- what devices do -------------------------------------------------------------------------- */

static void device_before(void *ctx, gpa_t at, size_t len, bool write)
{
	struct arch_machine *a = ctx;

	mutex_lock(&a->watching.lock);
	a->watching.device = (struct watch_hits){ .nr = 0 };
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

/* It was done before anybody could look what was there. */
static void device_was(void *ctx, gpa_t at, size_t len, bool written)
{
	struct arch_machine *a = ctx;

	device_before(ctx, at, len, written);
	a->watching.device.late = written;
	device_after(ctx, at, len, written);
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

/* Gives back what vCPUs wanted for their exclusives. */
static int forget(struct machine *m, struct err *e)
{
	struct arch_machine *a = m->arch;
	int code = 0;

	for (unsigned i = 0; i < m->vcpus->nr; i++) {
		struct watch_cpu *c = watch_cpu_of(a, i);

		if (code == 0 && c->wants)
			code = watch_open(a, c->page, e);
		*c = (struct watch_cpu){ 0 };
	}
	a->watching.wants = 0;
	return code;
}

/*
 * One piece for all, since a vCPU's thread may not ask the host for memory. Of the host it takes
 * only what is used.
 */
static int make_room(struct watching *wt, struct err *e)
{
	if (!wt->before)
		wt->before = malloc(WATCH_OPENED * wt->page);
	if (!wt->before)
		return err_set(e, ENOMEM, "--watch: out of memory");
	for (unsigned i = 0; i < WATCH_OPENED; i++)
		wt->opened[i].before = wt->before + i * wt->page;
	return 0;
}

int arch_watch(struct machine *m, const struct watchset *s, struct err *e)
{
	struct arch_machine *a = m->arch;
	struct watching *wt = &a->watching;
	int code = 0;

	LOCK_SCOPE(&wt->lock);
	if (wt->set)
		code = forget(m, e);
	if (wt->set && code == 0)
		code = open_all(wt, e);
	wt->set = NULL;
	m->mem->observer = NULL;
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
	code = make_room(wt, e);
	if (code)
		return code;
	wt->set = s;
	wt->observer = (struct gmem_observer){
		.before = device_before,
		.after = device_after,
		.was = device_was,
		.ctx = a,
	};
	m->mem->observer = &wt->observer;
	return close_all(wt, e);
}

void watch_init(struct arch_machine *a)
{
	mutex_init(&a->watching.lock);
}

void watch_destroy(struct arch_machine *a)
{
	free(a->watching.before);
	mutex_destroy(&a->watching.lock);
}
