/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gmem: the guest's memory, as seen by code that must not trust the guest.
 *
 * Decide on copies: bytes that steer control flow are read once with gmem_read(), because another
 * vCPU can rewrite them between two looks. Move bulk data through windows: gmem_window() lends a
 * bounded host range. Every write goes through here or is told to gmem_mark_dirty(), so that a
 * dirty log can see what KVM cannot.
 *
 * What devices do here is done by the guest's machine, and an observer can be told of it; so what
 * they do through a window has to be said afterwards. gmem_peek(), gmem_load() and gmem_store() are
 * for vmm's own view of the guest, and for a vCPU's accesses that vmm carries out: nobody is told.
 *
 * Regions are added before the first vCPU runs and stay; look-ups need no lock.
 */
#ifndef VMM_CORE_GMEM_H
#define VMM_CORE_GMEM_H

#include "vmm/core/ram.h"

typedef struct {
	uint64_t a;
} gpa_t; /* guest physical address (IPA) */

static inline gpa_t gpa(uint64_t a)
{
	return (gpa_t){ a };
}

/* A lent piece of guest memory: contiguous on the host, valid as long as the gmem. */
struct window {
	void GUEST_MEM *host; /* NULL when len is 0 */
	size_t len;
};

struct gmem_region {
	uint64_t base, size;   /* bytes, page-aligned */
	void GUEST_MEM *host;  /* borrowed from whoever mapped it; outlives the gmem */
	const char *name;      /* for reports; borrowed */
	bool readonly;	       /* neither the guest nor a device writes it */
	void *guest;	       /* where KVM's slot points to, if not to host; borrowed as well */
	const struct ram *ram; /* that host is the beginning of; NULL: nothing can be given back */
	bool shared;	       /* other processes may map it: @fd from its beginning */
	int fd;		       /* sealed memfd, borrowed; with shared alone */
};

/* Who is told of what devices do; any thread. A call of after() follows each of before(). */
struct gmem_observer {
	void (*before)(void *ctx, gpa_t at, size_t len, bool write);
	void (*after)(void *ctx, gpa_t at, size_t len, bool write);
	void (*was)(void *ctx, gpa_t at, size_t len, bool written); /* through a window */
	void *ctx;
};

#define GMEM_MAX_REGIONS 64

struct gmem {
	struct gmem_region region[GMEM_MAX_REGIONS]; /* sorted by base, disjoint */
	size_t nr;
	/* Borrowed; NULL: none. Set while nobody else uses the memory. */
	const struct gmem_observer *observer;
};

/*
 * Adds a copy of @r. -EEXIST on overlap, -EINVAL on an empty or wrapping one, -ENOSPC beyond the
 * bound.
 */
int gmem_add(struct gmem *m, const struct gmem_region *r, struct err *e) MUST_CHECK;

/*
 * Copies @len bytes; false, and nothing promised of @dst, when any byte lies outside memory, or the
 * host's memory under it failed.
 */
bool gmem_read(const struct gmem *m, gpa_t at, void *dst, size_t len) MUST_CHECK;

/*
 * Copies @len bytes in and marks them dirty; false when any byte lies outside or is read-only, and
 * none is written; also when the host's memory failed, and some may be.
 */
bool gmem_write(struct gmem *m, gpa_t at, const void *src, size_t len) MUST_CHECK;

/*
 * Lends at most @len bytes from @at, for writing: as much as is contiguous; len 0 when @at is
 * outside memory or read-only.
 */
struct window gmem_window(const struct gmem *m, gpa_t at, size_t len);

/*
 * The region that holds all of [@at, @at + @len), or NULL; valid as long as the gmem. For who reads
 * and writes much there, as virtqueues do: through poison_run(), telling gmem_mark_dirty_host(),
 * and leaving a read-only one as it is.
 */
const struct gmem_region *gmem_find(const struct gmem *m, gpa_t at, uint64_t len);

/* Tells the observer. */
void gmem_tell_(const struct gmem *m, gpa_t at, size_t len, bool written);
void gmem_tell_host_(const struct gmem *m, const void GUEST_MEM *host, size_t len, bool written);

/*
 * Says that [@at, @at + @len) was written, or read, through a window; with _host, by its host
 * address. Nobody keeps a dirty log yet; callers already say what they write.
 */
static inline void gmem_mark_dirty(const struct gmem *m, gpa_t at, size_t len)
{
	if (m->observer)
		gmem_tell_(m, at, len, true);
}
static inline void gmem_mark_dirty_host(const struct gmem *m, const void GUEST_MEM *host,
					size_t len)
{
	if (m->observer)
		gmem_tell_host_(m, host, len, true);
}
static inline void gmem_mark_read_host(const struct gmem *m, const void GUEST_MEM *host, size_t len)
{
	if (m->observer)
		gmem_tell_host_(m, host, len, false);
}

/*
 * Gives back to the host what of [@at, @at + @len) it takes: whole pages of its own in RAM, which
 * read as zeroes then (ram_discard()). The rest stays as it is. How many bytes; the observer is
 * told that they were written.
 */
uint64_t gmem_discard(const struct gmem *m, gpa_t at, uint64_t len);

/* As gmem_read(), for who only looks at the guest. */
bool gmem_peek(const struct gmem *m, gpa_t at, void *dst, size_t len) MUST_CHECK;

/*
 * One access of @size bytes, 1, 2, 4, 8 or 16, single-copy atomic where @at is aligned. False as
 * above; also when it is not all in one region.
 */
bool gmem_load(const struct gmem *m, gpa_t at, void *dst, unsigned size) MUST_CHECK;
bool gmem_store(struct gmem *m, gpa_t at, const void *src, unsigned size) MUST_CHECK;

/* Whether KVM, or vmm, has guest memory at the host's address @host, and which: *@at. */
bool gmem_at_host(const struct gmem *m, uintptr_t host, gpa_t *at) MUST_CHECK;

/* Reads a whole object. */
#define GMEM_GET(m, at, obj) gmem_read((m), (at), (obj), sizeof(*(obj)))

#endif
