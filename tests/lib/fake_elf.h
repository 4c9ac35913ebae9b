/* SPDX-License-Identifier: Apache-2.0 */
/* ELF files for tests: sections and symbols, of either class. */
#ifndef TESTS_LIB_FAKE_ELF_H
#define TESTS_LIB_FAKE_ELF_H

#include "vmm/base/defs.h"

#include <elf.h>

enum { FAKE_ELF_MAX = 65536, FAKE_ELF_SECTIONS = 16, FAKE_ELF_SYMBOLS = 64 };

struct fake_elf {
	uint8_t b[FAKE_ELF_MAX]; /* the file, after fake_elf_finish() */
	size_t len;

	/* What it is made of. */
	bool is32;
	unsigned type; /* ET_... */
	unsigned nr_sections, nr_symbols;
	uint32_t symtab_type; /* SHT_SYMTAB unless changed before finishing; 0: no table */
	struct {
		const char *name;
		uint32_t type, link;
		uint64_t flags, addr, size, at;
	} section[FAKE_ELF_SECTIONS];
	struct {
		const char *name;
		uint64_t value, size;
		unsigned section, type, bind;
	} symbol[FAKE_ELF_SYMBOLS];
};

/* Empties it. Section 0 is there. */
void fake_elf_init(struct fake_elf *f, bool is32, unsigned type);

/* Adds a section; @data NULL is one of zeroes, or SHT_NOBITS. Returns its number. */
unsigned fake_elf_section(struct fake_elf *f, const char *name, uint32_t type, uint64_t flags,
			  uint64_t addr, const void *data, size_t size);

void fake_elf_symbol(struct fake_elf *f, const char *name, uint64_t value, uint64_t size,
		     unsigned section, unsigned type, unsigned bind);

/* Adds tables and headers, one PT_LOAD for the first section among them. */
void fake_elf_finish(struct fake_elf *f);

/* A file of these bytes, until the process ends; its path, good until the 16th call after. */
const char *fake_file(const void *bytes, size_t len);

#endif
