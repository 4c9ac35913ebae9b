/* SPDX-License-Identifier: Apache-2.0 */
/* MMIO: accesses to a device's registers of every width, in every place. */
#include "tests/attack/table.h"

static const uint64_t extremes[] = {
	0, 1, 0x7f, 0x80, 0xff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX,
};

/* Fewer of the values where each costs much, others for each address. */
static void poke(uint64_t at, unsigned width)
{
	const unsigned n = (unsigned)times(LENGTH(extremes));

	for (unsigned i = 0; i < n; i++)
		(void)hal_store(
			at, width,
			extremes[(i + (n < LENGTH(extremes) ? at / width : 0)) % LENGTH(extremes)]);
}

static void started(struct dev *d)
{
	dev_start(d, 0, 8);
}

static void expect_status(struct dev *d, uint32_t should)
{
	if (dev_read(d, R_STATUS) != should)
		complain_of("status", dev_read(d, R_STATUS), should);
}

/* Reads, and what is no register, have no effect. */
static void read_all(struct dev *d, const struct attack *a)
{
	const unsigned width = (unsigned)a->arg;
	uint64_t v;

	started(d);
	for (unsigned off = 0; off < R_END; off += width) {
		const bool done = hal_load(d->base + off, width, &v);

		if (done != (width <= 4))
			complain_of("access was refused or not, at", off, 0);
		if (width < 4 && off < R_CONFIG && v != 0)
			complain_of("a narrow read of a register gives", v, 0);
		if (width < 8 && v >> (8 * width))
			complain_of("bits above the access", v, 0);
	}
	expect_status(d, S_RUNS);
}

/* Writes that are not of 4 bytes have no effect on registers. */
static void write_narrow(struct dev *d, const struct attack *a)
{
	const unsigned width = (unsigned)a->arg;

	started(d);
	for (unsigned off = 0; off < R_CONFIG; off += width)
		poke(d->base + off, width);
	expect_status(d, S_RUNS);
	d->kind->good(d);
}

static void write_all(struct dev *d, const struct attack *a)
{
	started(d);
	for (unsigned off = 0; off < R_END; off += (unsigned)a->arg)
		if (off != R_STATUS || a->arg != 4)
			poke(d->base + off, (unsigned)a->arg);
	poke(d->base + R_STATUS, (unsigned)a->arg);
}

static void config_writes(struct dev *d, const struct attack *a)
{
	started(d);
	for (unsigned off = R_CONFIG; off < R_END; off += (unsigned)a->arg)
		poke(d->base + off, (unsigned)a->arg);
	expect_status(d, S_RUNS);
	d->kind->good(d);
}

/* Before anything was negotiated. */
static void config_early(struct dev *d, const struct attack *a)
{
	uint64_t before[8], v;

	for (unsigned i = 0; i < LENGTH(before); i++)
		(void)hal_load(d->base + R_CONFIG + 4 * i, 4, &before[i]);
	for (unsigned off = R_CONFIG; off < R_END; off += (unsigned)a->arg)
		poke(d->base + off, (unsigned)a->arg);
	for (unsigned i = 0; i < LENGTH(before); i++)
		if (d->kind->id != ID_CONSOLE && hal_load(d->base + R_CONFIG + 4 * i, 4, &v) &&
		    v != before[i])
			complain_of("configuration written before FEATURES_OK", v, before[i]);
}

/* No device takes them: they cross its registers, or its end. */
static void unaligned(struct dev *d, const struct attack *a)
{
	const unsigned width = (unsigned)a->arg;
	uint64_t v;

	started(d);
	for (unsigned off = 0; off<R_END; off += hal.slower> 1 ? 11 : 1) {
		if (off % width == 0)
			continue;
		if (hal_load(d->base + off, width, &v) || v)
			complain_of("an unaligned read was carried out at", off, 0);
		if (hal_store(d->base + off, width, UINT64_MAX))
			complain_of("an unaligned write was carried out at", off, 0);
	}
	expect_status(d, S_RUNS);
	d->kind->good(d);
}

/* A register without a meaning: reads as 0, takes no write. data: none; arg, arg2: from, to. */
static void undefined(struct dev *d, const struct attack *a)
{
	started(d);
	for (unsigned off = (unsigned)a->arg; off < a->arg2; off += 4) {
		poke(d->base + off, 4);
		if (dev_read(d, off) != 0)
			complain_of("a register that is none reads as", dev_read(d, off), 0);
	}
	expect_status(d, S_RUNS);
	d->kind->good(d);
}

/* arg: a register that is only written; reads have no effect and give 0. */
static void read_write_only(struct dev *d, const struct attack *a)
{
	started(d);
	if (dev_read(d, (unsigned)a->arg) != 0)
		complain_of("a write-only register reads as", dev_read(d, (unsigned)a->arg), 0);
	expect_status(d, S_RUNS);
}

/* arg: a register that is only read; it stays as it is. */
static void write_read_only(struct dev *d, const struct attack *a)
{
	uint32_t before;

	started(d);
	before = dev_read(d, (unsigned)a->arg);
	poke(d->base + a->arg, 4);
	if (dev_read(d, (unsigned)a->arg) != before)
		complain_of("a read-only register is", dev_read(d, (unsigned)a->arg), before);
	expect_status(d, S_RUNS);
	d->kind->good(d);
}

/* arg: a queue that there is not. */
static void queue_sel(struct dev *d, const struct attack *a)
{
	started(d);
	dev_write(d, R_QUEUE_SEL, (uint32_t)a->arg);
	if (dev_read(d, R_QUEUE_NUM_MAX) || dev_read(d, R_QUEUE_READY))
		complain("there is such a queue");
	poke(d->base + R_QUEUE_NUM, 4);
	for (unsigned reg = R_QUEUE_DESC; reg < R_SHM_SEL; reg += 4)
		poke(d->base + reg, 4);
	poke(d->base + R_QUEUE_READY, 4);
	poke(d->base + R_QUEUE_RESET, 4);
	expect_status(d, S_RUNS);
	d->kind->good(d);
}

/* arg: a word of features that there is not. */
static void features_sel(struct dev *d, const struct attack *a)
{
	dev_write(d, R_DEVICE_FEATURES_SEL, (uint32_t)a->arg);
	if (dev_read(d, R_DEVICE_FEATURES) != 0)
		complain_of("features of a word that is none", dev_read(d, R_DEVICE_FEATURES), 0);
	dev_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	dev_write(d, R_DRIVER_FEATURES_SEL, (uint32_t)a->arg);
	poke(d->base + R_DRIVER_FEATURES, 4);
}

static void shm_sel(struct dev *d, const struct attack *a)
{
	dev_write(d, R_SHM_SEL, (uint32_t)a->arg);
	for (unsigned reg = R_SHM_LEN; reg < R_SHM_BASE + 8; reg += 4)
		if (dev_read(d, reg) != UINT32_MAX)
			complain_of("a register of shared memory", dev_read(d, reg), UINT32_MAX);
}

static bool interrupt_pending(void *ctx)
{
	return dev_read(ctx, R_INTERRUPT_STATUS) & 1;
}

/* arg: bits that are acknowledged though they may not be there; what is there stays. */
static void interrupt_ack(struct dev *d, const struct attack *a)
{
	struct ring *r = &d->ring[d->kind->ring];
	const bool stays = !(a->arg & 1);

	started(d);
	any_request(r, 0);
	ring_avail_index(r, 1);
	ring_kick(r);
	if (!wait_until(interrupt_pending, d))
		complain("no interrupt is pending after a request");
	for (unsigned i = 0; i < 10; i++) {
		dev_write(d, R_INTERRUPT_ACK, (uint32_t)a->arg);
		if (interrupt_pending(d) != stays)
			complain_of("interrupt status", dev_read(d, R_INTERRUPT_STATUS), stays);
	}
}

/* The form of a notification with data, which was not negotiated: no queue is meant. */
static void notify_data(struct dev *d, const struct attack *a)
{
	started(d);
	dev_write(d, R_QUEUE_NOTIFY, (uint32_t)a->arg);
	expect_status(d, S_RUNS);
	d->kind->good(d);
}

/* Slots that have no device, and what lies behind them all. */
static void no_slot(struct dev *d, const struct attack *a)
{
	uint64_t at = 0, v;

	for (unsigned i = 0; i < hal.nr_slots; i++)
		if (hal.slot[i] >= at)
			at = hal.slot[i] + R_END;
	at += a->arg;
	(void)d;
	for (unsigned width = 1; width <= 8; width *= 2) {
		if (hal_load(at, width, &v) || v)
			complain("an access to no device was carried out");
		if (hal_store(at, width, UINT64_MAX))
			complain("a write to no device was carried out");
	}
}

#define WIDTHS(id, fn)                                                                             \
	{ .name = id " of 1 byte", .run = (fn), .arg = 1 },                                        \
		{ .name = id " of 2 bytes", .run = (fn), .arg = 2 },                               \
		{ .name = id " of 4 bytes", .run = (fn), .arg = 4 },                               \
	{                                                                                          \
		.name = id " of 8 bytes", .run = (fn), .arg = 8                                    \
	}

static const struct attack rows[] = {
	/* clang-format off */
	WIDTHS("reads", read_all),
	WIDTHS("writes of everything", write_all),
	WIDTHS("configuration writes", config_writes),
	WIDTHS("configuration writes before FEATURES_OK", config_early),
	/* clang-format on */
	{ .name = "narrow writes of 1 byte", .run = write_narrow, .arg = 1 },
	{ .name = "narrow writes of 2 bytes", .run = write_narrow, .arg = 2 },
	{ .name = "wide writes of 8 bytes", .run = write_narrow, .arg = 8 },
	{ .name = "unaligned of 2 bytes", .run = unaligned, .arg = 2 },
	{ .name = "unaligned of 4 bytes", .run = unaligned, .arg = 4 },
	{ .name = "unaligned of 8 bytes", .run = unaligned, .arg = 8 },
	{ .name = "no register, 0x18", .run = undefined, .arg = 0x18, .arg2 = 0x20 },
	{ .name = "no register, 0x28", .run = undefined, .arg = 0x28, .arg2 = 0x30 },
	{ .name = "no register, 0x3c", .run = undefined, .arg = 0x3c, .arg2 = 0x44 },
	{ .name = "no register, 0x48", .run = undefined, .arg = 0x48, .arg2 = 0x50 },
	{ .name = "no register, 0x54", .run = undefined, .arg = 0x54, .arg2 = 0x60 },
	{ .name = "no register, 0x68", .run = undefined, .arg = 0x68, .arg2 = 0x70 },
	{ .name = "no register, 0x74", .run = undefined, .arg = 0x74, .arg2 = 0x80 },
	{ .name = "no register, 0x88", .run = undefined, .arg = 0x88, .arg2 = 0x90 },
	{ .name = "no register, 0x98", .run = undefined, .arg = 0x98, .arg2 = 0xa0 },
	{ .name = "no register, 0xc4", .run = undefined, .arg = 0xc4, .arg2 = 0xfc },
	{ .name = "QUEUE_SEL is read", .run = read_write_only, .arg = R_QUEUE_SEL },
	{ .name = "QUEUE_NUM is read", .run = read_write_only, .arg = R_QUEUE_NUM },
	{ .name = "QUEUE_NOTIFY is read", .run = read_write_only, .arg = R_QUEUE_NOTIFY },
	{ .name = "DRIVER_FEATURES is read", .run = read_write_only, .arg = R_DRIVER_FEATURES },
	{ .name = "DRIVER_FEATURES_SEL is read",
	  .run = read_write_only,
	  .arg = R_DRIVER_FEATURES_SEL },
	{ .name = "INTERRUPT_ACK is read", .run = read_write_only, .arg = R_INTERRUPT_ACK },
	{ .name = "an address is read", .run = read_write_only, .arg = R_QUEUE_DESC },
	{ .name = "the magic is written", .run = write_read_only, .arg = R_MAGIC },
	{ .name = "the version is written", .run = write_read_only, .arg = R_VERSION },
	{ .name = "the device type is written", .run = write_read_only, .arg = R_DEVICE_ID },
	{ .name = "the vendor is written", .run = write_read_only, .arg = R_VENDOR_ID },
	{ .name = "the features are written", .run = write_read_only, .arg = R_DEVICE_FEATURES },
	{ .name = "the largest size is written", .run = write_read_only, .arg = R_QUEUE_NUM_MAX },
	{ .name = "the generation is written", .run = write_read_only, .arg = R_CONFIG_GENERATION },
	{ .name = "the queue after the last", .run = queue_sel, .arg = DEV_RINGS },
	{ .name = "queue 65536", .run = queue_sel, .arg = 65536 },
	{ .name = "queue 2^31", .run = queue_sel, .arg = 1U << 31 },
	{ .name = "queue 2^32 - 1", .run = queue_sel, .arg = UINT32_MAX },
	{ .name = "word 2 of the features", .run = features_sel, .arg = 2 },
	{ .name = "word 2^26 of the features", .run = features_sel, .arg = 1U << 26 },
	{ .name = "word 2^32 - 1 of the features", .run = features_sel, .arg = UINT32_MAX },
	{ .name = "shared memory 0", .run = shm_sel, .arg = 0 },
	{ .name = "shared memory 2^32 - 1", .run = shm_sel, .arg = UINT32_MAX },
	{ .name = "acknowledges nothing", .run = interrupt_ack, .arg = 0 },
	{ .name = "acknowledges what is not pending", .run = interrupt_ack, .arg = 2 },
	{ .name = "acknowledges bits that are none", .run = interrupt_ack, .arg = 0xfffffffc },
	{ .name = "acknowledges everything", .run = interrupt_ack, .arg = UINT32_MAX },
	{ .name = "notification with data of queue 0", .run = notify_data, .arg = 0x10000 },
	{ .name = "notification with data, wrap bit", .run = notify_data, .arg = 0x80000000 },
	{ .name = "slot behind the last", .run = no_slot, .on = ON(ID_MACHINE) },
	{ .name = "end of the slots", .run = no_slot, .arg = 0x4000, .on = ON(ID_MACHINE) },
};

const struct group group_mmio = GROUP("mmio", rows, .on = ON_EACH);
