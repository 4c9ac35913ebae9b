/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dt: the arm64 machine as a device tree. Pure: facts in, blob out; bindings are those of the
 * Linux kernel (Documentation/devicetree/bindings: arm/cpus, arm/psci, timer/arm,arch_timer,
 * interrupt-controller/arm,gic*).
 */
#ifndef VMM_ARCH_ARM64_DT_H
#define VMM_ARCH_ARM64_DT_H

#include "fdt/tree.h"
#include "vmm/config.h"

struct dt_info {
	struct tree_info tree;
	const uint64_t *mpidr; /* of each vCPU, as the CPU reads it; borrowed */
	unsigned cpus;
	enum irqchip irqchip; /* never AUTO */
	uint64_t high_redist; /* second redistributor region; 0: none */
	bool pmu;
};

/* Writes the whole tree; the root is closed by fdt_done(). */
void dt_write(struct fdt *t, const struct dt_info *i, const struct bus *b);

#endif
