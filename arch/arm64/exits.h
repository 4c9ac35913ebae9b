/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exits: the last exits of a vCPU, for reports. Written on every exit, so it is a few stores; what
 * an exit without a description was is added by who finds out.
 */
#ifndef VMM_ARCH_ARM64_EXITS_H
#define VMM_ARCH_ARM64_EXITS_H

#include "arch/arm64/space.h"
#include "vmm/fault.h"

#define EXITS_KEPT 8 /* a power of two; one of them is the fault itself */

enum exit_kind {
	EXIT_MMIO,
	EXIT_NISV,
	EXIT_REFUSED, /* the host did not let it through, and nobody has found out why */
	EXIT_GUARD,   /* ... since nothing is there, or not what it takes */
	EXIT_WALK,    /* the same of stage 1's walk for it */
	EXIT_WATCHED, /* ... since the page is watched */
	EXIT_MEMORY,  /* ... since the memory behind it failed */
};

struct exit_record {
	uint64_t address; /* guest physical; but EXIT_REFUSED and EXIT_WATCHED */
	uint32_t size;	  /* bytes; 0: unknown */
	uint8_t access;	  /* enum fault_access; EXIT_MMIO and EXIT_GUARD */
	uint8_t kind;	  /* enum exit_kind */
};

struct exits {
	unsigned count; /* of all, modulo 2^32; the next goes to count % EXITS_KEPT */
	struct exit_record at[EXITS_KEPT];
};

static inline void exits_add(struct exits *x, enum exit_kind kind, uint64_t address, uint32_t size,
			     uint8_t access)
{
	x->at[x->count++ % EXITS_KEPT] =
		(struct exit_record){ address, size, access, (uint8_t)kind };
}

/* What the last exit was, if it is EXIT_REFUSED. */
void exits_explain(struct exits *x, enum exit_kind kind, uint64_t address, uint32_t size,
		   enum fault_access access);

/* @x in a few words, with who lies there by @s. */
void exits_text(const struct exit_record *x, const struct space *s, char *buf, size_t size);

#endif
