/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/mmu/unwind.h"

#include <endian.h>

/* How far behind its beginning a function is taken to reach, where nobody knows. */
#define FUNCTION_REACH (64 * KiB)

/*
 * Linux (arch/arm64/include/asm/ptrace.h, stacktrace/frame.h): a record of zeroes with this type
 * behind it is part of struct pt_regs, which has x29, x30, sp, pc and pstate that much before it.
 */
#define META_PT_REGS	   2
#define PT_REGS_BEFORE_X29 0x40

struct chain {
	uint64_t *frame; /* borrowed */
	size_t nr, max;
	bool cut;
	unsigned jumps;
};

static bool push(struct chain *c, uint64_t address)
{
	if (c->nr == c->max) {
		c->cut = true;
		return false;
	}
	c->frame[c->nr++] = address;
	return true;
}

/* Whether one more is allowed of what could make a loop. */
static bool jump(struct chain *c)
{
	if (c->jumps++ < UNWIND_JUMPS)
		return true;
	c->cut = true;
	return false;
}

static bool read_words(const struct unwind *u, uint64_t va, uint64_t *word, size_t nr)
{
	if (!u->read(u->ctx, va, word, nr * sizeof(*word)))
		return false;
	for (size_t i = 0; i < nr; i++)
		word[i] = u->big_endian ? be64toh(word[i]) : le64toh(word[i]);
	return true;
}

uint64_t unwind_strip(uint64_t va, const unsigned va_bits[2])
{
	bool upper = va >> 55 & 1;
	unsigned bits = va_bits[upper];
	uint64_t above;

	if (bits == 0 || bits >= 55)
		return va;
	above = ~UINT64_C(0) << bits;
	return upper ? va | above : va & ~above;
}

/* --- is X30 the caller? --------------------------------------------------------------------------
 */

static bool is_bl(uint32_t insn)
{
	return (insn & 0xfc000000) == 0x94000000;
}

static uint64_t bl_target(uint32_t insn, uint64_t at)
{
	uint64_t words = insn & 0x03ffffff;

	if (words & 0x02000000)
		words |= ~UINT64_C(0x03ffffff);
	return at + (words << 2);
}

/* BLR, BLRAA, BLRAB and those with zero as modifier. */
static bool is_blr(uint32_t insn)
{
	return (insn & 0xfefff000) == 0xd63f0000;
}

static bool in_other_function(const struct unwind *u, uint64_t pc, uint64_t call, uint32_t insn)
{
	uint64_t pc_start, call_start, target;

	if (u->function && u->function(u->ctx, pc, &pc_start))
		return !u->function(u->ctx, call, &call_start) || call_start != pc_start;
	if (!is_bl(insn))
		return false;
	target = bl_target(insn, call);
	return target <= pc && pc - target < FUNCTION_REACH && !(call >= target && call < pc);
}

static bool is_caller(const struct unwind *u, uint64_t pc, uint64_t lr)
{
	uint32_t insn;

	if (lr < 4 || lr & 3 || !u->read(u->ctx, lr - 4, &insn, sizeof(insn)))
		return false;
	insn = le32toh(insn); /* instructions are little-endian always */
	return (is_bl(insn) || is_blr(insn)) && in_other_function(u, pc, lr - 4, insn);
}

/* --- the chain -----------------------------------------------------------------------------------
 */

/* Behind a record of zeroes: whether an exception is to be followed; @regs then has x29 to pstate.
 */
static bool interrupted(const struct unwind *u, uint64_t fp, uint64_t regs[5])
{
	uint64_t type, mode;

	if (fp < PT_REGS_BEFORE_X29 || !read_words(u, fp + 16, &type, 1) || type != META_PT_REGS ||
	    !read_words(u, fp - PT_REGS_BEFORE_X29, regs, 5))
		return false;
	mode = regs[4] & 0x1f;
	return (mode == 4 || mode == 5) && regs[3] && !(regs[3] & 3); /* EL1t, EL1h */
}

/*
 * Follows the chain from these registers. True when it ended at an exception, and @regs has what
 * was interrupted.
 */
static bool follow(const struct unwind *u, struct chain *c, uint64_t pc, uint64_t lr, uint64_t fp,
		   uint64_t regs[5])
{
	uint64_t record[2] = { 0, 0 };
	bool known = fp && !(fp & 7) && read_words(u, fp, record, 2);

	lr = unwind_strip(lr, u->va_bits);
	if (!(known && lr == unwind_strip(record[1], u->va_bits)) && is_caller(u, pc, lr) &&
	    !push(c, lr))
		return false;
	while (known) {
		uint64_t address = unwind_strip(record[1], u->va_bits), next = record[0];

		if (next == 0 && address == 0 && interrupted(u, fp, regs))
			return true;
		if (address == 0)
			return false;
		if (address & 3) {
			c->cut = true; /* not a record */
			return false;
		}
		if (!push(c, address) || next == 0 || (next <= fp && !jump(c)))
			return false;
		fp = next;
		known = !(fp & 7) && read_words(u, fp, record, 2);
	}
	c->cut |= fp != 0;
	return false;
}

size_t unwind_frames(const struct unwind *u, uint64_t *frame, size_t max, bool *cut)
{
	struct chain c = { .frame = frame, .max = max };
	uint64_t regs[5] = { u->fp, u->lr, 0, u->pc, 0 };

	while (follow(u, &c, regs[3], regs[1], regs[0], regs))
		if (!jump(&c) || !push(&c, regs[3]))
			break;
	*cut = c.cut;
	return c.nr;
}
