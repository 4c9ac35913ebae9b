/* SPDX-License-Identifier: Apache-2.0 */
/*
 * items: a line of facts, "this, that, something else", in a buffer of fixed size. An item that
 * does not fit any more is left out whole, so the important ones come first.
 */
#ifndef VMM_ARCH_ARM64_ITEMS_H
#define VMM_ARCH_ARM64_ITEMS_H

#include "vmm/base/defs.h"

#include <stdarg.h>
#include <stdio.h>

struct items {
	char *buf; /* borrowed; always a string, unless size is 0 */
	size_t size, len;
};

static inline struct items items_in(char *buf, size_t size)
{
	if (size)
		buf[0] = '\0';
	return (struct items){ .buf = buf, .size = size };
}

/* Adds an item, behind ", " unless it is the first. The first one alone may be cut. */
static inline PRINTF(2, 3) void items_add(struct items *i, const char *fmt, ...)
{
	size_t at = i->len, room;
	va_list args;
	int n;

	if (at && i->size - at > 2) {
		i->buf[at++] = ',';
		i->buf[at++] = ' ';
	}
	room = i->size - at;
	va_start(args, fmt);
	n = vsnprintf(i->buf + at, room, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < room)
		i->len = at + (size_t)n;
	else if (i->len == 0 && i->size)
		i->len = i->size - 1; /* cut: nothing else fits */
	else if (i->size)
		i->buf[i->len] = '\0';
}

#endif
