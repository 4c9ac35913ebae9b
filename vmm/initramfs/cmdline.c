/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/cmdline.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word at *@s, which moves behind it: *@len bytes, NULL at the end. */
static const char *next_word(const char **s, size_t *len)
{
	const char *word = *s, *p;
	bool quoted = false;

	while (is_blank(*word))
		word++;
	for (p = word; *p && (quoted || !is_blank(*p)); p++)
		if (*p == '"')
			quoted = !quoted;
	*s = p;
	*len = (size_t)(p - word);
	return *len && !(*len == 2 && memcmp(word, "--", 2) == 0) ? word : NULL;
}

/* Without quotes around the value, or around it all. */
static char *value(const char *s, size_t len)
{
	char *v = malloc(len + 1), *to = v;

	for (size_t i = 0; v && i < len; i++)
		if (s[i] != '"')
			*to++ = s[i];
	if (v)
		*to = '\0';
	return v;
}

char *cmdline_value(const char *cmdline, const char *key)
{
	const char *word, *last = NULL;
	size_t len, last_len = 0, key_len = strlen(key);

	while ((word = next_word(&cmdline, &len))) {
		size_t quote = word[0] == '"';

		if (len > quote + key_len && memcmp(word + quote, key, key_len) == 0 &&
		    word[quote + key_len] == '=') {
			last = word + quote + key_len + 1;
			last_len = len - quote - key_len - 1;
		}
	}
	return last ? value(last, last_len) : NULL;
}

static bool is_for(const char *word, size_t len, const char *name)
{
	size_t i = 0;

	while (i < len && name[i] && (word[i] == '-' ? '_' : word[i]) == name[i])
		i++;
	return !name[i] && i + 1 < len && word[i] == '.';
}

char *cmdline_parameters(const char *cmdline, const char *name)
{
	char *all = malloc(strlen(cmdline) + 1), *to = all;
	size_t len, skip = strlen(name) + 1;
	const char *word;

	while (all && (word = next_word(&cmdline, &len))) {
		if (!is_for(word, len, name))
			continue;
		if (to != all)
			*to++ = ' ';
		memcpy(to, word + skip, len - skip);
		to += len - skip;
	}
	if (to == all) {
		free(all);
		return NULL;
	}
	*to = '\0';
	return all;
}

int cmdline_last_of(const char *cmdline, const char *first, const char *second)
{
	const char *word;
	size_t len;
	int last = -1;

	while ((word = next_word(&cmdline, &len))) {
		if (len == strlen(first) && memcmp(word, first, len) == 0)
			last = 0;
		else if (len == strlen(second) && memcmp(word, second, len) == 0)
			last = 1;
	}
	return last;
}
