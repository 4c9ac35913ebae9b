/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namecache: names of addresses that were looked up before. A look-up unpacks names from the
 * guest's memory; who watches what a timer writes would wait for twenty of them four times in a
 * hundredth of a second, and always for the same. Pure; no lock.
 */
#ifndef VMM_DEBUG_NAMECACHE_H
#define VMM_DEBUG_NAMECACHE_H

#include "vmm/base/defs.h"

#define NAMECACHE_SLOTS 512
#define NAMECACHE_NAME	112 /* a longer name is not kept */

/* Of an address, and whether it is one to return to: these may have another name. */
struct namecache_slot {
	uint64_t va;
	bool returns;
	char name[NAMECACHE_NAME]; /* "": none */
};

/* All zeroes is an empty one; make it so again when names may have changed. */
struct namecache {
	struct namecache_slot slot[NAMECACHE_SLOTS];
};

/* True, and the name, cut to @size - 1, in @buf. */
bool namecache_get(const struct namecache *c, uint64_t va, bool returns, char *buf, size_t size);

/* Keeps @name, perhaps in place of another. */
void namecache_put(struct namecache *c, uint64_t va, bool returns, const char *name);

#endif
