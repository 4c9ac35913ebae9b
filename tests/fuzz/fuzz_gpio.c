/* SPDX-License-Identifier: Apache-2.0 */
/* The PL061, with lines that change and a power key that is pressed. */
#include "devices/pl061.h"
#include "tests/fuzz/primecells.h"
#include "tests/lib/fake_loop.h"

static struct loop loop;

static void host(struct program *p, uint8_t op)
{
	uint8_t how;

	switch (op & 3) {
	case 0:
		(void)fake_loop_advance(&loop, program_u8(p) * 10000000ULL);
		break;
	case 1:
		how = program_u8(p);
		pl061_set_input(cell.dev, how % PL061_LINES, how & 128);
		break;
	case 2:
		pl061_press_power_key(cell.dev);
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

	fake_loop_init(&loop);
	fake_loop_now = 5000000000;
	fake_irq_init(&cell.irq, 7);
	cell_begin(pl061_create(WINDOW, WINDOW_SIZE, &cell.irq.line, &loop, &e));
	cell_drive(&p, host);
	EXPECT(!loop.timers);
}
