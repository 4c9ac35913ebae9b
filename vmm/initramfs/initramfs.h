/* SPDX-License-Identifier: Apache-2.0 */
/*
 * initramfs: the archive that lets a distribution's kernel start from a disk without one made for
 * it: the modules that the configured devices and the root file system need, and a program that
 * loads them, mounts the root and becomes its init (arch/arm64/guest/init.c).
 *
 *	root	initrd	modules		what is made
 *	yes	no	any		archive: modules if there are any, root
 *	any	yes	given		archive in front of the initrd: modules, then the initrd's
 *					/init; a root goes to that by the command line
 *	yes	yes	not given	no archive; the root goes to the initrd by the command line
 *	no	no	found		archive, when the command line has a root= of our disks
 *
 * With a command there is an archive in any case: the program runs that, in the root or in what the
 * initrd brings, instead of an init.
 *
 * A root is mounted read-only, as the kernel does it, unless it is asked for with ",rw" or the
 * command line has rw. When it is a folder of the host, or a command runs in it, what is written to
 * it goes to the guest's memory, unless ",ro" or ",rw" is asked for.
 *
 * Of the command line these count too: init=, rootfstype=, rootflags=, rootdelay= (how long the
 * root may take to appear, in seconds), and words like MODULE.PARAMETER=.
 */
#ifndef VMM_INITRAMFS_INITRAMFS_H
#define VMM_INITRAMFS_INITRAMFS_H

#include "vmm/base/err.h"

/* Kinds of devices that the guest has, as a mask. Modules for them are loaded. */
enum initramfs_device {
	INITRAMFS_BLK = 1,
	INITRAMFS_CONSOLE = 2,
	INITRAMFS_RNG = 4,
	INITRAMFS_NET = 8,
	INITRAMFS_BALLOON = 16,
	INITRAMFS_VSOCK = 32,
	INITRAMFS_FS = 64,
};

/* All is borrowed and plain data. */
struct initramfs_config {
	const char *kernel;  /* path: modules are looked for beside it */
	const char *modules; /* --modules; NULL: not given */
	const char *root;    /* --root, as vmm/initramfs/rootfs.h has it; NULL: not given */
	const char *cmdline; /* what the kernel gets */
	bool has_initrd;     /* the user's --initrd */
	const char *share;   /* @root is a folder of the host, shared by this name; or NULL */
	const void *command; /* what to run, as vmm/command_wire.h has it; NULL: an init */
	size_t command_len;
	const char *const *disks; /* paths of raw images or block devices: vda, vdb ... */
	size_t nr_disks;
	unsigned devices; /* enum initramfs_device */
	const void *init; /* the guest's program, and its bytes */
	size_t init_len;

	/* A sentence about what will be missing in the guest, and nobody fails for. May be NULL. */
	void (*warn)(void *ctx, const char *sentence);
	void *ctx;
};

struct initramfs {
	int fd;		 /* owned: a memfd with the archive; -1: none */
	char words[160]; /* what the kernel's command line needs besides; "": nothing */
};

/* On failure, nothing is held. A root that is on none of the disks is one. */
int initramfs_make(const struct initramfs_config *c, struct initramfs *out,
		   struct err *e) MUST_CHECK;

/* Closes the archive; fine when there is none. */
void initramfs_free(struct initramfs *i);

#endif
