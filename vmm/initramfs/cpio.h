/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpio: writes a newc archive into a memfd, as the Linux kernel unpacks it into its first root
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Folders come before what is in
 * them. Everything belongs to root and is from 1970, so that equal input gives equal bytes.
 *
 *	struct cpio c;
 *	cpio_create(&c, e) -> cpio_dir(), cpio_file() ... -> cpio_finish(&c, &fd, e)
 *
 * On failure, cpio_destroy() gives back what is held; it is fine after cpio_finish() too.
 */
#ifndef VMM_INITRAMFS_CPIO_H
#define VMM_INITRAMFS_CPIO_H

#include "vmm/base/err.h"

struct cpio {
	int fd;	       /* owned; -1: none */
	uint64_t size; /* bytes written */
	uint32_t ino;  /* the last one given */
};

int cpio_create(struct cpio *c, struct err *e) MUST_CHECK;

/* @name has no slash in front. @mode: permission bits. */
int cpio_dir(struct cpio *c, const char *name, unsigned mode, struct err *e) MUST_CHECK;
int cpio_file(struct cpio *c, const char *name, unsigned mode, const void *data, size_t len,
	      struct err *e) MUST_CHECK;
int cpio_link(struct cpio *c, const char *name, const char *target, struct err *e) MUST_CHECK;
/* A character device. */
int cpio_node(struct cpio *c, const char *name, unsigned mode, unsigned major, unsigned minor,
	      struct err *e) MUST_CHECK;

/* Ends the archive, so that another may follow; *@fd is the caller's. */
int cpio_finish(struct cpio *c, int *fd, struct err *e) MUST_CHECK;

void cpio_destroy(struct cpio *c);

#endif
