/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: where kernel, device tree and initrd go in guest RAM. Pure: sizes in, addresses out.
 *
 * Linux (Documentation/arch/arm64/booting.rst): the Image text_offset bytes above a 2 MiB boundary;
 * the tree 8-byte aligned, at most 2 MiB and (before 4.2) within a 2 MiB block and near the kernel;
 * the initrd within 32 GiB of the 1 GiB block that the kernel begins in. All three are packed from
 * the start of RAM, so that few large pages are touched. A kernel that does not say its size
 * (before 3.17) gets the two others as far behind it as the rules allow.
 *
 * Bare metal: the tree at the start of RAM where the program leaves room, as QEMU's board has it.
 *
 * 32-bit Linux (Documentation/arch/arm/booting.rst): the zImage at 32 MiB, the others from 128 MiB.
 */
#ifndef VMM_ARCH_ARM64_PLACE_H
#define VMM_ARCH_ARM64_PLACE_H

#include "arch/arm64/boot/image.h"

#define BOOT_DTB_MAX (2 * MiB)

struct boot_input {
	uint64_t ram_base, ram_size; /* bytes; the sum does not wrap; base 2 MiB-aligned */
	const struct image *image;   /* its kind, size, text_offset, address, open_ended */
	uint64_t initrd_size;	     /* bytes; 0: none */
	uint64_t dtb_size;	     /* bytes to keep for the device tree; 0: none */
};

/* Disjoint pieces of RAM. An address without a size is 0. */
struct boot_layout {
	uint64_t kernel, kernel_room; /* room >= image size; more only for an open-ended one */
	uint64_t dtb, dtb_size;
	uint64_t initrd, initrd_size;
	uint64_t entry; /* the first instruction */
};

/* On failure @out is unspecified and @e says what is needed and what there is. */
int boot_place(const struct boot_input *in, struct boot_layout *out, struct err *e) MUST_CHECK;

#endif
