/* SPDX-License-Identifier: Apache-2.0 */
/* exits: the last exits of a vCPU, for reports. Written on every exit, so it is a few stores. */
#ifndef VMM_ARCH_ARM64_EXITS_H
#define VMM_ARCH_ARM64_EXITS_H

#include "vmm/base/defs.h"

#define EXITS_KEPT 8 /* a power of two; one of them is the fault itself */

/* Which exit it was, where it is not an MMIO access. */
enum exit_kind { EXIT_MMIO, EXIT_NISV, EXIT_EFAULT };

struct exit_record {
	uint64_t address; /* guest physical; but EXIT_EFAULT */
	uint32_t size;	  /* bytes; EXIT_MMIO only */
	uint8_t write;	  /* 0: a read; EXIT_MMIO only */
	uint8_t kind;	  /* enum exit_kind */
};

struct exits {
	unsigned count; /* of all, modulo 2^32; the next goes to count % EXITS_KEPT */
	struct exit_record at[EXITS_KEPT];
};

static inline void exits_add(struct exits *x, enum exit_kind kind, uint64_t address, uint32_t size,
			     uint8_t write)
{
	x->at[x->count++ % EXITS_KEPT] =
		(struct exit_record){ address, size, write, (uint8_t)kind };
}

#endif
