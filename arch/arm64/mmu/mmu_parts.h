/* SPDX-License-Identifier: Apache-2.0 */
/* What mmu.c, mmu64.c, mmu32.c, mmu_long.c and mmu_text.c share and nobody else needs. */
#ifndef VMM_ARCH_ARM64_MMU_PARTS_H
#define VMM_ARCH_ARM64_MMU_PARTS_H

#include "arch/arm64/mmu/mmu.h"

#include <assert.h>

/* SCTLR_EL1, and SCTLR, whose names the last four have */
#define SCTLR_M	   0
#define SCTLR_I	   12
#define SCTLR_WXN  19
#define SCTLR_UWXN 20
#define SCTLR_EE   25
#define SCTLR_TRE  28
#define SCTLR_AFE  29

/* SCTLR_EL1 only */
#define SCTLR_EPAN 57

/* TCR_EL1: shareability of what LPA2 maps */
#define TCR_SH0 12
#define TCR_SH1 28

/* Long descriptors */
#define DESC_AF		10
#define DESC_NG		11
#define DESC_DBM	51
#define DESC_CONTIGUOUS 52
#define DESC_PXN	53
#define DESC_UXN	54
#define DESC_PXNTABLE	59
#define DESC_UXNTABLE	60
#define DESC_APTABLE	61 /* two bits: EL0 has no access; read-only */

/* MAIR encodings that short descriptors and the MMU when off need. */
#define MEMORY_DEVICE_NGNRNE 0x00
#define MEMORY_DEVICE_NGNRE  0x04
#define MEMORY_RESERVED	     0x02
#define MEMORY_NORMAL_NC     0x44
#define MEMORY_NORMAL_WT     0xaa

/* Bits @low to @low + @nr - 1 of @v; they lie within 64, and 0 < @nr < 64. */
static inline uint64_t field(uint64_t v, unsigned low, unsigned nr)
{
	return v >> low & ((UINT64_C(1) << nr) - 1);
}

static inline bool bit(uint64_t v, unsigned n)
{
	return v >> n & 1;
}

/* The index of indirect permissions that a long descriptor has in place of direct ones. */
static inline unsigned mmu_pi_index(uint64_t d)
{
	return (unsigned)(field(d, DESC_PXN, 2) << 2 | field(d, DESC_DBM, 1) << 1 | field(d, 6, 1));
}

/* The DACR's word on a domain. */
enum { DOMAIN_NONE, DOMAIN_CLIENT, DOMAIN_RESERVED, DOMAIN_MANAGER };

static inline unsigned domain_access(const struct mmu_regs *r, unsigned domain)
{
	return (unsigned)field(r->dacr, domain * 2, 2);
}

/* The walk ends here, and so. */
static inline void mmu_end(struct mmu_walk *w, enum mmu_fault fault, enum mmu_why why, int level)
{
	w->fault = fault;
	w->why = why;
	w->level = level;
}

/*
 * Reads a descriptor of @size bytes (4 or 8) as the next step, kind MMU_INVALID for now. False when
 * there is no memory; then the walk has ended.
 */
bool mmu_read_step(const struct mmu_memory *m, struct mmu_walk *w, int level, uint64_t at,
		   unsigned size);

/* The last word: whether what is mapped permits the access. */
void mmu_check_permission(const struct mmu_regs *r, struct mmu_walk *w);

/* What AP[2:1] allows EL0 and EL1, without execution. */
void mmu_ap(unsigned ap, unsigned *el0, unsigned *el1);

/* --- long descriptors (mmu_long.c) ---------------------------------------------------------------
 */

/* Sets where the first table is: its level, and its address by @ttbr. */
void mmu_first_table(struct mmu_regime *g, uint64_t ttbr);

void mmu_walk_long(const struct mmu_regs *r, const struct mmu_memory *m, struct mmu_walk *w);

/* --- AArch64 (mmu64.c) ---------------------------------------------------------------------------
 */

/* Four bits of ID_AA64MMFR@reg_EL1 from @low on. */
unsigned mmu64_feature(const struct mmu_regs *r, unsigned reg, unsigned low);

/* Bits of a physical address that the CPU has. */
unsigned mmu64_pa_bits(const struct mmu_regs *r);

bool mmu64_top_byte_ignored(const struct mmu_regs *r, const struct mmu_walk *w);

/* The regime; false when the walk has ended. */
bool mmu64_regime(const struct mmu_regs *r, struct mmu_walk *w);

/* --- AArch32 (mmu32.c) -------------------------------------------------------------------------
 */

/* The regime of a long descriptor walk; false when the walk has ended. */
bool mmu32_long_regime(const struct mmu_regs *r, struct mmu_walk *w);

void mmu32_walk_short(const struct mmu_regs *r, const struct mmu_memory *m, struct mmu_walk *w);

/* Adds MMU_X to w->el0 and el1, which have the rest, as XN and PXN permit. */
void mmu32_execute(const struct mmu_regs *r, struct mmu_walk *w, bool xn, bool pxn);

/* What a short descriptor says, beside the address. */
struct mmu32_leaf {
	unsigned ap; /* AP[2:0] */
	bool xn, pxn, ng, s;
	uint8_t memory; /* as in MAIR_ELx */
	uint8_t sh;	/* SH[1:0] */
};
struct mmu32_leaf mmu32_leaf(const struct mmu_regs *r, enum mmu_kind kind, uint32_t d);

/* AP[2:0] to permissions, by SCTLR.AFE's rules. */
void mmu32_ap(const struct mmu_regs *r, unsigned ap, unsigned *el0, unsigned *el1);

#endif
