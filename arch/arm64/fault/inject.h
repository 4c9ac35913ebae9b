/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inject: exceptions that vmm gives to a vCPU. On the vCPU's thread, after an exit of its own; it
 * has run before (a pKVM host does not survive it otherwise). Any access that the exit left
 * unfinished is void: the exception is taken instead of it.
 *
 * A function fails when KVM refuses, which leaves no right way to go on.
 */
#ifndef VMM_ARCH_ARM64_INJECT_H
#define VMM_ARCH_ARM64_INJECT_H

#include "vmm/kvm.h"
#include "vmm/vcpu.h"

#include <sys/ioctl.h>

/* For inject_external_abort(), which a guest may wait for again and again: hence it is inline. */
extern const struct kvm_vcpu_events inject_external_;

/*
 * The Data Abort of hardware where nothing answers: synchronous External abort, not on a walk. KVM
 * takes FAR from the fault itself, so this is right for the access of the last exit only. ESR is
 * KVM's: it has WnR 0 for stores as well, and before 6.2 ones in bits 63:32.
 */
static inline MUST_CHECK int inject_external_abort(struct vcpu *v, struct err *e)
{
	if (ioctl(v->fd, KVM_SET_VCPU_EVENTS, &inject_external_) < 0)
		return err_sys(e, "vCPU %u: KVM_SET_VCPU_EVENTS", v->index);
	/*
	 * Cancels the completion of the access. Kernels before 6.17 would otherwise carry it out on
	 * top of the exception: register written, first instruction of the vector skipped.
	 */
	v->run->exit_reason = 0;
	return 0;
}

/* The same with ESR as hardware has it, for two system calls more. */
int inject_exact_abort(struct vcpu *v, bool write, struct err *e) MUST_CHECK;

/*
 * A Data Abort with another status code and flags (esr.h), FAR as above. A 32-bit EL1 gets them as
 * its DFSR has them.
 */
int inject_data_abort(struct vcpu *v, unsigned fsc, uint32_t flags, struct err *e) MUST_CHECK;

/* Corrects the address that the Data Abort injected last tells. */
int inject_far(struct vcpu *v, uint64_t va, struct err *e) MUST_CHECK;

/*
 * An Instruction Abort for a fetch at PC: KVM has no call for one, so it is made of registers.
 * 64-bit EL1 only.
 */
int inject_fetch_abort(struct vcpu *v, unsigned fsc, struct err *e) MUST_CHECK;

/*
 * The virtual address of the data access that the last exit is about, as the CPU told KVM, who
 * tells nobody: an abort is injected, FAR_EL1 read, and all undone. 64-bit EL1 only.
 */
int inject_peek(struct vcpu *v, uint64_t *far, struct err *e) MUST_CHECK;

/* ESR_EL1 and FAR_EL1 as the exception injected last set them. */
int inject_look(const struct vcpu *v, uint64_t *esr, uint64_t *far, struct err *e) MUST_CHECK;

#endif
