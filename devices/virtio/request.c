/* SPDX-License-Identifier: Apache-2.0 */
/* The data of a request: copies to and from guest memory, and iovecs for the host's I/O. */
#include "devices/virtio/queue_ring.h"
#include "vmm/base/iov.h"
#include "vmm/core/poison.h"

/* @len bytes of the readable part, or of the writable one (@in), from @off. */
static struct iov_cursor part(const struct request *r, bool in, size_t off, size_t len)
{
	return iov_from(in ? r->seg + r->nr_out : r->seg, in ? r->nr_in : r->nr_out, off, len);
}

size_t request_read(const struct request *r, size_t off, void *dst, size_t len)
{
	struct iov_cursor c = part(r, false, off, len);
	struct iovec piece;
	size_t done = 0;

	while (iov_next(&c, &piece)) {
		gmem_mark_read_host(r->queue->mem, TO_GUEST(piece.iov_base), piece.iov_len);
		if (!poison_read((char *)dst + done, TO_GUEST(piece.iov_base), piece.iov_len))
			break;
		done += piece.iov_len;
	}
	return done;
}

size_t request_write(struct request *r, size_t off, const void *src, size_t len)
{
	struct iov_cursor c = part(r, true, off, len);
	struct iovec piece;
	size_t done = 0;

	while (iov_next(&c, &piece)) {
		gmem_mark_dirty_host(r->queue->mem, TO_GUEST(piece.iov_base), piece.iov_len);
		if (!poison_write(TO_GUEST(piece.iov_base), (const char *)src + done,
				  piece.iov_len))
			break;
		done += piece.iov_len;
	}
	return done;
}

struct iovec *request_trim(struct request *r, bool in, size_t skip, size_t trim, unsigned *n)
{
	unsigned room = r->seg == slot_of(r)->small ? SMALL_SEGS : r->queue->max_segs;
	struct iovec *at = &r->seg[room + (in ? r->nr_out : 0U)];
	size_t len = in ? r->in_len : r->out_len;
	struct iov_cursor c;

	*n = 0;
	if (skip >= len || trim >= len - skip)
		return at;
	c = part(r, in, skip, len - skip - trim);
	while (iov_next(&c, &at[*n]))
		++*n;
	return at;
}

void request_used(const struct request *r, bool in, size_t off, size_t len)
{
	struct iov_cursor c = part(r, in, off, len);
	struct iovec piece;

	while (iov_next(&c, &piece))
		if (in)
			gmem_mark_dirty_host(r->queue->mem, TO_GUEST(piece.iov_base),
					     piece.iov_len);
		else
			gmem_mark_read_host(r->queue->mem, TO_GUEST(piece.iov_base), piece.iov_len);
}
