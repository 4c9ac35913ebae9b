/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/vcpu.h"

#include "arch/arm64/memmap.h"
#include "arch/arm64/regs.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/ioctl.h>

#define PSTATE_T (1ULL << 5) /* AArch32: Thumb */

static int decide(int want, bool have, bool *got, const char *key, const char *what, struct err *e)
{
	if (want == FEATURE_ON && !have)
		return err_set(e, ENOTSUP, "--cpu %s=on: this host has no %s for guests", key,
			       what);
	*got = have && want != FEATURE_OFF;
	return 0;
}

int cpu_features_decide(const struct kvm *k, const struct cpu_config *c, struct cpu_features *f,
			struct err *e)
{
	/* AArch32 EL1 has none of these. */
	bool a64 = !c->aarch32;
	int code;

	struct kvm_vcpu_init preferred;

	*f = (struct cpu_features){ .aarch32 = c->aarch32, .sve_max_bits = c->sve_max_bits };
	if (ioctl(k->vm, KVM_ARM_PREFERRED_TARGET, &preferred) < 0)
		return err_sys(e, "KVM_ARM_PREFERRED_TARGET");
	f->target = preferred.target;
	if (c->aarch32 && !kvm_cap(k, KVM_CAP_ARM_EL1_32BIT))
		return err_set(e, ENOTSUP,
			       "--cpu aarch32=on: this host's CPU has no AArch32 at EL1");
	code = decide(c->sve, a64 && kvm_cap(k, KVM_CAP_ARM_SVE), &f->sve, "sve", "SVE", e);
	if (code == 0)
		code = decide(c->pauth,
			      a64 && kvm_cap(k, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
				      kvm_cap(k, KVM_CAP_ARM_PTRAUTH_GENERIC),
			      &f->pauth, "pauth", "pointer authentication", e);
	if (code == 0)
		code = decide(c->pmu, kvm_cap(k, KVM_CAP_ARM_PMU_V3), &f->pmu, "pmu", "PMUv3", e);
	if (code == 0)
		code = decide(c->mte, a64 && kvm_cap(k, KVM_CAP_ARM_MTE), &f->mte, "mte", "MTE", e);
	if (code == 0)
		code = decide(c->steal_time, kvm_cap(k, KVM_CAP_STEAL_TIME), &f->steal_time,
			      "steal-time", "steal time", e);
	if (code == 0 && f->sve_max_bits && !f->sve)
		return err_set(e, EINVAL, "--cpu sve-max-bits=%" PRIu32 ": the guest has no SVE",
			       f->sve_max_bits);
	return code;
}

/*
 * The same features every time: kernels before 6.5 take POWER_OFF, too, as fixed. An exit that was
 * not finished is void, which KVM sees by its reason: it would write a register and skip an
 * instruction otherwise.
 */
static int vcpu_init(const struct vcpu *v, const struct cpu_features *f, struct err *e)
{
	struct kvm_vcpu_init init = { .target = f->target };
	uint32_t features = 1U << KVM_ARM_VCPU_PSCI_0_2;

	v->run->exit_reason = 0;
	if (v->index)
		features |= 1U << KVM_ARM_VCPU_POWER_OFF;
	if (f->aarch32)
		features |= 1U << KVM_ARM_VCPU_EL1_32BIT;
	if (f->pmu)
		features |= 1U << KVM_ARM_VCPU_PMU_V3;
	if (f->sve)
		features |= 1U << KVM_ARM_VCPU_SVE;
	if (f->pauth) /* both or none */
		features |= 1U << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1U << KVM_ARM_VCPU_PTRAUTH_GENERIC;
	init.features[0] = features;
	if (ioctl(v->fd, KVM_ARM_VCPU_INIT, &init) == 0)
		return 0;
	if (errno == EINVAL) /* kernels before 6.5 tell the cores of a big.LITTLE host apart */
		return err_sys(e,
			       "vCPU %u: KVM_ARM_VCPU_INIT (target %" PRIu32 ", features 0x%" PRIx32
			       "); on a host with two kinds of cores, keep vmm on one (taskset)",
			       v->index, init.target, features);
	return err_sys(e, "vCPU %u: KVM_ARM_VCPU_INIT (features 0x%" PRIx32 ")", v->index,
		       features);
}

/* Takes the vector lengths above the limit away, and fixes the rest. */
static int sve_finalize(const struct vcpu *v, const struct cpu_features *f, struct err *e)
{
	uint64_t vls[SVE_VLS_WORDS];
	int feature = KVM_ARM_VCPU_SVE, code;
	unsigned left = 0;

	if (f->sve_max_bits) {
		code = kvm_get_reg(v->fd, KVM_REG_ARM64_SVE_VLS, vls, e);
		if (code)
			return code;
		for (unsigned vq = 1; vq <= 64 * SVE_VLS_WORDS; vq++) {
			uint64_t bit = 1ULL << ((vq - 1) % 64), *word = &vls[(vq - 1) / 64];

			if (vq * 128 > f->sve_max_bits)
				*word &= ~bit;
			left += (*word & bit) != 0;
		}
		if (!left)
			return err_set(e, ENOTSUP,
				       "--cpu sve-max-bits=%" PRIu32
				       ": the host's vectors are longer",
				       f->sve_max_bits);
		code = kvm_set_reg(v->fd, KVM_REG_ARM64_SVE_VLS, vls, e);
		if (code)
			return code;
	}
	if (ioctl(v->fd, KVM_ARM_VCPU_FINALIZE, &feature) < 0)
		return err_sys(e, "vCPU %u: KVM_ARM_VCPU_FINALIZE SVE", v->index);
	return 0;
}

int cpu_create(struct vcpu *v, const struct kvm *k, const struct cpu_features *f, struct err *e)
{
	int code = kvm_create_vcpu(k, v->index, &v->fd, &v->run, e);

	if (code)
		return code;
	v->immediate_exit = &v->run->immediate_exit;
	code = vcpu_init(v, f, e);
	if (code == 0 && f->sve)
		code = sve_finalize(v, f, e);
	return code;
}

int cpu_wire(struct vcpu *v, const struct cpu_features *f, uint64_t pvtime, struct err *e)
{
	const int pmu_intid = PPI_PMU + 16;
	int code = 0;

	if (f->pmu) {
		code = kvm_set_attr(v->fd, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ,
				    &pmu_intid, "PMU interrupt", e);
		if (code == 0)
			code = kvm_set_attr(v->fd, KVM_ARM_VCPU_PMU_V3_CTRL,
					    KVM_ARM_VCPU_PMU_V3_INIT, NULL, "PMU initialise", e);
	}
	if (code == 0 && pvtime)
		code = kvm_set_attr(v->fd, KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA,
				    &pvtime, "stolen time address", e);
	return code ? err_ctx(e, "vCPU %u", v->index) : 0;
}

static int set_mp_state(const struct vcpu *v, uint32_t mp_state, struct err *e)
{
	struct kvm_mp_state state = { .mp_state = mp_state };

	if (ioctl(v->fd, KVM_SET_MP_STATE, &state) < 0)
		return err_sys(e, "vCPU %u: KVM_SET_MP_STATE %u", v->index, mp_state);
	return 0;
}

int cpu_suspend(struct vcpu *v, struct err *e)
{
	return set_mp_state(v, KVM_MP_STATE_SUSPENDED, e);
}

int cpu_power_off(struct vcpu *v, const struct cpu_features *f, struct err *e)
{
	int code = vcpu_init(v, f, e);

	/* Only vCPU 0 is on after KVM_ARM_VCPU_INIT. */
	return code || v->index ? code : set_mp_state(v, KVM_MP_STATE_STOPPED, e);
}

int cpu_begin_at(struct vcpu *v, const struct cpu_features *f, uint64_t entry, uint64_t context,
		 struct err *e)
{
	uint64_t pstate;
	int code = 0;

	if (f->aarch32 && entry & 1) {
		entry &= ~1ULL;
		code = kvm_get_reg(v->fd, REG_PSTATE, &pstate, e);
		pstate |= PSTATE_T;
		if (code == 0)
			code = kvm_set_reg(v->fd, REG_PSTATE, &pstate, e);
	}
	if (code == 0)
		code = kvm_set_reg(v->fd, REG_PC, &entry, e);
	if (code == 0)
		code = kvm_set_reg(v->fd, REG_X(0), &context, e);
	return code ? err_ctx(e, "vCPU %u", v->index) : 0;
}

int cpu_power_on(struct vcpu *v, const struct cpu_features *f, uint64_t entry, uint64_t context,
		 struct err *e)
{
	int code = vcpu_init(v, f, e);

	if (code == 0 && v->index)
		code = set_mp_state(v, KVM_MP_STATE_RUNNABLE, e);
	return code ? code : cpu_begin_at(v, f, entry, context, e);
}

int cpu_set_boot_registers(struct vcpu *v, const struct cpu_features *f, uint64_t dtb,
			   struct err *e)
{
	const uint64_t zero = 0, no_machine_type = UINT32_MAX;
	int code;

	if (!f->aarch32)
		return kvm_set_reg(v->fd, REG_X(0), &dtb, e);
	code = kvm_set_reg(v->fd, REG_X(0), &zero, e);
	if (code == 0)
		code = kvm_set_reg(v->fd, REG_X(1), &no_machine_type, e);
	return code ? code : kvm_set_reg(v->fd, REG_X(2), &dtb, e);
}
