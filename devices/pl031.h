/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL031 real-time clock: a 32-bit count of seconds that the guest can set, with an alarm. Follows
 * ARM DDI 0224, chapter 3, with the manual's register names.
 *
 * The count is the host's wall clock plus an offset, so nothing ticks while nobody looks; it
 * begins at the host's time (UTC) and wraps in 2106. A timer of the loop runs only while an alarm
 * lies ahead and its interrupt is unmasked; it looks at the wall clock at least once a minute, so
 * an alarm follows a host whose clock is set. A match register set to a past time does not fire.
 *
 * Not modelled: stopping the clock (RTCCR is always 1, as the manual says of a started one), the
 * test registers. A reset brings back the host's time.
 */
#ifndef DEVICES_PL031_H
#define DEVICES_PL031_H

#include "vmm/core/device.h"
#include "vmm/core/irq.h"
#include "vmm/core/loop.h"

/* @irq and @loop are borrowed and outlive the device. NULL and @e set when memory is short. */
struct device *pl031_create(uint64_t base, uint64_t size, struct irq_line *irq, struct loop *loop,
			    struct err *e) MUST_CHECK;

/* Takes the wall clock, nanoseconds since 1970, from @now_ns. For tests, before a guest runs. */
void pl031_use_clock(struct device *d, uint64_t (*now_ns)(void));

#endif
