/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/core/watchset.h"

#include <errno.h>

TEST(watch_overlap_is_the_bytes_in_common)
{
	static const struct {
		uint64_t r_base, r_size, base, size, at, len; /* len 0: none */
	} cases[] = {
		{ 0x1000, 8, 0x1000, 8, 0x1000, 8 },
		{ 0x1000, 8, 0xff8, 8, 0, 0 },
		{ 0x1000, 8, 0x1008, 8, 0, 0 },
		{ 0x1000, 8, 0xffd, 4, 0x1000, 1 },
		{ 0x1000, 8, 0x1007, 16, 0x1007, 1 },
		{ 0x1000, 1, 0xf00, 0x1000, 0x1000, 1 },
		{ 0x1000, 0x1000, 0x1800, 1, 0x1800, 1 },
		{ UINT64_MAX, 1, UINT64_MAX - 7, 8, UINT64_MAX, 1 },
		{ 0, UINT64_MAX, UINT64_MAX - 1, 2, UINT64_MAX - 1, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct watch_range r = { .base = cases[i].r_base, .size = cases[i].r_size };
		uint64_t at, len = 0;

		if (watch_overlap(&r, cases[i].base, cases[i].size, &at, &len))
			EXPECT_EQ(at, cases[i].at);
		else
			len = 0;
		EXPECT_EQ(len, cases[i].len);
	}
}

TEST(watchset_kinds_are_those_of_all_ranges_that_touch)
{
	struct watchset s = { 0 };
	struct err e;

	EXPECT_EQ(watchset_kinds(&s, 0, UINT64_MAX), 0);
	EXPECT_EQ(watchset_add(&s, &(struct watch_range){ .base = 16, .size = 8, .kinds = 1 }, &e),
		  0);
	EXPECT_EQ(watchset_add(&s, &(struct watch_range){ .base = 20, .size = 8, .kinds = 2 }, &e),
		  0);
	EXPECT_EQ(watchset_kinds(&s, 0, 16), 0);
	EXPECT_EQ(watchset_kinds(&s, 19, 1), WATCH_READ);
	EXPECT_EQ(watchset_kinds(&s, 23, 1), WATCH_READ | WATCH_WRITE);
	EXPECT_EQ(watchset_kinds(&s, 24, 4096), WATCH_WRITE);
	EXPECT_EQ(watchset_kinds(&s, 28, 4096), 0);
	watchset_free(&s);
}

TEST(watchset_refuses_what_is_no_range)
{
	struct watchset s = { 0 };
	struct err e;

	EXPECT_EQ(watchset_add(&s, &(struct watch_range){ .base = 1, .size = 0 }, &e), -EINVAL);
	EXPECT_EQ(watchset_add(&s, &(struct watch_range){ .base = 2, .size = UINT64_MAX }, &e),
		  -EINVAL);
	EXPECT_EQ(watchset_add(&s, &(struct watch_range){ .base = 1, .size = UINT64_MAX }, &e), 0);
	EXPECT_EQ(s.nr, 1);
	watchset_free(&s);
}

TEST_MAIN(T(watch_overlap_is_the_bytes_in_common),
	  T(watchset_kinds_are_those_of_all_ranges_that_touch),
	  T(watchset_refuses_what_is_no_range))
