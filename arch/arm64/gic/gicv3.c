/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3 in KVM. Register names and offsets: Arm IHI 0069. */
#include "arch/arm64/gic/gic.h"

#include "arch/arm64/memmap.h"
#include "arch/arm64/regs.h"

enum {
	GICD_CTLR = 0x0000,
	GICD_IGROUPR = 0x0080,
	GICD_ISENABLER = 0x0100,
	GICD_ICENABLER = 0x0180,
	GICD_ISPENDR = 0x0200,
	GICD_ICACTIVER = 0x0380,
	GICD_IPRIORITYR = 0x0400,
	GICD_ICFGR = 0x0c00,
	GICD_IROUTER = 0x6000,
	GICR_CTLR = 0x0000,
	GICR_PROPBASER = 0x0070,
	GICR_PENDBASER = 0x0078,
	GICR_SGI =
		0x10000, /* the frame that holds the banked words, at the distributor's offsets */
};

#define ICC_PMR	    SYSREG(3, 0, 4, 6, 0)
#define ICC_BPR0    SYSREG(3, 0, 12, 8, 3)
#define ICC_AP0R(n) SYSREG(3, 0, 12, 8, 4 + (n))
#define ICC_AP1R(n) SYSREG(3, 0, 12, 9, (n))
#define ICC_BPR1    SYSREG(3, 0, 12, 12, 3)
#define ICC_CTLR    SYSREG(3, 0, 12, 12, 4)
#define ICC_IGRPEN0 SYSREG(3, 0, 12, 12, 6)
#define ICC_IGRPEN1 SYSREG(3, 0, 12, 12, 7)

#define ICC_CTLR_CBPR_EOIMODE 3ULL /* the rest of the register is read-only */

static int set_redist(struct gic *g, uint64_t count, uint64_t base, uint64_t index, struct err *e)
{
	const uint64_t region = count << 52 | base | index;

	return kvm_set_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
			    &region, "redistributor region", e);
}

static int set_redists(struct gic *g, struct err *e)
{
	const uint64_t low = memmap[MM_GIC_REDIST].base;
	unsigned nr = g->vcpus->nr;
	int code;

	if (!kvm_has_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION) &&
	    nr <= REDIST_LOW_CPUS) /* a kernel before 4.18 */
		return kvm_set_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
				    &low, "redistributor address", e);
	code = set_redist(g, nr < REDIST_LOW_CPUS ? nr : REDIST_LOW_CPUS, low, 0, e);
	if (code == 0 && g->high_redist)
		code = set_redist(g, nr - REDIST_LOW_CPUS, g->high_redist, 1, e);
	return code;
}

/* Words [@first, @end) of the distributor, or of the redistributor named by @attr, to @value. */
static int fill(struct gic *g, uint32_t group, uint64_t attr, uint32_t first, uint32_t end,
		uint32_t value, struct err *e)
{
	for (uint32_t off = first; off < end; off += 4) {
		int code = kvm_set_attr(g->fd, group, attr | off, &value, "register", e);

		if (code)
			return code;
	}
	return 0;
}

static int configure_as_level(struct gic *g, struct err *e)
{
	return fill(g, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, GICD_ICFGR + 32 / 4,
		    GICD_ICFGR + g->nr_irqs / 4, 0, e);
}

int gicv3_create(struct gic *g, struct err *e)
{
	const uint64_t dist = memmap[MM_GIC_DIST].base;
	int code;

	g->fd = kvm_create_device(g->kvm, KVM_DEV_TYPE_ARM_VGIC_V3, "GICv3", e);
	if (g->fd < 0)
		return g->fd;
	code = kvm_set_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist,
			    "distributor address", e);
	if (code == 0)
		code = set_redists(g, e);
	if (code == 0)
		code = kvm_set_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &g->nr_irqs,
				    "number of interrupts", e);
	if (code == 0)
		code = kvm_set_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
				    NULL, "initialise", e);
	/* As after a reset: KVM makes SPIs as edges. */
	return code ? code : configure_as_level(g, e);
}

/*
 * The words that describe interrupts @from..@to, which stand at the same offsets in the distributor
 * and (@frame) in each redistributor. User space sets pending latches through ISPENDR exactly.
 */
static int reset_irqs(struct gic *g, uint32_t group, uint64_t attr, uint32_t frame, uint32_t from,
		      uint32_t to, struct err *e)
{
	const struct {
		uint32_t reg, bits, value; /* bits an interrupt */
	} words[] = {
		{ GICD_ICENABLER, 1, ~0U }, { GICD_ICACTIVER, 1, ~0U }, { GICD_ISPENDR, 1, 0 },
		{ GICD_IGROUPR, 1, ~0U },   { GICD_IPRIORITYR, 8, 0 },
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(words); i++)
		code = fill(g, group, attr, frame + words[i].reg + from * words[i].bits / 8,
			    frame + words[i].reg + to * words[i].bits / 8, words[i].value, e);
	return code;
}

static int reset_dist(struct gic *g, struct err *e)
{
	const uint32_t group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
	int code = fill(g, group, 0, GICD_CTLR, GICD_CTLR + 4, 0, e);

	if (code == 0)
		code = reset_irqs(g, group, 0, 0, 32, g->nr_irqs, e);
	if (code == 0)
		code = configure_as_level(g, e);
	if (code == 0)
		code = fill(g, group, 0, GICD_IROUTER + 32 * 8, GICD_IROUTER + g->nr_irqs * 8, 0,
			    e);
	return code;
}

static int reset_redist(struct gic *g, uint64_t attr, struct err *e)
{
	const uint32_t group = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS;
	int code = fill(g, group, attr, GICR_CTLR, GICR_CTLR + 4, 0, e);

	if (code == 0)
		code = fill(g, group, attr, GICR_PROPBASER, GICR_PENDBASER + 8, 0, e);
	if (code == 0)
		code = reset_irqs(g, group, attr, GICR_SGI, 0, 32, e);
	/* Software generated interrupts start enabled in KVM's. */
	if (code == 0)
		code = fill(g, group, attr, GICR_SGI + GICD_ISENABLER,
			    GICR_SGI + GICD_ISENABLER + 4, 0xffff, e);
	return code;
}

static int put_sysreg(struct gic *g, uint64_t attr, uint64_t value, struct err *e)
{
	return kvm_set_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, attr, &value,
			    "CPU interface register", e);
}

static int reset_cpu_interface(struct gic *g, uint64_t attr, struct err *e)
{
	static const uint64_t zeroed[] = { ICC_PMR,	ICC_BPR0,    ICC_BPR1,	 ICC_AP0R(0),
					   ICC_AP1R(0), ICC_IGRPEN0, ICC_IGRPEN1 };
	uint64_t ctlr;
	int code = kvm_get_attr(g->fd, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, attr | ICC_CTLR, &ctlr,
				"ICC_CTLR_EL1", e);

	if (code == 0)
		code = put_sysreg(g, attr | ICC_CTLR, ctlr & ~ICC_CTLR_CBPR_EOIMODE, e);
	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(zeroed); i++)
		code = put_sysreg(g, attr | zeroed[i], 0, e);
	/* These exist only with more than five bits of priority. */
	for (unsigned n = 1; n < 4; n++) {
		(void)put_sysreg(g, attr | ICC_AP0R(n), 0, NULL);
		(void)put_sysreg(g, attr | ICC_AP1R(n), 0, NULL);
	}
	return code;
}

int gicv3_reset(struct gic *g, struct err *e)
{
	int code = 0;

	for (unsigned i = 0; code == 0 && i < g->vcpus->nr; i++) {
		uint64_t mpidr, attr;

		code = kvm_get_reg(g->vcpus->vcpu[i].fd, REG_MPIDR_EL1, &mpidr, e);
		if (code)
			break;
		attr = MPIDR_PACKED(mpidr) << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
		code = reset_redist(g, attr, e);
		if (code == 0)
			code = reset_cpu_interface(g, attr, e);
	}
	return code ? code : reset_dist(g, e);
}
