/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/insn/insn_groups.h"

static void set_addr(struct insn *i, enum insn_addr addr)
{
	i->addr = addr;
	i->writeback = addr == INSN_PRE || addr == INSN_POST;
}

/* What a load or store of one register may be called, by its addressing. */
struct names {
	const char *load, *store, *prefetch; /* prefetch NULL: unallocated */
};

static const struct names plain = { "ldr", "str", "prfm" };
static const struct names indexed = { "ldr", "str", NULL };
static const struct names unscaled = { "ldur", "stur", "prfum" };
static const struct names unprivileged = { "ldtr", "sttr", NULL };
static const struct names ordered = { "ldapur", "stlur", NULL };

static bool simd_register(uint32_t w, const struct names *names, struct insn *i)
{
	unsigned size = insn_bits(w, 31, 30), opc = insn_bits(w, 23, 22);

	if (opc >= 2 && size != 0)
		return false;
	i->size = i->reg_bytes = (uint8_t)(opc >= 2 ? 16 : 1U << size);
	i->regs = 1;
	i->simd = true;
	i->load = opc & 1;
	i->store = !i->load;
	i->name = i->load ? names->load : names->store;
	i->suffix = "";
	return true;
}

/* Size, direction, extension and name from the fields size, V and opc. */
static bool one_register(uint32_t w, const struct names *names, struct insn *i)
{
	static const char *const unsigned_suffix[4] = { "b", "h", "", "" };
	static const char *const signed_suffix[3] = { "sb", "sh", "sw" };
	unsigned size = insn_bits(w, 31, 30), opc = insn_bits(w, 23, 22);

	if (insn_bit(w, 26))
		return simd_register(w, names, i);
	if (size == 3 && opc == 2) {
		i->class = INSN_PREFETCH;
		i->name = names->prefetch;
		i->suffix = "";
		return i->name != NULL;
	}
	if (opc == 3 && size >= 2)
		return false;
	insn_general(i, 1U << size);
	i->sign = opc >= 2;
	if (i->sign)
		i->reg_bytes = opc == 2 ? 8 : 4;
	i->load = opc != 0;
	i->store = !i->load;
	i->name = i->load ? names->load : names->store;
	i->suffix = i->sign ? signed_suffix[size] : unsigned_suffix[size];
	return true;
}

/* A general register that is loaded or stored and written back to as base. */
static bool overlaps(const struct insn *i)
{
	return i->writeback && !i->simd && i->rn != 31 &&
	       (i->rt == i->rn || (i->regs == 2 && i->rt2 == i->rn));
}

static bool unsigned_offset(uint32_t w, struct insn *i)
{
	if (!one_register(w, &plain, i))
		return false;
	i->imm = (int64_t)insn_bits(w, 21, 10) * (i->class == INSN_PREFETCH ? 8 : i->size);
	return true;
}

static bool short_offset(uint32_t w, struct insn *i)
{
	i->imm = insn_sbits(w, 20, 12);
	switch (insn_bits(w, 11, 10)) {
	case 0:
		return one_register(w, &unscaled, i);
	case 2:
		i->unprivileged = true;
		return !insn_bit(w, 26) && one_register(w, &unprivileged, i);
	default:
		set_addr(i, insn_bit(w, 11) ? INSN_PRE : INSN_POST);
		if (!one_register(w, &indexed, i))
			return false;
		i->unpredictable = overlaps(i);
		return true;
	}
}

static bool register_offset(uint32_t w, struct insn *i)
{
	unsigned option = insn_bits(w, 15, 13), bytes;

	if (!(option & 2) || !one_register(w, &plain, i))
		return false;
	i->reg_offset = true;
	i->rm = insn_reg(w, 16);
	i->extend = (enum insn_extend)option;
	bytes = i->class == INSN_PREFETCH ? 8 : i->size;
	i->shift = insn_bit(w, 12) ? (uint8_t)__builtin_ctz(bytes) : 0;
	return true;
}

/* LDRAA, LDRAB */
static bool authenticated(uint32_t w, struct insn *i)
{
	if (insn_bits(w, 31, 30) != 3 || insn_bit(w, 26))
		return false;
	insn_general(i, 8);
	i->load = i->pauth = true;
	i->imm = insn_sbits((insn_bit(w, 22) ? 1U << 21 : 0) | (w & 0x1ff000), 21, 12) * 8;
	set_addr(i, insn_bit(w, 11) ? INSN_PRE : INSN_OFFSET);
	i->name = insn_bit(w, 23) ? "ldrab" : "ldraa";
	i->suffix = "";
	i->unpredictable = overlaps(i);
	return true;
}

/* 29:28 == 11 */
static bool single(uint32_t w, struct insn *i)
{
	if (insn_bit(w, 24))
		return unsigned_offset(w, i);
	if (!insn_bit(w, 21))
		return short_offset(w, i);
	if (insn_bit(w, 10))
		return authenticated(w, i);
	return insn_bit(w, 11) ? register_offset(w, i) : insn_atomic(w, i);
}

static bool pair_names(uint32_t w, struct insn *i)
{
	unsigned opc = insn_bits(w, 31, 30);
	bool hint = insn_bits(w, 24, 23) == 0;

	i->suffix = "";
	i->name = i->load ? "ldp" : "stp";
	if (hint) {
		i->nontemporal = true;
		i->name = i->load ? "ldnp" : "stnp";
	}
	if (opc == 1 && !i->simd) {
		if (hint)
			return false;
		i->sign = i->load;
		i->suffix = i->load ? "sw" : "";
		if (!i->load) {
			i->class = INSN_TAG;
			i->name = "stgp";
		}
	}
	return true;
}

/* 29:28 == 10 */
static bool pair(uint32_t w, struct insn *i)
{
	static const enum insn_addr addr[4] = { INSN_OFFSET, INSN_POST, INSN_OFFSET, INSN_PRE };
	unsigned opc = insn_bits(w, 31, 30);
	int64_t scale;

	if (opc == 3)
		return false;
	i->simd = insn_bit(w, 26);
	i->load = insn_bit(w, 22);
	i->store = !i->load;
	if (!pair_names(w, i))
		return false;
	if (i->simd)
		i->size = i->reg_bytes = (uint8_t)(4U << opc);
	else
		insn_general(i, opc == 2 || i->class == INSN_TAG ? 8 : 4);
	if (i->sign)
		i->reg_bytes = 8;
	i->regs = 2;
	i->rt2 = insn_reg(w, 10);
	scale = i->class == INSN_TAG ? 16 : i->size;
	i->imm = insn_sbits(w, 21, 15) * scale;
	set_addr(i, addr[insn_bits(w, 24, 23)]);
	i->unpredictable = (i->load && i->rt == i->rt2) || (i->class != INSN_TAG && overlaps(i));
	return true;
}

/* 29:27 == 011, 25:24 == 00 */
static bool literal(uint32_t w, struct insn *i)
{
	unsigned opc = insn_bits(w, 31, 30);

	i->rn = 0;
	i->addr = INSN_LITERAL;
	i->imm = insn_sbits(w, 23, 5) * 4;
	i->suffix = "";
	i->simd = insn_bit(w, 26);
	if (opc == 3) {
		i->class = INSN_PREFETCH;
		i->name = "prfm";
		return !i->simd;
	}
	i->load = true;
	i->name = "ldr";
	if (i->simd) {
		i->size = i->reg_bytes = (uint8_t)(4U << opc);
		i->regs = 1;
		return true;
	}
	insn_general(i, opc == 1 ? 8 : 4);
	if (opc == 2) {
		i->sign = true;
		i->reg_bytes = 8;
		i->suffix = "sw";
	}
	return true;
}

/* 29:27 == 011, 25:24 == 01: what later extensions found room for. */
static bool extensions(uint32_t w, struct insn *i)
{
	bool simd = insn_bit(w, 26);
	unsigned op = insn_bits(w, 11, 10);

	if (insn_bit(w, 21)) {
		if (simd)
			return false;
		if (insn_bits(w, 31, 30) == 3)
			return insn_tags(w, i);
		return op == 0 && insn_bits(w, 31, 30) == 0 && insn_atomic_pair(w, i);
	}
	if (op == 1)
		return insn_mops(w, i);
	if (op == 2 && !simd)
		return insn_ordered_index(w, i);
	/* LDAPUR, STLUR */
	if (op != (simd ? 2 : 0) || !one_register(w, &ordered, i) || i->class == INSN_PREFETCH)
		return false;
	i->imm = insn_sbits(w, 20, 12);
	i->acquire = i->load;
	i->release = i->store;
	return true;
}

bool insn_decode(uint32_t w, struct insn *i)
{
	*i = (struct insn){
		.word = w,
		.rn = insn_reg(w, 5),
		.rt = insn_reg(w, 0),
		.length = 4,
	};
	if ((w & 0xfff80000) == 0xd5080000)
		return insn_system(w, i);
	if ((w & 0x9e000000) == 0x84000000 || (w & 0xfe000000) == 0xe0000000)
		return insn_scalable(w, i);
	if ((w & 0x0a000000) != 0x08000000)
		return false;
	switch (insn_bits(w, 29, 28)) {
	case 0:
		if (!insn_bit(w, 26))
			return !insn_bit(w, 24) && insn_exclusive(w, i);
		if (insn_bit(w, 31))
			return false;
		return insn_bit(w, 24) ? insn_struct_one(w, i) : insn_struct_many(w, i);
	case 1:
		return insn_bit(w, 24) ? extensions(w, i) : literal(w, i);
	case 2:
		return pair(w, i);
	default:
		return single(w, i);
	}
}

unsigned insn_bytes(const struct insn *i)
{
	switch (i->class) {
	case INSN_LDST:
	case INSN_EXCLUSIVE:
	case INSN_ATOMIC:
	case INSN_CAS:
	case INSN_TAG:
	case INSN_LS64:
		return (unsigned)i->size * i->regs;
	case INSN_STRUCT:
		return i->single ? (unsigned)i->size * i->selem : (unsigned)i->reg_bytes * i->regs;
	case INSN_PREFETCH:
	case INSN_ZERO:
	case INSN_CACHE:
	case INSN_MOPS:
	case INSN_SVE:
	case INSN_SME:
	case INSN_OTHER32:
		break;
	}
	return 0;
}
