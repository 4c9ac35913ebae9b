/* SPDX-License-Identifier: Apache-2.0 */
/* The PL031, on a clock that goes on and is set. */
#include "devices/pl031.h"
#include "tests/fuzz/primecells.h"
#include "tests/lib/fake_loop.h"

static uint64_t wall; /* minus the loop's clock */

static uint64_t wall_now(void)
{
	return fake_loop_now + wall;
}

static struct loop loop;

static void host(struct program *p, uint8_t op)
{
	switch (op & 3) {
	case 0:
		(void)fake_loop_advance(&loop, program_u8(p) * 250000000ULL);
		break;
	case 1:
		wall = program_u64(p);
		break;
	case 2:
		fake_loop_serve(&loop);
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
	wall = 1700000000ULL * 1000000000;
	fake_irq_init(&cell.irq, 2);
	struct device *d = pl031_create(WINDOW, WINDOW_SIZE, &cell.irq.line, &loop, &e);
	EXPECT(d != NULL);
	if (program_u8(&p) & 1)
		pl031_use_clock(d, wall_now);
	cell_begin(d);
	cell_drive(&p, host);
	EXPECT(!loop.timers && !loop.calls);
}
