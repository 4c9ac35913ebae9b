/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/insn/insn_groups.h"
#include "arch/arm64/insn/insn_out.h"

#include <inttypes.h>
#include <string.h>

/* A general register of 4 or 8 bytes; 31 is the zero register. */
static void put_general(struct out *o, unsigned n, unsigned bytes)
{
	if (n == 31)
		put(o, bytes == 8 ? "xzr" : "wzr");
	else
		put(o, "%c%u", bytes == 8 ? 'x' : 'w', n);
}

static void put_base(struct out *o, unsigned n)
{
	if (n == 31)
		put(o, "sp");
	else
		put(o, "x%u", n);
}

/* A data register of @i. */
static void put_data(struct out *o, const struct insn *i, unsigned n)
{
	if (!i->simd)
		put_general(o, n, i->reg_bytes);
	else
		put(o, "%c%u", "bhsdq"[__builtin_ctz(i->reg_bytes)], n);
}

/* ", lsl #2" and its like; LSL #0 only where the instruction says so itself: accesses to bytes. */
static void put_extend(struct out *o, const struct insn *i)
{
	bool shifts = insn_bit(i->word, 12);

	switch (i->extend) {
	case INSN_UXTW:
		put(o, ", uxtw");
		break;
	case INSN_SXTW:
		put(o, ", sxtw");
		break;
	case INSN_SXTX:
		put(o, ", sxtx");
		break;
	case INSN_UXTX:
		if (!shifts)
			return;
		put(o, ", lsl");
		break;
	}
	if (shifts)
		put(o, " #%u", i->shift);
}

static void put_address(struct out *o, const struct insn *i, uint64_t pc)
{
	if (i->addr == INSN_LITERAL) {
		put(o, "0x%" PRIx64, pc + (uint64_t)i->imm);
		return;
	}
	put(o, "[");
	put_base(o, i->rn);
	switch (i->addr) {
	case INSN_OFFSET:
		if (i->reg_offset) {
			put(o, ", ");
			put_general(o, i->rm,
				    i->extend == INSN_UXTW || i->extend == INSN_SXTW ? 4 : 8);
			put_extend(o, i);
		} else if (i->imm) {
			put(o, ", #%" PRId64, i->imm);
		}
		put(o, "]");
		break;
	case INSN_PRE:
		if (i->imm || !i->pauth)
			put(o, ", #%" PRId64, i->imm);
		put(o, "]!");
		break;
	case INSN_POST:
		put(o, "], ");
		if (i->reg_offset)
			put_general(o, i->rm, 8);
		else
			put(o, "#%" PRId64, i->imm);
		break;
	case INSN_LITERAL:
		break;
	}
}

static void put_prefetch(struct out *o, unsigned op)
{
	static const char *const types[3] = { "pld", "pli", "pst" };
	unsigned type = op >> 3, level = op >> 1 & 3;

	if (type == 3 || level == 3)
		put(o, "#0x%02x", op);
	else
		put(o, "%sl%u%s", types[type], level + 1, op & 1 ? "strm" : "keep");
}

/* Registers from @first on, and back to V0 behind V31: a range where there are more than two. */
static void put_list(struct out *o, const struct insn *i)
{
	unsigned last = (i->rt + i->regs - 1U) % 32;
	char element = "bhsd"[__builtin_ctz(i->size)];
	char lanes[4] = ""; /* how many there are, when all are meant */

	if (!i->single || i->replicate)
		(void)snprintf(lanes, sizeof(lanes), "%u", (unsigned)(i->reg_bytes / i->size));
	put(o, "{");
	if (i->regs > 2 && last > i->rt) {
		put(o, "v%u.%s%c-v%u.%s%c", i->rt, lanes, element, last, lanes, element);
	} else {
		for (unsigned n = 0; n < i->regs; n++)
			put(o, "%sv%u.%s%c", n ? ", " : "", (i->rt + n) % 32, lanes, element);
	}
	put(o, "}");
	if (i->single && !i->replicate)
		put(o, "[%u]", i->lane);
}

/* Up to the address. An operation whose old value nobody wants, nor waits for, is called a store.
 */
static void put_atomic(struct out *o, const struct insn *i)
{
	if (i->regs == 2) {
		put(o, "%s%s ", i->name, i->suffix);
		put_data(o, i, i->rt);
		put(o, ", ");
		put_data(o, i, i->rt2);
	} else if (i->rt == 31 && !i->acquire && i->atomic != INSN_SWP) {
		put(o, "st%s%s ", i->name + strlen("ld"), i->suffix);
		put_data(o, i, i->rs);
	} else {
		put(o, "%s%s ", i->name, i->suffix);
		put_data(o, i, i->rs);
		put(o, ", ");
		put_data(o, i, i->rt);
	}
	put(o, ", ");
}

/* Data registers of a CAS: rs and rt, of pairs each with its neighbour. */
static void put_cas(struct out *o, const struct insn *i)
{
	for (unsigned n = 0; n < i->regs; n++) {
		put_data(o, i, i->rs + n);
		put(o, ", ");
	}
	for (unsigned n = 0; n < i->regs; n++) {
		put_data(o, i, i->rt + n);
		put(o, ", ");
	}
}

static void put_mops(struct out *o, const struct insn *i)
{
	put(o, "[");
	put_general(o, i->rt, 8);
	put(o, "]!, ");
	if (i->load) {
		put(o, "[");
		put_general(o, i->rs, 8);
		put(o, "]!, ");
		put_general(o, i->rn, 8);
		put(o, "!");
	} else {
		put_general(o, i->rn, 8);
		put(o, "!, ");
		put_general(o, i->rs, 8);
	}
}

/* Up to two data registers, with a comma behind each. */
static void put_regs(struct out *o, const struct insn *i)
{
	put_data(o, i, i->rt);
	put(o, ", ");
	if (i->regs == 2) {
		put_data(o, i, i->rt2);
		put(o, ", ");
	}
}

/* The tag of most stores may come from SP. */
static void put_tag(struct out *o, const struct insn *i)
{
	if (i->store && i->size && i->regs == 1) {
		put_base(o, i->rt);
		put(o, ", ");
	} else {
		put_regs(o, i);
	}
}

static void put_ls64(struct out *o, const struct insn *i)
{
	if (i->status) {
		put_data(o, i, i->rs);
		put(o, ", ");
	}
	put_data(o, i, i->rt);
	put(o, ", ");
}

static void put_insn(struct out *o, const struct insn *i, uint64_t pc)
{
	if (i->class == INSN_ATOMIC) {
		put_atomic(o, i);
		put_address(o, i, pc);
		return;
	}
	put(o, "%s%s", i->name, i->suffix);
	if (i->class == INSN_SVE || i->class == INSN_SME)
		return;
	put(o, i->class == INSN_ZERO || i->class == INSN_CACHE ? ", " : " ");
	switch (i->class) {
	case INSN_EXCLUSIVE:
		if (i->status) {
			put_general(o, i->rs, 4);
			put(o, ", ");
		}
		put_regs(o, i);
		break;
	case INSN_LDST:
		put_regs(o, i);
		break;
	case INSN_TAG:
		put_tag(o, i);
		break;
	case INSN_LS64:
		put_ls64(o, i);
		break;
	case INSN_CAS:
		put_cas(o, i);
		break;
	case INSN_STRUCT:
		put_list(o, i);
		put(o, ", ");
		break;
	case INSN_PREFETCH:
		put_prefetch(o, i->rt);
		put(o, ", ");
		break;
	case INSN_ZERO:
	case INSN_CACHE:
		put_general(o, i->rn, 8);
		return;
	case INSN_MOPS:
		put_mops(o, i);
		return;
	case INSN_ATOMIC:
	case INSN_SVE:
	case INSN_SME:
	case INSN_OTHER32:
		break;
	}
	put_address(o, i, pc);
}

size_t insn_text(uint32_t word, uint64_t pc, char *buf, size_t size)
{
	struct out o = { .buf = buf, .size = size };
	struct insn i;

	if (insn_decode(word, &i))
		put_insn(&o, &i, pc);
	else
		put(&o, ".inst 0x%08" PRIx32, word);
	return o.len;
}
