/* SPDX-License-Identifier: Apache-2.0 */
/* Between registers and memory: which element goes where, and in how many accesses. */
#include "arch/arm64/insn/emulate_run.h"
#include "vmm/base/checked.h"
#include "vmm/base/le.h"

#include <assert.h>

#define GRANULE 4096U /* the smallest translation granule: no call for memory crosses one */

static enum emulate_status host(int err)
{
	return err ? EMULATE_FAILED : EMULATE_DONE;
}

static void put64(uint8_t *to, uint64_t v)
{
	v = htole64(v);
	memcpy(to, &v, sizeof(v));
}

/* --- registers ----------------------------------------------------------------------------- */

enum emulate_status emulate_get_x(const struct emulate_cpu *cpu, unsigned n, uint64_t *v)
{
	*v = 0;
	return n == 31 ? EMULATE_DONE : host(cpu->ops->get(cpu->ctx, n, v));
}

enum emulate_status emulate_set_x(const struct emulate_cpu *cpu, unsigned n, uint64_t v)
{
	return n == 31 ? EMULATE_DONE : host(cpu->ops->set(cpu->ctx, n, v));
}

enum emulate_status emulate_get_data(struct emulate_run *r, unsigned k, unsigned n)
{
	const struct emulate_cpu *cpu = r->cpu;
	struct emulate_wide v = { 0 };
	enum emulate_status s;

	assert(k < EMULATE_REGS);
	s = r->i->simd ? host(cpu->ops->get_simd(cpu->ctx, n, &v)) : emulate_get_x(cpu, n, &v.lo);
	put64(r->reg[k], v.lo);
	put64(r->reg[k] + 8, v.hi);
	return s;
}

static enum emulate_status set_data(const struct emulate_run *r, unsigned k, unsigned n)
{
	const struct emulate_cpu *cpu = r->cpu;
	struct emulate_wide v = { le64_at(r->reg[k]), le64_at(r->reg[k] + 8) };

	if (r->i->simd)
		return host(cpu->ops->set_simd(cpu->ctx, n, v));
	if (r->i->sign)
		v.lo = zero_extend(sign_extend(v.lo, r->i->size), r->i->reg_bytes);
	return emulate_set_x(cpu, n, v.lo);
}

/* The number of the @k-th data register; of INSN_CAS those that are compared and loaded. */
static unsigned data_register(const struct insn *i, unsigned k)
{
	if (i->class == INSN_STRUCT)
		return (i->rt + k) % 32;
	if (i->class == INSN_CAS)
		return i->rs + k;
	return k ? i->rt2 : i->rt;
}

enum emulate_status emulate_get_all_data(struct emulate_run *r)
{
	enum emulate_status s = EMULATE_DONE;

	if (r->i->aarch32)
		return emulate32_get_all_data(r);
	for (unsigned k = 0; !s && k < r->i->regs; k++)
		s = emulate_get_data(r, k, data_register(r->i, k));
	return s;
}

enum emulate_status emulate_set_all_data(const struct emulate_run *r)
{
	enum emulate_status s = EMULATE_DONE;

	if (r->i->aarch32)
		return r->targets ? emulate32_set_all_data(r) : EMULATE_DONE;
	for (unsigned k = 0; !s && k < r->targets; k++)
		s = set_data(r, k, data_register(r->i, k));
	return s;
}

/* --- elements ------------------------------------------------------------------------------ */

static void turn(const struct emulate_run *r, uint8_t *to, const uint8_t *from, unsigned n)
{
	for (unsigned k = 0; k < n; k++)
		to[k] = from[r->cpu->big_endian ? n - 1 - k : k];
}

/* Where in r->reg the @k-th element in memory belongs. */
static uint8_t *place(struct emulate_run *r, unsigned k)
{
	const struct insn *i = r->i;
	unsigned reg = k, lane = 0;

	if (i->aarch32 && i->class != INSN_STRUCT) {
		assert(k < EMULATE_WORDS);
		return &r->reg[0][0] + 4 * k;
	}
	if (i->class == INSN_STRUCT && i->single) {
		lane = i->replicate ? 0 : i->lane;
	} else if (i->class == INSN_STRUCT) {
		unsigned lanes = i->reg_bytes / i->size;

		reg = k / (lanes * i->selem) * i->selem + k % i->selem;
		lane = k / i->selem % lanes;
	}
	assert(reg < EMULATE_REGS && (lane + 1) * i->size <= EMULATE_WIDE);
	return r->reg[reg] + lane * i->size;
}

void emulate_to_memory(struct emulate_run *r, uint8_t *mem)
{
	for (unsigned k = 0; k < r->at.bytes / r->i->size; k++)
		turn(r, mem + k * r->i->size, place(r, k), r->i->size);
}

void emulate_from_memory(struct emulate_run *r, const uint8_t *mem)
{
	for (unsigned k = 0; k < r->at.bytes / r->i->size; k++)
		turn(r, place(r, k), mem + k * r->i->size, r->i->size);
}

uint64_t emulate_element(const struct emulate_run *r, const uint8_t *mem, unsigned k)
{
	uint8_t v[8] = { 0 };

	assert(r->i->size <= sizeof(v));
	turn(r, v, mem + k * r->i->size, r->i->size);
	return le64_at(v);
}

void emulate_set_element(struct emulate_run *r, uint8_t *mem, unsigned k, uint64_t v)
{
	uint8_t bytes[8];

	assert(r->i->size <= sizeof(bytes));
	put64(bytes, v);
	turn(r, mem + k * r->i->size, bytes, r->i->size);
}

/* --- memory -------------------------------------------------------------------------------- */

/* @n bytes of memory as the report has them: whole elements, or a part of one. */
static struct emulate_wide wide(const struct emulate_run *r, const uint8_t *mem, unsigned n)
{
	unsigned step = n < r->i->size ? n : r->i->size;
	uint8_t v[EMULATE_WIDE] = { 0 };

	for (unsigned at = 0; at + step <= n; at += step)
		turn(r, v + at, mem + at, step);
	return (struct emulate_wide){ le64_at(v), le64_at(v + 8) };
}

void emulate_note(struct emulate_run *r, enum emulate_kind kind, uint64_t va, unsigned bytes,
		  const uint8_t *old, const uint8_t *new)
{
	struct emulate_access *a = &r->out->access[r->out->nr];

	assert(r->out->nr < EMULATE_MAX_ACCESSES);
	r->out->nr++;
	*a = (struct emulate_access){ .kind = kind, .va = va, .bytes = bytes };
	if (old)
		a->read = wide(r, old, bytes);
	if (new)
		a->written = wide(r, new, bytes);
}

enum emulate_status emulate_refused(struct emulate_run *r, uint64_t va, enum emulate_status s)
{
	r->out->va = va;
	return s;
}

/* One access of the instruction, which is more than one call where it crosses a granule. */
static enum emulate_status transfer_one(struct emulate_run *r, uint64_t va, uint8_t *mem,
					unsigned bytes, bool store)
{
	const struct emulate_cpu *cpu = r->cpu;

	while (bytes) {
		unsigned room = GRANULE - (unsigned)(va % GRANULE), n = bytes < room ? bytes : room;
		enum emulate_status s = store ? cpu->ops->write(cpu->ctx, va, mem, n)
					      : cpu->ops->read(cpu->ctx, va, mem, n);

		if (s)
			return emulate_refused(r, va, s);
		emulate_note(r, store ? EMULATE_WRITE : EMULATE_READ, va, n, store ? NULL : mem,
			     store ? mem : NULL);
		va += n;
		mem += n;
		bytes -= n;
	}
	return EMULATE_DONE;
}

enum emulate_status emulate_transfer(struct emulate_run *r, bool store)
{
	unsigned unit = emulate_unit(r->i), bytes = r->at.bytes;

	if (r->device && unit > 8)
		unit = 8;
	else if (r->i->class == INSN_EXCLUSIVE ||
		 (!r->device && !r->i->simd && r->i->regs <= 2 && is_aligned(r->at.va, bytes)))
		unit = bytes; /* a pair as a whole */
	for (unsigned done = 0; done < bytes; done += unit) {
		enum emulate_status s =
			transfer_one(r, r->at.va + done, r->mem + done, unit, store);

		if (s)
			return s;
	}
	return EMULATE_DONE;
}
