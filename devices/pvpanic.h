/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pvpanic: one register by which a guest says that it panicked. Follows QEMU's
 * docs/specs/pvpanic.rst and Linux's binding qemu,pvpanic-mmio: a read of byte 0 returns the
 * events that are supported, a write to it reports some; byte 1 is reserved.
 */
#ifndef DEVICES_PVPANIC_H
#define DEVICES_PVPANIC_H

#include "vmm/base/err.h"
#include "vmm/core/device.h"

/* As in Linux's include/uapi/misc/pvpanic.h. */
enum pvpanic_event {
	PVPANIC_PANICKED = 1 << 0,     /* the guest panicked and does nothing about it */
	PVPANIC_CRASH_LOADED = 1 << 1, /* it panicked and now runs its own crash kernel */
	PVPANIC_SHUTDOWN = 1 << 2,     /* it wants to be powered off */
};

/*
 * @event is called with @ctx and an or of enum pvpanic_event, never empty: on a vCPU thread with
 * the device's lock held, so it must not block. NULL and @e set when memory is short.
 */
struct device *pvpanic_create(uint64_t base, uint64_t size,
			      void (*event)(void *ctx, unsigned events), void *ctx,
			      struct err *e) MUST_CHECK;

#endif
