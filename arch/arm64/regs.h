/* SPDX-License-Identifier: Apache-2.0 */
/* KVM ids of the arm64 registers that vmm names. Encodings: Arm ARM, chapter D (op0..op2). */
#ifndef VMM_ARCH_ARM64_REGS_H
#define VMM_ARCH_ARM64_REGS_H

#include <stddef.h>
#include <linux/kvm.h>

/* A core register, by its field in struct kvm_regs. */
#define REG_CORE(field)                                                                            \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |                                     \
	 (offsetof(struct kvm_regs, field) / sizeof(uint32_t)))

#define REG_X(n)     (REG_CORE(regs.regs[0]) + 2ULL * (n))
#define REG_SP_EL0   REG_CORE(regs.sp)
#define REG_PC	     REG_CORE(regs.pc)
#define REG_PSTATE   REG_CORE(regs.pstate)
#define REG_SP_EL1   REG_CORE(sp_el1)
#define REG_ELR_EL1  REG_CORE(elr_el1)
#define REG_SPSR_EL1 REG_CORE(spsr[KVM_SPSR_EL1])
#define REG_SPSR_ABT REG_CORE(spsr[KVM_SPSR_ABT])

/* SIMD&FP register n, 16 bytes; refused on a vCPU that has SVE. */
#define REG_V(n)                                                                                   \
	((KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |                                   \
	  (offsetof(struct kvm_regs, fp_regs.vregs[0]) / sizeof(uint32_t))) +                      \
	 4ULL * (n))
/* SVE register n, 256 bytes, whatever the vector length. */
#define REG_Z(n)    KVM_REG_ARM64_SVE_ZREG((n), 0)
#define REG_Z_BYTES 256

#define SYSREG(op0, op1, crn, crm, op2)                                                            \
	((uint64_t)(op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define REG_SYS(op0, op1, crn, crm, op2)                                                           \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | SYSREG(op0, op1, crn, crm, op2))

#define REG_MPIDR_EL1	     REG_SYS(3, 0, 0, 0, 5)
#define REG_ID_AA64MMFR(n)   REG_SYS(3, 0, 0, 7, (n))
#define REG_ID_AA64MMFR0_EL1 REG_ID_AA64MMFR(0)
#define REG_ID_AA64MMFR3_EL1 REG_ID_AA64MMFR(3)
#define REG_SCTLR_EL1	     REG_SYS(3, 0, 1, 0, 0)
#define REG_TTBR0_EL1	     REG_SYS(3, 0, 2, 0, 0)
#define REG_TTBR1_EL1	     REG_SYS(3, 0, 2, 0, 1)
#define REG_TCR_EL1	     REG_SYS(3, 0, 2, 0, 2)
#define REG_TCR2_EL1	     REG_SYS(3, 0, 2, 0, 3)
#define REG_ESR_EL1	     REG_SYS(3, 0, 5, 2, 0)
#define REG_FAR_EL1	     REG_SYS(3, 0, 6, 0, 0)
#define REG_MAIR_EL1	     REG_SYS(3, 0, 10, 2, 0)
#define REG_PIRE0_EL1	     REG_SYS(3, 0, 10, 2, 2)
#define REG_PIR_EL1	     REG_SYS(3, 0, 10, 2, 3)
#define REG_VBAR_EL1	     REG_SYS(3, 0, 12, 0, 0)
#define REG_DACR32_EL2	     REG_SYS(3, 4, 3, 0, 0)
#define REG_IFSR32_EL2	     REG_SYS(3, 4, 5, 0, 1)

/* Affinity as the GICv3 device attributes want it: Aff3..Aff0 in 32 bits. */
#define MPIDR_PACKED(mpidr) (((mpidr) >> 8 & 0xff000000ULL) | ((mpidr)&0xffffffULL))

#endif
