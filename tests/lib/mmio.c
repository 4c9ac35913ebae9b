/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/mmio.h"

#include "tests/lib/test.h"

/* One for all: a test has one bus at a time, and a thread. */
static __thread struct bus_cursor cursor;

struct bus *mmio_try_bus(struct device *d, struct err *e)
{
	struct bus *b = bus_create(e);

	if (!b || bus_add(b, d, e)) {
		bus_destroy(b);
		return NULL;
	}
	cursor = (struct bus_cursor){ 0 };
	device_reset(d);
	return b;
}

struct bus *mmio_bus(struct device *d)
{
	struct err e = { 0 };
	struct bus *b = mmio_try_bus(d, &e);

	EXPECT(b != NULL);
	return b;
}

uint64_t mmio_read(struct bus *b, uint64_t addr, unsigned size)
{
	uint64_t v;

	EXPECT_EQ(bus_read(b, &cursor, addr, size, &v), ACCESS_OK);
	return v;
}

void mmio_write(struct bus *b, uint64_t addr, unsigned size, uint64_t v)
{
	EXPECT_EQ(bus_write(b, &cursor, addr, size, v), ACCESS_OK);
}

void mmio_abuse(struct bus *b, struct device *d)
{
	static const uint64_t extreme[] = {
		0,	1,	    0x7f,	0x80,	    0xff,	0x8000,
		0xffff, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX, 0x55aa55aa55aa55aa
	};

	for (uint64_t off = 0; off < d->size + 8; off++) {
		for (unsigned size = 1; size <= 8; size *= 2) {
			for (size_t i = 0; i < ARRAY_SIZE(extreme); i++) {
				uint64_t v;

				(void)bus_write(b, &cursor, d->base + off, size, extreme[i]);
				(void)bus_read(b, &cursor, d->base + off, size, &v);
			}
		}
	}
}

void mmio_expect_id(struct bus *b, const struct device *d, const uint8_t id[8])
{
	for (unsigned i = 0; i < 8; i++) {
		EXPECT_EQ(mmio_read(b, d->base + 0xfe0 + i * 4, 4), id[i]);
		EXPECT_EQ(mmio_read(b, d->base + 0xfe0 + i * 4, 1), id[i]);
	}
}
