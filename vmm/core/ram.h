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
 * Mapped twice, for memory that is watched: what KVM's memory slots point to can lose its rights
 * page by page, and vmm still reaches all of it. That takes shared memory.
 *
 * Nothing is reserved otherwise: a guest may be given more than the host has free. Parts that the
 * guest does not need can go back to the host, but for those of the pool: another program might
 * take them, and there would be none left when the guest wants them again.
 */
#ifndef VMM_CORE_RAM_H
#define VMM_CORE_RAM_H

#include "vmm/base/err.h"

struct ram {
	void *host;  /* NULL while there is none */
	void *guest; /* for KVM's memory slots: host itself, but with RAM_TWICE */
	uint64_t size;
	int fd;	       /* memfd when shared, else -1 */
	uint64_t page; /* bytes; the least that ram_discard() gives back. 0: it gives nothing */
};

enum { RAM_SHARED = 1, RAM_HUGETLB = 2, RAM_TWICE = 4 };

/*
 * @size: bytes, a multiple of the host's page size; with RAM_HUGETLB of its huge pages', or
 * -EINVAL.
 * @flags: RAM_... or 0; RAM_TWICE means RAM_SHARED as well, and not RAM_HUGETLB. @e is not NULL.
 */
int ram_create(struct ram *r, uint64_t size, unsigned flags, struct err *e) MUST_CHECK;

/*
 * Gives the pages back to the host that lie wholly in [@off, @off + @len), which is inside: they
 * read as zeroes, and take memory again when they are written. How many bytes; 0 as well when the
 * host refuses. Huge pages that are given back in parts become small ones. Any thread; who else
 * uses the pages meanwhile finds the old content or zeroes, and may lose what it writes.
 */
uint64_t ram_discard(const struct ram *r, uint64_t off, uint64_t len);

/* Fine on one that was zeroed with fd -1 or failed. */
void ram_destroy(struct ram *r);

#endif
