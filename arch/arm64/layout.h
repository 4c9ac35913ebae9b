/* SPDX-License-Identifier: Apache-2.0 */
/* layout: the machine's guest physical address space as it was built, as a struct space. */
#ifndef VMM_ARCH_ARM64_LAYOUT_H
#define VMM_ARCH_ARM64_LAYOUT_H

#include "arch/arm64/machine.h"
#include "arch/arm64/space.h"

/*
 * Adds RAM, read-only memory, devices, the GIC, and the holes that nobody shall complain of.
 * Everything is on the bus and has its memory slot. Names live as long as @m.
 */
int layout_describe(const struct machine *m, struct space *s, struct err *e) MUST_CHECK;

#endif
