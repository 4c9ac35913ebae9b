/* SPDX-License-Identifier: Apache-2.0 */
/* Memory tags, memory copy and set, and cache instructions that take an address. */
#include "arch/arm64/insn/insn_groups.h"

/* 31:24 == 11011001, 21 == 1. Fields opc (23:22), imm9, op2 (11:10). */
bool insn_tags(uint32_t w, struct insn *i)
{
	static const char *const stores[4] = { "stg", "stzg", "st2g", "stz2g" };
	static const char *const blocks[4] = { "stzgm", "ldg", "stgm", "ldgm" };
	static const enum insn_addr addr[4] = { 0, INSN_POST, INSN_OFFSET, INSN_PRE };
	unsigned opc = insn_bits(w, 23, 22), op2 = insn_bits(w, 11, 10);

	i->class = INSN_TAG;
	i->suffix = "";
	i->regs = 1;
	i->reg_bytes = 8;
	i->imm = insn_sbits(w, 20, 12) * 16;
	if (op2 == 0) {
		i->name = blocks[opc];
		i->load = opc & 1;
		i->store = !i->load;
		i->size = opc == 1 ? 16 : 0;
		return opc == 1 || i->imm == 0;
	}
	i->name = stores[opc];
	i->store = true;
	i->size = opc & 2 ? 32 : 16;
	i->addr = addr[op2];
	i->writeback = op2 != 2;
	return true;
}

static bool set_steps(unsigned op, bool tags, struct insn *i)
{
	static const char *const names[2][3] = { { "setp", "setm", "sete" },
						 { "setgp", "setgm", "setge" } };
	static const char *const suffix[4] = { "", "t", "n", "tn" };

	if (op >> 2 == 3)
		return false;
	i->name = names[tags][op >> 2];
	i->suffix = suffix[op & 3];
	i->store = true;
	return true;
}

static bool copy_steps(unsigned step, unsigned op, bool forward, struct insn *i)
{
	static const char *const names[2][3] = { { "cpyp", "cpym", "cpye" },
						 { "cpyfp", "cpyfm", "cpyfe" } };
	static const char *const suffix[16] = {
		"",   "wt",   "rt",   "t",   /* who reads or writes without privilege */
		"wn", "wtwn", "rtwn", "twn", /* what is written is not temporal */
		"rn", "wtrn", "rtrn", "trn", /* what is read */
		"n",  "wtn",  "rtn",  "tn",  /* both */
	};

	i->name = names[forward][step];
	i->suffix = suffix[op];
	i->load = i->store = true;
	return true;
}

/* 29:27 == 011, 25:24 == 01, 21 == 0, 11:10 == 01. Fields size, o0 (26), op1 (23:22), op2. */
bool insn_mops(uint32_t w, struct insn *i)
{
	unsigned op1 = insn_bits(w, 23, 22), op2 = insn_bits(w, 15, 12);
	bool o0 = insn_bit(w, 26);

	i->class = INSN_MOPS;
	i->rs = insn_reg(w, 16);
	/* Xs of SET* may be XZR. */
	i->unpredictable = i->rt == i->rn || i->rt == i->rs || i->rn == i->rs || i->rt == 31 ||
			   i->rn == 31 || (op1 != 3 && i->rs == 31);
	if (insn_bits(w, 31, 30) != 0)
		return false;
	return op1 == 3 ? set_steps(op2, o0, i) : copy_steps(op1, op2, !o0, i);
}

/* 31:19 == 1101010100001: SYS. Fields op1, CRn, CRm, op2. */
bool insn_system(uint32_t w, struct insn *i)
{
#define SYS(op1, crm, op2) ((op1) << 16 | 7 << 12 | (crm) << 8 | (op2) << 5)
	static const struct {
		uint32_t op;
		enum insn_class class;
		const char *name;
	} table[] = {
		{ SYS(0, 6, 1), INSN_CACHE, "dc ivac" },
		{ SYS(0, 6, 3), INSN_CACHE, "dc igvac" },
		{ SYS(0, 6, 5), INSN_CACHE, "dc igdvac" },
		{ SYS(3, 4, 1), INSN_ZERO, "dc zva" },
		{ SYS(3, 4, 3), INSN_ZERO, "dc gva" },
		{ SYS(3, 4, 4), INSN_ZERO, "dc gzva" },
		{ SYS(3, 5, 1), INSN_CACHE, "ic ivau" },
		{ SYS(3, 10, 1), INSN_CACHE, "dc cvac" },
		{ SYS(3, 10, 3), INSN_CACHE, "dc cgvac" },
		{ SYS(3, 10, 5), INSN_CACHE, "dc cgdvac" },
		{ SYS(3, 11, 1), INSN_CACHE, "dc cvau" },
		{ SYS(3, 12, 1), INSN_CACHE, "dc cvap" },
		{ SYS(3, 12, 3), INSN_CACHE, "dc cgvap" },
		{ SYS(3, 12, 5), INSN_CACHE, "dc cgdvap" },
		{ SYS(3, 13, 1), INSN_CACHE, "dc cvadp" },
		{ SYS(3, 13, 3), INSN_CACHE, "dc cgvadp" },
		{ SYS(3, 13, 5), INSN_CACHE, "dc cgdvadp" },
		{ SYS(3, 14, 1), INSN_CACHE, "dc civac" },
		{ SYS(3, 14, 3), INSN_CACHE, "dc cigvac" },
		{ SYS(3, 14, 5), INSN_CACHE, "dc cigdvac" },
	};
#undef SYS

	for (size_t n = 0; n < ARRAY_SIZE(table); n++) {
		if (table[n].op != (w & 0x7ffe0))
			continue;
		i->class = table[n].class;
		i->name = table[n].name;
		i->suffix = "";
		i->store = i->class == INSN_ZERO;
		i->rn = i->rt; /* the field Rt has the address */
		i->rt = 0;
		return true;
	}
	return false;
}
