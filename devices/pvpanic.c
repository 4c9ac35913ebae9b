/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/pvpanic.h"

#include "fdt/fdt.h"

#include <errno.h>
#include <stdlib.h>

#define SUPPORTED (PVPANIC_PANICKED | PVPANIC_CRASH_LOADED | PVPANIC_SHUTDOWN)

struct pvpanic {
	struct device dev;
	void (*event)(void *ctx, unsigned events);
	void *ctx; /* the handler's */
};

static uint64_t pvpanic_read(struct device *d, uint64_t off, unsigned size UNUSED)
{
	if (off == 0)
		return SUPPORTED;
	d->guest_errors++;
	return 0;
}

static void pvpanic_write(struct device *d, uint64_t off, unsigned size UNUSED, uint64_t v)
{
	struct pvpanic *s = container_of(d, struct pvpanic, dev);

	if (off != 0 || v & ~(uint64_t)SUPPORTED)
		d->guest_errors++;
	if (off == 0 && v & SUPPORTED)
		s->event(s->ctx, (unsigned)v & SUPPORTED);
}

static void pvpanic_describe(const struct device *d, struct fdt *t)
{
	fdt_node_at(t, "pvpanic", d->base);
	fdt_str(t, "compatible", "qemu,pvpanic-mmio");
	fdt_reg(t, d->base, d->size);
	fdt_end(t);
}

static void pvpanic_destroy(struct device *d)
{
	free(container_of(d, struct pvpanic, dev));
}

static const struct device_ops pvpanic_ops = {
	.name = "pvpanic",
	.read = pvpanic_read,
	.write = pvpanic_write,
	.describe = pvpanic_describe,
	.destroy = pvpanic_destroy,
	.min_access = 1,
	.max_access = 2,
};

struct device *pvpanic_create(uint64_t base, uint64_t size,
			      void (*event)(void *ctx, unsigned events), void *ctx, struct err *e)
{
	struct pvpanic *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ENOMEM, "pvpanic: out of memory");
		return NULL;
	}
	device_init(&s->dev, &pvpanic_ops, base, size);
	s->event = event;
	s->ctx = ctx;
	return &s->dev;
}
