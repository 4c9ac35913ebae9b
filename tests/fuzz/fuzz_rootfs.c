/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a disk that a root is looked for on (when the first is even), by a name that the
 * next ones choose, or as a kernel module (odd).
 *
 * Good seeds: the first MiB of images that parted and mkfs made. The checksums of a GPT are set
 * right here, which no fuzzer would guess.
 */
#include "vmm/base/le.h"
#include "vmm/initramfs/modinfo.h"
#include "vmm/initramfs/modsig.h"
#include "vmm/initramfs/rootfs.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct disk {
	uint8_t *data;
	size_t len;
};

static int read_disk(void *ctx, uint64_t at, void *dst, size_t len)
{
	const struct disk *d = ctx;

	assert(at <= d->len && len <= d->len - at);
	memcpy(dst, d->data + at, len);
	return 0;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* A header in sector 1 gets the checksums of what it describes, where that is in the disk. */
static void mend(const struct disk *d)
{
	uint8_t *h = d->data + 512;
	uint64_t at, len;

	if (d->len < 1024 || memcmp(h, "EFI PART", 8) != 0)
		return;
	at = le64_at(h + 72);
	len = (uint64_t)le32_at(h + 80) * le32_at(h + 84);
	if (at < d->len / 512 && len <= d->len - at * 512)
		put32(h + 88, (uint32_t)crc32(0, d->data + at * 512, (uInt)len));
	put32(h + 16, 0);
	put32(h + 16, (uint32_t)crc32(0, h, 92));
}

static void as_disk(const uint8_t *data, size_t len, unsigned name)
{
	static const char *const names[] = { "vda",    "vda1",	     "vda5",	      "LABEL=a",
					     "UUID=0", "PARTUUID=0", "PARTLABEL=abc", "a.img" };
	struct disk d = { malloc(len ? len : 1), len };
	struct root_disk disk = { .path = "a.img", .meant = name == 7 };
	struct root root;
	struct err e = { .text = "" };

	assert(d.data);
	memcpy(d.data, data, len);
	mend(&d);
	disk.bytes = (struct image_bytes){ .size = len, .read = read_disk, .ctx = &d };
	if (root_find(&root, names[name], &disk, 1, &e))
		assert(e.text[0] && !strchr(e.text, '\n'));
	else
		assert(strncmp(root.device, "vda", 3) == 0);
	free(d.data);
}

static void as_module(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1); /* its end is where ASan looks */
	struct modinfo m;
	const char *v = NULL;

	assert(copy);
	memcpy(copy, data, len);
	(void)modsig_hasher(copy, len);
	if (modinfo_find(&m, copy, len))
		while ((v = modinfo_next(&m, "depends", v)))
			assert(strlen(v) < len);
	free(copy);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	if (len < 2)
		return;
	if (data[0] & 1)
		as_module(data + 2, len - 2);
	else
		as_disk(data + 2, len - 2, data[1] % 8);
}
