/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, locking and measuring an image. */
#include "vmm/base/checked.h"
#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/host/disk_private.h"
#include "vmm/host/disk_topology.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static const char *kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a folder";
	if (S_ISCHR(mode))
		return "a character device";
	if (S_ISFIFO(mode))
		return "a pipe";
	return "a socket";
}

static int check_kind(const char *path, mode_t mode, struct err *e)
{
	if (S_ISREG(mode) || S_ISBLK(mode))
		return 0;
	return err_set(e, EINVAL, "disk %s: it is %s, not an image file or a block device", path,
		       kind_of(mode));
}

static int cannot_open(const char *path, int flags, struct err *e)
{
	const int code = errno;

	if (code == EINVAL && flags & O_DIRECT)
		return err_set(
			e, code,
			"disk %s: its file system has no O_DIRECT, which cache=none needs; use "
			"cache=writeback",
			path);
	if (code == EBUSY && flags & O_EXCL)
		return err_set(
			e, code,
			"disk %s: the host uses it (mounted, a part of another device, or open "
			"elsewhere)",
			path);
	if ((flags & O_ACCMODE) == O_RDWR && (code == EACCES || code == EROFS || code == EPERM) &&
	    access(path, R_OK) == 0)
		return err_set(
			e, code,
			"disk %s: it may only be read (%s); add ro, or snapshot=on to write to a "
			"temporary copy",
			path, strerror(code));
	errno = code;
	return err_sys(e, "disk %s", path);
}

/*
 * The lock is the open file's: no other thread or library drops it. The file of a process that was
 * killed ends only when the kernel has finished what its io_uring had begun, which is right: till
 * then the image is still written to. So who finds it in use asks again for a moment.
 */
enum { PATIENCE = 50, PAUSE_US = 20000 };

/* Looks before it opens: opening a pipe waits for the other end. */
static int open_image(const char *path, bool writes, bool direct, struct err *e)
{
	int flags = (writes ? O_RDWR : O_RDONLY) | (direct ? O_DIRECT : 0) | O_CLOEXEC | O_NOCTTY;
	struct stat st;
	int ro = 0, left = PATIENCE, fd;

	if (stat(path, &st))
		return err_sys(e, "disk %s", path);
	if (check_kind(path, st.st_mode, e))
		return -EINVAL;
	if (writes && S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	while ((fd = open(path, flags)) < 0 && errno == EBUSY && left--)
		(void)usleep(PAUSE_US);
	if (fd < 0)
		return cannot_open(path, flags, e);
	if (fstat(fd, &st) || check_kind(path, st.st_mode, e)) {
		close_quietly(fd);
		return err_set(e, EINVAL, "disk %s: it was replaced while it was opened", path);
	}
	if (writes && S_ISBLK(st.st_mode) && ioctl(fd, BLKROGET, &ro) == 0 && ro) {
		close_quietly(fd);
		errno = EROFS;
		return cannot_open(path, flags, e);
	}
	return fd;
}

static int set_lock(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock);
}

static int lock_image(int fd, const char *path, bool writes, struct err *e)
{
	int left = PATIENCE, code;

	while ((code = set_lock(fd, writes ? F_WRLCK : F_RDLCK)) && errno == EAGAIN && left--)
		(void)usleep(PAUSE_US);
	if (!code)
		return 0;
	if (errno != EAGAIN && errno != EACCES) {
		log_warn("disk %s: it cannot be locked (%s): nothing keeps others from writing to "
			 "it",
			 path, strerror(errno));
		return 0;
	}
	if (writes)
		return err_set(
			e, EBUSY,
			"disk %s: another program has it open; two that write would destroy it "
			"(several may share it with ro or snapshot=on)",
			path);
	return err_set(e, EBUSY, "disk %s: another program has it open for writing", path);
}

static bool writes_to(const struct disk_config *c)
{
	return !c->ro && !c->snapshot;
}

static bool same_image(const char *a, const char *b)
{
	struct stat x, y;

	if (stat(a, &x) || stat(b, &y))
		return false;
	if (S_ISBLK(x.st_mode) && S_ISBLK(y.st_mode))
		return x.st_rdev == y.st_rdev;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int disk_check_pair(const struct disk_config *a, const struct disk_config *b, struct err *e)
{
	const bool renamed = strcmp(a->path, b->path) != 0;

	if ((!writes_to(a) && !writes_to(b)) || !same_image(a->path, b->path))
		return 0;
	return err_set(
		e, EBUSY,
		"disk %s: it is there twice%s%s; one that writes would destroy it for the other "
		"(both may have it with ro or snapshot=on)",
		b->path, renamed ? ", also as " : "", renamed ? a->path : "");
}

static int measure(struct host_disk *d, struct err *e)
{
	const int64_t bytes = disk_host_size(d->fd);
	const uint64_t size = bytes < 0 ? 0 : align_down((uint64_t)bytes, DISK_SECTOR);

	if (bytes < 0)
		return err_code(e, (int)-bytes, "disk %s: size", d->path);
	if (bytes == 0)
		return err_set(e, EINVAL,
			       "disk %s: it is empty; give it a size, as with: truncate -s 8G %s",
			       d->path, d->path);
	if (size == 0)
		return err_set(e, EINVAL, "disk %s: it has %d bytes, less than a sector of %u",
			       d->path, (int)bytes, DISK_SECTOR);
	if (size != (uint64_t)bytes)
		log_warn("disk %s: the last %d bytes are no whole sector: the guest does not see "
			 "them",
			 d->path, (int)((uint64_t)bytes - size));
	atomic_store(&d->d.size, size);
	return 0;
}

/* Less than a device can do by any account is not believed. */
static void limit_requests(struct host_disk *d)
{
	const uint32_t least = 16 * KiB;
	uint32_t bytes, segs;

	disk_request_limits(d->fd, &bytes, &segs);
	if (bytes < least)
		return;
	d->request_max = bytes;
	d->request_segs = segs ? segs : UINT32_MAX;
}

static int prepare_direct(struct host_disk *d, struct err *e)
{
	int code = disk_direct_alignment(d->fd, &d->mem_align, &d->file_align);

	if (code == -EOPNOTSUPP)
		return err_set(
			e, EOPNOTSUPP,
			"disk %s: its file system has no O_DIRECT for it, which cache=none needs; "
			"use cache=writeback",
			d->path);
	if (code)
		return err_code(e, -code, "disk %s: O_DIRECT", d->path);
	/* Its last block could not be written without making the file longer. */
	if (!d->d.ro && atomic_load(&d->d.size) % d->file_align)
		return err_set(
			e, EINVAL,
			"disk %s: its size is no multiple of the %u bytes that cache=none needs "
			"here; use cache=writeback",
			d->path, d->file_align);
	if (d->d.physical_block < d->file_align)
		d->d.physical_block = d->file_align;
	d->gated = !d->d.ro && d->file_align > DISK_SECTOR;
	limit_requests(d);
	return 0;
}

static int prepare(struct host_disk *d, const struct disk_config *c, struct err *e)
{
	int code = measure(d, e);

	if (code)
		return code;
	disk_topology(&d->d, d->fd);
	d->zero_align = d->is_block ? d->d.logical_block : DISK_SECTOR;
	d->discard = c->discard && d->d.can_discard && !d->d.ro;
	if (c->snapshot) {
		code = overlay_open(&d->overlay, atomic_load(&d->d.size), e);
		if (code)
			return err_ctx(e, "disk %s", d->path);
		d->has_overlay = true;
		d->discard = c->discard;
		d->zero_align = DISK_SECTOR;
	}
	d->d.can_discard = d->discard;
	return d->direct ? prepare_direct(d, e) : 0;
}

struct disk *disk_open(const struct disk_config *c, struct err *e)
{
	const bool writes = writes_to(c);
	struct host_disk *d = calloc(1, sizeof(*d));
	struct stat st;

	if (!d || !(d->path = strdup(c->path))) {
		(void)err_set(e, ENOMEM, "disk %s: out of memory", c->path);
		free(d);
		return NULL;
	}
	d->d.name = d->path;
	d->d.ro = c->ro;
	d->engine = c->engine;
	d->direct = c->cache == DISK_NONE && !c->snapshot;
	d->stable_writes = c->cache == DISK_WRITETHROUGH;
	gate_init(&d->writes);
	gate_init(&d->flushes);
	disk_pool_init(&d->pool);
	d->fd = open_image(d->path, writes, d->direct, e);
	if (d->fd < 0 || lock_image(d->fd, d->path, writes, e)) {
		disk_close(&d->d);
		return NULL;
	}
	d->is_block = fstat(d->fd, &st) == 0 && S_ISBLK(st.st_mode);
	if (prepare(d, c, e)) {
		disk_close(&d->d);
		return NULL;
	}
	return &d->d;
}

void disk_close(struct disk *disk)
{
	struct host_disk *d;

	if (!disk)
		return;
	d = host_disk(disk);
	disk_pool_end(&d->pool);
	if (d->has_overlay)
		overlay_close(&d->overlay);
	if (d->fd >= 0)
		(void)set_lock(d->fd,
			       F_UNLCK); /* a ring that is being taken down may keep the file */
	close_quietly(d->fd);
	free(d->path);
	free(d);
}

int disk_look_at_size(struct disk *disk)
{
	struct host_disk *d = host_disk(disk);
	const uint32_t unit = d->gated ? d->file_align : DISK_SECTOR;
	int64_t bytes;
	uint64_t size;

	if (d->has_overlay)
		return 0; /* its map is as large as the image was */
	bytes = disk_host_size(d->fd);
	if (bytes < 0)
		return (int)bytes;
	size = align_down((uint64_t)bytes, unit);
	return atomic_exchange(&disk->size, size) != size;
}
