/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks made by hand: partition tables and superblocks with nothing behind them, in memory.
 */
#ifndef TESTS_LIB_FAKE_DISK_H
#define TESTS_LIB_FAKE_DISK_H

#include "vmm/initramfs/image.h"

#define FAKE_DISK_SIZE (4 * MiB)
#define FAKE_PART_A    (1 * MiB) /* where partitions begin; each 1 MiB long */
#define FAKE_PART_B    (2 * MiB)

struct fake_disk {
	uint8_t *data; /* owned */
	struct image_bytes bytes;
	uint64_t broken; /* reads that touch this byte fail with EIO; UINT64_MAX: none */
};

void fake_disk_create(struct fake_disk *d);
void fake_disk_destroy(struct fake_disk *d);

void fake_put16(uint8_t *p, unsigned v);
void fake_put32(uint8_t *p, uint32_t v);
void fake_put64(uint8_t *p, uint64_t v);

/*
 * A partition table: 1 at A ("first", PARTUUID 11111111-2222-3333-4444-555555555555) and 15 at B
 * ("größe 😀", the type that says it is a root for arm64).
 */
void fake_gpt(struct fake_disk *d, unsigned sector);

/* 2 at A, and 5 and 6 in an extended one at B; the disk's signature is 0xcafe0123. */
void fake_mbr(struct fake_disk *d);

/*
 * A superblock at @at: type "ext4", "xfs", "btrfs", "f2fs", "erofs", "squashfs", "vfat", "fat16",
 * "iso9660", "swap", "luks", "lvm". The UUID, where it has one, is 00112233-4455-... or 1234-ABCD.
 */
void fake_fs(struct fake_disk *d, uint64_t at, const char *type, const char *label);

#define FAKE_UUID      "00112233-4455-6677-8899-aabbccddeeff"
#define FAKE_PART_UUID "11111111-2222-3333-4444-555555555555"

#endif
