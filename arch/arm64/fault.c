/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault.h"

#include "arch/arm64/regs.h"
#include "vmm/base/log.h"

#include <sys/ioctl.h>

#define ISS_CM (1ULL << 8) /* cache maintenance by address */

static void inject_external_abort(struct vcpu *v)
{
	struct kvm_vcpu_events ev = { .exception.ext_dabt_pending = 1 };

	v->guest_faults++;
	if (ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev) < 0) {
		/* Without the abort the access completes: reads as zero, writes are lost. */
		log_error("vCPU %u: KVM_SET_VCPU_EVENTS: %m", v->index);
		return;
	}
	/*
	 * Cancels the completion of the access. Kernels before 6.17 would otherwise carry it out on
	 * top of the exception: register written, first instruction of the vector skipped.
	 */
	v->run->exit_reason = 0;
}

void fault_mmio(struct vcpu *v)
{
	inject_external_abort(v);
}

static void skip_instruction(struct vcpu *v)
{
	struct err e;
	uint64_t pc;
	int code = kvm_get_reg(v->fd, REG_PC, &pc, &e);

	pc += 4;
	if (code == 0)
		code = kvm_set_reg(v->fd, REG_PC, &pc, &e);
	if (code)
		log_error("vCPU %u: %s", v->index, e.text);
}

void fault_nisv(struct vcpu *v)
{
	/* There is no cache to maintain where there is no memory. */
	if (v->run->arm_nisv.esr_iss & ISS_CM)
		skip_instruction(v);
	else
		inject_external_abort(v);
}
