/* SPDX-License-Identifier: Apache-2.0 */
/* The PL011, while somebody types, sends breaks, and takes output slowly. */
#include "devices/pl011.h"
#include "tests/fuzz/primecells.h"
#include "tests/lib/fake_chardev.h"

static struct chardev chr;

static void host(struct program *p, uint8_t op)
{
	const uint8_t *from;
	size_t n;

	switch (op & 3) {
	case 0:
		n = program_take(p, &from, program_u8(p) & 63);
		if (n)
			(void)fake_chardev_type(&chr, from, n);
		break;
	case 1:
		chr.out_len = 0;
		fake_chardev_take(&chr, program_u8(p));
		break;
	case 2:
		pl011_break(cell.dev);
		break;
	default:
		device_reset(cell.dev);
		break;
	}
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	struct err e;

	fake_chardev_init(&chr, program_u8(&p));
	fake_irq_init(&cell.irq, 1);
	cell_begin(pl011_create(WINDOW, WINDOW_SIZE, &cell.irq.line, &chr, &e));
	cell_drive(&p, host);
	EXPECT(!chr.front);
}
