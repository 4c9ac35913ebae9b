/* SPDX-License-Identifier: Apache-2.0 */
/* elf: the loadable segments of an arm64 ELF file (System V ABI, chapter 5), as pieces of an image.
 */
#ifndef VMM_ARCH_ARM64_ELF_H
#define VMM_ARCH_ARM64_ELF_H

#include "arch/arm64/boot/image.h"

/*
 * Fills pieces, size, address and entry of @im (zeroed by the caller) from the PT_LOAD segments of
 * @f, which begins with ELF's magic number; kind is IMAGE_FIXED. Pieces are sorted by address,
 * which is the physical one.
 */
int elf_sniff(struct image *im, const struct io_file *f, struct err *e) MUST_CHECK;

#endif
