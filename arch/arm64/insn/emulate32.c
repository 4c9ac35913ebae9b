/* SPDX-License-Identifier: Apache-2.0 */
/* What AArch32 has of its own: addresses, lists of registers, and words of vector registers. */
#include "arch/arm64/insn/emulate_run.h"
#include "arch/arm64/insn/insn32.h"
#include "vmm/base/le.h"

#include <assert.h>
#include <endian.h>

enum { R_PC = 15 };

static uint8_t *data_at(struct emulate_run *r, unsigned k)
{
	assert(k < EMULATE_WORDS);
	return &r->reg[0][0] + 4 * k;
}

static uint32_t data_of(const struct emulate_run *r, unsigned k)
{
	assert(k < EMULATE_WORDS);
	return le32_at(&r->reg[0][0] + 4 * k);
}

/* Register @n as an operand: PC is two instructions ahead. */
static enum emulate_status get_r(const struct emulate_cpu *cpu, const struct insn *i, unsigned n,
				 uint32_t *v)
{
	uint64_t x = 0;

	if (cpu->ops->get(cpu->ctx, n == R_PC ? (unsigned)EMULATE_PC : n, &x))
		return EMULATE_FAILED;
	*v = (uint32_t)x;
	if (n == R_PC)
		*v += i->thumb ? 4 : 8;
	return EMULATE_DONE;
}

/* Shift(), and RRX as ROR by 0. */
static uint32_t shifted(const struct insn *i, uint32_t v)
{
	const unsigned n = i->shift;

	switch (i->shift_kind) {
	case 0:
		return v << n;
	case 1:
		return n < 32 ? v >> n : 0;
	case 2:
		return (uint32_t)((int64_t)(int32_t)v >> n);
	default:
		return n ? v >> n | v << (32 - n) : v >> 1 | (uint32_t)i->carry << 31;
	}
}

enum emulate_status emulate32_address(const struct emulate_cpu *cpu, const struct insn *i,
				      struct emulate_address *out)
{
	uint32_t base = 0, offset = 0;
	enum emulate_status s;

	/* UNPREDICTABLE, and no such register can be set. */
	if ((i->writeback && i->rn == R_PC) || (i->status && i->rs == R_PC))
		return EMULATE_CANNOT;
	s = get_r(cpu, i, i->rn, &base);
	if (i->rn == R_PC)
		base &= ~3U;
	if (!s && i->reg_offset) {
		s = get_r(cpu, i, i->rm, &offset);
		offset = shifted(i, offset);
		if (i->subtract)
			offset = -offset;
	} else {
		offset = (uint32_t)i->imm;
	}
	out->new_base = base + offset;
	out->va = (uint32_t)((i->addr == INSN_POST ? base : base + offset) + i->gap);
	out->bytes = insn_bytes(i);
	return s;
}

/* The number of the @k-th general register of data. */
static unsigned data_register(const struct insn *i, unsigned k)
{
	uint32_t list = i->list;

	if (!list)
		return k ? i->rt2 : i->rt;
	while (k--)
		list &= list - 1;
	return (unsigned)__builtin_ctz(list);
}

/* Which word of all vector registers, which hold four each, is the @k-th in memory. */
static unsigned data_word(const struct emulate_run *r, unsigned k)
{
	if (r->i->reg_bytes != 8)
		return r->i->rt + k;
	return 2U * r->i->rt + (k ^ (r->cpu->big_endian ? 1 : 0));
}

static uint32_t word_of(const struct emulate_wide *v, unsigned lane)
{
	return (uint32_t)((lane & 2 ? v->hi : v->lo) >> 32 * (lane & 1));
}

static void set_word(struct emulate_wide *v, unsigned lane, uint32_t word)
{
	uint64_t *half = lane & 2 ? &v->hi : &v->lo;
	const unsigned at = 32 * (lane & 1);

	*half = (*half & ~(0xffffffffULL << at)) | (uint64_t)word << at;
}

static enum emulate_status get_word(const struct emulate_run *r, unsigned n, uint32_t *word)
{
	const struct emulate_cpu *cpu = r->cpu;
	struct emulate_wide v;

	if (cpu->ops->get_simd(cpu->ctx, n / 4, &v))
		return EMULATE_FAILED;
	*word = word_of(&v, n % 4);
	return EMULATE_DONE;
}

/* D registers, which are halves of vector registers, for structures. */
static enum emulate_status get_halves(struct emulate_run *r)
{
	const struct emulate_cpu *cpu = r->cpu;

	for (unsigned k = 0; k < r->i->regs; k++) {
		const unsigned n = insn32_struct_register(r->i, k);
		struct emulate_wide v;
		uint64_t half;

		if (cpu->ops->get_simd(cpu->ctx, n / 2, &v))
			return EMULATE_FAILED;
		half = htole64(n & 1 ? v.hi : v.lo);
		memcpy(r->reg[k], &half, sizeof(half));
	}
	return EMULATE_DONE;
}

static enum emulate_status set_halves(const struct emulate_run *r)
{
	const struct emulate_cpu *cpu = r->cpu;

	for (unsigned k = 0; k < r->i->regs; k++) {
		const unsigned n = insn32_struct_register(r->i, k);
		struct emulate_wide v;

		if (cpu->ops->get_simd(cpu->ctx, n / 2, &v))
			return EMULATE_FAILED;
		*(n & 1 ? &v.hi : &v.lo) = le64_at(r->reg[k]);
		if (cpu->ops->set_simd(cpu->ctx, n / 2, v))
			return EMULATE_FAILED;
	}
	return EMULATE_DONE;
}

enum emulate_status emulate32_get_all_data(struct emulate_run *r)
{
	const struct insn *i = r->i;

	if (i->class == INSN_STRUCT)
		return get_halves(r);
	for (unsigned k = 0; k < i->regs; k++) {
		uint32_t word = 0;
		enum emulate_status s = i->simd ? get_word(r, data_word(r, k), &word)
						: get_r(r->cpu, i, data_register(i, k), &word);

		if (s)
			return s;
		word = htole32(word);
		memcpy(data_at(r, k), &word, sizeof(word));
	}
	return EMULATE_DONE;
}

/* Words of a vector register that follow each other are written at once. */
static enum emulate_status set_vectors(const struct emulate_run *r)
{
	const struct emulate_cpu *cpu = r->cpu;
	unsigned k = 0;

	while (k < r->i->regs) {
		const unsigned n = data_word(r, k) / 4;
		struct emulate_wide v;

		if (cpu->ops->get_simd(cpu->ctx, n, &v))
			return EMULATE_FAILED;
		for (; k < r->i->regs && data_word(r, k) / 4 == n; k++)
			set_word(&v, data_word(r, k) % 4, data_of(r, k));
		if (cpu->ops->set_simd(cpu->ctx, n, v))
			return EMULATE_FAILED;
	}
	return EMULATE_DONE;
}

enum emulate_status emulate32_set_all_data(const struct emulate_run *r)
{
	const struct emulate_cpu *cpu = r->cpu;
	const struct insn *i = r->i;

	if (i->class == INSN_STRUCT)
		return set_halves(r);
	if (i->simd)
		return set_vectors(r);
	for (unsigned k = 0; k < i->regs; k++) {
		const unsigned n = data_register(i, k);
		uint64_t v = data_of(r, k);

		if (i->sign)
			v = (uint32_t)sign_extend(v, i->size);
		if (n != R_PC && cpu->ops->set(cpu->ctx, n, v))
			return EMULATE_FAILED;
	}
	return EMULATE_DONE;
}

uint64_t emulate32_next(const struct emulate_run *r, uint64_t pc)
{
	const struct insn *i = r->i;

	for (unsigned k = 0; i->load && !i->simd && k < r->targets; k++)
		if (data_register(i, k) == R_PC)
			return data_of(r, k);
	return (uint32_t)(pc + i->length) | i->thumb;
}
