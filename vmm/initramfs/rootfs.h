/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs: which partition of which disk the user means with --root, and what is on it, found out on
 * the host so that a guest with the wrong root is a sentence and not a guest that waits.
 *
 *	vda, vda1, /dev/vda1		a disk by its place among all, from vda on; its partition
 *	LABEL=, UUID=			a file system by what its superblock says
 *	PARTUUID=, PARTLABEL=		a partition by what the table says
 *	FILE				the disk that is this image, and of its partitions the root
 *	/dev/anything-else		left for the guest to find
 *
 * followed by ",rw" or ",ro" if wanted.
 */
#ifndef VMM_INITRAMFS_ROOTFS_H
#define VMM_INITRAMFS_ROOTFS_H

#include "vmm/base/err.h"
#include "vmm/initramfs/fsprobe.h"

struct root_disk {
	const char *path;	  /* for messages */
	bool meant;		  /* the user's --root is this file */
	struct image_bytes bytes; /* size 0: cannot be read, and why was said */
};

struct root {
	char device[32];	   /* in the guest's /dev: "vda1" */
	const char *type, *module; /* of its file system, as in struct fs; NULL: not known */
};

enum root_mode { ROOT_AS_USUAL, ROOT_RO, ROOT_RW };

/* What @spec says of its mode; *@len: its length without that. */
enum root_mode root_spec_mode(const char *spec, size_t *len);

/* What @spec, without a mode, is by its form. */
enum root_kind {
	ROOT_ON_DISKS,	/* vda1, LABEL= and their kin: to be found on the disks */
	ROOT_ELSEWHERE, /* another name in /dev */
	ROOT_FILE,	/* anything else */
};

enum root_kind root_spec_kind(const char *spec);

/* Finds @spec, which is without a mode, on the disks. */
int root_find(struct root *r, const char *spec, const struct root_disk *disks, size_t nr,
	      struct err *e) MUST_CHECK;

/* The guest's name of the n-th disk, and of its partition if that is not 0: "vda", "vdab3". */
void root_device_name(char *dst, size_t size, size_t disk, unsigned partition);

#endif
