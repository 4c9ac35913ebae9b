/* SPDX-License-Identifier: Apache-2.0 */
/* rom: --rom: files as memory that the guest can read and not write. */
#ifndef VMM_ROM_H
#define VMM_ROM_H

#include "vmm/base/keys.h"
#include "vmm/core/gmem.h"
#include "vmm/core/ram.h"
#include "vmm/kvm.h"

struct rom {
	struct ram memory;
	char *name; /* for reports; owned */
};

struct roms {
	struct rom *rom;
	size_t nr;
};

/*
 * Reads each of @items (config.h: rom_parse()) into memory of its own, and makes that part of @k's
 * address space and @mem; a last page that the file does not fill ends in zeroes. The sentence of
 * an error names the file. What it made stays, for roms_destroy().
 */
int roms_create(struct roms *r, const struct key_list *items, struct kvm *k, struct gmem *mem,
		struct err *e) MUST_CHECK;

/* After the VM. Fine on zeroes. */
void roms_destroy(struct roms *r);

#endif
