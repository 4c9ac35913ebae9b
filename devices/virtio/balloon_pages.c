/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/balloon_pages.h"

#include "vmm/base/checked.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static bool can_give_back(const struct gmem_region *r)
{
	return r->ram && r->ram->page && !r->readonly;
}

int balloon_pages_init(struct balloon_pages *p, const struct gmem *mem, struct err *e)
{
	uint64_t first = UINT64_MAX, end = 0, unit = 1;

	for (size_t i = 0; i < mem->nr; i++) { /* they are sorted */
		const struct gmem_region *r = &mem->region[i];

		if (!can_give_back(r))
			continue;
		if (first > r->base / BALLOON_PAGE)
			first = r->base / BALLOON_PAGE;
		end = (r->base + (r->size - 1)) / BALLOON_PAGE + 1;
		if (unit < r->ram->page / BALLOON_PAGE)
			unit = r->ram->page / BALLOON_PAGE;
	}
	if (end == 0)
		return err_set(e, ENOTSUP, "the guest's memory cannot be given back");
	p->mem = mem;
	p->unit = unit;
	p->first = align_down(first, unit);
	if (!align_up_ok(end, unit, &end))
		return err_set(e, ENOTSUP, "the guest's memory ends too high");
	p->nr = end - p->first;
	p->size = (size_t)((p->nr + 63) / 64 * 8);
	p->in = mmap(NULL, p->size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->in == MAP_FAILED) {
		p->in = NULL;
		return err_sys(e, "memory for the balloon's pages");
	}
	/* Or the first page might take 2 MiB; an error means that there are none so large. */
	(void)madvise(p->in, p->size, MADV_NOHUGEPAGE);
	return 0;
}

void balloon_pages_done(struct balloon_pages *p)
{
	if (p->in)
		(void)munmap(p->in, p->size);
	p->in = NULL;
}

void balloon_pages_clear(struct balloon_pages *p)
{
	if (atomic_load_explicit(&p->inside, memory_order_relaxed) &&
	    madvise(p->in, p->size, MADV_DONTNEED) < 0)
		memset(p->in, 0, p->size);
	atomic_store_explicit(&p->inside, 0, memory_order_relaxed);
}

static bool is_in(const struct balloon_pages *p, uint64_t i)
{
	return p->in[i / 64] >> (i % 64) & 1;
}

/* Index of page number @page: false, and counted, when that is no RAM. */
static bool find(const struct balloon_pages *p, uint32_t page, uint64_t *i, struct balloon_work *w)
{
	const struct gmem_region *r;

	*i = page - p->first;
	if (page >= p->first && *i < p->nr) {
		r = gmem_find(p->mem, gpa((uint64_t)page * BALLOON_PAGE), BALLOON_PAGE);
		if (r && can_give_back(r))
			return true;
	}
	w->strays++;
	return false;
}

static bool all_in(const struct balloon_pages *p, uint64_t i)
{
	for (uint64_t n = 0; n < p->unit; n++)
		if (!is_in(p, i + n))
			return false;
	return true;
}

/* Pages [@i, @end) went in: gives back what of the host's pages is in as a whole now. */
static void give_back(struct balloon_pages *p, uint64_t i, uint64_t end, struct balloon_work *w)
{
	if (i == end)
		return;
	i = align_down(i, p->unit);
	end = align_down(end + (p->unit - 1), p->unit);
	/* All between those at the ends is, or it would not be between. */
	if (!all_in(p, i))
		i += p->unit;
	if (i < end && !all_in(p, end - p->unit))
		end -= p->unit;
	if (i >= end)
		return;
	w->calls++;
	w->bytes +=
		gmem_discard(p->mem, gpa((p->first + i) * BALLOON_PAGE), (end - i) * BALLOON_PAGE);
}

void balloon_pages_in(struct balloon_pages *p, const uint32_t *page, unsigned n,
		      struct balloon_work *w)
{
	uint64_t i, first = 0, end = 0, more = 0;

	for (unsigned k = 0; k < n; k++) {
		if (!find(p, page[k], &i, w))
			continue;
		more += !is_in(p, i);
		p->in[i / 64] |= UINT64_C(1) << (i % 64);
		/* Linux hands them out upwards or downwards, mostly. */
		if (first < end && i == end) {
			end++;
		} else if (first < end && i + 1 == first) {
			first--;
		} else {
			give_back(p, first, end, w);
			first = i;
			end = i + 1;
		}
	}
	give_back(p, first, end, w);
	(void)atomic_fetch_add_explicit(&p->inside, more, memory_order_relaxed);
}

void balloon_pages_out(struct balloon_pages *p, const uint32_t *page, unsigned n,
		       struct balloon_work *w)
{
	uint64_t i, less = 0;

	for (unsigned k = 0; k < n; k++) {
		if (!find(p, page[k], &i, w))
			continue;
		less += is_in(p, i);
		p->in[i / 64] &= ~(UINT64_C(1) << (i % 64));
	}
	(void)atomic_fetch_sub_explicit(&p->inside, less, memory_order_relaxed);
}
