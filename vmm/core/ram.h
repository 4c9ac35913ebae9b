/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ram: the host memory that is the guest's RAM. The one place that decides what it is made of.
 *
 * Private: anonymous memory, 2 MiB-aligned, with transparent huge pages asked for: stage 2 then
 * maps 2 MiB at a time, and hosts ship with huge pages off for shared memory. Shared, for another
 * process that must see it: a sealed memfd (it can be neither shrunk nor grown), with huge pages
 * where the host allows. With hugetlb, pages come from the host's reserved pool, all of them
 * taken at once, or creation fails.
 *
 * Nothing is reserved otherwise: a guest may be given more than the host has free.
 */
#ifndef VMM_CORE_RAM_H
#define VMM_CORE_RAM_H

#include "vmm/base/err.h"

struct ram {
	void *host; /* NULL while there is none */
	uint64_t size;
	int fd; /* memfd when shared, else -1 */
};

enum { RAM_SHARED = 1, RAM_HUGETLB = 2 };

/*
 * @size: bytes, a multiple of the host's page size; with RAM_HUGETLB of its huge pages', or
 * -EINVAL.
 * @flags: RAM_... or 0. @e is not NULL.
 */
int ram_create(struct ram *r, uint64_t size, unsigned flags, struct err *e) MUST_CHECK;

/* Fine on one that was zeroed with fd -1 or failed. */
void ram_destroy(struct ram *r);

#endif
