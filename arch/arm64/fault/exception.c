/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/exception.h"

#define SCTLR_SPAN  (1ULL << 23) /* clear: an exception sets PSTATE.PAN */
#define SCTLR_DSSBS (1ULL << 44)

uint64_t exception_vector(uint64_t vbar, uint64_t pstate)
{
	uint64_t base = vbar & ~0x7ffULL;

	if ((pstate & PSTATE_M) == PSTATE_EL1H)
		return base + 0x200;
	if (pstate & PSTATE_NRW)
		return base + 0x600;
	return pstate & 0xc ? base : base + 0x400; /* EL1 with SP_EL0, or EL0 */
}

uint64_t exception_pstate(uint64_t pstate, uint64_t sctlr, bool mte)
{
	uint64_t new = PSTATE_EL1H | PSTATE_DAIF;

	new |= pstate &(PSTATE_NZCV | PSTATE_PAN | PSTATE_DIT);
	if (!(sctlr & SCTLR_SPAN))
		new |= PSTATE_PAN;
	if (sctlr & SCTLR_DSSBS)
		new |= PSTATE_SSBS;
	if (mte)
		new |= PSTATE_TCO;
	/* BTYPE, IL, SS, UAO and, without FEAT_NMI's SPINTMASK, ALLINT are clear. */
	return new;
}
