/* SPDX-License-Identifier: Apache-2.0 */
/* The tree is read back and compared with the memory map: no number may be written twice. */
#include "arch/arm64/dt.h"
#include "arch/arm64/memmap.h"
#include "fdt/patch.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>

static uint64_t mpidr[512];
static void *kept[8]; /* trees, until the test ends */
static unsigned nr_kept;

static struct dt_info info(unsigned cpus, enum irqchip kind)
{
	struct dt_info i = {
		.tree = { .bootargs = "console=ttyAMA0",
			  .stdout_path = "/pl011@9000000",
			  .initrd = 0x48000000,
			  .initrd_size = 0x1234,
			  .ram = 0x40000000,
			  .ram_size = 0x240000000,
			  .kaslr_seed = 0x1122334455667788 },
		.mpidr = mpidr,
		.cpus = cpus,
		.irqchip = kind,
		.pmu = true,
	};

	for (unsigned n = 0; n < cpus; n++) /* as KVM numbers them */
		mpidr[n] = 0x80000000U | (n & 0xf) | (n >> 4) << 8;
	return i;
}

/* The blob; it stays until the test ends. */
static const void *build(const struct dt_info *i)
{
	struct err e = { 0 };
	struct bus *b = bus_create(&e);
	struct fdt *t = fdt_start(&e);
	const void *blob;
	size_t size;
	void *copy;

	EXPECT(b && t);
	dt_write(t, i, b);
	if (fdt_done(t, &blob, &size, &e))
		test_fail(__FILE__, __LINE__, "%s", e.text);
	EXPECT_EQ(fdt_check_full(blob, size), 0);
	copy = malloc(size);
	EXPECT(copy != NULL);
	memcpy(copy, blob, size);
	EXPECT(nr_kept < ARRAY_SIZE(kept));
	kept[nr_kept++] = copy;
	fdt_free(t);
	bus_destroy(b);
	return copy;
}

static int node(const void *t, const char *path)
{
	int n = fdt_path_offset(t, path);

	if (n < 0)
		test_fail(__FILE__, __LINE__, "%s: %s", path, fdt_strerror(n));
	return n;
}

/* Cell @at of a property. */
static uint32_t cell(const void *t, const char *path, const char *name, int at)
{
	int len;
	const fdt32_t *v = fdt_getprop(t, node(t, path), name, &len);

	if (!v || len < 4 * (at + 1))
		test_fail(__FILE__, __LINE__, "%s: no %s[%d]", path, name, at);
	return fdt32_to_cpu(v[at]);
}

static uint64_t cell2(const void *t, const char *path, const char *name, int at)
{
	return (uint64_t)cell(t, path, name, at) << 32 | cell(t, path, name, at + 1);
}

static int cells(const void *t, const char *path, const char *name)
{
	int len = 0;

	(void)fdt_getprop(t, node(t, path), name, &len);
	return len / 4;
}

TEST(dt_says_where_memory_and_initrd_are)
{
	const struct dt_info i = info(1, IRQCHIP_GICV3);
	const void *t = build(&i);

	EXPECT_EQ(cell2(t, "/memory@40000000", "reg", 0), 0x40000000);
	EXPECT_EQ(cell2(t, "/memory@40000000", "reg", 2), 0x240000000);
	EXPECT_EQ(cell2(t, "/chosen", "linux,initrd-start", 0), 0x48000000);
	EXPECT_EQ(cell2(t, "/chosen", "linux,initrd-end", 0), 0x48001234);
	EXPECT_EQ(cell2(t, "/chosen", "kaslr-seed", 0), 0x1122334455667788);
	EXPECT_EQ(cells(t, "/chosen", "rng-seed"), 8);
}

TEST(dt_gic_is_where_the_memory_map_says)
{
	static const char gic[] = "/interrupt-controller@8000000";
	struct dt_info i = info(4, IRQCHIP_GICV3_ITS);
	const void *t = build(&i);

	EXPECT_EQ(cell2(t, gic, "reg", 0), memmap[MM_GIC_DIST].base);
	EXPECT_EQ(cell2(t, gic, "reg", 4), memmap[MM_GIC_REDIST].base);
	EXPECT_EQ(cell2(t, gic, "reg", 6), 4 * REDIST_SIZE);
	EXPECT_EQ(cells(t, gic, "reg"), 8);
	EXPECT_EQ(cell2(t, "/interrupt-controller@8000000/msi-controller@8080000", "reg", 0),
		  memmap[MM_GIC_ITS].base);

	i = info(4, IRQCHIP_GICV2M);
	t = build(&i);
	EXPECT_EQ(cell2(t, gic, "reg", 4), memmap[MM_GIC_CPU].base);
	EXPECT_EQ(cell2(t, "/interrupt-controller@8000000/v2m@8020000", "reg", 0),
		  memmap[MM_GICV2M].base);
	EXPECT_EQ(cell(t, "/timer", "interrupts", 2), 0xf04); /* level, for all four CPUs */

	i = info(4, IRQCHIP_GICV2);
	t = build(&i);
	EXPECT(fdt_path_offset(t, "/interrupt-controller@8000000/v2m@8020000") < 0);
}

TEST(dt_lists_every_cpu_and_the_second_redistributor_region)
{
	static const char gic[] = "/interrupt-controller@8000000";
	struct dt_info i = info(512, IRQCHIP_GICV3);
	const void *t;
	int n, nr = 0;

	i.high_redist = memmap[MM_HIGH_REDIST].base;
	t = build(&i);
	fdt_for_each_subnode(n, t, node(t, "/cpus")) nr++;
	EXPECT_EQ(nr, 512);
	EXPECT_EQ(cell(t, "/cpus/cpu@1f0f", "reg", 0), 0x1f0f); /* the last: Aff1 31, Aff0 15 */
	EXPECT_EQ(cell(t, gic, "#redistributor-regions", 0), 2);
	EXPECT_EQ(cell2(t, gic, "reg", 6), REDIST_LOW_CPUS * REDIST_SIZE);
	EXPECT_EQ(cell2(t, gic, "reg", 8), memmap[MM_HIGH_REDIST].base);
	EXPECT_EQ(cell2(t, gic, "reg", 10), (512 - REDIST_LOW_CPUS) * REDIST_SIZE);
	/* Room that the machine keeps for a tree: see DTB_ROOM in machine.c. */
	EXPECT(fdt_totalsize(t) < 16384 + 256 * 512);
}

TEST(dt_of_a_machine_without_pmu_has_no_pmu_node)
{
	struct dt_info i = info(1, IRQCHIP_GICV3);

	EXPECT_EQ(cell(build(&i), "/pmu", "interrupts", 1), PPI_PMU);
	i.pmu = false;
	EXPECT(fdt_path_offset(build(&i), "/pmu") < 0);
}

TEST(patch_sets_chosen_and_leaves_the_rest)
{
	const struct dt_info i = info(1, IRQCHIP_GICV3);
	const void *made = build(&i);
	size_t size = fdt_totalsize(made);
	void *blob = malloc(size);
	struct fdt_chosen c = { .bootargs = "console=hvc0 quiet",
				.initrd = 0x50000000,
				.initrd_size = 16 };
	struct err e;

	EXPECT(blob != NULL);
	memcpy(blob, made, size);
	EXPECT_EQ(fdt_patch(&blob, &size, &c, &e), 0);
	EXPECT_EQ(size, fdt_totalsize(blob));
	EXPECT_EQ(fdt_check_full(blob, size), 0);
	EXPECT_STR(fdt_getprop(blob, node(blob, "/chosen"), "bootargs", NULL), c.bootargs);
	EXPECT_EQ(cell2(blob, "/chosen", "linux,initrd-end", 0), 0x50000010);
	EXPECT_EQ(cell2(blob, "/memory@40000000", "reg", 2), 0x240000000);

	c = (struct fdt_chosen){ .bootargs = NULL };
	EXPECT_EQ(fdt_patch(&blob, &size, &c, &e), 0);
	EXPECT_STR(fdt_getprop(blob, node(blob, "/chosen"), "bootargs", NULL),
		   "console=hvc0 quiet");
	EXPECT(!fdt_getprop(blob, node(blob, "/chosen"), "linux,initrd-start", NULL));
	free(blob);
}

TEST(patch_makes_chosen_where_there_is_none)
{
	size_t size = 256;
	void *blob = malloc(size);
	const struct fdt_chosen c = { .bootargs = "x", .initrd = 1, .initrd_size = 1 };
	struct err e;

	EXPECT(blob && fdt_create_empty_tree(blob, (int)size) == 0);
	EXPECT_EQ(fdt_pack(blob), 0);
	size = fdt_totalsize(blob);
	EXPECT_EQ(fdt_patch(&blob, &size, &c, &e), 0);
	EXPECT_STR(fdt_getprop(blob, node(blob, "/chosen"), "bootargs", NULL), "x");
	free(blob);
}

TEST_MAIN(T(dt_says_where_memory_and_initrd_are), T(dt_gic_is_where_the_memory_map_says),
	  T(dt_lists_every_cpu_and_the_second_redistributor_region),
	  T(dt_of_a_machine_without_pmu_has_no_pmu_node), T(patch_sets_chosen_and_leaves_the_rest),
	  T(patch_makes_chosen_where_there_is_none))
