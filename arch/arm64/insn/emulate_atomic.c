/* SPDX-License-Identifier: Apache-2.0 */
/* Exclusives, atomics and compare-and-swap, on Normal memory within 16 aligned bytes. */
#include "arch/arm64/insn/emulate_run.h"

#include <string.h>

enum emulate_status emulate_load_exclusive(struct emulate_run *r)
{
	struct emulate_monitor *m = r->cpu->monitor;
	enum emulate_status s = emulate_load(r);

	*m = (struct emulate_monitor){ 0 };
	if (s)
		return s;
	m->va = r->at.va;
	m->bytes = r->at.bytes;
	memcpy(m->value, r->mem, m->bytes);
	return EMULATE_DONE;
}

enum emulate_status emulate_store_exclusive(struct emulate_run *r)
{
	const struct emulate_cpu *cpu = r->cpu;
	struct emulate_monitor m = *cpu->monitor;
	enum emulate_status s = emulate_get_all_data(r);
	bool matched = false;

	if (s)
		return s;
	*cpu->monitor = (struct emulate_monitor){ 0 };
	r->has_status = true;
	r->status = 1;
	if (m.va != r->at.va || m.bytes != r->at.bytes) {
		r->out->unpaired = true;
		return EMULATE_DONE;
	}
	emulate_to_memory(r, r->mem);
	s = cpu->ops->cas(cpu->ctx, m.va, m.bytes, m.value, r->mem, &matched);
	if (s)
		return emulate_refused(r, m.va, s);
	r->status = !matched;
	emulate_note(r, matched ? EMULATE_WRITE : EMULATE_READ, m.va, m.bytes,
		     matched ? NULL : m.value, matched ? r->mem : NULL);
	return EMULATE_DONE;
}

/* The registers get what was in memory: @old. */
static void load_old(struct emulate_run *r, const uint8_t *old)
{
	memset(r->reg, 0, sizeof(r->reg));
	emulate_from_memory(r, old);
	r->targets = r->i->regs;
}

/* What an atomic puts where @m was; only the low @bytes of all three count. */
static uint64_t combine(enum insn_atomic op, uint64_t m, uint64_t operand, unsigned bytes)
{
	/* With the sign turned over, signed order is unsigned order. */
	uint64_t sign = UINT64_C(1) << (8 * bytes - 1);
	uint64_t a = zero_extend(m, bytes), b = zero_extend(operand, bytes);

	switch (op) {
	case INSN_ADD:
		return a + b;
	case INSN_CLR:
		return a & ~b;
	case INSN_EOR:
		return a ^ b;
	case INSN_SET:
		return a | b;
	case INSN_SMAX:
		return (a ^ sign) > (b ^ sign) ? a : b;
	case INSN_SMIN:
		return (a ^ sign) < (b ^ sign) ? a : b;
	case INSN_UMAX:
		return a > b ? a : b;
	case INSN_UMIN:
		return a < b ? a : b;
	case INSN_SWP:
		break;
	}
	return b;
}

enum emulate_status emulate_atomic(struct emulate_run *r)
{
	const struct emulate_cpu *cpu = r->cpu;
	const struct insn *i = r->i;
	uint8_t operand[EMULATE_WIDE], old[EMULATE_WIDE] = { 0 };
	enum emulate_status s;

	s = i->regs == 2 ? emulate_get_all_data(r) : emulate_get_data(r, 0, i->rs);
	if (s)
		return s;
	emulate_to_memory(r, operand);
	s = cpu->ops->read(cpu->ctx, r->at.va, old, r->at.bytes);
	for (unsigned tries = 0; !s && tries < EMULATE_TRIES; tries++) {
		bool matched = false;

		for (unsigned k = 0; k < i->regs; k++)
			emulate_set_element(r, r->mem, k,
					    combine(i->atomic, emulate_element(r, old, k),
						    emulate_element(r, operand, k), i->size));
		s = cpu->ops->cas(cpu->ctx, r->at.va, r->at.bytes, old, r->mem, &matched);
		if (!s && matched) {
			emulate_note(r, EMULATE_UPDATE, r->at.va, r->at.bytes, old, r->mem);
			load_old(r, old);
			return EMULATE_DONE;
		}
	}
	return emulate_refused(r, r->at.va, s ? s : EMULATE_AGAIN);
}

enum emulate_status emulate_cas(struct emulate_run *r)
{
	const struct emulate_cpu *cpu = r->cpu;
	const struct insn *i = r->i;
	uint8_t old[EMULATE_WIDE];
	enum emulate_status s = emulate_get_all_data(r);
	bool matched = false;

	if (s)
		return s;
	emulate_to_memory(r, old);
	for (unsigned k = 0; !s && k < i->regs; k++)
		s = emulate_get_data(r, k, i->rt + k);
	if (s)
		return s;
	emulate_to_memory(r, r->mem);
	s = cpu->ops->cas(cpu->ctx, r->at.va, r->at.bytes, old, r->mem, &matched);
	if (s)
		return emulate_refused(r, r->at.va, s);
	emulate_note(r, matched ? EMULATE_UPDATE : EMULATE_READ, r->at.va, r->at.bytes, old,
		     matched ? r->mem : NULL);
	load_old(r, old);
	return EMULATE_DONE;
}
