/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_uint ran;
static _Thread_local int entered = -1; /* the kind that the thread came in as */
static int seen_entered, seen_prepared;
static sigset_t seen_mask;
static char seen_name[16];

static pthread_mutex_t seen = PTHREAD_MUTEX_INITIALIZER;

static void work(void *ctx UNUSED)
{
	(void)pthread_mutex_lock(&seen);
	seen_entered = entered;
	(void)pthread_sigmask(SIG_BLOCK, NULL, &seen_mask);
	(void)pthread_getname_np(pthread_self(), seen_name, sizeof(seen_name));
	(void)pthread_mutex_unlock(&seen);
	atomic_fetch_add(&ran, 1);
}

static void prepare(void *ctx UNUSED)
{
	seen_prepared = entered;
	atomic_fetch_add(&ran, 1);
}

static void enter(enum thread_kind kind)
{
	entered = (int)kind;
}

static struct thread a_thread(void)
{
	return (struct thread){ .kind = THREAD_DISK, .name = "worker", .run = work };
}

TEST(a_thread_begins_when_it_is_started)
{
	struct thread t = a_thread();
	struct err e;

	EXPECT_EQ(thread_start(&t, &e), 0);
	thread_join(&t);
	EXPECT_EQ(ran, 1);
	EXPECT_STR(seen_name, "worker");
	thread_join(&t); /* once is enough */
}

TEST(held_threads_begin_when_they_are_released_and_enter_first)
{
	struct thread t[3] = { a_thread(), a_thread(), a_thread() };
	struct err e;

	threads_hold();
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(thread_start(&t[i], &e), 0);
	(void)usleep(20000);
	EXPECT_EQ(ran, 0);
	EXPECT_EQ(threads_release(enter, &e), 0);
	for (int i = 0; i < 3; i++)
		thread_join(&t[i]);
	EXPECT_EQ(ran, 3);
	EXPECT_EQ(seen_entered, THREAD_DISK);

	/* And those that come later. */
	t[0] = a_thread();
	t[0].kind = THREAD_VCPU;
	EXPECT_EQ(thread_start(&t[0], &e), 0);
	thread_join(&t[0]);
	EXPECT_EQ(seen_entered, THREAD_VCPU);
}

TEST(a_thread_prepares_before_it_enters)
{
	struct thread t = a_thread();
	struct err e;

	t.prepare = prepare;
	EXPECT_EQ(threads_release(enter, &e), 0);
	EXPECT_EQ(thread_start(&t, &e), 0);
	thread_join(&t);
	EXPECT_EQ(ran, 2);
	EXPECT_EQ(seen_prepared, -1);
	EXPECT_EQ(seen_entered, THREAD_DISK);
}

TEST(a_held_thread_that_is_joined_never_begins)
{
	struct thread t[4] = { a_thread(), a_thread(), a_thread(), a_thread() }, none = { 0 };
	struct err e;

	threads_hold();
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(thread_start(&t[i], &e), 0);
	thread_join(&t[2]); /* the last of the list */
	thread_join(&t[0]); /* its first */
	thread_join(&none);
	EXPECT_EQ(thread_start(&t[3], &e), 0);
	EXPECT_EQ(threads_release(NULL, &e), 0);
	for (int i = 0; i < 4; i++)
		thread_join(&t[i]);
	EXPECT_EQ(ran, 2);
}

TEST(signals_from_outside_are_blocked_and_own_faults_are_not)
{
	struct thread t = a_thread();
	struct err e;

	EXPECT_EQ(thread_start(&t, &e), 0);
	thread_join(&t);
	EXPECT_EQ(sigismember(&seen_mask, SIGTERM), 1);
	EXPECT_EQ(sigismember(&seen_mask, SIGUSR1), 1);
	EXPECT_EQ(sigismember(&seen_mask, SIGBUS), 0);
	EXPECT_EQ(sigismember(&seen_mask, SIGSYS), 0);
	EXPECT_EQ(sigismember(&seen_mask, SIGABRT), 0);
}

TEST(a_cpu_that_is_not_there_is_an_error)
{
	struct thread t = a_thread();
	struct err e = { 0 };
	cpu_set_t none;

	CPU_ZERO(&none);
	t.cpus = &none;
	t.cpus_size = sizeof(none);
	EXPECT_EQ(thread_start(&t, &e), -EINVAL);
	EXPECT_HAS(e.text, "thread worker");
	EXPECT(!t.begun);
}

TEST_MAIN(T(a_thread_begins_when_it_is_started),
	  T(held_threads_begin_when_they_are_released_and_enter_first),
	  T(a_thread_prepares_before_it_enters), T(a_held_thread_that_is_joined_never_begins),
	  T(signals_from_outside_are_blocked_and_own_faults_are_not),
	  T(a_cpu_that_is_not_there_is_an_error))
