/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/kallsyms_tables.h"

#include "vmm/base/checked.h"

#include <ctype.h>
#include <stdlib.h>

/* Symbols at one address that are looked at; a kernel has a dozen at most. */
#define MAX_ALIASES 64

/* A kernel lies in the upper half of the address space, which TTBR1_EL1 translates. */
#define UPPER_HALF (1ULL << 63)

/* Physical and virtual address of a kernel agree modulo this: booting.rst, section 4. */
#define KIMAGE_ALIGN (2 * MiB)

/* --- reading ---------------------------------------------------------------------------------- */

/* Reads as much as there is of two steps' bytes from @at; the rest is 0. */
static void view_load(struct view *v, uint64_t at)
{
	uint64_t left = v->end - at;
	size_t len = left < sizeof(v->buf) ? (size_t)left : sizeof(v->buf);
	size_t step = len < VIEW_STEP ? len : VIEW_STEP;

	v->at = at;
	v->len = len;
	if (v->mem.read(v->mem.ctx, at, v->buf, len))
		return;
	v->len = step; /* memory may end behind the first step */
	if (v->mem.read(v->mem.ctx, at, v->buf, step))
		return;
	memset(v->buf, 0, step);
	v->bad = true;
}

/* @len bytes, at most 8, at @pa. */
static const uint8_t *view_bytes(struct view *v, uint64_t pa, size_t len)
{
	static const uint8_t nothing[8];

	if (!range_inside(pa, len, v->base, v->end - v->base)) {
		v->bad = true;
		return nothing;
	}
	if (!range_inside(pa, len, v->at, v->len)) {
		view_load(v, v->base + align_down(pa - v->base, VIEW_STEP));
		if (!range_inside(pa, len, v->at, v->len)) {
			v->bad = true;
			return nothing;
		}
	}
	return v->buf + (pa - v->at);
}

uint8_t view8(struct view *v, uint64_t pa)
{
	return *view_bytes(v, pa, 1);
}

uint32_t view32(struct view *v, uint64_t pa)
{
	return le32_at(view_bytes(v, pa, 4));
}

uint64_t view64(struct view *v, uint64_t pa)
{
	return le64_at(view_bytes(v, pa, 8));
}

/* The guest may have run since the last call: what was buffered is old. */
static void begin(struct kallsyms *k)
{
	k->view.len = 0;
	k->view.bad = false;
	k->work = 2 * SYMBOLS_MAX;
}

/* --- entries ---------------------------------------------------------------------------------- */

/* A length of one byte, or since 6.1 of two when the first has bit 7 set; then as many tokens. */
bool kallsyms_entry(struct kallsyms *k, uint64_t at, struct entry *out)
{
	unsigned len = view8(&k->view, at);

	if (k->work == 0)
		return false;
	k->work--;
	at++;
	if (len & 0x80) {
		len = (len & 0x7f) | (unsigned)view8(&k->view, at) << 7;
		at++;
	}
	*out = (struct entry){ .at = at, .len = len, .next = at + len };
	return !k->view.bad && len > 0 && out->next <= k->names_end;
}

uint64_t kallsyms_value(struct kallsyms *k, uint64_t i)
{
	uint64_t at = k->offsets_at + 4 * i;
	uint32_t offset = view32(&k->view, at);

	if (k->how == OFFSETS_FROM_SELF)
		return at + (uint64_t)(int64_t)(int32_t)offset;
	return k->relative_base + offset;
}

/* The entry of symbol @i. */
static bool find_entry(struct kallsyms *k, uint64_t i, struct entry *out)
{
	uint64_t marker = k->markers_at + i / MARKER_EVERY * k->marker_size;
	uint64_t from = k->marker_size == 8 ? view64(&k->view, marker) : view32(&k->view, marker);

	if (from > k->names_end - k->names_at || !kallsyms_entry(k, k->names_at + from, out))
		return false;
	for (i %= MARKER_EVERY; i; i--)
		if (!kallsyms_entry(k, out->next, out))
			return false;
	return true;
}

/* Type and name of an entry, as one string that is cut to fit. */
static void expand(struct kallsyms *k, const struct entry *en, char out[TYPE_AND_NAME])
{
	size_t n = 0;

	for (unsigned i = 0; i < en->len; i++) {
		const char *token = k->tokens + k->index[view8(&k->view, en->at + i)];
		size_t len = strnlen(token, TYPE_AND_NAME - 1 - n);

		memcpy(out + n, token, len);
		n += len;
	}
	out[n] = '\0';
}

/* Whether an entry is @name, behind its type. */
static bool is_name(struct kallsyms *k, const struct entry *en, const char *name)
{
	bool type = true; /* still to come, in the first token that is not empty */

	for (unsigned i = 0; i < en->len; i++) {
		const char *token = k->tokens + k->index[view8(&k->view, en->at + i)];
		size_t len;

		if (type && *token) {
			token++;
			type = false;
		}
		len = strlen(token);
		if (strncmp(name, token, len) != 0)
			return false;
		name += len;
	}
	return *name == '\0';
}

/* --- looking up ------------------------------------------------------------------------------- */

/* Labels that mark the end of something: what follows them is in nothing. */
static bool is_end(const char *name)
{
	return strcmp(name, "_etext") == 0 || strcmp(name, "_einittext") == 0 ||
	       strcmp(name, "_end") == 0;
}

static bool fill(struct kallsyms *k, uint64_t i, struct kallsyms_symbol *out)
{
	char text[TYPE_AND_NAME];
	struct entry en;

	if (!find_entry(k, i, &en))
		return false;
	expand(k, &en, text);
	if (k->view.bad || text[0] == '\0')
		return false;
	out->type = text[0];
	memcpy(out->name, text + 1, sizeof(out->name));
	out->pa = kallsyms_value(k, i);
	return true;
}

/* The last symbol of those not above @pa; the first one is not. */
static uint64_t search(struct kallsyms *k, uint64_t pa)
{
	uint64_t low = 0, high = k->nr;

	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		if (kallsyms_value(k, mid) <= pa)
			low = mid;
		else
			high = mid;
	}
	return low;
}

bool kallsyms_at(struct kallsyms *k, uint64_t pa, struct kallsyms_symbol *out)
{
	uint64_t last, first, start, next;

	begin(k);
	if (!range_inside(pa, 1, k->view.base, k->view.end - k->view.base) ||
	    pa < kallsyms_value(k, 0))
		return false;
	last = first = search(k, pa);
	start = kallsyms_value(k, last);
	while (first > 0 && last - first < MAX_ALIASES && kallsyms_value(k, first - 1) == start)
		first--;
	next = last + 1 < k->nr ? kallsyms_value(k, last + 1) : k->view.end;
	/* Of several names the kernel's own order puts the best one first. */
	for (uint64_t i = first; i <= last; i++) {
		if (!fill(k, i, out))
			return false;
		out->size = next > start ? next - start : 0;
		if (!is_end(out->name))
			return true;
	}
	return false;
}

bool kallsyms_named(struct kallsyms *k, const char *name, struct kallsyms_symbol *out,
		    unsigned *matches)
{
	uint64_t at = k->names_at, found = 0;
	bool global = false;

	begin(k);
	*matches = 0;
	for (uint64_t i = 0; i < k->nr; i++) {
		struct entry en;

		if (!kallsyms_entry(k, at, &en))
			return false;
		at = en.next;
		if (!is_name(k, &en, name))
			continue;
		++*matches;
		if (*matches == 1 || !global) {
			const char *first = k->tokens + k->index[view8(&k->view, en.at)];

			if (*matches == 1 || isupper((unsigned char)*first))
				found = i;
			global = isupper((unsigned char)*first);
		}
	}
	if (*matches == 0 || !fill(k, found, out))
		return false;
	out->size = 0;
	for (uint64_t i = found + 1; i < k->nr && i - found < MAX_ALIASES && !out->size; i++)
		if (kallsyms_value(k, i) > out->pa)
			out->size = kallsyms_value(k, i) - out->pa;
	return !k->view.bad;
}

bool kallsyms_relative_base(struct kallsyms *k, uint64_t *va)
{
	*va = view64(&k->view, k->relative_base_at);
	return !k->view.bad && *va >= UPPER_HALF;
}

bool kallsyms_voffset(struct kallsyms *k, uint64_t *voffset)
{
	uint64_t va;

	begin(k);
	if (k->how == OFFSETS_FROM_BASE && kallsyms_relative_base(k, &va)) {
		*voffset = va - k->relative_base;
		return true;
	}
	if (k->how == OFFSETS_FROM_SELF && k->kimage_voffset) {
		*voffset = view64(&k->view, k->kimage_voffset);
		if (!k->view.bad && *voffset % KIMAGE_ALIGN == 0 &&
		    k->where.base + *voffset >= UPPER_HALF)
			return true;
	}
	return false;
}

void kallsyms_free(struct kallsyms *k)
{
	free(k);
}
