/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes that O_DIRECT does not take as they are: through an aligned buffer, in pieces.
 * A write that does not fill its first or last block is a read-modify-write: alone at the gate,
 * since another write to the same block in between would be undone.
 */
#include "vmm/base/checked.h"
#include "vmm/core/poison.h"
#include "vmm/host/disk_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Between the buffer and the beginning of the request's memory. False: that memory has failed. */
static bool copy(const struct disk_io *io, uint8_t *buf, uint64_t len)
{
	for (const struct iovec *v = io->iov; len; v++) {
		const size_t n = v->iov_len < len ? v->iov_len : (size_t)len;

		if (!(io->op == DISK_READ ? poison_write(TO_GUEST(v->iov_base), buf, n)
					  : poison_read(buf, TO_GUEST(v->iov_base), n)))
			return false;
		buf += n;
		len -= n;
	}
	return true;
}

/* As pread(), by the call that all of a disk's reading is done with. */
static ssize_t read_at(int fd, void *to, uint64_t len, uint64_t at)
{
	const struct iovec iov = { .iov_base = to, .iov_len = len };

	return preadv2(fd, &iov, 1, (off_t)at, 0);
}

static ssize_t read_some(struct host_disk *d, struct disk_io *io, uint8_t *buf, uint64_t start,
			 uint64_t want, uint64_t room)
{
	const uint64_t skip = io->offset - start;
	ssize_t got = read_at(d->fd, buf, room, start);

	if (got < 0)
		return -errno;
	if ((uint64_t)got <= skip)
		return 0;
	if (want > (uint64_t)got - skip)
		want = (uint64_t)got - skip;
	return copy(io, buf + skip, want) ? (ssize_t)want : -EFAULT;
}

/* A block that is written in part only, as it is now. Short is the end of a file that was cut. */
static int fill(const struct host_disk *d, uint8_t *buf, uint64_t at)
{
	ssize_t got;

	do
		got = read_at(d->fd, buf, d->file_align, at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got == (ssize_t)d->file_align ? 0 : -EIO;
}

static ssize_t write_some(struct host_disk *d, struct disk_io *io, uint8_t *buf, uint64_t start,
			  uint64_t want, uint64_t room)
{
	const struct iovec whole = { buf, room };
	const uint64_t skip = io->offset - start, last = room - d->file_align;
	const bool head = skip != 0, tail = skip + want != room;
	ssize_t done = 0;

	if (head || (tail && last == 0))
		done = fill(d, buf, start);
	if (!done && tail && last)
		done = fill(d, buf + last, start + last);
	if (done)
		return done;
	if (!copy(io, buf + skip, want))
		return -EFAULT;
	done = pwritev2(d->fd, &whole, 1, (off_t)start, disk_wants_stable(d, io) ? RWF_DSYNC : 0);
	if (done < 0)
		return -errno;
	if ((uint64_t)done <= skip)
		return done ? -EAGAIN : 0;
	return (ssize_t)((uint64_t)done - skip < want ? (uint64_t)done - skip : want);
}

ssize_t disk_bounce_some(struct host_disk *d, struct disk_io *io, struct disk_bounce *b)
{
	const uint64_t start = align_down(io->offset, d->file_align), skip = io->offset - start;
	uint64_t want = io->len, room;
	ssize_t done;
	bool alone;

	if (!b->at &&
	    posix_memalign(&b->at, d->mem_align > 4096 ? d->mem_align : 4096, DISK_BOUNCE)) {
		b->at = NULL;
		return -ENOMEM;
	}
	if (want > DISK_BOUNCE - skip)
		want = DISK_BOUNCE - skip;
	room = align_down(skip + want + d->file_align - 1, d->file_align);
	if (io->op == DISK_READ)
		return read_some(d, io, b->at, start, want, room);
	alone = d->gated && (skip || skip + want != room);
	if (alone)
		gate_alone(&d->writes);
	else if (d->gated)
		gate_share(&d->writes);
	done = write_some(d, io, b->at, start, want, room);
	if (alone)
		gate_end_alone(&d->writes);
	else if (d->gated)
		gate_unshare(&d->writes);
	return done;
}
