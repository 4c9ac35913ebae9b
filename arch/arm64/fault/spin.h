/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spin: looks after vCPUs that burn a host CPU and never come out. Most compute; but a guest whose
 * exception vector cannot be fetched aborts for ever inside KVM, where guards do not show it: on a
 * device's page, or one that was opened. Such a vCPU's registers tell it from all others.
 *
 * Each vCPU's thread has a timer on its CPU clock, so a guest that is idle causes no work at all,
 * and a busy one a wake-up of the loop every two seconds. A vCPU that ran that long without an exit
 * is held, and looked at, by the loop thread; and from now on all holes have guards, which bring
 * out what else may go on inside KVM.
 */
#ifndef VMM_ARCH_ARM64_SPIN_H
#define VMM_ARCH_ARM64_SPIN_H

#include "vmm/arch.h"
#include "vmm/core/loop.h"

/* What is known of a vCPU; loop thread. */
struct spin_cpu {
	timer_t timer;
	uint64_t at_ns; /* when its timer expired last; and its exits by then */
	unsigned exits;
	bool suspect;
};

/* Loop thread. */
struct spin {
	struct machine *machine; /* borrowed; NULL: never began */
	struct watch watch;
	int fd;		      /* of the timers' signals */
	struct timer look;    /* armed while there are suspects */
	uint64_t looked_ns;   /* when vCPUs were held for a look */
	struct spin_cpu *cpu; /* owned; the first @timers have one */
	unsigned timers;
};

/*
 * Begins, for as long as the machine is there; the vCPU threads run. A host that allows no such
 * timers goes without. From the loop thread; all system calls that are ever needed are made here,
 * but for reading the signals.
 */
void spin_start(struct spin *s, struct machine *m);

/* Ends it. Fine when it never began. */
void spin_stop(struct spin *s);

#endif
