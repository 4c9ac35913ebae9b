/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balloon_pages: which pages of 4 KiB are in the balloon: a bit for each, whose memory is touched
 * where the balloon is. One thread at a time, but for the count.
 */
#ifndef DEVICES_VIRTIO_BALLOON_PAGES_H
#define DEVICES_VIRTIO_BALLOON_PAGES_H

#include "vmm/core/gmem.h"

#include <stdatomic.h>

#define BALLOON_PAGE 4096 /* bytes; whatever the pages of guest and host are */

struct balloon_pages {
	const struct gmem *mem;	 /* borrowed; outlives us */
	uint64_t first, nr;	 /* page numbers that have a bit */
	uint64_t unit;		 /* pages of ours in one of the host's */
	uint64_t *in;		 /* NULL: not made */
	size_t size;		 /* bytes of them */
	_Atomic uint64_t inside; /* how many are in it */
};

/* What naming pages has caused; the caller's, added to. */
struct balloon_work {
	uint64_t bytes;	 /* given back */
	uint64_t strays; /* pages that are no RAM */
	unsigned calls;	 /* to the host */
};

/* -ENOTSUP when @mem has nothing that can be given back. */
int balloon_pages_init(struct balloon_pages *p, const struct gmem *mem, struct err *e) MUST_CHECK;

/* Fine on a zeroed one. */
void balloon_pages_done(struct balloon_pages *p);

/* None is in it any more. */
void balloon_pages_clear(struct balloon_pages *p);

/* These page numbers go in, and back to the host; neighbours together. In any order. */
void balloon_pages_in(struct balloon_pages *p, const uint32_t *page, unsigned n,
		      struct balloon_work *w);

/* These come out. */
void balloon_pages_out(struct balloon_pages *p, const uint32_t *page, unsigned n,
		       struct balloon_work *w);

#endif
