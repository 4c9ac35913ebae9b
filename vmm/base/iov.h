/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over some of the bytes that an array of iovecs names, piece by piece. Touches none of
 * them. The contracts are proved by `make prove`.
 */
#ifndef VMM_BASE_IOV_H
#define VMM_BASE_IOV_H

#include "vmm/base/defs.h"

#include <sys/uio.h>

struct iov_cursor {
	const struct iovec *seg; /* what comes next; @nr of them are left */
	unsigned nr;
	size_t off;  /* bytes of *seg that were skipped */
	size_t left; /* bytes to come, if there are so many */
};

/*@ logic integer iov_bytes{L}(struct iovec *seg, integer nr) =
  @	nr <= 0 ? 0 : iov_bytes(seg, nr - 1) + seg[nr - 1].iov_len;
  @
  @ predicate iov_inside(struct iov_cursor c) = c.nr > 0 ==> c.off < c.seg->iov_len;
  @*/

/* The @len bytes from the @off-th on, or what there is of them. Borrows @seg. */
/*@ requires \valid_read(seg + (0 .. nr - 1));
  @ assigns \nothing;
  @ ensures iov_inside(\result) && \result.left == len;
  @ ensures \result.nr <= nr && \result.seg == seg + (nr - \result.nr);
  @ ensures iov_bytes(seg, nr - \result.nr) + \result.off == off;
  @*/
static inline struct iov_cursor iov_from(const struct iovec *seg, unsigned nr, size_t off,
					 size_t len)
{
	/*@ loop invariant nr <= \at(nr, Pre) && seg == \at(seg, Pre) + (\at(nr, Pre) - nr);
	  @ loop invariant iov_bytes(\at(seg, Pre), \at(nr, Pre) - nr) + off == \at(off, Pre);
	  @ loop assigns seg, nr, off;
	  @ loop variant nr;
	  @*/
	for (; nr && off >= seg->iov_len; seg++, nr--)
		off -= seg->iov_len;
	return (struct iov_cursor){ .seg = seg, .nr = nr, .off = off, .left = len };
}

/* The next of them that lie together, in one segment; false at the end. */
/*@ requires \valid(c) && \valid(piece) && \separated(c, piece, c->seg + (0 .. c->nr - 1));
  @ requires \valid_read(c->seg + (0 .. c->nr - 1)) && (c->nr > 0 ==> c->off <= c->seg->iov_len);
  @ assigns *c, *piece;
  @ ensures \result <==> \old(c->nr) > 0 && \old(c->left) > 0;
  @ ensures !\result ==> *c == \old(*c);
  @ ensures \result ==> piece->iov_base == (char *)\old(c->seg->iov_base) + \old(c->off);
  @ ensures \result ==> \old(c->off) + piece->iov_len <= \old(c->seg->iov_len);
  @ ensures \result ==> c->left == \old(c->left) - piece->iov_len;
  @ ensures \result ==> c->left == 0 || \old(c->off) + piece->iov_len == \old(c->seg->iov_len);
  @ ensures \result ==> c->seg == \old(c->seg) + 1 && c->nr == \old(c->nr) - 1 && c->off == 0;
  @*/
static inline bool iov_next(struct iov_cursor *c, struct iovec *piece)
{
	size_t n;

	if (!c->nr || !c->left)
		return false;
	n = c->seg->iov_len - c->off;
	if (n > c->left)
		n = c->left;
	piece->iov_base = (char *)c->seg->iov_base + c->off;
	piece->iov_len = n;
	c->left -= n;
	c->seg++;
	c->nr--;
	c->off = 0;
	return true;
}

#endif
