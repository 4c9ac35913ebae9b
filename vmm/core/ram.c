/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/core/ram.h"

#include "vmm/base/checked.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE (2 * MiB)

#ifndef MADV_POPULATE_WRITE /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE /* Linux 6.1 */
#define MADV_COLLAPSE 25
#endif

/* Bytes of a page of the host's default pool; 0: not known. */
static uint64_t pool_page_size(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && kib == 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "Hugepagesize: %llu kB", &kib) != 1)
			kib = 0;
	if (f)
		(void)fclose(f);
	return kib * KiB;
}

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/*
 * Maps r->size bytes at a place that is @align-aligned: takes more, and gives back the ends. What
 * is of a file, or is filled at once, comes in when its place is known.
 */
static int map_aligned(const struct ram *r, void **to, uint64_t align, int flags, struct err *e)
{
	const bool plain = r->fd < 0 && !(flags & MAP_POPULATE);
	uint64_t span;
	uintptr_t at, aligned, end;
	void *hint, *host;

	/* Any place is aligned to a page. */
	if (!add_ok(r->size, align - page_size(), &span))
		return err_set(e, ENOMEM, "guest RAM of 0x%" PRIx64 " bytes: too much", r->size);
	hint = mmap(NULL, span, plain ? PROT_READ | PROT_WRITE : PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hint == MAP_FAILED)
		return err_sys(e, "guest RAM of %" PRIu64 " MiB", r->size / MiB);
	at = (uintptr_t)hint;
	aligned = (at + align - 1) & ~(uintptr_t)(align - 1);
	end = aligned + r->size;
	if (aligned > at)
		(void)munmap(hint, aligned - at);
	if (at + span > end)
		(void)munmap((char *)hint + (end - at), at + span - end);
	if (plain) {
		*to = (char *)hint + (aligned - at);
		return 0;
	}
	host = mmap((char *)hint + (aligned - at), r->size, PROT_READ | PROT_WRITE,
		    flags | MAP_FIXED, r->fd, 0);
	if (host == MAP_FAILED) {
		int code = err_sys(e, "guest RAM of %" PRIu64 " MiB", r->size / MiB);

		(void)munmap((char *)hint + (aligned - at), r->size);
		return code;
	}
	*to = host;
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

static int no_pool_pages(struct ram *r, uint64_t page, struct err *e)
{
	ram_destroy(r);
	if (e->code != ENOMEM)
		return err_ctx(e, "--hugepages");
	return err_ctx(e,
		       "--hugepages: not enough free huge pages of %" PRIu64
		       " KiB (as root: sysctl vm.nr_hugepages=N)",
		       page / KiB);
}

static void advise(const struct ram *r, void *at, bool pool)
{
	/* Advice: a host without huge pages runs the guest all the same, only slower. */
	if (!pool && r->size >= HUGE_PAGE)
		(void)madvise(at, r->size, MADV_HUGEPAGE);
	/* A core file of vmm is about vmm. */
	(void)madvise(at, r->size, MADV_DONTDUMP);
}

/*
 * Shared memory has huge pages only where the host's administrator says so, and the host says no by
 * default; small ones cost a guest a fault each. Asking for them by range is allowed all the same
 * (Linux 6.1), but fills them at once: so only where a guest that starts goes in any case, its
 * kernel and what that takes first at the bottom, its list of pages at the top. Not where it would
 * be most of it.
 */
static int collapse(const struct ram *r, uint64_t from, uint64_t size)
{
	char *at = (char *)r->host + from;
	int code = 0;

	/* A huge page is made only of one that has something in it. */
	for (uint64_t i = 0; code == 0 && i < size; i += HUGE_PAGE)
		code = madvise(at + i, page_size(), MADV_POPULATE_WRITE);
	return code ? code : madvise(at, size, MADV_COLLAPSE);
}

static void collapse_ends(const struct ram *r)
{
	static const uint64_t bottom = 64 * MiB, most = 48 * MiB;
	const uint64_t pages = r->size / 64 + HUGE_PAGE; /* 64 bytes for each of 4 KiB, and some */
	const uint64_t top = align_down(r->size - (pages < most ? pages : most), HUGE_PAGE);

	if (r->size >= 3 * bottom && collapse(r, 0, bottom) == 0)
		(void)collapse(r, top, align_down(r->size, HUGE_PAGE) - top);
}

int ram_create(struct ram *r, uint64_t size, unsigned flags, struct err *e)
{
	bool pool = flags & RAM_HUGETLB;
	uint64_t align = pool ? pool_page_size() : size < HUGE_PAGE ? page_size() : HUGE_PAGE;
	int map = pool ? MAP_POPULATE : MAP_NORESERVE, code = 0;

	assert(!(flags & RAM_TWICE) || !pool);
	*r = (struct ram){ .size = size, .fd = -1, .page = pool ? 0 : page_size() };
	if (pool && !align)
		return err_set(e, ENOTSUP, "--hugepages: this host's kernel has no huge page pool");
	if (pool && !is_aligned(size, align))
		return err_set(e, EINVAL,
			       "--hugepages: guest RAM of %" PRIu64
			       " KiB is not a multiple of this host's huge pages of %" PRIu64
			       " KiB",
			       size / KiB, align / KiB);
	if (flags & (RAM_SHARED | RAM_TWICE)) {
		code = make_memfd(r, flags, e);
		map |= MAP_SHARED;
	} else {
		map |= MAP_PRIVATE | MAP_ANONYMOUS | (pool ? MAP_HUGETLB : 0);
	}
	if (code == 0)
		code = map_aligned(r, &r->host, align, map, e);
	if (code == 0 && flags & RAM_TWICE)
		code = map_aligned(r, &r->guest, align, map, e);
	else
		r->guest = r->host;
	if (code && pool)
		return no_pool_pages(r, align, e);
	if (code) {
		ram_destroy(r);
		return code;
	}
	advise(r, r->host, pool);
	if (r->guest != r->host)
		advise(r, r->guest, pool);
	else if (r->fd >= 0 && !pool)
		collapse_ends(r);
	return 0;
}

uint64_t ram_discard(const struct ram *r, uint64_t off, uint64_t len)
{
	const int how = r->fd >= 0 ? MADV_REMOVE : MADV_DONTNEED;
	uint64_t first, last;

	assert(range_inside(off, len, 0, r->size));
	if (r->page == 0 || !align_up_ok(off, r->page, &first))
		return 0;
	last = align_down(off + len, r->page);
	if (first >= last || madvise((char *)r->host + first, last - first, how) < 0)
		return 0;
	return last - first;
}

void ram_destroy(struct ram *r)
{
	if (r->guest && r->guest != r->host)
		(void)munmap(r->guest, r->size);
	if (r->host)
		(void)munmap(r->host, r->size);
	if (r->fd >= 0)
		(void)close(r->fd);
	*r = (struct ram){ .fd = -1 };
}
