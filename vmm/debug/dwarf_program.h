/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dwarf_program: one line number program of DWARF 2 to 5 (DWARF 5 standard, section 6.2): its
 * header, its rows, the names of its files. Pure: bytes in, rows out; strings in another
 * section come by a call.
 *
 * Every byte is hostile: reading runs out of bytes instead of beyond them, an opcode takes at least
 * one byte, a name in a table too, so everything is done in time linear in the program's length.
 */
#ifndef VMM_DEBUG_DWARF_PROGRAM_H
#define VMM_DEBUG_DWARF_PROGRAM_H

#include "vmm/base/defs.h"

/* Bytes that are read one after the other. Once they run out, all that is read is 0. */
struct dwarf_cursor {
	const uint8_t *p, *end;
	bool bad;
};

/* A unit: what follows unit_length in .debug_line. Borrows its bytes. */
struct dwarf_unit {
	const uint8_t *bytes;
	size_t len;
	unsigned version;
	unsigned offset_size; /* 8 in 64-bit DWARF, else 4 */
	unsigned min_inst;    /* bytes of an instruction */
	int line_base;
	unsigned line_range, opcode_base;
	const uint8_t *opcode_lengths; /* of standard opcode 1 and on */
	size_t tables, program;	       /* where they begin in the bytes */
};

/* Reads the header. False when it is not one that is understood. */
bool dwarf_unit_init(struct dwarf_unit *u, const uint8_t *bytes, size_t len, unsigned offset_size);

/* Running a program. */
struct dwarf_machine {
	const struct dwarf_unit *unit;
	struct dwarf_cursor at;
	uint64_t address, file, line;
	bool ended; /* the row before was the end of a sequence */
};

/* A row of the table: @address and what follows come from @line of @file, up to the next row. */
struct dwarf_row {
	uint64_t address, file, line;
	bool end; /* the first address behind a sequence; file and line mean nothing */
};

void dwarf_machine_init(struct dwarf_machine *m, const struct dwarf_unit *u);

/* The next row. False at the end of the program, and where it stops making sense. */
bool dwarf_machine_next(struct dwarf_machine *m, struct dwarf_row *out);

/* Copies the string at @at of .debug_line_str, cut to @size with its end. */
struct dwarf_strings {
	bool (*read)(void *ctx, uint64_t at, char *dst, size_t size);
	void *ctx;
};

#define DWARF_PATH 512

/* The path of file number @file, as "dir/name" as far as it is known. False when it is not. */
bool dwarf_unit_file(const struct dwarf_unit *u, uint64_t file, const struct dwarf_strings *s,
		     char path[DWARF_PATH]);

#endif
