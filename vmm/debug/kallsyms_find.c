/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the tables, from the most telling to the least: token_index (256 offsets that rise by the
 * lengths of the 256 strings in front of it), markers in front of those (offsets that rise from 0,
 * one for 256 names), num_syms and names in front of those (every name must have a type, every
 * marker must point to its name, all must end where markers begin), then offsets, which must rise.
 */
#include "vmm/debug/kallsyms_tables.h"

#include "vmm/base/checked.h"

#include <stdlib.h>

enum {
	TOKEN_MAX = 512,   /* bytes of one, with its end */
	TOKENS_MIN = 512,  /* of all: most are longer than a character and its end */
	INDEX_TRIES = 8,   /* places that look like token_index, before giving up */
	MARKER_TRIES = 32, /* and like markers, for each of those */
	MARKER_SPARE = 3,
	ENTRY_MIN = 2, /* bytes of a compressed name with its length */
	ENTRY_MAX = TYPE_AND_NAME + 1,
	PAD_MAX = 7, /* tables begin at multiples of 8, or of 4 */
};

#define KIMAGE_ALIGN (2 * MiB)

/* The Image header: booting.rst, section 4. */
enum { CODE0 = 0, CODE1 = 4, MAGIC = 56 };
#define IMAGE_MAGIC 0x644d5241U

/* --- tokens ----------------------------------------------------------------------------------- */

/* Offsets that begin with 0 and rise by the size of a string. */
static bool read_index(struct kallsyms *k, uint64_t at)
{
	for (size_t i = 0; i < NR_TOKENS; i++) {
		uint8_t lo = view8(&k->view, at + 2 * i), hi = view8(&k->view, at + 2 * i + 1);

		k->index[i] = (uint16_t)(lo | hi << 8);
		if (i == 0 ? k->index[0] != 0
			   : k->index[i] <= k->index[i - 1] ||
				     k->index[i] - k->index[i - 1] > TOKEN_MAX)
			return false;
	}
	return k->index[NR_TOKENS - 1] >= TOKENS_MIN &&
	       k->index[NR_TOKENS - 1] + TOKEN_MAX <= TOKENS_MAX;
}

/* Whether @s, @len bytes, is one string that fills them but for zeroes behind it. */
static bool is_token(const char *s, size_t len, size_t spare)
{
	size_t used = strnlen(s, len);

	if (used == len || len - used - 1 > spare)
		return false;
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	for (size_t i = used; i < len; i++)
		if (s[i])
			return false;
	return true;
}

/* Whether the strings that index tells of begin at @s and end, but for padding, at @s + @len. */
static bool are_tokens(const struct kallsyms *k, const char *s, size_t len)
{
	/* The last boundary first: it is the one that a wrong start is most likely to miss. */
	if (!is_token(s + k->index[NR_TOKENS - 1], len - k->index[NR_TOKENS - 1], PAD_MAX))
		return false;
	for (size_t i = 0; i + 1 < NR_TOKENS; i++)
		if (!is_token(s + k->index[i], (size_t)(k->index[i + 1] - k->index[i]), 0))
			return false;
	return true;
}

/* The table of tokens ends in front of the index; how long its last string is, is not known. */
static bool find_tokens(struct kallsyms *k, uint64_t index_at)
{
	char before[TOKENS_MAX + PAD_MAX + 1];
	size_t last = k->index[NR_TOKENS - 1], room = last + TOKEN_MAX + PAD_MAX;

	if (room > index_at - k->view.base)
		room = (size_t)(index_at - k->view.base);
	for (size_t i = 0; i < room; i++)
		before[i] = (char)view8(&k->view, index_at - room + i);
	for (size_t len = last + 1; len <= room; len++) {
		if (!are_tokens(k, before + room - len, len))
			continue;
		memset(k->tokens, 0, sizeof(k->tokens));
		memcpy(k->tokens, before + room - len, len < TOKENS_MAX ? len : TOKENS_MAX - 1);
		k->tokens_at = index_at - len;
		k->index_at = index_at;
		return !k->view.bad;
	}
	return false;
}

/* --- names ------------------------------------------------------------------------------------ */

static uint64_t marker(struct kallsyms *k, uint64_t i)
{
	uint64_t at = k->markers_at + i * k->marker_size;

	return k->marker_size == 8 ? view64(&k->view, at) : view32(&k->view, at);
}

static bool is_step(uint64_t from, uint64_t to)
{
	return to > from && to - from >= MARKER_EVERY * ENTRY_MIN &&
	       to - from <= MARKER_EVERY * ENTRY_MAX;
}

/* What nm calls a type. */
static bool is_type(char c)
{
	return c && strchr("aAbBcCdDgGiInNpPrRsStTuUvVwW?-", c);
}

/* One entry, which begins with a type. */
static bool check_entry(struct kallsyms *k, uint64_t *at)
{
	struct entry en;

	if (!kallsyms_entry(k, *at, &en) || !is_type(k->tokens[k->index[view8(&k->view, en.at)]]))
		return false;
	*at = en.next;
	return true;
}

/* All names from names_at on, which end where markers begin. */
static bool check_names(struct kallsyms *k)
{
	uint64_t at = k->names_at;

	k->view.bad = false; /* the search may have come by places without memory */
	for (uint64_t i = 0; i < k->nr; i++) {
		if (i % MARKER_EVERY == 0 && marker(k, i / MARKER_EVERY) != at - k->names_at)
			return false;
		if (!check_entry(k, &at))
			return false;
	}
	return k->markers_at - at <= PAD_MAX;
}

/* @nr markers are at markers_at: are there names in front of them, and num_syms before those? */
static bool find_names(struct kallsyms *k, uint64_t nr)
{
	uint64_t shortest = marker(k, nr - 1) + ENTRY_MIN;
	uint64_t longest = marker(k, nr - 1) + MARKER_EVERY * ENTRY_MAX + PAD_MAX + 8;
	uint64_t room = k->markers_at - k->view.base, back;

	k->names_end = k->markers_at;
	for (back = (shortest + 4 + 3) & ~3ULL; back <= longest && back <= room; back += 4) {
		uint64_t at = align_down(k->markers_at, 4) - back;

		k->nr = view32(&k->view, at);
		if (k->nr > SYMBOLS_MAX || (k->nr + MARKER_EVERY - 1) / MARKER_EVERY != nr)
			continue;
		k->names_at = at + 4; /* 4 bytes further when tables are aligned to 8 */
		if (check_names(k))
			return true;
		k->names_at = at + 8;
		if (is_aligned(k->names_at, 8) && check_names(k))
			return true;
	}
	return false;
}

/* How far they begin from the tokens at most: markers themselves, and seqs_of_names of 4 bytes. */
#define MARKERS_REACH (8ULL * SYMBOLS_MAX / MARKER_EVERY + 4ULL * SYMBOLS_MAX)

/* Markers are the next thing in front of the tokens, or seqs_of_names are between them. */
static bool find_markers(struct kallsyms *k, unsigned size)
{
	unsigned tries = 0;
	uint64_t at = align_down(k->tokens_at, size);

	k->marker_size = size;
	while (tries < MARKER_TRIES && at - k->view.base > 2 * MARKER_EVERY * ENTRY_MIN &&
	       k->tokens_at - at <= MARKERS_REACH) {
		uint64_t nr = 1;

		at -= size;
		k->markers_at = at;
		if (marker(k, 0) != 0 || !is_step(0, marker(k, 1)))
			continue;
		while (nr < SYMBOLS_MAX / MARKER_EVERY && is_step(marker(k, nr - 1), marker(k, nr)))
			nr++;
		/* What follows the last one may look like one more. */
		for (uint64_t n = nr; n >= 2 && nr - n < MARKER_SPARE; n--)
			if (find_names(k, n))
				return true;
		tries++;
	}
	return false;
}

/* --- offsets ---------------------------------------------------------------------------------- */

/* As many as names, never falling; from a base, which is the lowest symbol, they begin with 0. */
static bool check_offsets(struct kallsyms *k, enum offsets how, uint64_t at)
{
	uint64_t before = 0;

	if (!range_inside(at, 4 * k->nr, k->view.base, k->view.end - k->view.base))
		return false;
	k->view.bad = false;
	k->how = how;
	k->offsets_at = at;
	k->relative_base = 0; /* for now: values are the offsets themselves */
	for (uint64_t i = 0; i < k->nr; i++) {
		uint64_t v = kallsyms_value(k, i);

		if (v < before ||
		    (how == OFFSETS_FROM_BASE && (v >= KALLSYMS_MAX_EXTENT || (i == 0 && v != 0))))
			return false;
		before = v;
	}
	if (k->view.bad)
		return false;
	if (how == OFFSETS_FROM_SELF)
		return range_inside(kallsyms_value(k, 0), 0, k->view.base,
				    k->view.end - k->view.base) &&
		       before <= k->view.end;
	return before > 0;
}

static uint64_t align_up8(uint64_t v)
{
	return align_down(v + 7, 8);
}

static bool find_offsets(struct kallsyms *k)
{
	uint64_t behind = k->index_at + 2 * NR_TOKENS, size = align_up8(4 * k->nr);
	uint64_t num_syms = align_down(k->names_at - 4, 8);

	if (check_offsets(k, OFFSETS_FROM_BASE, align_up8(behind))) { /* 6.4 */
		k->relative_base_at = align_up8(behind) + size;
		return true;
	}
	k->relative_base_at = num_syms - 8; /* 4.6 */
	if (num_syms >= k->view.base + size + 8 &&
	    check_offsets(k, OFFSETS_FROM_BASE, num_syms - 8 - size))
		return true;
	return check_offsets(k, OFFSETS_FROM_SELF, behind); /* 7.0 */
}

/* --- where they count from -------------------------------------------------------------------- */

/* Offset of the symbol called @name from relative_base. */
static bool offset_of(struct kallsyms *k, const char *name, uint64_t *offset)
{
	struct kallsyms_symbol s;
	unsigned matches;

	if (!kallsyms_named(k, name, &s, &matches))
		return false;
	*offset = s.pa - k->relative_base;
	return true;
}

/* Where the Image's first instructions branch to; 0 when they do not. */
static uint64_t entry_point(struct kallsyms *k)
{
	for (uint64_t at = CODE0; at <= CODE1; at += CODE1 - CODE0) {
		uint32_t insn = view32(&k->view, k->where.base + at);

		if (insn >> 26 == 0x05) /* B: Arm ARM C6.2.26, a signed imm26 of words */
			return k->where.base + at +
			       (uint64_t)((int64_t)((uint64_t)insn << 38) >> 38) * 4;
	}
	return 0;
}

/*
 * The physical address that relative_base stands for. Of these ways, the first works for kernels
 * with CONFIG_KALLSYMS_ALL; the second for those that have relocated themselves, or needed not; the
 * third before that, while the header is still there.
 */
static bool find_relative_base(struct kallsyms *k)
{
	static const char *const entries[] = { "primary_entry", "stext" };
	uint64_t va, offset, base = k->where.base;

	if (k->where.image) {
		if (offset_of(k, "_text", &offset)) {
			k->relative_base = base - offset;
			return true;
		}
		if (kallsyms_relative_base(k, &va)) {
			k->relative_base = base + (va - base) % KIMAGE_ALIGN;
			return true;
		}
		if (view32(&k->view, base + MAGIC) != IMAGE_MAGIC)
			return false;
		for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
			if (offset_of(k, entries[i], &offset)) {
				k->relative_base = entry_point(k) - offset;
				return k->relative_base >= base;
			}
		}
	}
	if (k->where.mapped && kallsyms_relative_base(k, &va)) {
		k->relative_base = va - k->where.voffset;
		return range_inside(k->relative_base, 0, k->view.base, k->view.end - k->view.base);
	}
	return false;
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool find_tables(struct kallsyms *k, uint64_t index_at)
{
	if (!read_index(k, index_at) || !find_tokens(k, index_at))
		return false;
	return (find_markers(k, 4) || find_markers(k, 8)) && find_offsets(k);
}

static bool scan(struct kallsyms *k)
{
	struct view *v = &k->view;
	unsigned tries = 0;

	for (uint64_t at = v->base; v->end - at >= 2 * NR_TOKENS && tries < INDEX_TRIES; at += 4) {
		uint32_t w = view32(v, at);

		/* The first offset is 0, the second is not; that leaves little to look at. */
		if ((w & 0xffff) != 0 || w == 0 || w >> 16 > TOKEN_MAX)
			continue;
		v->bad = false;
		if (!read_index(k, at))
			continue;
		if (find_tables(k, at))
			return true;
		tries++;
	}
	return false;
}

struct kallsyms *kallsyms_find(const struct guest_reader *mem, const struct kallsyms_where *where)
{
	uint64_t size = where->size, base = align_down(where->base, 8);
	struct kallsyms *k;
	struct kallsyms_symbol s;
	unsigned matches;

	if (size > KALLSYMS_MAX_EXTENT)
		size = KALLSYMS_MAX_EXTENT;
	if (size < 8 || size > UINT64_MAX - base)
		return NULL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->where = *where;
	k->work = 2 * SYMBOLS_MAX;
	k->view.mem = *mem;
	k->view.base = base;
	k->view.end = base + align_down(size, 8);
	if (!scan(k) || (k->how == OFFSETS_FROM_BASE && !find_relative_base(k))) {
		free(k);
		return NULL;
	}
	if (kallsyms_named(k, "kimage_voffset", &s, &matches))
		k->kimage_voffset = s.pa;
	return k;
}
