/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/core/ram.h"

#include "vmm/base/checked.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE (2 * MiB)

/* Finds a 2 MiB-aligned place for @size bytes and maps it there: reserve more, give back the ends.
 */
static int map_aligned(struct ram *r, int prot, int flags, struct err *e)
{
	uint64_t span;
	uintptr_t at, aligned, end;
	void *hint, *host;

	if (!add_ok(r->size, HUGE_PAGE, &span))
		return err_set(e, ENOMEM, "guest RAM of 0x%" PRIx64 " bytes: too much", r->size);
	hint = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hint == MAP_FAILED)
		return err_sys(e, "guest RAM of %" PRIu64 " MiB", r->size / MiB);
	at = (uintptr_t)hint;
	aligned = (at + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
	end = aligned + r->size;
	if (aligned > at)
		(void)munmap(hint, aligned - at);
	if (at + span > end)
		(void)munmap((char *)hint + (end - at), at + span - end);
	host = mmap((char *)hint + (aligned - at), r->size, prot, flags | MAP_FIXED, r->fd, 0);
	if (host == MAP_FAILED) {
		int code = err_sys(e, "guest RAM of %" PRIu64 " MiB", r->size / MiB);

		(void)munmap((char *)hint + (aligned - at), r->size);
		return code;
	}
	r->host = host;
	return 0;
}

static int make_memfd(struct ram *r, unsigned flags, struct err *e)
{
	unsigned extra = flags & RAM_HUGETLB ? MFD_HUGETLB : 0;

	r->fd = memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING | extra);
	if (r->fd < 0)
		return err_sys(e, "guest RAM: memfd");
	if (ftruncate(r->fd, (off_t)r->size) < 0)
		return err_sys(e, "guest RAM of %" PRIu64 " MiB: memfd", r->size / MiB);
	/* A peer that shrank it could make us take SIGBUS at any access. */
	if (fcntl(r->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_sys(e, "guest RAM: seal");
	return 0;
}

int ram_create(struct ram *r, uint64_t size, unsigned flags, struct err *e)
{
	int map = MAP_NORESERVE, code = 0;

	*r = (struct ram){ .size = size, .fd = -1 };
	if (flags & RAM_SHARED) {
		code = make_memfd(r, flags, e);
		map |= MAP_SHARED;
	} else {
		map |= MAP_PRIVATE | MAP_ANONYMOUS;
		if (flags & RAM_HUGETLB)
			map |= MAP_HUGETLB;
	}
	if (flags & RAM_HUGETLB)
		map = (map & ~MAP_NORESERVE) | MAP_POPULATE;
	if (code == 0)
		code = map_aligned(r, PROT_READ | PROT_WRITE, map, e);
	if (code) {
		ram_destroy(r);
		if (flags & RAM_HUGETLB)
			return err_ctx(e,
				       "--hugepages: not enough free huge pages (reserve some: "
				       "sysctl vm.nr_hugepages=%" PRIu64 ")",
				       (size + HUGE_PAGE - 1) / HUGE_PAGE);
		return code;
	}
	/* Advice: a host without huge pages runs the guest all the same, only slower. */
	if (!(flags & RAM_HUGETLB))
		(void)madvise(r->host, r->size, MADV_HUGEPAGE);
	/* A core file of vmm is about vmm. */
	(void)madvise(r->host, r->size, MADV_DONTDUMP);
	return 0;
}

void ram_destroy(struct ram *r)
{
	if (r->host)
		(void)munmap(r->host, r->size);
	if (r->fd >= 0)
		(void)close(r->fd);
	*r = (struct ram){ .fd = -1 };
}
