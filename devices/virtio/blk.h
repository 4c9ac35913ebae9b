/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-blk: a disk (virtio 1.3, section 5.2). vmm/host/disk.h is the host end.
 *
 * Each queue has a thread of its own, so the queues of a disk share nothing but the disk. What was
 * completed in a round is told to the driver by one interrupt.
 *
 * A write is safe when the driver's FLUSH after it was answered; without FLUSH negotiated, or with
 * the write-back cache switched off in the configuration space, when the write itself was. Errors
 * of the host reach the driver as I/O errors of that request, except for a full host: with on_full
 * given, the request waits there and is tried again until there is room.
 *
 * Not modelled: geometry, lifetime, secure erase, zoned devices.
 */
#ifndef DEVICES_VIRTIO_BLK_H
#define DEVICES_VIRTIO_BLK_H

#include "devices/virtio/virtio.h"
#include "vmm/base/keys.h"
#include "vmm/host/disk.h"

#define VIRTIO_BLK_MAX_QUEUES 16
#define VIRTIO_BLK_SERIAL     20 /* bytes of a serial number */

/* --disk: as the user writes it. With packed, that format of queues is offered beside the split. */
struct virtio_blk_config {
	char *path;   /* NULL: not given */
	char *id;     /* what messages call it; NULL: its path */
	char *serial; /* NULL: none; at most VIRTIO_BLK_SERIAL bytes */
	bool ro, snapshot, discard, packed;
	int cache;  /* enum disk_cache */
	int engine; /* enum disk_engine */
	uint32_t queues;
};

extern const struct key virtio_blk_keys[];
extern const struct virtio_blk_config virtio_blk_defaults;

/* What the device tells its owner. From a queue's thread; must not block. */
struct virtio_blk_events {
	/*
	 * A write found no room on the host and waits (@full), or all that waited are done. In
	 * turns. NULL: a write that finds no room fails.
	 */
	void (*on_full)(void *ctx, const char *name, bool full);
	void *ctx;
};

/* What no two of the @nr disks of a machine may have in common: the image, if one writes to it. */
int virtio_blk_check(const struct virtio_blk_config *c, size_t nr, struct err *e) MUST_CHECK;

/*
 * Opens the disk. @c and what it points to is borrowed until the return, @mem and @events outlive
 * the device. NULL and @e set on failure.
 */
struct virtio *virtio_blk_create(const struct virtio_blk_config *c, struct gmem *mem,
				 const struct virtio_blk_events *events, struct err *e) MUST_CHECK;

/* Looks whether the host's file or device has another size now, and tells the driver. Loop thread.
 */
void virtio_blk_look_at_size(struct virtio *v);

#endif
