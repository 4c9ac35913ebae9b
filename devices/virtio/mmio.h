/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio over MMIO (virtio 1.3, section 4.2), version 2 only.
 *
 * Registers are accessed by 4 bytes, the configuration space from 0x100 by 1, 2 or 4. The interrupt
 * line is high while InterruptStatus is not 0. The device tree says "edge", so an acknowledgement
 * that leaves something pending drops the line and raises it again.
 *
 * The line has a small lock of its own: queues raise interrupts from the threads that serve them.
 */
#ifndef DEVICES_VIRTIO_MMIO_H
#define DEVICES_VIRTIO_MMIO_H

#include "devices/virtio/virtio.h"
#include "vmm/core/device.h"
#include "vmm/core/irq.h"

#define VIRTIO_MMIO_QUEUE_NOTIFY 0x50 /* what an ioeventfd for a queue's kick_fd listens to */

/*
 * Owns @v from here on, also when it fails: NULL and @e set when memory is short. @irq is borrowed
 * and outlives the device.
 */
struct device *virtio_mmio_create(uint64_t base, uint64_t size, struct irq_line *irq,
				  struct virtio *v, struct err *e) MUST_CHECK;

/* For the machine: the queues, to make ioeventfds of their kicks. */
struct virtio *virtio_mmio_virtio(struct device *d);

#endif
