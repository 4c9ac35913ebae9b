/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space: who lies where in the guest physical address space, as a sorted list of named ranges; and
 * so, what holes are between them. Pure: the machine fills it in.
 */
#ifndef VMM_ARCH_ARM64_SPACE_H
#define VMM_ARCH_ARM64_SPACE_H

#include "vmm/base/err.h"

enum space_kind {
	SPACE_RAM,
	SPACE_ROM,    /* memory that the guest cannot write */
	SPACE_DEVICE, /* on the bus */
	SPACE_KERNEL, /* a device that KVM emulates itself: the GIC */
	SPACE_QUIET,  /* a hole whose policy is not to complain */
};

struct space_range {
	uint64_t base, size; /* bytes; size is not 0, and base + size at most 2^64 - 1 */
	enum space_kind kind;
	const char *name; /* borrowed */
};

struct space {
	struct space_range *range; /* sorted by base, disjoint; owned */
	size_t nr, room;
};

/*
 * Adds a range. One that overlaps another fails with -EEXIST, but for SPACE_QUIET, of which only
 * what is free is added. Also -ENOMEM; -EINVAL for an empty or wrapping one.
 */
int space_add(struct space *s, const struct space_range *r, struct err *e) MUST_CHECK;

/* Frees the list. Fine on one of zeroes. */
void space_free(struct space *s);

/* The range that holds @addr, or NULL. */
const struct space_range *space_at(const struct space *s, uint64_t addr);

/* The nearest ranges on both sides of @addr, which is in none; NULL where there is none. */
void space_beside(const struct space *s, uint64_t addr, const struct space_range **below,
		  const struct space_range **above);

/*
 * The first hole that begins at or after @from and below @end: no page of it, @page bytes large (a
 * power of two), has anything of a range. False when there is none. SPACE_QUIET counts as a range.
 */
bool space_hole(const struct space *s, uint64_t from, uint64_t end, uint64_t page, uint64_t *base,
		uint64_t *size);

#endif
