/* SPDX-License-Identifier: Apache-2.0 */
/* Advanced SIMD of A32 and T32: structures of 1 to 4 elements. */
#include "arch/arm64/insn/insn32.h"
#include "arch/arm64/insn/insn_groups.h"

enum { SP = 13, PC = 15 };

/* In tables of bytes that the address is a multiple of: 0 is none said; not allocated. */
enum { BAD = 1 };

/* Multiple structures. Fields: type (11:8), size (7:6), align (5:4). */
static bool many(uint32_t w, struct insn *i)
{
	/* aligns: a bit for each value of align that is allocated. */
	static const struct {
		uint8_t regs, selem, stride, aligns;
	} types[16] = {
		[0] = { 4, 4, 1, 0xf }, [1] = { 4, 4, 2, 0xf },	 [2] = { 4, 1, 1, 0xf },
		[3] = { 4, 2, 2, 0xf }, [4] = { 3, 3, 1, 0x3 },	 [5] = { 3, 3, 2, 0x3 },
		[6] = { 3, 1, 1, 0x3 }, [7] = { 1, 1, 1, 0x3 },	 [8] = { 2, 2, 1, 0x7 },
		[9] = { 2, 2, 2, 0x7 }, [10] = { 2, 1, 1, 0x7 },
	};
	const unsigned type = insn_bits(w, 11, 8), align = insn_bits(w, 5, 4);

	i->regs = types[type].regs;
	i->selem = types[type].selem;
	i->stride = types[type].stride;
	i->size = (uint8_t)(1U << insn_bits(w, 7, 6));
	i->align = (uint8_t)(align ? 4U << align : 0);
	return types[type].aligns >> align & 1 && (i->size < 8 || i->selem == 1);
}

/*
 * One structure to or from a lane, whose number is in the upper bits of index_align (7:4). The one
 * below, where elements are wider than a byte, is the stride; what is left says the alignment.
 */
static bool one_lane(uint32_t w, unsigned log_size, struct insn *i)
{
	/* [selem - 1][log_size][what is left] */
	static const uint8_t aligns[4][3][4] = {
		{ { 0, BAD }, { 0, 2 }, { 0, BAD, BAD, 4 } },
		{ { 0, 2 }, { 0, 4 }, { 0, 8, BAD, BAD } },
		{ { 0, BAD }, { 0, BAD }, { 0, BAD, BAD, BAD } },
		{ { 0, 4 }, { 0, 8 }, { 0, 8, 16, BAD } },
	};
	const unsigned field = insn_bits(w, 7, 4);
	const bool apart = log_size && field >> log_size & 1;

	i->size = (uint8_t)(1U << log_size);
	i->lane = (uint8_t)(field >> (log_size + 1));
	i->stride = apart ? 2 : 1;
	i->align = aligns[i->selem - 1][log_size][field & (log_size == 2 ? 3 : 1)];
	return i->align != BAD && !(apart && i->selem == 1);
}

/* One structure, loaded to all lanes. Fields: size (7:6), T (5), a (4). */
static bool all_lanes(uint32_t w, struct insn *i)
{
	/* [selem - 1][size][a] */
	static const uint8_t aligns[4][4][2] = {
		{ { 0, BAD }, { 0, 2 }, { 0, 4 }, { BAD, BAD } },
		{ { 0, 2 }, { 0, 4 }, { 0, 8 }, { BAD, BAD } },
		{ { 0, BAD }, { 0, BAD }, { 0, BAD }, { BAD, BAD } },
		{ { 0, 4 }, { 0, 8 }, { 0, 8 }, { BAD, 16 } },
	};
	const unsigned size = insn_bits(w, 7, 6);
	const bool more = insn_bit(w, 5);

	i->replicate = true;
	i->size = (uint8_t)(size == 3 ? 4 : 1U << size);
	i->align = aligns[i->selem - 1][size][insn_bit(w, 4)];
	i->stride = more && i->selem > 1 ? 2 : 1;
	if (more && i->selem == 1)
		i->regs = 2;
	return i->align != BAD && i->load;
}

static bool one(uint32_t w, struct insn *i)
{
	const unsigned log_size = insn_bits(w, 11, 10);

	i->single = true;
	i->regs = i->selem = (uint8_t)(insn_bits(w, 9, 8) + 1);
	return log_size == 3 ? all_lanes(w, i) : one_lane(w, log_size, i);
}

/* Rm is no offset where it is PC, and the number of bytes accessed where it is SP. */
static void post_index(uint32_t w, struct insn *i)
{
	const unsigned rm = insn_bits(w, 3, 0);

	if (rm == PC)
		return;
	i->addr = INSN_POST;
	i->writeback = true;
	if (rm == SP) {
		i->imm = insn_bytes(i);
	} else {
		i->reg_offset = true;
		i->rm = (uint8_t)rm;
	}
}

bool insn32_struct(uint32_t w, struct insn *i)
{
	/* [load][selem - 1] */
	static const char *const names[2][4] = { { "vst1", "vst2", "vst3", "vst4" },
						 { "vld1", "vld2", "vld3", "vld4" } };

	i->class = INSN_STRUCT;
	i->simd = true;
	i->reg_bytes = 8;
	i->rt = (uint8_t)(insn_bits(w, 22, 22) << 4 | insn_bits(w, 15, 12));
	i->load = insn_bit(w, 21);
	i->store = !i->load;
	if (!(insn_bit(w, 23) ? one(w, i) : many(w, i)))
		return false;
	i->name = names[i->load][i->selem - 1];
	post_index(w, i);
	/* UNPREDICTABLE, and no such register is there. */
	return i->rn != PC && insn32_struct_register(i, i->regs - 1U) < 32;
}
