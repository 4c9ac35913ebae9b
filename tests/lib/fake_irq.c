/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_irq.h"

#include "tests/lib/test.h"

static void fake_irq_set(struct irq_line *line, bool level)
{
	struct fake_irq *f = container_of(line, struct fake_irq, line);

	EXPECT_EQ(level, line->level);
	f->changes++;
}

void fake_irq_init(struct fake_irq *f, uint32_t spi)
{
	*f = (struct fake_irq){ .line = { .set = fake_irq_set, .spi = spi } };
}
