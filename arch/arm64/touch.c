/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/touch.h"

#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"
#include "vmm/base/checked.h"

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
	bool through;

	view_walk(t->view, va, access, &t->walk);
	through = t->memory == EMULATE_NORMAL ? t->walk.mapped : !t->walk.fault;
	t->ipa = t->walk.pa;
	*r = through ? space_at(&t->view->v->machine->arch->space, t->ipa) : NULL;
	return through;
}

/* --- RAM that is watched ---------------------------------------------------------------------- */

/* One access where there is one of such a size: a part of an access in two pages may have any. */
static enum emulate_status load(struct touch *t, void *data, unsigned size)
{
	const struct gmem *m = t->view->v->machine->mem;
	const unsigned step = is_power_of_two(size) ? size : 1;

	for (unsigned i = 0; i < size; i += step)
		if (!gmem_load(m, gpa(t->ipa + i), (char *)data + i, step))
			return stop(t, TOUCH_NOBODY);
	return EMULATE_DONE;
}

static enum emulate_status store(struct touch *t, const void *data, unsigned size)
{
	struct machine *m = t->view->v->machine;
	const unsigned step = is_power_of_two(size) ? size : 1;

	watch_written(m->arch, t->ipa, size);
	for (unsigned i = 0; i < size; i += step)
		if (!gmem_store(m->mem, gpa(t->ipa + i), (const char *)data + i, step))
			return stop(t, TOUCH_NOBODY);
	return EMULATE_DONE;
}

/* Who else writes there holds the lock, so a comparison and a store are one step. */
static enum emulate_status cas(void *ctx, uint64_t va, unsigned size, void *expected,
			       const void *desired, bool *matched)
{
	struct touch *t = ctx;
	const struct space_range *r;
	uint8_t now[16];
	enum emulate_status s;

	if (!find(t, va, FAULT_WRITE, &r))
		return stop(t, TOUCH_STAGE_1);
	if (t->memory != EMULATE_NORMAL || !r || r->kind != SPACE_RAM || size > sizeof(now))
		return stop(t, TOUCH_KERNEL);
	s = load(t, now, size);
	if (s)
		return s;
	*matched = memcmp(now, expected, size) == 0;
	if (*matched)
		return store(t, desired, size);
	memcpy(expected, now, size);
	return EMULATE_DONE;
}

/* --- all else --------------------------------------------------------------------------------- */

static enum emulate_status from_bus(struct touch *t, enum access answer)
{
	if (answer == ACCESS_OK)
		return EMULATE_DONE;
	return stop(t, answer == ACCESS_REFUSED ? TOUCH_REFUSED : TOUCH_NOBODY);
}

static enum emulate_status read(void *ctx, uint64_t va, void *data, unsigned size)
{
	struct touch *t = ctx;
	struct vcpu *v = t->view->v;
	const struct space_range *r;
	enum emulate_status s;
	uint64_t value = 0;

	if (!find(t, va, FAULT_READ, &r))
		return stop(t, TOUCH_STAGE_1);
	if (t->memory == EMULATE_NORMAL)
		return r && r->kind == SPACE_RAM ? load(t, data, size) : stop(t, TOUCH_KERNEL);
	if (!r || r->kind == SPACE_QUIET) {
		if (!policy_value(policy_at(&v->machine->arch->policy, t->ipa), &value))
			return stop(t, TOUCH_NOBODY);
		memset(data, (int)(value & 0xff), size);
		return EMULATE_DONE;
	}
	switch (r->kind) {
	case SPACE_DEVICE:
		if (size > sizeof(value))
			return stop(t, TOUCH_REFUSED);
		s = from_bus(t, bus_read(v->machine->bus, &v->cursor, t->ipa, size, &value));
		memcpy(data, &value, size);
		return s;
	case SPACE_RAM:
	case SPACE_ROM:
		return gmem_read(v->machine->mem, gpa(t->ipa), data, size) ? EMULATE_DONE
									   : stop(t, TOUCH_NOBODY);
	case SPACE_KERNEL:
	case SPACE_QUIET:
		break;
	}
	return stop(t, TOUCH_KERNEL);
}

static enum emulate_status write(void *ctx, uint64_t va, const void *data, unsigned size)
{
	struct touch *t = ctx;
	struct vcpu *v = t->view->v;
	const struct space_range *r;
	uint64_t value = 0;

	if (!find(t, va, FAULT_WRITE, &r))
		return stop(t, TOUCH_STAGE_1);
	if (t->memory == EMULATE_NORMAL)
		return r && r->kind == SPACE_RAM ? store(t, data, size) : stop(t, TOUCH_KERNEL);
	if (!r || r->kind == SPACE_QUIET || r->kind == SPACE_ROM) {
		if (policy_value(policy_at(&v->machine->arch->policy, t->ipa), &value))
			return EMULATE_DONE;
		return stop(t, r && r->kind == SPACE_ROM ? TOUCH_READ_ONLY : TOUCH_NOBODY);
	}
	switch (r->kind) {
	case SPACE_DEVICE:
		if (size > sizeof(value))
			return stop(t, TOUCH_REFUSED);
		memcpy(&value, data, size);
		return from_bus(t, bus_write(v->machine->bus, &v->cursor, t->ipa, size, value));
	case SPACE_RAM:
		return gmem_write(v->machine->mem, gpa(t->ipa), data, size) ? EMULATE_DONE
									    : stop(t, TOUCH_NOBODY);
	case SPACE_ROM:
	case SPACE_KERNEL:
	case SPACE_QUIET:
		break;
	}
	return stop(t, TOUCH_KERNEL);
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

enum emulate_status touch(struct touch *t, struct view *w, const struct insn *i,
			  enum emulate_memory memory, struct emulate_monitor *monitor)
{
	struct emulate_monitor open = { 0 };
	struct emulate_cpu cpu = {
		.ops = &ops,
		.ctx = t,
		.monitor = monitor ? monitor : &open,
		.zva_bytes = view_zva_bytes(),
		.big_endian = view_big_endian(w),
	};
	enum emulate_status s;

	t->view = w;
	t->memory = memory;
	s = emulate(&cpu, i, memory, &t->result);
	if (s == EMULATE_DONE)
		w->v->run->exit_reason = 0;
	return s;
}
