/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elffile: header and sections of an ELF file (System V gABI, chapters 4 and 5) for arm64 or 32-bit
 * ARM, and the bytes of a section, unpacked if it is compressed.
 *
 * The file is hostile and may change while it is read: every offset in it is checked against its
 * size when it was opened, every read says when it comes up short, tables are bounded.
 * Little-endian only.
 */
#ifndef VMM_DEBUG_ELFFILE_H
#define VMM_DEBUG_ELFFILE_H

#include "vmm/base/io.h"

#define ELFFILE_MAX_SECTIONS 65536
#define ELFFILE_MAX_DATA     (512 * MiB) /* bytes of a section that is held in memory */

/* A section header, whatever the class of the file. */
struct elf_section {
	uint32_t name, type, link, info;
	uint64_t flags, addr, offset, size, entsize;
};

struct elf_file {
	const struct io_file *file; /* borrowed */
	bool is64;
	unsigned type;	 /* ET_... */
	uint64_t lowest; /* virtual address of the first byte of its segments; 0 when it has none */
	struct elf_section *section; /* owned */
	unsigned nr_sections;
	struct io_bytes names; /* of sections; ends in a NUL */
};

/* Whether @head, the first bytes of a file, begins an ELF file. */
bool elf_file_sniff(const uint8_t *head, size_t len);

/* Reads header and section table. @f outlives @ef. On failure nothing is held. */
int elf_file_open(struct elf_file *ef, const struct io_file *f, struct err *e) MUST_CHECK;

/* Fine on one of zero bits. */
void elf_file_close(struct elf_file *ef);

/* The first section called @name, or NULL. */
const struct elf_section *elf_file_section(const struct elf_file *ef, const char *name);

/* What a section holds. One of zero bits holds nothing. */
struct elf_data {
	const struct io_file *file; /* where it lies there as it is ... */
	uint64_t at;
	struct io_bytes unpacked; /* ... or, from a compressed section, here */
	uint64_t len;
};

/* Unpacks a compressed section (SHF_COMPRESSED with zlib or zstd); others cost nothing. */
int elf_data_open(struct elf_data *d, const struct elf_file *ef, const struct elf_section *s,
		  struct err *e) MUST_CHECK;

/* Reads exactly @len bytes from @at; -EINVAL beyond the end. */
int elf_data_read(const struct elf_data *d, uint64_t at, void *dst, size_t len,
		  struct err *e) MUST_CHECK;

/* Fine on one of zero bits. */
void elf_data_close(struct elf_data *d);

#endif
