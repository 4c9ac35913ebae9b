/* SPDX-License-Identifier: Apache-2.0 */
/* An interrupt line that leads nowhere and counts how often it was driven. */
#ifndef TESTS_LIB_FAKE_IRQ_H
#define TESTS_LIB_FAKE_IRQ_H

#include "vmm/core/irq.h"

struct fake_irq {
	struct irq_line line; /* line.level is what the wire carries */
	unsigned changes;     /* owner's lock */
};

void fake_irq_init(struct fake_irq *f, uint32_t spi);

#endif
