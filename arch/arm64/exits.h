/* SPDX-License-Identifier: Apache-2.0 */
/* exits: the last exits of a vCPU, for reports. Written on every exit, so it is a few stores. */
#ifndef VMM_ARCH_ARM64_EXITS_H
#define VMM_ARCH_ARM64_EXITS_H

#include "vmm/base/defs.h"

#define EXITS_KEPT 8 /* a power of two; one of them is the fault itself */

/* What KVM does not number: KVM_RUN that failed with EFAULT. */
#define EXIT_EFAULT 0xff

struct exit_record {
	uint64_t address; /* guest physical; MMIO and NISV only */
	uint8_t reason;	  /* KVM_EXIT_..., or EXIT_EFAULT */
	uint8_t size;	  /* bytes; MMIO only */
	bool write;
};

struct exits {
	unsigned count; /* of all, modulo 2^32; the next goes to count % EXITS_KEPT */
	struct exit_record at[EXITS_KEPT];
};

static inline void exits_add(struct exits *x, uint8_t reason, uint64_t address, uint8_t size,
			     bool write)
{
	x->at[x->count++ % EXITS_KEPT] = (struct exit_record){ address, reason, size, write };
}

#endif
