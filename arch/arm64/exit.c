/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit: from KVM_RUN's exits to what happens. The one loop that a vCPU thread spends its life in.
 */
#include "arch/arm64/fault/fault.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/memmap.h"
#include "arch/arm64/regs.h"
#include "arch/arm64/trace.h"
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

	/* The guest may be at its end because of it. */
	if (fault_look_back(v))
		return VCPU_PARK;
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
	return (int64_t)(v << bits_above(size)) < 0;
}

/*
 * Whether an access may have begun in the page before: its size is that of the whole, and its
 * address that of the first byte that KVM could not do. Devices are touched so by mistake only; and
 * the UART's data register, which is at the head of its page, is not worth the look at each
 * character.
 */
static bool may_straddle(uint64_t at, unsigned size, bool write)
{
	return (at & 0xfff) == 0 && size > 1 && !(write && at == memmap[MM_UART].base);
}

/*
 * KVM hands a value over as the vCPU's own byte order has it, in the host's. What is in the shared
 * page is read once: a call in between, and the compiler would read it again.
 */
static inline ALWAYS_INLINE GUEST_FACING enum fault_next
mmio(struct vcpu *vcpu, struct exits *exits, const struct bus *bus, struct kvm_run *r, bool trace,
     struct err *e)
{
	const uint64_t at = r->mmio.phys_addr;
	const unsigned size = r->mmio.len;
	const uint8_t write = r->mmio.is_write;
	const struct bus_window *w = bus_window_near(bus, &vcpu->cursor, at);
	enum access answer;
	uint64_t v;

	static_assert(sizeof(r->mmio.data) == sizeof(v), "all of a register fits");
	exits_add(exits, EXIT_MMIO, at, size, write);
	if (w && may_straddle(at, size, write)) {
		enum fault_next next;

		if (fault_straddle(vcpu, &next, e))
			return next;
	}
	if (write) {
		memcpy(&v, r->mmio.data, sizeof(v));
		if (trace)
			trace_mmio(vcpu, at, size, true, v);
		answer = bus_window_write(w, at, size, v);
		return answer == ACCESS_OK ? FAULT_RUN : fault_mmio(vcpu, answer, e);
	}
	answer = bus_window_read(w, at, size, &v);
	memcpy(r->mmio.data, &v, sizeof(v));
	if (trace)
		trace_mmio(vcpu, at, size, false, v);
	if (answer != ACCESS_OK)
		return fault_mmio(vcpu, answer, e);
	return is_negative(v, size) ? fault_sign(vcpu, e) : FAULT_RUN;
}

/* KVM_RUN failed with @error. */
static enum fault_next failed(struct vcpu *v, int error, struct err *e)
{
	uintptr_t poison = poison_take();
	const bool failed = error == EHWPOISON || poison;

	if (error == EFAULT || failed)
		exits_add(&v->machine->arch->vcpu[v->index].exits, EXIT_REFUSED, 0, 0, 0);
	if (error == EFAULT)
		return fault_efault(v, e);
	if (failed)
		return fault_poison(v, poison, e);
	if (error == EINTR || error == EAGAIN)
		return FAULT_RUN;
	return no_run(v, error, e);
}

/* Made twice, so that who does not watch does not ask at each exit whether somebody does. */
static inline ALWAYS_INLINE enum vcpu_result run(struct vcpu *v, const bool trace)
{
	struct exits *exits = &v->machine->arch->vcpu[v->index].exits;
	const struct bus *bus = v->machine->bus;
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
			next = mmio(v, exits, bus, r, trace, &e);
		} else if (r->exit_reason == KVM_EXIT_ARM_NISV) {
			exits_add(exits, EXIT_NISV, r->arm_nisv.fault_ipa, 0, 0);
			next = fault_nisv(v, &e);
		} else if (r->exit_reason == KVM_EXIT_ARM_SEA) {
			exits_add(exits, EXIT_REFUSED, 0, 0, 0);
			next = fault_sea(v, &e);
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

static NOINLINE enum vcpu_result run_watched(struct vcpu *v)
{
	return run(v, true);
}

enum vcpu_result arch_vcpu_run(struct vcpu *v)
{
	enum vcpu_result result = v->machine->arch->trace ? run_watched(v) : run(v, false);

	fault_flush(v);
	return fault_look_back(v) ? VCPU_PARK : result;
}
