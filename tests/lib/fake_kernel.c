/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_kernel.h"

#include "tests/lib/test.h"
#include "vmm/base/checked.h"

#include <stdio.h>
#include <stdlib.h>

enum { TOKENS = 256, FIRST_CHAR = ' ', LAST_CHAR = '~' };

struct writer {
	struct fake_kernel *k;
	size_t at;
	unsigned align; /* of tables */
	char token[TOKENS][16];
	uint32_t name_offset[FAKE_SYMBOLS];
};

static void put(struct writer *w, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		w->k->mem[w->at++] = (uint8_t)(v >> 8 * i);
}

static void align(struct writer *w)
{
	while (w->at % w->align)
		put(w, 0, 1);
}

/* --- symbols ---------------------------------------------------------------------------------- */

static void add(struct fake_kernel *k, char type, uint32_t offset, const char *name)
{
	struct fake_symbol *s = &k->symbol[k->nr++];

	s->type = type;
	s->offset = offset;
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
}

static void add_functions(struct fake_kernel *k, unsigned n)
{
	char name[400];

	for (unsigned i = 0; i < n; i++) {
		uint32_t offset = 0x11000 + 0x60 * i;

		(void)snprintf(name, sizeof(name), "do_%s_probe_%u", i % 3 ? "read" : "write", i);
		if (i == 100) { /* compresses to more than 127 bytes */
			memset(name, 0, sizeof(name));
			memset(name, 'Q', 333);
		}
		add(k, i % 2 ? 't' : 'T', offset, name);
	}
}

static void add_symbols(struct fake_kernel *k, const struct fake_config *c)
{
	if (c->all)
		add(k, 'T', 0, "_text");
	add(k, 'T', 0x10000, "_stext");
	add(k, 'T', 0x10000, "__irqentry_text_start");
	add(k, 't', 0x10040, "init_once");
	add(k, 't', 0x10080, "init_once");
	add(k, 'T', FAKE_PANIC, "panic");
	add(k, 't', 0x10200, "twice");
	add(k, 'T', 0x10240, "twice");
	add(k, 'T', FAKE_VECTORS, "vectors");
	add_functions(k, c->functions ? c->functions : FAKE_FUNCTIONS);
	add(k, 'D', FAKE_ETEXT, "_etext");
	if (c->all)
		add(k, 'R', FAKE_ETEXT, "__start_rodata");
	add(k, 'T', 0x40000, "_sinittext");
	add(k, 'T', FAKE_PRIMARY_ENTRY, "primary_entry");
	add(k, 'T', 0x40100, "_einittext");
	if (!c->all)
		return;
	add(k, 'D', FAKE_JIFFIES, "jiffies");
	add(k, 'D', FAKE_JIFFIES, "jiffies_64");
	add(k, 'D', FAKE_JIFFIES + 0x40, "kimage_voffset");
	add(k, 'B', FAKE_SIZE, "_end");
}

/* --- tables ----------------------------------------------------------------------------------- */

/* Codes of characters stand for themselves, the others for something longer. */
static void make_tokens(struct writer *w)
{
	static const char *const words[] = { "tdo_",	"Tdo_",	 "read",  "write", "_probe_",
					     "primary", "entry", "start", "text" };
	unsigned n = 0;

	for (unsigned c = 0; c < TOKENS; c++) {
		char *t = w->token[c];

		if (c >= FIRST_CHAR && c <= LAST_CHAR) {
			t[0] = (char)c;
			continue;
		}
		if (n < ARRAY_SIZE(words))
			(void)snprintf(t, sizeof(w->token[c]), "%s", words[n]);
		else
			(void)snprintf(t, sizeof(w->token[c]), "%c%c", 'a' + (int)(n % 26),
				       'a' + (int)(n / 26));
		n++;
	}
}

/* The longest token that @s begins with. */
static unsigned best_token(const struct writer *w, const char *s)
{
	unsigned best = (unsigned char)*s;

	for (unsigned c = 0; c < TOKENS; c++)
		if (strlen(w->token[c]) > strlen(w->token[best]) &&
		    strncmp(s, w->token[c], strlen(w->token[c])) == 0)
			best = c;
	return best;
}

static void put_name(struct writer *w, const struct fake_symbol *s)
{
	char text[sizeof(s->name) + 1];
	uint8_t code[sizeof(text)];
	size_t n = 0;

	(void)snprintf(text, sizeof(text), "%c%s", s->type, s->name);
	for (const char *at = text; *at; at += strlen(w->token[code[n - 1]]))
		code[n++] = (uint8_t)best_token(w, at);
	if (n < 128)
		put(w, n, 1);
	else
		put(w, (n & 0x7f) | 0x80 | n >> 7 << 8, 2);
	for (size_t i = 0; i < n; i++)
		put(w, code[i], 1);
}

static void put_names(struct writer *w)
{
	align(w);
	put(w, w->k->nr, 4);
	align(w);
	w->k->names_at = w->at;
	for (size_t i = 0; i < w->k->nr; i++) {
		w->name_offset[i] = (uint32_t)(w->at - w->k->names_at);
		put_name(w, &w->k->symbol[i]);
	}
}

static void put_markers(struct writer *w, size_t size)
{
	align(w);
	for (size_t i = 0; i < w->k->nr; i += 256)
		put(w, w->name_offset[i], size);
}

static void put_seqs(struct writer *w)
{
	align(w);
	for (size_t i = 0; i < w->k->nr; i++)
		put(w, (w->k->nr - i) << 8, 3); /* big-endian, and in any order */
}

static void put_tokens(struct writer *w)
{
	unsigned at = 0;

	align(w);
	for (unsigned c = 0; c < TOKENS; c++) {
		for (const char *s = w->token[c]; *s; s++)
			put(w, (uint8_t)*s, 1);
		put(w, 0, 1);
	}
	align(w);
	w->k->index_at = w->at;
	for (unsigned c = 0; c < TOKENS; at += (unsigned)strlen(w->token[c]) + 1, c++)
		put(w, at, 2);
}

static void put_offsets(struct writer *w, const struct fake_config *c)
{
	uint32_t lowest = w->k->symbol[0].offset;

	align(w);
	w->k->offsets_at = w->at;
	for (size_t i = 0; i < w->k->nr; i++)
		put(w,
		    c->layout == LAYOUT_7_0 ? w->k->symbol[i].offset - w->at
					    : w->k->symbol[i].offset - lowest,
		    4);
	if (c->layout == LAYOUT_7_0)
		return;
	align(w);
	w->k->relative_base_at = w->at;
	put(w, c->text_va ? c->text_va + lowest : 0, 8);
}

static void put_tables(struct writer *w, const struct fake_config *c)
{
	bool old = c->layout < LAYOUT_6_4;

	w->at = FAKE_TABLES;
	w->align = c->layout == LAYOUT_7_0 ? 4 : 8;
	if (old)
		put_offsets(w, c);
	put_names(w);
	put_markers(w, c->layout == LAYOUT_4_6 ? 8 : 4);
	if (c->layout == LAYOUT_6_2)
		put_seqs(w);
	put_tokens(w);
	if (!old) {
		put_offsets(w, c);
		put_seqs(w);
	}
	w->k->tables_end = w->at;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void put_header(struct writer *w)
{
	w->at = 0;
	put(w, 0xfa405a4d, 4); /* "MZ", as an instruction */
	put(w, 0x14000000 | (FAKE_PRIMARY_ENTRY - 4) / 4, 4);
	w->at = 56;
	put(w, 0x644d5241, 4);
}

struct fake_kernel *fake_kernel_make(const struct fake_config *c)
{
	struct fake_kernel *k = calloc(1, sizeof(*k));
	struct writer *w = calloc(1, sizeof(*w));
	uint32_t noise = 1;

	EXPECT(k && w);
	k->base = 0x40200000;
	k->from = k->base;
	k->to = k->base + FAKE_SIZE;
	for (size_t i = 0; i < FAKE_SIZE; i++) {
		noise = noise * 1664525 + 1013904223;
		k->mem[i] = noise >> 28 < 6 ? 0 : (uint8_t)(noise >> 20);
	}
	w->k = k;
	add_symbols(k, c);
	make_tokens(w);
	if (!c->no_header)
		put_header(w);
	put_tables(w, c);
	w->at = FAKE_JIFFIES + 0x40; /* kimage_voffset */
	put(w, c->text_va ? c->text_va - k->base : 0, 8);
	free(w);
	return k;
}

bool fake_kernel_read(void *ctx, uint64_t pa, void *dst, size_t len)
{
	const struct fake_kernel *k = ctx;

	EXPECT(range_inside(pa, len, k->from, k->to - k->from));
	if (!range_inside(pa, len, k->base, FAKE_SIZE))
		return false;
	memcpy(dst, k->mem + (pa - k->base), len);
	return true;
}
