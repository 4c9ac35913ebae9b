/* SPDX-License-Identifier: Apache-2.0 */
/* What matters to an arm64 guest, asked of the running kernel. */
#include "vmm/doctor.h"

#include "vmm/arch.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct cap_row {
	const char *name, *what;
	int cap;
	bool needed;
	const char *advice;
};

static const struct cap_row caps[] = {
	{ "psci", "PSCI 0.2 and later for guests", KVM_CAP_ARM_PSCI_0_2, true,
	  "the host's kernel is too old; take one that is still maintained" },
	{ "one-reg", "registers one by one", KVM_CAP_ONE_REG, true,
	  "the host's kernel is too old; take one that is still maintained" },
	{ "external-abort", "external aborts can be injected", KVM_CAP_ARM_INJECT_EXT_DABT, false,
	  "an access that nothing claims reads as zero instead; update to Linux 5.5 or later" },
	{ "nisv", "accesses without syndrome reach vmm", KVM_CAP_ARM_NISV_TO_USER, false,
	  "a pair or vector access outside RAM ends the guest; update to Linux 5.5 or later "
	  "(protected "
	  "VMs never have it)" },
	{ "serror-esr", "system errors with a syndrome (RAS)", KVM_CAP_ARM_INJECT_SERROR_ESR, false,
	  "this CPU has no RAS extension; guests get system errors without a syndrome" },
	{ "sea-to-user", "hardware memory errors reach vmm", KVM_CAP_ARM_SEA_TO_USER, false,
	  "Linux 6.19 or later has it; without, the kernel settles them itself" },
	{ "sve", "SVE for guests", KVM_CAP_ARM_SVE, false,
	  "this CPU has no SVE, or the host's kernel was told not to use it (arm64.nosve)" },
	{ "pauth-address", "pointer authentication (addresses) for guests",
	  KVM_CAP_ARM_PTRAUTH_ADDRESS, false,
	  "this CPU has none, or the host runs KVM in nVHE mode without it" },
	{ "pauth-generic", "pointer authentication (generic) for guests",
	  KVM_CAP_ARM_PTRAUTH_GENERIC, false, "this CPU has none" },
	{ "pmu", "PMUv3 for guests", KVM_CAP_ARM_PMU_V3, false,
	  "the host sees no performance monitor: check its device tree or firmware, and "
	  "CONFIG_ARM_PMUV3" },
	{ "mte", "memory tagging (MTE) for guests", KVM_CAP_ARM_MTE, false,
	  "this CPU or its memory has no MTE, or the host booted with arm64.nomte" },
	{ "aarch32", "32-bit EL1 guests", KVM_CAP_ARM_EL1_32BIT, false,
	  "this CPU has no AArch32 at EL1; nothing can be done" },
	{ "el2", "nested virtualization for guests", KVM_CAP_ARM_EL2, false,
	  "needs a CPU with FEAT_NV2, Linux 6.16 or later, and kvm-arm.mode=nested on its command "
	  "line" },
	{ "steal-time", "steal time for guests", KVM_CAP_STEAL_TIME, false,
	  "the host's kernel does not account it (CONFIG_SCHED_INFO); guests see all time as "
	  "theirs" },
	{ "system-suspend", "guests can suspend", KVM_CAP_ARM_SYSTEM_SUSPEND, false,
	  "Linux 5.19 or later has it; without, a guest's suspend fails cleanly" },
	{ "irqfd", "interrupts by eventfd", KVM_CAP_IRQFD, false,
	  "enable CONFIG_HAVE_KVM_IRQFD in the host's kernel" },
	{ "ioeventfd", "doorbells by eventfd", KVM_CAP_IOEVENTFD, false,
	  "update the host's kernel" },
	{ "dirty-ring", "dirty ring", KVM_CAP_DIRTY_LOG_RING_ACQ_REL, false,
	  "Linux 6.3 or later has it; bitmaps are used instead" },
};

static void check_gics(struct doctor *d, const struct kvm *k)
{
	bool v2 = kvm_can_create_device(k, KVM_DEV_TYPE_ARM_VGIC_V2);
	bool v3 = kvm_can_create_device(k, KVM_DEV_TYPE_ARM_VGIC_V3);
	bool its = kvm_can_create_device(k, KVM_DEV_TYPE_ARM_VGIC_ITS);

	doctor_add(d, "gic", "an interrupt controller for guests", v2 || v3,
		   "the host's GIC has no virtualization interface")
		->needed = true;
	doctor_add(d, "gicv3", "GICv3 for guests", v3,
		   "the host's GIC is older; use --irqchip gicv2");
	doctor_add(d, "gicv3-its", "GICv3 ITS (message interrupts) for guests", its,
		   "no message interrupts with a GICv3");
	doctor_add(d, "gicv2", "GICv2 for guests", v2,
		   "the host's GICv3 has no GICv2 compatibility; use --irqchip gicv3");
}

static void check_sizes(struct doctor *d, const struct kvm *k)
{
	int bits = kvm_cap(k, KVM_CAP_ARM_VM_IPA_SIZE);
	int cpus = kvm_cap(k, KVM_CAP_MAX_VCPUS), wise = kvm_cap(k, KVM_CAP_NR_VCPUS);
	long page = sysconf(_SC_PAGESIZE);
	struct check *c;

	c = doctor_add(d, "ipa-bits", "guest physical address space", true, NULL);
	c->value = bits ? (uint64_t)bits : 40;
	(void)snprintf(c->detail, sizeof(c->detail), "%" PRIu64 " bits, RAM up to %" PRIu64 " GiB",
		       c->value, ((UINT64_C(1) << c->value) - arch_ram_base()) / GiB);
	c = doctor_add(d, "page-size", "host page size", true, NULL);
	c->value = (uint64_t)page;
	(void)snprintf(c->detail, sizeof(c->detail), "%ld KiB", page / 1024);
	c = doctor_add(d, "max-vcpus", "vCPUs in a guest", cpus > 0, NULL);
	c->value = (uint64_t)cpus;
	(void)snprintf(c->detail, sizeof(c->detail), "up to %d, up to %d are recommended", cpus,
		       wise);
}

void arch_doctor(struct doctor *d, const struct kvm *k)
{
	check_sizes(d, k);
	if (k->vm >= 0)
		check_gics(d, k);
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		int value = kvm_cap(k, caps[i].cap);
		struct check *c =
			doctor_add(d, caps[i].name, caps[i].what, value > 0, caps[i].advice);

		c->needed = caps[i].needed;
	}
}
