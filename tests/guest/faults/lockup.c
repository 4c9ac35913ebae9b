/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to get the CPU to where it can never go on: its exception vector cannot be fetched. */
#include "faults.h"

#define NEAR 0x0a000000
#define FAR  0x300000000

static void touch_hole(void)
{
	(void)read32(0x10000000);
}

static void breakpoint(void)
{
	__asm__ volatile("brk 1");
}

void lockup(const char *tree)
{
	if (asked(tree, "lockup-abort")) {
		set_register(vbar_el1, NEAR);
		touch_hole();
	} else if (asked(tree, "lockup-own")) {
		set_register(vbar_el1, NEAR);
		breakpoint();
	} else if (asked(tree, "lockup-far")) {
		set_register(vbar_el1, FAR);
		touch_hole();
	} else if (asked(tree, "lockup-far-own")) {
		set_register(vbar_el1, FAR);
		breakpoint();
	} else if (asked(tree, "lockup-device")) {
		set_register(vbar_el1, UART);
		breakpoint();
	} else if (asked(tree, "lockup-tables")) {
		mmu_on();
		set_register(ttbr0_el1, NEAR);
		tables_changed();
	} else if (asked(tree, "lockup-tables-far")) {
		mmu_on();
		set_register(ttbr0_el1, FAR);
		tables_changed();
	}
}
