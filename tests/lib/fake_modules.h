/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of kernel modules that hold nothing but what they say of themselves, in a new folder
 * under /tmp. And an archive taken apart again.
 */
#ifndef TESTS_LIB_FAKE_MODULES_H
#define TESTS_LIB_FAKE_MODULES_H

#include "vmm/base/defs.h"

struct fake_modules {
	char root[40]; /* the new folder */
};

void fake_modules_create(struct fake_modules *f);
/* Removes the folder with all in it. */
void fake_modules_destroy(struct fake_modules *f);

/* "root/path", in memory that the next but 7 call reuses. */
const char *fake_path(const struct fake_modules *f, const char *path);

/* A file in it, and the folders on the way there. */
void put_file(const struct fake_modules *f, const char *path, const void *data, size_t len);
void put_text(const struct fake_modules *f, const char *path, const char *text);

/*
 * A module: @path ends in .ko, .ko.gz, .ko.xz or .ko.zst, and it is packed accordingly. @info: its
 * .modinfo, strings with '|' between: "depends=a,b|softdep=pre: c".
 */
void fake_module(const struct fake_modules *f, const char *path, const char *info);

/* The same as bytes: in @out of @room bytes; how many. */
size_t fake_module_bytes(uint8_t *out, size_t room, const char *info);

/* An entry of an archive. */
struct fake_entry {
	unsigned mode, rdev_major, rdev_minor;
	const uint8_t *data;
	size_t len;
};

/*
 * Finds @name in a newc archive of @len bytes, which is checked from its beginning to its trailer;
 * false when it is not there.
 */
bool fake_find(const uint8_t *archive, size_t len, const char *name, struct fake_entry *out);

#endif
