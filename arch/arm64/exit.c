/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit: from KVM_RUN's exits to what happens. The one loop that a vCPU thread spends its life in.
 */
#include "arch/arm64/fault.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"
#include "arch/arm64/trace.h"
#include "arch/arm64/watch.h"
#include "vmm/base/log.h"
#include "vmm/core/poison.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static enum vcpu_result crashed(struct vcpu *v, const char *why)
{
	const struct machine_events *ev = &v->machine->events;

	ev->guest(ev->ctx, GUEST_CRASHED, why);
	return VCPU_PARK;
}

static enum vcpu_result stopped(struct vcpu *v, enum fault_next next, const struct err *e)
{
	return next == FAULT_BROKEN ? crashed(v, e->text) : VCPU_PARK;
}

static enum fault_next no_run(struct vcpu *v, int code, struct err *e)
{
	char pc_text[32] = "";
	uint64_t pc;

	if (kvm_get_reg(v->fd, REG_PC, &pc, NULL) == 0)
		(void)snprintf(pc_text, sizeof(pc_text), " at pc 0x%" PRIx64, pc);
	(void)err_code(e, code, "vCPU %u%s: KVM_RUN", v->index, pc_text);
	return FAULT_BROKEN;
}

static enum vcpu_result odd_exit(struct vcpu *v)
{
	const struct kvm_run *r = v->run;
	char why[160];

	if (r->exit_reason == KVM_EXIT_FAIL_ENTRY)
		(void)snprintf(why, sizeof(why),
			       "vCPU %u: entry failed, hardware reason 0x%" PRIx64
			       " on host CPU %u",
			       v->index, (uint64_t)r->fail_entry.hardware_entry_failure_reason,
			       r->fail_entry.cpu);
	else
		(void)snprintf(why, sizeof(why), "vCPU %u: exit reason %u, which vmm does not know",
			       v->index, r->exit_reason);
	return crashed(v, why);
}

static enum vcpu_result system_event(struct vcpu *v)
{
	const struct machine_events *ev = &v->machine->events;

	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		ev->guest(ev->ctx, GUEST_OFF, NULL);
		return VCPU_PARK;
	case KVM_SYSTEM_EVENT_RESET:
		ev->guest(ev->ctx, GUEST_RESET, NULL);
		return VCPU_PARK;
	case KVM_SYSTEM_EVENT_CRASH:
		ev->guest(ev->ctx, GUEST_PANIC, NULL);
		return VCPU_PARK;
	case KVM_SYSTEM_EVENT_SUSPEND:
		machine_suspend_request(v);
		return VCPU_PARK;
	case KVM_SYSTEM_EVENT_WAKEUP:
		/* Comes out once: a kick meanwhile may have been taken for the wake-up. */
		return machine_wake_up(v) ? VCPU_KICKED : VCPU_PARK;
	default:
		return odd_exit(v);
	}
}

/* The top bit of a value of @size bytes, 1 to 8, which LDRSB and kin extend. */
static bool is_negative(uint64_t v, unsigned size)
{
	return v << (64 - 8 * size) >> 63;
}

/* KVM hands a value over as the vCPU's own byte order has it, in the host's. */
static enum fault_next mmio(struct vcpu *vcpu, const struct bus *bus, struct kvm_run *r, bool trace,
			    struct err *e)
{
	uint64_t v;
	enum access answer;

	static_assert(sizeof(r->mmio.data) == sizeof(v), "all of a register fits");
	memcpy(&v, r->mmio.data, sizeof(v));
	if (r->mmio.is_write) {
		if (trace)
			trace_mmio(vcpu, r->mmio.phys_addr, r->mmio.len, true, v);
		answer = bus_write(bus, &vcpu->cursor, r->mmio.phys_addr, r->mmio.len, v);
		return answer == ACCESS_OK ? FAULT_RUN : fault_mmio(vcpu, answer, e);
	}
	answer = bus_read(bus, &vcpu->cursor, r->mmio.phys_addr, r->mmio.len, &v);
	memcpy(r->mmio.data, &v, sizeof(v));
	if (trace)
		trace_mmio(vcpu, r->mmio.phys_addr, r->mmio.len, false, v);
	if (answer != ACCESS_OK)
		return fault_mmio(vcpu, answer, e);
	return is_negative(v, r->mmio.len) ? fault_sign(vcpu, e) : FAULT_RUN;
}

/* KVM_RUN failed with @error. */
static enum fault_next failed(struct vcpu *v, int error, struct err *e)
{
	uintptr_t poison = poison_take();

	if (error == EFAULT) {
		exits_add(&v->machine->arch->vcpu[v->index].exits, EXIT_EFAULT, 0, 0, false);
		return fault_efault(v, e);
	}
	if (error == EHWPOISON || poison)
		return fault_poison(v, poison, e);
	if (error == EINTR || error == EAGAIN)
		return FAULT_RUN;
	return no_run(v, error, e);
}

static enum vcpu_result run(struct vcpu *v)
{
	struct exits *exits = &v->machine->arch->vcpu[v->index].exits;
	const struct bus *bus = v->machine->bus;
	const bool trace = v->machine->arch->trace;
	struct kvm_run *r = v->run;
	enum fault_next next;
	struct err e;

	for (;;) {
		int error = ioctl(v->fd, KVM_RUN, 0) < 0 ? errno : 0;

		if (trace)
			trace_exit(v, error);
		next = error ? failed(v, error, &e) : FAULT_EXIT;
		if (next != FAULT_EXIT) {
			/* Any access of the last exit is finished by now. */
			if (next == FAULT_RUN && vcpu_wanted(v))
				return VCPU_KICKED;
		} else if (r->exit_reason == KVM_EXIT_MMIO) { /* nearly always */
			exits_add(exits, EXIT_MMIO, r->mmio.phys_addr, r->mmio.len,
				  r->mmio.is_write);
			next = mmio(v, bus, r, trace, &e);
		} else if (r->exit_reason == KVM_EXIT_ARM_NISV) {
			exits_add(exits, EXIT_NISV, r->arm_nisv.fault_ipa, 0, false);
			next = fault_nisv(v, &e);
		} else if (r->exit_reason == KVM_EXIT_ARM_SEA) {
			next = fault_sea(v, &e);
		} else if (r->exit_reason == KVM_EXIT_DEBUG) {
			next = watch_stepped(v, &e);
		} else if (r->exit_reason == KVM_EXIT_SYSTEM_EVENT) {
			return system_event(v);
		} else if (r->exit_reason == KVM_EXIT_INTR) {
			next = FAULT_RUN;
		} else {
			return odd_exit(v);
		}
		if (next != FAULT_RUN)
			return stopped(v, next, &e);
	}
}

enum vcpu_result arch_vcpu_run(struct vcpu *v)
{
	enum vcpu_result result = run(v);

	fault_flush(v);
	return result;
}
