/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/pl061.h"

#include "devices/primecell.h"
#include "fdt/fdt.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* GPIODATA fills the first KiB: bits 9:2 of the address say which lines an access is about. */
enum reg {
	DATA_LAST = 0x3fc,
	DIR = 0x400,
	IS = 0x404,
	IBE = 0x408,
	IEV = 0x40c,
	IE = 0x410,
	RIS = 0x414,
	MIS = 0x418,
	IC = 0x41c,
	AFSEL = 0x420,
};

#define POWER_LINE 3
#define POWER_BIT  (1u << POWER_LINE)
#define PRESS_NS   100000000ULL /* how long the key stays down at least; between two looks at it */
#define PRESS_MAX  20		/* at most this many times as long */

static const uint8_t pl061_id[8] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

/* All fields from in to key_seen: dev.lock. */
struct pl061 {
	struct device dev;
	struct irq_line *irq; /* borrowed from the machine, outlives us */
	struct loop *loop;    /* likewise */
	struct timer release; /* loop thread */

	uint8_t in, out; /* levels from outside, and as written by the guest */
	uint8_t dir;	 /* 1: the guest drives the line */
	uint8_t is, ibe, iev, ie, afsel;
	uint8_t edges; /* edges seen and not cleared */

	unsigned key_left; /* times that the key may stay down for longer */
	bool key_seen;	   /* the guest read the line since it went down */
};

static struct pl061 *pl061(struct device *d)
{
	return container_of(d, struct pl061, dev);
}

/* GPIORIS: level-sensitive lines as they are, others as they were seen to change. */
static uint8_t raw_status(const struct pl061 *s)
{
	unsigned active = ~(unsigned)(s->in ^ s->iev) & s->is;

	return (uint8_t)((active & ~(unsigned)s->dir) | (s->edges & ~(unsigned)s->is));
}

static void update_irq(struct pl061 *s)
{
	irq_set(s->irq, (raw_status(s) & s->ie) != 0);
}

static void set_inputs(struct pl061 *s, uint8_t in)
{
	unsigned changed = s->in ^ in;

	s->in = in;
	/* The wanted edge is any (IBE), or the one that leaves the line as IEV says. */
	s->edges |= (uint8_t)(changed & ~(unsigned)(s->dir | s->is) &
			      (s->ibe | ~(unsigned)(in ^ s->iev)));
	update_irq(s);
}

static uint64_t pl061_read(struct device *d, uint64_t off, unsigned size UNUSED)
{
	struct pl061 *s = pl061(d);
	uint64_t v = 0;

	switch (off) {
	case 0 ... DATA_LAST:
		if (off >> 2 & s->in & POWER_BIT)
			s->key_seen = true;
		return off >> 2 & ((s->out & s->dir) | (s->in & ~(unsigned)s->dir));
	case DIR:
		return s->dir;
	case IS:
		return s->is;
	case IBE:
		return s->ibe;
	case IEV:
		return s->iev;
	case IE:
		return s->ie;
	case RIS:
		return raw_status(s);
	case MIS:
		return raw_status(s) & s->ie;
	case AFSEL:
		return s->afsel;
	default:
		if (!primecell_id(pl061_id, off, &v))
			d->guest_errors++;
		return v;
	}
}

static void pl061_write(struct device *d, uint64_t off, unsigned size UNUSED, uint64_t value)
{
	struct pl061 *s = pl061(d);
	uint8_t v = (uint8_t)value, lines = (uint8_t)(off >> 2);

	switch (off) {
	case 0 ... DATA_LAST:
		lines &= s->dir;
		s->out = (uint8_t)((s->out & ~lines) | (v & lines));
		break;
	case DIR:
		s->dir = v;
		break;
	case IS:
		s->is = v;
		break;
	case IBE:
		s->ibe = v;
		break;
	case IEV:
		s->iev = v;
		break;
	case IE:
		s->ie = v;
		break;
	case IC:
		s->edges &= (uint8_t)~v;
		break;
	case AFSEL:
		s->afsel = v;
		break;
	default:
		d->guest_errors++;
		return;
	}
	update_irq(s);
}

void pl061_set_input(struct device *d, unsigned line, bool level)
{
	struct pl061 *s = pl061(d);
	unsigned bit = 1u << line;

	assert(line < PL061_LINES);
	LOCK_SCOPE(&d->lock);
	set_inputs(s, (uint8_t)(level ? s->in | bit : s->in & ~bit));
}

void pl061_press_power_key(struct device *d)
{
	struct pl061 *s = pl061(d);

	LOCK_SCOPE(&d->lock);
	s->key_left = PRESS_MAX - 1;
	s->key_seen = false;
	set_inputs(s, s->in | POWER_BIT);
	loop_timer_arm(s->loop, &s->release, loop_now_ns() + PRESS_NS);
}

static void pl061_release(struct timer *t)
{
	struct pl061 *s = container_of(t, struct pl061, release);

	LOCK_SCOPE(&s->dev.lock);
	if (s->in & POWER_BIT && !s->key_seen && s->key_left > 0) {
		s->key_left--;
		loop_timer_arm(s->loop, &s->release, loop_now_ns() + PRESS_NS);
		return;
	}
	set_inputs(s, (uint8_t)(s->in & ~POWER_BIT));
}

/* A key that is down goes up; its timer may still run and finds nothing to do. */
static void pl061_reset(struct device *d)
{
	struct pl061 *s = pl061(d);

	s->in &= (uint8_t)~POWER_BIT;
	s->out = s->dir = s->is = s->ibe = s->iev = s->ie = s->afsel = s->edges = 0;
	update_irq(s);
}

static void pl061_describe(const struct device *d, struct fdt *t)
{
	const struct pl061 *s = container_of(d, const struct pl061, dev);
	enum { KEY_POWER = 116, ACTIVE_HIGH = 0 }; /* as in Linux's bindings */

	fdt_node_at(t, "pl061", d->base);
	primecell_describe(t, "arm,pl061", pl061_id);
	fdt_reg(t, d->base, d->size);
	fdt_spi(t, s->irq->spi);
	FDT_CELLS(t, "clocks", FDT_PHANDLE_CLOCK);
	FDT_STRS(t, "clock-names", "apb_pclk");
	fdt_empty(t, "gpio-controller");
	fdt_u32(t, "#gpio-cells", 2);
	/* The others lead nowhere; a kernel would ask for the direction of each, an exit a line. */
	FDT_CELLS(t, "gpio-reserved-ranges", 0, POWER_LINE, POWER_LINE + 1,
		  PL061_LINES - POWER_LINE - 1);
	fdt_u32(t, "phandle", FDT_PHANDLE_GPIO);
	fdt_end(t);

	fdt_node(t, "gpio-keys");
	fdt_str(t, "compatible", "gpio-keys");
	fdt_node(t, "poweroff");
	fdt_str(t, "label", "GPIO Key Poweroff");
	fdt_u32(t, "linux,code", KEY_POWER);
	FDT_CELLS(t, "gpios", FDT_PHANDLE_GPIO, POWER_LINE, ACTIVE_HIGH);
	fdt_empty(t, "wakeup-source");
	fdt_end(t);
	fdt_end(t);
}

static void pl061_destroy(struct device *d)
{
	struct pl061 *s = pl061(d);

	loop_timer_disarm(s->loop, &s->release);
	free(s);
}

static const struct device_ops pl061_ops = {
	.name = "pl061",
	.reset = pl061_reset,
	.read = pl061_read,
	.write = pl061_write,
	.describe = pl061_describe,
	.destroy = pl061_destroy,
	.min_access = 1,
	.max_access = 4,
};

struct device *pl061_create(uint64_t base, uint64_t size, struct irq_line *irq, struct loop *loop,
			    struct err *e)
{
	struct pl061 *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ENOMEM, "pl061: out of memory");
		return NULL;
	}
	device_init(&s->dev, &pl061_ops, base, size);
	s->irq = irq;
	s->loop = loop;
	s->release.expired = pl061_release;
	return &s->dev;
}
