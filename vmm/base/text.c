/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/text.h"

#include "vmm/base/checked.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char suffixes[] = "KMGT";

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/* Reads digits of @base; returns what follows them, or NULL when there is none or they overflow. */
static const char *digits(const char *s, unsigned base, uint64_t *v)
{
	const char *start = s;

	*v = 0;
	for (; digit(*s) < base; s++)
		if (!mul_ok(*v, base, v) || !add_ok(*v, digit(*s), v))
			return NULL;
	return s == start ? NULL : s;
}

bool text_u64(const char *s, uint64_t *v)
{
	const char *end;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		end = digits(s + 2, 16, v);
	else
		end = digits(s, 10, v);
	return end && *end == '\0';
}

bool text_size(const char *s, uint64_t *v)
{
	const char *end, *suffix;

	if (text_u64(s, v))
		return true;
	end = digits(s, 10, v);
	if (!end || *end == '\0' || end[1] != '\0')
		return false;
	suffix = strchr(suffixes, *end & ~0x20); /* either case */
	return suffix && *suffix && mul_ok(*v, 1ULL << (10 * (suffix - suffixes + 1)), v);
}

struct text text_of_size(uint64_t v)
{
	struct text t;
	size_t i = 0;

	while (v && v % 1024 == 0 && suffixes[i]) {
		v /= 1024;
		i++;
	}
	(void)snprintf(t.s, sizeof(t.s), "%" PRIu64 "%.*s", v, i ? 1 : 0,
		       i ? &suffixes[i - 1] : "");
	return t;
}

struct text text_quote(const char *s)
{
	const size_t room = sizeof(struct text) - sizeof("'...'");
	struct text t;
	size_t n = 0;

	t.s[n++] = '\'';
	for (; *s && n <= room; s++)
		t.s[n++] = *s >= ' ' && *s <= '~' ? *s : '?';
	(void)snprintf(t.s + n, sizeof(t.s) - n, "%s'", *s ? "..." : "");
	return t;
}

enum { LONGEST = 31 }; /* names are shorter; what is longer is not near to any */

/* How many characters must be put in, taken out, changed or swapped to make @b of @a. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t row[3][LONGEST + 1] = { 0 }; /* the one before, the last, this one; by turns */

	for (size_t j = 0; j <= lb; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		const size_t *before = row[(i + 1) % 3], *last = row[(i + 2) % 3];
		size_t *now = row[i % 3];

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t d = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < d)
				d = last[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < d)
				d = before[j - 2] + 1;
			now[j] = d;
		}
	}
	return row[la % 3][lb];
}

void text_guess(struct text_guess *g, const char *typed, const char *name)
{
	const size_t len = strlen(typed), known = strlen(name);
	size_t d;

	if (len == 0 || len > LONGEST || known > LONGEST)
		return;
	d = distance(typed, name);
	/* One mistake for every three letters is near, and so is the beginning of the name. */
	if (d > (len < known ? len : known) / 3 && (len < 2 || strncmp(typed, name, len) != 0))
		return;
	if (!g->name || d < g->distance) {
		g->name = name;
		g->distance = d;
	}
}
