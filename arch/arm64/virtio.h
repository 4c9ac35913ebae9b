/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio devices of the board: in the order of the configuration on the slots of the map. */
#ifndef VMM_ARCH_ARM64_VIRTIO_H
#define VMM_ARCH_ARM64_VIRTIO_H

#include "arch/arm64/acks.h"
#include "arch/arm64/gic/gic.h"
#include "arch/arm64/memmap.h"
#include "devices/virtio/vsock.h"
#include "vmm/host/keeper.h"

struct virtio_slot {
	struct device *dev; /* on the bus, and owned; NULL: an empty slot, which is a hole */
	struct virtio *v;   /* dev's */
	struct gic_line line;
};

struct virtio_slots {
	struct virtio_slot slot[VIRTIO_SLOTS];
	unsigned nr;
	unsigned disks;		/* the first of them */
	struct virtio *balloon; /* a slot's; NULL: none */
	struct acks acks;
	struct keeper *keeper; /* borrowed; of the dialer */
	unsigned dial_job;
	struct virtio_vsock_dialer dialer;
};

/* Makes what @m->config has. The interrupt controller is there. */
int virtio_slots_create(struct virtio_slots *s, struct machine *m, struct err *e) MUST_CHECK;

/* Fine on a failed one. */
void virtio_slots_destroy(struct virtio_slots *s, struct machine *m);

#endif
