/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/insn/insn32.h"
#include "arch/arm64/insn/insn_out.h"

#include <inttypes.h>
#include <string.h>

static const char *const registers[16] = { "r0", "r1", "r2",  "r3",  "r4",  "r5", "r6", "r7",
					   "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc" };

static const char *condition(const struct insn *i)
{
	static const char *const names[15] = { "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc",
					       "hi", "ls", "ge", "lt", "gt", "le", "" };

	return i->cond < 15 ? names[i->cond] : "";
}

static void put_offset(struct out *o, const struct insn *i)
{
	static const char *const shifts[4] = { "lsl", "lsr", "asr", "ror" };

	if (!i->reg_offset) {
		put(o, ", #%s%" PRId64, i->subtract && i->imm == 0 ? "-" : "", i->imm);
		return;
	}
	put(o, ", %s%s", i->subtract ? "-" : "", registers[i->rm]);
	if (i->shift)
		put(o, ", %s #%u", shifts[i->shift_kind], i->shift);
	else if (i->shift_kind == 3)
		put(o, ", rrx");
}

static void put_address(struct out *o, const struct insn *i)
{
	const char *base = registers[i->rn];

	if (i->addr == INSN_POST) {
		put(o, "[%s]", base);
		put_offset(o, i);
		return;
	}
	put(o, "[%s", base);
	if (i->reg_offset || i->imm || i->subtract || i->writeback ||
	    (i->rn == 15 && i->length == 2))
		put_offset(o, i);
	put(o, i->writeback ? "]!" : "]");
}

static void put_vector(struct out *o, const struct insn *i, unsigned n)
{
	put(o, "%c%u", i->reg_bytes == 8 ? 'd' : 's', n);
}

/* LDM, STM, VLDM, VSTM. Those with a stack have names of their own. */
static void put_many(struct out *o, const struct insn *i)
{
	const bool push = i->store && i->addr == INSN_PRE, pop = i->load && i->addr == INSN_POST;
	const unsigned count = i->simd && i->reg_bytes == 8 ? i->regs / 2U : i->regs;
	const char *comma = "";

	if (i->rn == 13 && !i->gap && i->class == INSN_LDST && (push || pop) &&
	    (i->simd || i->regs > 1 || i->length == 2))
		put(o, "%s%s%s%s ", i->simd ? "v" : "", push ? "push" : "pop", condition(i),
		    i->wide || (i->thumb && push && i->length == 4 && !i->simd) ? ".w" : "");
	else
		put(o, "%s%s%s %s%s, ", i->name, condition(i), i->wide ? ".w" : "",
		    registers[i->rn], i->writeback ? "!" : "");
	put(o, "{");
	if (i->simd) {
		put_vector(o, i, i->rt);
		if (count > 1) {
			put(o, "-");
			put_vector(o, i, i->rt + count - 1);
		}
	}
	for (unsigned n = 0; !i->simd && n < 16; n++)
		if (i->list >> n & 1) {
			put(o, "%s%s", comma, registers[n]);
			comma = ", ";
		}
	put(o, "}");
	if (i->class == INSN_OTHER32)
		put(o, " ^");
}

static void put_struct(struct out *o, const struct insn *i)
{
	/* The lowest first, also where they are of more structures than one. */
	const unsigned step = i->regs > i->selem ? 1 : i->stride;

	put(o, "%s%s.%u {", i->name, condition(i), 8U * i->size);
	for (unsigned k = 0; k < i->regs; k++) {
		put(o, "%sd%u", k ? ", " : "", i->rt + k * step);
		if (i->replicate)
			put(o, "[]");
		else if (i->single)
			put(o, "[%u]", i->lane);
	}
	put(o, "}, [%s", registers[i->rn]);
	if (i->align)
		put(o, ":%u", 8U * i->align);
	put(o, i->writeback && !i->reg_offset ? "]!" : "]");
	if (i->reg_offset)
		put(o, ", %s", registers[i->rm]);
}

static void put_insn(struct out *o, const struct insn *i)
{
	if (i->class == INSN_STRUCT) {
		put_struct(o, i);
		return;
	}
	if (i->list || strncmp(i->name + 1, "ldm", 3) == 0 || strncmp(i->name + 1, "stm", 3) == 0) {
		put_many(o, i);
		return;
	}
	put(o, "%s%s%s%s", i->name, i->suffix, condition(i), i->wide ? ".w" : "");
	if (i->simd && i->reg_bytes == 2)
		put(o, ".16");
	if (i->class == INSN_OTHER32)
		return;
	put(o, " ");
	if (i->status)
		put(o, "%s, ", registers[i->rs]);
	if (i->simd)
		put_vector(o, i, i->rt);
	else
		put(o, "%s", registers[i->rt]);
	if (i->regs == 2 && !i->simd)
		put(o, ", %s", registers[i->rt2]);
	put(o, ", ");
	put_address(o, i);
}

size_t insn32_text(uint32_t word, uint32_t cpsr, char *buf, size_t size)
{
	struct out o = { .buf = buf, .size = size };
	struct insn i;

	if (insn32_decode(word, cpsr, &i))
		put_insn(&o, &i);
	else
		put(&o, ".inst 0x%0*" PRIx32, i.length == 2 ? 4 : 8, word);
	return o.len;
}
