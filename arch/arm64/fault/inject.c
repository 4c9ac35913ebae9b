/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/inject.h"

#include "arch/arm64/mmu/esr.h"
#include "arch/arm64/fault/exception.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"

#include <errno.h>
#include <sys/ioctl.h>

#define DFSR_WNR (1ULL << 11) /* AArch32's, in both formats */
#define ISS_MASK 0x1ffffffULL

const struct kvm_vcpu_events inject_external_ = { .exception.ext_dabt_pending = 1 };

/* Replaces the bits of @mask in ESR_EL1, which KVM has written already. */
static int correct_esr(struct vcpu *v, uint64_t mask, uint64_t bits, struct err *e)
{
	uint64_t esr;
	int code = kvm_get_reg(v->fd, REG_ESR_EL1, &esr, e);

	if (code)
		return code;
	/* Bits 63:32 are not part of this syndrome; KVM before 6.2 leaves ones there. */
	esr = ((esr & ~mask) | bits) & 0xffffffff;
	return kvm_set_reg(v->fd, REG_ESR_EL1, &esr, e);
}

int inject_exact_abort(struct vcpu *v, bool write, struct err *e)
{
	const bool aarch32 = v->machine->arch->features.aarch32;
	const uint64_t wnr = aarch32 ? DFSR_WNR : ESR_WNR;
	/* KVM before 7.2 has the trapped instruction's IL; without ISV it is always 1. */
	const uint64_t il = aarch32 ? 0 : ESR_IL;
	int code = inject_external_abort(v, e);

	return code ? code : correct_esr(v, wnr | il, (write ? wnr : 0) | il, e);
}

int inject_data_abort(struct vcpu *v, unsigned fsc, uint32_t flags, struct err *e)
{
	int code = inject_external_abort(v, e);
	uint64_t dfsr;

	if (code)
		return code;
	if (!v->machine->arch->features.aarch32)
		return correct_esr(v, ISS_MASK | ESR_IL, fsc | flags | ESR_IL, e);
	/* Which format it has is up to TTBCR: KVM looked. */
	code = kvm_get_reg(v->fd, REG_ESR_EL1, &dfsr, e);
	return code ? code : correct_esr(v, UINT32_MAX, esr_dfsr(fsc, flags, dfsr & DFSR_LPAE), e);
}

int inject_far(struct vcpu *v, uint64_t va, struct err *e)
{
	uint64_t far = 0;
	int code = 0;

	/* The upper half is AArch32's IFAR. */
	if (v->machine->arch->features.aarch32) {
		code = kvm_get_reg(v->fd, REG_FAR_EL1, &far, e);
		va = (far & ~0xffffffffULL) | (uint32_t)va;
	}
	return code ? code : kvm_set_reg(v->fd, REG_FAR_EL1, &va, e);
}

int inject_fetch_abort(struct vcpu *v, unsigned fsc, struct err *e)
{
	uint64_t pc = 0, pstate = 0, sctlr = 0, vbar = 0, new_pstate, vector, esr;
	int code = kvm_get_reg(v->fd, REG_PC, &pc, e);

	if (code == 0)
		code = kvm_get_reg(v->fd, REG_PSTATE, &pstate, e);
	if (code == 0)
		code = kvm_get_reg(v->fd, REG_SCTLR_EL1, &sctlr, e);
	if (code == 0)
		code = kvm_get_reg(v->fd, REG_VBAR_EL1, &vbar, e);
	if (code)
		return code;
	esr = esr_fetch_abort(pstate & 0xc ? 1 : 0, fsc, true, 0);
	vector = exception_vector(vbar, pstate);
	new_pstate = exception_pstate(pstate, sctlr, v->machine->arch->features.mte);
	const struct {
		uint64_t id;
		const uint64_t *value;
	} set[] = {
		{ REG_ELR_EL1, &pc },  { REG_SPSR_EL1, &pstate },   { REG_FAR_EL1, &pc },
		{ REG_ESR_EL1, &esr }, { REG_PSTATE, &new_pstate }, { REG_PC, &vector },
	};
	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(set); i++)
		code = kvm_set_reg(v->fd, set[i].id, set[i].value, e);
	v->run->exit_reason = 0;
	return code;
}

/* Has KVM finish what it is about, without running the guest. */
static int settle_in_kvm(struct vcpu *v, struct err *e)
{
	int code = 0;

	vcpu_immediate_exit(v, true);
	if (ioctl(v->fd, KVM_RUN, 0) < 0 && errno != EINTR)
		code = err_sys(e, "vCPU %u: KVM_RUN", v->index);
	vcpu_immediate_exit(v, false);
	return code;
}

int inject_peek(struct vcpu *v, uint64_t *far, struct err *e)
{
	static const uint64_t ids[] = { REG_PC,	      REG_PSTATE,  REG_ELR_EL1,
					REG_SPSR_EL1, REG_ESR_EL1, REG_FAR_EL1 };
	uint64_t saved[ARRAY_SIZE(ids)] = { 0 };
	int code = 0;

	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(ids); i++)
		code = kvm_get_reg(v->fd, ids[i], &saved[i], e);
	if (code == 0)
		code = inject_external_abort(v, e);
	/* Kernels before 6.17 take the exception only at the next entry. */
	if (code == 0)
		code = settle_in_kvm(v, e);
	if (code == 0)
		code = kvm_get_reg(v->fd, REG_FAR_EL1, far, e);
	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(ids); i++)
		code = kvm_set_reg(v->fd, ids[i], &saved[i], e);
	return code;
}

int inject_look(const struct vcpu *v, uint64_t *esr, uint64_t *far, struct err *e)
{
	int code = kvm_get_reg(v->fd, REG_ESR_EL1, esr, e);

	return code ? code : kvm_get_reg(v->fd, REG_FAR_EL1, far, e);
}
