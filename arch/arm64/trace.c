/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/trace.h"

#include "arch/arm64/fault/view.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct space_range *who(const struct vcpu *v, uint64_t address)
{
	return space_at(&v->machine->arch->space, address);
}

void trace_mmio(const struct vcpu *v, uint64_t address, unsigned size, bool write, uint64_t value)
{
	const struct space_range *r = who(v, address);
	char place[64] = "nothing";

	if (!(v->machine->arch->trace & (TRACE_MMIO | TRACE_EXITS)))
		return;
	if (r)
		(void)snprintf(place, sizeof(place), "%s+0x%" PRIx64, r->name, address - r->base);
	if (size < 8)
		value &= (1ULL << (8 * size)) - 1;
	log_line(LOG_ERROR,
		 "trace: vCPU %u: MMIO %s of %u bytes at 0x%08" PRIx64 ", %s: 0x%" PRIx64, v->index,
		 write ? "write" : "read", size, address, place, value);
}

/* PSCI calls that KVM leaves to us have gone through it: x0 is no longer the function. */
static void system_event(struct vcpu *v)
{
	static const char *const names[] = {
		[KVM_SYSTEM_EVENT_SHUTDOWN] = "SYSTEM_OFF",
		[KVM_SYSTEM_EVENT_RESET] = "SYSTEM_RESET",
		[KVM_SYSTEM_EVENT_CRASH] = "crash",
		[KVM_SYSTEM_EVENT_WAKEUP] = "wake-up from SYSTEM_SUSPEND",
		[KVM_SYSTEM_EVENT_SUSPEND] = "SYSTEM_SUSPEND",
	};
	const uint32_t type = v->run->system_event.type;
	const char *name = type < ARRAY_SIZE(names) ? names[type] : NULL;
	struct view w;

	view_open(&w, v);
	log_line(LOG_ERROR,
		 "trace: vCPU %u: PSCI %s, x1 0x%" PRIx64 ", x2 0x%" PRIx64 ", pc 0x%" PRIx64,
		 v->index, name ? name : "event", view_x(&w, 1), view_x(&w, 2), w.pc);
}

void trace_exit(struct vcpu *v, int error)
{
	const struct kvm_run *r = v->run;
	const unsigned on = v->machine->arch->trace;
	const struct space_range *at;

	if (error == 0 && r->exit_reason == KVM_EXIT_SYSTEM_EVENT) {
		if (on & (TRACE_PSCI | TRACE_EXITS))
			system_event(v);
	} else if (!(on & TRACE_EXITS)) {
		return;
	} else if (error == EFAULT) {
		log_line(LOG_ERROR, "trace: vCPU %u: access to what the host cannot reach",
			 v->index);
	} else if (error) {
		log_line(LOG_ERROR, "trace: vCPU %u: out of KVM_RUN: %s", v->index,
			 strerror(error));
	} else if (r->exit_reason == KVM_EXIT_ARM_NISV) {
		at = who(v, r->arm_nisv.fault_ipa);
		log_line(LOG_ERROR,
			 "trace: vCPU %u: access without syndrome at 0x%08" PRIx64 ", %s", v->index,
			 (uint64_t)r->arm_nisv.fault_ipa, at ? at->name : "nothing");
	} else if (r->exit_reason != KVM_EXIT_MMIO) {
		log_line(LOG_ERROR, "trace: vCPU %u: exit reason %u", v->index, r->exit_reason);
	}
}
