/* SPDX-License-Identifier: Apache-2.0 */
/* RST: resets of a device, at every moment. */
#include "tests/attack/state.h"
#include "tests/attack/table.h"

enum { FLOOD = 8 };

/* As many requests as the ring takes, all of them made available at once. A disk is to read. */
static void flood(struct ring *r)
{
	const uint64_t buffer = dev_pages(r->d, 4096);
	const unsigned step = r->size < 2 ? 1 : 2;

	for (unsigned i = 0; i + step <= r->size; i += step) {
		if (r->d->kind->id == ID_BLOCK) {
			ring_desc(r, i, buffer, 16, D_NEXT, (uint16_t)(i + 1));
			ring_desc(r, i + 1, buffer + 16, 7 * 512 + 1, D_WRITE, 0);
		} else {
			any_request(r, i);
		}
		ring_avail(r, i / step, (uint16_t)i);
	}
	ring_avail_index(r, (uint16_t)(r->size / step));
	ring_kick(r);
}

static void expect_reset(struct dev *d)
{
	if (dev_read(d, R_STATUS) != 0)
		complain_of("status after a reset", dev_read(d, R_STATUS), 0);
	if (dev_read(d, R_INTERRUPT_STATUS) != 0)
		complain_of("interrupt status after a reset", dev_read(d, R_INTERRUPT_STATUS), 0);
	for (unsigned i = 0; i < d->nr_rings; i++) {
		dev_write(d, R_QUEUE_SEL, i);
		if (dev_read(d, R_QUEUE_READY) != 0)
			complain_of("a queue is ready after a reset", i, 0);
	}
}

/* arg: the state. */
static void reset_in_state(struct dev *d, const struct attack *a)
{
	(void)state_enter(d, (enum state)a->arg);
	dev_write(d, R_STATUS, 0);
	expect_reset(d);
	dev_write(d, R_STATUS, 0);
	expect_reset(d);
}

static void many_resets(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg); i++)
		(void)hal_store(d->base + R_STATUS, 4, 0);
	expect_reset(d);
}

/* arg: how often it is started, with rings of another size each time. */
static void many_starts(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++)
		dev_start(d, i & 1 ? d->offered & a->arg2 : 0, 1U << i % 8);
	dev_reset(d);
	expect_reset(d);
}

/* arg: how often a reset meets requests in flight. */
static void in_flight(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		dev_start(d, 0, FLOOD);
		flood(&d->ring[d->kind->ring]);
		for (uint64_t k = 0; k < i % 4; k++)
			hal_pause();
		dev_write(d, R_STATUS, 0);
		expect_reset(d);
	}
}

/* After a reset nothing of the driver's memory is written any more: rings or buffers. */
static void late_writes(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		const uint64_t should = 0xa5a5a5a5a5a5a5a5;
		uint64_t end;

		dev_start(d, 0, FLOOD);
		flood(&d->ring[d->kind->ring]);
		dev_write(d, R_STATUS, 0);
		end = d->memory + (d->used & ~UINT64_C(7));
		mem_fill(d->memory, 0xa5, d->used);
		for (unsigned k = 0; k < 20; k++)
			hal_pause();
		for (uint64_t at = d->memory; at < end; at += 8)
			if (hal_get64(at) != should) {
				complain_of("memory was written after the reset, at", at, 0);
				break;
			}
	}
}

static void kick_after(struct dev *d, const struct attack *a)
{
	struct ring *r = &d->ring[d->kind->ring];

	dev_start(d, 0, FLOOD);
	flood(r);
	dev_write(d, R_STATUS, 0);
	for (uint64_t i = 0; i < times(a->arg); i++)
		dev_write(d, R_QUEUE_NOTIFY, r->index);
	expect_reset(d);
}

/* A driver that forgot all: it negotiates anew without a reset, on a device that runs. */
static void start_without(struct dev *d, const struct attack *a)
{
	dev_start(d, 0, FLOOD);
	if (a->arg)
		flood(&d->ring[d->kind->ring]);
	dev_write(d, R_STATUS, S_ACKNOWLEDGE);
	dev_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	dev_write(d, R_DRIVER_FEATURES, 0);
	dev_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	for (unsigned i = 0; i < d->nr_rings; i++) {
		ring_make(d, i, FLOOD);
		ring_program(&d->ring[i]);
		ring_enable(&d->ring[i]);
	}
	dev_write(d, R_STATUS, S_RUNS);
	dev_write(d, R_QUEUE_NOTIFY, 0);
}

/* arg: how many steps of a start are done before the reset. */
static void between_steps(struct dev *d, const struct attack *a)
{
	struct ring *r = &d->ring[d->kind->ring];

	for (unsigned step = 1; step <= a->arg; step++)
		switch (step) {
		case 1:
			(void)dev_negotiate(d, 0);
			ring_make(d, d->kind->ring, FLOOD);
			break;
		case 2:
			dev_write(d, R_QUEUE_SEL, r->index);
			dev_write(d, R_QUEUE_NUM, r->size);
			break;
		case 3:
			ring_program(r);
			break;
		case 4:
			ring_enable(r);
			break;
		case 5:
			any_request(r, 0);
			ring_avail_index(r, 1);
			ring_kick(r);
			break;
		default:
			dev_write(d, R_STATUS, S_RUNS);
			break;
		}
	dev_write(d, R_STATUS, 0);
	expect_reset(d);
}

static const struct attack rows[] = {
	{ .name = "in reset", .run = reset_in_state, .arg = STATE_RESET },
	{ .name = "in ACKNOWLEDGE", .run = reset_in_state, .arg = STATE_ACKNOWLEDGE },
	{ .name = "in DRIVER", .run = reset_in_state, .arg = STATE_DRIVER },
	{ .name = "in FEATURES_OK", .run = reset_in_state, .arg = STATE_FEATURES_OK },
	{ .name = "in DRIVER_OK", .run = reset_in_state, .arg = STATE_RUNS },
	{ .name = "in NEEDS_RESET", .run = reset_in_state, .arg = STATE_BROKEN },
	{ .name = "in FAILED", .run = reset_in_state, .arg = STATE_FAILED },
	{ .name = "10,000 times", .run = many_resets, .arg = 10000 },
	{ .name = "between 200 starts", .run = many_starts, .arg = 200 },
	{ .name = "between 100 starts with either ring",
	  .run = many_starts,
	  .arg = 100,
	  .arg2 = F_PACKED | F_EVENT_IDX | F_INDIRECT },
	{ .name = "with requests in flight", .run = in_flight, .arg = 100 },
	{ .name = "and then nothing is written", .run = late_writes, .arg = 50 },
	{ .name = "and then kicks", .run = kick_after, .arg = 100 },
	{ .name = "left out", .run = start_without },
	{ .name = "left out with requests in flight", .run = start_without, .arg = 1 },
	{ .name = "after negotiation", .run = between_steps, .arg = 1 },
	{ .name = "after QUEUE_NUM", .run = between_steps, .arg = 2 },
	{ .name = "after the addresses", .run = between_steps, .arg = 3 },
	{ .name = "after QUEUE_READY", .run = between_steps, .arg = 4 },
	{ .name = "after an early kick", .run = between_steps, .arg = 5 },
	{ .name = "right after DRIVER_OK", .run = between_steps, .arg = 6 },
};

const struct group group_reset = GROUP("reset", rows, .on = ON_EACH);
