/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_disk.h"

#include "tests/lib/test.h"

#include <stdlib.h>
#include <zlib.h>

static int read_fake(void *ctx, uint64_t at, void *dst, size_t len)
{
	const struct fake_disk *d = ctx;

	if (!range_inside(at, len, 0, d->bytes.size))
		test_fail(__FILE__, __LINE__,
			  "a read of %zu bytes at %" PRIu64 " of a disk of %" PRIu64, len, at,
			  d->bytes.size);
	if (d->broken >= at && d->broken < at + len)
		return -EIO;
	memcpy(dst, d->data + at, len);
	return 0;
}

void fake_disk_create(struct fake_disk *d)
{
	*d = (struct fake_disk){
		.data = calloc(1, FAKE_DISK_SIZE),
		.bytes = { .size = FAKE_DISK_SIZE, .read = read_fake, .ctx = d },
		.broken = UINT64_MAX,
	};
	EXPECT(d->data != NULL);
}

void fake_disk_destroy(struct fake_disk *d)
{
	free(d->data);
	d->data = NULL;
}

void fake_put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void fake_put32(uint8_t *p, uint32_t v)
{
	fake_put16(p, v & 0xffff);
	fake_put16(p + 2, v >> 16);
}

void fake_put64(uint8_t *p, uint64_t v)
{
	fake_put32(p, (uint32_t)v);
	fake_put32(p + 4, (uint32_t)(v >> 32));
}

/* --- partition tables ------------------------------------------------------------------------ */

enum { ENTRIES = 128, ENTRY = 128 };

static void gpt_entry(uint8_t *table, unsigned number, const uint8_t *type, uint8_t uuid,
		      uint64_t at, unsigned sector, const uint16_t *name)
{
	uint8_t *e = table + (size_t)(number - 1) * ENTRY;

	memcpy(e, type, 16);
	memset(e + 16, uuid, 16);
	fake_put64(e + 32, at / sector);
	fake_put64(e + 40, (at + 1 * MiB) / sector - 1);
	for (unsigned i = 0; name[i]; i++)
		fake_put16(e + 56 + 2 * i, name[i]);
}

static void gpt_header(struct fake_disk *d, uint64_t self, uint64_t table, unsigned sector)
{
	uint8_t *h = d->data + self * sector;

	memcpy(h, "EFI PART", 8);
	fake_put32(h + 8, 0x10000);
	fake_put32(h + 12, 92);
	fake_put64(h + 24, self);
	fake_put64(h + 72, table);
	fake_put32(h + 80, ENTRIES);
	fake_put32(h + 84, ENTRY);
	fake_put32(h + 88, (uint32_t)crc32(0, d->data + table * sector, ENTRIES * ENTRY));
	fake_put32(h + 16, 0);
	fake_put32(h + 16, (uint32_t)crc32(0, h, 92));
}

void fake_gpt(struct fake_disk *d, unsigned sector)
{
	static const uint8_t linux_data[16] = { 0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47,
						0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4 };
	static const uint8_t root_arm64[16] = { 0x45, 0xb0, 0x21, 0xb9, 0xf0, 0x1d, 0xc3, 0x41,
						0xaf, 0x44, 0x4c, 0x6f, 0x28, 0x0d, 0x3f, 0xae };
	static const uint8_t uuid[16] = { 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33,
					  0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55 };
	uint64_t last = FAKE_DISK_SIZE / sector - 1, copy = last - ENTRIES * ENTRY / sector;
	uint8_t *table = d->data + 2 * sector;

	d->data[446 + 4] = 0xee;
	fake_put32(d->data + 446 + 8, 1);
	fake_put32(d->data + 446 + 12, 0xffffffff);
	fake_put16(d->data + 510, 0xaa55);
	gpt_entry(table, 1, linux_data, 0, FAKE_PART_A, sector,
		  (const uint16_t[]){ 'f', 'i', 'r', 's', 't', 0 });
	memcpy(table + 16, uuid, 16);
	gpt_entry(table, 15, root_arm64, 0x77, FAKE_PART_B, sector,
		  (const uint16_t[]){ 'g', 'r', 0xf6, 0xdf, 'e', ' ', 0xd83d, 0xde00, 0 });
	memcpy(d->data + copy * sector, table, ENTRIES * ENTRY);
	gpt_header(d, 1, 2, sector);
	gpt_header(d, last, copy, sector);
}

static void mbr_entry(uint8_t *table, unsigned n, unsigned type, uint64_t at, uint64_t size)
{
	uint8_t *e = table + 446 + 16 * (size_t)n;

	e[4] = (uint8_t)type;
	fake_put32(e + 8, (uint32_t)(at / 512));
	fake_put32(e + 12, (uint32_t)(size / 512));
	fake_put16(table + 510, 0xaa55);
}

void fake_mbr(struct fake_disk *d)
{
	fake_put32(d->data + 440, 0xcafe0123);
	mbr_entry(d->data, 1, 0x83, FAKE_PART_A, MiB);
	mbr_entry(d->data, 2, 0x0f, FAKE_PART_B, 2 * MiB);
	mbr_entry(d->data + FAKE_PART_B, 0, 0x83, 4096, MiB - 4096);
	mbr_entry(d->data + FAKE_PART_B, 1, 0x05, MiB, MiB);
	mbr_entry(d->data + FAKE_PART_B + MiB, 0, 0x83, 4096, 65536);
}

/* --- superblocks ----------------------------------------------------------------------------- */

static const struct layout {
	const char *type;
	unsigned magic_at;
	const char *magic;
	unsigned magic_len, uuid_at, label_at; /* 0: none */
} layouts[] = {
	{ "ext4", 1080, "\x53\xef", 2, 1024 + 0x68, 1024 + 0x78 },
	{ "xfs", 0, "XFSB", 4, 32, 108 },
	{ "btrfs", 0x10040, "_BHRfS_M", 8, 0x10020, 0x1012b },
	{ "f2fs", 1024, "\x10\x20\xf5\xf2", 4, 1024 + 108, 1024 + 124 },
	{ "erofs", 1024, "\xe2\xe1\xf5\xe0", 4, 1024 + 48, 1024 + 64 },
	{ "squashfs", 0, "hsqs", 4, 0, 0 },
	{ "vfat", 82, "FAT32   ", 8, 67, 71 },
	{ "fat16", 54, "FAT16   ", 8, 39, 43 },
	{ "iso9660", 32769, "CD001", 5, 0, 32808 },
	{ "swap", 4086, "SWAPSPACE2", 10, 0, 0 },
	{ "luks", 0, "LUKS\xba\xbe", 6, 0, 0 },
	{ "lvm", 536, "LVM2 001", 8, 0, 0 },
};

void fake_fs(struct fake_disk *d, uint64_t at, const char *type, const char *label)
{
	uint8_t *s = d->data + at;

	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		const struct layout *l = &layouts[i];

		if (strcmp(l->type, type) != 0)
			continue;
		memcpy(s + l->magic_at, l->magic, l->magic_len);
		if (strstr(type, "fat"))
			fake_put32(s + l->uuid_at, 0x1234abcd);
		else if (l->uuid_at)
			for (unsigned k = 0; k < 16; k++)
				s[l->uuid_at + k] = (uint8_t)(0x11 * k);
		if (strstr(type, "fat") || strcmp(type, "iso9660") == 0)
			memset(s + l->label_at, ' ', 11);
		if (strcmp(type, "f2fs") == 0)
			for (unsigned k = 0; label[k]; k++)
				fake_put16(s + l->label_at + 2 * k, (uint8_t)label[k]);
		else if (l->label_at)
			memcpy(s + l->label_at, label, strlen(label));
		return;
	}
	test_fail(__FILE__, __LINE__, "no such file system: %s", type);
}
