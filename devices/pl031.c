/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/pl031.h"

#include "devices/primecell.h"
#include "fdt/fdt.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum reg {
	DR = 0x00,
	MR = 0x04,
	LR = 0x08,
	CR = 0x0c,
	IMSC = 0x10,
	RIS = 0x14,
	MIS = 0x18,
	ICR = 0x1c,
};

#define SECOND_NS  1000000000ULL
#define MAX_WAIT_S 60 /* how late an alarm may be when the host's clock was set forward */

static const uint8_t pl031_id[8] = { 0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

/* All fields from offset to raised: dev.lock. */
struct pl031 {
	struct device dev;
	struct irq_line *irq;	  /* borrowed from the machine, outlives us */
	struct loop *loop;	  /* likewise */
	uint64_t (*now_ns)(void); /* the wall clock */
	struct timer alarm;	  /* loop thread */
	struct call rearm;	  /* asks the loop thread to set the alarm anew */

	uint32_t offset; /* the count minus the wall clock's seconds */
	uint32_t match, load;
	uint32_t seen; /* the count when we last looked whether it had passed match */
	bool mask;     /* RTCIMSC: the interrupt is let through */
	bool raised;   /* RTCRIS */
};

static struct pl031 *pl031(struct device *d)
{
	return container_of(d, struct pl031, dev);
}

static uint64_t host_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static uint32_t count_at(const struct pl031 *s, uint64_t now_ns)
{
	return (uint32_t)(now_ns / SECOND_NS) + s->offset;
}

/* Raises the interrupt when the count has come by the match register since the last look. */
static void look(struct pl031 *s, uint32_t count)
{
	uint32_t gone = count - s->seen, to_match = s->match - s->seen;

	/* A count that seems to have gone half way round was set back on the host. */
	if (gone <= INT32_MAX && to_match != 0 && to_match <= gone)
		s->raised = true;
	s->seen = count;
	irq_set(s->irq, s->raised && s->mask);
}

/* The guest set the count or the match: what lies behind is no alarm, what is just now is one. */
static void look_anew(struct pl031 *s, uint32_t count)
{
	s->seen = count;
	if (count == s->match)
		s->raised = true;
	irq_set(s->irq, s->raised && s->mask);
}

/* Loop thread. The timer runs while somebody waits for it. */
static void set_alarm(struct pl031 *s)
{
	uint64_t now = s->now_ns(), wait_s;
	uint32_t count = count_at(s, now);

	assert_held(&s->dev.lock);
	look(s, count);
	wait_s = s->match - count;
	if (!s->mask || s->raised || wait_s == 0 || wait_s > INT32_MAX) {
		loop_timer_disarm(s->loop, &s->alarm);
		return;
	}
	if (wait_s > MAX_WAIT_S)
		wait_s = MAX_WAIT_S;
	loop_timer_arm(s->loop, &s->alarm, loop_now_ns() + wait_s * SECOND_NS - now % SECOND_NS);
}

static void pl031_expired(struct timer *t)
{
	struct pl031 *s = container_of(t, struct pl031, alarm);

	LOCK_SCOPE(&s->dev.lock);
	set_alarm(s);
}

static void pl031_rearm(struct call *c)
{
	struct pl031 *s = container_of(c, struct pl031, rearm);

	LOCK_SCOPE(&s->dev.lock);
	set_alarm(s);
}

static uint64_t pl031_read(struct device *d, uint64_t off, unsigned size UNUSED)
{
	struct pl031 *s = pl031(d);
	uint32_t count = count_at(s, s->now_ns());
	uint64_t v = 0;

	look(s, count);
	switch (off) {
	case DR:
		return count;
	case MR:
		return s->match;
	case LR:
		return s->load;
	case CR:
		return 1;
	case IMSC:
		return s->mask;
	case RIS:
		return s->raised;
	case MIS:
		return s->raised && s->mask;
	default:
		if (!primecell_id(pl031_id, off, &v))
			d->guest_errors++;
		return v;
	}
}

static void pl031_write(struct device *d, uint64_t off, unsigned size UNUSED, uint64_t v)
{
	struct pl031 *s = pl031(d);
	uint32_t count = count_at(s, s->now_ns());

	look(s, count);
	switch (off) {
	case MR:
		s->match = (uint32_t)v;
		look_anew(s, count);
		break;
	case LR:
		s->load = (uint32_t)v;
		s->offset += s->load - count;
		look_anew(s, s->load);
		break;
	case CR:
		return;
	case IMSC:
		s->mask = v & 1;
		look(s, count);
		break;
	case ICR:
		if (v & 1)
			s->raised = false;
		look(s, count);
		break;
	default:
		d->guest_errors++;
		return;
	}
	loop_post(s->loop, &s->rearm);
}

static void pl031_reset(struct device *d)
{
	struct pl031 *s = pl031(d);

	s->offset = s->match = s->load = 0;
	s->mask = s->raised = false;
	s->seen = count_at(s, s->now_ns());
	irq_set(s->irq, false);
	loop_post(s->loop, &s->rearm);
}

static void pl031_describe(const struct device *d, struct fdt *t)
{
	const struct pl031 *s = container_of(d, const struct pl031, dev);

	fdt_node_at(t, "pl031", d->base);
	primecell_describe(t, "arm,pl031", pl031_id);
	fdt_reg(t, d->base, d->size);
	fdt_spi(t, s->irq->spi);
	FDT_CELLS(t, "clocks", FDT_PHANDLE_CLOCK);
	FDT_STRS(t, "clock-names", "apb_pclk");
	fdt_end(t);
}

static void pl031_destroy(struct device *d)
{
	struct pl031 *s = pl031(d);

	loop_unpost(s->loop, &s->rearm);
	loop_timer_disarm(s->loop, &s->alarm);
	free(s);
}

static const struct device_ops pl031_ops = {
	.name = "pl031",
	.reset = pl031_reset,
	.read = pl031_read,
	.write = pl031_write,
	.describe = pl031_describe,
	.destroy = pl031_destroy,
	.min_access = 1,
	.max_access = 4,
};

struct device *pl031_create(uint64_t base, uint64_t size, struct irq_line *irq, struct loop *loop,
			    struct err *e)
{
	struct pl031 *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ENOMEM, "pl031: out of memory");
		return NULL;
	}
	device_init(&s->dev, &pl031_ops, base, size);
	s->irq = irq;
	s->loop = loop;
	s->now_ns = host_now_ns;
	s->alarm.expired = pl031_expired;
	s->rearm.fn = pl031_rearm;
	return &s->dev;
}

void pl031_use_clock(struct device *d, uint64_t (*now_ns)(void))
{
	pl031(d)->now_ns = now_ns;
}
