/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exception: what a synchronous exception taken to a 64-bit EL1 does to PC and PSTATE. Pure.
 * Follows the Arm ARM (DDI 0487), D1.3: exception vectors, and the process state on an exception.
 */
#ifndef VMM_ARCH_ARM64_EXCEPTION_H
#define VMM_ARCH_ARM64_EXCEPTION_H

#include "vmm/base/defs.h"

/* PSTATE as SPSR_EL1 holds it. */
#define PSTATE_M      0x1fULL /* mode: EL, SP, nRW */
#define PSTATE_EL1H   0x05ULL
#define PSTATE_NRW    0x10ULL
#define PSTATE_DAIF   (0xfULL << 6)
#define PSTATE_BTYPE  (3ULL << 10)
#define PSTATE_SSBS   (1ULL << 12)
#define PSTATE_IL     (1ULL << 20)
#define PSTATE_SS     (1ULL << 21)
#define PSTATE_PAN    (1ULL << 22)
#define PSTATE_UAO    (1ULL << 23)
#define PSTATE_DIT    (1ULL << 24)
#define PSTATE_TCO    (1ULL << 25)
#define PSTATE_ALLINT (1ULL << 13)
#define PSTATE_NZCV   (0xfULL << 28)

/* Where EL1 goes on for a synchronous exception from @pstate: one of four places behind @vbar. */
uint64_t exception_vector(uint64_t vbar, uint64_t pstate);

/* PSTATE there. @sctlr: SCTLR_EL1; @mte: the vCPU has memory tagging. */
uint64_t exception_pstate(uint64_t pstate, uint64_t sctlr, bool mte);

#endif
