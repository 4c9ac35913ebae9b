/* SPDX-License-Identifier: Apache-2.0 */
/* STATE: every register in every state of the device, and steps in the wrong order. */
#include "tests/attack/state.h"
#include "tests/attack/table.h"

#define FEATURES (S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK)

static void break_ring(struct ring *r)
{
	ring_avail_index(r, (uint16_t)(r->size + 1));
	ring_kick(r);
	if (!dev_wait_broken(r->d))
		complain("the device does not break");
}

uint32_t state_enter(struct dev *d, enum state to)
{
	switch (to) {
	case STATE_RESET:
		dev_reset(d);
		return 0;
	case STATE_ACKNOWLEDGE:
		dev_write(d, R_STATUS, S_ACKNOWLEDGE);
		return S_ACKNOWLEDGE;
	case STATE_DRIVER:
		dev_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
		return S_ACKNOWLEDGE | S_DRIVER;
	case STATE_FEATURES_OK:
		if (!dev_negotiate(d, 0))
			complain("the device does not take the features");
		return FEATURES;
	case STATE_RUNS:
		dev_start(d, 0, 8);
		return S_RUNS;
	case STATE_BROKEN:
		dev_start(d, 0, 8);
		break_ring(&d->ring[d->kind->ring]);
		return S_RUNS | S_NEEDS_RESET;
	case STATE_FAILED:
	default:
		dev_start(d, 0, 8);
		dev_write(d, R_STATUS, S_RUNS | S_FAILED);
		return S_RUNS | S_FAILED;
	}
}

static void expect_status(struct dev *d, uint32_t should)
{
	const uint32_t is = dev_read(d, R_STATUS);

	if (is != should)
		complain_of("status", is, should);
}

static const uint32_t values[] = {
	1,     2,      3,      7,	8,	    0x10,	0x40,	    0x80,	0xff,
	0x100, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0,
};

/* Registers whose writes may change the status: STATUS, and what can make the device break. */
static bool may_change_status(unsigned reg, enum state s)
{
	return reg == R_STATUS || (reg == R_QUEUE_READY && s >= STATE_FEATURES_OK);
}

/* arg: the register, arg2: the state. */
static void write_in_state(struct dev *d, const struct attack *a)
{
	const unsigned reg = (unsigned)a->arg;
	const enum state s = (enum state)a->arg2;
	const uint32_t status = state_enter(d, s);

	if (reg != R_QUEUE_SEL)
		dev_write(d, R_QUEUE_SEL, d->kind->ring);
	for (unsigned i = 0; i < LENGTH(values); i++) {
		dev_write(d, reg, values[i]);
		if (!may_change_status(reg, s))
			expect_status(d, status);
		if (s < STATE_FEATURES_OK && dev_read(d, R_QUEUE_READY) != 0)
			complain("a queue is ready before FEATURES_OK");
	}
	if (s == STATE_RUNS && !may_change_status(reg, s))
		d->kind->good(d);
}

/* --- features: arg: what is asked for --- */

static void features_refused(struct dev *d, const struct attack *a)
{
	dev_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	for (unsigned word = 0; word < 2; word++) {
		dev_write(d, R_DRIVER_FEATURES_SEL, word);
		dev_write(d, R_DRIVER_FEATURES, (uint32_t)(a->arg >> (32 * word)));
	}
	dev_write(d, R_STATUS, FEATURES);
	expect_status(d, S_ACKNOWLEDGE | S_DRIVER);
	dev_write(d, R_STATUS, S_RUNS);
	expect_status(d, S_ACKNOWLEDGE | S_DRIVER);
}

/* One more than is offered: the lowest of those from bit arg on. */
static void feature_not_offered(struct dev *d, const struct attack *a)
{
	unsigned bit = (unsigned)a->arg;

	while (d->offered & F(bit))
		bit++;
	if (dev_negotiate(d, F(bit)))
		complain_of("a feature was taken that is not offered, bit", bit, 0);
}

static void features_all(struct dev *d, const struct attack *a)
{
	(void)a;
	if (!dev_negotiate(d, d->offered))
		complain("not all features go together");
}

/* After FEATURES_OK nothing is negotiated any more: arg is written then. */
static void features_later(struct dev *d, const struct attack *a)
{
	dev_start(d, d->offered & d->kind->wanted, 16);
	for (unsigned word = 0; word < 3; word++) {
		dev_write(d, R_DRIVER_FEATURES_SEL, word);
		dev_write(d, R_DRIVER_FEATURES, (uint32_t)a->arg);
	}
	dev_write(d, R_STATUS, S_RUNS);
	expect_status(d, S_RUNS);
	d->kind->good(d);
}

/* FEATURES_OK was refused; the driver asks for less and tries again. */
static void features_again(struct dev *d, const struct attack *a)
{
	features_refused(d, a);
	for (unsigned word = 0; word < 2; word++) {
		dev_write(d, R_DRIVER_FEATURES_SEL, word);
		dev_write(d, R_DRIVER_FEATURES, word);
	}
	dev_write(d, R_STATUS, FEATURES);
	expect_status(d, FEATURES);
}

/* --- status: arg: what is written, arg2: what it is then --- */

static void status_from_reset(struct dev *d, const struct attack *a)
{
	dev_write(d, R_STATUS, (uint32_t)a->arg);
	expect_status(d, (uint32_t)a->arg2);
}

static void status_running(struct dev *d, const struct attack *a)
{
	dev_start_well(d);
	dev_write(d, R_STATUS, (uint32_t)a->arg);
	expect_status(d, (uint32_t)a->arg2);
	if (a->arg2 == S_RUNS)
		d->kind->good(d);
}

static void status_broken(struct dev *d, const struct attack *a)
{
	(void)state_enter(d, STATE_BROKEN);
	dev_write(d, R_STATUS, (uint32_t)a->arg);
	expect_status(d, (uint32_t)a->arg2);
}

/* --- queues --- */

static struct ring *programmed(struct dev *d, uint64_t features)
{
	struct ring *r = &d->ring[d->kind->ring];

	if (!dev_negotiate(d, features))
		complain("the device does not take the features");
	ring_make(d, d->kind->ring, 8);
	ring_program(r);
	return r;
}

static void request(struct ring *r)
{
	any_request(r, 0);
	ring_avail(r, r->next_avail, 0);
	ring_avail_index(r, ++r->next_avail);
}

static void expect_used(struct ring *r)
{
	if (ring_wait(r, &(uint32_t){ 0 }) != USED)
		complain("a request was not used");
}

static void expect_unused(struct ring *r)
{
	for (unsigned i = 0; i < 200; i++)
		hal_pause();
	if (ring_used_index(r) != r->next_used)
		complain("a request was used by a device that does not run");
}

static void enable_twice(struct dev *d, const struct attack *a)
{
	struct ring *r = programmed(d, 0);

	(void)a;
	ring_enable(r);
	ring_enable(r);
	dev_write(d, R_STATUS, S_RUNS);
	ring_enable(r);
	request(r);
	ring_kick(r);
	expect_used(r);
	ring_enable(r);
	request(r);
	ring_kick(r);
	expect_used(r);
}

static void enable_without_addresses(struct dev *d, const struct attack *a)
{
	if (!dev_negotiate(d, 0))
		complain("the device does not take the features");
	dev_write(d, R_QUEUE_SEL, d->kind->ring);
	if (a->arg)
		dev_write(d, R_QUEUE_NUM, 8);
	dev_write(d, R_QUEUE_READY, 1);
	if (dev_read(d, R_QUEUE_READY))
		complain("a queue that is nowhere is ready");
}

/* A value that is neither 0 nor 1. */
static void enable_by(struct dev *d, const struct attack *a)
{
	struct ring *r = programmed(d, 0);

	dev_write(d, R_QUEUE_SEL, r->index);
	dev_write(d, R_QUEUE_READY, (uint32_t)a->arg);
	dev_write(d, R_STATUS, S_RUNS);
}

/* Enabled only when the device runs: legal, and the queue works. */
static void enable_late(struct dev *d, const struct attack *a)
{
	struct ring *r = programmed(d, 0);

	dev_write(d, R_STATUS, S_RUNS);
	request(r);
	if (a->arg)
		ring_kick(r);
	ring_enable(r);
	ring_kick(r);
	expect_used(r);
}

/* A running queue is programmed anew: nothing of it counts. */
static void program_while_ready(struct dev *d, const struct attack *a)
{
	struct ring *r = programmed(d, 0);
	struct ring other = *r;

	ring_enable(r);
	dev_write(d, R_STATUS, S_RUNS);
	request(r);
	ring_kick(r);
	expect_used(r);
	other.size = 1;
	other.desc = other.driver = other.device = a->arg ? d->base : hal.ram;
	ring_program(&other);
	request(r);
	ring_kick(r);
	expect_used(r);
}

/* arg: how often it is switched off and on while it runs, with requests in it. */
static void disable_running(struct dev *d, const struct attack *a)
{
	struct ring *r = programmed(d, 0);

	ring_enable(r);
	dev_write(d, R_STATUS, S_RUNS);
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		any_request(r, 0);
		for (unsigned k = 0; k < 8; k++)
			ring_avail(r, k, 0);
		ring_avail_index(r, 1);
		ring_kick(r);
		dev_write(d, R_QUEUE_READY, 0);
		if (dev_read(d, R_QUEUE_READY))
			complain("a queue that was disabled is ready");
		mem_fill(r->device, 0, 6 + 8 * r->size);
		r->next_used = 0;
		ring_avail_index(r, 0);
		d->used = r->device + 6 + 8 * r->size - d->memory;
		dev_write(d, R_QUEUE_READY, 1);
	}
	r->next_avail = 0;
	request(r);
	ring_kick(r);
	expect_used(r);
}

/* Made available and kicked before DRIVER_OK: nothing is used; at DRIVER_OK it is. */
static void early_buffers(struct dev *d, const struct attack *a)
{
	struct ring *r = programmed(d, 0);

	ring_enable(r);
	request(r);
	if (a->arg)
		ring_kick(r);
	expect_unused(r);
	dev_write(d, R_STATUS, S_RUNS);
	expect_used(r);
}

static void failed_serves_nothing(struct dev *d, const struct attack *a)
{
	struct ring *r = programmed(d, 0);

	(void)a;
	ring_enable(r);
	dev_write(d, R_STATUS, S_RUNS);
	dev_write(d, R_STATUS, S_RUNS | S_FAILED);
	request(r);
	ring_kick(r);
	expect_unused(r);
}

/* Only arg queues of the device are enabled, and kicks come for all. */
static void some_queues(struct dev *d, const struct attack *a)
{
	if (!dev_negotiate(d, 0))
		complain("the device does not take the features");
	for (unsigned i = 0; i < d->nr_rings && i < a->arg; i++) {
		ring_make(d, i, 8);
		ring_program(&d->ring[i]);
		ring_enable(&d->ring[i]);
	}
	dev_write(d, R_STATUS, S_RUNS);
	for (unsigned i = 0; i < d->nr_rings; i++)
		dev_write(d, R_QUEUE_NOTIFY, i);
	expect_status(d, S_RUNS);
}

/* RING_RESET: arg: what is in the ring; then it is made anew, smaller. */
static void queue_reset(struct dev *d, const struct attack *a)
{
	struct ring *r;

	if (!(d->offered & F_RING_RESET)) {
		complain("RING_RESET is not offered");
		return;
	}
	r = programmed(d, F_RING_RESET);
	ring_enable(r);
	dev_write(d, R_STATUS, S_RUNS);
	for (uint64_t i = 0; i < a->arg; i++)
		request(r);
	if (a->arg)
		ring_kick(r);
	for (uint64_t i = 0; i <= a->arg2; i++)
		dev_write(d, R_QUEUE_RESET, 1);
	if (dev_read(d, R_QUEUE_RESET) || dev_read(d, R_QUEUE_READY))
		complain("a queue that was reset is ready");
	ring_make(d, r->index, 4);
	ring_program(r);
	ring_enable(r);
	request(r);
	ring_kick(r);
	expect_used(r);
}

static void queue_reset_broken(struct dev *d, const struct attack *a)
{
	struct ring *r = programmed(d, F_RING_RESET);

	(void)a;
	ring_enable(r);
	dev_write(d, R_STATUS, S_RUNS);
	break_ring(r);
	dev_write(d, R_QUEUE_SEL, r->index);
	dev_write(d, R_QUEUE_RESET, 1);
	ring_make(d, r->index, 8);
	ring_program(r);
	ring_enable(r);
	request(r);
	ring_kick(r);
	expect_status(d, S_RUNS | S_NEEDS_RESET);
}

static void queue_reset_values(struct dev *d, const struct attack *a)
{
	struct ring *r = programmed(d, F_RING_RESET);

	ring_enable(r);
	dev_write(d, R_STATUS, S_RUNS);
	dev_write(d, R_QUEUE_SEL, a->arg2 ? (uint32_t)a->arg2 : r->index);
	dev_write(d, R_QUEUE_RESET, (uint32_t)a->arg);
	request(r);
	ring_kick(r);
	expect_used(r);
}

/* The generation is stable while nothing changes the configuration. */
static void generation(struct dev *d, const struct attack *a)
{
	uint32_t before;
	uint64_t v;

	if (a->arg)
		dev_start_well(d);
	before = dev_read(d, R_CONFIG_GENERATION);
	for (unsigned i = 0; i < 200; i++)
		(void)hal_load(d->base + R_CONFIG + i % 64, 1, &v);
	if (dev_read(d, R_CONFIG_GENERATION) != before)
		complain("the generation changes by itself");
}

#define IN_STATE(id, reg, in, state)                                                               \
	{                                                                                          \
		.name = id " in " in, .run = write_in_state, .arg = (reg), .arg2 = (state)         \
	}
#define IN_STATES(id, reg)                                                                         \
	IN_STATE(id, reg, "reset", STATE_RESET),                                                   \
		IN_STATE(id, reg, "ACKNOWLEDGE", STATE_ACKNOWLEDGE),                               \
		IN_STATE(id, reg, "DRIVER", STATE_DRIVER),                                         \
		IN_STATE(id, reg, "FEATURES_OK", STATE_FEATURES_OK),                               \
		IN_STATE(id, reg, "DRIVER_OK", STATE_RUNS),                                        \
		IN_STATE(id, reg, "NEEDS_RESET", STATE_BROKEN),                                    \
		IN_STATE(id, reg, "FAILED", STATE_FAILED)

#define STATUS(id, fn, writes, gives)                                                              \
	{                                                                                          \
		.name = id, .run = (fn), .arg = (writes), .arg2 = (gives)                          \
	}

static const struct attack rows[] = {
	IN_STATES("DRIVER_FEATURES", R_DRIVER_FEATURES),
	IN_STATES("QUEUE_NUM", R_QUEUE_NUM),
	IN_STATES("QUEUE_READY", R_QUEUE_READY),
	IN_STATES("QUEUE_NOTIFY", R_QUEUE_NOTIFY),
	IN_STATES("STATUS", R_STATUS),
	IN_STATES("QUEUE_DESC", R_QUEUE_DESC),
	IN_STATES("QUEUE_DRIVER", R_QUEUE_DRIVER),
	IN_STATES("QUEUE_DEVICE", R_QUEUE_DEVICE),
	IN_STATES("QUEUE_RESET", R_QUEUE_RESET),
	IN_STATES("INTERRUPT_ACK", R_INTERRUPT_ACK),
	{ .name = "no features, not even VERSION_1", .run = features_refused },
	{ .name = "no VERSION_1", .run = features_refused, .arg = F_INDIRECT | F_EVENT_IDX },
	{ .name = "all features of the first word", .run = features_refused, .arg = UINT32_MAX },
	{ .name = "all features that there may be", .run = features_refused, .arg = UINT64_MAX },
	{ .name = "a feature of the device type not offered",
	  .run = feature_not_offered,
	  .arg = 16 },
	{ .name = "a feature of all devices not offered", .run = feature_not_offered, .arg = 33 },
	{ .name = "NOTIFICATION_DATA not offered", .run = feature_not_offered, .arg = 38 },
	{ .name = "bit 63 not offered", .run = feature_not_offered, .arg = 63 },
	{ .name = "all that is offered", .run = features_all },
	{ .name = "features taken back while it runs", .run = features_later },
	{ .name = "features added while it runs", .run = features_later, .arg = UINT32_MAX },
	{ .name = "features once more after a refusal", .run = features_again, .arg = UINT64_MAX },
	STATUS("all steps at once", status_from_reset, S_RUNS, S_ACKNOWLEDGE | S_DRIVER),
	STATUS("DRIVER alone", status_from_reset, S_DRIVER, 0),
	STATUS("FEATURES_OK alone", status_from_reset, S_FEATURES_OK, 0),
	STATUS("DRIVER_OK alone", status_from_reset, S_DRIVER_OK, 0),
	STATUS("DRIVER_OK without FEATURES_OK", status_from_reset,
	       S_ACKNOWLEDGE | S_DRIVER | S_DRIVER_OK, S_ACKNOWLEDGE | S_DRIVER),
	STATUS("NEEDS_RESET by the driver", status_from_reset, S_NEEDS_RESET, 0),
	STATUS("FAILED at once", status_from_reset, S_FAILED, S_FAILED),
	STATUS("reserved bit 16", status_from_reset, 16 | S_ACKNOWLEDGE, 0),
	STATUS("reserved bit 32", status_from_reset, 32 | S_ACKNOWLEDGE, 0),
	STATUS("bits above the first 8", status_from_reset, 0x100 | S_ACKNOWLEDGE, 0),
	STATUS("all ones", status_from_reset, UINT32_MAX, 0),
	STATUS("ACKNOWLEDGE is cleared", status_running, S_RUNS & ~S_ACKNOWLEDGE, S_RUNS),
	STATUS("DRIVER is cleared", status_running, S_RUNS & ~S_DRIVER, S_RUNS),
	STATUS("FEATURES_OK is cleared", status_running, S_RUNS & ~S_FEATURES_OK, S_RUNS),
	STATUS("DRIVER_OK is cleared", status_running, S_RUNS & ~S_DRIVER_OK, S_RUNS),
	STATUS("DRIVER_OK twice", status_running, S_RUNS, S_RUNS),
	STATUS("NEEDS_RESET while it runs", status_running, S_RUNS | S_NEEDS_RESET, S_RUNS),
	STATUS("reserved bits while it runs", status_running, S_RUNS | 48, S_RUNS),
	STATUS("NEEDS_RESET is cleared", status_broken, S_RUNS, S_RUNS | S_NEEDS_RESET),
	STATUS("NEEDS_RESET is written back", status_broken, S_RUNS | S_NEEDS_RESET,
	       S_RUNS | S_NEEDS_RESET),
	STATUS("FAILED where a reset is needed", status_broken, S_RUNS | S_NEEDS_RESET | S_FAILED,
	       S_RUNS | S_NEEDS_RESET | S_FAILED),
	{ .name = "enabled twice", .run = enable_twice },
	{ .name = "enabled without size and addresses", .run = enable_without_addresses },
	{ .name = "enabled without addresses", .run = enable_without_addresses, .arg = 1 },
	{ .name = "enabled by 2", .run = enable_by, .arg = 2 },
	{ .name = "enabled by 2^32 - 1", .run = enable_by, .arg = UINT32_MAX },
	{ .name = "enabled after DRIVER_OK", .run = enable_late },
	{ .name = "enabled after a kick", .run = enable_late, .arg = 1 },
	{ .name = "moved to where RAM begins while ready", .run = program_while_ready },
	{ .name = "moved to registers while ready", .run = program_while_ready, .arg = 1 },
	{ .name = "disabled with a request in flight", .run = disable_running, .arg = 1 },
	{ .name = "disabled again and again", .run = disable_running, .arg = 100 },
	{ .name = "buffers before DRIVER_OK", .run = early_buffers },
	{ .name = "kick before DRIVER_OK", .run = early_buffers, .arg = 1 },
	{ .name = "requests after FAILED", .run = failed_serves_nothing },
	{ .name = "no queue is enabled", .run = some_queues },
	{ .name = "only one queue is enabled", .run = some_queues, .arg = 1 },
	{ .name = "queue reset, idle", .run = queue_reset },
	{ .name = "queue reset twice", .run = queue_reset, .arg2 = 1 },
	{ .name = "queue reset with a request in flight", .run = queue_reset, .arg = 1 },
	{ .name = "queue reset of a broken queue", .run = queue_reset_broken },
	{ .name = "queue reset by 2", .run = queue_reset_values, .arg = 2 },
	{ .name = "queue reset of no queue", .run = queue_reset_values, .arg = 1, .arg2 = 65535 },
	{ .name = "configuration before negotiation", .run = generation },
	{ .name = "configuration while it runs", .run = generation, .arg = 1 },
};

const struct group group_state = GROUP("state", rows, .on = ON_EACH);
