/* SPDX-License-Identifier: Apache-2.0 */
/* The arm64 board, inside arch/arm64. What the program sees of it is vmm/arch.h. */
#ifndef VMM_ARCH_ARM64_MACHINE_H
#define VMM_ARCH_ARM64_MACHINE_H

#include "arch/arm64/boot/boot.h"
#include "arch/arm64/insn/emulate.h"
#include "arch/arm64/exits.h"
#include "arch/arm64/gic/gic.h"
#include "arch/arm64/fault/guard.h"
#include "arch/arm64/fault/policy.h"
#include "arch/arm64/fault/spin.h"
#include "arch/arm64/vcpu.h"
#include "arch/arm64/virtio.h"
#include "arch/arm64/watch/watch.h"
#include "vmm/core/loop.h"
#include "vmm/core/ram.h"
#include "vmm/fault.h"

/* The last fault of a vCPU, and how often it repeats; see fault.c. */
struct storm {
	uint64_t like; /* what the next one has to be like: storm_like() */
	uint64_t ipa, pc;
	enum fault_access access;
	enum fault_cause cause;
	enum fault_action action;
	unsigned size;
	unsigned seen;	 /* in a row, and looked at; up to STORM_BEGINS */
	unsigned unseen; /* since then; not yet counted */
	unsigned most;	 /* that may go by unseen; 0: it is no storm yet, or they do not abort */
};

/* What the architecture keeps of a vCPU; own thread, or held. */
struct arch_vcpu {
	struct exits exits;
	struct storm storm;
	struct emulate_monitor monitor;
	uint64_t puzzle_pc; /* where KVM_RUN failed, and nothing was found wrong */
	unsigned puzzles;
	uint64_t fetch_known; /* the last fetch abort that vmm knows of; see afterwards.c */
	struct watch_cpu watch;
};

struct arch_machine {
	struct machine *machine; /* borrowed; outlives us */
	struct cpu_features features;
	unsigned ipa_bits; /* of the VM's address space */
	struct gic gic;
	struct space space; /* who lies where */
	struct guards guards;
	struct call guards_call; /* has the loop change them; see fault.c */
	bool guards_wanted;	 /* over all holes; atomic */
	uint64_t guard_to_open;	 /* 0: none; atomic */
	struct spin spin;
	struct watching watching;
	struct policy policy;
	unsigned trace;		/* TRACE_..., of config.h */
	uint64_t mmfr[4];	/* ID_AA64MMFR0_EL1 to 3 of every vCPU; 0 for a 32-bit EL1 */
	struct arch_vcpu *vcpu; /* one for each, by index; owned */
	struct ram pvtime;	/* where KVM tells guests of stolen time */
	struct boot boot;
	size_t dtb_size; /* bytes of the tree that was loaded last */
	struct gic_line uart_line, rtc_line, gpio_line;
	/* On the bus, and owned. NULL: not in this configuration. */
	struct device *uart, *rtc, *gpio, *pvpanic, *v2m;
	struct virtio_slots virtio;
	bool started;		  /* was reset once, so the GIC has state to clear */
	struct call suspend_call; /* has the loop look at who asked to suspend */
	bool told_crash_kernel;	  /* since the last reset; pvpanic's lock, or held */
};

/* The end of the address space that the VM was created with. */
uint64_t machine_space_end(const struct machine *m);

/* After SYSTEM_SUSPEND: has the loop thread decide; @v parks. */
void machine_suspend_request(struct vcpu *v);

/* The loop thread's part: only the last vCPU that is on may suspend the system. */
void machine_suspend(struct call *c);

/* After the wake-up event: @v goes on where PSCI says; false, and GUEST_CRASHED, when it cannot. */
bool machine_wake_up(struct vcpu *v);

#endif
