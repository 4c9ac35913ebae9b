/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_mask: a vCPU that is stepped one instruction at a time (KVM_SET_GUEST_DEBUG), with its
 * interrupts masked so that each step is an instruction of the program. PSTATE.I and F are ours
 * meanwhile; the guest's are kept aside, and instructions that would show or change them are done
 * by hand.
 *
 * On the vCPU's own thread.
 */
#ifndef VMM_ARCH_ARM64_WATCH_MASK_H
#define VMM_ARCH_ARM64_WATCH_MASK_H

#include "arch/arm64/fault/view.h"

struct stepper {
	struct vcpu *v;
	uint64_t guest; /* the guest's PSTATE.I and F */
};

enum step {
	STEP_DONE,	/* one instruction */
	STEP_EXCEPTION, /* it took an exception, and is at its vector */
	STEP_REFUSED,	/* nothing: EFAULT */
	STEP_NOT_NOW,	/* nothing, or KVM waits for something in it: KVM_RUN was interrupted */
	STEP_EXIT,	/* another exit, in struct kvm_run */
	STEP_BROKEN,	/* KVM refused something else: *e */
};

int stepper_begin(struct stepper *s, struct vcpu *v, struct err *e) MUST_CHECK;

/* Undoes it all. Fine after each outcome of stepper_step() but STEP_BROKEN. */
int stepper_end(struct stepper *s, struct err *e) MUST_CHECK;

/* Does the instruction of @w, which was opened since the last step, and is @word, or 0: unknown. */
enum step stepper_step(struct stepper *s, struct view *w, uint32_t word, struct err *e) MUST_CHECK;

/*
 * Whether @word ends a pair of exclusives, or is not to be stepped in one: CLREX, ERET and what
 * else changes PSTATE as a whole, exceptions, and what waits.
 */
bool stepper_ends_pair(uint32_t word);

#endif
