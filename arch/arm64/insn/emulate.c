/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/insn/emulate_run.h"
#include "vmm/base/checked.h"

/* The offset register, extended and shifted. */
static enum emulate_status register_offset(const struct emulate_cpu *cpu, const struct insn *i,
					   uint64_t *offset)
{
	enum emulate_status s = emulate_get_x(cpu, i->rm, offset);

	switch (i->extend) {
	case INSN_UXTW:
		*offset = zero_extend(*offset, 4);
		break;
	case INSN_SXTW:
		*offset = sign_extend(*offset, 4);
		break;
	case INSN_UXTX:
	case INSN_SXTX:
		break;
	}
	*offset <<= i->shift;
	return s;
}

/* The block that DC ZVA works on. */
static enum emulate_status block(const struct emulate_cpu *cpu, const struct insn *i,
				 struct emulate_address *out)
{
	enum emulate_status s;

	if (!is_power_of_two(cpu->zva_bytes) || cpu->zva_bytes < 4 || cpu->zva_bytes > 2048)
		return EMULATE_CANNOT;
	s = emulate_get_x(cpu, i->rn, &out->va);
	out->va = align_down(out->va, cpu->zva_bytes);
	out->bytes = cpu->zva_bytes;
	return s;
}

enum emulate_status emulate_address(const struct emulate_cpu *cpu, const struct insn *i,
				    struct emulate_address *out)
{
	uint64_t base = 0, offset = (uint64_t)i->imm;
	enum emulate_status s = EMULATE_DONE;

	*out = (struct emulate_address){ 0 };
	if (i->aarch32)
		return emulate32_address(cpu, i, out);
	if (i->class == INSN_SVE || i->class == INSN_SME || i->class == INSN_MOPS || i->pauth)
		return EMULATE_CANNOT;
	if (i->class == INSN_CACHE)
		return emulate_get_x(cpu, i->rn, &out->va);
	if (i->class == INSN_ZERO)
		return block(cpu, i, out);
	if (cpu->ops->get(cpu->ctx, i->addr == INSN_LITERAL ? (unsigned)EMULATE_PC : i->rn, &base))
		return EMULATE_FAILED;
	if (i->reg_offset)
		s = register_offset(cpu, i, &offset);
	out->new_base = base + offset;
	out->va = i->addr == INSN_POST ? base : out->new_base;
	out->bytes = insn_bytes(i);
	return s;
}

enum emulate_status emulate_load(struct emulate_run *r)
{
	const struct insn *i = r->i;
	enum emulate_status s = EMULATE_DONE;

	if (i->single && !i->replicate) /* the other lanes stay */
		s = emulate_get_all_data(r);
	if (!s)
		s = emulate_transfer(r, false);
	if (s)
		return s;
	emulate_from_memory(r, r->mem);
	for (unsigned k = 0; i->replicate && k < i->regs; k++)
		for (unsigned at = 0; at < i->reg_bytes; at++)
			r->reg[k][at] = r->reg[k % i->selem][at % i->size];
	r->targets = i->regs;
	return EMULATE_DONE;
}

static enum emulate_status store(struct emulate_run *r)
{
	enum emulate_status s = emulate_get_all_data(r);

	if (s)
		return s;
	emulate_to_memory(r, r->mem);
	return emulate_transfer(r, true);
}

static enum emulate_status zero(struct emulate_run *r)
{
	static const uint8_t zeroes[EMULATE_WIDE];
	const struct emulate_cpu *cpu = r->cpu;
	unsigned unit = r->at.bytes < EMULATE_WIDE ? r->at.bytes : EMULATE_WIDE;
	struct emulate_access *a = &r->out->access[0];

	*a = (struct emulate_access){ .kind = EMULATE_WRITE, .va = r->at.va };
	while (a->bytes < r->at.bytes) {
		uint64_t va = r->at.va + a->bytes;
		enum emulate_status s = cpu->ops->write(cpu->ctx, va, zeroes, unit);

		if (s)
			return emulate_refused(r, va, s);
		a->bytes += unit;
		r->out->nr = 1;
	}
	return EMULATE_DONE;
}

/* Whether memory of this kind can take the access, and this module the instruction. */
static enum emulate_status check(const struct emulate_run *r)
{
	const struct insn *i = r->i;

	switch (i->class) {
	case INSN_LDST:
	case INSN_STRUCT:
		if (i->align && !is_aligned(r->at.va, i->align))
			return EMULATE_ALIGNMENT;
		return r->device && !is_aligned(r->at.va, emulate_unit(i)) ? EMULATE_ALIGNMENT
									   : EMULATE_DONE;
	case INSN_EXCLUSIVE:
	case INSN_ATOMIC:
	case INSN_CAS:
		if (r->device)
			return is_aligned(r->at.va, r->at.bytes) ? EMULATE_UNSUPPORTED
								 : EMULATE_ALIGNMENT;
		return within_16(r->at.va, r->at.bytes) ? EMULATE_DONE : EMULATE_ALIGNMENT;
	case INSN_ZERO:
		if ((i->word >> 5 & 7) != 1) /* op2: DC GVA and GZVA, which set tags */
			return EMULATE_CANNOT;
		return r->device ? EMULATE_ALIGNMENT : EMULATE_DONE;
	case INSN_PREFETCH:
	case INSN_CACHE:
		return EMULATE_DONE;
	case INSN_TAG:
	case INSN_LS64:
	case INSN_MOPS:
	case INSN_SVE:
	case INSN_SME:
	case INSN_OTHER32:
		break;
	}
	return EMULATE_CANNOT;
}

static enum emulate_status access_memory(struct emulate_run *r)
{
	const struct insn *i = r->i;

	switch (i->class) {
	case INSN_LDST:
	case INSN_STRUCT:
		return i->load ? emulate_load(r) : store(r);
	case INSN_EXCLUSIVE:
		return i->load ? emulate_load_exclusive(r) : emulate_store_exclusive(r);
	case INSN_ATOMIC:
		return emulate_atomic(r);
	case INSN_CAS:
		return emulate_cas(r);
	case INSN_ZERO:
		return zero(r);
	case INSN_PREFETCH:
	case INSN_CACHE:
	case INSN_TAG:
	case INSN_LS64:
	case INSN_MOPS:
	case INSN_SVE:
	case INSN_SME:
	case INSN_OTHER32:
		break;
	}
	return EMULATE_DONE;
}

/* All that the instruction changes in registers. @pc is where it was. */
static enum emulate_status finish(const struct emulate_run *r, uint64_t pc)
{
	const struct emulate_cpu *cpu = r->cpu;
	const struct insn *i = r->i;
	enum emulate_status s;

	/* The base first: where it is loaded too, the loaded value stays. */
	if (i->writeback && cpu->ops->set(cpu->ctx, i->rn, r->at.new_base))
		return EMULATE_FAILED;
	s = emulate_set_all_data(r);
	if (!s && r->has_status)
		s = emulate_set_x(cpu, i->rs, r->status);
	pc = i->aarch32 ? emulate32_next(r, pc) : pc + 4;
	if (!s && cpu->ops->set(cpu->ctx, EMULATE_PC, pc))
		s = EMULATE_FAILED;
	return s;
}

enum emulate_status emulate(const struct emulate_cpu *cpu, const struct insn *i,
			    enum emulate_memory memory, struct emulate_result *out)
{
	struct emulate_run r = {
		.cpu = cpu, .i = i, .out = out, .device = memory == EMULATE_DEVICE
	};
	enum emulate_status s = emulate_address(cpu, i, &r.at);
	uint64_t pc = 0;

	out->va = 0;
	out->nr = 0;
	out->unpaired = false;
	if (s)
		return s;
	s = check(&r);
	if (s)
		return emulate_refused(&r, r.at.va, s);
	if (cpu->ops->get(cpu->ctx, EMULATE_PC, &pc))
		return EMULATE_FAILED;
	__sync_synchronize(); /* "Order" in the header; the fence of C11 is one that TSan refuses */
	s = access_memory(&r);
	__sync_synchronize();
	return s ? s : finish(&r, pc);
}
