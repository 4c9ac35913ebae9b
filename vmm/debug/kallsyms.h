/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kallsyms: the names that a Linux kernel carries in its own image, read from guest memory.
 *
 * Almost every arm64 kernel has them (CONFIG_KALLSYMS): its functions, and with CONFIG_KALLSYMS_ALL
 * its data. Nothing in the image says where: the tables are found by their shape, and all of them
 * are checked against each other before they are believed. Known are the layouts of Linux 4.6 and
 * later (scripts/kallsyms.c writes them, kernel/kallsyms.c reads them):
 *
 *	4.6	offsets, relative_base, num_syms, names, markers, token_table, token_index
 *	4.20	markers of 4 bytes; before they had 8
 *	6.2	seqs_of_names (not used here) behind markers; also in later 6.1.y
 *	6.4	num_syms, names, markers, token_table, token_index, offsets, relative_base
 *	7.0	no relative_base: each offset counts from its own place
 *
 * Left out: 32-bit and big-endian kernels, and names of modules, which are not in the image.
 *
 * Addresses here are physical, so that names are there before the kernel has relocated itself and
 * while its MMU is off. How virtual ones relate to them (KASLR) is kallsyms_voffset(), or is known
 * from the guest's page tables.
 *
 * The guest may write anything anywhere, and change it between two calls. It can give itself wrong
 * names; it cannot make a call read outside what it was given, or run for long. The tables are read
 * anew for each call: about 20 KiB of memory are held. One thread at a time.
 */
#ifndef VMM_DEBUG_KALLSYMS_H
#define VMM_DEBUG_KALLSYMS_H

#include "vmm/base/defs.h"

/* Guest physical memory. */
struct guest_reader {
	/* Copies @len bytes; false when not all of them are there. */
	bool (*read)(void *ctx, uint64_t pa, void *dst, size_t len);
	void *ctx;
};

/* Where the kernel is, or may be. */
struct kallsyms_where {
	uint64_t base, size; /* physical; no more than KALLSYMS_MAX_EXTENT is looked at */
	bool image;	     /* @base is the first byte of the kernel's Image */
	bool mapped;	     /* @voffset is known, from the guest's page tables */
	uint64_t voffset;    /* virtual minus physical address of the kernel, modulo 2^64 */
};

#define KALLSYMS_MAX_EXTENT (256 * MiB)

/* The longest name, with its end: KSYM_NAME_LEN. */
#define KALLSYMS_NAME 512

struct kallsyms_symbol {
	char name[KALLSYMS_NAME]; /* as the guest has it: any bytes but 0 */
	char type;		  /* as nm has it: 'T' */
	uint64_t pa;		  /* where it begins */
	uint64_t size;		  /* up to the next symbol; 0: not known */
};

struct kallsyms;

/*
 * Looks for the tables; to be freed with kallsyms_free(). NULL when there are none. @mem is copied;
 * what its ctx points to outlives the result. With neither @where->image nor @where->mapped, only
 * tables of 7.0 and later can be used. Reads the whole extent: a few tens of milliseconds.
 */
struct kallsyms *kallsyms_find(const struct guest_reader *mem, const struct kallsyms_where *where);

/* NULL is fine. */
void kallsyms_free(struct kallsyms *k);

/* The symbol that @pa lies in; false when it lies in none. */
bool kallsyms_at(struct kallsyms *k, uint64_t pa, struct kallsyms_symbol *out);

/*
 * The symbol called @name; the first global one, if there are several. *@matches is how many. The
 * caller bounds @name to a sensible length; a longer one than KALLSYMS_NAME is not found.
 */
bool kallsyms_named(struct kallsyms *k, const char *name, struct kallsyms_symbol *out,
		    unsigned *matches);

/*
 * Virtual minus physical address, modulo 2^64, of the running kernel, as far as the kernel itself
 * has written it down. False when it has not yet, and for 7.0 and later without
 * CONFIG_KALLSYMS_ALL.
 */
bool kallsyms_voffset(struct kallsyms *k, uint64_t *voffset);

#endif
