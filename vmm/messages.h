/* SPDX-License-Identifier: Apache-2.0 */
/* messages: the end of what a guest's kernel said, for a person who has not seen it. */
#ifndef VMM_MESSAGES_H
#define VMM_MESSAGES_H

#include "vmm/base/defs.h"

/*
 * Writes the last @lines lines of @text to @to, each with @prefix in front and '\n' behind, and
 * what is not printable as '?'; as much as fits into @size with a NUL. Empty lines do not count.
 */
void messages_end(char *to, size_t size, const char *text, size_t len, unsigned lines,
		  const char *prefix);

#endif
