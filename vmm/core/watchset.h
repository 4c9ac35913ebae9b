/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchset: which bytes of the guest's memory are watched, and for what. Pure: a list and questions
 * to it. Ranges may overlap, and every one of them counts.
 *
 * Fill it, then only ask: there is no lock.
 */
#ifndef VMM_CORE_WATCHSET_H
#define VMM_CORE_WATCHSET_H

#include "vmm/base/err.h"

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

struct watch_range {
	uint64_t base, size; /* guest physical; size is not 0, and base + size - 1 does not wrap */
	unsigned kinds;	     /* WATCH_..., at least one */
	bool stop;	     /* the machine stops at an access */
	const char *name;    /* as the user wrote it; borrowed */
};

struct watchset {
	struct watch_range *range; /* in the order they were added; owned */
	size_t nr;
};

/* Adds a copy of @r. -EINVAL for an empty or wrapping one, -ENOMEM. */
int watchset_add(struct watchset *s, const struct watch_range *r, struct err *e) MUST_CHECK;

/* Frees the list. Fine on one of zeroes. */
void watchset_free(struct watchset *s);

/* What any of [@base, @base + @size) is watched for: WATCH_... or 0. @size is not 0; no wrap. */
unsigned watchset_kinds(const struct watchset *s, uint64_t base, uint64_t size);

/* The bytes of @r among [@base, @base + @size): false when there are none. No wrap. */
bool watch_overlap(const struct watch_range *r, uint64_t base, uint64_t size, uint64_t *at,
		   uint64_t *len);

#endif
