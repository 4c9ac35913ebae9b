/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/base/mutex.h"

#include <pthread.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 20000 };

static struct mutex lock = MUTEX_INIT;
static struct cond changed;
static unsigned long count; /* lock */
static unsigned turn;	    /* lock */

static void *add(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		LOCK_SCOPE(&lock);
		EXPECT(mutex_is_held(&lock));
		count++;
	}
	return arg;
}

static void run(void *(*fn)(void *))
{
	static unsigned number[THREADS];
	pthread_t t[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		number[i] = i;
		EXPECT_EQ(pthread_create(&t[i], NULL, fn, &number[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		EXPECT_EQ(pthread_join(t[i], NULL), 0);
}

TEST(mutex_excludes)
{
	run(add);
	EXPECT_EQ(count, THREADS * ROUNDS);
	EXPECT(!mutex_is_held(&lock));
	mutex_destroy(&lock);
}

static void *take_turns(void *arg)
{
	unsigned me = *(unsigned *)arg;

	for (int i = 0; i < ROUNDS / 20; i++) {
		LOCK_SCOPE(&lock);
		while (turn % THREADS != me)
			cond_wait(&changed, &lock);
		turn++;
		cond_broadcast(&changed);
	}
	return arg;
}

TEST(cond_loses_no_wake_up)
{
	cond_init(&changed);
	run(take_turns);
	EXPECT_EQ(turn, THREADS * (ROUNDS / 20));
}

static void *hold_a_while(void *arg)
{
	LOCK_SCOPE(&lock);
	(void)usleep(50000);
	count++;
	return arg;
}

TEST(mutex_is_held_only_by_its_owner_and_waiters_sleep)
{
	pthread_t t;

	EXPECT_EQ(pthread_create(&t, NULL, hold_a_while, NULL), 0);
	(void)usleep(10000);
	EXPECT(!mutex_is_held(&lock));
	mutex_lock(&lock);
	EXPECT(mutex_is_held(&lock));
	EXPECT_EQ(count, 1);
	mutex_unlock(&lock);
	EXPECT_EQ(pthread_join(t, NULL), 0);
}

TEST_MAIN(T(mutex_excludes), T(cond_loses_no_wake_up),
	  T(mutex_is_held_only_by_its_owner_and_waiters_sleep))
