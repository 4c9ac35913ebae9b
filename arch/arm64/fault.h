/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault: what the guest feels when nothing answers an access. This file alone decides it.
 *
 * On hardware an access that no device answers ends in a synchronous external abort, and so it
 * does here, injected through KVM_SET_VCPU_EVENTS. ESR, FAR and ELR are right because KVM takes
 * them from the fault itself; the target register of a load is untouched.
 */
#ifndef VMM_ARCH_ARM64_FAULT_H
#define VMM_ARCH_ARM64_FAULT_H

#include "vmm/arch.h"

/*
 * After KVM_EXIT_MMIO that the bus did not carry out: @v takes the abort when it next runs. Fails
 * when KVM refuses, which leaves no right way to go on.
 */
int fault_mmio(struct vcpu *v, struct err *e) MUST_CHECK;

/* After KVM_EXIT_ARM_NISV: an access that came without a syndrome, so without size or register. */
int fault_nisv(struct vcpu *v, struct err *e) MUST_CHECK;

#endif
