/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image: a disk's bytes, for code that looks for partitions and file systems on them. A guest can
 * have written every one.
 */
#ifndef VMM_INITRAMFS_IMAGE_H
#define VMM_INITRAMFS_IMAGE_H

#include "vmm/base/checked.h"

#include <errno.h>

struct image_bytes {
	uint64_t size;
	/* Reads all @len bytes; they lie inside. 0 or -errno. */
	int (*read)(void *ctx, uint64_t at, void *dst, size_t len);
	void *ctx;
};

/* 0 or -errno: -ERANGE where there are no such bytes. */
static inline MUST_CHECK int image_read(const struct image_bytes *im, uint64_t at, void *dst,
					size_t len)
{
	return range_inside(at, len, 0, im->size) ? im->read(im->ctx, at, dst, len) : -ERANGE;
}

#endif
