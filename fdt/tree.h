/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: the parts of a device tree that no architecture owns: the frame (root, chosen, memory),
 * and the devices, each asked to describe itself. Devicetree specification v0.4, chapter 3.
 */
#ifndef VMM_FDT_TREE_H
#define VMM_FDT_TREE_H

#include "fdt/fdt.h"
#include "vmm/core/bus.h"

struct tree_info {
	const char *bootargs;
	const char *stdout_path;      /* node of the console; NULL: none */
	uint64_t initrd, initrd_size; /* size 0: none */
	uint64_t ram, ram_size;
	uint64_t kaslr_seed;
	uint8_t rng_seed[32];
};

/* Writes the root's properties, /chosen and /memory; the root stays open. */
void tree_frame(struct fdt *t, const struct tree_info *i);

/* Has each device on @b write its node. */
void tree_devices(struct fdt *t, const struct bus *b);

#endif
