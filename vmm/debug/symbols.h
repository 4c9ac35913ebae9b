/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols: names for guest addresses, and addresses for names.
 *
 * Names come from the files the user gave, in their order: ELF files (vmlinux, modules, programs;
 * with DWARF also source lines) and System.map; then from the tables in the running Linux kernel
 * itself (vmm/debug/kallsyms.h), so a stock kernel has names without any file. Files are only
 * opened at first: whatever takes time is done when the first name is asked for.
 *
 * Where the kernel runs is not where it was linked (KASLR). symbols_image() says where in physical
 * memory it was loaded. Its virtual addresses are known once it has relocated itself, which shows
 * in its own tables; for kernels without tables, symbols_locate() tells. A vmlinux or System.map,
 * which is known by a _text or _stext in the upper half of the address space, moves along; it is
 * set aside when its symbols lie differently from those of the kernel that runs. A file that was
 * given with an address stays there; any other is taken to run where it is linked.
 *
 * While the MMU is off there are no virtual addresses: ask symbols_name_physical() then.
 *
 * Names are hostile, from a guest or a file: what comes out of here is printable ASCII and cut to
 * fit. One thread at a time; nothing here locks.
 */
#ifndef VMM_DEBUG_SYMBOLS_H
#define VMM_DEBUG_SYMBOLS_H

#include "vmm/base/err.h"
#include "vmm/debug/kallsyms.h"

#define SYMBOLS_MAX_FILES 256

/* What lies at an address. */
struct symbol_text {
	char name[256];
	char module[64]; /* of the kernel, or the file; empty: the kernel itself, or the program */
	char line[192];	 /* "init/main.c:1234"; empty: not known */
	uint64_t offset; /* of the address, from the symbol's beginning */
	uint64_t size;	 /* of the symbol; 0: not known */
};

/* Where a name is. */
struct symbol_place {
	bool va_known, pa_known;
	uint64_t va;   /* virtual, in the running guest */
	uint64_t pa;   /* physical; of a kernel's symbol only */
	uint64_t size; /* 0: not known */
	unsigned
		matches; /* how many symbols of that name there are; this is the first global one */
};

struct symbols;

/*
 * An empty set. @mem is the guest's memory, copied, what its ctx points to outlives the set; NULL
 * when there is none, so names come from files alone. NULL when memory is short.
 */
struct symbols *symbols_create(const struct guest_reader *mem);

/* NULL is fine. */
void symbols_destroy(struct symbols *s);

/*
 * Adds a file: opens it and looks what it is. @address, or NULL: where in the guest .text of a
 * kernel module lies (which needs one); the first segment of any other ELF file; _text, or the
 * first symbol, of a System.map.
 */
int symbols_add(struct symbols *s, const char *path, const uint64_t *address,
		struct err *e) MUST_CHECK;

/*
 * A kernel Image was loaded, or will be: its first byte, and its size with BSS, physical. For each
 * reset again: what was found out about the old one is forgotten.
 */
void symbols_image(struct symbols *s, uint64_t pa, uint64_t size);

/*
 * The guest's page tables map @va, a place in the kernel, to @pa. VBAR_EL1 is a good one: it points
 * into the kernel even when something else runs. Needed when no image was announced (it came by
 * firmware), and by kernels without tables of their own. Of addresses that are not the kernel's
 * nothing is believed: the two must agree modulo 2 MiB, and @pa must be in the image, if announced.
 */
void symbols_locate(struct symbols *s, uint64_t va, uint64_t pa);

/* The symbol that @va lies in. */
bool symbols_name(struct symbols *s, uint64_t va, struct symbol_text *out);

/* The same for a return address: the call is in front of it, and may be its function's last word.
 */
bool symbols_name_return(struct symbols *s, uint64_t va, struct symbol_text *out);

/* The symbol that @pa lies in, as long as the MMU is off. */
bool symbols_name_physical(struct symbols *s, uint64_t pa, struct symbol_text *out);

/* Where the symbol called @name is. */
bool symbols_find(struct symbols *s, const char *name, struct symbol_place *out);

/*
 * Takes the next problem, once: a file that turned out to be unusable when it was first needed.
 * False when there is none.
 */
bool symbols_problem(struct symbols *s, struct err *e);

/*
 * "do_one_initcall+0x5c/0x2d8 [module] (init/main.c:1234)", as far as known; cut to @size with its
 * NUL, which is at least 1.
 */
void symbol_format(const struct symbol_text *t, char *buf, size_t size);

#endif
