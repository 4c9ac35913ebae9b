/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2m: message-signalled interrupts for a GICv2, which has none of its own. A write of an
 * interrupt number to one register raises that SPI. Follows Arm DEN 0029 (SBSA), appendix E.
 *
 * The machine writes its node, as a child of the interrupt controller's. It keeps no state.
 */
#include "devices/gicv2m.h"

#include <errno.h>
#include <stdlib.h>

enum {
	MSI_TYPER = 0x008,
	MSI_SETSPI_NS = 0x040,
	MSI_IIDR = 0xfcc,
};

struct gicv2m {
	struct device dev;
	uint32_t first, count; /* as INTIDs are counted: SPI number + 32 */
	void (*pulse)(void *ctx, uint32_t spi);
	void *ctx;
};

static uint64_t gicv2m_read(struct device *d, uint64_t off, unsigned size UNUSED)
{
	const struct gicv2m *s = container_of(d, struct gicv2m, dev);

	switch (off) {
	case MSI_TYPER:
		return s->first << 16 | s->count;
	case MSI_IIDR:
		return 0; /* product, revision, implementer: none assigned */
	default:
		d->guest_errors++;
		return 0;
	}
}

static void gicv2m_write(struct device *d, uint64_t off, unsigned size UNUSED, uint64_t v)
{
	const struct gicv2m *s = container_of(d, struct gicv2m, dev);

	if (off != MSI_SETSPI_NS || v < s->first || v - s->first >= s->count) {
		d->guest_errors++;
		return;
	}
	s->pulse(s->ctx, (uint32_t)v - 32);
}

static void gicv2m_destroy(struct device *d)
{
	free(container_of(d, struct gicv2m, dev));
}

static const struct device_ops gicv2m_ops = {
	.name = "gicv2m",
	.read = gicv2m_read,
	.write = gicv2m_write,
	.destroy = gicv2m_destroy,
	.min_access = 4,
	.max_access = 4,
};

struct device *gicv2m_create(uint64_t base, uint64_t size, uint32_t first, uint32_t count,
			     void (*pulse)(void *ctx, uint32_t spi), void *ctx, struct err *e)
{
	struct gicv2m *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ENOMEM, "gicv2m: out of memory");
		return NULL;
	}
	device_init(&s->dev, &gicv2m_ops, base, size);
	s->first = first + 32;
	s->count = count;
	s->pulse = pulse;
	s->ctx = ctx;
	return &s->dev;
}
