/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acks: acknowledgements of virtio interrupts, which KVM keeps for us (coalesced MMIO) instead of
 * an exit for each. The transport asks for them when it matters; see virtio_mmio_keep_acks().
 *
 * One ring for all vCPUs, written by the kernel and read by whoever asks. When it is full, a write
 * comes as an exit like any other.
 */
#ifndef VMM_ARCH_ARM64_ACKS_H
#define VMM_ARCH_ARM64_ACKS_H

#include "devices/virtio/mmio.h"
#include "vmm/kvm.h"

struct virtio_slots;

struct acks {
	struct virtio_mmio_keeper keeper;
	const struct virtio_slots *slots; /* who they are for; we are part of it */
	struct mutex lock; /* who takes from the ring; inside all locks but the lines' */
	struct kvm_coalesced_mmio_ring *_Atomic ring; /* of the first vCPU's mapping; NULL: none */
	uint32_t size;				      /* entries of the ring */
};

/* Keeps none so far. */
void acks_init(struct acks *a, const struct virtio_slots *slots);

/* Has KVM keep what is written to InterruptACK of @d, if it can. @run is a vCPU's, and outlives us.
 */
void acks_keep(struct acks *a, const struct kvm *k, struct kvm_run *run, struct device *d);

/* No device is told any more; before the first of them goes. The vCPUs are stopped. */
void acks_stop(struct acks *a);

#endif
