/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/messages.h"

#include <stdio.h>
#include <string.h>

static bool is_end(char c)
{
	return c == '\n' || c == '\r';
}

/* Where the last @lines lines begin. */
static size_t begin_of(const char *text, size_t len, unsigned lines)
{
	size_t at = len;

	for (; lines; lines--) {
		while (at && is_end(text[at - 1]))
			at--;
		while (at && !is_end(text[at - 1]))
			at--;
	}
	return at;
}

void messages_end(char *to, size_t size, const char *text, size_t len, unsigned lines,
		  const char *prefix)
{
	size_t at = begin_of(text, len, lines), used = 0;

	to[0] = '\0';
	while (at < len) {
		const size_t start = at;
		size_t n;

		while (at < len && !is_end(text[at]))
			at++;
		n = at - start;
		while (at < len && is_end(text[at]))
			at++;
		if (n == 0)
			continue;
		if (used + strlen(prefix) + n + 2 > size)
			return;
		used += (size_t)snprintf(to + used, size - used, "%s", prefix);
		for (size_t i = 0; i < n; i++) {
			const char c = text[start + i];

			to[used++] = (char)(c < ' ' || c > '~' ? '?' : c);
		}
		to[used++] = '\n';
		to[used] = '\0';
	}
}
