/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of one or two registers: pvpanic (the first byte is even), GICv2m (odd). */
#include "devices/gicv2m.h"
#include "devices/pvpanic.h"
#include "tests/fuzz/primecells.h"

enum { FIRST_SPI = 48, SPIS = 16 };

static void on_event(void *ctx UNUSED, unsigned events)
{
	EXPECT(events && events < 8);
}

static void on_pulse(void *ctx UNUSED, uint32_t spi)
{
	EXPECT(spi >= FIRST_SPI && spi < FIRST_SPI + SPIS);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	struct err e;

	if (program_u8(&p) & 1)
		cell_begin(gicv2m_create(WINDOW, WINDOW_SIZE, FIRST_SPI, SPIS, on_pulse, NULL, &e));
	else
		cell_begin(pvpanic_create(WINDOW, 2, on_event, NULL, &e));
	while (program_more(&p))
		cell_access(&p, program_u8(&p));
	cell_end();
}
