/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/pvpanic.h"
#include "tests/lib/mmio.h"
#include "tests/lib/test.h"

#define BASE 0x9070000ULL

static struct device *dev;
static struct bus *bus;
static unsigned last, calls;

static void on_event(void *ctx, unsigned events)
{
	EXPECT(ctx == &calls);
	EXPECT(mutex_is_held(&dev->lock));
	last = events;
	calls++;
}

static void setup(void)
{
	struct err e;

	dev = pvpanic_create(BASE, 2, on_event, &calls, &e);
	EXPECT(dev != NULL);
	bus = mmio_bus(dev);
}

static void teardown(void)
{
	bus_destroy(bus);
	device_destroy(dev);
}

TEST(pvpanic_reads_as_the_events_it_supports)
{
	setup();
	EXPECT_EQ(mmio_read(bus, BASE, 1), 7);
	EXPECT_EQ(mmio_read(bus, BASE, 2), 7);
	EXPECT_EQ(dev->guest_errors, 0);
	EXPECT_EQ(calls, 0);
	teardown();
}

TEST(pvpanic_reports_each_event_and_several_at_once)
{
	setup();
	for (unsigned events = 1; events < 8; events++) {
		mmio_write(bus, BASE, 1, events);
		EXPECT_EQ(last, events);
		EXPECT_EQ(calls, events);
	}
	mmio_write(bus, BASE, 2, PVPANIC_PANICKED);
	EXPECT_EQ(last, PVPANIC_PANICKED);
	EXPECT_EQ(dev->guest_errors, 0);
	teardown();
}

TEST(pvpanic_counts_what_it_does_not_know_and_reports_the_rest)
{
	setup();
	mmio_write(bus, BASE, 1, 0);
	mmio_write(bus, BASE, 1, 0xf8);
	EXPECT_EQ(calls, 0);
	mmio_write(bus, BASE, 1, 0xf8 | PVPANIC_CRASH_LOADED);
	EXPECT_EQ(last, PVPANIC_CRASH_LOADED);
	mmio_write(bus, BASE + 1, 1, 1);
	EXPECT_EQ(calls, 1);
	EXPECT_EQ(mmio_read(bus, BASE + 1, 1), 0);
	EXPECT_EQ(dev->guest_errors, 4);
	teardown();
}

TEST(pvpanic_survives_abuse)
{
	setup();
	mmio_abuse(bus, dev);
	EXPECT_EQ(mmio_read(bus, BASE, 1), 7);
	teardown();
}

TEST_MAIN(T(pvpanic_reads_as_the_events_it_supports),
	  T(pvpanic_reports_each_event_and_several_at_once),
	  T(pvpanic_counts_what_it_does_not_know_and_reports_the_rest), T(pvpanic_survives_abuse))
