/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels are made here: an Image with an EFI header like the kernel's own and a pattern for code,
 * then packed, wrapped and damaged in every way the loader may meet.
 */
#include "tests/lib/test.h"
#include "arch/arm64/boot/image.h"
#include "vmm/base/scope.h"

#include <elf.h>
#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <zlib.h>
#include <zstd.h>

enum {
	FILE_LEN = 40000, /* of the Image */
	MEM_LEN = 65536,  /* its image_size */
	BUF = 4 * FILE_LEN,
	GUARD = 4096
};

struct blob {
	uint8_t b[BUF];
	size_t len;
};

/* --- making files ------------------------------------------------------------------------------
 */

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v & 0xffff);
	put16(p + 2, v >> 16);
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

/* Neither constant nor random: packs, but not to nothing. */
static void pattern(uint8_t *p, size_t len)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (uint8_t)(x >> 24 & 0x1f);
	}
}

static void header(uint8_t *h, uint64_t text_offset, uint64_t image_size, uint64_t flags)
{
	memset(h, 0, 64);
	memcpy(h, "MZ\x40\xfa", 4); /* an instruction that is also the magic number of PE */
	put64(h + 8, text_offset);
	put64(h + 16, image_size);
	put64(h + 24, flags);
	memcpy(h + 56, "ARM\x64", 4);
	put32(h + 60, 64);
}

/* As arch/arm64/kernel/efi-header.S has it: COFF header at 64, two sections. */
static void pe_header(uint8_t *h, uint32_t file_len)
{
	memcpy(h + 64, "PE\0\0", 4);
	put16(h + 68, 0xaa64);
	put16(h + 70, 2);
	put16(h + 84, 160);
	memset(h + 248, 0, 80);
	put32(h + 248 + 16, 20000);
	put32(h + 248 + 20, 4096);
	put32(h + 288 + 16, file_len - 24096);
	put32(h + 288 + 20, 24096);
}

static void make_image(struct blob *o)
{
	o->len = FILE_LEN;
	pattern(o->b, o->len);
	header(o->b, 0, MEM_LEN, 10); /* 4K pages, anywhere: Debian's flags */
	pe_header(o->b, FILE_LEN);
}

static void gzip(const struct blob *in, struct blob *out)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in->b, .avail_in = (uInt)in->len };

	z.next_out = out->b;
	z.avail_out = BUF;
	EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len = BUF - z.avail_out;
	(void)deflateEnd(&z);
}

static void zstd(const struct blob *in, struct blob *out)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();

	EXPECT(c != NULL);
	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	out->len = ZSTD_compress2(c, out->b, BUF, in->b, in->len);
	EXPECT(!ZSTD_isError(out->len));
	(void)ZSTD_freeCCtx(c);
}

static void xz(const struct blob *in, struct blob *out)
{
	out->len = 0;
	EXPECT_EQ(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, in->b, in->len, out->b,
					  &out->len, BUF),
		  LZMA_OK);
}

static void zboot(const struct blob *packed, const char *type, struct blob *out)
{
	enum { AT = 4096 };

	memset(out->b, 0, AT);
	memcpy(out->b, "MZ\0\0zimg", 8);
	put32(out->b + 8, AT);
	put32(out->b + 12, (uint32_t)packed->len);
	memcpy(out->b + 24, type, strlen(type));
	put32(out->b + 0x38, 0x818223cd);
	put32(out->b + 0x3c, 64);
	memcpy(out->b + 64, "PE\0\0", 4);
	put16(out->b + 68, 0xaa64);
	memcpy(out->b + AT, packed->b, packed->len);
	put32(out->b + AT + packed->len, MEM_LEN); /* the size that the kernel's build appends */
	out->len = AT + packed->len + 4;
}

struct load {
	uint64_t offset, filesz, vaddr, paddr, memsz;
};

enum { PHDR = 64, DATA = 4096 };

static void elf_header(uint8_t *h, uint64_t entry, unsigned phnum)
{
	memset(h, 0, DATA);
	memcpy(h,
	       "\x7f"
	       "ELF\x02\x01\x01",
	       7);
	put16(h + 16, ET_EXEC);
	put16(h + 18, EM_AARCH64);
	put64(h + 24, entry);
	put64(h + 32, PHDR);
	put16(h + 54, 56);
	put16(h + 56, phnum);
}

static void elf_load(uint8_t *h, unsigned n, struct load l)
{
	uint8_t *p = h + PHDR + n * 56;

	put32(p, PT_LOAD);
	put64(p + 8, l.offset);
	put64(p + 16, l.vaddr);
	put64(p + 24, l.paddr);
	put64(p + 32, l.filesz);
	put64(p + 40, l.memsz);
}

/* The Image as a vmlinux: two segments at kernel addresses, in the wrong order in the table. */
static void make_vmlinux(struct blob *o)
{
	static struct blob image;
	const uint64_t base = 0xffff800080000000, cut = 16384;

	make_image(&image);
	elf_header(o->b, base + 0x100, 2);
	elf_load(
		o->b, 0,
		(struct load){ DATA + cut, FILE_LEN - cut, base + cut, base + cut, MEM_LEN - cut });
	elf_load(o->b, 1, (struct load){ DATA, cut, base, base, cut });
	memcpy(o->b + DATA, image.b, image.len);
	o->len = DATA + image.len;
}

/* --- using them --------------------------------------------------------------------------------
 */

static char path[32];

/* A file with these bytes; borrowed by the next call. */
static struct io_file *file(const void *bytes, size_t len)
{
	static struct io_file f = { .fd = -1 };
	auto_fd int fd = memfd_create("kernel", MFD_CLOEXEC);
	struct err e;

	io_close(&f);
	EXPECT(fd >= 0);
	EXPECT_EQ(io_write(fd, bytes, len), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(io_open(&f, path, &e), 0);
	(void)snprintf(path, sizeof(path), "dir/kernel");
	f.name = path;
	return &f;
}

static struct io_file *file_of(const struct blob *b)
{
	return file(b->b, b->len);
}

static int sniff(const struct blob *b, struct image *im, struct err *e)
{
	return image_sniff(im, file_of(b), e);
}

/* One sentence that names the file. */
static void expect_sentence(const struct err *e)
{
	size_t len = strlen(e->text);

	EXPECT(len > 0 && len < sizeof(e->text) - 1);
	EXPECT_EQ(strncmp(e->text, "dir/kernel: ", 12), 0);
	EXPECT(e->text[len - 1] != '.' && e->text[len - 1] != ' ');
	for (size_t i = 0; i < len; i++)
		EXPECT(e->text[i] >= ' ' && e->text[i] <= '~');
}

static uint8_t mem[4 * MEM_LEN + GUARD];

/* Sniffs and loads into @room bytes, and sees that nothing behind them was written. */
static int load(const struct blob *b, size_t room, bool fresh, struct err *e)
{
	const struct io_file *f = file_of(b);
	struct image im;
	int err = image_sniff(&im, f, e);

	if (err)
		return err;
	if (im.size > room)
		return err_set(e, EFBIG, "dir/kernel: too big for the test");
	memset(mem + room, 0x5a, GUARD);
	memset(mem, fresh ? 0 : 0xa5, room);
	err = image_load(&im, f, mem, im.open_ended ? room : im.size, fresh, e);
	EXPECT(mem[room] == 0x5a && memcmp(mem + room, mem + room + 1, GUARD - 1) == 0);
	return err;
}

static void make_gzip(struct blob *o)
{
	static struct blob image;

	make_image(&image);
	gzip(&image, o);
}

static void make_zstd(struct blob *o)
{
	static struct blob image;

	make_image(&image);
	zstd(&image, o);
}

static void make_zboot_gzip(struct blob *o)
{
	static struct blob packed;

	make_gzip(&packed);
	zboot(&packed, "gzip", o);
}

static void make_zboot_zstd(struct blob *o)
{
	static struct blob packed;

	make_zstd(&packed);
	zboot(&packed, "zstd22", o);
}

static void make_xz(struct blob *o)
{
	static struct blob image;

	make_image(&image);
	xz(&image, o);
}

static void make_zboot_xz(struct blob *o)
{
	static struct blob packed;

	make_xz(&packed);
	zboot(&packed, "xzkern", o);
}

static void (*const makers[])(struct blob *) = { make_image,	  make_gzip,	make_zstd,
						 make_xz,	  make_vmlinux, make_zboot_gzip,
						 make_zboot_zstd, make_zboot_xz };

/* --- what is understood ------------------------------------------------------------------------
 */

TEST(image_every_form_of_a_kernel_gives_the_same_memory)
{
	static struct blob image, b;
	struct image im;
	struct err e;

	make_image(&image);
	for (unsigned fresh = 0; fresh < 2; fresh++)
		for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
			makers[i](&b);
			EXPECT_EQ(load(&b, MEM_LEN, fresh, &e), 0);
			EXPECT_EQ(memcmp(mem, image.b, image.len), 0);
			for (size_t k = image.len; k < MEM_LEN; k++)
				EXPECT_EQ(mem[k],
					  0); /* BSS, also when the memory was used before */
			EXPECT_EQ(sniff(&b, &im, &e), 0);
			EXPECT_EQ(im.kind, IMAGE_LINUX);
			EXPECT_EQ(im.size, MEM_LEN);
			EXPECT_EQ(im.text_offset, 0);
			EXPECT_EQ(im.entry, 0);
			EXPECT_EQ(im.granule, GRANULE_4K);
			EXPECT(!im.open_ended && !im.big_endian);
		}
}

TEST(image_header_is_honoured)
{
	static const unsigned granules[] = { 0, GRANULE_4K, GRANULE_16K, GRANULE_64K };
	static struct blob b;
	struct image im;
	struct err e;

	for (unsigned g = 0; g < 4; g++)
		for (unsigned be = 0; be < 2; be++) {
			make_image(&b);
			header(b.b, 0x80000 * g, MEM_LEN * 3ULL, g << 1 | be);
			EXPECT_EQ(sniff(&b, &im, &e), 0);
			EXPECT_EQ(im.granule, granules[g]);
			EXPECT_EQ(im.big_endian, be);
			EXPECT_EQ(im.text_offset, 0x80000 * g);
			EXPECT_EQ(im.size, MEM_LEN * 3ULL);
		}
	header(b.b, 0x80002, MEM_LEN, 0);
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	EXPECT_HAS(e.text, "text_offset 0x80002");
}

/* A flat program whose header is sloppy about BSS still gets all of its file. */
TEST(image_size_is_at_least_that_of_the_file)
{
	static struct blob b;
	struct image im;
	struct err e;

	make_image(&b);
	header(b.b, 0, 4096, 0);
	EXPECT_EQ(sniff(&b, &im, &e), 0);
	EXPECT_EQ(im.size, FILE_LEN);
	EXPECT_EQ(load(&b, FILE_LEN, true, &e), 0);
	EXPECT_EQ(memcmp(mem, b.b, FILE_LEN), 0);
}

TEST(image_from_before_3_17_has_no_size_and_the_old_offset)
{
	static struct blob b, packed;
	struct image im;
	struct err e;

	make_image(&b);
	header(b.b, 0x0000080000000000, 0, ~0ULL); /* text_offset of a big-endian kernel */
	EXPECT_EQ(sniff(&b, &im, &e), 0);
	EXPECT(im.open_ended);
	EXPECT_EQ(im.text_offset, 0x80000);
	EXPECT_EQ(im.size, FILE_LEN);
	EXPECT_EQ(im.granule, 0);
	gzip(&b, &packed);
	EXPECT_EQ(sniff(&packed, &im, &e), 0);
	EXPECT(im.open_ended);
	EXPECT_EQ(load(&packed, FILE_LEN, true, &e), 0); /* to the last byte */
	EXPECT_EQ(memcmp(mem, b.b, FILE_LEN), 0);
	EXPECT_EQ(load(&packed, FILE_LEN - 1, true, &e), -EFBIG);
	EXPECT_HAS(e.text, "more than the 39999 bytes of guest memory");
}

TEST(image_check_names_what_the_cpus_lack)
{
	struct image_cpu cpu = { .granules = GRANULE_16K };
	static struct blob b;
	struct image im;
	struct err e;

	make_image(&b);
	EXPECT_EQ(sniff(&b, &im, &e), 0);
	EXPECT_EQ(image_check(&im, file_of(&b), &cpu, &e), -EINVAL);
	expect_sentence(&e);
	EXPECT_HAS(e.text, "4 KiB pages");
	cpu.granules = 0; /* not known */
	EXPECT_EQ(image_check(&im, file_of(&b), &cpu, &e), 0);
	cpu.granules = GRANULE_64K | GRANULE_4K;
	EXPECT_EQ(image_check(&im, file_of(&b), &cpu, &e), 0);
	cpu.aarch32 = true;
	EXPECT_EQ(image_check(&im, file_of(&b), &cpu, &e), -EINVAL);
	expect_sentence(&e);
	EXPECT_HAS(e.text, "AArch32");
	cpu.aarch32 = false;
	im.big_endian = true;
	EXPECT_EQ(image_check(&im, file_of(&b), &cpu, &e), -EINVAL);
	expect_sentence(&e);
	EXPECT_HAS(e.text, "big-endian");
	cpu.big_endian = true;
	EXPECT_EQ(image_check(&im, file_of(&b), &cpu, &e), 0);
}

TEST(image_zimage_is_for_32_bit_vcpus)
{
	struct image_cpu cpu = { 0 };
	static struct blob b;
	struct image im;
	struct err e;

	b.len = 5000;
	pattern(b.b, b.len);
	put32(b.b + 0x24, 0x016f2818);
	put32(b.b + 0x28, 0);
	put32(b.b + 0x2c, 4000); /* what is appended may be a device tree: loaded as well */
	EXPECT_EQ(load(&b, 5000, true, &e), 0);
	EXPECT_EQ(memcmp(mem, b.b, 5000), 0);
	EXPECT_EQ(sniff(&b, &im, &e), 0);
	EXPECT_EQ(im.kind, IMAGE_ZIMAGE);
	EXPECT_EQ(image_check(&im, file_of(&b), &cpu, &e), -EINVAL);
	expect_sentence(&e);
	EXPECT_HAS(e.text, "32-bit ARM");
	cpu.aarch32 = true;
	EXPECT_EQ(image_check(&im, file_of(&b), &cpu, &e), 0);
	put32(b.b + 0x2c, 5001);
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	EXPECT_HAS(e.text, "truncated");
}

TEST(image_several_members_are_one_stream_and_padding_is_none)
{
	static struct blob image, part[2], b;
	void (*const packers[])(const struct blob *, struct blob *) = { gzip, zstd, xz };
	struct err e;

	make_image(&image);
	for (unsigned k = 0; k < ARRAY_SIZE(packers); k++) {
		b.len = 0;
		for (unsigned i = 0; i < 2; i++) {
			part[0].len = i ? FILE_LEN - 10000 : 10000;
			memcpy(part[0].b, image.b + (i ? 10000 : 0), part[0].len);
			packers[k](&part[0], &part[1]);
			memcpy(b.b + b.len, part[1].b, part[1].len);
			b.len += part[1].len;
		}
		memset(b.b + b.len, 0, 512);
		b.len += 512;
		EXPECT_EQ(load(&b, MEM_LEN, true, &e), 0);
		EXPECT_EQ(memcmp(mem, image.b, FILE_LEN), 0);
	}
}

TEST(image_zstd_may_begin_with_a_frame_to_skip)
{
	static struct blob packed, b;
	struct err e;

	make_zstd(&packed);
	memcpy(b.b, "\x51\x2a\x4d\x18\x03\0\0\0abc", 11);
	memcpy(b.b + 11, packed.b, packed.len);
	b.len = packed.len + 11;
	EXPECT_EQ(load(&b, MEM_LEN, true, &e), 0);
	b.len = 11; /* and nothing else */
	EXPECT(load(&b, MEM_LEN, true, &e) < 0);
	expect_sentence(&e);
}

/* --- programs for bare metal -------------------------------------------------------------------
 */

static void make_program(struct blob *o)
{
	pattern(o->b, DATA + 8000);
	elf_header(o->b, 0x1010, 3);
	elf_load(o->b, 0, (struct load){ DATA, 3000, 0x1000, 0x40081000, 4000 });
	elf_load(o->b, 1, (struct load){ DATA + 3000, 5000, 0x9000, 0x40089000, 5000 });
	elf_load(o->b, 2, (struct load){ 0, 0, 0xb000, 0x4008b000, 0x1000 }); /* only BSS */
	o->len = DATA + 8000;
}

TEST(image_bare_metal_elf_is_loaded_at_its_physical_addresses)
{
	static struct blob b;
	struct image im;
	struct err e;

	make_program(&b);
	EXPECT_EQ(sniff(&b, &im, &e), 0);
	EXPECT_EQ(im.kind, IMAGE_FIXED);
	EXPECT_EQ(im.address, 0x40081000);
	EXPECT_EQ(im.size, 0xb000);
	EXPECT_EQ(im.entry, 0x10); /* e_entry is virtual */
	EXPECT_EQ(load(&b, 0xb000, false, &e), 0);
	EXPECT_EQ(memcmp(mem, b.b + DATA, 3000), 0);
	EXPECT_EQ(memcmp(mem + 0x8000, b.b + DATA + 3000, 5000), 0);
	for (size_t i = 3000; i < 4000; i++)
		EXPECT_EQ(mem[i], 0);
	for (size_t i = 0xa000; i < 0xb000; i++)
		EXPECT_EQ(mem[i], 0);
}

TEST(image_elf_with_a_kernels_header_keeps_addresses_that_ram_may_have)
{
	static struct blob b;
	struct image im;
	struct err e;

	make_vmlinux(&b);
	b.b[DATA + 56] ^= 1; /* no header, no place */
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	expect_sentence(&e);
	EXPECT_HAS(e.text, "linked for 0xffff800080000000");
	make_program(&b);
	header(b.b + DATA, 0, MEM_LEN, 10);
	EXPECT_EQ(sniff(&b, &im, &e), 0);
	EXPECT_EQ(im.kind, IMAGE_FIXED);
	EXPECT_EQ(im.address, 0x40081000);
}

TEST(image_elf_that_is_not_for_this_machine_or_broken_is_refused_by_name)
{
	static const struct {
		unsigned at, len;
		uint64_t v;
		const char *says;
	} cases[] = {
		{ 4, 1, 1, "ELF file for 32-bit programs" },
		{ 5, 1, 2, "big-endian ELF" },
		{ 18, 2, EM_X86_64, "ELF file for x86-64" },
		{ 18, 2, EM_ARM, "ELF file for 32-bit ARM" },
		{ 18, 2, 0x1234, "ELF file for an unknown machine" },
		{ 16, 2, ET_REL, "object file or kernel module" },
		{ 16, 2, ET_CORE, "no program" },
		{ 24, 8, 0x5000, "entry point 0x5000" },
		{ 32, 8, 1ULL << 63, "program headers lie beyond" },
		{ 32, 8, ~0ULL - 10, "program headers lie beyond" },
		{ 54, 2, 57, "strange size" },
		{ 56, 2, 0, "nothing to load" },
		{ 56, 2, 0xffff, "program headers lie beyond" },
		{ PHDR + 8, 8, ~0ULL, "truncated" },	   /* p_offset */
		{ PHDR + 32, 8, 1ULL << 62, "truncated" }, /* p_filesz */
		{ PHDR + 40, 8, 2999, "corrupt" },	   /* p_memsz */
		{ PHDR + 40, 8, ~0ULL, "corrupt" },
		{ PHDR + 24, 8, ~0ULL - 100, "corrupt" }, /* p_paddr */
	};
	static struct blob b;
	struct image im;
	struct err e;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t v[8];

		make_program(&b);
		put64(v, cases[i].v);
		memcpy(b.b + cases[i].at, v, cases[i].len);
		EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
		expect_sentence(&e);
		EXPECT_HAS(e.text, cases[i].says);
	}
}

TEST(image_elf_with_too_many_segments_is_refused)
{
	static struct blob b;
	struct image im;
	struct err e;

	make_program(&b);
	elf_header(b.b, 0x1010, IMAGE_MAX_PIECES + 1);
	for (unsigned i = 0; i <= IMAGE_MAX_PIECES; i++)
		elf_load(b.b, i, (struct load){ DATA, 1, 0x1010 + i, 0x40000000 + i, 1 });
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	EXPECT_HAS(e.text, "more than 32 segments");
	put16(b.b + 56, IMAGE_MAX_PIECES);
	EXPECT_EQ(sniff(&b, &im, &e), 0);
	EXPECT_EQ(im.nr_pieces, IMAGE_MAX_PIECES);
}

/* --- what is refused ---------------------------------------------------------------------------
 */

TEST(image_foreign_files_are_named)
{
	static const struct {
		unsigned at;
		const char *bytes;
		unsigned len;
		const char *says;
	} cases[] = {
		{ 0x202, "HdrS", 4, "x86 kernel (bzImage)" },
		{ 0x24, "\x01\x6f\x28\x18", 4, "big-endian 32-bit ARM" },
		{ 0x38, "RSC\x05", 4, "RISC-V kernel" },
		{ 0, "\x27\x05\x19\x56", 4, "uImage" },
		{ 0, "\xd0\x0d\xfe\xed", 4, "FIT image" },
		{ 0, "ANDROID!", 8, "Android boot image" },
		{ 0, "BZh9", 4, "compressed with bzip2" },
		{ 0, "\x04\x22\x4d\x18", 4, "compressed with lz4" },
		{ 0, "\x02\x21\x4c\x18", 4, "compressed with lz4" },
		{ 0, "\x5d\0\0\0\x01", 5, "compressed with lzma" },
		{ 0, "070701", 6, "--initrd" },
		{ 0, "#!/bin/sh", 9, "script" },
		{ 0, "whatever", 8, "not an arm64 kernel" },
	};
	static struct blob b, packed;
	struct image im;
	struct err e;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(b.b, 0x11, b.len = 4096);
		memcpy(b.b + cases[i].at, cases[i].bytes, cases[i].len);
		EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
		expect_sentence(&e);
		EXPECT_HAS(e.text, cases[i].says);
		zstd(&b, &packed); /* and when somebody packed it */
		EXPECT_EQ(sniff(&packed, &im, &e), -EINVAL);
		expect_sentence(&e);
		EXPECT_HAS(e.text, cases[i].says);
	}
}

TEST(image_efi_programs_and_foreign_zboot_are_named)
{
	static struct blob b, packed;
	struct image im;
	struct err e;

	make_zboot_gzip(&b);
	memset(b.b + 4, 0, 4); /* no longer zboot */
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	EXPECT_HAS(e.text, "EFI program, not a kernel Image");
	put16(b.b + 68, 0x8664);
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	EXPECT_HAS(e.text, "for x86-64");
	memcpy(b.b + 4, "zimg", 4);
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	EXPECT_HAS(e.text, "is a kernel for x86-64");
	make_gzip(&packed);
	zboot(&packed, "lz4", &b);
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	expect_sentence(&e);
	EXPECT_HAS(e.text, "'lz4'");
	memset(b.b + 24, 0xff, 32); /* nothing of a name reaches the terminal raw */
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	expect_sentence(&e);
	zboot(&packed, "gzip", &b);
	put32(b.b + 8, 0xffffffff);
	put32(b.b + 12, 0xffffffff);
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	EXPECT_HAS(e.text, "truncated");
}

TEST(image_empty_and_tiny_files_are_refused)
{
	static struct blob b;
	struct image im;
	struct err e;

	b.len = 0;
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	EXPECT_STR(e.text, "dir/kernel: is empty");
	b.len = 5;
	memcpy(b.b, "hello", 5);
	EXPECT_EQ(sniff(&b, &im, &e), -EINVAL);
	EXPECT_STR(e.text, "dir/kernel: too short for a kernel: 5 bytes");
}

/* --- damage ------------------------------------------------------------------------------------
 */

TEST(image_truncated_anywhere_is_an_error)
{
	static struct blob b;
	struct err e;

	for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
		size_t whole, pad;

		makers[i](&b);
		whole = b.len;
		pad = makers[i] == make_zboot_gzip || makers[i] == make_zboot_zstd ||
				      makers[i] == make_zboot_xz
			      ? 4
			      : 0;
		for (b.len = 0; b.len < whole - pad; b.len += b.len < 4096 ? 1 : 97) {
			EXPECT(load(&b, MEM_LEN, true, &e) < 0);
			expect_sentence(&e);
		}
	}
}

/* Whether noticed or not, no flipped bit makes us write elsewhere or say nonsense. */
TEST(image_flipped_bytes_are_harmless)
{
	static struct blob b;
	struct err e;

	for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
		if (makers[i] == make_zboot_xz)
			continue; /* as others of its parts */
		makers[i](&b);
		for (size_t at = 0; at < b.len; at += at < 400 ? 1 : 61) {
			uint8_t was = b.b[at];

			for (unsigned k = 0; k < 3; k++) {
				b.b[at] = (uint8_t)(k == 0 ? ~was : k == 1 ? was ^ 1 : was ^ 0x80);
				if (load(&b, 3 * MEM_LEN, true, &e) < 0)
					expect_sentence(&e);
			}
			b.b[at] = was;
		}
	}
}

TEST(image_checksums_are_honoured)
{
	static struct blob b;
	struct err e;

	make_gzip(&b);
	b.b[b.len - 8] ^= 1;
	EXPECT_EQ(load(&b, MEM_LEN, true, &e), -EINVAL);
	EXPECT_HAS(e.text, "corrupt gzip data: incorrect data check");
	make_zstd(&b);
	b.b[b.len - 1] ^= 1;
	EXPECT_EQ(load(&b, MEM_LEN, true, &e), -EINVAL);
	EXPECT_HAS(e.text, "corrupt zstd data");
	make_xz(&b);
	b.b[b.len - 40] ^= 1; /* before index and footer, of which each has one of its own */
	EXPECT_EQ(load(&b, MEM_LEN, true, &e), -EINVAL);
	EXPECT_HAS(e.text, "corrupt xz data");
}

/* 64 MB of zeros behind a good header, in a few KB. */
TEST(image_bombs_are_bounded_by_the_room_there_is)
{
	static struct blob image;
	size_t len = 64000000;
	auto_free uint8_t *big = malloc(len), *packed = malloc(len / 100);
	struct rusage before, after;
	struct image im;
	struct io_file *f;
	struct err e;

	EXPECT(big && packed);
	make_image(&image);
	memset(big, 0, len);
	memcpy(big, image.b, image.len);
	for (unsigned open_ended = 0; open_ended < 2; open_ended++) {
		uLongf n = len / 100;
		z_stream z = { .next_in = big, .avail_in = (uInt)len };

		header(big, 0, open_ended ? 0 : MEM_LEN, 0);
		f = file(packed, ZSTD_compress(packed, len / 100, big, len, 1));
		EXPECT_EQ(image_sniff(&im, f, &e), 0);
		EXPECT_EQ(getrusage(RUSAGE_SELF, &before), 0);
		EXPECT_EQ(image_load(&im, f, mem, MEM_LEN, true, &e), -EFBIG);
		expect_sentence(&e);

		z.next_out = packed;
		z.avail_out = (uInt)n;
		EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
		EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
		f = file(packed, z.total_out);
		(void)deflateEnd(&z);
		EXPECT_EQ(image_sniff(&im, f, &e), 0);
		EXPECT_EQ(image_load(&im, f, mem, MEM_LEN, true, &e), -EFBIG);
		expect_sentence(&e);
		EXPECT_EQ(getrusage(RUSAGE_SELF, &after), 0);
		EXPECT(after.ru_maxrss - before.ru_maxrss < 20000); /* KiB */
	}
}

TEST_MAIN(T(image_every_form_of_a_kernel_gives_the_same_memory), T(image_header_is_honoured),
	  T(image_size_is_at_least_that_of_the_file),
	  T(image_from_before_3_17_has_no_size_and_the_old_offset),
	  T(image_check_names_what_the_cpus_lack), T(image_zimage_is_for_32_bit_vcpus),
	  T(image_several_members_are_one_stream_and_padding_is_none),
	  T(image_zstd_may_begin_with_a_frame_to_skip),
	  T(image_bare_metal_elf_is_loaded_at_its_physical_addresses),
	  T(image_elf_with_a_kernels_header_keeps_addresses_that_ram_may_have),
	  T(image_elf_that_is_not_for_this_machine_or_broken_is_refused_by_name),
	  T(image_elf_with_too_many_segments_is_refused), T(image_foreign_files_are_named),
	  T(image_efi_programs_and_foreign_zboot_are_named),
	  T(image_empty_and_tiny_files_are_refused), T(image_truncated_anywhere_is_an_error),
	  T(image_flipped_bytes_are_harmless), T(image_checksums_are_honoured),
	  T(image_bombs_are_bounded_by_the_room_there_is))
