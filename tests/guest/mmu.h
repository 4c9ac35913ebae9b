/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 1 for a bare-metal guest: everything where it is, devices as such, 1 GiB of RAM as Normal
 * memory, which is what others see the same way. Include it in one file of a guest.
 */
#ifndef TESTS_GUEST_MMU_H
#define TESTS_GUEST_MMU_H

#include <stdint.h>

static uint64_t __attribute__((aligned(4096))) mmu_table[512];

static void mmu_make(void)
{
	mmu_table[0] = 0x00000000 | 0x401 | 0 << 2; /* devices: 1 GiB, Device-nGnRE */
	mmu_table[1] = 0x40000000 | 0x701 | 1 << 2; /* RAM: Normal, inner shareable */
	mmu_table[2] = 0x40000000 | 0x741 | 1 << 2; /* the same, also for EL0 */
}

/* On each CPU. */
static void mmu_on(void)
{
	__asm__ volatile("msr	mair_el1, %0\n"
			 "msr	tcr_el1, %1\n"
			 "msr	ttbr0_el1, %2\n"
			 "dsb	ish\n"
			 "tlbi	vmalle1\n"
			 "dsb	ish\n"
			 "isb\n"
			 "mrs	x9, sctlr_el1\n"
			 "orr	x9, x9, #1\n"
			 "orr	x9, x9, #4\n"
			 "orr	x9, x9, #0x1000\n"
			 "msr	sctlr_el1, x9\n"
			 "isb"
			 :
			 : "r"(0xff04UL), "r"(0x200803520UL), "r"(mmu_table)
			 : "x9", "memory");
}

#endif
