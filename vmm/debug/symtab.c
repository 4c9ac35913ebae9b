/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/symtab.h"

#include "vmm/base/checked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How far a symbol without a size reaches that nothing follows. */
#define MAX_UNSIZED (64 * KiB)

/* Names to read at once: the longest, and a module's behind it. */
enum { NAME_AND_MODULE = SYMTAB_NAME + 64 };

/* --- making ----------------------------------------------------------------------------------- */

int symtab_add(struct symtab *t, const struct symtab_row *row, struct err *e)
{
	if (t->nr == t->room) {
		size_t room = t->room ? 2 * t->room : 1024;
		struct symtab_row *more;

		if (t->nr >= SYMTAB_MAX)
			return err_set(e, EFBIG, "%s: has more than %u symbols", t->file->name,
				       SYMTAB_MAX);
		more = realloc(t->row, room * sizeof(*more));
		if (!more)
			return err_set(e, ENOMEM, "%s: no memory for its symbols", t->file->name);
		t->row = more;
		t->room = room;
	}
	t->row[t->nr++] = *row;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct symtab_row *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

void symtab_sort(struct symtab *t)
{
	struct symtab_row *less;

	if (t->nr == 0)
		return;
	qsort(t->row, t->nr, sizeof(*t->row), compare);
	less = realloc(t->row, t->nr * sizeof(*less));
	if (less) {
		t->row = less;
		t->room = t->nr;
	}
}

void symtab_free(struct symtab *t)
{
	free(t->row);
	*t = (struct symtab){ 0 };
}

/* --- names ------------------------------------------------------------------------------------ */

static bool begins(const char *name, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(name, with, n) == 0;
}

static bool ends(const char *name, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(name + len - n, with, n) == 0;
}

static bool is(const char *name, size_t len, const char *what)
{
	return len == strlen(what) && memcmp(name, what, len) == 0;
}

bool symtab_wants(const char *name, size_t len)
{
	return len > 0 && name[0] != '$' && !begins(name, len, ".L") &&
	       !begins(name, len, "__kvm_nvhe_$") && !begins(name, len, "__kvm_nvhe_.L");
}

uint8_t symtab_rank(const char *name, size_t len)
{
	unsigned underscores = 0, rank = 0;

	while (underscores < len && underscores < RANK_UNDERSCORES && name[underscores] == '_')
		underscores++;
	if (is(name, len, "_etext") || is(name, len, "_einittext") || is(name, len, "_end"))
		rank = RANK_END;
	else if (begins(name, len, "__") &&
		 (begins(name, len, "__start_") || begins(name, len, "__stop_") ||
		  begins(name, len, "__end_") || ends(name, len, "_start") ||
		  ends(name, len, "_end")))
		rank = RANK_UNTYPED;
	return (uint8_t)(rank | underscores);
}

/* Reads what begins at the row's name; ended, and as long as the longest name at most. */
static bool read_name(const struct symtab *t, const struct symtab_row *r, char out[NAME_AND_MODULE])
{
	size_t len = NAME_AND_MODULE - 1;

	if (r->name >= t->names_len)
		return false;
	if (len > t->names_len - r->name)
		len = t->names_len - r->name;
	if (io_read_at(t->file, t->names_at + r->name, out, len, NULL))
		return false;
	out[len] = '\0';
	return true;
}

static size_t name_length(const char *s, size_t room)
{
	size_t n = 0;

	while (n < room && (unsigned char)s[n] > ' ')
		n++;
	return n;
}

/* Splits "name\t[module]\n". */
static void take_name(const char *text, struct symtab_symbol *out)
{
	size_t len = name_length(text, SYMTAB_NAME - 1), n;

	memcpy(out->name, text, len);
	out->name[len] = '\0';
	out->module[0] = '\0';
	if (text[len] != '\t' || text[len + 1] != '[')
		return;
	text += len + 2;
	n = name_length(text, sizeof(out->module) - 1);
	if (n > 1 && text[n - 1] == ']') {
		memcpy(out->module, text, n - 1);
		out->module[n - 1] = '\0';
	}
}

/* --- looking up ------------------------------------------------------------------------------- */

/* How many rows are not above @addr. */
static size_t count_below(const struct symtab *t, uint64_t addr)
{
	size_t low = 0, high = t->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->row[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* How far the row reaches, known or up to the next; 0 when neither is known. */
static uint64_t reach(const struct symtab *t, const struct symtab_row *r, uint64_t offset)
{
	size_t next;

	if (r->size != SYMTAB_NO_SIZE && offset < r->size)
		return r->size;
	next = count_below(t, r->addr);
	return next < t->nr ? t->row[next].addr - r->addr : 0;
}

bool symtab_at(const struct symtab *t, uint64_t addr, struct symtab_symbol *out)
{
	size_t i = count_below(t, addr);
	char text[NAME_AND_MODULE];
	const struct symtab_row *r;

	if (i == 0)
		return false;
	/* The first of those at this address is the best. */
	if (t->row[i - 1].addr == 0)
		i = 1;
	else
		i = count_below(t, t->row[i - 1].addr - 1) + 1;
	r = &t->row[i - 1];
	if (r->rank & RANK_END)
		return false;
	out->addr = r->addr;
	out->size = reach(t, r, addr - r->addr);
	if (out->size == 0 && addr - r->addr >= MAX_UNSIZED)
		return false;
	if (!read_name(t, r, text))
		return false;
	take_name(text, out);
	return out->name[0] != '\0';
}

bool symtab_named(const struct symtab *t, const char *name, struct symtab_symbol *out,
		  unsigned *matches)
{
	auto_bytes struct io_bytes names = { NULL, 0 };
	size_t len = strlen(name);
	const struct symtab_row *best = NULL;
	char text[NAME_AND_MODULE];

	*matches = 0;
	if (len == 0 || t->names_len == 0 ||
	    io_load(t->file, t->names_at, t->names_len, &names, NULL))
		return false;
	for (size_t i = 0; i < t->nr; i++) {
		const struct symtab_row *r = &t->row[i];
		const char *s = (const char *)names.data + r->name;

		if (!range_inside(r->name, len, 0, names.len) || memcmp(s, name, len) != 0 ||
		    (len < names.len - r->name && (unsigned char)s[len] > ' '))
			continue;
		++*matches;
		if (!best || r->rank < best->rank)
			best = r;
	}
	if (!best || !read_name(t, best, text))
		return false;
	take_name(text, out);
	out->addr = best->addr;
	out->size = reach(t, best, 0);
	return true;
}
