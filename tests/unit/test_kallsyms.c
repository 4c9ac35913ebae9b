/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_kernel.h"
#include "tests/lib/test.h"
#include "vmm/debug/kallsyms.h"

#include <stdlib.h>
#include <time.h>

#define BASE	UINT64_C(0x40200000)
#define TEXT_VA UINT64_C(0xffffaa8262800000)

static const struct kallsyms_where whole = { .base = BASE, .size = FAKE_SIZE, .image = true };

static struct guest_reader reader(struct fake_kernel *f)
{
	return (struct guest_reader){ .read = fake_kernel_read, .ctx = f };
}

static struct kallsyms *find(struct fake_kernel *f)
{
	struct guest_reader r = reader(f);

	return kallsyms_find(&r, &whole);
}

static bool is_end(const char *name)
{
	return strcmp(name, "_etext") == 0 || strcmp(name, "_einittext") == 0 ||
	       strcmp(name, "_end") == 0;
}

/* Every symbol by address, by an address inside it, and by name. */
static void expect_symbols(struct fake_kernel *f, struct kallsyms *k)
{
	for (size_t i = 0; i < f->nr; i++) {
		const struct fake_symbol *want = &f->symbol[i];
		struct kallsyms_symbol got;
		unsigned matches;

		if (i > 0 && f->symbol[i - 1].offset == want->offset)
			continue;
		EXPECT(kallsyms_named(k, want->name, &got, &matches));
		if (matches == 1)
			EXPECT_EQ(got.pa, BASE + want->offset);
		if (is_end(want->name))
			continue;
		EXPECT(kallsyms_at(k, BASE + want->offset, &got));
		EXPECT_STR(got.name, want->name);
		EXPECT_EQ(got.type, want->type);
		EXPECT_EQ(got.pa, BASE + want->offset);
		EXPECT(kallsyms_at(k, BASE + want->offset + 0x3f, &got));
		EXPECT_STR(got.name, want->name);
	}
}

TEST(kallsyms_are_found_in_every_layout_before_and_after_relocation)
{
	for (unsigned i = 0; i < NR_LAYOUTS * 4; i++) {
		struct fake_config c = { .layout = i / 4,
					 .all = i & 1,
					 .text_va = i & 2 ? TEXT_VA : 0 };
		struct fake_kernel *f = fake_kernel_make(&c);
		struct kallsyms *k = find(f);

		EXPECT(k != NULL);
		expect_symbols(f, k);
		kallsyms_free(k);
		free(f);
	}
}

/* One marker for 256 names: full ones, just begun ones. */
TEST(kallsyms_of_any_number_are_found)
{
	for (unsigned n = 490; n < 520; n++) {
		struct fake_config c = { .layout = n % NR_LAYOUTS, .all = true, .functions = n };
		struct fake_kernel *f = fake_kernel_make(&c);
		struct kallsyms *k = find(f);
		struct kallsyms_symbol s;
		unsigned matches;

		EXPECT(k != NULL);
		EXPECT(kallsyms_named(k, "_end", &s, &matches));
		EXPECT_EQ(s.pa, BASE + FAKE_SIZE);
		kallsyms_free(k);
		free(f);
	}
}

/* Linux 6.1 gives the pages with its header back; then relative_base is what is left. */
TEST(kallsyms_without_header_count_from_relative_base_modulo_2_mib)
{
	struct fake_config c = { .layout = LAYOUT_6_2, .no_header = true, .text_va = TEXT_VA };
	struct fake_kernel *f = fake_kernel_make(&c);
	struct kallsyms *k = find(f);

	EXPECT(k != NULL);
	expect_symbols(f, k);
	kallsyms_free(k);
	free(f);
	c.text_va = 0; /* nothing says what offsets count from */
	f = fake_kernel_make(&c);
	EXPECT(find(f) == NULL);
	free(f);
}

TEST(kallsyms_without_an_image_are_found_around_a_mapped_address)
{
	for (unsigned i = 0; i < NR_LAYOUTS; i++) {
		struct fake_config c = { .layout = i, .no_header = true, .text_va = TEXT_VA };
		struct fake_kernel *f = fake_kernel_make(&c);
		struct guest_reader r = reader(f);
		struct kallsyms_where w = { .base = BASE - 0x10000,
					    .size = FAKE_SIZE + 0x30000,
					    .mapped = true,
					    .voffset = TEXT_VA - BASE };
		struct kallsyms *k;

		f->from = w.base; /* much of it is no memory */
		f->to = w.base + w.size;
		k = kallsyms_find(&r, &w);
		EXPECT(k != NULL);
		expect_symbols(f, k);
		kallsyms_free(k);
		free(f);
	}
}

TEST(kallsyms_know_where_the_kernel_relocated_itself_to)
{
	static const struct {
		enum fake_layout layout;
		bool all, relocated, known;
	} cases[] = {
		{ LAYOUT_4_6, false, true, true },  { LAYOUT_6_2, false, false, false },
		{ LAYOUT_6_2, true, true, true },   { LAYOUT_6_4, false, true, true },
		{ LAYOUT_7_0, true, true, true },   { LAYOUT_7_0, true, false, false },
		{ LAYOUT_7_0, false, true, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fake_config c = { .layout = cases[i].layout,
					 .all = cases[i].all,
					 .text_va = cases[i].relocated ? TEXT_VA : 0 };
		struct fake_kernel *f = fake_kernel_make(&c);
		struct kallsyms *k = find(f);
		uint64_t voffset = 0;

		EXPECT(k != NULL);
		EXPECT_EQ(kallsyms_voffset(k, &voffset), cases[i].known);
		if (cases[i].known)
			EXPECT_EQ(voffset, TEXT_VA - BASE);
		kallsyms_free(k);
		free(f);
	}
}

/* The tables are found at start; the kernel relocates itself later. */
TEST(kallsyms_see_the_relocation_when_it_happens)
{
	struct fake_config c = { .layout = LAYOUT_6_4, .all = true };
	struct fake_kernel *f = fake_kernel_make(&c);
	struct kallsyms *k = find(f);
	uint64_t voffset, va = TEXT_VA;

	EXPECT(k != NULL);
	EXPECT(!kallsyms_voffset(k, &voffset));
	for (unsigned i = 0; i < 8; i++, va >>= 8)
		f->mem[f->relative_base_at + i] = (uint8_t)va;
	EXPECT(kallsyms_voffset(k, &voffset));
	EXPECT_EQ(voffset, TEXT_VA - BASE);
	expect_symbols(f, k);
	kallsyms_free(k);
	free(f);
}

TEST(kallsyms_believe_no_kimage_voffset_that_cannot_be)
{
	static const uint64_t cases[] = { 0, 1, 0x200000, TEXT_VA - BASE + 0x1000, UINT64_MAX };
	struct fake_config c = { .layout = LAYOUT_7_0, .all = true, .text_va = TEXT_VA };
	struct fake_kernel *f = fake_kernel_make(&c);
	struct kallsyms *k = find(f);
	uint64_t voffset;

	EXPECT(k != NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned b = 0; b < 8; b++)
			f->mem[FAKE_JIFFIES + 0x40 + b] = (uint8_t)(cases[i] >> 8 * b);
		EXPECT(!kallsyms_voffset(k, &voffset));
	}
	kallsyms_free(k);
	free(f);
}

TEST(kallsyms_size_is_up_to_the_next_address_and_the_first_name_wins)
{
	struct fake_config c = { .layout = LAYOUT_6_4, .all = true };
	struct fake_kernel *f = fake_kernel_make(&c);
	struct kallsyms *k = find(f);
	struct kallsyms_symbol s;

	EXPECT(k != NULL);
	EXPECT(kallsyms_at(k, BASE + 0x10010, &s));
	EXPECT_STR(s.name, "_stext");
	EXPECT_EQ(s.size, 0x40);
	EXPECT(kallsyms_at(k, BASE + FAKE_JIFFIES + 8, &s));
	EXPECT_STR(s.name, "jiffies");
	EXPECT_EQ(s.size, 0x40);
	EXPECT(kallsyms_at(k, BASE + FAKE_ETEXT + 0x10, &s)); /* not _etext */
	EXPECT_STR(s.name, "__start_rodata");
	kallsyms_free(k);
	free(f);
}

TEST(kallsyms_name_nothing_outside_of_symbols)
{
	struct fake_config c = { .layout = LAYOUT_6_2 };
	struct fake_kernel *f = fake_kernel_make(&c);
	struct kallsyms *k = find(f);
	struct kallsyms_symbol s;
	static const uint64_t nowhere[] = {
		0,
		BASE - 1,
		BASE,
		BASE + 4,
		BASE + 0xffff,
		BASE + FAKE_ETEXT, /* behind _etext */
		BASE + 0x3ffff,
		BASE + 0x40104,
		BASE + FAKE_JIFFIES,
		BASE + FAKE_SIZE - 1,
		BASE + FAKE_SIZE,
		UINT64_MAX,
	};

	EXPECT(k != NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++)
		EXPECT(!kallsyms_at(k, nowhere[i], &s));
	kallsyms_free(k);
	free(f);
}

TEST(kallsyms_by_name_prefer_the_global_one_and_count)
{
	struct fake_config c = { .layout = LAYOUT_6_4, .all = true };
	struct fake_kernel *f = fake_kernel_make(&c);
	struct kallsyms *k = find(f);
	struct kallsyms_symbol s;
	unsigned matches;
	static const char *const absent[] = { "",     "t",	"Tpanic",
					      "pani", "panicx", "do_read_probe_7000" };

	EXPECT(k != NULL);
	EXPECT(kallsyms_named(k, "init_once", &s, &matches));
	EXPECT_EQ(matches, 2);
	EXPECT_EQ(s.pa, BASE + 0x10040);
	EXPECT(kallsyms_named(k, "twice", &s, &matches));
	EXPECT_EQ(matches, 2);
	EXPECT_EQ(s.pa, BASE + 0x10240);
	EXPECT_EQ(s.type, 'T');
	EXPECT(kallsyms_named(k, "panic", &s, &matches));
	EXPECT_EQ(matches, 1);
	EXPECT_EQ(s.size, 0x100);
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++)
		EXPECT(!kallsyms_named(k, absent[i], &s, &matches));
	kallsyms_free(k);
	free(f);
}

/* --- damage ----------------------------------------------------------------------------------- */

static void look_around(struct kallsyms *k)
{
	struct kallsyms_symbol s;
	unsigned matches;
	uint64_t voffset;

	for (uint64_t at = BASE; at < BASE + FAKE_SIZE; at += FAKE_SIZE / 16 + 0x1234)
		if (kallsyms_at(k, at, &s))
			EXPECT(strlen(s.name) < KALLSYMS_NAME && s.pa <= at);
	(void)kallsyms_named(k, "panic", &s, &matches);
	(void)kallsyms_voffset(k, &voffset);
}

/* A kernel of which only the beginning is there. */
TEST(kallsyms_cut_short_anywhere_are_not_found)
{
	for (unsigned i = 0; i < NR_LAYOUTS; i++) {
		struct fake_config c = { .layout = i, .all = true, .text_va = TEXT_VA };
		struct fake_kernel *f = fake_kernel_make(&c);
		struct guest_reader r = reader(f);
		size_t need = i < LAYOUT_6_4   ? f->index_at + 512
			      : i < LAYOUT_7_0 ? f->relative_base_at
					       : f->offsets_at + 4 * f->nr;

		for (size_t len = FAKE_TABLES; len < need; len += 419) {
			struct kallsyms_where w = { .base = BASE, .size = len, .image = true };

			f->to = BASE + len;
			EXPECT(kallsyms_find(&r, &w) == NULL);
		}
		free(f);
	}
}

/* Whether they are still believed or not: nothing is read elsewhere, nothing runs away. */
TEST(kallsyms_damaged_anywhere_are_harmless)
{
	static const uint8_t flips[] = { 0xff, 0x01, 0x80 };

	for (unsigned i = 0; i < NR_LAYOUTS; i++) {
		struct fake_config c = { .layout = i, .all = i & 1, .text_va = TEXT_VA };
		struct fake_kernel *f = fake_kernel_make(&c);
		unsigned n = i;

		for (size_t at = FAKE_TABLES - 8; at < f->tables_end; at += 397, n++) {
			uint8_t was = f->mem[at];
			struct kallsyms *k;

			f->mem[at] ^= flips[n % ARRAY_SIZE(flips)];
			k = find(f);
			if (k)
				look_around(k);
			kallsyms_free(k);
			f->mem[at] = was;
		}
		free(f);
	}
}

/* The guest rewrites its tables after they were checked. */
TEST(kallsyms_that_change_under_us_are_harmless)
{
	for (unsigned i = 0; i < NR_LAYOUTS; i++) {
		struct fake_config c = { .layout = i, .all = true, .text_va = TEXT_VA };
		struct fake_kernel *f = fake_kernel_make(&c);
		struct kallsyms *k = find(f);

		EXPECT(k != NULL);
		for (unsigned fill = 0; fill < 256; fill += 51) {
			memset(f->mem + FAKE_TABLES, (int)fill, f->tables_end - FAKE_TABLES);
			look_around(k);
		}
		for (size_t at = FAKE_TABLES; at < f->tables_end; at++)
			f->mem[at] = (uint8_t)rand();
		look_around(k);
		f->base = 0; /* and then there is no memory any more */
		look_around(k);
		kallsyms_free(k);
		free(f);
	}
}

static double seconds(void)
{
	struct timespec t;

	EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A memory that is one pattern, however large. */
static bool read_pattern(void *ctx, uint64_t pa, void *dst, size_t len)
{
	const uint8_t *pattern = ctx;
	uint8_t *to = dst;

	for (size_t i = 0; i < len; i++)
		to[i] = pattern[(pa + i) % 8192];
	return true;
}

/* Patterns that look like a table everywhere, so that every check has as much to do as it can. */
TEST(kallsyms_search_ends_soon_in_hostile_memory)
{
	enum { ZEROES, ONES, TOKENS, MARKERS, COUNTS, NR };
	static uint8_t pattern[8192];
	double start = seconds();

	for (unsigned kind = 0; kind < NR; kind++) {
		struct guest_reader r = { .read = read_pattern, .ctx = pattern };
		struct kallsyms_where w = { .base = BASE,
					    .size = KALLSYMS_MAX_EXTENT / 8,
					    .image = true };

		memset(pattern, kind == ZEROES ? 0 : kind == ONES ? 1 : 'T', sizeof(pattern));
		/* Strings "TT" and their index; then markers, or numbers of symbols. */
		for (unsigned i = 0; kind >= TOKENS && i < 256; i++) {
			pattern[3 * i + 2] = 0;
			pattern[768 + 2 * i] = (uint8_t)(3 * i);
			pattern[768 + 2 * i + 1] = (uint8_t)(3 * i >> 8);
		}
		for (unsigned i = 1280; kind >= MARKERS && i < 8192; i += 4) {
			uint32_t v = (i - 1280) / 4 * 1000;

			if (kind == COUNTS && i >= 7168)
				v = 1472 * 256 - 5; /* as many as markers in front of them say */

			memcpy(pattern + i, &v, 4);
		}
		EXPECT(kallsyms_find(&r, &w) == NULL);
	}
	EXPECT(seconds() - start < 30); /* with sanitizers; 2 without */
}

TEST_MAIN(T(kallsyms_are_found_in_every_layout_before_and_after_relocation),
	  T(kallsyms_of_any_number_are_found),
	  T(kallsyms_without_header_count_from_relative_base_modulo_2_mib),
	  T(kallsyms_without_an_image_are_found_around_a_mapped_address),
	  T(kallsyms_know_where_the_kernel_relocated_itself_to),
	  T(kallsyms_see_the_relocation_when_it_happens),
	  T(kallsyms_believe_no_kimage_voffset_that_cannot_be),
	  T(kallsyms_size_is_up_to_the_next_address_and_the_first_name_wins),
	  T(kallsyms_name_nothing_outside_of_symbols),
	  T(kallsyms_by_name_prefer_the_global_one_and_count),
	  T(kallsyms_cut_short_anywhere_are_not_found), T(kallsyms_damaged_anywhere_are_harmless),
	  T(kallsyms_that_change_under_us_are_harmless),
	  T(kallsyms_search_ends_soon_in_hostile_memory))
