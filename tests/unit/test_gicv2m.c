/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/gicv2m.h"
#include "tests/lib/test.h"
#include "vmm/core/bus.h"

static struct bus_cursor cursor;

static uint32_t pulsed[8];
static unsigned nr_pulsed;

static void pulse(void *ctx, uint32_t spi)
{
	EXPECT(ctx == &nr_pulsed);
	pulsed[nr_pulsed++] = spi;
}

TEST(gicv2m_turns_messages_of_its_range_into_edges_and_no_others)
{
	struct err e;
	struct bus *b = bus_create(&e);
	struct device *d = gicv2m_create(0x8020000, 0x1000, 48, 64, pulse, &nr_pulsed, &e);
	uint64_t v;
	static const struct {
		uint32_t intid;
		int spi;
	} writes[] = { { 80, 48 }, { 143, 111 }, { 79, -1 }, { 144, -1 }, { 0, -1 }, { ~0U, -1 } };

	EXPECT(b && d);
	EXPECT_EQ(bus_add(b, d, &e), 0);
	EXPECT_EQ(bus_read(b, &cursor, 0x8020008, 4, &v), ACCESS_OK);
	EXPECT_EQ(v, 80U << 16 | 64); /* MSI_TYPER: first INTID, count */
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		unsigned before = nr_pulsed;

		EXPECT_EQ(bus_write(b, &cursor, 0x8020040, 4, writes[i].intid), ACCESS_OK);
		EXPECT_EQ(nr_pulsed - before, writes[i].spi >= 0);
		if (writes[i].spi >= 0)
			EXPECT_EQ(pulsed[before], writes[i].spi);
	}
	EXPECT_EQ(d->guest_errors, 4);
	bus_destroy(b);
	device_destroy(d);
}

TEST_MAIN(T(gicv2m_turns_messages_of_its_range_into_edges_and_no_others))
