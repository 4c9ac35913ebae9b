/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partition: the partitions of a disk, numbered as Linux numbers them: a GUID partition table (UEFI
 * specification 2.10, chapter 5, with 512-byte or 4 KiB sectors, its copy at the end of the disk
 * when the first is damaged), or an MBR with logical ones from 5 on.
 *
 * Pure but for the reads. Whatever the disk says, a partition that is returned lies inside it.
 */
#ifndef VMM_INITRAMFS_PARTITION_H
#define VMM_INITRAMFS_PARTITION_H

#include "vmm/initramfs/image.h"

#define PARTITIONS_MAX 128 /* that are looked at */

/* 16 bytes as UUIDs are written; "" for none. MBR: "12345678-01". */
struct uuid_text {
	char s[37];
};

struct partition {
	unsigned number;
	uint64_t at, size; /* bytes */
	struct uuid_text uuid;
	struct uuid_text type; /* GPT only */
	char name[112];	       /* UTF-8, as much as 36 units of UTF-16 take; GPT only */
};

struct partitions {
	struct partition at[PARTITIONS_MAX];
	size_t nr;
};

/*
 * Reads them, by number; none for a disk without a table. -errno only when the disk could not be
 * read.
 */
int partitions_read(const struct image_bytes *im, struct partitions *p) MUST_CHECK;

/* A UUID as it stands on the disk: in its order, or with its first fields little-endian (GPT). */
struct uuid_text uuid_text(const uint8_t b[16]);
struct uuid_text guid_text(const uint8_t b[16]);

/*
 * Little-endian UTF-16 of up to @units to UTF-8 in @dst of @size bytes, ended by a NUL; control
 * characters become '?'. Ends at the first 0.
 */
void utf16_text(char *dst, size_t size, const uint8_t *src, size_t units);

#endif
