/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What touch() does to RAM that is kept from the vCPUs (watch.h): with watching.lock held, which
 * keeps all other writers out, and the vCPU's monitor of struct watch_cpu. Stage 1 let the access
 * through, or the vCPU would not be here, so only where it leads is looked up: not its permissions.
 */
#ifndef VMM_ARCH_ARM64_WATCH_MEMORY_H
#define VMM_ARCH_ARM64_WATCH_MEMORY_H

#include "arch/arm64/fault/touch.h"

/* As those of struct emulate_ops. */
enum emulate_status watch_read(struct touch *t, uint64_t va, void *data, unsigned size);
enum emulate_status watch_write(struct touch *t, uint64_t va, const void *data, unsigned size);
enum emulate_status watch_cas(struct touch *t, uint64_t va, unsigned size, void *expected,
			      const void *desired, bool *matched);

#endif
