/* SPDX-License-Identifier: Apache-2.0 */
/*
 * irq: an interrupt line as a device holds it. The machine makes it and owns it; it outlives the
 * device. A device never learns what is at the other end.
 */
#ifndef VMM_CORE_IRQ_H
#define VMM_CORE_IRQ_H

#include "vmm/base/defs.h"

struct irq_line {
	/* Drives the wire. Called with the owner's lock held, so never twice at once. */
	void (*set)(struct irq_line *line, bool level);
	uint32_t spi; /* shared peripheral interrupt number: INTID - 32 */
	bool level;   /* what the wire carries; owner's lock */
};

/* Sets the level; does nothing when the wire carries it already, which is the common case. */
static inline void irq_set(struct irq_line *line, bool level)
{
	if (line->level == level)
		return;
	line->level = level;
	line->set(line, level);
}

/*
 * Raises the wire, also one that is up: a guest that takes it as a level sees no difference, one
 * that takes it as an edge gets one more.
 */
static inline void irq_raise(struct irq_line *line)
{
	line->level = true;
	line->set(line, true);
}

#endif
