/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/touch.h"

#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"
#include "arch/arm64/watch/watch_memory.h"

#include <string.h>

/* --- registers ------------------------------------------------------------------------------- */

static int get(void *ctx, unsigned reg, uint64_t *v)
{
	struct touch *t = ctx;

	*v = reg == EMULATE_PC ? t->view->pc : view_x(t->view, reg);
	return t->view->code;
}

static int set(void *ctx, unsigned reg, uint64_t v)
{
	const struct touch *t = ctx;

	return view_set_x(t->view, reg, v);
}

/* The low 128 bits of a vector register have another name on a vCPU with SVE. */
static int get_simd(void *ctx, unsigned n, struct emulate_wide *v)
{
	const struct touch *t = ctx;
	const struct vcpu *vcpu = t->view->v;
	uint64_t z[REG_Z_BYTES / 8] = { 0 };
	int code;

	if (vcpu->machine->arch->features.sve)
		code = kvm_get_reg(vcpu->fd, REG_Z(n), z, NULL);
	else
		code = kvm_get_reg(vcpu->fd, REG_V(n), z, NULL);
	*v = (struct emulate_wide){ z[0], z[1] };
	return code;
}

static int set_simd(void *ctx, unsigned n, struct emulate_wide v)
{
	const struct touch *t = ctx;
	const struct vcpu *vcpu = t->view->v;
	const uint64_t z[REG_Z_BYTES / 8] = { v.lo, v.hi };

	if (vcpu->machine->arch->features.sve)
		return kvm_set_reg(vcpu->fd, REG_Z(n), z, NULL);
	return kvm_set_reg(vcpu->fd, REG_V(n), z, NULL);
}

/* --- memory ---------------------------------------------------------------------------------- */

static enum emulate_status stop(struct touch *t, enum touch_stop why)
{
	t->stop = why;
	return EMULATE_ABORT;
}

/* Where @va is: NULL for a hole. False when stage 1 does not let it through. */
static bool find(struct touch *t, uint64_t va, enum fault_access access,
		 const struct space_range **r)
{
	view_walk(t->view, va, access, &t->walk);
	t->ipa = t->walk.pa;
	*r = t->walk.fault ? NULL : space_at(&t->view->v->machine->arch->space, t->ipa);
	return !t->walk.fault;
}

/* What a hole's policy says that is there, if anything: every byte of it is @value's. */
static bool has_value(const struct touch *t, const struct space_range *r, uint64_t *value)
{
	return (t->forgive || (r && r->kind == SPACE_QUIET)) &&
	       policy_value(policy_at(&t->view->v->machine->arch->policy, t->ipa), value);
}

/* Nothing answers at t->ipa, for the reason @why; a read gets *@value when the policy has one. */
static enum emulate_status unanswered(struct touch *t, const struct space_range *r,
				      enum touch_stop why, uint64_t *value)
{
	return has_value(t, r, value) ? EMULATE_DONE : stop(t, why);
}

static enum emulate_status from_bus(struct touch *t, const struct space_range *r,
				    enum access answer, uint64_t *value)
{
	if (answer == ACCESS_OK)
		return EMULATE_DONE;
	return unanswered(t, r, answer == ACCESS_REFUSED ? TOUCH_REFUSED : TOUCH_NOBODY, value);
}

/* 8 bytes of a device, or a value that stands for all bytes. */
static enum emulate_status read_odd(struct touch *t, const struct space_range *r, unsigned size,
				    uint64_t *value)
{
	struct vcpu *v = t->view->v;

	if (!r || r->kind == SPACE_QUIET)
		return unanswered(t, r, TOUCH_NOBODY, value);
	if (r->kind == SPACE_KERNEL)
		return unanswered(t, r, TOUCH_KERNEL, value);
	if (size > sizeof(*value))
		return unanswered(t, r, TOUCH_REFUSED, value);
	return from_bus(t, r, bus_read(v->machine->bus, &v->cursor, t->ipa, size, value), value);
}

static bool is_memory(const struct space_range *r)
{
	return r && (r->kind == SPACE_RAM || r->kind == SPACE_ROM);
}

static enum emulate_status read(void *ctx, uint64_t va, void *data, unsigned size)
{
	struct touch *t = ctx;
	const struct space_range *r;
	enum emulate_status s;
	uint64_t value[2] = { 0 };

	if (t->watched)
		return watch_read(t, va, data, size);
	if (!find(t, va, FAULT_READ, &r))
		return stop(t, TOUCH_STAGE_1);
	if (is_memory(r))
		return gmem_read(t->view->v->machine->mem, gpa(t->ipa), data, size)
			       ? EMULATE_DONE
			       : stop(t, TOUCH_NOBODY);
	s = read_odd(t, r, size, &value[0]);
	value[1] = value[0];
	memcpy(data, value, size);
	return s;
}

static enum emulate_status write(void *ctx, uint64_t va, const void *data, unsigned size)
{
	struct touch *t = ctx;
	struct vcpu *v = t->view->v;
	const struct space_range *r;
	uint64_t value = 0;

	if (t->watched)
		return watch_write(t, va, data, size);
	if (!find(t, va, FAULT_WRITE, &r))
		return stop(t, TOUCH_STAGE_1);
	if (!r || r->kind == SPACE_QUIET)
		return unanswered(t, r, TOUCH_NOBODY, &value);
	if (r->kind == SPACE_ROM)
		return unanswered(t, r, TOUCH_READ_ONLY, &value);
	if (r->kind == SPACE_KERNEL)
		return unanswered(t, r, TOUCH_KERNEL, &value);
	if (r->kind == SPACE_RAM)
		return gmem_write(v->machine->mem, gpa(t->ipa), data, size) ? EMULATE_DONE
									    : stop(t, TOUCH_NOBODY);
	if (size > sizeof(value))
		return unanswered(t, r, TOUCH_REFUSED, &value);
	memcpy(&value, data, size);
	return from_bus(t, r, bus_write(v->machine->bus, &v->cursor, t->ipa, size, value), &value);
}

/* Atomics, in holes and in read-only memory, where what is stored has no effect; and watched RAM.
 */
static enum emulate_status cas(void *ctx, uint64_t va, unsigned size, void *expected,
			       const void *desired, bool *matched)
{
	unsigned char now[16];
	enum emulate_status s;

	if (((struct touch *)ctx)->watched)
		return watch_cas(ctx, va, size, expected, desired, matched);
	s = read(ctx, va, now, size);
	if (s != EMULATE_DONE)
		return s;
	*matched = memcmp(now, expected, size) == 0;
	memcpy(expected, now, size);
	return *matched ? write(ctx, va, desired, size) : EMULATE_DONE;
}

static const struct emulate_ops ops = {
	.get = get,
	.set = set,
	.get_simd = get_simd,
	.set_simd = set_simd,
	.read = read,
	.write = write,
	.cas = cas,
};

enum emulate_status touch(struct touch *t, struct view *w, const struct insn *i)
{
	struct arch_vcpu *a = &w->v->machine->arch->vcpu[w->v->index];
	struct emulate_cpu cpu = {
		.ops = &ops,
		.ctx = t,
		.monitor = t->watched ? &a->watch.monitor : &a->monitor,
		.zva_bytes = view_zva_bytes(),
		.big_endian = view_big_endian(w),
	};
	enum emulate_status s;

	t->view = w;
	s = emulate(&cpu, i, t->memory, &t->result);
	if (s == EMULATE_DONE)
		w->v->run->exit_reason = 0;
	return s;
}
