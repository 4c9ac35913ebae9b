/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/space.h"
#include "tests/lib/test.h"

#include <errno.h>

static void add(struct space *s, enum space_kind kind, uint64_t base, uint64_t size,
		const char *name)
{
	const struct space_range r = { base, size, kind, name };
	struct err e;

	EXPECT_EQ(space_add(s, &r, &e), 0);
}

/* A UART page, eight small devices in one page, and RAM. */
static struct space example(void)
{
	struct space s = { 0 };

	add(&s, SPACE_RAM, 0x40000000, 0x10000000, "RAM");
	add(&s, SPACE_DEVICE, 0x9000000, 0x1000, "uart");
	for (unsigned i = 0; i < 4; i++)
		add(&s, SPACE_DEVICE, 0xa000000 + 2 * i * 0x200, 0x200, "slot");
	return s;
}

TEST(ranges_are_found_at_their_first_and_last_byte_only)
{
	struct space s = example();

	EXPECT(!space_at(&s, 0x8ffffff));
	EXPECT_STR(space_at(&s, 0x9000000)->name, "uart");
	EXPECT_STR(space_at(&s, 0x9000fff)->name, "uart");
	EXPECT(!space_at(&s, 0x9001000));
	EXPECT(!space_at(&s, 0xa000200));
	EXPECT_STR(space_at(&s, 0x4fffffff)->name, "RAM");
	EXPECT(!space_at(&s, 0x50000000));
	EXPECT(!space_at(&s, UINT64_MAX));
	space_free(&s);
}

TEST(overlaps_are_refused_with_both_names)
{
	static const uint64_t bad[][2] = { { 0x8fffff0, 0x11 },
					   { 0x9000fff, 1 },
					   { 0x8000000, 0x40000000 },
					   { 0x4fffffff, 0x1000 } };
	struct space s = example();
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct space_range r = { bad[i][0], bad[i][1], SPACE_ROM, "rom" };

		EXPECT_EQ(space_add(&s, &r, &e), -EEXIST);
		EXPECT_HAS(e.text, "rom at");
	}
	EXPECT_EQ(space_add(&s, &(struct space_range){ 0, 0, SPACE_ROM, "rom" }, &e), -EINVAL);
	EXPECT_EQ(space_add(&s, &(struct space_range){ UINT64_MAX, 2, SPACE_ROM, "rom" }, &e),
		  -EINVAL);
	EXPECT_EQ(s.nr, 6);
	space_free(&s);
}

TEST(neighbours_are_the_nearest_on_both_sides)
{
	struct space s = example();
	const struct space_range *below, *above;

	space_beside(&s, 0xa000240, &below, &above);
	EXPECT_EQ(below->base, 0xa000000);
	EXPECT_EQ(above->base, 0xa000400);
	space_beside(&s, 0, &below, &above);
	EXPECT(!below);
	EXPECT_STR(above->name, "uart");
	space_beside(&s, 0x50000000, &below, &above);
	EXPECT_STR(below->name, "RAM");
	EXPECT(!above);
	add(&s, SPACE_QUIET, 0x9001000, 0x1000, "quiet");
	space_beside(&s, 0x9003000, &below, &above);
	EXPECT_STR(below->name, "uart");
	space_free(&s);
}

TEST(a_quiet_range_takes_what_is_free)
{
	struct space s = example();

	add(&s, SPACE_QUIET, 0x8fff000, 0x3000, "quiet");
	EXPECT_EQ(space_at(&s, 0x8fff000)->kind, SPACE_QUIET);
	EXPECT_EQ(space_at(&s, 0x9000000)->kind, SPACE_DEVICE);
	EXPECT_EQ(space_at(&s, 0x9001fff)->kind, SPACE_QUIET);
	EXPECT(!space_at(&s, 0x9002000));
	add(&s, SPACE_QUIET, 0x9000000, 0x1000, "nothing left");
	EXPECT_EQ(s.nr, 8);
	space_free(&s);
}

TEST(holes_are_whole_pages_between_ranges)
{
	static const struct {
		uint64_t from, base, size;
	} t[] = {
		{ 0, 0, 0x9000000 },
		{ 0x9000000, 0x9001000, 0xfff000 },
		{ 0x9001001, 0x9002000, 0xffe000 },
		{ 0xa000000, 0xa001000, 0x35fff000 },
		{ 0x40000000, 0x50000000, 0x30000000 },
	};
	struct space s = example();
	uint64_t base, size;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		EXPECT(space_hole(&s, t[i].from, 0x80000000, 0x1000, &base, &size));
		EXPECT_EQ(base, t[i].base);
		EXPECT_EQ(size, t[i].size);
	}
	EXPECT(!space_hole(&s, 0x40000000, 0x50000000, 0x1000, &base, &size));
	EXPECT(!space_hole(&s, 0x80000000, 0x80000000, 0x1000, &base, &size));
	EXPECT(!space_hole(&s, UINT64_MAX, UINT64_MAX, 0x1000, &base, &size));
	/* With larger pages, what lies beside a device is not a hole. */
	EXPECT(space_hole(&s, 0x9000000, 0x80000000, 0x10000, &base, &size));
	EXPECT_EQ(base, 0x9010000);
	space_free(&s);
}

TEST(all_holes_and_all_pages_with_ranges_make_up_the_space)
{
	uint32_t seed = 7;

	for (unsigned round = 0; round < 300; round++) {
		struct space s = { 0 };
		struct err e;
		uint64_t at = 0, base, size, next = 0;

		for (unsigned i = 0; i < 12; i++) {
			struct space_range r = { .kind = SPACE_DEVICE, .name = "x" };

			seed = seed * 1664525 + 1013904223;
			r.base = seed >> 12;
			seed = seed * 1664525 + 1013904223;
			r.size = 1 + (seed >> 18);
			if (space_add(&s, &r, &e))
				EXPECT_EQ(e.code, EEXIST);
		}
		for (; space_hole(&s, at, 1 << 20, 4096, &base, &size); at = base + size) {
			EXPECT(base >= next && size > 0);
			for (; next < base; next += 4096) {
				bool any = false;

				for (uint64_t b = 0; b < 4096 && !any; b++)
					any = space_at(&s, next + b) != NULL;
				EXPECT(any);
			}
			for (; next < base + size; next++)
				EXPECT(!space_at(&s, next));
		}
		space_free(&s);
	}
}

TEST_MAIN(T(ranges_are_found_at_their_first_and_last_byte_only),
	  T(overlaps_are_refused_with_both_names), T(neighbours_are_the_nearest_on_both_sides),
	  T(a_quiet_range_takes_what_is_free), T(holes_are_whole_pages_between_ranges),
	  T(all_holes_and_all_pages_with_ranges_make_up_the_space))
