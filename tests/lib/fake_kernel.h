/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Linux kernel that is nothing but what kallsyms needs: the Image header, some 700 symbols in its
 * tables in any of the layouts they had, and noise around them.
 */
#ifndef TESTS_LIB_FAKE_KERNEL_H
#define TESTS_LIB_FAKE_KERNEL_H

#include "vmm/base/defs.h"

enum fake_layout {
	LAYOUT_4_6,  /* markers of 8 bytes */
	LAYOUT_4_20, /* of 4 */
	LAYOUT_6_2,  /* seqs_of_names between markers and tokens */
	LAYOUT_6_4,  /* offsets behind token_index */
	LAYOUT_7_0,  /* and relative to themselves */
	NR_LAYOUTS
};

enum {
	FAKE_FUNCTIONS = 700,
	FAKE_SYMBOLS = FAKE_FUNCTIONS + 32,
	FAKE_SIZE = 0x50000,
	FAKE_TABLES = 0x28000, /* where they begin */
	FAKE_PANIC = 0x10100,  /* offsets of symbols */
	FAKE_VECTORS = 0x10800,
	FAKE_ETEXT = 0x24000,
	FAKE_PRIMARY_ENTRY = 0x40040,
	FAKE_JIFFIES = 0x48000,
};

struct fake_config {
	enum fake_layout layout;
	bool all;	    /* CONFIG_KALLSYMS_ALL: data, _text and _end are there too */
	bool no_header;	    /* it was overwritten, as Linux 6.1 does */
	uint64_t text_va;   /* where it relocated itself to; 0: it has not */
	unsigned functions; /* at most FAKE_FUNCTIONS; 0: that many */
};

struct fake_symbol {
	char name[400];
	char type;
	uint32_t offset; /* from the Image's first byte */
};

struct fake_kernel {
	uint64_t base;	   /* physical */
	uint64_t from, to; /* reading outside fails the test; set to all of it */
	struct fake_symbol symbol[FAKE_SYMBOLS]; /* sorted as in the tables */
	size_t nr;
	size_t tables_end; /* offset behind the tables */
	size_t names_at, offsets_at, relative_base_at, index_at;
	uint8_t mem[FAKE_SIZE];
};

/* At 0x40200000. To be freed. */
struct fake_kernel *fake_kernel_make(const struct fake_config *c);

/*
 * Its memory, as kallsyms reads it; @ctx is the struct fake_kernel. Fails the test when asked for
 * what is outside of from..to.
 */
bool fake_kernel_read(void *ctx, uint64_t pa, void *dst, size_t len);

#endif
