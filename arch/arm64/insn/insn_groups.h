/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of insn share: fields of a word, and the groups of C4.1 "Loads and Stores" that
 * have a file of their own. Each group takes a word whose fixed bits were looked at, and a struct
 * insn in which word, rn and rt are set and all else is 0, so that its class is INSN_LDST; false is
 * an unallocated encoding.
 */
#ifndef VMM_ARCH_ARM64_INSN_GROUPS_H
#define VMM_ARCH_ARM64_INSN_GROUPS_H

#include "arch/arm64/insn/insn.h"

/* Bits @hi to @lo of @w. 31 >= @hi >= @lo. */
static inline uint32_t insn_bits(uint32_t w, unsigned hi, unsigned lo)
{
	return w >> lo & ((2U << (hi - lo)) - 1);
}

/* The same, as a signed number. */
static inline int64_t insn_sbits(uint32_t w, unsigned hi, unsigned lo)
{
	int64_t sign = INT64_C(1) << (hi - lo);

	return ((int64_t)insn_bits(w, hi, lo) ^ sign) - sign;
}

static inline bool insn_bit(uint32_t w, unsigned n)
{
	return w >> n & 1;
}

/* A register number in five bits from @lo on. */
static inline uint8_t insn_reg(uint32_t w, unsigned lo)
{
	return (uint8_t)insn_bits(w, lo + 4, lo);
}

/* Sets what a general register of @size bytes in memory (1 to 8) has by itself. */
static inline void insn_general(struct insn *i, unsigned size)
{
	i->size = (uint8_t)size;
	i->reg_bytes = size == 8 ? 8 : 4;
	i->regs = 1;
}

/* Ordering and size as suffixes of a mnemonic: "", "b", "h", "l", "lb", ... "alh". */
const char *insn_order_suffix(bool acquire, bool release, unsigned size);

bool insn_exclusive(uint32_t w, struct insn *i);     /* exclusive, ordered, CAS, CASP */
bool insn_atomic(uint32_t w, struct insn *i);	     /* atomics, LDAPR, LD64B and kin */
bool insn_atomic_pair(uint32_t w, struct insn *i);   /* FEAT_LSE128 */
bool insn_ordered_index(uint32_t w, struct insn *i); /* FEAT_LRCPC3: LDIAPP, STILP, write-back */
bool insn_struct_many(uint32_t w, struct insn *i);   /* Advanced SIMD, multiple structures */
bool insn_struct_one(uint32_t w, struct insn *i);    /* Advanced SIMD, single structure */
bool insn_tags(uint32_t w, struct insn *i);	     /* memory tags, but for STGP */
bool insn_mops(uint32_t w, struct insn *i);	     /* memory copy and set */
bool insn_system(uint32_t w, struct insn *i);	     /* DC and IC */
bool insn_scalable(uint32_t w, struct insn *i);	     /* SVE and SME */

/*
 * A32 and T32: Advanced SIMD element or structure load/store. 27:24 and 20 were looked at, and the
 * rest of the set's own bits; rn is set, and what all A32 and T32 have. False also for what is
 * UNPREDICTABLE.
 */
bool insn32_struct(uint32_t w, struct insn *i);

#endif
