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
	uint32_t target; /* as KVM_ARM_PREFERRED_TARGET said, once for all */
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
 * To the state after power-on, and off: waits for PSCI CPU_ON. The vCPU is out of KVM_RUN, here and
 * below.
 */
int cpu_power_off(struct vcpu *v, const struct cpu_features *f, struct err *e) MUST_CHECK;

/*
 * To the state after power-on, and on, as PSCI CPU_ON leaves it (Arm DEN 0022): at @entry, whose
 * bit 0 means Thumb in AArch32, with @context in x0 or r0.
 */
int cpu_power_on(struct vcpu *v, const struct cpu_features *f, uint64_t entry, uint64_t context,
		 struct err *e) MUST_CHECK;

/* The last part of that, for a vCPU which is as after power-on already: one that was just made. */
int cpu_begin_at(struct vcpu *v, const struct cpu_features *f, uint64_t entry, uint64_t context,
		 struct err *e) MUST_CHECK;

/* What Linux's boot protocol wants: @dtb in x0; in AArch32 0, ~0 and @dtb in r0 to r2. */
int cpu_set_boot_registers(struct vcpu *v, const struct cpu_features *f, uint64_t dtb,
			   struct err *e) MUST_CHECK;

/* Has it sleep until an interrupt comes: KVM_SYSTEM_EVENT_WAKEUP. */
int cpu_suspend(struct vcpu *v, struct err *e) MUST_CHECK;

#endif
