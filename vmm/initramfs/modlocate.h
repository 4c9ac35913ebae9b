/* SPDX-License-Identifier: Apache-2.0 */
/* modlocate: which folder has the modules of a kernel. */
#ifndef VMM_INITRAMFS_MODLOCATE_H
#define VMM_INITRAMFS_MODLOCATE_H

#include "vmm/base/err.h"

/*
 * Where the modules of this kernel lie: *@dir, to be freed by the caller, or NULL when nothing
 * looks like it. Looked at: an installed or unpacked package (X/boot/vmlinuz-VERSION beside
 * X/lib/modules/VERSION or X/usr/lib/modules/VERSION), a folder of modules with the kernel in it,
 * and one called "modules" beside the kernel.
 */
int modlocate_beside(const char *kernel, char **dir, struct err *e) MUST_CHECK;

/*
 * What the user means by @dir: such a folder itself, one with a single such folder in it
 * (/lib/modules), or an unpacked package (lib/modules or usr/lib/modules in it). Of several, the
 * one that @kernel has the version of, as its name says; it may be NULL. *@out is freed by the
 * caller.
 */
int modlocate(const char *dir, const char *kernel, char **out, struct err *e) MUST_CHECK;

#endif
