/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/boot/image.h"

#include "arch/arm64/boot/elf.h"
#include "arch/arm64/boot/foreign.h"
#include "vmm/base/le.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>

/* The arm64 Image header: booting.rst, section 4. */
enum { HDR_TEXT_OFFSET = 8, HDR_IMAGE_SIZE = 16, HDR_FLAGS = 24, HDR_MAGIC = 56, HDR_SIZE = 64 };
#define FLAG_BIG_ENDIAN 1U
#define FLAG_GRANULE(f) ((f) >> 1 & 3)
#define OLD_TEXT_OFFSET 0x80000U

/* EFI zboot: zboot-header.S. */
enum { ZBOOT_MAGIC = 4, ZBOOT_FROM = 8, ZBOOT_LEN = 12, ZBOOT_TYPE = 24, ZBOOT_TYPE_LEN = 32 };

/* The 32-bit ARM zImage: arch/arm/boot/compressed/head.S. */
enum { ZIMAGE_MAGIC = 0x24, ZIMAGE_START = 0x28, ZIMAGE_END = 0x2c, ZIMAGE_SIZE = 0x30 };

/* PE: where its magic number is, the COFF header behind that, and a row of the section table. */
enum {
	PE_OFFSET = 0x3c,
	COFF_SECTIONS = 2,
	COFF_OPT_SIZE = 16,
	COFF_SIZE = 20,
	SECTION_RAW_LEN = 16,
	SECTION_RAW_FROM = 20,
	SECTION_SIZE = 40
};

#define PHYSICAL_BITS 52 /* no physical address is longer: Arm ARM, FEAT_LPA */

enum { HEAD = 4096 }; /* enough for every header looked at here */

static bool has(const uint8_t *head, size_t len, size_t at, const char *magic)
{
	size_t n = strlen(magic);

	return len >= at + n && memcmp(head + at, magic, n) == 0;
}

static bool is_image(const uint8_t *head, size_t len)
{
	return len >= HDR_SIZE && has(head, len, HDR_MAGIC, "ARM\x64");
}

/*
 * How long a file must be for the PE header and sections it announces, going by as much of the
 * header as is in @head; 0 when it is no PE file. An Image with an EFI stub is one too, and so says
 * how long it ought to be, which its own header does not.
 */
static uint64_t pe_end(const uint8_t *head, size_t len)
{
	uint64_t end, at;
	unsigned n;

	if (!has(head, len, 0, "MZ"))
		return 0;
	at = le32_at(head + PE_OFFSET) + 4ULL;
	end = at + COFF_SIZE;
	if (end > len)
		return end;
	if (!foreign_pe_machine(head, len))
		return 0;
	n = le16_at(head + at + COFF_SECTIONS);
	at = end + le16_at(head + at + COFF_OPT_SIZE);
	for (; n && at + SECTION_SIZE <= len; n--, at += SECTION_SIZE) {
		uint64_t reach = (uint64_t)le32_at(head + at + SECTION_RAW_FROM) +
				 le32_at(head + at + SECTION_RAW_LEN);

		if (reach > end)
			end = reach;
	}
	at += (uint64_t)n * SECTION_SIZE;
	return end > at ? end : at;
}

/* The header's facts; @file_size is what there is of it in the file, 0 when that is not known. */
static int read_header(struct image *im, const uint8_t *h, uint64_t file_size,
		       const struct io_file *f, struct err *e)
{
	static const unsigned granules[] = { 0, GRANULE_4K, GRANULE_16K, GRANULE_64K };
	uint64_t flags = le64_at(h + HDR_FLAGS);

	im->kind = IMAGE_LINUX;
	im->entry = 0;
	im->size = le64_at(h + HDR_IMAGE_SIZE);
	if (im->size == 0) {
		/* From before 3.17; its text_offset may be of either endianness. */
		im->text_offset = OLD_TEXT_OFFSET;
		im->open_ended = true;
	} else {
		im->text_offset = le64_at(h + HDR_TEXT_OFFSET);
		im->big_endian = flags & FLAG_BIG_ENDIAN;
		im->granule = granules[FLAG_GRANULE(flags)];
	}
	if (im->size < file_size)
		im->size = file_size;
	if (im->size < HDR_SIZE)
		im->size = HDR_SIZE;
	if (im->text_offset % 4)
		return err_set(e, EINVAL,
			       "%s: corrupt Image header: text_offset 0x%" PRIx64
			       " is not a multiple of 4",
			       f->name, im->text_offset);
	return 0;
}

static int sniff_plain(struct image *im, const uint8_t *head, size_t len, const struct io_file *f,
		       struct err *e)
{
	uint64_t end = pe_end(head, len);
	int err = read_header(im, head, f->size, f, e);

	if (err)
		return err;
	if (end > f->size)
		return err_set(e, EINVAL,
			       "%s: truncated: an Image of at least %" PRIu64
			       " bytes, of which the file has %" PRIu64,
			       f->name, end, f->size);
	im->piece[0] = (struct image_piece){ .len = f->size, .size = im->size };
	im->nr_pieces = 1;
	return 0;
}

/* What a packed kernel must be inside; a second layer of anything is for the user to peel. */
static int sniff_packed(struct image *im, const struct packed *p, const struct io_file *f,
			struct err *e)
{
	uint8_t head[HEAD];
	const char *what;
	size_t len;
	int err;

	im->packed = *p;
	err = unpack_head(f, p, head, sizeof(head), &len, e);
	if (err)
		return err;
	if (is_image(head, len))
		return read_header(im, head, 0, f, e);
	what = foreign_file(head, len);
	return err_set(e, EINVAL, "%s: what its %s data unpacks to %s", f->name,
		       unpack_name(p->how), what ? what : "is not an arm64 kernel Image");
}

static int sniff_zboot(struct image *im, const uint8_t *head, size_t len, const struct io_file *f,
		       struct err *e)
{
	const char *machine = foreign_pe_machine(head, len);
	char type[ZBOOT_TYPE_LEN + 1] = "";
	struct packed p;

	if (len < ZBOOT_TYPE + ZBOOT_TYPE_LEN)
		return err_set(e, EINVAL, "%s: truncated: an EFI zboot file of %zu bytes", f->name,
			       len);
	if (machine && strcmp(machine, "arm64") != 0)
		return err_set(e, EINVAL, "%s: is a kernel for %s: an arm64 one is needed", f->name,
			       machine);
	memcpy(type, head + ZBOOT_TYPE, ZBOOT_TYPE_LEN);
	for (char *c = type; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	p = (struct packed){
		.how = has(head, len, ZBOOT_TYPE, "gzip")   ? PACKED_GZIP
		       : has(head, len, ZBOOT_TYPE, "zstd") ? PACKED_ZSTD
		       : has(head, len, ZBOOT_TYPE, "xz")   ? PACKED_XZ
							    : PACKED_NOT,
		.at = le32_at(head + ZBOOT_FROM),
		.len = le32_at(head + ZBOOT_LEN),
	};
	if (p.how == PACKED_NOT)
		return err_set(e, EINVAL,
			       "%s: is an EFI zboot kernel compressed with '%s': vmm "
			       "unpacks gzip, zstd and xz",
			       f->name, type);
	if (p.len == 0 || p.at + p.len > f->size)
		return err_set(e, EINVAL,
			       "%s: truncated: an EFI zboot kernel with %" PRIu64
			       " bytes of data at %" PRIu64 ", in a file of %" PRIu64,
			       f->name, p.len, p.at, f->size);
	return sniff_packed(im, &p, f, e);
}

/*
 * A vmlinux is linked at kernel virtual addresses, for its physical ones as well, and its bytes are
 * those of an Image. A program that is linked at addresses RAM may have is put there, whatever it
 * begins with.
 */
static int sniff_elf(struct image *im, const struct io_file *f, struct err *e)
{
	const struct image_piece *first = &im->piece[0];
	uint8_t h[HDR_SIZE];
	int err = elf_sniff(im, f, e);

	if (err || im->address >> PHYSICAL_BITS == 0)
		return err;
	if (first->len >= sizeof(h)) {
		err = io_read_at(f, first->from, h, sizeof(h), e);
		if (err)
			return err;
		if (is_image(h, sizeof(h)))
			return read_header(im, h, im->size, f, e);
	}
	return err_set(e, EINVAL,
		       "%s: is an ELF file linked for 0x%" PRIx64
		       ", but does not begin with the header of an arm64 kernel Image",
		       f->name, im->address);
}

static int sniff_zimage(struct image *im, const uint8_t *head, const struct io_file *f,
			struct err *e)
{
	uint32_t start = le32_at(head + ZIMAGE_START), end = le32_at(head + ZIMAGE_END);

	if (end < start || end - start > f->size)
		return err_set(e, EINVAL,
			       "%s: truncated: a zImage of %" PRIu32 " bytes, of which the "
			       "file has %" PRIu64,
			       f->name, end - start, f->size);
	im->kind = IMAGE_ZIMAGE;
	im->size = f->size;
	im->piece[0] = (struct image_piece){ .len = f->size, .size = f->size };
	im->nr_pieces = 1;
	return 0;
}

static int refuse(const uint8_t *head, size_t len, const struct io_file *f, struct err *e)
{
	const char *what = foreign_file(head, len), *machine = foreign_pe_machine(head, len);

	if (what)
		return err_set(e, EINVAL, "%s: %s", f->name, what);
	if (machine && strcmp(machine, "arm64") == 0)
		return err_set(e, EINVAL,
			       "%s: is an EFI program, not a kernel Image: of a unified "
			       "kernel image give the kernel in it",
			       f->name);
	if (machine)
		return err_set(e, EINVAL,
			       "%s: is an EFI program or kernel for %s: an arm64 kernel is "
			       "needed",
			       f->name, machine);
	if (len < HDR_SIZE)
		return err_set(e, EINVAL, "%s: too short for a kernel: %zu bytes", f->name, len);
	return err_set(e, EINVAL,
		       "%s: is not an arm64 kernel: neither an Image (plain, gzip, zstd, xz or "
		       "EFI zboot) nor an ELF file",
		       f->name);
}

int image_sniff(struct image *im, const struct io_file *f, struct err *e)
{
	uint8_t head[HEAD];
	size_t len = f->size < HEAD ? (size_t)f->size : HEAD;
	enum packing how;
	int err;

	*im = (struct image){ 0 };
	if (len == 0)
		return err_set(e, EINVAL, "%s: is empty", f->name);
	err = io_read_at(f, 0, head, len, e);
	if (err)
		return err;
	if (is_image(head, len))
		return sniff_plain(im, head, len, f, e);
	if (has(head, len, 0, "MZ") && has(head, len, ZBOOT_MAGIC, "zimg"))
		return sniff_zboot(im, head, len, f, e);
	if (has(head, len, 0,
		"\x7f"
		"ELF"))
		return sniff_elf(im, f, e);
	how = unpack_sniff(head, len);
	if (how != PACKED_NOT)
		return sniff_packed(im, &(struct packed){ .how = how, .len = f->size }, f, e);
	if (len >= ZIMAGE_SIZE && has(head, len, ZIMAGE_MAGIC, "\x18\x28\x6f\x01"))
		return sniff_zimage(im, head, f, e);
	return refuse(head, len, f, e);
}

int image_check(const struct image *im, const struct io_file *f, const struct image_cpu *cpu,
		struct err *e)
{
	if (im->kind == IMAGE_ZIMAGE && !cpu->aarch32)
		return err_set(e, EINVAL,
			       "%s: is a 32-bit ARM kernel (zImage): it needs vCPUs that "
			       "start in AArch32",
			       f->name);
	if (im->kind != IMAGE_ZIMAGE && cpu->aarch32)
		return err_set(e, EINVAL,
			       "%s: is a 64-bit kernel, and the vCPUs were asked to start in "
			       "AArch32",
			       f->name);
	if (im->big_endian && !cpu->big_endian)
		return err_set(e, EINVAL,
			       "%s: is a big-endian kernel, which this host's CPUs cannot "
			       "run",
			       f->name);
	if (im->granule && cpu->granules && !(im->granule & cpu->granules))
		return err_set(e, EINVAL,
			       "%s: is built for %s pages, which this host's CPUs do not "
			       "have",
			       f->name,
			       im->granule == GRANULE_4K    ? "4 KiB"
			       : im->granule == GRANULE_16K ? "16 KiB"
							    : "64 KiB");
	return 0;
}

static int load_packed(const struct image *im, const struct io_file *f, uint8_t *dst, size_t room,
		       bool fresh, struct err *e)
{
	size_t got;
	int err;

	/* Bounds what is read, too; packing adds little to what does not pack. */
	if (im->packed.len > room + room / 64 + 64 * KiB)
		return err_set(e, EFBIG,
			       "%s: %" PRIu64
			       " bytes of %s data for a kernel that has room for %zu",
			       f->name, im->packed.len, unpack_name(im->packed.how), room);
	err = unpack_all(f, &im->packed, dst, room, &got, e);
	(void)malloc_trim(0); /* the guest runs for long; what unpacking took, the host gets back */
	if (err == -EFBIG && !im->open_ended)
		return err_set(e, EFBIG,
			       "%s: unpacks to more than the %zu bytes that its Image header "
			       "asks for",
			       f->name, room);
	if (err == -EFBIG)
		return err_set(e, EFBIG,
			       "%s: unpacks to more than the %zu bytes of guest memory there "
			       "are for it",
			       f->name, room);
	if (err)
		return err;
	if (!fresh && got < im->size)
		memset(dst + got, 0, im->size - got);
	return 0;
}

int image_load(const struct image *im, const struct io_file *f, void *dst, size_t room, bool fresh,
	       struct err *e)
{
	assert(room >= im->size);
	if (im->packed.how != PACKED_NOT)
		return load_packed(im, f, dst, im->open_ended ? room : im->size, fresh, e);
	for (size_t i = 0; i < im->nr_pieces; i++) {
		const struct image_piece *p = &im->piece[i];
		uint8_t *to = (uint8_t *)dst + p->to;
		int err = io_read_at(f, p->from, to, p->len, e);

		if (err)
			return err;
		if (!fresh)
			memset(to + p->len, 0, p->size - p->len);
	}
	return 0;
}
