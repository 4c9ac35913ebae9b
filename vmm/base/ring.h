/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring: a bounded queue of bytes. Not locked.
 *
 * An empty ring starts again at its first byte, so one that is emptied often touches few of its
 * pages, however big it is. What ring_spans() lent stays where it is while bytes are put, and until
 * they are dropped.
 */
#ifndef VMM_BASE_RING_H
#define VMM_BASE_RING_H

#include "vmm/base/defs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

struct ring {
	uint8_t *data; /* owned */
	size_t size, start, used;
};

/* False when there is no memory. */
static inline MUST_CHECK bool ring_init(struct ring *r, size_t size)
{
	*r = (struct ring){ .data = malloc(size), .size = size };
	return r->data != NULL;
}

/* Fine on a zeroed one. */
static inline void ring_done(struct ring *r)
{
	free(r->data);
	*r = (struct ring){ 0 };
}

static inline size_t ring_room(const struct ring *r)
{
	return r->size - r->used;
}

/* Lends the bytes in order as up to two spans; returns how many spans. */
static inline int ring_spans(const struct ring *r, struct iovec iov[2])
{
	size_t first = r->size - r->start;

	if (r->used == 0)
		return 0;
	iov[0] = (struct iovec){ r->data + r->start, r->used < first ? r->used : first };
	if (r->used <= first)
		return 1;
	iov[1] = (struct iovec){ r->data, r->used - first };
	return 2;
}

/* Forgets the @n oldest bytes; there are as many. */
static inline void ring_drop(struct ring *r, size_t n)
{
	assert(n <= r->used);
	r->used -= n;
	r->start = r->used ? (r->start + n) % r->size : 0;
}

/* Appends what fits; returns how many bytes that was. */
static inline size_t ring_put(struct ring *r, const void *from, size_t len)
{
	size_t end, first;

	if (len > ring_room(r))
		len = ring_room(r);
	if (len == 0)
		return 0;
	end = (r->start + r->used) % r->size;
	first = r->size - end;
	if (first > len)
		first = len;
	memcpy(r->data + end, from, first);
	memcpy(r->data, (const uint8_t *)from + first, len - first);
	r->used += len;
	return len;
}

/* Appends all of it, at the expense of the oldest bytes; returns how many were lost. */
static inline size_t ring_put_newest(struct ring *r, const void *from, size_t len)
{
	size_t skip = len > r->size ? len - r->size : 0, old;

	len -= skip;
	old = len > ring_room(r) ? len - ring_room(r) : 0;
	ring_drop(r, old);
	(void)ring_put(r, (const uint8_t *)from + skip, len);
	return skip + old;
}

/* Takes up to @len of the oldest bytes; returns how many. */
static inline size_t ring_get(struct ring *r, void *to, size_t len)
{
	struct iovec iov[2];
	int spans = ring_spans(r, iov);
	size_t n = 0;

	for (int i = 0; i < spans && n < len; i++) {
		size_t part = iov[i].iov_len < len - n ? iov[i].iov_len : len - n;

		memcpy((uint8_t *)to + n, iov[i].iov_base, part);
		n += part;
	}
	ring_drop(r, n);
	return n;
}

#endif
