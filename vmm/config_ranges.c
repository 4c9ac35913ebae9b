/* SPDX-License-Identifier: Apache-2.0 */
/* Items of options that are lists: ADDR+LEN=POLICY, FILE@ADDR, names of traces, ADDR+LEN:rw. */
#include "vmm/base/checked.h"
#include "vmm/base/scope.h"
#include "vmm/base/text.h"
#include "vmm/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROM_ALIGN 4096

/* Reads "ADDR+LEN" into a range that is not empty and does not wrap; spoils @text. */
static bool read_range(char *text, uint64_t *base, uint64_t *size)
{
	char *plus = strchr(text, '+');

	if (!plus)
		return false;
	*plus = '\0';
	return text_size(text, base) && text_size(plus + 1, size) && *size > 0 &&
	       *size - 1 <= UINT64_MAX - *base;
}

static bool read_policy(const char *text, enum unclaimed *policy)
{
	for (int i = 0; unclaimed_names[i]; i++) {
		if (strcmp(text, unclaimed_names[i]) == 0) {
			*policy = (enum unclaimed)i;
			return true;
		}
	}
	return false;
}

int hole_parse(struct hole *h, const char *text, struct err *e)
{
	auto_free char *copy = strdup(text);
	char *equals = copy ? strchr(copy, '=') : NULL;

	if (!copy)
		return err_set(e, ENOMEM, "out of memory");
	if (equals)
		*equals = '\0';
	if (!equals || !read_policy(equals + 1, &h->policy) ||
	    !read_range(copy, &h->base, &h->size))
		return err_set(e, EINVAL,
			       "%s is not a range and what becomes of it; write one like "
			       "0x10000000+64K=zero (or abort, ones, stop)",
			       text_quote(text).s);
	return 0;
}

int trace_parse(unsigned *mask, const struct key_list *l, struct err *e)
{
	static const char *const names[] = { "mmio", "exits", "psci" }; /* bits 0 to 2 */

	*mask = 0;
	for (size_t i = 0; i < l->nr; i++) {
		const char *at = l->at[i];

		while (true) {
			const size_t len = strcspn(at, ",");
			size_t n = 0;

			while (n < ARRAY_SIZE(names) &&
			       (strlen(names[n]) != len || memcmp(names[n], at, len) != 0))
				n++;
			if (n == ARRAY_SIZE(names))
				return err_set(e, EINVAL, "%s is not one of mmio, exits, psci",
					       text_quote(l->at[i]).s);
			*mask |= 1U << n;
			if (at[len] == '\0')
				break;
			at += len + 1;
		}
	}
	return 0;
}

static int out_of_memory(struct err *e)
{
	return err_set(e, ENOMEM, "out of memory");
}

int rom_parse(struct file_at *f, const char *text, struct err *e)
{
	const char *at = strrchr(text, '@');

	*f = (struct file_at){ .has_address = true };
	if (!at || at == text || !text_size(at + 1, &f->address) ||
	    !is_aligned(f->address, ROM_ALIGN))
		return err_set(e, EINVAL,
			       "%s is not a file and an address, a multiple of 4K; write one like "
			       "flash.bin@0x04000000",
			       text_quote(text).s);
	f->path = strndup(text, (size_t)(at - text));
	return f->path ? 0 : out_of_memory(e);
}

int symbol_file_parse(struct file_at *f, const char *text, struct err *e)
{
	const char *at = strrchr(text, '@');

	*f = (struct file_at){ 0 };
	/* What follows an @ and is no number belongs to the name. */
	if (at && at != text && text_size(at + 1, &f->address))
		f->has_address = true;
	else
		f->address = 0;
	f->path = f->has_address ? strndup(text, (size_t)(at - text)) : strdup(text);
	return f->path ? 0 : out_of_memory(e);
}

void file_at_free(struct file_at *f)
{
	free(f->path);
	*f = (struct file_at){ 0 };
}

/* --- --watch ---------------------------------------------------------------------------------- */

/* Cuts @end off @text when it ends so. */
static bool cut_end(char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	if (len < n || strcmp(text + len - n, end) != 0)
		return false;
	text[len - n] = '\0';
	return true;
}

/* "NAME+LEN", which spoils @text. */
static bool read_symbol(struct watch_item *w, char *text, bool *no_memory)
{
	char *plus = strrchr(text, '+');

	if (!plus || plus == text || !text_size(plus + 1, &w->size) || w->size == 0)
		return false;
	*plus = '\0';
	w->symbol = strdup(text);
	*no_memory = !w->symbol;
	return true;
}

int watch_parse(struct watch_item *w, const char *text, struct err *e)
{
	auto_free char *copy = strdup(text);
	bool no_memory = !copy;

	*w = (struct watch_item){ 0 };
	if (copy) {
		w->stop = cut_end(copy, ",stop");
		w->reads = cut_end(copy, ":rw");
		w->writes = w->reads || cut_end(copy, ":w");
		if (!w->writes)
			w->reads = cut_end(copy, ":r");
		if (!w->reads)
			w->writes = true;
		if (strncmp(copy, "sym:", 4) == 0 ? read_symbol(w, copy + 4, &no_memory)
						  : read_range(copy, &w->base, &w->size))
			return no_memory ? out_of_memory(e) : 0;
	}
	if (no_memory)
		return out_of_memory(e);
	return err_set(e, EINVAL,
		       "%s is not a range to watch; write one like 0x40200000+8:w or "
		       "sym:jiffies+8:rw,stop",
		       text_quote(text).s);
}

void watch_item_free(struct watch_item *w)
{
	free(w->symbol);
	*w = (struct watch_item){ 0 };
}
