/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMM_PANIC_H
#define VMM_PANIC_H

#include "vmm/base/defs.h"

/*
 * Whether a reset that just came is a Linux kernel's panic=N, judged by the last of its console
 * output: a panic message that no orderly restart follows. It catches panics that come before, or
 * without, the pvpanic driver, a module in distribution kernels.
 */
bool panic_on_console(const char *text, size_t len);

#endif
