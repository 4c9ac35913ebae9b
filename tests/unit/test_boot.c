/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "arch/arm64/boot/boot.h"
#include "vmm/base/checked.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define RAM_BASE 0x40000000ULL
#define BLOCK	 (2 * MiB)

/* --- placement ---------------------------------------------------------------------------------
 */

struct piece {
	uint64_t at, size;
};

static bool disjoint(struct piece a, struct piece b)
{
	return a.size == 0 || b.size == 0 || a.at >= b.at + b.size || b.at >= a.at + a.size;
}

static bool in_ram(struct piece p, const struct boot_input *in)
{
	return p.size == 0 ? p.at == 0 : range_inside(p.at, p.size, in->ram_base, in->ram_size);
}

/* Everything a layout promises, whatever went in. */
static void expect_sound(const struct boot_input *in, const struct boot_layout *out)
{
	const struct image *im = in->image;
	struct piece kernel = { out->kernel, out->kernel_room };
	struct piece dtb = { out->dtb, out->dtb_size };
	struct piece initrd = { out->initrd, out->initrd_size };

	EXPECT(kernel.size >= im->size);
	EXPECT_EQ(dtb.size, in->dtb_size);
	EXPECT_EQ(initrd.size, in->initrd_size);
	EXPECT(in_ram(kernel, in) && in_ram(dtb, in) && in_ram(initrd, in));
	EXPECT(disjoint(kernel, dtb) && disjoint(kernel, initrd) && disjoint(dtb, initrd));
	EXPECT_EQ(out->entry, out->kernel + im->entry);
	EXPECT(is_aligned(dtb.at, 8));
	if (dtb.size)
		EXPECT_EQ(dtb.at / BLOCK, (dtb.at + dtb.size - 1) / BLOCK);
	switch (im->kind) {
	case IMAGE_LINUX:
		EXPECT(is_aligned(out->kernel - im->text_offset, BLOCK));
		if (!im->open_ended)
			EXPECT_EQ(kernel.size, im->size);
		if (initrd.size) {
			uint64_t window = align_down(out->kernel, GiB);

			EXPECT(range_inside(initrd.at, initrd.size, window, 32 * GiB));
		}
		break;
	case IMAGE_FIXED:
		EXPECT_EQ(out->kernel, im->address);
		break;
	case IMAGE_ZIMAGE:
		EXPECT(out->kernel + im->size <= RAM_BASE + 512 * MiB);
		EXPECT(dtb.at + dtb.size <= RAM_BASE + 512 * MiB);
		EXPECT(initrd.at + initrd.size <= RAM_BASE + 512 * MiB);
		break;
	}
}

static uint64_t seed = 1;

static uint64_t any64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Of any magnitude below @bound (a power of two), often near a power of two. */
static uint64_t any_size(uint64_t bound)
{
	uint64_t v = (any64() | 1ULL << 63) >> (any64() % 64);

	if (any64() % 4 == 0)
		v = align_down(v, BLOCK) + any64() % 3 - 1;
	return v & (bound - 1);
}

TEST(boot_place_never_overlaps_for_any_sizes)
{
	unsigned placed[3] = { 0 }, refused[3] = { 0 };

	for (unsigned i = 0; i < 300000; i++) {
		struct image im = {
			.kind = (enum image_kind)(any64() % 3),
			.text_offset = any64() % 2 ? 0 : any_size(64 * MiB) & ~3ULL,
			.size = any_size(any64() % 8 ? GiB : 1ULL << 63) + 1,
			.entry = any64() % 64 * 4,
			.open_ended = any64() % 2,
			.granule = 0,
		};
		struct boot_input in = {
			.ram_base = RAM_BASE,
			.ram_size = any_size(any64() % 8 ? 2 * GiB : 1ULL << 48) & ~0xfffULL,
			.image = &im,
			.initrd_size = any64() % 3 ? any_size(any64() % 8 ? GiB : 1ULL << 62) : 0,
			.dtb_size = any64() % 16 ? any_size(BLOCK) + 1 : 0,
		};
		struct boot_layout out;
		struct err e = { 0 };

		im.address = RAM_BASE + any_size(2 * GiB);
		if (boot_place(&in, &out, &e) == 0) {
			expect_sound(&in, &out);
			placed[im.kind]++;
		} else {
			EXPECT_EQ(e.code, EFBIG);
			EXPECT(strlen(e.text) > 10);
			refused[im.kind]++;
		}
	}
	for (unsigned k = 0; k < 3; k++) /* or the loop above proves nothing */
		EXPECT(placed[k] > 5000 && refused[k] > 5000);
}

/* Whatever has 16 MiB of slack in a RAM of its own is placed, so refusal is never a mere habit. */
TEST(boot_place_refuses_only_what_does_not_fit)
{
	for (unsigned i = 0; i < 100000; i++) {
		struct image im = { .kind = IMAGE_LINUX,
				    .text_offset = any64() % 2 ? 0 : 0x80000,
				    .size = any_size(GiB) + 1,
				    .open_ended = any64() % 2 };
		struct boot_input in = { .ram_base = RAM_BASE,
					 .image = &im,
					 .initrd_size = any_size(16 * GiB),
					 .dtb_size = any_size(BLOCK) + 1 };
		struct boot_layout out;
		struct err e;

		in.ram_size = align_down(im.size + in.initrd_size + 16 * MiB, BLOCK);
		EXPECT_EQ(boot_place(&in, &out, &e), 0);
		expect_sound(&in, &out);
		if (!im.open_ended) {
			/* Exactly what it took is enough, and a page less is not. */
			in.ram_size = out.initrd_size ? out.initrd + out.initrd_size
						      : out.dtb + out.dtb_size;
			in.ram_size -= RAM_BASE;
			EXPECT_EQ(boot_place(&in, &out, &e), 0);
			in.ram_size -= 1;
			EXPECT_EQ(boot_place(&in, &out, &e), -EFBIG);
		}
	}
}

TEST(boot_place_of_a_usual_kernel_is_compact)
{
	struct image im = { .kind = IMAGE_LINUX, .size = 0x1aa0000 };
	struct boot_input in = { RAM_BASE, 512 * MiB, &im, 30 * MiB, 64 * KiB };
	struct boot_layout out;
	struct err e;

	EXPECT_EQ(boot_place(&in, &out, &e), 0);
	EXPECT_EQ(out.kernel, 0x40000000);
	EXPECT_EQ(out.dtb, 0x41aa0000);
	EXPECT_EQ(out.initrd, 0x41ab0000);
	in.dtb_size = 2 * MiB; /* fills a block, so begins one */
	EXPECT_EQ(boot_place(&in, &out, &e), 0);
	EXPECT_EQ(out.dtb, 0x41c00000);
	EXPECT_EQ(out.initrd, 0x41e00000);
}

TEST(boot_place_keeps_room_behind_a_kernel_of_unknown_size)
{
	struct image im = {
		.kind = IMAGE_LINUX, .size = 10 * MiB, .text_offset = 0x80000, .open_ended = true
	};
	struct boot_input in = { RAM_BASE, 4 * GiB, &im, 100 * MiB, 64 * KiB };
	struct boot_layout out;
	struct err e;

	EXPECT_EQ(boot_place(&in, &out, &e), 0);
	EXPECT_EQ(out.kernel, 0x40080000);
	EXPECT_EQ(out.initrd, RAM_BASE + 4 * GiB - 100 * MiB);
	EXPECT_EQ(out.dtb, RAM_BASE + 512 * MiB - 64 * KiB); /* before 4.2: not further away */
	EXPECT_EQ(out.kernel_room, out.dtb - out.kernel);
}

TEST(boot_place_of_a_program_has_the_tree_where_qemu_has_it)
{
	struct image im = { .kind = IMAGE_FIXED, .address = 0x40080000, .size = MiB, .entry = 64 };
	struct boot_input in = { RAM_BASE, 512 * MiB, &im, MiB, 64 * KiB };
	struct boot_layout out;
	struct err e;

	EXPECT_EQ(boot_place(&in, &out, &e), 0);
	EXPECT_EQ(out.dtb, 0x40000000);
	EXPECT_EQ(out.initrd, 0x48000000);
	EXPECT_EQ(out.entry, 0x40080040);
	im.address = 0x40000000; /* no room there */
	EXPECT_EQ(boot_place(&in, &out, &e), 0);
	EXPECT_EQ(out.dtb, 0x48000000);
	im.address = RAM_BASE + 511 * MiB; /* and none behind */
	EXPECT_EQ(boot_place(&in, &out, &e), 0);
	EXPECT_EQ(out.dtb, 0x40000000);
	EXPECT_EQ(out.initrd, 0x40010000);
	im.address = 0x80000;
	EXPECT_EQ(boot_place(&in, &out, &e), -EFBIG);
	EXPECT_STR(e.text,
		   "a program linked for 0x80000 to 0x180000, but guest memory is 0x40000000 "
		   "to 0x60000000");
}

TEST(boot_place_of_a_zimage_follows_the_arm_documentation)
{
	struct image im = { .kind = IMAGE_ZIMAGE, .size = 8 * MiB };
	struct boot_input in = { RAM_BASE, 4 * GiB, &im, 20 * MiB, 64 * KiB };
	struct boot_layout out;
	struct err e;

	EXPECT_EQ(boot_place(&in, &out, &e), 0);
	EXPECT_EQ(out.kernel, RAM_BASE + 32 * MiB);
	EXPECT_EQ(out.dtb, RAM_BASE + 128 * MiB);
	EXPECT_EQ(out.initrd, RAM_BASE + 128 * MiB + 64 * KiB);
	in.ram_size = 64 * MiB; /* then as high as it goes */
	EXPECT_EQ(boot_place(&in, &out, &e), 0);
	EXPECT_EQ(out.initrd, RAM_BASE + 44 * MiB);
	in.initrd_size = 600 * MiB;
	EXPECT_EQ(boot_place(&in, &out, &e), -EFBIG);
	EXPECT_HAS(e.text, "first 512 MiB");
}

TEST(boot_place_says_how_much_is_needed_and_how_much_there_is)
{
	struct image im = { .kind = IMAGE_LINUX, .size = 27 * MiB };
	struct boot_input in = { RAM_BASE, 32 * MiB, &im, 30 * MiB, 64 * KiB };
	struct boot_layout out;
	struct err e;

	EXPECT_EQ(boot_place(&in, &out, &e), -EFBIG);
	EXPECT_STR(e.text, "kernel (27 MiB), initrd (30 MiB) and device tree need 58 MiB of guest "
			   "memory, but there are 32");
	in.initrd_size = 0;
	in.ram_size = 16 * MiB;
	EXPECT_EQ(boot_place(&in, &out, &e), -EFBIG);
	EXPECT_STR(e.text, "kernel (27 MiB) and device tree need 28 MiB of guest memory, but there "
			   "are 16");
	in.ram_size = 64 * GiB;
	in.initrd_size = 32 * GiB;
	EXPECT_EQ(boot_place(&in, &out, &e), -EFBIG);
	EXPECT_HAS(e.text, "within 32 GiB of the kernel");
	in.dtb_size = 2 * MiB + 1;
	EXPECT_EQ(boot_place(&in, &out, &e), -EFBIG);
	EXPECT_HAS(e.text, "at most 2 MiB");
}

/* --- files -------------------------------------------------------------------------------------
 */

enum { KERNEL_LEN = 100000, INITRD_LEN = 70000, RAM_SIZE = 8 * 1024 * 1024 };

static uint8_t kernel_bytes[KERNEL_LEN], initrd_bytes[INITRD_LEN];
static const struct image_cpu cpu = { .granules = GRANULE_4K };

/* A file in memory; its path lives as long as the test. */
static const char *file(const void *bytes, size_t len, int *fd)
{
	static char paths[8][32];
	static unsigned n;
	char *path = paths[n++ % ARRAY_SIZE(paths)];

	*fd = memfd_create("test", MFD_CLOEXEC);
	EXPECT(*fd >= 0);
	EXPECT_EQ(io_write(*fd, bytes, len), 0);
	(void)snprintf(path, sizeof(paths[0]), "/proc/self/fd/%d", *fd);
	return path;
}

static void fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)any64();
}

/* @size: image_size, below 2^32. */
static void make_kernel(uint32_t size)
{
	fill(kernel_bytes, KERNEL_LEN);
	memset(kernel_bytes, 0, 64);
	for (unsigned i = 0; i < 4; i++)
		kernel_bytes[16 + i] = (uint8_t)(size >> 8 * i);
	kernel_bytes[24] = 10;
	memcpy(kernel_bytes + 56, "ARM\x64", 4);
}

static void make_ram(struct gmem *mem)
{
	void *ram =
		mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct err e;

	EXPECT(ram != MAP_FAILED);
	*mem = (struct gmem){ 0 };
	EXPECT_EQ(gmem_add(mem,
			   &(struct gmem_region){
				   .base = RAM_BASE, .size = RAM_SIZE, .host = ram, .name = "RAM" },
			   &e),
		  0);
}

static void expect_loaded(const struct boot *b, const struct gmem *mem, const char *dtb)
{
	const uint8_t *ram = mem->region[0].host;

	EXPECT_EQ(memcmp(ram + (b->at.kernel - RAM_BASE), kernel_bytes, KERNEL_LEN), 0);
	EXPECT_EQ(memcmp(ram + (b->at.initrd - RAM_BASE), initrd_bytes, INITRD_LEN), 0);
	EXPECT_EQ(memcmp(ram + (b->at.dtb - RAM_BASE), dtb, strlen(dtb)), 0);
}

TEST(boot_loads_all_three_and_again_after_a_reset)
{
	static struct gmem mem;
	struct boot b;
	struct err e;
	const char *kernel, *initrd;
	int kfd, ifd;
	uint8_t *ram;
	unsigned fds;

	make_kernel(200000);
	fill(initrd_bytes, INITRD_LEN);
	make_ram(&mem);
	ram = mem.region[0].host;
	kernel = file(kernel_bytes, KERNEL_LEN, &kfd);
	initrd = file(initrd_bytes, INITRD_LEN, &ifd);
	EXPECT_EQ(boot_open(&b, kernel, initrd, NULL, &e), 0);
	(void)close(kfd); /* from here on there is no path to them */
	(void)close(ifd);
	fds = test_entries("/proc/self/fd");
	for (unsigned i = 0; i < 100; i++) {
		EXPECT_EQ(boot_plan(&b, &cpu, RAM_BASE, RAM_SIZE, 4096, &e), 0);
		EXPECT_EQ(boot_load(&b, &mem, "the tree", 9, i == 0, &e), 0);
		EXPECT_EQ(b.at.entry, RAM_BASE);
		expect_loaded(&b, &mem, "the tree");
		for (unsigned k = KERNEL_LEN; k < 200000; k++)
			EXPECT_EQ(ram[k], 0);
		memset(ram, (int)i, RAM_SIZE); /* what a guest leaves behind */
	}
	EXPECT_EQ(test_entries("/proc/self/fd"), fds);
	boot_close(&b);
	EXPECT_EQ(test_entries("/proc/self/fd"), fds - 2);
	boot_close(&b);
}

/* Only what is loaded costs host memory. */
TEST(boot_touches_no_page_of_ram_needlessly)
{
	unsigned char vec[RAM_SIZE / 4096];
	static struct gmem mem;
	struct boot b;
	struct err e;
	unsigned touched = 0;
	int fd;

	make_kernel(4 * 1024 * 1024);
	make_ram(&mem);
	EXPECT_EQ(madvise(mem.region[0].host, RAM_SIZE, MADV_NOHUGEPAGE), 0);
	EXPECT_EQ(boot_open(&b, file(kernel_bytes, KERNEL_LEN, &fd), NULL, NULL, &e), 0);
	EXPECT_EQ(boot_plan(&b, &cpu, RAM_BASE, RAM_SIZE, 4096, &e), 0);
	EXPECT_EQ(boot_load(&b, &mem, "the tree", 9, true, &e), 0);
	EXPECT_EQ(mincore(mem.region[0].host, RAM_SIZE, vec), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(vec); i++)
		touched += vec[i] & 1;
	EXPECT_EQ(touched, (KERNEL_LEN + 4095) / 4096 + 1);
	boot_close(&b);
}

TEST(boot_takes_a_kernel_that_was_rebuilt_in_place)
{
	struct gmem mem;
	struct boot b;
	struct err e;
	const char *kernel, *initrd;
	int kfd, ifd;

	make_kernel(200000);
	fill(initrd_bytes, INITRD_LEN);
	make_ram(&mem);
	kernel = file(kernel_bytes, KERNEL_LEN, &kfd);
	initrd = file(initrd_bytes, INITRD_LEN, &ifd);
	EXPECT_EQ(boot_open(&b, kernel, initrd, NULL, &e), 0);
	EXPECT_EQ(boot_plan(&b, &cpu, RAM_BASE, RAM_SIZE, 4096, &e), 0);
	EXPECT_EQ(b.at.kernel_room, 200000);

	make_kernel(3000000);
	EXPECT_EQ(ftruncate(kfd, 0), 0);
	EXPECT_EQ(lseek(kfd, 0, SEEK_SET), 0);
	EXPECT_EQ(io_write(kfd, kernel_bytes, KERNEL_LEN), 0);
	EXPECT_EQ(boot_plan(&b, &cpu, RAM_BASE, RAM_SIZE, 4096, &e), 0);
	EXPECT_EQ(b.at.kernel_room, 3000000);
	EXPECT_EQ(boot_load(&b, &mem, "the tree", 9, false, &e), 0);
	expect_loaded(&b, &mem, "the tree");

	/* Cut off between plan and load: a sentence, and nobody dies. */
	EXPECT_EQ(ftruncate(ifd, 100), 0);
	EXPECT_EQ(boot_load(&b, &mem, "the tree", 9, false, &e), -EIO);
	EXPECT_HAS(e.text, "ends after 100 bytes where 70000 were expected");
	EXPECT_EQ(ftruncate(kfd, 0), 0);
	EXPECT_EQ(boot_plan(&b, &cpu, RAM_BASE, RAM_SIZE, 4096, &e), -EINVAL);
	EXPECT_HAS(e.text, "is empty");
	boot_close(&b);
	(void)close(kfd);
	(void)close(ifd);
}

TEST(boot_puts_an_archive_of_its_own_before_the_initrd)
{
	static const uint8_t archive[] = "an archive of 24 bytes.";
	struct gmem mem;
	struct boot b;
	struct err e;
	const uint8_t *at;
	unsigned fds = test_entries("/proc/self/fd");

	fill(initrd_bytes, INITRD_LEN);
	make_kernel(200000);
	for (unsigned with_initrd = 0; with_initrd < 2; with_initrd++) {
		int kfd, ifd, afd = memfd_create("archive", MFD_CLOEXEC);
		const char *kernel = file(kernel_bytes, KERNEL_LEN, &kfd);
		const char *initrd = file(initrd_bytes, INITRD_LEN, &ifd);

		EXPECT_EQ(io_write(afd, archive, sizeof(archive)), 0);
		make_ram(&mem);
		EXPECT_EQ(boot_open(&b, kernel, with_initrd ? initrd : NULL, NULL, &e), 0);
		EXPECT_EQ(boot_prepend(&b, afd, &e), 0);
		(void)close(afd);
		(void)close(kfd);
		(void)close(ifd);
		EXPECT_EQ(boot_plan(&b, &cpu, RAM_BASE, RAM_SIZE, 4096, &e), 0);
		EXPECT_EQ(boot_load(&b, &mem, "the tree", 9, true, &e), 0);
		EXPECT_EQ(b.at.initrd_size, sizeof(archive) + with_initrd * INITRD_LEN);
		at = (const uint8_t *)mem.region[0].host + (b.at.initrd - RAM_BASE);
		EXPECT_EQ(memcmp(at, archive, sizeof(archive)), 0);
		if (with_initrd)
			EXPECT_EQ(memcmp(at + sizeof(archive), initrd_bytes, INITRD_LEN), 0);
		boot_close(&b);
		EXPECT_EQ(test_entries("/proc/self/fd"), fds);
	}
}

TEST(boot_open_says_what_is_wrong_and_holds_nothing)
{
	unsigned fds = test_entries("/proc/self/fd");
	struct boot b;
	struct err e;
	const char *kernel;
	int fd, empty;

	EXPECT_EQ(boot_open(&b, "/nonexistent/Image", NULL, NULL, &e), -ENOENT);
	EXPECT_STR(e.text, "open /nonexistent/Image: No such file or directory");
	EXPECT_EQ(boot_open(&b, "/tmp", NULL, NULL, &e), -EISDIR);
	EXPECT_STR(e.text, "/tmp: is a directory, not a regular file");
	make_kernel(200000);
	kernel = file(kernel_bytes, KERNEL_LEN, &fd);
	EXPECT_EQ(boot_open(&b, kernel, "/nonexistent/initrd", NULL, &e), -ENOENT);
	EXPECT_HAS(e.text, "/nonexistent/initrd");
	EXPECT_EQ(boot_open(&b, kernel, file("", 0, &empty), NULL, &e), -EINVAL);
	EXPECT_HAS(e.text, "an empty initrd");
	EXPECT_EQ(boot_open(&b, kernel, NULL, "/dev/null", &e), -EINVAL);
	EXPECT_HAS(e.text, "/dev/null: is a device");
	(void)close(fd);
	(void)close(empty);
	EXPECT_EQ(test_entries("/proc/self/fd"), fds);
}

TEST(boot_plan_names_the_kernel_that_does_not_fit_or_run)
{
	struct image_cpu only_64k = { .granules = GRANULE_64K };
	const char *kernel;
	struct boot b;
	struct err e;
	int fd;

	make_kernel(20 * 1024 * 1024);
	kernel = file(kernel_bytes, KERNEL_LEN, &fd);
	EXPECT_EQ(boot_open(&b, kernel, NULL, NULL, &e), 0);
	EXPECT_EQ(boot_plan(&b, &cpu, RAM_BASE, RAM_SIZE, 4096, &e), -EFBIG);
	EXPECT_HAS(e.text,
		   "kernel (20 MiB) and device tree need 21 MiB of guest memory, but there are 8");
	EXPECT_EQ(strncmp(e.text, kernel, strlen(kernel)), 0);
	EXPECT_EQ(boot_plan(&b, &only_64k, RAM_BASE, 64 * MiB, 4096, &e), -EINVAL);
	EXPECT_HAS(e.text, "4 KiB pages");
	boot_close(&b);
	(void)close(fd);
}

/* --- the user's device tree --------------------------------------------------------------------
 */

static int user_dtb(const void *bytes, size_t len, void **blob, size_t *size, struct err *e)
{
	struct boot b;
	int kfd, dfd, err;

	make_kernel(200000);
	EXPECT_EQ(boot_open(&b, file(kernel_bytes, KERNEL_LEN, &kfd), NULL, file(bytes, len, &dfd),
			    e),
		  0);
	err = boot_user_dtb(&b, blob, size, e);
	boot_close(&b);
	(void)close(kfd);
	(void)close(dfd);
	return err;
}

TEST(boot_user_dtb_is_checked)
{
	static uint8_t tree[4096 + 100], huge[2 * 1024 * 1024 + 1];
	void *blob;
	size_t size;
	struct err e;

	EXPECT_EQ(fdt_create_empty_tree(tree, 4096), 0);
	EXPECT_EQ(fdt_setprop_string(tree, 0, "compatible", "test"), 0);
	EXPECT_EQ(fdt_pack(tree), 0);
	EXPECT_EQ(user_dtb(tree, fdt_totalsize(tree) + 100, &blob, &size, &e), 0); /* padded */
	EXPECT_EQ(size, fdt_totalsize(tree));
	EXPECT_EQ(memcmp(blob, tree, size), 0);
	free(blob);

	for (size_t len = 0; len < fdt_totalsize(tree); len++)
		EXPECT_EQ(user_dtb(tree, len, &blob, &size, &e), -EINVAL);
	EXPECT_HAS(e.text, "truncated");
	EXPECT_EQ(
		user_dtb("/dts-v1/; / { model = \"source, not a blob\"; };", 46, &blob, &size, &e),
		-EINVAL);
	EXPECT_HAS(e.text, "is not a device tree blob");
	for (size_t at = 0; at < fdt_totalsize(tree); at++) { /* noticed or harmless */
		uint8_t was = tree[at];

		tree[at] ^= 0xff;
		if (user_dtb(tree, fdt_totalsize(tree) < 4096 ? fdt_totalsize(tree) : 100, &blob,
			     &size, &e) == 0)
			free(blob);
		tree[at] = was;
	}
	EXPECT_EQ(user_dtb(huge, sizeof(huge), &blob, &size, &e), -EFBIG);
	EXPECT_HAS(e.text, "at most 2 MiB");
}

TEST(boot_user_dtb_is_none_when_none_was_given)
{
	struct boot b;
	size_t size = 1;
	struct err e;
	void *blob;
	int fd;

	make_kernel(200000);
	EXPECT_EQ(boot_open(&b, file(kernel_bytes, KERNEL_LEN, &fd), NULL, NULL, &e), 0);
	EXPECT_EQ(boot_user_dtb(&b, &blob, &size, &e), 0);
	EXPECT(blob == NULL && size == 0);
	boot_close(&b);
	(void)close(fd);
}

TEST_MAIN(T(boot_place_never_overlaps_for_any_sizes), T(boot_place_refuses_only_what_does_not_fit),
	  T(boot_place_of_a_usual_kernel_is_compact),
	  T(boot_place_keeps_room_behind_a_kernel_of_unknown_size),
	  T(boot_place_of_a_program_has_the_tree_where_qemu_has_it),
	  T(boot_place_of_a_zimage_follows_the_arm_documentation),
	  T(boot_place_says_how_much_is_needed_and_how_much_there_is),
	  T(boot_loads_all_three_and_again_after_a_reset),
	  T(boot_touches_no_page_of_ram_needlessly),
	  T(boot_takes_a_kernel_that_was_rebuilt_in_place),
	  T(boot_puts_an_archive_of_its_own_before_the_initrd),
	  T(boot_open_says_what_is_wrong_and_holds_nothing),
	  T(boot_plan_names_the_kernel_that_does_not_fit_or_run), T(boot_user_dtb_is_checked),
	  T(boot_user_dtb_is_none_when_none_was_given))
