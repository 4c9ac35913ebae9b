/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols_file: one file with symbols, of any known kind: opened at once, read when first needed.
 */
#ifndef VMM_DEBUG_SYMBOLS_FILE_H
#define VMM_DEBUG_SYMBOLS_FILE_H

#include "vmm/debug/dwarf_line.h"
#include "vmm/debug/elffile.h"
#include "vmm/debug/symtab.h"

/*
 * Symbols that any Linux kernel has once: they tell where it is, and whether a file is of the same
 * kernel. _text is the Image's first byte.
 */
enum { LANDMARK_TEXT, LANDMARK_STEXT, LANDMARK_PANIC, LANDMARK_VECTORS, NR_LANDMARKS };
extern const char *const landmark_names[NR_LANDMARKS];

struct symbols_file {
	char *path; /* owned */
	struct io_file io;
	bool is_elf;
	bool has_address;
	uint64_t address;
	char module[64]; /* what names are shown to belong to; empty: nothing special */

	/* From here on, known once it is loaded. */
	bool loaded, usable;
	struct elf_file elf;
	struct symtab symtab;
	bool kernel;			 /* of a Linux kernel, which moves; @slide is for others */
	bool foreign;			 /* and not of the one that runs */
	uint64_t slide;			 /* what to add to addresses it is linked for */
	uint64_t landmark[NR_LANDMARKS]; /* as linked; 0: not there */
	bool lines_loaded;
	struct dwarf_lines *lines; /* owned; NULL: none */

	struct err problem; /* code 0: none, or told */
};

/* Opens @path and looks what it is; see symbols_add(). *@out is owned by the caller. */
int symbols_file_open(struct symbols_file **out, const char *path, const uint64_t *address,
		      struct err *e) MUST_CHECK;

/* NULL is fine. */
void symbols_file_close(struct symbols_file *f);

/* Reads the symbols, once. Whether there are any. */
bool symbols_file_load(struct symbols_file *f);

/* The source line of @addr, as linked. */
bool symbols_file_line(struct symbols_file *f, uint64_t addr, struct dwarf_place *out);

/*
 * How far a kernel's file is from where landmarks are (0: not known). False when nothing can be
 * said, and when some are elsewhere than the others: then the file is foreign, for now.
 */
bool symbols_file_slide(struct symbols_file *f, const uint64_t at[NR_LANDMARKS], uint64_t *slide);

#endif
