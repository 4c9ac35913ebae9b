/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault.h"

#include "arch/arm64/regs.h"

#include <sys/ioctl.h>

#define ISS_CM (1ULL << 8) /* cache maintenance by address */

static int inject_external_abort(struct vcpu *v, struct err *e)
{
	struct kvm_vcpu_events ev = { .exception.ext_dabt_pending = 1 };

	v->guest_faults++;
	if (ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev) < 0)
		return err_sys(e, "vCPU %u: KVM_SET_VCPU_EVENTS", v->index);
	/*
	 * Cancels the completion of the access. Kernels before 6.17 would otherwise carry it out on
	 * top of the exception: register written, first instruction of the vector skipped.
	 */
	v->run->exit_reason = 0;
	return 0;
}

int fault_mmio(struct vcpu *v, struct err *e)
{
	return inject_external_abort(v, e);
}

static int skip_instruction(struct vcpu *v, struct err *e)
{
	uint64_t pc;
	int code = kvm_get_reg(v->fd, REG_PC, &pc, e);

	pc += 4;
	return code ? code : kvm_set_reg(v->fd, REG_PC, &pc, e);
}

int fault_nisv(struct vcpu *v, struct err *e)
{
	/* There is no cache to maintain where there is no memory. */
	if (v->run->arm_nisv.esr_iss & ISS_CM)
		return skip_instruction(v, e);
	return inject_external_abort(v, e);
}
