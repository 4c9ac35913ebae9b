/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/core/poison.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

/* Two pages of a file of one: to touch the second is SIGBUS. */
static char *half_a_file(void)
{
	int fd = memfd_create("half", MFD_CLOEXEC);
	char *at;

	EXPECT(fd >= 0 && ftruncate(fd, 4096) == 0);
	at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(at != MAP_FAILED);
	return at;
}

TEST(a_copy_from_or_to_memory_that_fails_says_so_again_and_again)
{
	char *at = half_a_file(), buf[64] = { 7 };
	struct err e;

	EXPECT_EQ(poison_handle(&e), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT(!poison_copy(buf, at + 4096, sizeof(buf)));
		EXPECT(!poison_copy(at + 4090, buf, sizeof(buf)));
		EXPECT(poison_copy(at, buf, sizeof(buf)));
		EXPECT_EQ(at[0], 7);
	}
}

struct words {
	char *at;
	unsigned done;
};

static void touch_words(void *ctx)
{
	struct words *w = ctx;
	char buf[4];

	while (w->done < 8) {
		EXPECT(poison_copy(buf, w->at + w->done * 1024, sizeof(buf)));
		__atomic_store_n(&w->at[w->done * 1024 + 8], 1, __ATOMIC_RELAXED);
		__atomic_store_n(&w->done, w->done + 1, __ATOMIC_RELAXED);
	}
}

TEST(a_function_that_touches_memory_that_fails_is_left_there)
{
	char *at = half_a_file(), buf[8];
	struct err e;

	EXPECT_EQ(poison_handle(&e), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct words w = { at, 0 }, good = { at, 5 };

		EXPECT(!poison_run(touch_words, &w));
		EXPECT_EQ(w.done, 4);
		good.at = at - 4096; /* only its words 5 to 7, which are in the first page */
		EXPECT(poison_run(touch_words, &good));
		EXPECT_EQ(good.done, 8);
		EXPECT(!poison_copy(buf, at + 4096, sizeof(buf)));
		EXPECT(poison_copy(buf, at, sizeof(buf)));
	}
}

static void told(int sig UNUSED)
{
	_exit(0);
}

TEST(any_other_bus_error_goes_to_who_had_it_before)
{
	char *volatile at = half_a_file();
	struct err e;

	(void)signal(SIGBUS, told);
	EXPECT_EQ(poison_handle(&e), 0);
	poison_expect();
	at[5000] = 1; /* not a memory error: si_code says so */
	test_fail(__FILE__, __LINE__, "the write came back");
}

TEST(a_bus_error_sent_by_somebody_is_not_lost)
{
	struct err e;

	(void)signal(SIGBUS, told);
	EXPECT_EQ(poison_handle(&e), 0);
	(void)raise(SIGBUS);
	test_fail(__FILE__, __LINE__, "nothing happened");
}

TEST(what_a_vcpu_touched_is_taken_once)
{
	siginfo_t info = { .si_signo = SIGBUS, .si_code = BUS_MCEERR_AR };
	struct sigaction now;
	struct err e;

	info.si_addr = (void *)0x7000;
	EXPECT_EQ(poison_handle(&e), 0);
	poison_expect();
	EXPECT_EQ(sigaction(SIGBUS, NULL, &now), 0);
	EXPECT_EQ(poison_take(), 0);
	now.sa_sigaction(SIGBUS, &info, NULL);
	EXPECT_EQ(poison_take(), 0x7000);
	EXPECT_EQ(poison_take(), 0);
	info.si_code = BUS_MCEERR_AO;
	now.sa_sigaction(SIGBUS, &info, NULL);
	EXPECT_EQ(poison_take(), 0);
}

/* The kernel says that the page of @at failed. */
static void fails(char *at)
{
	siginfo_t info = { .si_signo = SIGBUS, .si_code = BUS_MCEERR_AO };
	struct sigaction now;

	info.si_addr = at;
	info.si_addr_lsb = 12;
	EXPECT_EQ(sigaction(SIGBUS, NULL, &now), 0);
	now.sa_sigaction(SIGBUS, &info, NULL);
}

static void replaces(int flags, int fd)
{
	char *at = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, flags, fd, 0);

	EXPECT(at != MAP_FAILED);
	memset(at, 7, 4 * 4096);
	fails(at);
	fails(at + 4096);
	fails(at + 4096 + 100); /* the same */
	fails(at + 3 * 4096);
	poison_probe(at, 4 * 4096);
	poison_replace(at + 4096, 2 * 4096);
	EXPECT_EQ(at[4095], 7);
	EXPECT_EQ(at[4096], 0);
	EXPECT_EQ(at[2 * 4096 - 1], 0);
	EXPECT_EQ(at[2 * 4096], 7);
	EXPECT_EQ(at[3 * 4096], 7);
	at[4096] = 8;
	poison_replace(at, 4 * 4096);
	EXPECT_EQ(at[0], 0);
	EXPECT_EQ(at[4096], 8); /* once */
	EXPECT_EQ(at[2 * 4096], 7);
	EXPECT_EQ(at[3 * 4096], 0);
}

TEST(what_failed_is_replaced_by_zeroes_and_nothing_else)
{
	int fd = memfd_create("shared", MFD_CLOEXEC);
	struct err e;

	EXPECT_EQ(poison_handle(&e), 0);
	EXPECT(fd >= 0 && ftruncate(fd, 4 * 4096) == 0);
	replaces(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	replaces(MAP_SHARED, fd);
}

TEST(more_places_than_are_kept_are_forgotten)
{
	enum { PAGES = POISON_KEPT + 10 };
	char *at = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	unsigned zeroes = 0;
	struct err e;

	EXPECT_EQ(poison_handle(&e), 0);
	EXPECT(at != MAP_FAILED);
	memset(at, 7, PAGES * 4096);
	for (size_t i = 0; i < PAGES; i++)
		fails(at + i * 4096);
	poison_replace(at, PAGES * 4096);
	for (size_t i = 0; i < PAGES; i++)
		zeroes += at[i * 4096] == 0;
	EXPECT_EQ(zeroes, POISON_KEPT);
}

TEST_MAIN(T(a_copy_from_or_to_memory_that_fails_says_so_again_and_again),
	  T(a_function_that_touches_memory_that_fails_is_left_there),
	  T(any_other_bus_error_goes_to_who_had_it_before),
	  T(a_bus_error_sent_by_somebody_is_not_lost), T(what_a_vcpu_touched_is_taken_once),
	  T(what_failed_is_replaced_by_zeroes_and_nothing_else),
	  T(more_places_than_are_kept_are_forgotten))
