/* SPDX-License-Identifier: Apache-2.0 */
/* Advanced SIMD: structures of 1 to 4 elements. */
#include "arch/arm64/insn/insn_groups.h"

/* [load][selem - 1] */
static const char *const names[2][4] = { { "st1", "st2", "st3", "st4" },
					 { "ld1", "ld2", "ld3", "ld4" } };

static void direction(uint32_t w, struct insn *i)
{
	i->class = INSN_STRUCT;
	i->simd = true;
	i->suffix = "";
	i->load = insn_bit(w, 22);
	i->store = !i->load;
}

/*
 * Bit 23 is post-index: by register, or by what is accessed when Rm is 31. Without it, Rm must be
 * 0. Called last, because it wants to know how much that is.
 */
static bool post_index(uint32_t w, struct insn *i)
{
	unsigned rm = insn_bits(w, 20, 16);

	if (!insn_bit(w, 23))
		return rm == 0;
	i->addr = INSN_POST;
	i->writeback = true;
	if (rm == 31) {
		i->imm = insn_bytes(i);
	} else {
		i->reg_offset = true;
		i->extend = INSN_UXTX;
		i->rm = (uint8_t)rm;
	}
	return true;
}

/* 31 == 0, 29:24 == 001100. Fields Q, L, opcode, size. */
bool insn_struct_many(uint32_t w, struct insn *i)
{
	static const struct {
		uint8_t regs, selem; /* 0: unallocated */
	} layout[16] = {
		[0] = { 4, 4 }, [2] = { 4, 1 }, [4] = { 3, 3 },	 [6] = { 3, 1 },
		[7] = { 1, 1 }, [8] = { 2, 2 }, [10] = { 2, 1 },
	};
	unsigned opcode = insn_bits(w, 15, 12), size = insn_bits(w, 11, 10);
	bool q = insn_bit(w, 30);

	if (insn_bit(w, 21) || !layout[opcode].regs)
		return false;
	direction(w, i);
	i->regs = layout[opcode].regs;
	i->selem = layout[opcode].selem;
	if (size == 3 && !q && i->selem != 1)
		return false;
	i->size = (uint8_t)(1U << size);
	i->reg_bytes = q ? 16 : 8;
	i->name = names[i->load][i->selem - 1];
	return post_index(w, i);
}

/*
 * The lane is in the bits Q:S:size, and the wider the element, the more of the low ones must be 0
 * (or tell 64 bits from 32).
 */
static bool element(uint32_t w, unsigned scale, struct insn *i)
{
	unsigned size = insn_bits(w, 11, 10);
	unsigned index = (insn_bit(w, 30) ? 8U : 0) + (insn_bit(w, 12) ? 4U : 0) + size;

	if (scale == 2 && size == 1) {
		scale = 3;
		if (insn_bit(w, 12))
			return false;
	} else if (size & ((1U << scale) - 1)) {
		return false;
	}
	i->size = i->reg_bytes = (uint8_t)(1U << scale);
	i->lane = (uint8_t)(index >> scale);
	return true;
}

/* LDAP1, STL1: where Rm of LD1 to lanes of 64 bits is 1. */
static bool ordered_lane(uint32_t w, struct insn *i)
{
	i->acquire = i->load;
	i->release = i->store;
	i->name = i->load ? "ldap1" : "stl1";
	return !insn_bit(w, 23) && i->size == 8 && i->selem == 1 && !i->replicate;
}

/* 31 == 0, 29:24 == 001101. Fields Q, L, R (21), opcode, S (12), size. */
bool insn_struct_one(uint32_t w, struct insn *i)
{
	static const char *const replicates[4] = { "ld1r", "ld2r", "ld3r", "ld4r" };
	unsigned opcode = insn_bits(w, 15, 13), scale = opcode >> 1;

	direction(w, i);
	i->single = true;
	i->selem = (uint8_t)((opcode & 1) * 2 + insn_bit(w, 21) + 1);
	i->regs = i->selem;
	i->name = names[i->load][i->selem - 1];
	if (scale == 3) {
		if (i->store || insn_bit(w, 12))
			return false;
		i->replicate = true;
		i->name = replicates[i->selem - 1];
		i->size = (uint8_t)(1U << insn_bits(w, 11, 10));
		i->reg_bytes = insn_bit(w, 30) ? 16 : 8;
	} else if (!element(w, scale, i)) {
		return false;
	}
	if (!insn_bit(w, 23) && insn_bits(w, 20, 16) == 1)
		return ordered_lane(w, i);
	return post_index(w, i);
}
