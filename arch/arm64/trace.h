/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace: --trace: a line on stderr for each exit, and who took it. For people who look; a guest
 * that is traced is slow.
 */
#ifndef VMM_ARCH_ARM64_TRACE_H
#define VMM_ARCH_ARM64_TRACE_H

#include "arch/arm64/machine.h"

/* An access that came as KVM_EXIT_MMIO, after it was settled. @value is what was read or written.
 */
void trace_mmio(const struct vcpu *v, uint64_t address, unsigned size, bool write, uint64_t value);

/* Any other way out of KVM_RUN, before it is settled; @error is errno, or 0 when it is an exit. */
void trace_exit(struct vcpu *v, int error);

#endif
