/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of kallsyms as they were found: shared by kallsyms_find.c, which looks for them, and
 * kallsyms.c, which looks things up in them.
 */
#ifndef VMM_DEBUG_KALLSYMS_TABLES_H
#define VMM_DEBUG_KALLSYMS_TABLES_H

#include "vmm/base/le.h"
#include "vmm/debug/kallsyms.h"

enum {
	VIEW_STEP = 8192,
	NR_TOKENS = 256,
	TOKENS_MAX = 4096, /* bytes in the table of tokens; in real ones, about 1,000 */
	MARKER_EVERY = 256,
	SYMBOLS_MAX = 1 << 22, /* a large kernel has 200,000 */
	TYPE_AND_NAME = KALLSYMS_NAME + 1,
};

/* Buffered reading. What cannot be read is 0, and noted in @bad. */
struct view {
	struct guest_reader mem;
	uint64_t base, end; /* nothing outside is read */
	uint64_t at;
	size_t len; /* valid bytes in @buf, which begins at @at */
	bool bad;
	uint8_t buf[2 * VIEW_STEP];
};

enum offsets {
	OFFSETS_FROM_BASE, /* unsigned, from relative_base */
	OFFSETS_FROM_SELF, /* signed, from where the offset is */
};

struct kallsyms {
	struct view view;
	struct kallsyms_where where;
	uint64_t work; /* entries that the current call may still look at */
	uint64_t nr;   /* symbols */
	uint64_t names_at, names_end;
	uint64_t markers_at;
	unsigned marker_size;
	uint64_t tokens_at, index_at;
	enum offsets how;
	uint64_t offsets_at;
	uint64_t relative_base_at; /* OFFSETS_FROM_BASE: where it is ... */
	uint64_t relative_base;	   /* ... and the physical address that it stands for */
	uint64_t kimage_voffset;   /* where the variable of that name is; 0: not known */
	uint16_t index[NR_TOKENS];
	char tokens[TOKENS_MAX]; /* a copy: strings, each ended in here */
};

/* The byte or word at @pa, which need not be aligned. */
uint8_t view8(struct view *v, uint64_t pa);
uint32_t view32(struct view *v, uint64_t pa);
uint64_t view64(struct view *v, uint64_t pa);

/* A compressed name. */
struct entry {
	uint64_t at;  /* its tokens, ... */
	unsigned len; /* ... of one byte each */
	uint64_t next;
};

/* The entry at @at; false when it does not lie inside the names. */
bool kallsyms_entry(struct kallsyms *k, uint64_t at, struct entry *out);

/* Physical address of symbol @i. */
uint64_t kallsyms_value(struct kallsyms *k, uint64_t i);

/* The value of relative_base, if the kernel has set it already. */
bool kallsyms_relative_base(struct kallsyms *k, uint64_t *va);

#endif
