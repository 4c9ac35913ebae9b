/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/gic/gic.h"

#include "arch/arm64/memmap.h"
#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/config.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool possible(const struct kvm *k, enum irqchip kind)
{
	switch (kind) {
	case IRQCHIP_GICV2:
	case IRQCHIP_GICV2M: /* the frame is ours */
		return kvm_can_create_device(k, KVM_DEV_TYPE_ARM_VGIC_V2);
	case IRQCHIP_GICV3:
		return kvm_can_create_device(k, KVM_DEV_TYPE_ARM_VGIC_V3);
	case IRQCHIP_GICV3_ITS:
		return kvm_can_create_device(k, KVM_DEV_TYPE_ARM_VGIC_V3) &&
		       kvm_can_create_device(k, KVM_DEV_TYPE_ARM_VGIC_ITS);
	case IRQCHIP_AUTO:
		break;
	}
	return false;
}

static unsigned max_cpus(enum irqchip kind)
{
	return irqchip_is_v2(kind) ? 8 : MAX_CPUS;
}

int gic_choose(const struct kvm *k, enum irqchip want, unsigned cpus, enum irqchip *got,
	       struct err *e)
{
	static const enum irqchip best_first[] = { IRQCHIP_GICV3_ITS, IRQCHIP_GICV3,
						   IRQCHIP_GICV2M };
	enum irqchip best = IRQCHIP_AUTO;

	for (size_t i = 0; best == IRQCHIP_AUTO && i < ARRAY_SIZE(best_first); i++)
		if (possible(k, best_first[i]))
			best = best_first[i];
	if (best == IRQCHIP_AUTO)
		return err_set(e, ENOTSUP, "this host's KVM has neither a GICv3 nor a GICv2");
	if (want != IRQCHIP_AUTO && !possible(k, want))
		return err_set(e, ENOTSUP,
			       "--irqchip %s: this host's KVM cannot make it; it can make %s",
			       irqchip_names[want], irqchip_names[best]);
	*got = want == IRQCHIP_AUTO ? best : want;
	if (cpus > max_cpus(*got))
		return err_set(e, EINVAL, "--cpus %u: a %s serves at most %u", cpus,
			       irqchip_names[*got], max_cpus(*got));
	return 0;
}

int gic_create(struct gic *g, struct machine *m, enum irqchip kind, struct err *e)
{
	const struct vm_config *c = m->config;
	int code;

	*g = (struct gic){ .kvm = m->kvm, .vcpus = m->vcpus, .kind = kind, .fd = -1, .its_fd = -1 };
	g->nr_irqs = 32 + (kind == IRQCHIP_GICV2M ? SPI_COUNT_GICV2M : SPI_COUNT);
	if (irqchip_is_v2(kind)) {
		code = gicv2_create(g, e);
	} else {
		if (c->cpus > REDIST_LOW_CPUS)
			g->high_redist = memmap_high(MM_HIGH_REDIST, c->mem);
		code = gicv3_create(g, e);
	}
	if (code == 0 && kind == IRQCHIP_GICV3_ITS)
		code = its_create(g, e);
	if (code) {
		gic_destroy(g);
		return err_ctx(e, "%s", irqchip_names[kind]);
	}
	return 0;
}

int gic_reset(struct gic *g, struct err *e)
{
	int code = 0;

	if (g->its_fd >= 0)
		code = its_reset(g, e);
	if (code == 0)
		code = irqchip_is_v2(g->kind) ? gicv2_reset(g, e) : gicv3_reset(g, e);
	/* KVM forgets no level that went low while the guest had the line configured as an edge. */
	for (uint32_t spi = 0; code == 0 && spi + 32 < g->nr_irqs; spi++)
		kvm_irq_line(g->kvm, gic_spi(spi), false);
	return code ? err_ctx(e, "%s: reset", irqchip_names[g->kind]) : 0;
}

int gic_add_to_space(const struct gic *g, struct space *s, struct err *e)
{
	const unsigned nr = g->vcpus->nr, low = nr < REDIST_LOW_CPUS ? nr : REDIST_LOW_CPUS;
	const struct space_range v2[] = {
		{ memmap[MM_GIC_DIST].base, KVM_VGIC_V2_DIST_SIZE, SPACE_KERNEL,
		  "GIC distributor" },
		{ memmap[MM_GIC_CPU].base, KVM_VGIC_V2_CPU_SIZE, SPACE_KERNEL,
		  "GIC CPU interface" },
	};
	const struct space_range v3[] = {
		{ memmap[MM_GIC_DIST].base, memmap[MM_GIC_DIST].size, SPACE_KERNEL,
		  "GIC distributor" },
		{ memmap[MM_GIC_REDIST].base, low * REDIST_SIZE, SPACE_KERNEL,
		  "GIC redistributors" },
		{ memmap[MM_GIC_ITS].base, memmap[MM_GIC_ITS].size, SPACE_KERNEL, "GIC ITS" },
		{ g->high_redist, (nr - low) * REDIST_SIZE, SPACE_KERNEL, "GIC redistributors" },
	};
	const bool is_v2 = irqchip_is_v2(g->kind);
	const struct space_range *all = is_v2 ? v2 : v3;
	int code = 0;

	for (size_t i = 0; code == 0 && i < (is_v2 ? ARRAY_SIZE(v2) : ARRAY_SIZE(v3)); i++) {
		if (all[i].size == 0 || (all == v3 && i == 2 && g->its_fd < 0))
			continue;
		code = space_add(s, &all[i], e);
	}
	return code;
}

void gic_destroy(struct gic *g)
{
	if (g->its_fd >= 0)
		(void)close(g->its_fd);
	if (g->fd >= 0)
		(void)close(g->fd);
	g->its_fd = g->fd = -1;
}

static void line_set(struct irq_line *line, bool level)
{
	const struct gic_line *l = container_of(line, const struct gic_line, line);

	/* The eventfd raises the line and leaves it so; KVM keeps one level for all sources. */
	if (!level || l->fd < 0 || eventfd_write(l->fd, 1) < 0)
		kvm_irq_line(l->kvm, gic_spi(line->spi), level);
}

void gic_line_init(struct gic_line *l, const struct kvm *k, uint32_t spi)
{
	*l = (struct gic_line){ .line = { .set = line_set, .spi = spi }, .kvm = k, .fd = -1 };
}

int gic_line_init_fd(struct gic_line *l, const struct kvm *k, uint32_t spi, struct err *e)
{
	gic_line_init(l, k, spi);
	if (!kvm_cap(k, KVM_CAP_IRQFD))
		return 0;
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->fd < 0)
		return err_sys(e, "eventfd");
	/* A GSI of the default routing is an SPI. Refused, the line is driven as others are. */
	if (kvm_add_irqfd(k, l->fd, spi, e)) {
		log_info("interrupts without an eventfd: %s", e->text);
		gic_line_done(l);
	}
	return 0;
}

void gic_line_done(struct gic_line *l)
{
	if (l->kvm)
		close_quietly(l->fd);
	l->fd = -1;
}
