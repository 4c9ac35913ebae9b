/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio over MMIO (virtio 1.3, section 4.2), version 2 only.
 *
 * Registers are accessed by 4 bytes, the configuration space from 0x100 by 1, 2 or 4. The interrupt
 * line is high while InterruptStatus is not 0. The device tree says "edge", so an acknowledgement
 * that leaves something pending drops the line and raises it again.
 *
 * When a keeper tells of acknowledgements late, the line stays up after them, until InterruptStatus
 * is read as 0 or the next interrupt raises it once more. For an edge that is all the same; a guest
 * that takes it as a level gets one interrupt too many.
 *
 * The line has a small lock of its own: queues raise interrupts from the threads that serve them.
 */
#ifndef DEVICES_VIRTIO_MMIO_H
#define DEVICES_VIRTIO_MMIO_H

#include "devices/virtio/virtio.h"
#include "vmm/core/device.h"
#include "vmm/core/irq.h"

#define VIRTIO_MMIO_QUEUE_NOTIFY 0x50 /* what an ioeventfd for a queue's kick_fd listens to */

#define VIRTIO_MMIO_INTERRUPT_ACK 0x64 /* whose writes the machine may keep */

/* Who keeps what drivers write to InterruptACK, rather than to have them wait until it is done. */
struct virtio_mmio_keeper {
	/*
	 * Hands over all that was written so far with virtio_mmio_late_ack(), to whichever devices
	 * it is for. Called before the difference can be told: when InterruptStatus is read, and
	 * before an interrupt is raised. Any thread, with a device's or a queue's lock held.
	 */
	void (*settle)(struct virtio_mmio_keeper *k);
};

/*
 * Owns @v from here on, also when it fails: NULL and @e set when memory is short. @irq is borrowed
 * and outlives the device.
 */
struct device *virtio_mmio_create(uint64_t base, uint64_t size, struct irq_line *irq,
				  struct virtio *v, struct err *e) MUST_CHECK;

/* Has @k keep the acknowledgements of @d, which no driver has seen yet. @k outlives the device. */
void virtio_mmio_keep_acks(struct device *d, struct virtio_mmio_keeper *k);
void virtio_mmio_late_ack(struct device *d, uint32_t bits) GUEST_FACING;

/* For the machine: the queues, to make ioeventfds of their kicks. */
struct virtio *virtio_mmio_virtio(struct device *d);

#endif
