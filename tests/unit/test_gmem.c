/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/core/gmem.h"

#include <errno.h>
#include <stdio.h>

static uint8_t low[0x2000], next[0x1000], high[0x1000];

static int add(struct gmem *m, uint64_t base, uint64_t size, void *host, struct err *e)
{
	return gmem_add(m, &(struct gmem_region){ .base = base, .size = size, .host = host }, e);
}

/* Two regions that touch, and one at the very end of the address space but for its last page. */
static struct gmem memory(void)
{
	struct gmem m = { .nr = 0 };
	struct err e;

	memset(low, 0, sizeof(low));
	memset(next, 0, sizeof(next));
	EXPECT_EQ(add(&m, 0xffffffffffffe000, sizeof(high), high, &e), 0);
	EXPECT_EQ(add(&m, 0x12000, sizeof(next), next, &e), 0);
	EXPECT_EQ(add(&m, 0x10000, sizeof(low), low, &e), 0);
	return m;
}

TEST(gmem_copies_across_regions_that_touch)
{
	struct gmem m = memory();
	uint8_t got[4] = { 0 };

	EXPECT(gmem_write(&m, gpa(0x11ffe), "abcd", 4));
	EXPECT_EQ(memcmp(low + 0x1ffe, "ab", 2), 0);
	EXPECT_EQ(memcmp(next, "cd", 2), 0);
	EXPECT(gmem_read(&m, gpa(0x11ffe), got, 4));
	EXPECT_EQ(memcmp(got, "abcd", 4), 0);
}

TEST(gmem_writes_nothing_of_what_does_not_fit)
{
	struct gmem m = memory();

	EXPECT(!gmem_write(&m, gpa(0x12ffe), "abcd", 4));
	EXPECT_EQ(next[0xffe], 0);
	EXPECT(!gmem_write(&m, gpa(0xfffe), "abcd", 4));
	EXPECT_EQ(low[0], 0);
}

TEST(gmem_finds_the_region_that_holds_all_of_a_range)
{
	struct gmem m = memory();

	EXPECT(gmem_find(&m, gpa(0x10000), 0x2000)->host == low);
	EXPECT(gmem_find(&m, gpa(0x11fff), 1)->host == low);
	EXPECT(gmem_find(&m, gpa(0x12000), 0x1000)->host == next);
	EXPECT(gmem_find(&m, gpa(0xffffffffffffe000), 0x1000)->host == high);
	EXPECT(gmem_find(&m, gpa(0x11fff), 2) == NULL); /* in two */
	EXPECT(gmem_find(&m, gpa(0x10000), 0x2001) == NULL);
	EXPECT(gmem_find(&m, gpa(0x13000), 1) == NULL);
	EXPECT(gmem_find(&m, gpa(0xffffffffffffe001), 0x1000) == NULL);
	EXPECT(gmem_find(&m, gpa(0x10001), UINT64_MAX) == NULL);
}

TEST(gmem_never_wraps)
{
	struct gmem m = memory();
	uint8_t got[16];

	EXPECT(!gmem_read(&m, gpa(UINT64_MAX), got, 2));
	EXPECT(!gmem_read(&m, gpa(0xffffffffffffeff8), got, 16));
	EXPECT(gmem_read(&m, gpa(0xffffffffffffeff8), got, 8));
	EXPECT_EQ(gmem_window(&m, gpa(0xffffffffffffe000), SIZE_MAX).len, 0x1000);
	EXPECT_EQ(gmem_window(&m, gpa(0x10000), SIZE_MAX).len, 0x2000);
	EXPECT_EQ(gmem_window(&m, gpa(0x13000), 1).len, 0);
	EXPECT_EQ(gmem_window(&m, gpa(0), SIZE_MAX).len, 0);
}

static char told[64];

static void before(void *ctx UNUSED, gpa_t at, size_t len, bool write)
{
	(void)snprintf(told, sizeof(told), "%c%llx+%zu", write ? 'w' : 'r',
		       (unsigned long long)at.a, len);
}

static void after(void *ctx UNUSED, gpa_t at UNUSED, size_t len UNUSED, bool write UNUSED)
{
	(void)strcat(told, "!");
}

static void was(void *ctx UNUSED, gpa_t at, size_t len, bool written)
{
	before(NULL, at, len, written);
}

TEST(gmem_tells_of_what_devices_do_and_of_nothing_else)
{
	static const struct gmem_observer o = { before, after, was, NULL };
	struct gmem m = memory();
	uint64_t v = 0x1122334455667788, got[2] = { 0 };

	m.observer = &o;
	EXPECT(gmem_write(&m, gpa(0x10008), &v, 8));
	EXPECT_STR(told, "w10008+8!");
	EXPECT(gmem_read(&m, gpa(0x10009), got, 2));
	EXPECT_STR(told, "r10009+2!");
	gmem_mark_dirty(&m, gpa(0x10000), 3);
	EXPECT_STR(told, "w10000+3");
	gmem_mark_read_host(&m, (char *)gmem_find(&m, gpa(0x10000), 1)->host + 1, 2);
	EXPECT_STR(told, "r10001+2");
	gmem_mark_dirty(&m, gpa(0x10000), 3);
	EXPECT(gmem_peek(&m, gpa(0x10008), got, 8));
	EXPECT_EQ(got[0], v);
	EXPECT(gmem_store(&m, gpa(0x10010), got, 16) && gmem_load(&m, gpa(0x10008), got, 16));
	EXPECT_EQ(got[1], v);
	EXPECT_STR(told, "w10000+3");
}

TEST(gmem_single_accesses_have_every_size_and_place)
{
	struct gmem m = memory();

	for (unsigned size = 1; size <= 16; size *= 2) {
		for (unsigned off = 0; off <= 16; off++) {
			uint8_t in[16], out[16] = { 0 };

			memset(low, 0, 64);
			for (unsigned i = 0; i < size; i++)
				in[i] = (uint8_t)(i + 1);
			EXPECT(gmem_store(&m, gpa(0x10010 + off), in, size));
			EXPECT(gmem_load(&m, gpa(0x10010 + off), out, size));
			EXPECT_EQ(memcmp(in, out, size), 0);
			EXPECT_EQ(memcmp(low + 0x10 + off, in, size), 0);
			EXPECT_EQ(low[0xf + off] | low[0x10 + off + size], 0);
		}
	}
	EXPECT(!gmem_store(&m, gpa(0x11ffc), "abcdefgh", 8)); /* in two regions */
}

TEST(gmem_gives_back_what_is_ram_and_tells_of_it)
{
	static const struct gmem_observer o = { before, after, was, NULL };
	struct gmem m = { .nr = 0 };
	struct ram ram;
	struct err e;

	EXPECT_EQ(ram_create(&ram, 0x10000, 0, &e), 0);
	memset(ram.host, 0xab, 0x10000);
	memset(high, 0xcd, sizeof(high));
	/* 0x10000: RAM; 0x20000: other memory; 0x21000: RAM that is read-only. */
	EXPECT_EQ(add(&m, 0x20000, sizeof(high), high, &e), 0);
	EXPECT_EQ(gmem_add(&m,
			   &(struct gmem_region){
				   .base = 0x10000, .size = 0x8000, .host = ram.host, .ram = &ram },
			   &e),
		  0);
	EXPECT_EQ(gmem_add(&m,
			   &(struct gmem_region){ .base = 0x21000,
						  .size = 0x8000,
						  .host = ram.host,
						  .ram = &ram,
						  .readonly = true },
			   &e),
		  0);
	m.observer = &o;
	told[0] = '\0';
	EXPECT_EQ(gmem_discard(&m, gpa(0x20000), 0x9000), 0);
	EXPECT_EQ(gmem_discard(&m, gpa(0), 0x10fff), 0);
	EXPECT_EQ(gmem_discard(&m, gpa(0x18000), UINT64_MAX), 0);
	EXPECT_EQ(gmem_discard(&m, gpa(UINT64_MAX), UINT64_MAX), 0);
	EXPECT_STR(told, "");
	EXPECT_EQ(gmem_discard(&m, gpa(0x10ff0), 0x2000), 0x1000);
	EXPECT_STR(told, "w11000+4096");
	EXPECT_EQ(((uint8_t *)ram.host)[0xfff], 0xab);
	EXPECT_EQ(((uint8_t *)ram.host)[0x1000], 0);
	EXPECT_EQ(((uint8_t *)ram.host)[0x2000], 0xab);
	EXPECT_EQ(gmem_discard(&m, gpa(0), UINT64_MAX), 0x8000);
	EXPECT_EQ(((uint8_t *)ram.host)[0x7fff], 0);
	EXPECT_EQ(((uint8_t *)ram.host)[0x8000], 0xab);
	EXPECT_EQ(high[0], 0xcd);
	ram_destroy(&ram);
}

TEST(gmem_never_writes_what_is_read_only)
{
	const struct gmem_region rom = { .base = 0x13000,
					 .size = sizeof(high),
					 .host = high,
					 .name = "rom",
					 .readonly = true,
					 .fd = -1 };
	struct gmem m = { .nr = 0 };
	uint8_t got[4];
	struct err e;

	memset(high, 7, sizeof(high));
	memset(next, 0, sizeof(next));
	EXPECT_EQ(add(&m, 0x12000, sizeof(next), next, &e), 0);
	EXPECT_EQ(gmem_add(&m, &rom, &e), 0);
	EXPECT(gmem_read(&m, gpa(0x12ffe), got, 4));
	EXPECT_EQ(got[1], 0);
	EXPECT_EQ(got[2], 7);
	EXPECT(!gmem_write(&m, gpa(0x12ffe), "abcd", 4));
	EXPECT_EQ(next[0xffe], 0);
	EXPECT_EQ(high[0], 7);
	EXPECT_EQ(gmem_window(&m, gpa(0x13000), 1).len, 0);
}

TEST(gmem_refuses_bad_regions)
{
	struct gmem m = memory();
	struct err e;

	EXPECT_EQ(add(&m, 0x11000, 0x1000, low, &e), -EEXIST);
	EXPECT_EQ(add(&m, 0xf000, 0x1001, low, &e), -EEXIST);
	EXPECT_EQ(add(&m, 0x20000, 0, low, &e), -EINVAL);
	EXPECT_EQ(add(&m, UINT64_MAX, 2, low, &e), -EINVAL);
	for (uint64_t a = 0x20000; m.nr < GMEM_MAX_REGIONS; a += 0x1000)
		EXPECT_EQ(add(&m, a, 0x1000, low, &e), 0);
	EXPECT_EQ(add(&m, 0x800000, 0x1000, low, &e), -ENOSPC);
}

TEST_MAIN(T(gmem_copies_across_regions_that_touch), T(gmem_writes_nothing_of_what_does_not_fit),
	  T(gmem_finds_the_region_that_holds_all_of_a_range), T(gmem_never_wraps),
	  T(gmem_tells_of_what_devices_do_and_of_nothing_else),
	  T(gmem_single_accesses_have_every_size_and_place),
	  T(gmem_gives_back_what_is_ram_and_tells_of_it), T(gmem_never_writes_what_is_read_only),
	  T(gmem_refuses_bad_regions))
