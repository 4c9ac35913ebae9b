/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/debug/namecache.h"

#include <stdio.h>
#include <string.h>

static struct namecache cache;

static void clear(void)
{
	memset(&cache, 0, sizeof(cache));
}

TEST(namecache_keeps_names_of_addresses_and_of_returns_apart)
{
	char buf[32];

	clear();
	EXPECT(!namecache_get(&cache, 0, false, buf, sizeof(buf)));
	namecache_put(&cache, 0xffff800080001000, false, "next+0x0");
	namecache_put(&cache, 0xffff800080001000, true, "caller+0x40");
	EXPECT(namecache_get(&cache, 0xffff800080001000, false, buf, sizeof(buf)));
	EXPECT_STR(buf, "next+0x0");
	EXPECT(namecache_get(&cache, 0xffff800080001000, true, buf, sizeof(buf)));
	EXPECT_STR(buf, "caller+0x40");
	EXPECT(!namecache_get(&cache, 0xffff800080001004, false, buf, sizeof(buf)));
	EXPECT(namecache_get(&cache, 0xffff800080001000, true, buf, 4));
	EXPECT_STR(buf, "cal");
	clear();
	EXPECT(!namecache_get(&cache, 0xffff800080001000, true, buf, sizeof(buf)));
}

TEST(namecache_never_gives_the_name_of_another_address)
{
	char name[32], buf[32];
	unsigned kept = 0;

	clear();
	for (uint64_t va = 0; va < 8 * NAMECACHE_SLOTS; va++) {
		(void)snprintf(name, sizeof(name), "f%llx", (unsigned long long)va);
		namecache_put(&cache, 0xffff800080000000 + 4 * va, va % 2, name);
	}
	for (uint64_t va = 0; va < 8 * NAMECACHE_SLOTS; va++) {
		if (!namecache_get(&cache, 0xffff800080000000 + 4 * va, va % 2, buf, sizeof(buf)))
			continue;
		(void)snprintf(name, sizeof(name), "f%llx", (unsigned long long)va);
		EXPECT_STR(buf, name);
		kept++;
	}
	EXPECT(kept > NAMECACHE_SLOTS / 2 && kept <= NAMECACHE_SLOTS);
}

TEST(namecache_does_not_keep_what_does_not_fit)
{
	char name[NAMECACHE_NAME + 1], buf[NAMECACHE_NAME + 1];

	clear();
	memset(name, 'x', sizeof(name));
	name[NAMECACHE_NAME] = '\0';
	namecache_put(&cache, 4, false, name);
	EXPECT(!namecache_get(&cache, 4, false, buf, sizeof(buf)));
	name[NAMECACHE_NAME - 1] = '\0';
	namecache_put(&cache, 4, false, name);
	EXPECT(namecache_get(&cache, 4, false, buf, sizeof(buf)));
	EXPECT_STR(buf, name);
}

TEST_MAIN(T(namecache_keeps_names_of_addresses_and_of_returns_apart),
	  T(namecache_never_gives_the_name_of_another_address),
	  T(namecache_does_not_keep_what_does_not_fit))
