/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/boot/boot.h"

#include "vmm/base/scope.h"
#include "vmm/core/poison.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

static int open_all(struct boot *b, const char *kernel, const char *initrd, const char *dtb,
		    struct err *e)
{
	int err = io_open(&b->kernel, kernel, e);

	if (!err)
		err = image_sniff(&b->image, &b->kernel, e);
	if (!err && initrd)
		err = io_open(&b->initrd, initrd, e);
	if (!err && initrd && b->initrd.size == 0)
		err = err_set(e, EINVAL, "%s: an empty initrd", initrd);
	if (!err && dtb)
		err = io_open(&b->dtb, dtb, e);
	return err;
}

int boot_open(struct boot *b, const char *kernel, const char *initrd, const char *dtb,
	      struct err *e)
{
	int err;

	*b = (struct boot){ .kernel.fd = -1, .initrd.fd = -1, .dtb.fd = -1, .first.fd = -1 };
	err = open_all(b, kernel, initrd, dtb, e);
	if (err)
		boot_close(b);
	return err;
}

int boot_prepend(struct boot *b, int fd, struct err *e)
{
	bool changed;

	b->first = (struct io_file){ .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3), .name = "initramfs" };
	if (b->first.fd < 0)
		return err_sys(e, "initramfs");
	return io_refresh(&b->first, &changed, e);
}

void boot_close(struct boot *b)
{
	io_close(&b->first);
	io_close(&b->kernel);
	io_close(&b->initrd);
	io_close(&b->dtb);
}

static int check_dtb(const void *blob, size_t size, const char *name, struct err *e)
{
	int r;

	if (size < sizeof(struct fdt_header) || fdt_magic(blob) != FDT_MAGIC)
		return err_set(e, EINVAL, "%s: is not a device tree blob (dtc makes them)", name);
	if (fdt_totalsize(blob) > size)
		return err_set(e, EINVAL,
			       "%s: truncated: a device tree of %" PRIu32
			       " bytes, of which the file "
			       "has %zu",
			       name, fdt_totalsize(blob), size);
	r = fdt_check_full(blob, size);
	if (r)
		return err_set(e, EINVAL, "%s: broken device tree: %s", name, fdt_strerror(r));
	return 0;
}

int boot_user_dtb(struct boot *b, void **blob, size_t *size, struct err *e)
{
	auto_free void *bytes = NULL;
	bool changed;
	int err;

	*blob = NULL;
	*size = 0;
	if (b->dtb.fd < 0)
		return 0;
	err = io_refresh(&b->dtb, &changed, e);
	if (err)
		return err;
	if (b->dtb.size > BOOT_DTB_MAX)
		return err_set(e, EFBIG,
			       "%s: %" PRIu64
			       " bytes: a kernel takes a device tree of at most 2 MiB",
			       b->dtb.name, b->dtb.size);
	bytes = malloc(b->dtb.size + 1); /* never of 0 bytes */
	if (!bytes)
		return err_set(e, ENOMEM, "%s: no memory to read it", b->dtb.name);
	err = io_read_at(&b->dtb, 0, bytes, b->dtb.size, e);
	if (!err)
		err = check_dtb(bytes, b->dtb.size, b->dtb.name, e);
	if (err)
		return err;
	*size = fdt_totalsize(bytes);
	*blob = keep_ptr(&bytes);
	return 0;
}

int boot_plan(struct boot *b, const struct image_cpu *cpu, uint64_t ram_base, uint64_t ram_size,
	      uint64_t dtb_room, struct err *e)
{
	struct boot_input in;
	bool changed;
	int err = io_refresh(&b->kernel, &changed, e);

	if (!err && changed)
		err = image_sniff(&b->image, &b->kernel, e);
	if (!err)
		err = image_check(&b->image, &b->kernel, cpu, e);
	if (!err && b->initrd.fd >= 0)
		err = io_refresh(&b->initrd, &changed, e);
	if (err)
		return err;
	in = (struct boot_input){
		.ram_base = ram_base,
		.ram_size = ram_size,
		.image = &b->image,
		.initrd_size = b->first.size + b->initrd.size,
		.dtb_size = dtb_room,
	};
	err = boot_place(&in, &b->at, e);
	return err ? err_ctx(e, "%s", b->kernel.name) : 0;
}

/* The plan is for this memory, so a piece of it is there in one stretch. */
static void GUEST_MEM *borrow(const struct gmem *mem, uint64_t at, uint64_t size)
{
	struct window w = gmem_window(mem, gpa(at), size);

	assert(w.len == size);
	return w.host;
}

/* What is going to be written must not lie where the host's memory failed since the last time. */
static void replace_failed(const struct boot_layout *at, const struct gmem *mem)
{
	poison_probe(borrow(mem, at->kernel, at->kernel_room), at->kernel_room);
	if (at->initrd_size)
		poison_probe(borrow(mem, at->initrd, at->initrd_size), at->initrd_size);
	if (at->dtb_size)
		poison_probe(borrow(mem, at->dtb, at->dtb_size), at->dtb_size);
	for (size_t i = 0; i < mem->nr; i++)
		if (!mem->region[i].readonly)
			poison_replace(mem->region[i].host, mem->region[i].size);
}

int boot_load(const struct boot *b, struct gmem *mem, const void *dtb, size_t dtb_size, bool fresh,
	      struct err *e)
{
	const struct boot_layout *at = &b->at;
	int err;

	if (!fresh)
		replace_failed(at, mem);
	err = image_load(&b->image, &b->kernel,
			 FROM_GUEST(borrow(mem, at->kernel, at->kernel_room)), at->kernel_room,
			 fresh, e);

	if (err)
		return err;
	gmem_mark_dirty(mem, gpa(at->kernel), at->kernel_room);
	if (at->initrd_size) {
		uint8_t *to = FROM_GUEST(borrow(mem, at->initrd, at->initrd_size));
		size_t first = b->first.size;

		if (first)
			err = io_read_at(&b->first, 0, to, first, e);
		if (err == 0 && at->initrd_size > first)
			err = io_read_at(&b->initrd, 0, to + first, at->initrd_size - first, e);
		if (err)
			return err;
		gmem_mark_dirty(mem, gpa(at->initrd), at->initrd_size);
	}
	assert(dtb_size <= at->dtb_size);
	if (dtb_size) {
		memcpy(FROM_GUEST(borrow(mem, at->dtb, dtb_size)), dtb, dtb_size);
		gmem_mark_dirty(mem, gpa(at->dtb), dtb_size);
	}
	return 0;
}
