/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that are registers alone: a bus with one of them, and accesses of any size at any place
 * of its window and right beside it.
 */
#ifndef TESTS_FUZZ_PRIMECELLS_H
#define TESTS_FUZZ_PRIMECELLS_H

#include "fdt/fdt.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/fake_irq.h"
#include "vmm/core/bus.h"

#define WINDOW	    0x9000000ULL
#define WINDOW_SIZE 0x1000ULL

static struct {
	struct bus *bus;
	struct bus_cursor cursor;
	struct device *dev; /* owned */
	struct fake_irq irq;
} cell;

/* Puts it on a bus, reset, and has it describe itself. */
static void cell_begin(struct device *d)
{
	struct err e;
	struct fdt *t = fdt_start(&e);

	EXPECT(d && t);
	cell.dev = d;
	cell.cursor = (struct bus_cursor){ 0 };
	cell.bus = bus_create(&e);
	EXPECT(cell.bus && bus_add(cell.bus, d, &e) == 0);
	device_reset(d);
	if (d->ops->describe)
		d->ops->describe(d, t);
	fdt_free(t);
}

static void cell_end(void)
{
	bus_destroy(cell.bus);
	device_destroy(cell.dev);
}

/* A value that means something often: few bits. */
static uint64_t cell_value(struct program *p)
{
	const uint8_t how = program_u8(p);

	return how < 192 ? how : how < 248 ? 1ULL << (how & 31) : program_u64(p);
}

/*
 * An access. The low bits of the operation are its size and direction; most go to whole registers.
 */
static void cell_access(struct program *p, uint8_t op)
{
	const uint16_t at = program_u16(p);
	const unsigned size = op & 8 ? 4 : 1U << (op & 3);
	uint64_t addr = WINDOW + (op & 8 ? at % 0x500U & ~3U : at % (WINDOW_SIZE + 16)), v;

	if (op & 4) {
		(void)bus_write(cell.bus, &cell.cursor, addr, size, cell_value(p));
	} else {
		(void)bus_read(cell.bus, &cell.cursor, addr, size, &v);
		EXPECT(size == 8 || v >> (8 * size) == 0);
	}
}

/* Accesses, and in between what the host does: @host, by the low bits of the operation. */
static UNUSED void cell_drive(struct program *p, void (*host)(struct program *p, uint8_t op))
{
	while (program_more(p)) {
		const uint8_t op = program_u8(p);

		if (op & 0x30)
			cell_access(p, op);
		else
			host(p, op);
	}
	cell_end();
}

#endif
