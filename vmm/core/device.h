/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device: what the machine asks of an emulated device, and all that it asks.
 *
 * A device knows its registers, its back end and its interrupt line. Not the VM, not the bus, not
 * KVM, not the command line. It is a struct with struct device as its first member, made by its
 * own x_create(), which only allocates and takes what it was lent.
 *
 * Life:    create -> reset -> run -> ... reset -> run ... -> destroy.
 * Lock:    the caller takes dev->lock around read, write, reset and describe; device code takes it
 *          itself only where a back end calls in (chardev, timer). It never calls another device
 *          while it is held, except to drive an irq line.
 * Failure: nothing the guest does may fail a call. Count it in guest_errors, answer as the
 *          hardware would.
 */
#ifndef VMM_CORE_DEVICE_H
#define VMM_CORE_DEVICE_H

#include "vmm/base/mutex.h"

struct device;
struct fdt;

struct device_ops {
	const char *name; /* log tag and node name: "pl011" */

	/* Back to the state after power-on; back ends stay attached. Optional. */
	void (*reset)(struct device *d);

	/*
	 * A register access at @off, @size bytes (1, 2, 4 or 8), naturally aligned and inside the
	 * window: the bus has checked. Values are in the low bytes. Optional: without read, a read
	 * is refused; without write, a write is.
	 */
	uint64_t (*read)(struct device *d, uint64_t off, unsigned size) GUEST_FACING;
	void (*write)(struct device *d, uint64_t off, unsigned size, uint64_t v) GUEST_FACING;

	/* Writes the device's node into the tree. Optional. */
	void (*describe)(const struct device *d, struct fdt *t);

	/* Frees the device; called with no lock held, no vCPU running, and never with NULL. */
	void (*destroy)(struct device *d);

	uint8_t min_access, max_access; /* bytes; the bus refuses other sizes */
} OPS;

struct device {
	const struct device_ops *ops;
	struct mutex lock;
	uint64_t base, size;   /* its window on the bus; constant while it is there */
	uint64_t guest_errors; /* accesses that a data sheet forbids; lock */
};

/* Fills the common part. @base and @size come from the machine's memory map. */
void device_init(struct device *d, const struct device_ops *ops, uint64_t base, uint64_t size);

/* Runs ops->reset under the lock. */
void device_reset(struct device *d);

/* Runs ops->destroy, without the lock: a thread of the device may still take it. NULL is fine. */
void device_destroy(struct device *d);

#endif
