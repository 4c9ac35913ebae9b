/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual CPU: which features it has, and the order in which KVM wants to be told
 * (Documentation/virt/kvm/arm/vcpu-features.rst).
 */
#ifndef VMM_ARCH_ARM64_VCPU_H
#define VMM_ARCH_ARM64_VCPU_H

#include "vmm/arch.h"

#define SVE_VLS_WORDS 8 /* one bit a vector length of 128 bits: 512 bits */

/* What the host has and the configuration wants; the same for all vCPUs of a machine. */
struct cpu_features {
	bool sve, pauth, pmu, mte, steal_time, aarch32;
	uint32_t sve_max_bits; /* 0: the host's longest */
};

/*
 * Decides by @c and by what the VM's capabilities say. -ENOTSUP, naming the option, for a feature
 * that is asked for and not there.
 */
int cpu_features_decide(const struct kvm *k, const struct cpu_config *c, struct cpu_features *f,
			struct err *e) MUST_CHECK;

/* Makes and initialises KVM's vCPU for @v. The VM-wide capabilities are enabled. */
int cpu_create(struct vcpu *v, const struct kvm *k, const struct cpu_features *f,
	       struct err *e) MUST_CHECK;

/* The part that needs the interrupt controller: PMU, and stolen time at @pvtime (0: none). */
int cpu_wire(struct vcpu *v, const struct cpu_features *f, uint64_t pvtime,
	     struct err *e) MUST_CHECK;

/*
 * To power-on state, as PSCI CPU_ON leaves it: at @entry with @arg in x0 (r2 for AArch32, whose r0
 * and r1 are the boot protocol's). @off: waits for PSCI CPU_ON instead. The vCPU is out of KVM_RUN.
 */
int cpu_reset(struct vcpu *v, const struct kvm *k, const struct cpu_features *f, uint64_t entry,
	      uint64_t arg, bool off, struct err *e) MUST_CHECK;

#endif
