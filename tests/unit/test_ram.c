/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/base/checked.h"
#include "vmm/core/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static void works(unsigned flags, uint64_t size)
{
	struct ram r;
	struct err e = { 0 };
	volatile char *at;

	EXPECT_EQ(ram_create(&r, size, flags, &e), 0);
	EXPECT(is_aligned((uintptr_t)r.host, size < 2 * MiB ? 4 * KiB : 2 * MiB));
	at = r.host;
	at[0] = 1;
	at[size - 1] = 2;
	EXPECT_EQ(at[size / 2], 0);
	ram_destroy(&r);
	EXPECT(r.host == NULL);
}

TEST(ram_is_aligned_and_zero_for_every_kind_and_size)
{
	for (uint64_t size = 64 * KiB; size <= 64 * MiB; size *= 4) {
		works(0, size);
		works(RAM_SHARED, size);
	}
}

TEST(ram_may_be_more_than_the_host_has)
{
	works(0, 256 * GiB);
}

TEST(ram_shared_can_be_neither_shrunk_nor_grown)
{
	struct ram r;
	struct err e;

	EXPECT_EQ(ram_create(&r, 4 * MiB, RAM_SHARED, &e), 0);
	EXPECT(ftruncate(r.fd, 0) < 0);
	EXPECT_EQ(errno, EPERM);
	EXPECT(ftruncate(r.fd, 8 * MiB) < 0);
	EXPECT(fcntl(r.fd, F_ADD_SEALS, F_SEAL_WRITE) < 0);
	ram_destroy(&r);
}

TEST(ram_mapped_twice_is_the_same_memory_with_rights_of_its_own)
{
	struct ram r;
	struct err e;

	EXPECT_EQ(ram_create(&r, 4 * MiB, 0, &e), 0);
	EXPECT(r.guest == r.host);
	ram_destroy(&r);
	EXPECT_EQ(ram_create(&r, 4 * MiB, RAM_TWICE, &e), 0);
	EXPECT(r.guest != r.host);
	EXPECT(is_aligned((uintptr_t)r.guest, 2 * MiB));
	((volatile char *)r.guest)[5] = 1;
	EXPECT_EQ(mprotect(r.guest, 64 * KiB, PROT_READ), 0);
	((volatile char *)r.host)[5] += 1;
	EXPECT_EQ(((volatile char *)r.guest)[5], 2);
	ram_destroy(&r);
	EXPECT(r.guest == NULL);
}

static unsigned resident(const void *at, size_t pages)
{
	unsigned char in[16];
	unsigned n = 0;

	EXPECT(pages <= sizeof(in));
	EXPECT_EQ(mincore((void *)(uintptr_t)at, pages * 4096, in), 0);
	for (size_t i = 0; i < pages; i++)
		n += in[i] & 1;
	return n;
}

static void gives_back(unsigned flags)
{
	struct ram r;
	struct err e;
	char *at;

	EXPECT_EQ(ram_create(&r, 64 * KiB, flags, &e), 0);
	EXPECT_EQ(r.page, (uint64_t)sysconf(_SC_PAGESIZE));
	EXPECT_EQ(r.page, 4096);
	at = r.host;
	memset(at, 0xab, 64 * KiB);
	EXPECT_EQ(resident(r.guest, 16), 16);

	/* Only whole pages, and nothing beside them. */
	EXPECT_EQ(ram_discard(&r, 4096, 4095), 0);
	EXPECT_EQ(ram_discard(&r, 4097, 8190), 0);
	EXPECT_EQ(ram_discard(&r, 64 * KiB, 0), 0);
	EXPECT_EQ(resident(at, 16), 16);
	EXPECT_EQ(ram_discard(&r, 4095, 4098), 4096);
	EXPECT_EQ(resident(at, 16), 15);
	EXPECT_EQ(resident(at + 4096, 1), 0);
	EXPECT_EQ((uint8_t)at[4095], 0xab);
	EXPECT_EQ((uint8_t)at[8192], 0xab);
	EXPECT_EQ(at[4096], 0);
	EXPECT_EQ(((volatile char *)r.guest)[8191], 0);

	/* Twice, or of what is partly gone: no harm. */
	EXPECT_EQ(ram_discard(&r, 4096, 8192), 8192);
	EXPECT_EQ(ram_discard(&r, 4096, 8192), 8192);
	EXPECT_EQ(ram_discard(&r, 0, 64 * KiB), 64 * KiB);
	EXPECT_EQ(resident(at, 16), 0);
	at[0] = 1;
	EXPECT_EQ(((volatile char *)r.guest)[0], 1);

	/* Nothing of what says that nothing is to be given back. */
	r.page = 0;
	EXPECT_EQ(ram_discard(&r, 0, 64 * KiB), 0);
	EXPECT_EQ(at[0], 1);
	/* Of pages of 64 KiB only all 16. */
	r.page = 64 * KiB;
	EXPECT_EQ(ram_discard(&r, 0, 60 * KiB), 0);
	EXPECT_EQ(ram_discard(&r, 0, 64 * KiB), 64 * KiB);
	ram_destroy(&r);
}

TEST(ram_gives_whole_pages_back_to_the_host)
{
	gives_back(0);
	gives_back(RAM_SHARED);
	gives_back(RAM_TWICE);
}

/* Where huge pages are made at once, what a guest finds is what it would have found. */
TEST(ram_shared_and_large_is_zero)
{
	struct ram r;
	struct err e;

	EXPECT_EQ(ram_create(&r, GiB, RAM_SHARED, &e), 0);
	for (uint64_t at = 0; at < r.size; at += MiB)
		EXPECT_EQ(((const char *)r.host)[at], 0);
	ram_destroy(&r);
}

TEST(ram_that_cannot_be_had_is_one_sentence_and_nothing_stays)
{
	struct ram r;
	struct err e;

	EXPECT(ram_create(&r, UINT64_MAX - MiB, 0, &e) < 0);
	EXPECT(ram_create(&r, 1ULL << 60, 0, &e) < 0);
	EXPECT_HAS(e.text, "guest RAM");
	EXPECT(r.host == NULL);
	EXPECT_EQ(r.fd, -1);
	EXPECT(ram_create(&r, 1ULL << 50, RAM_HUGETLB, &e) < 0);
	EXPECT_HAS(e.text, "--hugepages");
}

TEST_MAIN(T(ram_is_aligned_and_zero_for_every_kind_and_size), T(ram_may_be_more_than_the_host_has),
	  T(ram_shared_can_be_neither_shrunk_nor_grown),
	  T(ram_mapped_twice_is_the_same_memory_with_rights_of_its_own),
	  T(ram_gives_whole_pages_back_to_the_host), T(ram_shared_and_large_is_zero),
	  T(ram_that_cannot_be_had_is_one_sentence_and_nothing_stays))
