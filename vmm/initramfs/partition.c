/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/partition.h"

#include "vmm/base/le.h"
#include "vmm/base/scope.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define SECTOR 512

/* --- text ------------------------------------------------------------------------------------ */

struct uuid_text uuid_text(const uint8_t b[16])
{
	static const char digits[] = "0123456789abcdef";
	struct uuid_text t;
	char *p = t.s;

	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[b[i] >> 4];
		*p++ = digits[b[i] & 15];
	}
	*p = '\0';
	return t;
}

struct uuid_text guid_text(const uint8_t b[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	uint8_t swapped[16];

	for (unsigned i = 0; i < 16; i++)
		swapped[i] = b[order[i]];
	return uuid_text(swapped);
}

/* As UTF-8 into @d; how many bytes. */
static size_t utf8(uint8_t d[4], uint32_t c)
{
	if (c < ' ' || c == 0x7f || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = '?';
	if (c < 0x80) {
		d[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		d[0] = (uint8_t)(0xc0 | c >> 6);
		d[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		d[0] = (uint8_t)(0xe0 | c >> 12);
		d[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		d[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	d[0] = (uint8_t)(0xf0 | c >> 18);
	d[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	d[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	d[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

void utf16_text(char *dst, size_t size, const uint8_t *src, size_t units)
{
	size_t len = 0;

	for (size_t i = 0; i < units; i++) {
		uint32_t c = le16_at(src + 2 * i), low;
		uint8_t bytes[4];
		size_t n;

		if (c == 0)
			break;
		low = i + 1 < units ? le16_at(src + 2 * i + 2) : 0;
		if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i++;
		}
		n = utf8(bytes, c);
		if (n >= size - len)
			break;
		memcpy(dst + len, bytes, n);
		len += n;
	}
	dst[len] = '\0';
}

/* --- both kinds ------------------------------------------------------------------------------ */

/* One of @nr sectors from @first on, if that is inside; NULL if not, or when there are enough. */
static struct partition *add(struct partitions *p, const struct image_bytes *im, unsigned number,
			     uint64_t first, uint64_t nr, unsigned sector)
{
	uint64_t at, size;

	if (p->nr == PARTITIONS_MAX || first == 0 || nr == 0 || !mul_ok(first, sector, &at) ||
	    !mul_ok(nr, sector, &size) || !range_inside(at, size, 0, im->size))
		return NULL;
	p->at[p->nr] = (struct partition){ .number = number, .at = at, .size = size };
	return &p->at[p->nr++];
}

/* --- GPT ------------------------------------------------------------------------------------- */

enum { GPT_HEADER = 92, GPT_ENTRY = 128, GPT_ENTRIES_MAX = 1024 };

static uint32_t checksum(const uint8_t *p, size_t len)
{
	return (uint32_t)crc32(0, p, (uInt)len);
}

/* Whether @h is a header that stands in sector @self and has not been damaged. */
static bool header_is_good(const uint8_t *h, uint64_t self)
{
	uint8_t copy[GPT_HEADER];

	memcpy(copy, h, sizeof(copy));
	memset(copy + 16, 0, 4); /* its own checksum */
	return memcmp(h, "EFI PART", 8) == 0 && le32_at(h + 12) == GPT_HEADER &&
	       le32_at(h + 16) == checksum(copy, sizeof(copy)) && le64_at(h + 24) == self;
}

/* 1: read; 0: there is no good table with its header in this sector; or -errno. */
static int gpt_read(const struct image_bytes *im, struct partitions *p, uint64_t self,
		    unsigned sector)
{
	auto_free uint8_t *table = NULL;
	uint8_t h[GPT_HEADER];
	uint64_t at;
	uint32_t nr, each;
	int code = image_read(im, self * sector, h, sizeof(h));

	if (code)
		return code == -ERANGE ? 0 : code;
	nr = le32_at(h + 80);
	each = le32_at(h + 84);
	if (!header_is_good(h, self) || !mul_ok(le64_at(h + 72), sector, &at) ||
	    nr > GPT_ENTRIES_MAX || each < GPT_ENTRY || each > 4096 || nr == 0)
		return 0;
	table = malloc((size_t)nr * each);
	if (!table)
		return -ENOMEM;
	code = image_read(im, at, table, (size_t)nr * each);
	if (code)
		return code == -ERANGE ? 0 : code;
	if (le32_at(h + 88) != checksum(table, (size_t)nr * each))
		return 0;
	for (uint32_t i = 0; i < nr; i++) {
		static const uint8_t unused[16];
		const uint8_t *e = table + (size_t)i * each;
		uint64_t first = le64_at(e + 32), last = le64_at(e + 40);
		struct partition *one;

		if (memcmp(e, unused, sizeof(unused)) == 0 || last < first || last == UINT64_MAX)
			continue;
		one = add(p, im, i + 1, first, last - first + 1, sector);
		if (!one)
			continue;
		one->type = guid_text(e);
		one->uuid = guid_text(e + 16);
		utf16_text(one->name, sizeof(one->name), e + 56, 36);
	}
	return 1;
}

/* --- MBR ------------------------------------------------------------------------------------- */

enum { MBR_TABLE = 446, MBR_ENTRY = 16, MBR_FIRST_LOGICAL = 5, MBR_LOGICAL_MAX = 64 };

static bool is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

static void add_mbr(struct partitions *p, const struct image_bytes *im, unsigned number,
		    uint64_t first, uint64_t nr, uint32_t disk)
{
	struct partition *one = add(p, im, number, first, nr, SECTOR);

	if (one)
		(void)snprintf(one->uuid.s, sizeof(one->uuid.s), "%08x-%02x", disk, number);
}

/* Each has a table of its own in front, with itself and the way to the next. */
static int read_logical(const struct image_bytes *im, struct partitions *p, uint64_t base,
			uint32_t disk)
{
	uint64_t at = base;

	for (unsigned i = 0; i < MBR_LOGICAL_MAX; i++) {
		uint8_t b[SECTOR];
		const uint8_t *own = b + MBR_TABLE, *next = own + MBR_ENTRY;
		int code = image_read(im, at * SECTOR, b, sizeof(b));

		if (code)
			return code == -ERANGE ? 0 : code;
		if (le16_at(b + 510) != 0xaa55)
			return 0;
		if (own[4])
			add_mbr(p, im, MBR_FIRST_LOGICAL + i, at + le32_at(own + 8),
				le32_at(own + 12), disk);
		if (!is_extended(next[4]))
			return 0;
		at = base + le32_at(next + 8);
	}
	return 0;
}

/* Also a FAT or NTFS boot sector ends in 55 AA; only a table has nothing but flags there. */
static bool is_mbr(const uint8_t b[SECTOR])
{
	for (unsigned i = 0; i < 4; i++)
		if (b[MBR_TABLE + i * MBR_ENTRY] & 0x7f)
			return false;
	return le16_at(b + 510) == 0xaa55;
}

static int mbr_read(const struct image_bytes *im, struct partitions *p, const uint8_t b[SECTOR])
{
	uint32_t disk = le32_at(b + 440);
	int code = 0;

	for (unsigned i = 0; i < 4 && code == 0; i++) {
		const uint8_t *e = b + MBR_TABLE + i * MBR_ENTRY;
		uint32_t first = le32_at(e + 8), nr = le32_at(e + 12);

		if (e[4] && !is_extended(e[4]))
			add_mbr(p, im, i + 1, first, nr, disk);
	}
	for (unsigned i = 0; i < 4 && code == 0; i++) {
		const uint8_t *e = b + MBR_TABLE + i * MBR_ENTRY;

		if (is_extended(e[4])) {
			code = read_logical(im, p, le32_at(e + 8), disk);
			break; /* Linux numbers those of the first */
		}
	}
	return code;
}

int partitions_read(const struct image_bytes *im, struct partitions *p)
{
	static const unsigned sectors[] = { 512, 4096 };
	uint8_t b[SECTOR];
	bool protective = false;
	int code;

	p->nr = 0;
	if (im->size < SECTOR)
		return 0;
	code = image_read(im, 0, b, sizeof(b));
	if (code || !is_mbr(b))
		return code;
	for (unsigned i = 0; i < 4; i++)
		protective = protective || b[MBR_TABLE + i * MBR_ENTRY + 4] == 0xee;
	if (!protective)
		return mbr_read(im, p, b);
	for (size_t i = 0; i < ARRAY_SIZE(sectors); i++) {
		const uint64_t in_disk = im->size / sectors[i];

		code = gpt_read(im, p, 1, sectors[i]);
		if (code == 0 && in_disk > 1)
			code = gpt_read(im, p, in_disk - 1, sectors[i]);
		if (code)
			return code < 0 ? code : 0;
	}
	return 0;
}
