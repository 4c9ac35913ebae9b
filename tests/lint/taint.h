/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For gcc's taint analysis alone (`make lint`): what is read of a guest's memory is as good as read
 * from a file, which is what the analyzer takes as somebody else's word. Arguments of functions are
 * marked where they are declared: GUEST_FACING in vmm/base/defs.h.
 */
#ifndef TESTS_LINT_TAINT_H
#define TESTS_LINT_TAINT_H

#include "vmm/base/checked.h"
#include "vmm/core/gmem.h"

#include <stdio.h>

static inline bool said_all(void *at, size_t len, bool got)
{
	(void)fread(at, 1, len, stdin);
	return got;
}

/* What gmem_find() promises. */
static inline const struct gmem_region *said_found(const struct gmem_region *g, gpa_t at,
						   uint64_t len)
{
	return g && range_inside(at.a, len, g->base, g->size) ? g : NULL;
}

#ifndef DEFINES_READERS /* the files that have these functions */
#define gmem_read(m, at, dst, len) said_all((dst), (len), (gmem_read)((m), (at), (dst), (len)))
#define gmem_peek(m, at, dst, len) said_all((dst), (len), (gmem_peek)((m), (at), (dst), (len)))
#define gmem_load(m, at, dst, len) said_all((dst), (len), (gmem_load)((m), (at), (dst), (len)))
#define gmem_find(m, at, len)	   said_found((gmem_find)((m), (at), (len)), (at), (len))
#endif

#ifdef HAS_RINGS /* devices/virtio */
#include "devices/virtio/queue_ring.h"

static inline size_t said_bytes(void *at, size_t len, size_t got)
{
	(void)fread(at, 1, len, stdin);
	return got;
}

#define SAID_(type)                                                                                \
	static inline type said_##type(type v)                                                     \
	{                                                                                          \
		(void)fread(&v, 1, sizeof(v), stdin);                                              \
		return v;                                                                          \
	}
SAID_(uint16_t)
SAID_(uint32_t)
#undef SAID_

static inline struct desc said_desc(struct desc d)
{
	(void)fread(&d, 1, sizeof(d), stdin);
	return d;
}

/* Within a table that was found to be all there, what is asked of an index is asked of it alone. */
static inline const char *said_table(const char *table)
{
	__asm__("" : "+r"(table));
	return table;
}

#define load16(at)	    said_uint16_t((load16)(at))
#define load16_acquire(at)  said_uint16_t((load16_acquire)(at))
#define load32(at)	    said_uint32_t((load32)(at))
#define desc_at(table, i)   said_desc((desc_at)((table), (i)))
#define desc_table(q, d, n) said_table((desc_table)((q), (d), (n)))

#ifndef DEFINES_READERS
#define request_read(r, off, dst, len)                                                             \
	said_bytes((dst), (len), (request_read)((r), (off), (dst), (len)))
#endif
#endif

#endif
