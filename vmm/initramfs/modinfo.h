/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modinfo: what a Linux kernel module says of itself: "key=value" strings in its ELF section
 * .modinfo (MODULE_INFO() in include/linux/moduleparam.h). Pure; the file may hold anything.
 */
#ifndef VMM_INITRAMFS_MODINFO_H
#define VMM_INITRAMFS_MODINFO_H

#include "vmm/base/defs.h"

struct modinfo {
	const char *at; /* borrowed from the module's bytes; ends with a NUL */
	size_t len;
};

/* Finds it in a module for arm64 (little-endian) of @len bytes; false when these are none. */
bool modinfo_find(struct modinfo *m, const uint8_t *elf, size_t len) MUST_CHECK;

/* The value of @key behind the one that was given last, @after; NULL begins, and ends. */
const char *modinfo_next(const struct modinfo *m, const char *key, const char *after);

#endif
