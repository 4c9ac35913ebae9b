/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsprobe: which file system a piece of a disk has, by its superblock, with its label and UUID as
 * blkid and /etc/fstab write them. Pure but for the reads.
 */
#ifndef VMM_INITRAMFS_FSPROBE_H
#define VMM_INITRAMFS_FSPROBE_H

#include "vmm/initramfs/partition.h"

struct fs {
	const char *type;   /* as mount wants it: "ext4" for all of ext2/3/4; NULL: not known */
	const char *module; /* the driver's, when that is not @type */
	const char *no;	    /* what it is, when it is not for mounting: "swap space"; else NULL */
	char label[257];    /* printable; "": none */
	struct uuid_text uuid;
};

/* Looks at @size bytes at @at. -errno only when they could not be read. */
int fs_probe(const struct image_bytes *im, uint64_t at, uint64_t size, struct fs *fs) MUST_CHECK;

#endif
