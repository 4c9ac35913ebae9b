/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMM_FDT_PATCH_H
#define VMM_FDT_PATCH_H

#include "vmm/base/err.h"

/* What a boot adds to a tree that somebody else wrote. */
struct fdt_chosen {
	const char *bootargs;	      /* NULL: the tree's own */
	uint64_t initrd, initrd_size; /* size 0: none, the tree's own are taken out */
};

/* Bytes that fdt_patch() may add for @c. */
size_t fdt_patch_room(const struct fdt_chosen *c);

/*
 * Sets /chosen of the checked tree *@blob (from malloc(); replaced) of *@size bytes, making the
 * node when it is missing; the rest is left as the user wants it.
 */
int fdt_patch(void **blob, size_t *size, const struct fdt_chosen *c, struct err *e) MUST_CHECK;

#endif
