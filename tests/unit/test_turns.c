/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/turns.h"
#include "tests/lib/test.h"

#include <sched.h>

enum { EVERY = 16 };

static struct turns t;

/* @n turns with so many requests each, and how the thread is scheduled after each of them. */
static void take(unsigned n, unsigned requests, int policy)
{
	while (n--) {
		turns_took(&t, requests, EVERY);
		EXPECT_EQ(sched_getscheduler(0), policy);
	}
}

TEST(what_gives_several_at_a_time_is_kept_up)
{
	take(EVERY - 1, 1, SCHED_OTHER);
	for (int i = 0; i < 3; i++) {
		take(1, 1, SCHED_BATCH);
		take(100, 2, SCHED_BATCH);
		take(3, 1, SCHED_BATCH);
		take(100, 5, SCHED_BATCH);
		take(3, 0, SCHED_BATCH);
		take(1, 1, SCHED_OTHER);
		take(EVERY - 1, 9, SCHED_OTHER);
	}
}

TEST(others_alone_end_it)
{
	for (int i = 0; i < 1000; i++)
		turns_other(&t);
	EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
	take(EVERY - 1, 1, SCHED_OTHER);
	take(1, 1, SCHED_BATCH);
	for (int i = 0; i < 63; i++)
		turns_other(&t);
	take(1, 2, SCHED_BATCH);
	for (int i = 0; i < 63; i++)
		turns_other(&t);
	EXPECT_EQ(sched_getscheduler(0), SCHED_BATCH);
	turns_other(&t);
	EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
	take(EVERY - 1, 1, SCHED_OTHER);
	take(1, 1, SCHED_BATCH);
}

TEST_MAIN(T(what_gives_several_at_a_time_is_kept_up), T(others_alone_end_it))
