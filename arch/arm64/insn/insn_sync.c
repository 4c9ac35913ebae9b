/* SPDX-License-Identifier: Apache-2.0 */
/* Exclusive, ordered and atomic accesses of the general registers. */
#include "arch/arm64/insn/insn_groups.h"

const char *insn_order_suffix(bool acquire, bool release, unsigned size)
{
	static const char *const suffix[4][3] = {
		{ "b", "h", "" },
		{ "lb", "lh", "l" },
		{ "ab", "ah", "a" },
		{ "alb", "alh", "al" },
	};
	unsigned column = size == 1 ? 0 : size == 2 ? 1 : 2;

	return suffix[(acquire ? 2 : 0) + (release ? 1 : 0)][column];
}

/* CAS, CASB, CASH; CASP with its smaller field for the size. */
static bool compare_and_swap(uint32_t w, unsigned size, unsigned regs, struct insn *i)
{
	if (insn_reg(w, 10) != 31)
		return false;
	i->rs = insn_reg(w, 16);
	if (regs == 2 && (i->rs % 2 || i->rt % 2))
		return false;
	i->class = INSN_CAS;
	insn_general(i, size);
	i->regs = (uint8_t)regs;
	i->load = i->store = true;
	i->acquire = insn_bit(w, 22);
	i->release = insn_bit(w, 15);
	i->name = regs == 2 ? "casp" : "cas";
	i->suffix = insn_order_suffix(i->acquire, i->release, size);
	return true;
}

/* LDAR, STLR, LDLAR, STLLR: always one register. */
static bool ordered(uint32_t w, struct insn *i)
{
	bool limited = !insn_bit(w, 15);

	i->acquire = i->load;
	i->release = i->store;
	i->unpredictable = insn_reg(w, 16) != 31 || insn_reg(w, 10) != 31;
	if (i->load)
		i->name = limited ? "ldlar" : "ldar";
	else
		i->name = limited ? "stllr" : "stlr";
	return true;
}

static bool status_overlaps(const struct insn *i)
{
	return i->rs == i->rt || (i->regs == 2 && i->rs == i->rt2) ||
	       (i->rs == i->rn && i->rn != 31);
}

/* LDXR, STXR, LDXP, STXP and their ordered forms. */
static bool exclusive(uint32_t w, bool is_pair, struct insn *i)
{
	/* [pair][ordered] */
	static const char *const loads[2][2] = { { "ldxr", "ldaxr" }, { "ldxp", "ldaxp" } };
	static const char *const stores[2][2] = { { "stxr", "stlxr" }, { "stxp", "stlxp" } };
	bool is_ordered = insn_bit(w, 15);

	i->class = INSN_EXCLUSIVE;
	if (is_pair) {
		i->regs = 2;
		i->rt2 = insn_reg(w, 10);
	}
	i->acquire = is_ordered && i->load;
	i->release = is_ordered && i->store;
	if (i->load) {
		i->name = loads[is_pair][is_ordered];
		i->unpredictable = insn_reg(w, 16) != 31 || (is_pair && i->rt == i->rt2);
	} else {
		i->name = stores[is_pair][is_ordered];
		i->status = true;
		i->rs = insn_reg(w, 16);
		i->unpredictable = status_overlaps(i);
	}
	if (!is_pair && insn_reg(w, 10) != 31)
		i->unpredictable = true;
	return true;
}

/* 29:24 == 001000. Fields size, o2 (23), L (22), o1 (21), Rs, o0 (15), Rt2. */
bool insn_exclusive(uint32_t w, struct insn *i)
{
	unsigned size = insn_bits(w, 31, 30);
	bool o2 = insn_bit(w, 23), o1 = insn_bit(w, 21);

	if (o2 && o1)
		return compare_and_swap(w, 1U << size, 1, i);
	if (o1 && size < 2)
		return compare_and_swap(w, 4U << size, 2, i);
	insn_general(i, 1U << size);
	i->suffix = insn_order_suffix(false, false, i->size);
	i->load = insn_bit(w, 22);
	i->store = !i->load;
	return o2 ? ordered(w, i) : exclusive(w, o1, i);
}

/* LD64B, ST64B, ST64BV, ST64BV0: eight registers from an even one up to X22 on. */
static bool bytes64(uint32_t w, unsigned opc, struct insn *i)
{
	static const char *const names[8] = {
		[1] = "st64b", [2] = "st64bv0", [3] = "st64bv", [5] = "ld64b"
	};

	if (!names[opc] || i->rt > 22 || i->rt % 2)
		return false;
	i->class = INSN_LS64;
	i->name = names[opc];
	i->suffix = "";
	insn_general(i, 8);
	i->regs = 8;
	i->load = opc == 5;
	i->store = !i->load;
	i->status = opc == 2 || opc == 3;
	if (i->status)
		i->rs = insn_reg(w, 16);
	return i->status || insn_reg(w, 16) == 31;
}

static const char *const atomic_names[] = {
	[INSN_ADD] = "ldadd",	[INSN_CLR] = "ldclr",	[INSN_EOR] = "ldeor",
	[INSN_SET] = "ldset",	[INSN_SMAX] = "ldsmax", [INSN_SMIN] = "ldsmin",
	[INSN_UMAX] = "ldumax", [INSN_UMIN] = "ldumin", [INSN_SWP] = "swp",
};

/* 29:27 == 111, 25:24 == 00, 21 == 1, 11:10 == 00. Fields size, V, A, R, Rs, o3 (15), opc. */
bool insn_atomic(uint32_t w, struct insn *i)
{
	unsigned size = insn_bits(w, 31, 30), opc = insn_bits(w, 14, 12);
	bool acquire = insn_bit(w, 23), release = insn_bit(w, 22), o3 = insn_bit(w, 15);

	if (insn_bit(w, 26))
		return false;
	if (o3 && opc == 4) { /* LDAPR */
		if (!acquire || release)
			return false;
		insn_general(i, 1U << size);
		i->load = i->acquire = true;
		i->unpredictable = insn_reg(w, 16) != 31;
		i->name = "ldapr";
		i->suffix = insn_order_suffix(false, false, i->size);
		return true;
	}
	if (o3 && opc != 0)
		return size == 3 && !acquire && !release && bytes64(w, opc, i);
	i->class = INSN_ATOMIC;
	i->atomic = o3 ? INSN_SWP : (enum insn_atomic)opc;
	insn_general(i, 1U << size);
	i->rs = insn_reg(w, 16);
	i->load = i->store = true;
	i->acquire = acquire;
	i->release = release;
	i->name = atomic_names[i->atomic];
	i->suffix = insn_order_suffix(acquire, release, i->size);
	return true;
}

/* 31:24 == 00011001, 21 == 1, 11:10 == 00: LDCLRP, LDSETP, SWPP. */
bool insn_atomic_pair(uint32_t w, struct insn *i)
{
	switch (insn_bits(w, 15, 12)) {
	case 1:
		i->atomic = INSN_CLR;
		i->name = "ldclrp";
		break;
	case 3:
		i->atomic = INSN_SET;
		i->name = "ldsetp";
		break;
	case 8:
		i->atomic = INSN_SWP;
		i->name = "swpp";
		break;
	default:
		return false;
	}
	i->class = INSN_ATOMIC;
	insn_general(i, 8);
	i->regs = 2;
	i->rt2 = insn_reg(w, 16);
	i->load = i->store = true;
	i->acquire = insn_bit(w, 23);
	i->release = insn_bit(w, 22);
	i->suffix = insn_order_suffix(i->acquire, i->release, 8);
	i->unpredictable = i->rt == i->rt2;
	return i->rt != 31 && i->rt2 != 31;
}

/* 29:24 == 011001, 21 == 0, 11:10 == 10. The offset is the size of what is accessed. */
bool insn_ordered_index(uint32_t w, struct insn *i)
{
	unsigned size = insn_bits(w, 31, 30), op = insn_bits(w, 15, 12);
	bool is_pair = !insn_bit(w, 23);

	if (size < 2 || op > (is_pair ? 1 : 0))
		return false;
	insn_general(i, 1U << size);
	i->load = i->acquire = insn_bit(w, 22);
	i->store = i->release = !i->load;
	i->suffix = "";
	if (is_pair) {
		i->regs = 2;
		i->rt2 = insn_reg(w, 16);
		i->name = i->load ? "ldiapp" : "stilp";
		i->unpredictable = i->load && i->rt == i->rt2;
	} else {
		i->name = i->load ? "ldapr" : "stlr";
		if (insn_reg(w, 16))
			return false;
	}
	if (op == 0) {
		int64_t bytes = i->size * i->regs;

		i->writeback = true;
		i->addr = i->load ? INSN_POST : INSN_PRE;
		i->imm = i->load ? bytes : -bytes;
		if (i->rn != 31 && (i->rt == i->rn || (is_pair && i->rt2 == i->rn)))
			i->unpredictable = true;
	}
	return true;
}
