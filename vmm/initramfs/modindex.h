/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modindex: which modules a folder has and where. Names are those that the kernel knows: '-' in a
 * file's name is '_'.
 */
#ifndef VMM_INITRAMFS_MODINDEX_H
#define VMM_INITRAMFS_MODINDEX_H

#include "vmm/base/err.h"

struct modindex_entry {
	char *path; /* owned; in the folder */
	char *name; /* owned */
};

struct modindex {
	struct modindex_entry *at; /* owned */
	size_t nr, room;
};

/* Names in one index, and bytes of a file that lists them. */
#define MODINDEX_MAX	  65536
#define MODINDEX_FILE_MAX (32 * MiB)

/*
 * Reads a file of the folder @dir that has a path at the beginning of each line, as modules.dep and
 * modules.builtin have. *@found: whether it is there. Free with modindex_free(), also on failure.
 */
int modindex_read(struct modindex *x, const char *dir, const char *file, bool *found,
		  struct err *e) MUST_CHECK;

/* The same by looking through @dir. */
int modindex_walk(struct modindex *x, const char *dir, struct err *e) MUST_CHECK;

/* The path of a module, or NULL. One in updates/ comes before others, as depmod has it. */
const char *modindex_find(const struct modindex *x, const char *name);

void modindex_free(struct modindex *x);

/* Whether both mean the same module: '-' and '_' are one. */
bool modindex_same(const char *a, const char *b);

#endif
