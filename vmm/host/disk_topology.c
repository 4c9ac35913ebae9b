/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/disk_topology.h"
#include "vmm/base/checked.h"
#include "vmm/base/io.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* linux/stat.h of 6.1; the build may know an older one. */
#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x2000U
#endif
enum { STATX_DIO_MEM = 0x98, STATX_DIO_FILE = 0x9c };

int64_t disk_host_size(int fd)
{
	struct stat st;
	uint64_t size;

	if (io_stat(fd, &st))
		return -errno;
	if (!S_ISBLK(st.st_mode))
		return st.st_size;
	if (ioctl(fd, BLKGETSIZE64, &size))
		return -errno;
	return size > INT64_MAX ? -EFBIG : (int64_t)size;
}

/* A number in /sys/dev/block/MAJOR:MINOR/@name; @otherwise when it is not there. */
static uint64_t sysfs(dev_t dev, const char *name, uint64_t otherwise)
{
	char path[128], text[32];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(dev), minor(dev), name);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return otherwise;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return otherwise;
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

/* A property of the queue: partitions have the one of their disk. */
static uint64_t queue_limit(dev_t dev, const char *name, uint64_t otherwise)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "queue/%s", name);
	otherwise = sysfs(dev, path, otherwise);
	(void)snprintf(path, sizeof(path), "../queue/%s", name);
	return sysfs(dev, path, otherwise);
}

static uint32_t block_size(uint64_t v, uint32_t otherwise)
{
	return is_power_of_two(v) && v >= DISK_SECTOR && v <= MiB ? (uint32_t)v : otherwise;
}

static void of_device(struct disk *d, int fd, dev_t dev)
{
	unsigned short rotational = 0;
	unsigned n;
	int size;

	if (ioctl(fd, BLKSSZGET, &size) == 0 && size > 0)
		d->logical_block = block_size((uint64_t)size, DISK_SECTOR);
	d->physical_block = d->logical_block;
	if (ioctl(fd, BLKPBSZGET, &n) == 0)
		d->physical_block = block_size(n, d->logical_block);
	if (d->physical_block < d->logical_block)
		d->physical_block = d->logical_block;
	if (ioctl(fd, BLKIOMIN, &n) == 0)
		d->min_io = n;
	if (ioctl(fd, BLKIOOPT, &n) == 0)
		d->opt_io = n;
	if (ioctl(fd, BLKALIGNOFF, &size) == 0 && size > 0)
		d->alignment_offset = (uint32_t)size;
	if (ioctl(fd, BLKROTATIONAL, &rotational) == 0)
		d->rotational = rotational;
	d->can_discard = queue_limit(dev, "discard_max_bytes", 0) != 0;
	d->discard_granularity = (uint32_t)queue_limit(dev, "discard_granularity", 0);
	d->discard_alignment = (uint32_t)sysfs(dev, "discard_alignment", 0);
}

void disk_topology(struct disk *d, int fd)
{
	struct stat st;

	d->logical_block = d->physical_block = DISK_SECTOR;
	if (fstat(fd, &st))
		return;
	if (S_ISBLK(st.st_mode)) {
		of_device(d, fd, st.st_rdev);
		return;
	}
	/* Network file systems ask for a megabyte: that is no block. */
	d->physical_block = st.st_blksize > 0 && st.st_blksize <= (int)(64 * KiB)
				    ? block_size((uint64_t)st.st_blksize, 4096)
				    : 4096;
	d->min_io = d->physical_block;
	d->discard_granularity = d->physical_block;
	d->can_discard = true;
	d->rotational = queue_limit(st.st_dev, "rotational", 0) != 0;
}

static bool asked(int fd, uint32_t *mem, uint32_t *file)
{
	struct statx stx;

	memset(&stx, 0, sizeof(stx));
	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) || !(stx.stx_mask & STATX_DIOALIGN))
		return false;
	memcpy(mem, (const char *)&stx + STATX_DIO_MEM, sizeof(*mem));
	memcpy(file, (const char *)&stx + STATX_DIO_FILE, sizeof(*file));
	return true;
}

/* Kernels before 6.1: the smallest read that is taken says it. Memory is asked for the same. */
static int probed(int fd, uint32_t *mem, uint32_t *file)
{
	int code = -EOPNOTSUPP;
	void *buf;

	if (posix_memalign(&buf, 64 * KiB, 64 * KiB))
		return -ENOMEM;
	for (uint32_t n = DISK_SECTOR; n <= 64 * KiB; n *= 2) {
		if (pread(fd, buf, n, 0) >= 0) {
			*mem = *file = n;
			code = 0;
			break;
		}
		if (errno != EINVAL) {
			code = -errno;
			break;
		}
	}
	free(buf);
	return code;
}

int disk_direct_alignment(int fd, uint32_t *mem, uint32_t *file)
{
	if (!asked(fd, mem, file)) {
		int code = probed(fd, mem, file);

		if (code)
			return code;
	}
	if (!is_power_of_two(*mem) || !is_power_of_two(*file) || *mem > 64 * KiB ||
	    *file > 64 * KiB)
		return -EOPNOTSUPP;
	if (*file < DISK_SECTOR)
		*file = DISK_SECTOR;
	return 0;
}

void disk_request_limits(int fd, uint32_t *bytes, uint32_t *segs)
{
	struct stat st;
	dev_t dev;

	*bytes = *segs = 0;
	if (fstat(fd, &st))
		return;
	dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	*bytes = (uint32_t)(queue_limit(dev, "max_sectors_kb", 0) * KiB);
	*segs = (uint32_t)queue_limit(dev, "max_segments", 0);
}
