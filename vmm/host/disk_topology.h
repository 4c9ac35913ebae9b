/* SPDX-License-Identifier: Apache-2.0 */
/* What the host knows of an open image: sizes of blocks, and what O_DIRECT wants. */
#ifndef VMM_HOST_DISK_TOPOLOGY_H
#define VMM_HOST_DISK_TOPOLOGY_H

#include "vmm/host/disk.h"

/* Bytes in the file or block device behind @fd, or -errno. */
int64_t disk_host_size(int fd);

/*
 * Fills the block and I/O sizes of @d, rotational, and can_discard as far as the device goes. What
 * the host does not say gets a value that is always right.
 */
void disk_topology(struct disk *d, int fd);

/*
 * What an O_DIRECT descriptor wants of addresses and of offsets and lengths: powers of two. 0 or
 * -errno; -EOPNOTSUPP: no O_DIRECT with this file.
 */
int disk_direct_alignment(int fd, uint32_t *mem, uint32_t *file);

/*
 * The most that the device behind @fd takes as one request: bytes, and pieces of memory of a page.
 * 0: not known.
 */
void disk_request_limits(int fd, uint32_t *bytes, uint32_t *segs);

#endif
