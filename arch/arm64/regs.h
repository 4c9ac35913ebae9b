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

#define REG_X(n)   (REG_CORE(regs.regs[0]) + 2ULL * (n))
#define REG_PC	   REG_CORE(regs.pc)
#define REG_PSTATE REG_CORE(regs.pstate)

#define SYSREG(op0, op1, crn, crm, op2)                                                            \
	((uint64_t)(op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define REG_SYS(op0, op1, crn, crm, op2)                                                           \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | SYSREG(op0, op1, crn, crm, op2))

#define REG_MPIDR_EL1	     REG_SYS(3, 0, 0, 0, 5)
#define REG_ID_AA64MMFR0_EL1 REG_SYS(3, 0, 0, 7, 0)

/* Affinity as the GICv3 device attributes want it: Aff3..Aff0 in 32 bits. */
#define MPIDR_PACKED(mpidr) (((mpidr) >> 8 & 0xff000000ULL) | ((mpidr)&0xffffffULL))

#endif
