/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/acks.h"

#include "arch/arm64/memmap.h"
#include "arch/arm64/virtio.h"
#include "vmm/base/log.h"

#include <string.h>

static void hand_over(const struct acks *a, const struct kvm_coalesced_mmio *w)
{
	const uint64_t slot = (w->phys_addr - memmap[MM_VIRTIO].base) / VIRTIO_SLOT_SIZE;
	uint32_t bits;

	/* Part of the register is as good as nothing. */
	if (w->len != sizeof(bits) || slot >= a->slots->nr)
		return;
	memcpy(&bits, w->data, sizeof(bits));
	virtio_mmio_late_ack(a->slots->slot[slot].dev, bits);
}

/* Acquire, also of what we write: who finds it empty has seen the last one handed over. */
static bool is_empty(const struct kvm_coalesced_mmio_ring *r)
{
	return __atomic_load_n(&r->first, __ATOMIC_ACQUIRE) ==
	       __atomic_load_n(&r->last, __ATOMIC_ACQUIRE);
}

static void settle(struct virtio_mmio_keeper *keeper)
{
	struct acks *a = container_of(keeper, struct acks, keeper);
	struct kvm_coalesced_mmio_ring *r = atomic_load_explicit(&a->ring, memory_order_relaxed);

	if (!r || is_empty(r))
		return;
	LOCK_SCOPE(&a->lock);
	if (!atomic_load_explicit(&a->ring, memory_order_relaxed))
		return;
	while (!is_empty(r)) {
		hand_over(a, &r->coalesced_mmio[r->first]);
		__atomic_store_n(&r->first, (r->first + 1) % a->size, __ATOMIC_RELEASE);
	}
}

void acks_init(struct acks *a, const struct virtio_slots *slots)
{
	a->keeper.settle = settle;
	a->slots = slots;
	mutex_init(&a->lock);
	atomic_init(&a->ring, NULL);
}

void acks_keep(struct acks *a, const struct kvm *k, struct kvm_run *run, struct device *d)
{
	struct kvm_coalesced_mmio_ring *ring = kvm_kept_writes(k, run, &a->size);
	struct err e;

	if (!ring)
		return;
	atomic_store_explicit(&a->ring, ring, memory_order_relaxed);
	virtio_mmio_keep_acks(d, &a->keeper);
	/* Refused, they are exits as ever, and nothing is kept for the keeper to hand over. */
	if (kvm_keep_writes(k, d->base + VIRTIO_MMIO_INTERRUPT_ACK, sizeof(uint32_t), &e))
		log_info("acknowledgements come as exits: %s", e.text);
}

void acks_stop(struct acks *a)
{
	LOCK_SCOPE(&a->lock);
	atomic_store_explicit(&a->ring, NULL, memory_order_relaxed);
}
