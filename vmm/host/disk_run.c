/* SPDX-License-Identifier: Apache-2.0 */
/* One request, from beginning to end, by system calls that wait. See disk_private.h. */
#include "vmm/base/checked.h"
#include "vmm/host/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { STUCK_MAX = 8, AGAIN_MAX = 1000 };

/* Read only, so it costs nothing but addresses; what is never written stays one page of zeroes. */
static uint8_t zeroes[DISK_BOUNCE] __attribute__((aligned(4096)));

bool disk_aligned(const struct host_disk *d, const struct disk_io *io)
{
	const uint64_t file = d->file_align - 1, mem = d->mem_align - 1;
	uint64_t bad = (io->offset | io->len) & file;

	for (unsigned i = 0; i < io->niov; i++)
		bad |= ((uintptr_t)io->iov[i].iov_base & mem) | (io->iov[i].iov_len & file);
	return bad == 0;
}

static void advance(struct disk_io *io, uint64_t len)
{
	assert(len <= io->len);
	io->offset += len;
	io->len -= len;
	while (io->niov && len >= io->iov->iov_len) {
		len -= io->iov->iov_len;
		io->iov++;
		io->niov--;
	}
	if (io->niov && len) {
		io->iov->iov_base = (uint8_t *)io->iov->iov_base + len;
		io->iov->iov_len -= len;
	}
}

bool disk_progress(struct host_disk *d, struct disk_io *io, uint64_t done)
{
	const uint64_t sector = align_down(io->offset, DISK_SECTOR);

	if (done > io->len)
		done = io->len;
	if (d->direct)
		done = align_down(done, DISK_SECTOR);
	/* A sector that was begun here by the part before is whole now. */
	if (d->has_overlay && io->op != DISK_READ)
		overlay_mark(&d->overlay, sector,
			     align_down(io->offset + done - sector, DISK_SECTOR));
	advance(io, done);
	return done != 0;
}

uint64_t disk_overlay_run(const struct host_disk *d, const struct disk_io *io, bool *written)
{
	const uint64_t skip = io->offset % DISK_SECTOR;
	const uint64_t run =
		overlay_run(&d->overlay, io->offset - skip,
			    align_down(io->len + skip + DISK_SECTOR - 1, DISK_SECTOR), written);

	return run - skip < io->len ? run - skip : io->len;
}

int disk_flush_ended(struct host_disk *d, int result)
{
	/* Sequential consistency: a flush that ends after this one was seen to fail fails too. */
	if (result)
		atomic_store(&d->sync_failed, true);
	else if (atomic_load(&d->sync_failed))
		result = -EIO;
	return result;
}

int disk_write_ended(struct host_disk *d, const struct disk_io *io, int result)
{
	/* No room: nothing of it is lost that will not be written again. */
	if (result && disk_wants_stable(d, io) && result != -ENOSPC && result != -EDQUOT &&
	    result != -EFBIG && result != -EFAULT)
		atomic_store(&d->sync_failed, true);
	return result;
}

static int flush(struct host_disk *d)
{
	int result;

	if (d->has_overlay)
		return 0;
	gate_alone(&d->flushes);
	do {
		result = fdatasync(d->fd) ? -errno : 0;
		result = (int)disk_faulted(d, DISK_FLUSH, result);
	} while (result == -EINTR);
	result = disk_flush_ended(d, result);
	gate_end_alone(&d->flushes);
	return result;
}

/*
 * What a synchronous request that was no plain write ends with. Never ENOSPC: the request is done
 * but for this, and doing it once more would have nothing left to fail.
 */
static int make_stable(struct host_disk *d, const struct disk_io *io)
{
	return disk_wants_stable(d, io) && flush(d) ? -EIO : 0;
}

static ssize_t move_at(int fd, const struct disk_io *io, const struct iovec *iov, unsigned niov,
		       int flags)
{
	const int n = niov < IOV_MAX ? (int)niov : IOV_MAX;
	ssize_t done = io->op == DISK_READ ? preadv2(fd, iov, n, (off_t)io->offset, 0)
					   : pwritev2(fd, iov, n, (off_t)io->offset, flags);

	return done < 0 ? -errno : done;
}

/* The first @max bytes of the request's memory, as far as @part goes; returns how many entries. */
static unsigned cut(const struct disk_io *io, uint64_t max, struct iovec *part, unsigned room)
{
	unsigned n = 0;

	for (; n < room && n < io->niov && max; n++) {
		part[n] = io->iov[n];
		if (part[n].iov_len > max)
			part[n].iov_len = (size_t)max;
		max -= part[n].iov_len;
	}
	return n;
}

static ssize_t overlay_some(struct host_disk *d, struct disk_io *io)
{
	struct iovec part[64];
	unsigned n;
	bool written;

	if (io->op == DISK_WRITE)
		return move_at(d->overlay.fd, io, io->iov, io->niov, 0);
	n = cut(io, disk_overlay_run(d, io, &written), part, ARRAY_SIZE(part));
	return move_at(written ? d->overlay.fd : d->fd, io, part, n, 0);
}

static ssize_t move_some(struct host_disk *d, struct disk_io *io, struct disk_bounce *b)
{
	const bool gated = d->gated && io->op == DISK_WRITE;
	ssize_t done;

	if (d->has_overlay)
		return overlay_some(d, io);
	if (d->direct && !disk_aligned(d, io))
		return disk_bounce_some(d, io, b);
	if (gated)
		gate_share(&d->writes);
	done = move_at(d->fd, io, io->iov, io->niov, disk_wants_stable(d, io) ? RWF_DSYNC : 0);
	if (gated)
		gate_unshare(&d->writes);
	return done;
}

void disk_pause(void)
{
	(void)poll(NULL, 0, 1);
}

/* Reads or writes it all. */
static int move(struct host_disk *d, struct disk_io *io, struct disk_bounce *b)
{
	unsigned stuck = 0, again = 0;

	while (io->len) {
		ssize_t done = disk_faulted(d, io->op, move_some(d, io, b));

		if (done == -EINTR)
			continue;
		if (done == -EAGAIN && again++ < AGAIN_MAX) {
			disk_pause();
			continue;
		}
		if (done < 0)
			return (int)done;
		if (done == 0)
			return -EIO; /* the file ends here, or takes no more */
		if (!disk_progress(d, io, (uint64_t)done) && stuck++ >= STUCK_MAX)
			return -EIO;
	}
	return 0;
}

/* The first @len bytes of the request as zeroes that are written, in pieces. */
static int write_zeroes(struct host_disk *d, struct disk_io *io, uint64_t len,
			struct disk_bounce *b)
{
	while (len) {
		struct iovec iov[16];
		struct disk_io w = {
			.op = DISK_WRITE, .sync = io->sync, .offset = io->offset, .iov = iov
		};
		int result;

		for (; w.niov < ARRAY_SIZE(iov) && w.len < len; w.niov++) {
			size_t n = len - w.len < sizeof(zeroes) ? (size_t)(len - w.len)
								: sizeof(zeroes);

			iov[w.niov] = (struct iovec){ zeroes, n };
			w.len += n;
		}
		result = move(d, &w, b);
		len -= w.offset - io->offset;
		advance(io, w.offset - io->offset);
		if (result)
			return result;
	}
	return 0;
}

static bool is_unsupported(int result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENOTTY;
}

static int allocate(struct host_disk *d, const struct disk_io *io, int mode, uint64_t len)
{
	const int fd = d->has_overlay ? d->overlay.fd : d->fd;
	int result;

	do {
		if (d->gated)
			gate_share(&d->writes);
		result = fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)io->offset, (off_t)len)
				 ? -errno
				 : 0;
		if (d->gated)
			gate_unshare(&d->writes);
		result = (int)disk_faulted(d, io->op, result);
	} while (result == -EINTR);
	return result;
}

/* Has the host make @len bytes zero in one go; one of the "unsupported" errors when it cannot. */
static int zero_by_host(struct host_disk *d, const struct disk_io *io, uint64_t len)
{
	const bool hole = d->has_overlay || (io->unmap && d->discard);
	int result;

	if (hole && !atomic_load_explicit(&d->no_punch, memory_order_relaxed)) {
		result = allocate(d, io, FALLOC_FL_PUNCH_HOLE, len);
		if (!is_unsupported(result))
			return result;
		atomic_store_explicit(&d->no_punch, true, memory_order_relaxed);
	}
	if (!atomic_load_explicit(&d->no_zero_range, memory_order_relaxed)) {
		result = allocate(d, io, FALLOC_FL_ZERO_RANGE, len);
		if (!is_unsupported(result))
			return result;
		atomic_store_explicit(&d->no_zero_range, true, memory_order_relaxed);
	}
	return -EOPNOTSUPP;
}

/* What the host cannot zero at the edges is written. */
static int zero(struct host_disk *d, struct disk_io *io, struct disk_bounce *b)
{
	const uint64_t align = d->zero_align;
	bool by_host = false;
	int result = 0;

	while (io->len && !result) {
		uint64_t head = -io->offset & (align - 1), whole = align_down(io->len, align);
		uint64_t part = head < io->len ? head : io->len;

		if (head == 0 && whole) {
			result = zero_by_host(d, io, whole);
			if (result == 0) {
				by_host = true;
				(void)disk_progress(d, io, whole);
				continue;
			}
			if (!is_unsupported(result))
				break;
			part = io->len;
		} else if (head == 0) {
			part = io->len;
		}
		result = write_zeroes(d, io, part, b);
	}
	return !result && by_host ? make_stable(d, io) : result;
}

static int discard_part(struct host_disk *d, const struct disk_io *io, uint64_t offset,
			uint64_t len)
{
	const struct disk_io part = { .op = DISK_DISCARD, .offset = offset, .len = len };
	uint64_t range[2] = { offset, len };
	int result;

	if (!d->is_block)
		return allocate(d, &part, FALLOC_FL_PUNCH_HOLE, len);
	do {
		if (d->gated)
			gate_share(&d->writes);
		result = ioctl(d->fd, BLKDISCARD, range) ? -errno : 0;
		if (d->gated)
			gate_unshare(&d->writes);
		result = (int)disk_faulted(d, io->op, result);
	} while (result == -EINTR);
	return result;
}

static int discard(struct host_disk *d, struct disk_io *io, struct disk_bounce *b)
{
	const uint64_t align = d->zero_align, skip = -io->offset & (align - 1);
	int result = 0;

	if (d->has_overlay)
		return zero(d, io, b); /* the image's bytes must not come back */
	if (d->discard && skip < io->len && align_down(io->len - skip, align))
		result = discard_part(d, io, io->offset + skip, align_down(io->len - skip, align));
	if (is_unsupported(result))
		result = 0;
	if (result)
		return result;
	advance(io, io->len);
	return make_stable(d, io);
}

int disk_run(struct host_disk *d, struct disk_io *io, struct disk_bounce *b)
{
	switch (io->op) {
	case DISK_READ:
		return move(d, io, b);
	case DISK_WRITE:
		return disk_write_ended(d, io, move(d, io, b));
	case DISK_FLUSH:
		return flush(d);
	case DISK_DISCARD:
		return disk_write_ended(d, io, discard(d, io, b));
	case DISK_ZERO:
		return disk_write_ended(d, io, zero(d, io, b));
	}
	return -EINVAL;
}
