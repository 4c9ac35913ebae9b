/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/insn/insn32.h"

#include "arch/arm64/insn/insn_groups.h"

enum { SP = 13, PC = 15, AL = 14 };

/* What is moved between general registers and memory. */
enum kind { WORD, BYTE, HALF, SBYTE, SHALF, DUAL };

static void data(struct insn *i, enum kind kind, bool load)
{
	static const struct {
		const char *suffix;
		uint8_t size, regs;
	} kinds[] = {
		[WORD] = { "", 4, 1 },	  [BYTE] = { "b", 1, 1 },   [HALF] = { "h", 2, 1 },
		[SBYTE] = { "sb", 1, 1 }, [SHALF] = { "sh", 2, 1 }, [DUAL] = { "d", 4, 2 },
	};

	i->name = load ? "ldr" : "str";
	i->suffix = kinds[kind].suffix;
	i->size = kinds[kind].size;
	i->regs = kinds[kind].regs;
	i->reg_bytes = 4;
	i->sign = kind == SBYTE || kind == SHALF;
	i->load = load;
	i->store = !load;
}

/* LDRT and kin: named for that. */
static void unprivileged(struct insn *i)
{
	static const char *const suffixes[2][3] = { { "bt", "ht", "t" }, { "sbt", "sht", "" } };

	i->unprivileged = true;
	i->suffix = suffixes[i->sign][i->size / 2];
}

/* The bits P (24), U (23) and W (21), which mean the same in both instruction sets. */
static void index_by(uint32_t w, uint32_t imm, struct insn *i)
{
	bool before = insn_bit(w, 24), wback = insn_bit(w, 21);

	i->subtract = !insn_bit(w, 23);
	i->imm = i->subtract ? -(int64_t)imm : (int64_t)imm;
	if (!before)
		i->addr = INSN_POST;
	else
		i->addr = wback ? INSN_PRE : INSN_OFFSET;
	i->writeback = i->addr != INSN_OFFSET;
	if (i->writeback && (i->rn == PC || i->rn == i->rt || (i->regs == 2 && i->rn == i->rt2)))
		i->unpredictable = true;
}

/* The offset is Rm, shifted as its fields say. */
static void offset_by_register(uint32_t w, unsigned kind, unsigned amount, struct insn *i)
{
	i->reg_offset = true;
	i->rm = (uint8_t)insn_bits(w, 3, 0);
	i->shift_kind = (uint8_t)kind;
	/* LSR and ASR by 32 are written as by 0. */
	i->shift = (uint8_t)(amount == 0 && (kind == 1 || kind == 2) ? 32 : amount);
	if (i->rm == PC || (i->thumb && i->rm == SP) || (i->writeback && i->rm == i->rn))
		i->unpredictable = true;
}

/* --- in both instruction sets -------------------------------------------------------------------
 */

/*
 * LDREX, STREX and kin with @size as logarithm, 3 for two words; LDA and STL where it is not
 * exclusive. rt and rn are set, and rs of a store-exclusive.
 */
static bool ordered(unsigned log_size, bool load, bool is_exclusive, bool is_ordered,
		    struct insn *i)
{
	static const char *const suffixes[2][4] = { { "b", "h", "", "" },
						    { "exb", "exh", "ex", "exd" } };

	if (!is_exclusive && (!is_ordered || log_size == 3))
		return false;
	data(i, log_size == 3 ? DUAL : WORD, load);
	if (log_size < 3)
		i->size = (uint8_t)(1U << log_size);
	i->name = load ? (is_ordered ? "lda" : "ldr") : is_ordered ? "stl" : "str";
	i->suffix = suffixes[is_exclusive][log_size];
	i->acquire = load && is_ordered;
	i->release = !load && is_ordered;
	i->unpredictable = i->rt == PC || i->rn == PC || (i->regs == 2 && i->rt2 == PC);
	if (!is_exclusive)
		return true;
	i->class = INSN_EXCLUSIVE;
	i->status = !load;
	if (i->status &&
	    (i->rs == PC || i->rs == i->rn || i->rs == i->rt || (i->regs == 2 && i->rs == i->rt2)))
		i->unpredictable = true;
	return true;
}

/* LDM and STM. Bits P, U, W as above; bit 22 is S of A32. */
static bool block(uint32_t w, struct insn *i)
{
	/* [load][P U] */
	static const char *const names[2][4] = { { "stmda", "stm", "stmdb", "stmib" },
						 { "ldmda", "ldm", "ldmdb", "ldmib" } };
	unsigned mode = insn_bits(w, 24, 23), count = (unsigned)__builtin_popcount(w & 0xffff);

	if (count == 0)
		return false;
	data(i, WORD, insn_bit(w, 20));
	i->name = names[i->load][mode];
	i->list = (uint16_t)w;
	i->rt = 0;
	i->regs = (uint8_t)count;
	i->writeback = insn_bit(w, 21);
	i->imm = mode & 1 ? 4 * (int64_t)count : -4 * (int64_t)count;
	i->gap = mode == 0 || mode == 3 ? 4 : 0;
	if (i->writeback)
		i->addr = mode & 1 ? INSN_POST : INSN_PRE;
	else if (mode & 1)
		i->imm = 0;
	i->unpredictable = i->rn == PC || (i->writeback && i->list >> i->rn & 1);
	if (insn_bit(w, 22)) /* of User mode, or with a return from an exception */
		i->class = INSN_OTHER32;
	return true;
}

/* VLDR, VSTR, VLDM, VSTM: 27:25 == 110. */
static bool extension(uint32_t w, struct insn *i)
{
	unsigned kind = insn_bits(w, 11, 8), vd = insn_bits(w, 15, 12), d = insn_bit(w, 22);
	unsigned imm8 = insn_bits(w, 7, 0), mode = insn_bits(w, 24, 23);
	bool single = insn_bit(w, 24) && !insn_bit(w, 21);

	if (kind < 9 || kind > 11 || (kind == 9 && !single))
		return false;
	data(i, WORD, insn_bit(w, 20));
	i->simd = true;
	i->reg_bytes = (uint8_t)(kind == 11 ? 8 : kind == 10 ? 4 : 2);
	i->rt = (uint8_t)(kind == 11 ? d << 4 | vd : vd << 1 | d);
	if (single) {
		i->name = i->load ? "vldr" : "vstr";
		if (kind == 9)
			i->size = 2;
		if (kind == 11)
			i->regs = 2;
		index_by(w, imm8 * (kind == 9 ? 2 : 4), i);
		i->unpredictable = (i->store || i->thumb) && i->rn == PC && i->store;
		return true;
	}
	/* No list is empty or goes beyond the last register; an odd one is of FLDMX. */
	if ((mode != 1 && !(mode == 2 && insn_bit(w, 21))) || imm8 == 0 ||
	    (kind == 10 ? i->rt + imm8 > 32 : imm8 % 2 || imm8 > 32 || i->rt + imm8 / 2 > 32))
		return false;
	i->name = i->load ? (mode == 1 ? "vldmia" : "vldmdb") : mode == 1 ? "vstmia" : "vstmdb";
	i->regs = (uint8_t)imm8;
	i->writeback = insn_bit(w, 21);
	i->imm = mode == 1 ? 4 * (int64_t)imm8 : -4 * (int64_t)imm8;
	if (i->writeback)
		i->addr = mode == 1 ? INSN_POST : INSN_PRE;
	else
		i->imm = 0;
	i->unpredictable = i->rn == PC && (i->writeback || i->thumb);
	return true;
}

/* --- A32 ----------------------------------------------------------------------------------------
 */

/* 27:26 == 01: words and bytes. */
static bool a32_word(uint32_t w, struct insn *i)
{
	bool by_register = insn_bit(w, 25);

	if (by_register && insn_bit(w, 4))
		return false;
	data(i, insn_bit(w, 22) ? BYTE : WORD, insn_bit(w, 20));
	index_by(w, by_register ? 0 : insn_bits(w, 11, 0), i);
	if (by_register)
		offset_by_register(w, insn_bits(w, 6, 5), insn_bits(w, 11, 7), i);
	if (i->size == 1 && i->rt == PC)
		i->unpredictable = true;
	if (!insn_bit(w, 24) && insn_bit(w, 21))
		unprivileged(i);
	return true;
}

/* 27:25 == 000, 7 and 4 set, 6:5 not 00: halfwords, signed bytes, pairs. */
static bool a32_extra(uint32_t w, struct insn *i)
{
	static const uint8_t kinds[2][4] = { { 0, HALF, DUAL, DUAL }, { 0, HALF, SBYTE, SHALF } };
	unsigned op = insn_bits(w, 6, 5);
	bool by_register = !insn_bit(w, 22), load = insn_bit(w, 20);
	enum kind kind = (enum kind)kinds[load][op];

	data(i, kind, load || (kind == DUAL && op == 2));
	i->rt2 = (i->rt + 1) & 15;
	index_by(w, by_register ? 0 : insn_bits(w, 11, 8) << 4 | insn_bits(w, 3, 0), i);
	if (by_register)
		offset_by_register(w, 0, 0, i);
	if (i->rt == PC || (kind == DUAL && i->rt % 2) || (by_register && insn_bits(w, 11, 8)))
		i->unpredictable = true;
	if (kind == DUAL && (i->rt2 == PC || (i->load && by_register && i->rm == i->rt)))
		i->unpredictable = true;
	if (!insn_bit(w, 24) && insn_bit(w, 21)) {
		if (kind == DUAL)
			i->unpredictable = true;
		else
			unprivileged(i);
	}
	return true;
}

/* 27:23 == 00011, 11:10 == 11, 7:4 == 1001. */
static bool a32_ordered(uint32_t w, struct insn *i)
{
	static const uint8_t log_sizes[4] = { 2, 3, 0, 1 };
	bool load = insn_bit(w, 20), is_exclusive = insn_bit(w, 9);
	unsigned log_size = log_sizes[insn_bits(w, 22, 21)];

	if (!load) {
		i->rs = i->rt;
		i->rt = (uint8_t)insn_bits(w, 3, 0);
	}
	i->rt2 = (i->rt + 1) & 15;
	if (!ordered(log_size, load, is_exclusive, !insn_bit(w, 8), i))
		return false;
	if ((load && insn_bits(w, 3, 0) != 15) || (!load && !is_exclusive && i->rs != 15) ||
	    (log_size == 3 && i->rt % 2))
		i->unpredictable = true;
	return true;
}

static bool a32(uint32_t w, struct insn *i)
{
	i->rn = (uint8_t)insn_bits(w, 19, 16);
	i->rt = (uint8_t)insn_bits(w, 15, 12);
	i->cond = (uint8_t)insn_bits(w, 31, 28);
	if (i->cond == 15) {
		i->cond = AL;
		return (w & 0x0f100000) == 0x04000000 && insn32_struct(w, i);
	}
	switch (insn_bits(w, 27, 25)) {
	case 0:
		if ((w & 0x01800cf0) == 0x01800c90)
			return a32_ordered(w, i);
		return (w & 0x90) == 0x90 && (w & 0x60) && a32_extra(w, i);
	case 2:
	case 3:
		return a32_word(w, i);
	case 4:
		return block(w, i);
	case 6:
		return extension(w, i);
	default:
		return false;
	}
}

/* --- T32, one halfword --------------------------------------------------------------------------
 */

static bool t16(uint32_t w, struct insn *i)
{
	/* Fields: a row is all words that have @value in the bits above @bits. */
	static const struct {
		uint16_t value;
		uint8_t bits, kind;
		bool load;
		uint8_t form;
	} rows[] = {
		{ 0x5000, 9, WORD, false, 'r' },  { 0x5200, 9, HALF, false, 'r' },
		{ 0x5400, 9, BYTE, false, 'r' },  { 0x5600, 9, SBYTE, true, 'r' },
		{ 0x5800, 9, WORD, true, 'r' },	  { 0x5a00, 9, HALF, true, 'r' },
		{ 0x5c00, 9, BYTE, true, 'r' },	  { 0x5e00, 9, SHALF, true, 'r' },
		{ 0x6000, 11, WORD, false, 'i' }, { 0x6800, 11, WORD, true, 'i' },
		{ 0x7000, 11, BYTE, false, 'i' }, { 0x7800, 11, BYTE, true, 'i' },
		{ 0x8000, 11, HALF, false, 'i' }, { 0x8800, 11, HALF, true, 'i' },
		{ 0x9000, 11, WORD, false, 's' }, { 0x9800, 11, WORD, true, 's' },
		{ 0x4800, 11, WORD, true, 'p' },  { 0xb400, 9, WORD, false, 'm' },
		{ 0xbc00, 9, WORD, true, 'm' },	  { 0xc000, 11, WORD, false, 'M' },
		{ 0xc800, 11, WORD, true, 'M' },
	};
	const uint32_t up = 1U << 23, before = 1U << 24, wback = 1U << 21, is_load = 1U << 20;
	size_t n = 0;

	while (n < ARRAY_SIZE(rows) && (w ^ rows[n].value) >> rows[n].bits)
		n++;
	if (n == ARRAY_SIZE(rows))
		return false;
	data(i, (enum kind)rows[n].kind, rows[n].load);
	switch (rows[n].form) {
	case 'r':
	case 'i':
		i->rn = (uint8_t)insn_bits(w, 5, 3);
		i->rt = (uint8_t)insn_bits(w, 2, 0);
		index_by(before | up, rows[n].form == 'r' ? 0 : insn_bits(w, 10, 6) * i->size, i);
		if (rows[n].form == 'r')
			offset_by_register(insn_bits(w, 8, 6), 0, 0, i);
		return true;
	case 's':
	case 'p':
		i->rn = rows[n].form == 's' ? SP : PC;
		i->rt = (uint8_t)insn_bits(w, 10, 8);
		index_by(before | up, insn_bits(w, 7, 0) * 4, i);
		return true;
	case 'm': /* PUSH is STMDB SP!, POP is LDMIA SP! */
		i->rn = SP;
		w = (w & 0xff) | (insn_bit(w, 8) ? i->load ? 0x8000U : 0x4000U : 0);
		return block(w | wback | (i->load ? is_load | up : before), i);
	default: /* LDM writes back unless it loads the base */
		i->rn = (uint8_t)insn_bits(w, 10, 8);
		w &= 0xff;
		return block(w | up | (i->load ? is_load : 0) |
				     (i->load && w >> i->rn & 1 ? 0 : wback),
			     i);
	}
}

/* --- T32, two halfwords -------------------------------------------------------------------------
 */

/* 31:25 == 1111100. */
static bool t32_single(uint32_t w, struct insn *i)
{
	static const uint8_t kinds[2][4] = { { BYTE, HALF, WORD, 0 }, { SBYTE, SHALF, 0, 0 } };
	unsigned size = insn_bits(w, 22, 21);
	bool sign = insn_bit(w, 24), load = insn_bit(w, 20);

	if (sign && !load)
		return insn32_struct(w, i);
	if (size == 3 || (sign && size == 2) || (!load && i->rn == PC))
		return false;
	/* Hints, where the base stays. */
	if (load && i->rt == PC && size != 2 &&
	    (i->rn == PC || insn_bit(w, 23) || !insn_bit(w, 11) || insn_bits(w, 10, 8) == 4))
		return false;
	data(i, (enum kind)kinds[sign][size], load);
	i->unpredictable = (size != 2 && i->rt == SP) || (!load && i->rt == PC);
	if (i->rn == PC || insn_bit(w, 23)) {
		i->wide = true;
		index_by((w & 1U << 23) | 1U << 24, insn_bits(w, 11, 0), i);
		return true;
	}
	if (insn_bit(w, 11)) {
		const bool before = insn_bit(w, 10), up = insn_bit(w, 9), wback = insn_bit(w, 8);

		if (!before && !wback)
			return false;
		index_by((before ? 1U << 24 : 0) | (up ? 1U << 23 : 0) | (wback ? 1U << 21 : 0),
			 insn_bits(w, 7, 0), i);
		if (before && up && !wback) {
			unprivileged(i);
			i->unpredictable = i->rt == SP || i->rt == PC;
		}
		return true;
	}
	if (insn_bits(w, 10, 6))
		return false;
	i->wide = true;
	index_by(1U << 24 | 1U << 23, 0, i);
	offset_by_register(w, 0, insn_bits(w, 5, 4), i);
	return true;
}

/* 31:25 == 1110100, 22 == 1, 24 == 0, 21 == 0. */
static bool t32_ordered(uint32_t w, struct insn *i)
{
	unsigned op = insn_bits(w, 7, 4);
	bool load = insn_bit(w, 20), wants_status;

	i->rt2 = (uint8_t)insn_bits(w, 11, 8);
	if (!insn_bit(w, 23)) { /* LDREX, STREX: the only ones with an offset */
		i->rs = i->rt2;
		i->imm = insn_bits(w, 7, 0) * 4;
		if (!ordered(2, load, true, false, i))
			return false;
		i->unpredictable |= (load && i->rs != 15) || i->rt == SP || i->rs == SP;
		return true;
	}
	if (load && op < 2) {
		data(i, op ? HALF : BYTE, true);
		i->class = INSN_OTHER32;
		i->name = op ? "tbh" : "tbb";
		i->suffix = "";
		offset_by_register(w, 0, op, i);
		i->unpredictable |= insn_bits(w, 15, 8) != 0xf0;
		return true;
	}
	if (op < 4 || op == 6)
		return false;
	i->rs = (uint8_t)insn_bits(w, 3, 0);
	/* op: 8 ordered, 4 exclusive, 3 to 0 the size */
	if (!ordered(op & 3, load, op & 4, op & 8, i))
		return false;
	wants_status = i->status;
	i->unpredictable |= i->rt == SP || (i->regs == 2 && i->rt2 == SP) ||
			    (wants_status ? i->rs == SP : i->rs != 15) ||
			    (i->regs == 1 && i->rt2 != 15) ||
			    (load && i->regs == 2 && i->rt == i->rt2);
	return true;
}

static bool t32(uint32_t w, struct insn *i)
{
	i->rn = (uint8_t)insn_bits(w, 19, 16);
	i->rt = (uint8_t)insn_bits(w, 15, 12);
	switch (insn_bits(w, 31, 25)) {
	case 0x74:
		if (!insn_bit(w, 22)) {
			if (insn_bit(w, 24) == insn_bit(w, 23) || !block(w, i))
				return false;
			i->wide = insn_bit(w, 23);
			i->unpredictable |= i->regs < 2 || i->list & 1U << SP ||
					    (i->store ? i->list >> PC & 1 : i->list >> 14 == 3);
			return true;
		}
		if (!insn_bit(w, 24) && !insn_bit(w, 21))
			return t32_ordered(w, i);
		data(i, DUAL, insn_bit(w, 20));
		i->rt2 = (uint8_t)insn_bits(w, 11, 8);
		index_by(w, insn_bits(w, 7, 0) * 4, i);
		i->unpredictable |= i->rt == SP || i->rt2 == SP || i->rt == PC || i->rt2 == PC ||
				    (i->load && i->rt == i->rt2) || (i->store && i->rn == PC);
		return true;
	case 0x76:
		return extension(w, i);
	case 0x7c:
		return t32_single(w, i);
	default:
		return false;
	}
}

bool insn32_decode(uint32_t w, uint32_t cpsr, struct insn *i)
{
	const uint32_t it = (cpsr >> 8 & 0xfc) | (cpsr >> 25 & 3);

	*i = (struct insn){
		.word = w,
		.suffix = "",
		.aarch32 = true,
		.thumb = cpsr & CPSR_T,
		.carry = cpsr & CPSR_C,
		.cond = (uint8_t)(it & 0xf && it >> 4 < 15 ? it >> 4 : AL),
		.length = 4,
	};
	if (!i->thumb)
		return a32(w, i);
	if (w >> 16 && insn32_length((uint16_t)(w >> 16)) == 4)
		return t32(w, i);
	i->length = 2;
	return w >> 16 == 0 && t16(w, i);
}

/* --- state --------------------------------------------------------------------------------------
 */

unsigned insn32_register(uint32_t cpsr, unsigned n)
{
	switch (cpsr & CPSR_M) {
	case 0x11: /* FIQ: R8 to R14 are its own */
		return n < 8 ? n : n + 16;
	case 0x12: /* the others have R13 and R14, the link register first */
		return n < 13 ? n : 16 + (14 - n);
	case 0x13:
		return n < 13 ? n : 18 + (14 - n);
	case 0x17:
		return n < 13 ? n : 20 + (14 - n);
	case 0x1b:
		return n < 13 ? n : 22 + (14 - n);
	default:
		return n;
	}
}

uint32_t insn32_advance(uint32_t cpsr, uint32_t pc)
{
	uint32_t it = (cpsr >> 8 & 0xfc) | (cpsr >> 25 & 3);

	/* ITAdvance() */
	it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
	cpsr &= ~(CPSR_T | CPSR_SS | CPSR_IT);
	return cpsr | (it & 0xfc) << 8 | (it & 3) << 25 | (pc & 1 ? CPSR_T : 0);
}
