/* SPDX-License-Identifier: Apache-2.0 */
/* The data of a request: copies to and from guest memory, and iovecs for the host's I/O. */
#include "devices/virtio/queue_ring.h"
#include "vmm/core/poison.h"

size_t request_read(const struct request *r, size_t off, void *dst, size_t len)
{
	char *to = dst;
	size_t done = 0;

	for (unsigned i = 0; i < r->nr_out && done < len; i++) {
		const struct iovec *s = &r->seg[i];
		size_t n;

		if (off >= s->iov_len) {
			off -= s->iov_len;
			continue;
		}
		n = s->iov_len - off;
		if (n > len - done)
			n = len - done;
		gmem_mark_read_host(r->queue->mem, (const char *)s->iov_base + off, n);
		if (!poison_copy(to + done, (const char *)s->iov_base + off, n))
			break;
		done += n;
		off = 0;
	}
	return done;
}

size_t request_write(struct request *r, size_t off, const void *src, size_t len)
{
	const char *from = src;
	size_t done = 0;

	for (unsigned i = r->nr_out; i < (unsigned)r->nr_out + r->nr_in && done < len; i++) {
		const struct iovec *s = &r->seg[i];
		char *to;
		size_t n;

		if (off >= s->iov_len) {
			off -= s->iov_len;
			continue;
		}
		to = (char *)s->iov_base + off;
		n = s->iov_len - off;
		if (n > len - done)
			n = len - done;
		gmem_mark_dirty_host(r->queue->mem, to, n);
		if (!poison_copy(to, from + done, n))
			break;
		done += n;
		off = 0;
	}
	return done;
}

struct iovec *request_trim(struct request *r, bool in, size_t skip, size_t trim, unsigned *n)
{
	unsigned room = r->seg == slot_of(r)->small ? SMALL_SEGS : r->queue->max_segs;
	unsigned first = in ? r->nr_out : 0, left = in ? r->nr_in : r->nr_out;
	const struct iovec *from = &r->seg[first];
	struct iovec *at = &r->seg[room + first], *to = at;
	size_t len = in ? r->in_len : r->out_len;

	*n = 0;
	if (skip >= len || trim >= len - skip)
		return at;
	len -= skip + trim;
	for (; skip >= from->iov_len; from++, left--)
		skip -= from->iov_len;
	for (; len && left; from++, left--) {
		size_t here = from->iov_len - skip;

		if (here > len)
			here = len;
		*to++ = (struct iovec){ .iov_base = (char *)from->iov_base + skip,
					.iov_len = here };
		len -= here;
		skip = 0;
	}
	*n = (unsigned)(to - at);
	return at;
}

void request_used(const struct request *r, bool in, size_t off, size_t len)
{
	unsigned i = in ? r->nr_out : 0, end = in ? (unsigned)r->nr_out + r->nr_in : r->nr_out;

	for (; i < end && len; i++) {
		const struct iovec *s = &r->seg[i];
		size_t n;

		if (off >= s->iov_len) {
			off -= s->iov_len;
			continue;
		}
		n = s->iov_len - off;
		if (n > len)
			n = len;
		if (in)
			gmem_mark_dirty_host(r->queue->mem, (char *)s->iov_base + off, n);
		else
			gmem_mark_read_host(r->queue->mem, (char *)s->iov_base + off, n);
		len -= n;
		off = 0;
	}
}
