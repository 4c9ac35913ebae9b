/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/boot/place.h"

#include "vmm/base/checked.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#define BLOCK	       (2 * MiB)   /* what a kernel maps its image and device tree with */
#define INITRD_WINDOW  (32 * GiB)  /* booting.rst: from the 1 GiB block of the kernel */
#define OLD_DTB_WINDOW (512 * MiB) /* before 4.2, from text_offset below the kernel */
#define PAGE	       (64 * KiB)  /* the largest a kernel may have; keeps neighbours off a page */

#define ZIMAGE_AT      (32 * MiB)  /* above what it unpacks to */
#define ZIMAGE_DATA_AT (128 * MiB) /* beyond what it writes while it unpacks */
#define ZIMAGE_LOWMEM  (512 * MiB) /* below the end of every kernel's linear map */

/* QEMU's board: initrd and tree at 128 MiB, or halfway into a small RAM. */
#define FIXED_DATA_AT (128 * MiB)

static uint64_t mib_up(uint64_t bytes)
{
	return bytes / MiB + (bytes % MiB != 0);
}

/* @size bytes from the first possible address at or above @at, which moves behind them. */
static bool put(uint64_t *at, uint64_t size, uint64_t align, uint64_t *where)
{
	return align_up_ok(*at, align, where) && add_ok(*where, size, at);
}

static bool crosses_block(uint64_t at, uint64_t size)
{
	return align_down(at, BLOCK) != align_down(at + size - 1, BLOCK);
}

/* Tree, then initrd, upwards from @at, which moves behind them; false when the sum wraps. */
static bool put_data(const struct boot_input *in, uint64_t *at, struct boot_layout *out)
{
	if (in->dtb_size) {
		if (!put(at, in->dtb_size, PAGE, &out->dtb))
			return false;
		if (crosses_block(out->dtb, in->dtb_size)) {
			*at = out->dtb;
			if (!put(at, in->dtb_size, BLOCK, &out->dtb))
				return false;
		}
	}
	return !in->initrd_size || put(at, in->initrd_size, PAGE, &out->initrd);
}

/* The same if they fit between @at and @end. */
static bool fit_data(const struct boot_input *in, uint64_t at, uint64_t end,
		     struct boot_layout *out)
{
	return put_data(in, &at, out) && at <= end;
}

/* Downwards: initrd below @initrd_end, tree below that and @dtb_end; false when @start is met. */
static bool fit_data_high(const struct boot_input *in, uint64_t start, uint64_t initrd_end,
			  uint64_t dtb_end, struct boot_layout *out)
{
	uint64_t end = initrd_end;

	if (end < start || in->initrd_size > end - start)
		return false;
	if (in->initrd_size)
		end = out->initrd = align_down(end - in->initrd_size, PAGE);
	if (in->dtb_size) {
		end = end < dtb_end ? end : dtb_end;
		if (end < start || in->dtb_size > end - start)
			return false;
		out->dtb = align_down(end - in->dtb_size, PAGE);
		if (crosses_block(out->dtb, in->dtb_size))
			out->dtb = align_down(align_down(end, BLOCK) - in->dtb_size, PAGE);
		end = out->dtb;
	}
	return end >= start;
}

/* Bytes with which fit_data_high() is sure to find a place for the tree, and for both. */
static uint64_t dtb_need(const struct boot_input *in)
{
	return in->dtb_size ? 2 * BLOCK + PAGE : 0;
}

static uint64_t data_need(const struct boot_input *in)
{
	return in->initrd_size + PAGE + dtb_need(in);
}

/* Says that RAM would have to be of @need bytes. */
static int too_small(const struct boot_input *in, uint64_t need, struct err *e)
{
	uint64_t kernel = mib_up(in->image->size), have = in->ram_size / MiB;

	if (in->initrd_size)
		return err_set(e, EFBIG,
			       "kernel (%" PRIu64 " MiB), initrd (%" PRIu64 " MiB) and device tree "
			       "need %" PRIu64 " MiB of guest memory, but there are %" PRIu64,
			       kernel, mib_up(in->initrd_size), mib_up(need), have);
	return err_set(e, EFBIG,
		       "kernel (%" PRIu64 " MiB) and device tree need %" PRIu64
		       " MiB of guest memory, but there are %" PRIu64,
		       kernel, mib_up(need), have);
}

static int beyond_window(const struct boot_input *in, struct err *e)
{
	return err_set(e, EFBIG,
		       "initrd (%" PRIu64 " MiB) does not lie within 32 GiB of the kernel",
		       mib_up(in->initrd_size));
}

/* An image that says its size: all close together at the start of RAM. */
static int place_sized(const struct boot_input *in, uint64_t kernel_end, struct boot_layout *out,
		       struct err *e)
{
	uint64_t at = kernel_end;

	out->kernel_room = in->image->size;
	if (!put_data(in, &at, out))
		return too_small(in, UINT64_MAX, e);
	if (kernel_end - in->ram_base > in->ram_size)
		return too_small(in, at - in->ram_base, e);
	if (in->initrd_size && at > align_down(out->kernel, GiB) + INITRD_WINDOW)
		return beyond_window(in, e);
	if (at - in->ram_base > in->ram_size)
		return too_small(in, at - in->ram_base, e);
	return 0;
}

/* One that does not: all else as far up as may be. */
static int place_open_ended(const struct boot_input *in, uint64_t kernel_end,
			    struct boot_layout *out, struct err *e)
{
	uint64_t ram_end = in->ram_base + in->ram_size, need, end = ram_end;
	uint64_t window_end = align_down(out->kernel, GiB) + INITRD_WINDOW;
	uint64_t dtb_end = in->ram_base + OLD_DTB_WINDOW;

	if (!add_ok(kernel_end - in->ram_base, data_need(in), &need))
		return too_small(in, UINT64_MAX, e);
	if (kernel_end > ram_end)
		return too_small(in, need, e);
	if (in->initrd_size && need > window_end - in->ram_base)
		return beyond_window(in, e);
	if (dtb_end > ram_end || dtb_end < kernel_end + dtb_need(in))
		dtb_end = ram_end; /* or the kernel alone is too large for the old rule */
	if (!fit_data_high(in, kernel_end, ram_end < window_end ? ram_end : window_end, dtb_end,
			   out))
		return too_small(in, need, e);
	if (in->initrd_size)
		end = out->initrd;
	if (in->dtb_size)
		end = out->dtb;
	out->kernel_room = end - out->kernel;
	return 0;
}

static int place_linux(const struct boot_input *in, struct boot_layout *out, struct err *e)
{
	const struct image *im = in->image;
	uint64_t end;

	if (!add_ok(in->ram_base, im->text_offset, &out->kernel) ||
	    !add_ok(out->kernel, im->size, &end))
		return err_set(e, EFBIG,
			       "a kernel of 0x%" PRIx64 " bytes at text_offset 0x%" PRIx64
			       ": more than any guest memory",
			       im->size, im->text_offset);
	return im->open_ended ? place_open_ended(in, end, out, e) : place_sized(in, end, out, e);
}

static int place_zimage(const struct boot_input *in, struct boot_layout *out, struct err *e)
{
	uint64_t at = in->ram_base + ZIMAGE_AT, end = in->ram_base + in->ram_size, need;
	uint64_t data_at = in->ram_base + ZIMAGE_DATA_AT;

	if (end - in->ram_base > ZIMAGE_LOWMEM)
		end = in->ram_base + ZIMAGE_LOWMEM;
	if (!put(&at, in->image->size, PAGE, &out->kernel) ||
	    !add_ok(at - in->ram_base, data_need(in), &need))
		need = UINT64_MAX;
	out->kernel_room = in->image->size;
	if (need == UINT64_MAX || need > ZIMAGE_LOWMEM)
		return err_set(e, EFBIG,
			       "kernel (%" PRIu64 " MiB) and initrd (%" PRIu64 " MiB) do not lie "
			       "within the first 512 MiB, as a 32-bit kernel needs them",
			       mib_up(in->image->size), mib_up(in->initrd_size));
	if (fit_data(in, at > data_at ? at : data_at, end, out) ||
	    fit_data_high(in, at, end, end, out))
		return 0;
	return too_small(in, need, e);
}

static int place_fixed(const struct boot_input *in, struct boot_layout *out, struct err *e)
{
	const struct image *im = in->image;
	uint64_t ram_end = in->ram_base + in->ram_size, low = in->ram_base, end, far;
	struct boot_input rest = *in;

	if (!range_inside(im->address, im->size, in->ram_base, in->ram_size))
		return err_set(e, EFBIG,
			       "a program linked for 0x%" PRIx64 " to 0x%" PRIx64
			       ", but guest memory is 0x%" PRIx64 " to 0x%" PRIx64,
			       im->address, im->address + im->size, in->ram_base, ram_end);
	out->kernel = im->address;
	out->kernel_room = im->size;
	end = im->address + im->size;
	far = in->ram_base + (in->ram_size / 2 < FIXED_DATA_AT ? in->ram_size / 2 : FIXED_DATA_AT);
	if (in->dtb_size <= im->address - low) {
		out->dtb = in->dtb_size ? low : 0;
		low += in->dtb_size;
		rest.dtb_size = 0;
	}
	if ((far > end && fit_data(&rest, far, ram_end, out)) ||
	    fit_data(&rest, end, ram_end, out) || fit_data(&rest, low, im->address, out))
		return 0;
	if (!put_data(&rest, &end, out))
		end = UINT64_MAX;
	return too_small(in, end - in->ram_base, e);
}

int boot_place(const struct boot_input *in, struct boot_layout *out, struct err *e)
{
	int err = 0;

	assert(is_aligned(in->ram_base, BLOCK) && in->ram_size <= UINT64_MAX / 2 - in->ram_base);
	*out = (struct boot_layout){ .dtb_size = in->dtb_size, .initrd_size = in->initrd_size };
	if (in->dtb_size > BOOT_DTB_MAX)
		return err_set(e, EFBIG,
			       "device tree of %" PRIu64 " bytes: a kernel takes at most 2 MiB",
			       in->dtb_size);
	switch (in->image->kind) {
	case IMAGE_LINUX:
		err = place_linux(in, out, e);
		break;
	case IMAGE_FIXED:
		err = place_fixed(in, out, e);
		break;
	case IMAGE_ZIMAGE:
		err = place_zimage(in, out, e);
		break;
	}
	out->entry = out->kernel + in->image->entry;
	return err;
}
