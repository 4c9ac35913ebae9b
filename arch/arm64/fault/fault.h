/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault: what becomes of a guest's access that cannot be carried out plainly. This file alone
 * decides it.
 *
 * On hardware an access that nothing answers ends in a synchronous External abort, and so it does
 * here. What a device takes, but KVM cannot describe, is carried out by hand (touch.h). All else is
 * policy: --unclaimed, --hole. Every bad access is counted, and its facts are gathered when
 * somebody wants them (capture.h).
 */
#ifndef VMM_ARCH_ARM64_FAULT_H
#define VMM_ARCH_ARM64_FAULT_H

#include "vmm/arch.h"

enum fault_next {
	FAULT_RUN,    /* the vCPU goes on, perhaps with an exception */
	FAULT_PARK,   /* the machine stops here; who decides was told */
	FAULT_EXIT,   /* KVM_RUN was done meanwhile, and came back with an exit to serve */
	FAULT_BROKEN, /* KVM refused, which leaves no right way to go on: @e says what */
};

/* After KVM_EXIT_MMIO that the bus did not carry out, and why it did not. */
enum fault_next fault_mmio(struct vcpu *v, enum access answer, struct err *e) MUST_CHECK;

/*
 * After KVM_EXIT_MMIO at the first byte of a page, where a device is: whether the access began in
 * the page before, which KVM does not tell; then it is settled, and *@next says how to go on. Costs
 * as much as several exits.
 */
bool fault_straddle(struct vcpu *v, enum fault_next *next, struct err *e) MUST_CHECK;

/* After KVM_EXIT_ARM_NISV: an access that came without a syndrome, so without size or register. */
enum fault_next fault_nisv(struct vcpu *v, struct err *e) MUST_CHECK;

/* After KVM_RUN failed with EFAULT: the host cannot access what lies at the address. */
enum fault_next fault_efault(struct vcpu *v, struct err *e) MUST_CHECK;

/* After KVM_RUN met memory of the host that failed: at @host (vmm/core/poison.h). */
enum fault_next fault_poison(struct vcpu *v, uintptr_t host, struct err *e) MUST_CHECK;

/* After KVM_EXIT_ARM_SEA: the same, told by the hardware's own abort. */
enum fault_next fault_sea(struct vcpu *v, struct err *e) MUST_CHECK;

/*
 * After a read that the bus carried out, when the value's top bit is set: KVM before 7.2 drops the
 * sign that LDRSB and kin extend, so those are completed here.
 */
enum fault_next fault_sign(struct vcpu *v, struct err *e) MUST_CHECK;

/*
 * Whether @v, which is held, aborts on its own vector for ever, inside KVM: each abort leads to the
 * next. It is then reported, and parks.
 */
bool fault_look_for_lockup(struct vcpu *v);

/*
 * Fetches that KVM aborts by itself, without an exit, are found afterwards: in the registers that
 * the abort left, as long as no other exception has changed them. A fetch from a device, and from
 * holes that have no guards yet. Reports the one that @v's registers tell of, unless it is known;
 * true when the machine shall stop at it. On the vCPU's thread, out of KVM_RUN, or while it is
 * held.
 */
bool fault_look_back(struct vcpu *v) MUST_CHECK;

/* Counts what was not yet counted. On the vCPU's thread, when it stops running. */
void fault_flush(struct vcpu *v);

/* Has the loop put guards over all holes, if it has not yet. Any thread. */
void fault_want_guards(struct machine *m);

/* The loop thread's part: changes guards, with the vCPUs held. */
void fault_change_guards(struct call *c);

#endif
