/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/core/watchset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

int watchset_add(struct watchset *s, const struct watch_range *r, struct err *e)
{
	struct watch_range *more;

	if (r->size == 0 || r->size - 1 > UINT64_MAX - r->base)
		return err_set(e, EINVAL, "0x%" PRIx64 " bytes at 0x%" PRIx64 " are no range",
			       r->size, r->base);
	more = realloc(s->range, (s->nr + 1) * sizeof(*more));
	if (!more)
		return err_set(e, ENOMEM, "out of memory");
	s->range = more;
	s->range[s->nr++] = *r;
	return 0;
}

void watchset_free(struct watchset *s)
{
	free(s->range);
	*s = (struct watchset){ 0 };
}

unsigned watchset_kinds(const struct watchset *s, uint64_t base, uint64_t size)
{
	unsigned kinds = 0;
	uint64_t at, len;

	for (size_t i = 0; i < s->nr; i++)
		if (watch_overlap(&s->range[i], base, size, &at, &len))
			kinds |= s->range[i].kinds;
	return kinds;
}

bool watch_overlap(const struct watch_range *r, uint64_t base, uint64_t size, uint64_t *at,
		   uint64_t *len)
{
	/* Last bytes, since an end may be 2^64. */
	const uint64_t r_last = r->base + (r->size - 1), last = base + (size - 1);
	const uint64_t end = last < r_last ? last : r_last;

	*at = base > r->base ? base : r->base;
	if (*at > end)
		return false;
	*len = end - *at + 1;
	return true;
}
