/* SPDX-License-Identifier: Apache-2.0 */
/*
 * touch: carries out the instruction at which a vCPU stands, on what lies at its addresses: devices
 * on the bus, memory, holes that have a value of their own. For accesses that KVM hands over
 * without a description, and for those that it completes wrongly.
 */
#ifndef VMM_ARCH_ARM64_TOUCH_H
#define VMM_ARCH_ARM64_TOUCH_H

#include "arch/arm64/insn/emulate.h"
#include "arch/arm64/fault/view.h"
#include "vmm/core/bus.h"

/* Why an access of the instruction could not be done. */
enum touch_stop {
	TOUCH_STAGE_1,	 /* the guest's own translation faults: walk says how */
	TOUCH_NOBODY,	 /* nothing is at ipa */
	TOUCH_READ_ONLY, /* a write to read-only memory at ipa */
	TOUCH_REFUSED,	 /* the device at ipa does not take it */
	TOUCH_KERNEL,	 /* ipa is in a device that only KVM can reach */
};

struct touch {
	/* Set by the caller. */
	enum emulate_memory memory; /* what lies there; see emulate.h */
	bool forgive;		    /* what nothing answers has the policy's value, if it has one */
	bool watched;		    /* RAM, and nothing else, by the rules of watch_memory.h */

	struct view *view;	      /* borrowed */
	struct emulate_result result; /* what was done; va: where it stopped */
	enum touch_stop stop;	      /* with EMULATE_ABORT */
	uint64_t ipa;		      /* ... but for TOUCH_STAGE_1 */
	struct mmu_walk walk;	      /* the last one */
};

/*
 * Carries out @i, the instruction at PC of @w. On EMULATE_DONE the vCPU goes on behind it; on
 * anything else it still stands there, with what emulate.h says of each. Any access that KVM still
 * had to complete is void.
 */
enum emulate_status touch(struct touch *t, struct view *w, const struct insn *i) MUST_CHECK;

#endif
