/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spin: looks after vCPUs that burn a host CPU and never come out. Most compute; but a guest whose
 * exception vector cannot be fetched aborts for ever inside KVM, where guards do not show it: on a
 * device's page, or one that was opened. Such a vCPU's registers tell it from all others.
 *
 * Every two seconds, on the loop thread: a vCPU whose thread ran nearly all that time without an
 * exit is held, and looked at; and from now on all holes have guards, which bring out what else may
 * go on inside KVM. Others cost two clock readings.
 */
#ifndef VMM_ARCH_ARM64_SPIN_H
#define VMM_ARCH_ARM64_SPIN_H

#include "vmm/arch.h"

/* Begins, for as long as the machine is there. The vCPU threads need not run yet. */
void spin_start(struct machine *m);

/* Ends it. Fine when it never began. */
void spin_stop(struct machine *m);

#endif
