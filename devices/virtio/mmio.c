/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/mmio.h"

#include "fdt/fdt.h"

#include <errno.h>
#include <stdlib.h>

enum reg {
	MAGIC_VALUE = 0x000,
	VERSION = 0x004,
	DEVICE_ID = 0x008,
	VENDOR_ID = 0x00c,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034,
	QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = VIRTIO_MMIO_QUEUE_NOTIFY,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = VIRTIO_MMIO_INTERRUPT_ACK,
	STATUS = 0x070,
	QUEUE_DESC_LOW = 0x080,
	QUEUE_DESC_HIGH = 0x084,
	QUEUE_DRIVER_LOW = 0x090,
	QUEUE_DRIVER_HIGH = 0x094,
	QUEUE_DEVICE_LOW = 0x0a0,
	QUEUE_DEVICE_HIGH = 0x0a4,
	SHM_SEL = 0x0ac,
	SHM_LEN_LOW = 0x0b0,
	SHM_LEN_HIGH = 0x0b4,
	SHM_BASE_LOW = 0x0b8,
	SHM_BASE_HIGH = 0x0bc,
	QUEUE_RESET = 0x0c0,
	CONFIG_GENERATION = 0x0fc,
	CONFIG = 0x100,
};

#define MAGIC  0x74726976 /* "virt" */
#define VENDOR 0x204d4d56 /* "VMM " */

struct virtio_mmio {
	struct device dev;
	struct virtio *v; /* owned; dev.lock is its lock */

	struct virtio_mmio_keeper *keeper; /* borrowed; NULL: acknowledgements are never late */

	uint32_t device_features_sel, driver_features_sel, queue_sel; /* dev.lock */

	struct mutex irq_lock; /* innermost */
	struct irq_line *irq;  /* borrowed from the machine, outlives us; irq_lock */
	uint32_t pending;      /* InterruptStatus; irq_lock */
};

static struct virtio_mmio *mmio(struct device *d)
{
	return container_of(d, struct virtio_mmio, dev);
}

static void settle(const struct virtio_mmio *s)
{
	if (s->keeper)
		s->keeper->settle(s->keeper);
}

/* Any thread. */
static void mmio_interrupt(struct virtio *v, unsigned why)
{
	struct virtio_mmio *s = mmio(container_of(v->lock, struct device, lock));

	/* An acknowledgement that the driver gave before it looked at the queue goes first. */
	settle(s);
	LOCK_SCOPE(&s->irq_lock);
	if (!s->pending)
		irq_raise(s->irq);
	s->pending |= why;
}

static uint32_t pending(struct virtio_mmio *s)
{
	settle(s);
	LOCK_SCOPE(&s->irq_lock);
	if (!s->pending)
		irq_set(s->irq, false);
	return s->pending;
}

void virtio_mmio_late_ack(struct device *d, uint32_t bits)
{
	struct virtio_mmio *s = mmio(d);

	LOCK_SCOPE(&s->irq_lock);
	if (!(s->pending & bits))
		return;
	s->pending &= ~bits;
	if (s->pending)
		irq_raise(s->irq);
}

/* What is left comes as an edge of its own. */
static void acknowledge(struct virtio_mmio *s, uint32_t bits)
{
	settle(s);
	LOCK_SCOPE(&s->irq_lock);
	if (s->pending && !(s->pending & bits))
		return;
	s->pending &= ~bits;
	irq_set(s->irq, false);
	irq_set(s->irq, s->pending != 0);
}

static uint64_t read_config(struct virtio_mmio *s, uint64_t off, unsigned size)
{
	uint32_t v;

	if (!virtio_config_read(s->v, off, size, &v))
		s->dev.guest_errors++;
	return v;
}

static uint64_t mmio_read(struct device *d, uint64_t off, unsigned size)
{
	struct virtio_mmio *s = mmio(d);
	const struct queue *q = virtio_queue(s->v, s->queue_sel);

	if (off >= CONFIG)
		return read_config(s, off - CONFIG, size);
	if (size != 4) {
		d->guest_errors++;
		return 0;
	}
	switch (off) {
	case INTERRUPT_STATUS:
		return pending(s);
	case MAGIC_VALUE:
		return MAGIC;
	case VERSION:
		return 2;
	case DEVICE_ID:
		return s->v->ops->id;
	case VENDOR_ID:
		return VENDOR;
	case DEVICE_FEATURES:
		return virtio_features(s->v, s->device_features_sel);
	case QUEUE_NUM_MAX:
		return q ? q->max : 0;
	case QUEUE_READY:
		return q && q->ready;
	case STATUS:
		return virtio_status(s->v);
	case SHM_LEN_LOW:
	case SHM_LEN_HIGH:
	case SHM_BASE_LOW:
	case SHM_BASE_HIGH:
		return UINT32_MAX; /* no device has shared memory */
	case QUEUE_RESET:
		return 0; /* it is over when the write that began it is */
	case CONFIG_GENERATION:
		return s->v->config_generation;
	default:
		d->guest_errors++;
		return 0;
	}
}

static bool write_register(struct virtio_mmio *s, uint64_t off, uint32_t x)
{
	struct virtio *v = s->v;
	struct queue *q = virtio_queue(v, s->queue_sel);

	switch (off) {
	case QUEUE_NOTIFY:
		return virtio_notify(v, x);
	case INTERRUPT_ACK:
		acknowledge(s, x);
		return !(x & ~(uint32_t)(VIRTIO_INT_QUEUE | VIRTIO_INT_CONFIG));
	case DEVICE_FEATURES_SEL:
		s->device_features_sel = x;
		return true;
	case DRIVER_FEATURES:
		return virtio_want_features(v, s->driver_features_sel, x);
	case DRIVER_FEATURES_SEL:
		s->driver_features_sel = x;
		return true;
	case QUEUE_SEL:
		s->queue_sel = x;
		return true;
	case QUEUE_NUM:
		return virtio_queue_size(v, q, x);
	case QUEUE_READY:
		if (x > 1)
			return false;
		return x ? virtio_queue_enable(v, q) : virtio_queue_disable(v, q);
	case STATUS:
		if (!virtio_set_status(v, x))
			return false;
		if (x == 0)
			acknowledge(s, UINT32_MAX);
		return true;
	case QUEUE_DESC_LOW:
	case QUEUE_DESC_HIGH:
		return virtio_queue_address(v, q, VIRTIO_AREA_DESC, off == QUEUE_DESC_HIGH, x);
	case QUEUE_DRIVER_LOW:
	case QUEUE_DRIVER_HIGH:
		return virtio_queue_address(v, q, VIRTIO_AREA_DRIVER, off == QUEUE_DRIVER_HIGH, x);
	case QUEUE_DEVICE_LOW:
	case QUEUE_DEVICE_HIGH:
		return virtio_queue_address(v, q, VIRTIO_AREA_DEVICE, off == QUEUE_DEVICE_HIGH, x);
	case SHM_SEL:
		return true; /* there is none, whichever is selected */
	case QUEUE_RESET:
		return x == 1 && virtio_queue_reset(v, q);
	default:
		return false;
	}
}

static void mmio_write(struct device *d, uint64_t off, unsigned size, uint64_t x)
{
	struct virtio_mmio *s = mmio(d);
	bool ok;

	if (off >= CONFIG)
		ok = virtio_config_write(s->v, off - CONFIG, size, (uint32_t)x);
	else
		ok = size == 4 && write_register(s, off, (uint32_t)x);
	if (!ok)
		d->guest_errors++;
}

static void mmio_reset(struct device *d)
{
	struct virtio_mmio *s = mmio(d);

	virtio_reset(s->v);
	s->device_features_sel = s->driver_features_sel = s->queue_sel = 0;
	acknowledge(s, UINT32_MAX);
}

static void mmio_describe(const struct device *d, struct fdt *t)
{
	const struct virtio_mmio *s = container_of(d, const struct virtio_mmio, dev);

	fdt_node_at(t, "virtio_mmio", d->base);
	fdt_str(t, "compatible", "virtio,mmio");
	fdt_reg(t, d->base, d->size);
	fdt_spi_edge(t, s->irq->spi);
	fdt_empty(t, "dma-coherent");
	fdt_end(t);
}

static void mmio_destroy(struct device *d)
{
	struct virtio_mmio *s = mmio(d);

	mutex_lock(&d->lock);
	virtio_reset(s->v);
	mutex_unlock(&d->lock);
	s->v->ops->destroy(s->v);
	/* Not before: it was what ended the threads that take it. */
	mutex_destroy(&d->lock);
	mutex_destroy(&s->irq_lock);
	free(s);
}

static const struct device_ops mmio_ops = {
	.name = "virtio_mmio",
	.reset = mmio_reset,
	.read = mmio_read,
	.write = mmio_write,
	.describe = mmio_describe,
	.destroy = mmio_destroy,
	.min_access = 1,
	.max_access = 4,
};

struct device *virtio_mmio_create(uint64_t base, uint64_t size, struct irq_line *irq,
				  struct virtio *v, struct err *e)
{
	struct virtio_mmio *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ENOMEM, "%s: out of memory", v->ops->name);
		v->ops->destroy(v);
		return NULL;
	}
	device_init(&s->dev, &mmio_ops, base, size);
	mutex_init(&s->irq_lock);
	s->irq = irq;
	s->v = v;
	v->lock = &s->dev.lock;
	v->interrupt = mmio_interrupt;
	return &s->dev;
}

void virtio_mmio_keep_acks(struct device *d, struct virtio_mmio_keeper *k)
{
	mmio(d)->keeper = k;
}

struct virtio *virtio_mmio_virtio(struct device *d)
{
	return mmio(d)->v;
}
