/* SPDX-License-Identifier: Apache-2.0 */
/* cmdline: words of a Linux kernel command line, as the kernel takes them apart. */
#ifndef VMM_INITRAMFS_CMDLINE_H
#define VMM_INITRAMFS_CMDLINE_H

#include "vmm/base/defs.h"

/*
 * The value of the last @key=VALUE, without quotes, in memory of its own; NULL when there is none,
 * or no memory. Words behind "--" are init's and do not count.
 */
char *cmdline_value(const char *cmdline, const char *key);

/*
 * What is for the module @name: of all words "name.PARAMETER", the parameters with blanks between,
 * as they stand; '-' and '_' are one. NULL when there is none, or no memory.
 */
char *cmdline_parameters(const char *cmdline, const char *name);

/* Which of two words without a value comes last: -1 none, 0 @first, 1 @second. */
int cmdline_last_of(const char *cmdline, const char *first, const char *second);

#endif
