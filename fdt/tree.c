/* SPDX-License-Identifier: Apache-2.0 */
#include "fdt/tree.h"

void tree_frame(struct fdt *t, const struct tree_info *i)
{
	fdt_u32(t, "#address-cells", 2);
	fdt_u32(t, "#size-cells", 2);
	fdt_str(t, "compatible", "linux,dummy-virt");
	fdt_str(t, "model", "vmm");
	fdt_u32(t, "interrupt-parent", FDT_PHANDLE_GIC);

	fdt_node(t, "chosen");
	fdt_str(t, "bootargs", i->bootargs);
	if (i->stdout_path)
		fdt_str(t, "stdout-path", i->stdout_path);
	if (i->initrd_size) {
		fdt_u64(t, "linux,initrd-start", i->initrd);
		fdt_u64(t, "linux,initrd-end", i->initrd + i->initrd_size);
	}
	fdt_u64(t, "kaslr-seed", i->kaslr_seed);
	fdt_bytes(t, "rng-seed", i->rng_seed, sizeof(i->rng_seed));
	fdt_end(t);

	fdt_node_at(t, "memory", i->ram);
	fdt_str(t, "device_type", "memory");
	fdt_reg(t, i->ram, i->ram_size);
	fdt_end(t);
}

static void describe(struct device *d, void *ctx)
{
	LOCK_SCOPE(&d->lock);
	if (d->ops->describe)
		d->ops->describe(d, ctx);
}

void tree_devices(struct fdt *t, const struct bus *b)
{
	bus_for_each(b, describe, t);
}
