/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unit-test harness. A test is a static function whose name says the promise; each runs in a
 * process of its own with a time limit, so a crash or a hang fails one test.
 *
 *	TEST(bus_refuses_overlapping_windows)
 *	{
 *		EXPECT_EQ(bus_add(b, d, &e), -EEXIST);
 *	}
 *	TEST_MAIN(T(bus_refuses_overlapping_windows), ...)
 *
 * A failed expectation prints both values and ends the test. Arguments: names of tests to run.
 */
#ifndef TESTS_LIB_TEST_H
#define TESTS_LIB_TEST_H

#include "vmm/base/defs.h"

#include <inttypes.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(name) static void name(void)
#define T(fn)                                                                                      \
	{                                                                                          \
#fn, fn                                                                            \
	}

/* Runs @t (ended by a NULL name), prints one line each, then "N passed, N failed, N skipped". */
int test_main(const struct test *t, int argc, char **argv);

#define TEST_MAIN(...)                                                                             \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const struct test tests[] = { __VA_ARGS__, { NULL, NULL } };                \
		return test_main(tests, argc, argv);                                               \
	}

void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));

/* How much a folder has in it: of /proc/self/fd, one more each time a descriptor is left open. */
unsigned test_entries(const char *folder);

/* Ends the test as skipped. */
void test_skip(const char *why) __attribute__((noreturn));

#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			test_fail(__FILE__, __LINE__, "expected %s", #cond);                       \
	} while (0)

/* Integers of any width and sign. */
#define EXPECT_EQ(got, want)                                                                       \
	do {                                                                                       \
		intmax_t got_ = (intmax_t)(got), want_ = (intmax_t)(want);                         \
		if (got_ != want_)                                                                 \
			test_fail(__FILE__, __LINE__, "%s is %jd (0x%jx), expected %jd (0x%jx)",   \
				  #got, got_, (uintmax_t)got_, want_, (uintmax_t)want_);           \
	} while (0)

#define EXPECT_STR(got, want)                                                                      \
	do {                                                                                       \
		const char *got_ = (got), *want_ = (want);                                         \
		if (strcmp(got_, want_) != 0)                                                      \
			test_fail(__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", #got, got_, \
				  want_);                                                          \
	} while (0)

/* Text that must contain a piece. */
#define EXPECT_HAS(got, want)                                                                      \
	do {                                                                                       \
		const char *got_ = (got), *want_ = (want);                                         \
		if (!strstr(got_, want_))                                                          \
			test_fail(__FILE__, __LINE__,                                              \
				  "%s is \"%s\", expected it to contain \"%s\"", #got, got_,       \
				  want_);                                                          \
	} while (0)

#endif
