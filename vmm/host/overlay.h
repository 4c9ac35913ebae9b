/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay: what was written to a disk whose image must stay as it is: a temporary file of the same
 * layout, and a bit for each sector that is in it.
 *
 * The file has no name and goes with its last descriptor, so nothing is left behind by a crash. The
 * bits are zero pages until sectors are written. Bits are set after the data is in the file, with
 * release order, and read with acquire: any number of threads may read and write.
 */
#ifndef VMM_HOST_OVERLAY_H
#define VMM_HOST_OVERLAY_H

#include "vmm/base/err.h"

struct overlay {
	int fd;			   /* of the temporary file */
	_Atomic uint64_t *written; /* a bit a sector */
	size_t map_bytes;
};

/* For a disk of @size bytes. The file is made in $TMPDIR, else /var/tmp. */
int overlay_open(struct overlay *o, uint64_t size, struct err *e) MUST_CHECK;
void overlay_close(struct overlay *o);

/*
 * Of the bytes at @offset, how many (at most @len, at least a sector) are in the same place, and in
 * *@written whether that is the overlay. Both are multiples of DISK_SECTOR inside the disk; @len >
 * 0.
 */
uint64_t overlay_run(const struct overlay *o, uint64_t offset, uint64_t len, bool *written);

/* From now on these bytes are in the overlay: the caller has written them there. */
void overlay_mark(struct overlay *o, uint64_t offset, uint64_t len);

#endif
