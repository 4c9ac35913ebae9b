/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/fsprobe.h"

#include "vmm/base/le.h"

#include <stdio.h>
#include <string.h>

enum { LOOK = 2048 }; /* bytes of a superblock that are looked at */

/* Bytes of a label up to a NUL or @len, without blanks at the end and without what is unprintable.
 */
static void set_label(struct fs *fs, const uint8_t *s, size_t len)
{
	size_t n = strnlen((const char *)s, len < sizeof(fs->label) ? len : sizeof(fs->label) - 1);

	while (n && s[n - 1] == ' ')
		n--;
	for (size_t i = 0; i < n; i++)
		fs->label[i] = (char)(s[i] < ' ' || s[i] == 0x7f ? '?' : s[i]);
	fs->label[n] = '\0';
}

static void set_uuid(struct fs *fs, const uint8_t *b)
{
	static const uint8_t none[16];

	if (memcmp(b, none, sizeof(none)) != 0)
		fs->uuid = uuid_text(b);
}

static void ext(struct fs *fs, const uint8_t *s)
{
	if (le32_at(s + 0x60) & 0x8) {
		fs->type = NULL;
		fs->no = "a journal for another disk";
	}
	set_uuid(fs, s + 0x68);
	set_label(fs, s + 0x78, 16);
}

static void xfs(struct fs *fs, const uint8_t *s)
{
	set_uuid(fs, s + 32);
	set_label(fs, s + 108, 12);
}

static void btrfs(struct fs *fs, const uint8_t *s)
{
	set_uuid(fs, s + 0x20);
	set_label(fs, s + 0x12b, 256);
}

static void f2fs(struct fs *fs, const uint8_t *s)
{
	set_uuid(fs, s + 108);
	utf16_text(fs->label, sizeof(fs->label), s + 124, 512);
}

static void erofs(struct fs *fs, const uint8_t *s)
{
	set_uuid(fs, s + 48);
	set_label(fs, s + 64, 16);
}

static void iso9660(struct fs *fs, const uint8_t *s)
{
	set_label(fs, s + 40, 32);
}

static void fat(struct fs *fs, const uint8_t *serial, const uint8_t *label)
{
	static const uint8_t none[] = "NO NAME    ";

	(void)snprintf(fs->uuid.s, sizeof(fs->uuid.s), "%02X%02X-%02X%02X", serial[3], serial[2],
		       serial[1], serial[0]);
	if (memcmp(label, none, 11) != 0)
		set_label(fs, label, 11);
}

static void fat16(struct fs *fs, const uint8_t *s)
{
	fat(fs, s + 39, s + 43);
}

static void fat32(struct fs *fs, const uint8_t *s)
{
	fat(fs, s + 67, s + 71);
}

/* The first that fits counts: what covers others comes first. */
static const struct kind {
	uint32_t at;	/* of the superblock */
	uint32_t magic; /* its offset there */
	const char *bytes;
	uint8_t len;
	const char *type, *module, *no;
	void (*read)(struct fs *fs, const uint8_t *s);
} kinds[] = {
	{ 0, 0, "LUKS\xba\xbe", 6, NULL, NULL, "encrypted (LUKS)", NULL },
	{ 0, 536, "LVM2 001", 8, NULL, NULL, "an LVM volume", NULL },
	{ 4096, 0, "\xfc\x4e\x2b\xa9", 4, NULL, NULL, "a part of a RAID", NULL },
	{ 2048, 2038, "SWAPSPACE2", 10, NULL, NULL, "swap space", NULL },
	{ 0, 0, "XFSB", 4, "xfs", NULL, NULL, xfs },
	{ 0x10000, 0x40, "_BHRfS_M", 8, "btrfs", NULL, NULL, btrfs },
	{ 1024, 0x38, "\x53\xef", 2, "ext4", NULL, NULL, ext },
	{ 1024, 0, "\x10\x20\xf5\xf2", 4, "f2fs", NULL, NULL, f2fs },
	{ 1024, 0, "\xe2\xe1\xf5\xe0", 4, "erofs", NULL, NULL, erofs },
	{ 0, 0, "hsqs", 4, "squashfs", NULL, NULL, NULL },
	{ 0, 82, "FAT32   ", 8, "vfat", NULL, NULL, fat32 },
	{ 0, 54, "FAT16   ", 8, "vfat", NULL, NULL, fat16 },
	{ 0, 54, "FAT12   ", 8, "vfat", NULL, NULL, fat16 },
	{ 32768, 1, "CD001", 5, "iso9660", "isofs", NULL, iso9660 },
};

int fs_probe(const struct image_bytes *im, uint64_t at, uint64_t size, struct fs *fs)
{
	uint8_t s[LOOK];
	uint64_t have = UINT64_MAX; /* which piece is in @s */

	*fs = (struct fs){ .type = NULL };
	if (!range_inside(at, size, 0, im->size))
		return -ERANGE;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *k = &kinds[i];

		if (!range_inside(k->at, sizeof(s), 0, size))
			continue;
		if (have != k->at) {
			int code = image_read(im, at + k->at, s, sizeof(s));

			if (code)
				return code;
			have = k->at;
		}
		if (memcmp(s + k->magic, k->bytes, k->len) != 0)
			continue;
		*fs = (struct fs){ .type = k->type, .module = k->module, .no = k->no };
		if (k->read)
			k->read(fs, s);
		return 0;
	}
	return 0;
}
