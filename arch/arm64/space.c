/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/space.h"

#include "vmm/base/checked.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Index of the first range that ends beyond @addr. */
static size_t first_beyond(const struct space *s, uint64_t addr)
{
	size_t lo = 0, hi = s->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->range[mid].base + s->range[mid].size > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static int insert(struct space *s, size_t at, const struct space_range *r, struct err *e)
{
	if (s->nr == s->room) {
		size_t room = s->room ? 2 * s->room : 32;
		struct space_range *more = reallocarray(s->range, room, sizeof(*more));

		if (!more)
			return err_set(e, ENOMEM, "address space: out of memory");
		s->range = more;
		s->room = room;
	}
	assert(s->range);
	memmove(&s->range[at + 1], &s->range[at], (s->nr - at) * sizeof(s->range[0]));
	s->range[at] = *r;
	s->nr++;
	return 0;
}

/* Adds the pieces of @r that nothing else has. */
static int fill_in(struct space *s, const struct space_range *r, struct err *e)
{
	uint64_t at = r->base, end = r->base + r->size;
	int code = 0;

	while (code == 0 && at < end) {
		size_t i = first_beyond(s, at);
		const struct space_range *next = i < s->nr ? &s->range[i] : NULL;
		struct space_range piece = *r;
		uint64_t stop;

		if (next && next->base <= at) {
			at = next->base + next->size;
			continue;
		}
		stop = next && next->base < end ? next->base : end;
		piece.base = at;
		piece.size = stop - at;
		code = insert(s, i, &piece, e);
		at = stop;
	}
	return code;
}

int space_add(struct space *s, const struct space_range *r, struct err *e)
{
	uint64_t end;
	size_t i;

	if (r->size == 0 || !add_ok(r->base, r->size, &end))
		return err_set(e, EINVAL, "%s at 0x%" PRIx64 " of 0x%" PRIx64 " bytes: no range",
			       r->name, r->base, r->size);
	if (r->kind == SPACE_QUIET)
		return fill_in(s, r, e);
	i = first_beyond(s, r->base);
	if (i < s->nr && s->range[i].base < end)
		return err_set(e, EEXIST,
			       "%s at 0x%" PRIx64 " of 0x%" PRIx64
			       " bytes lies over %s at 0x%" PRIx64,
			       r->name, r->base, r->size, s->range[i].name, s->range[i].base);
	return insert(s, i, r, e);
}

void space_free(struct space *s)
{
	free(s->range);
	*s = (struct space){ 0 };
}

const struct space_range *space_at(const struct space *s, uint64_t addr)
{
	size_t i = first_beyond(s, addr);

	return i < s->nr && s->range[i].base <= addr ? &s->range[i] : NULL;
}

void space_beside(const struct space *s, uint64_t addr, const struct space_range **below,
		  const struct space_range **above)
{
	size_t i = first_beyond(s, addr);

	*below = NULL;
	*above = NULL;
	/* A quiet hole is nobody's neighbour. */
	for (size_t b = i; b > 0 && !*below; b--)
		if (s->range[b - 1].kind != SPACE_QUIET)
			*below = &s->range[b - 1];
	for (; i < s->nr && !*above; i++)
		if (s->range[i].kind != SPACE_QUIET && s->range[i].base > addr)
			*above = &s->range[i];
}

bool space_hole(const struct space *s, uint64_t from, uint64_t end, uint64_t page, uint64_t *base,
		uint64_t *size)
{
	uint64_t mask = page - 1, at = from;

	if (!add_ok(at, mask, &at))
		return false;
	at &= ~mask;
	end &= ~mask;
	for (size_t i = first_beyond(s, at); at < end; i++) {
		uint64_t stop = end, next;

		if (i < s->nr && s->range[i].base < end)
			stop = s->range[i].base & ~mask;
		if (stop > at) {
			*base = at;
			*size = stop - at;
			return true;
		}
		if (i >= s->nr)
			return false;
		next = s->range[i].base + s->range[i].size;
		if (!add_ok(next, mask, &next))
			return false;
		next &= ~mask;
		if (next > at)
			at = next;
	}
	return false;
}
