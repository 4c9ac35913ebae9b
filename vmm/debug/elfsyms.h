/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elfsyms: the symbols of an ELF file that name addresses: a vmlinux, a kernel module, a program.
 *
 * Taken are functions, objects and labels in sections that are loaded, from SHT_SYMTAB or, in a
 * stripped file, SHT_DYNSYM. Addresses are those the file is linked for. A kernel module (ET_REL)
 * is not linked: of it only .text counts, and addresses begin with 0 there. The end of each section
 * is noted, so that what lies behind is in nothing.
 */
#ifndef VMM_DEBUG_ELFSYMS_H
#define VMM_DEBUG_ELFSYMS_H

#include "vmm/debug/elffile.h"
#include "vmm/debug/symtab.h"

/* Fills @t, which is of zero bits. On failure it holds nothing. */
int elfsyms_read(struct symtab *t, const struct elf_file *ef, struct err *e) MUST_CHECK;

#endif
