/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device trees: any bytes as a user's own, to which a boot adds (the first byte is odd), and the
 * one that vmm writes for any machine (even). What comes of them libfdt finds to be well formed.
 */
#include "arch/arm64/boot/boot.h"
#include "arch/arm64/dt.h"
#include "fdt/patch.h"
#include "tests/fuzz/fuzz.h"

#include <libfdt.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A text that ends within @max bytes. */
static char *take_text(struct program *p, size_t max)
{
	const uint8_t *from;
	size_t n = program_take(p, &from, program_u8(p) % (max + 1));
	char *text = n ? strndup((const char *)from, n) : strdup("");

	EXPECT(text);
	return text;
}

static void users(struct program *p)
{
	const uint8_t how = program_u8(p);
	char *args = take_text(p, 60);
	const struct fdt_chosen chosen = { .bootargs = how & 1 ? args : NULL,
					   .initrd = 0x48000000,
					   .initrd_size = how & 2 ? 12345 : 0 };
	struct boot b = { .dtb = { .fd = memfd_create("fuzz", MFD_CLOEXEC), .name = "fuzz" } };
	struct err e = { .text = "" };
	const char *got;
	size_t size;
	void *blob;

	EXPECT(b.dtb.fd >= 0 && (p->left == 0 || io_write(b.dtb.fd, p->at, p->left) == 0));
	if (boot_user_dtb(&b, &blob, &size, &e) || fdt_patch(&blob, &size, &chosen, &e)) {
		EXPECT(e.text[0] && !strchr(e.text, '\n'));
	} else {
		EXPECT_EQ(fdt_check_full(blob, size), 0);
		got = fdt_getprop(blob, fdt_path_offset(blob, "/chosen"), "bootargs", NULL);
		EXPECT(!chosen.bootargs || (got && strcmp(got, args) == 0));
	}
	free(blob);
	free(args);
	io_close(&b.dtb);
}

static void ours(struct program *p)
{
	static uint64_t mpidr[512];
	char *args = take_text(p, 200), *out = take_text(p, 60);
	struct dt_info i = { .tree = { .bootargs = args, .ram = 0x40000000 } };
	struct err e = { .text = "" };
	struct bus *b = bus_create(&e);
	struct fdt *t = fdt_start(&e);
	const void *blob;
	size_t size;
	uint8_t how;

	EXPECT(b && t);
	how = program_u8(p);
	i.tree.stdout_path = how & 1 ? out : NULL;
	i.tree.initrd = program_u64(p);
	i.tree.initrd_size = how & 2 ? program_u32(p) : 0;
	i.tree.ram_size = program_u64(p);
	i.tree.kaslr_seed = program_u64(p);
	i.pmu = how & 4;
	i.high_redist = how & 8 ? program_u64(p) : 0;
	i.irqchip = (enum irqchip)(IRQCHIP_GICV2 + (how >> 4) % 4);
	i.mpidr = mpidr;
	i.cpus = 1 + program_u8(p) % 16U;
	for (unsigned n = 0; n < i.cpus; n++)
		mpidr[n] = program_more(p) ? program_u64(p) : n;
	dt_write(t, &i, b);
	if (fdt_done(t, &blob, &size, &e))
		EXPECT(e.text[0] && !strchr(e.text, '\n'));
	else
		EXPECT_EQ(fdt_check_full(blob, size), 0);
	fdt_free(t);
	bus_destroy(b);
	free(args);
	free(out);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };

	if (program_u8(&p) & 1)
		users(&p);
	else
		ours(&p);
}
