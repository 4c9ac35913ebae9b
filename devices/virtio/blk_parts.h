/* SPDX-License-Identifier: Apache-2.0 */
/* What blk.c, the device, and blk_serve.c, its requests, share; see devices/virtio/blk.h. */
#ifndef DEVICES_VIRTIO_BLK_PARTS_H
#define DEVICES_VIRTIO_BLK_PARTS_H

#include "devices/virtio/blk.h"
#include "devices/virtio/turns.h"
#include "vmm/base/le.h"
#include "vmm/base/thread.h"

#include <stdatomic.h>

/* Feature bits, section 5.2.3. */
enum {
	VIRTIO_BLK_F_SEG_MAX = 2,
	VIRTIO_BLK_F_RO = 5,
	VIRTIO_BLK_F_BLK_SIZE = 6,
	VIRTIO_BLK_F_FLUSH = 9,
	VIRTIO_BLK_F_TOPOLOGY = 10,
	VIRTIO_BLK_F_CONFIG_WCE = 11,
	VIRTIO_BLK_F_MQ = 12,
	VIRTIO_BLK_F_DISCARD = 13,
	VIRTIO_BLK_F_WRITE_ZEROES = 14,
};

#define SECTOR	   512U
#define SERIAL_LEN VIRTIO_BLK_SERIAL

/* Bounds of what one request may ask the host to discard or to write zeroes over, in sectors. */
#define MAX_DISCARD_SECTORS (4U << 21) /* 4 GiB */
#define MAX_ZERO_SECTORS    (1U << 16) /* 32 MiB: where the host cannot deallocate, it writes */

/* The configuration space, section 5.2.4. */
struct blk_space {
	le64 capacity; /* sectors */
	le32 size_max, seg_max;
	le16 cylinders;
	uint8_t heads, sectors;
	le32 blk_size;
	uint8_t physical_block_exp, alignment_offset;
	le16 min_io_size;
	le32 opt_io_size;
	uint8_t writeback, unused0;
	le16 num_queues;
	le32 max_discard_sectors, max_discard_seg, discard_sector_alignment;
	le32 max_write_zeroes_sectors, max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap, unused1[3];
};

struct blk_queue {
	struct blk *blk;
	struct queue *queue; /* the core's, in blk.queues */
	struct disk_queue *host;
	struct thread thread;
	struct request *done; /* oldest first, to be given back; the thread's */
	struct request **done_tail;
	struct request *full; /* waiting for room on the host; the thread's */
	bool told_full;	      /* that they do; the thread's */
	struct turns turns;   /* the thread's */
	/* Set by the vCPU that stops the queue: what waits for room waits no more. */
	atomic_bool abandon;
};

struct blk {
	struct virtio v;
	struct disk *disk;
	struct virtio_blk_events events;
	char *name; /* owned */
	char serial[SERIAL_LEN];
	struct blk_space space; /* the device's lock */
	bool write_back;	/* what writeback is after a reset */
	atomic_bool write_through;
	atomic_bool ending;
	_Atomic uint64_t sectors; /* the capacity, for the queues */
	unsigned nr;
	struct queue queues[VIRTIO_BLK_MAX_QUEUES];
	struct blk_queue serving[VIRTIO_BLK_MAX_QUEUES];
};

/* Bytes of a request that are ours: queue_init() is told. */
extern const size_t blk_own_size;

/* The thread of a queue; @arg is its struct blk_queue. Ends when blk.ending is set and it is
 * kicked. */
void blk_serve(void *arg);

#endif
