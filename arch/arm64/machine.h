/* SPDX-License-Identifier: Apache-2.0 */
/* The arm64 board, inside arch/arm64. What the program sees of it is vmm/arch.h. */
#ifndef VMM_ARCH_ARM64_MACHINE_H
#define VMM_ARCH_ARM64_MACHINE_H

#include "arch/arm64/boot.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/vcpu.h"
#include "vmm/core/loop.h"
#include "vmm/core/ram.h"

struct arch_machine {
	struct machine *machine; /* borrowed; outlives us */
	struct cpu_features features;
	struct gic gic;
	struct ram pvtime; /* where KVM tells guests of stolen time */
	struct boot boot;
	size_t dtb_size; /* bytes of the tree that was loaded last */
	struct gic_line uart_line, rtc_line, gpio_line;
	/* On the bus, and owned. NULL: not in this configuration. */
	struct device *uart, *rtc, *gpio, *pvpanic, *v2m;
	bool started;			 /* was reset once, so the GIC has state to clear */
	struct call suspend_call;	 /* runs machine_suspend() on the loop thread */
	struct vcpu *_Atomic suspending; /* who asked for SYSTEM_SUSPEND; NULL: nobody */
};

/* After SYSTEM_SUSPEND: has the loop thread look at it; @v parks. */
void machine_suspend_request(struct vcpu *v);

/* After the wake-up event: @v goes on where PSCI says. False when it cannot. */
bool machine_wake_up(struct vcpu *v);

#endif
