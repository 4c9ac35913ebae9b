/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2 in KVM. Register names and offsets: Arm IHI 0048. */
#include "arch/arm64/gic/gic.h"

#include "arch/arm64/memmap.h"

enum {
	GICD_CTLR = 0x000,
	GICD_IIDR = 0x008,
	GICD_IGROUPR = 0x080,
	GICD_ICENABLER = 0x180,
	GICD_ISENABLER = 0x100,
	GICD_ICPENDR = 0x280,
	GICD_ICACTIVER = 0x380,
	GICD_IPRIORITYR = 0x400,
	GICD_ITARGETSR = 0x800,
	GICD_ICFGR = 0xc00,
	GICC_CTLR = 0x00,
	GICC_PMR = 0x04,
	GICC_BPR = 0x08,
	GICC_ABPR = 0x1c,
	GICC_APR0 = 0xd0,
};

static int put(struct gic *g, uint32_t group, unsigned cpu, uint32_t off, uint32_t value,
	       struct err *e)
{
	return kvm_set_attr(g->fd, group, (uint64_t)cpu << KVM_DEV_ARM_VGIC_CPUID_SHIFT | off,
			    &value, "register", e);
}

/* Registers @first..@last (byte offsets, 32-bit words) to @value. */
static int fill(struct gic *g, unsigned cpu, uint32_t first, uint32_t end, uint32_t value,
		struct err *e)
{
	for (uint32_t off = first; off < end; off += 4) {
		int code = put(g, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, cpu, off, value, e);

		if (code)
			return code;
	}
	return 0;
}

/* The words that describe interrupts @from..@to of @cpu (banked below 32). */
static int reset_irqs(struct gic *g, unsigned cpu, uint32_t from, uint32_t to, struct err *e)
{
	int code = fill(g, cpu, GICD_IGROUPR + from / 8, GICD_IGROUPR + to / 8, 0, e);

	if (code == 0)
		code = fill(g, cpu, GICD_ICENABLER + from / 8, GICD_ICENABLER + to / 8, ~0U, e);

	if (code == 0)
		code = fill(g, cpu, GICD_ICPENDR + from / 8, GICD_ICPENDR + to / 8, ~0U, e);
	if (code == 0)
		code = fill(g, cpu, GICD_ICACTIVER + from / 8, GICD_ICACTIVER + to / 8, ~0U, e);
	if (code == 0)
		code = fill(g, cpu, GICD_IPRIORITYR + from, GICD_IPRIORITYR + to, 0, e);
	if (code == 0 && from >= 32)
		code = fill(g, cpu, GICD_ITARGETSR + from, GICD_ITARGETSR + to, 0, e);
	if (code == 0 && from >= 32)
		code = fill(g, cpu, GICD_ICFGR + from / 4, GICD_ICFGR + to / 4, 0, e);
	return code;
}

/*
 * KVM ignores what user space writes to IGROUPR, which a guest may write, until user space has
 * written GICD_IIDR: that says it knows this revision.
 */
static int prepare(struct gic *g, struct err *e)
{
	uint32_t iidr;
	int code = kvm_get_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_IIDR, &iidr,
				"GICD_IIDR", e);

	if (code == 0)
		code = put(g, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, GICD_IIDR, iidr, e);
	/* As after a reset: KVM makes SPIs as edges. */
	if (code == 0)
		code = fill(g, 0, GICD_ICFGR + 32 / 4, GICD_ICFGR + g->nr_irqs / 4, 0, e);
	return code;
}

int gicv2_create(struct gic *g, struct err *e)
{
	const uint64_t dist = memmap[MM_GIC_DIST].base, cpu = memmap[MM_GIC_CPU].base;
	int code;

	g->fd = kvm_create_device(g->kvm, KVM_DEV_TYPE_ARM_VGIC_V2, "GICv2", e);
	if (g->fd < 0)
		return g->fd;
	code = kvm_set_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST, &dist,
			    "distributor address", e);
	if (code == 0)
		code = kvm_set_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU,
				    &cpu, "CPU interface address", e);
	if (code == 0)
		code = kvm_set_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &g->nr_irqs,
				    "number of interrupts", e);
	if (code == 0)
		code = kvm_set_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
				    NULL, "initialise", e);
	return code ? code : prepare(g, e);
}

int gicv2_reset(struct gic *g, struct err *e)
{
	static const uint32_t zeroed[] = { GICC_CTLR, GICC_PMR, GICC_BPR, GICC_ABPR, GICC_APR0 };
	int code = put(g, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, GICD_CTLR, 0, e);

	if (code == 0)
		code = reset_irqs(g, 0, 32, g->nr_irqs, e);
	for (unsigned cpu = 0; code == 0 && cpu < g->vcpus->nr; cpu++) {
		code = reset_irqs(g, cpu, 0, 32, e);
		/* Software generated interrupts are always enabled in KVM's. */
		if (code == 0)
			code = put(g, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, cpu, GICD_ISENABLER, 0xffff,
				   e);
		for (size_t i = 0; code == 0 && i < ARRAY_SIZE(zeroed); i++)
			code = put(g, KVM_DEV_ARM_VGIC_GRP_CPU_REGS, cpu, zeroed[i], 0, e);
	}
	return code;
}
