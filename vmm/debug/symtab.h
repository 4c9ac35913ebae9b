/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symtab: symbols of one file, sorted by address. Rows only: names stay in the file and are read
 * when somebody asks for one, so a kernel's 200,000 symbols cost 5 MB and not 15.
 *
 * A reader of a format fills it with symtab_add() and then calls symtab_sort(). Names are hostile:
 * whoever shows one makes it printable. A file that changes under us gives wrong names, bounded.
 */
#ifndef VMM_DEBUG_SYMTAB_H
#define VMM_DEBUG_SYMTAB_H

#include "vmm/base/io.h"

#define SYMTAB_MAX     (4U << 20) /* symbols in a file */
#define SYMTAB_NAME    512	  /* bytes of a name, with its end; longer ones are cut */
#define SYMTAB_NO_NAME UINT32_MAX
#define SYMTAB_NO_SIZE UINT64_MAX /* the format does not say: up to the next symbol */

/* Which of several names at one address is shown: the lowest number. See symtab_rank(). */
enum {
	RANK_UNDERSCORES = 0x0f, /* that it begins with, at most 15 */
	RANK_LOCAL = 0x10,
	RANK_WEAK = 0x20,
	RANK_UNTYPED = 0x40, /* neither function nor object: a label, a linker script's symbol */
	RANK_END = 0x80,     /* marks the end of something; what follows is in nothing */
};

struct symtab_row {
	uint64_t addr, size; /* size 0: a label; see also SYMTAB_NO_SIZE */
	uint32_t name;	     /* where in the names, or SYMTAB_NO_NAME */
	uint8_t rank;
};

struct symtab {
	struct symtab_row *row; /* owned; sorted by address, then rank, then name */
	size_t nr, room;
	const struct io_file *file; /* borrowed */
	uint64_t names_at; /* where in the file its names are; each ends at a byte <= ' ' */
	uint32_t names_len;
};

/* -EFBIG beyond SYMTAB_MAX, -ENOMEM. */
int symtab_add(struct symtab *t, const struct symtab_row *row, struct err *e) MUST_CHECK;

/* Makes it ready for what follows. */
void symtab_sort(struct symtab *t);

/* Empties it. */
void symtab_free(struct symtab *t);

/*
 * Whether a name is shown or looked up at all: not empty, no mapping symbol ("$x", AAELF64 5.5.3),
 * no local label (".L..."). @name need not be ended; it has @len bytes.
 */
bool symtab_wants(const char *name, size_t len);

/* The rank that a name gives: underscores, end markers, what looks like a linker script's. */
uint8_t symtab_rank(const char *name, size_t len);

/* A symbol, with its name. */
struct symtab_symbol {
	char name[SYMTAB_NAME];
	char module[64];     /* what follows in "[...]", as in /proc/kallsyms; else empty */
	uint64_t addr, size; /* size 0: not known */
};

/* The symbol that @addr lies in, or the last one before it as long as nothing ended in between. */
bool symtab_at(const struct symtab *t, uint64_t addr, struct symtab_symbol *out);

/*
 * The symbol called @name; the first of the best rank, if there are several. *@matches is how many.
 * Reads all names: milliseconds.
 */
bool symtab_named(const struct symtab *t, const char *name, struct symtab_symbol *out,
		  unsigned *matches);

#endif
