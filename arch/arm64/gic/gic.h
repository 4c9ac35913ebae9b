/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gic: the interrupt controller, in the kernel. gic.c chooses and dispatches; gicv2.c, gicv3.c and
 * its.c each know one device of KVM (Documentation/virt/kvm/devices/arm-vgic*.rst).
 */
#ifndef VMM_ARCH_ARM64_GIC_H
#define VMM_ARCH_ARM64_GIC_H

#include "arch/arm64/space.h"
#include "vmm/arch.h"
#include "vmm/core/irq.h"

struct gic {
	const struct kvm *kvm;	   /* borrowed; outlives us */
	const struct vcpus *vcpus; /* borrowed; outlives us */
	enum irqchip kind;	   /* what was made: never IRQCHIP_AUTO */
	int fd, its_fd;		   /* -1 while there is none */
	uint32_t nr_irqs;	   /* private and shared ones; a multiple of 32 */
	uint64_t high_redist;	   /* base of the second redistributor region; 0: not needed */
};

/* An SPI of the GIC as a line that a device may hold. */
struct gic_line {
	struct irq_line line;
	const struct kvm *kvm;
	int fd; /* eventfd that raises it, owned; -1: none */
};

/*
 * Chooses: @want itself, or for AUTO the best that the host can make for @cpus vCPUs. -ENOTSUP,
 * naming what the host has instead, when it cannot.
 */
int gic_choose(const struct kvm *k, enum irqchip want, unsigned cpus, enum irqchip *got,
	       struct err *e) MUST_CHECK;

/* Makes and initialises it. All vCPUs exist and are initialised. */
int gic_create(struct gic *g, struct machine *m, enum irqchip kind, struct err *e) MUST_CHECK;

/* To the state after power-on. Hold the vCPUs; devices have lowered their lines. */
int gic_reset(struct gic *g, struct err *e) MUST_CHECK;

/* Fine on one zeroed with fds -1. */
void gic_destroy(struct gic *g);

/* Adds its frames, which KVM serves by itself. */
int gic_add_to_space(const struct gic *g, struct space *s, struct err *e) MUST_CHECK;

/* Shared peripheral interrupt @spi as kvm_irq_line() takes it. */
static inline uint32_t gic_spi(uint32_t spi)
{
	return KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (spi + 32);
}

/* Makes @l the line of shared peripheral interrupt @spi. */
void gic_line_init(struct gic_line *l, const struct kvm *k, uint32_t spi);

/*
 * The same for a line that is raised from threads which shall not need the VM for it: by an eventfd
 * where KVM can. The GIC is initialised. Give back with gic_line_done().
 */
int gic_line_init_fd(struct gic_line *l, const struct kvm *k, uint32_t spi,
		     struct err *e) MUST_CHECK;
void gic_line_done(struct gic_line *l);

static inline bool irqchip_is_v2(enum irqchip kind)
{
	return kind == IRQCHIP_GICV2 || kind == IRQCHIP_GICV2M;
}

/* The pieces; only gic.c calls them. */
int gicv2_create(struct gic *g, struct err *e) MUST_CHECK;
int gicv2_reset(struct gic *g, struct err *e) MUST_CHECK;
int gicv3_create(struct gic *g, struct err *e) MUST_CHECK;
int gicv3_reset(struct gic *g, struct err *e) MUST_CHECK;
int its_create(struct gic *g, struct err *e) MUST_CHECK;
int its_reset(struct gic *g, struct err *e) MUST_CHECK;

#endif
