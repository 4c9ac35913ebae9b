/* SPDX-License-Identifier: Apache-2.0 */
/* root: what the guest's kernel is given so that it finds its root: --root and --modules. */
#ifndef VMM_ROOT_H
#define VMM_ROOT_H

#include "vmm/config.h"
#include "vmm/initramfs/initramfs.h"

struct root {
	struct initramfs initramfs;
	char *command; /* what the guest is to run, owned; NULL: nothing */
	char *cmdline; /* the kernel's, owned, when it is not just the configured one; else NULL */
};

/* Reads the disks' images and the modules. root_free() in any case; @r was ROOT_NONE before. */
int root_make(struct root *r, const struct vm_config *c, struct err *e) MUST_CHECK;

#define ROOT_NONE                                                                                  \
	{                                                                                          \
		.initramfs = {.fd = -1 }                                                           \
	}

void root_free(struct root *r);

#endif
