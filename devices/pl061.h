/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL061 GPIO: eight lines with interrupts. Follows ARM DDI 0190, chapter 3, with the manual's
 * register names. The machine's power key is on line 3; in the device tree it is a gpio-keys node.
 *
 * Lines that the guest drives lead nowhere; it reads back what it wrote. A line drives interrupts
 * while it is an input.
 *
 * Not modelled: hardware control of the lines (GPIOAFSEL is kept, without effect), the test
 * registers.
 */
#ifndef DEVICES_PL061_H
#define DEVICES_PL061_H

#include "vmm/core/device.h"
#include "vmm/core/irq.h"
#include "vmm/core/loop.h"

#define PL061_LINES 8

/* @irq and @loop are borrowed and outlive the device. NULL and @e set when memory is short. */
struct device *pl061_create(uint64_t base, uint64_t size, struct irq_line *irq, struct loop *loop,
			    struct err *e) MUST_CHECK;

/* Sets the outside of a line below PL061_LINES. Any thread; takes the device's lock. */
void pl061_set_input(struct device *d, unsigned line, bool level);

/*
 * Presses the power key and lets go of it by itself: after a tenth of a second, and when the guest
 * has not looked at the line by then (a driver does a while after the interrupt), after it has,
 * but within two seconds. Pressing it again while it is down begins anew. Loop thread, or the loop
 * not running; takes the device's lock.
 */
void pl061_press_power_key(struct device *d);

#endif
