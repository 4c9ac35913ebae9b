/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image: what kind of kernel a file is, what it asks of its surroundings, and its bytes into guest
 * memory.
 *
 * Known: the arm64 Image (Linux Documentation/arch/arm64/booting.rst, section 4), plain or packed
 * with gzip, zstd or xz, or inside an EFI zboot file (drivers/firmware/efi/libstub/zboot-header.S);
 * an ELF vmlinux, whose segments are the same Image; an ELF program for bare metal; a 32-bit ARM
 * zImage (Documentation/arch/arm/booting.rst). A flat program with an Image header is an Image.
 * Whatever else it may be, the error names it.
 *
 * A file is trusted no more than its first look: sizes and addresses in it are checked here or, as
 * far as they depend on the guest's memory, in boot_place(). It may change between sniffing and
 * loading; that gives a wrong kernel or an error, never a write outside the memory handed in.
 */
#ifndef VMM_ARCH_ARM64_IMAGE_H
#define VMM_ARCH_ARM64_IMAGE_H

#include "vmm/base/unpack.h"

/* How its place in memory is chosen. */
enum image_kind {
	IMAGE_LINUX,  /* text_offset bytes above a 2 MiB boundary, low in RAM */
	IMAGE_FIXED,  /* a program for bare metal: at its own physical address */
	IMAGE_ZIMAGE, /* a 32-bit ARM kernel: unpacks itself to the start of RAM */
};

/* Translation granules ("page sizes"), as bits of a mask. */
enum { GRANULE_4K = 1, GRANULE_16K = 2, GRANULE_64K = 4 };

/* Bytes of the file that go to memory as they are. */
struct image_piece {
	uint64_t from, len; /* in the file, bytes */
	uint64_t to, size;  /* where, from the image's first byte; size >= len, the rest reads 0 */
};

#define IMAGE_MAX_PIECES 32

struct image {
	enum image_kind kind;
	struct packed packed; /* how PACKED_NOT: the pieces instead */
	struct image_piece piece[IMAGE_MAX_PIECES];
	size_t nr_pieces;
	uint64_t text_offset; /* IMAGE_LINUX: first byte, from a 2 MiB boundary */
	uint64_t address;     /* IMAGE_FIXED: first byte, physical */
	uint64_t size;	      /* bytes of memory from the first byte on: code, data, BSS */
	uint64_t entry;	      /* first instruction, from the first byte */
	unsigned granule;     /* the one GRANULE_ it needs; 0: not said */
	bool open_ended; /* from before Linux 3.17: needs more than size, and does not say how much
			  */
	bool big_endian;
};

/* What the vCPUs can do, as far as a kernel can depend on it. */
struct image_cpu {
	unsigned granules; /* GRANULE_ mask; 0: not known, nothing is refused */
	bool big_endian;   /* EL1 can run big-endian */
	bool aarch32;	   /* EL1 starts in AArch32 */
};

/* Finds out what @f is. Reads a few KiB of it. */
int image_sniff(struct image *im, const struct io_file *f, struct err *e) MUST_CHECK;

/* Whether these vCPUs can run it; the error names @f and what is missing. */
int image_check(const struct image *im, const struct io_file *f, const struct image_cpu *cpu,
		struct err *e) MUST_CHECK;

/*
 * Brings the image into guest memory: its first byte to @dst, where @room bytes are free, at least
 * im->size. With @fresh, memory is known to read 0 and what the file does not fill is left alone;
 * else it is zeroed.
 */
int image_load(const struct image *im, const struct io_file *f, void *dst, size_t room, bool fresh,
	       struct err *e) MUST_CHECK;

#endif
