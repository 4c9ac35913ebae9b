/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows as long as it fits, for the files of insn that write assembler. */
#ifndef VMM_ARCH_ARM64_INSN_OUT_H
#define VMM_ARCH_ARM64_INSN_OUT_H

#include "vmm/base/defs.h"

#include <stdarg.h>
#include <stdio.h>

/* len counts what did not fit as well. */
struct out {
	char *buf;
	size_t size, len;
};

static inline void put(struct out *o, const char *fmt, ...) PRINTF(2, 3);
static inline void put(struct out *o, const char *fmt, ...)
{
	size_t room = o->len < o->size ? o->size - o->len : 0;
	va_list va;
	int n;

	va_start(va, fmt);
	n = vsnprintf(room ? o->buf + o->len : NULL, room, fmt, va);
	va_end(va);
	if (n > 0)
		o->len += (size_t)n;
}

#endif
