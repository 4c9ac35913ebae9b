/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/dt.h"

#include "arch/arm64/memmap.h"

/* Third cell of an interrupt specifier. */
#define LEVEL_HIGH 4U

enum { IRQ_SPI = 0, IRQ_PPI = 1 };

#define MPIDR_AFF3 0xff00000000ULL
#define MPIDR_AFF  0xff00ffffffULL

static bool is_v2(const struct dt_info *i)
{
	return i->irqchip == IRQCHIP_GICV2 || i->irqchip == IRQCHIP_GICV2M;
}

/* A GICv2 specifier carries the mask of CPUs that a private interrupt is for. */
static uint32_t ppi_flags(const struct dt_info *i)
{
	return LEVEL_HIGH | (is_v2(i) ? ((1U << i->cpus) - 1) << 8 : 0);
}

static void write_cpus(struct fdt *t, const struct dt_info *i)
{
	bool wide = false;

	for (unsigned n = 0; n < i->cpus; n++)
		wide |= (i->mpidr[n] & MPIDR_AFF3) != 0;
	fdt_node(t, "cpus");
	fdt_u32(t, "#address-cells", wide ? 2 : 1);
	fdt_u32(t, "#size-cells", 0);
	for (unsigned n = 0; n < i->cpus; n++) {
		uint64_t aff = i->mpidr[n] & MPIDR_AFF;

		fdt_node_at(t, "cpu", aff);
		fdt_str(t, "device_type", "cpu");
		fdt_str(t, "compatible", "arm,armv8");
		if (wide)
			fdt_u64(t, "reg", aff);
		else
			fdt_u32(t, "reg", (uint32_t)aff);
		fdt_str(t, "enable-method", "psci");
		fdt_end(t);
	}
	fdt_end(t);

	fdt_node(t, "psci");
	FDT_STRS(t, "compatible", "arm,psci-1.0", "arm,psci-0.2");
	fdt_str(t, "method", "hvc");
	fdt_end(t);
}

static void write_timer_and_pmu(struct fdt *t, const struct dt_info *i)
{
	uint32_t flags = ppi_flags(i);

	fdt_node(t, "timer");
	FDT_STRS(t, "compatible", "arm,armv8-timer", "arm,armv7-timer");
	FDT_CELLS(t, "interrupts", IRQ_PPI, PPI_SEC_TIMER, flags, IRQ_PPI, PPI_PHYS_TIMER, flags,
		  IRQ_PPI, PPI_VIRT_TIMER, flags, IRQ_PPI, PPI_HYP_TIMER, flags);
	fdt_empty(t, "always-on");
	fdt_end(t);
	if (!i->pmu)
		return;
	fdt_node(t, "pmu");
	fdt_str(t, "compatible", "arm,armv8-pmuv3");
	FDT_CELLS(t, "interrupts", IRQ_PPI, PPI_PMU, flags);
	fdt_end(t);
}

#define CELLS64(v) (uint32_t)((v) >> 32), (uint32_t)(v)

static void write_gicv2(struct fdt *t)
{
	/* KVM's frames: 4 KiB and 8 KiB of the space the map gives them. */
	const uint64_t dist = memmap[MM_GIC_DIST].base, cpu = memmap[MM_GIC_CPU].base;

	fdt_str(t, "compatible", "arm,cortex-a15-gic");
	FDT_CELLS(t, "reg", CELLS64(dist), 0, 0x1000, CELLS64(cpu), 0, 0x2000);
}

static void write_gicv3(struct fdt *t, const struct dt_info *i)
{
	unsigned low_cpus = i->cpus < REDIST_LOW_CPUS ? i->cpus : REDIST_LOW_CPUS;
	uint64_t dist = memmap[MM_GIC_DIST].base, dist_size = memmap[MM_GIC_DIST].size;
	uint64_t low = memmap[MM_GIC_REDIST].base, low_size = low_cpus * REDIST_SIZE;
	uint64_t high = i->high_redist, high_size = (i->cpus - low_cpus) * REDIST_SIZE;
	const uint32_t reg[] = { CELLS64(dist),	    CELLS64(dist_size), CELLS64(low),
				 CELLS64(low_size), CELLS64(high),	CELLS64(high_size) };

	fdt_str(t, "compatible", "arm,gic-v3");
	if (high)
		fdt_u32(t, "#redistributor-regions", 2);
	fdt_cells(t, "reg", reg, high ? ARRAY_SIZE(reg) : ARRAY_SIZE(reg) - 4);
}

static void write_its(struct fdt *t)
{
	fdt_node_at(t, "msi-controller", memmap[MM_GIC_ITS].base);
	fdt_str(t, "compatible", "arm,gic-v3-its");
	fdt_empty(t, "msi-controller");
	fdt_u32(t, "#msi-cells", 1);
	fdt_reg(t, memmap[MM_GIC_ITS].base, memmap[MM_GIC_ITS].size);
	fdt_u32(t, "phandle", FDT_PHANDLE_MSI);
	fdt_end(t);
}

static void write_v2m(struct fdt *t)
{
	fdt_node_at(t, "v2m", memmap[MM_GICV2M].base);
	fdt_str(t, "compatible", "arm,gic-v2m-frame");
	fdt_empty(t, "msi-controller");
	fdt_reg(t, memmap[MM_GICV2M].base, memmap[MM_GICV2M].size);
	fdt_u32(t, "phandle", FDT_PHANDLE_MSI);
	fdt_end(t);
}

static void write_gic(struct fdt *t, const struct dt_info *i)
{
	fdt_node_at(t, "interrupt-controller", memmap[MM_GIC_DIST].base);
	if (is_v2(i))
		write_gicv2(t);
	else
		write_gicv3(t, i);
	fdt_empty(t, "interrupt-controller");
	fdt_u32(t, "#interrupt-cells", 3);
	fdt_u32(t, "#address-cells", 2);
	fdt_u32(t, "#size-cells", 2);
	fdt_empty(t, "ranges");
	fdt_u32(t, "phandle", FDT_PHANDLE_GIC);
	if (i->irqchip == IRQCHIP_GICV3_ITS)
		write_its(t);
	if (i->irqchip == IRQCHIP_GICV2M)
		write_v2m(t);
	fdt_end(t);
}

static void write_clock(struct fdt *t)
{
	fdt_node(t, "apb-pclk");
	fdt_str(t, "compatible", "fixed-clock");
	fdt_u32(t, "#clock-cells", 0);
	fdt_u32(t, "clock-frequency", 24000000);
	fdt_u32(t, "phandle", FDT_PHANDLE_CLOCK);
	fdt_end(t);
}

void dt_write(struct fdt *t, const struct dt_info *i, const struct bus *b)
{
	tree_frame(t, &i->tree);
	write_cpus(t, i);
	write_timer_and_pmu(t, i);
	write_gic(t, i);
	write_clock(t);
	tree_devices(t, b);
}
