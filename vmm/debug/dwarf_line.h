/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dwarf_line: which line of which source file an address comes from, by the line number programs in
 * .debug_line (DWARF 2 to 5, 32-bit and 64-bit; DWARF 5 standard, section 6.2).
 *
 * Opening runs each program once and keeps what addresses it covers: for a kernel with 40 MB of
 * them, half a second and a few hundred KB. A look-up runs the one program that it needs. A program
 * that is not understood (damaged, for a VLIW machine) costs its own lines, no others.
 *
 * Left out: object files, whose programs are not relocated, so kernel modules have no lines; split
 * DWARF; is_stmt, columns and discriminators.
 */
#ifndef VMM_DEBUG_DWARF_LINE_H
#define VMM_DEBUG_DWARF_LINE_H

#include "vmm/debug/elffile.h"

struct dwarf_lines;

struct dwarf_place {
	char file[160]; /* its end, when it is too long; hostile bytes are the caller's to deal with
			 */
	uint64_t line;
};

/*
 * Of a file with such a section; *@out is NULL when it has none. What @ef borrows outlives the
 * result, @ef itself need not. To be freed with dwarf_lines_free().
 */
int dwarf_lines_open(struct dwarf_lines **out, const struct elf_file *ef, struct err *e) MUST_CHECK;

/* NULL is fine. */
void dwarf_lines_free(struct dwarf_lines *d);

/* The line that the instruction at @addr belongs to; @addr as the file is linked. */
bool dwarf_lines_at(struct dwarf_lines *d, uint64_t addr, struct dwarf_place *out);

#endif
