/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreign: names for files that are no kernel vmm can boot, so that the person who gave one reads
 * what it is and what to do. By magic bytes only; nothing is decided on this.
 */
#ifndef VMM_ARCH_ARM64_FOREIGN_H
#define VMM_ARCH_ARM64_FOREIGN_H

#include "vmm/base/defs.h"

/*
 * What @head, the first @len bytes of a file, is the beginning of: "is an initrd (cpio archive):
 * give it with --initrd". NULL when nobody knows. 4 KiB are enough for all that are known.
 */
const char *foreign_file(const uint8_t *head, size_t len);

/* The architecture of a PE file ("x86-64"), "an unknown machine", or NULL when it is no PE file. */
const char *foreign_pe_machine(const uint8_t *head, size_t len);

/* The same for ELF's e_machine. Never NULL. */
const char *foreign_elf_machine(unsigned machine);

#endif
