/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is lost between those who gather facts and the thread that writes them: run with
 * SAN=thread. */
#include "tests/lib/test.h"
#include "vmm/base/mutex.h"
#include "vmm/debug/faultqueue.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 8, VCPUS = 4, EACH = 20000, NOTES = 256 };

/* --- a writer that can be made to wait -------------------------------------------------------- */

static struct mutex lock;
static struct cond changed;
static uint64_t allowed = UINT64_MAX; /* the writer waits when it has dealt with so many; lock */
static uint64_t dealt;		      /* calls of it; lock */
static bool waiting;		      /* the writer; lock */
static uint64_t written;	      /* lock */
static uint64_t missed;		      /* lock */
static char notes[NOTES];	      /* what was done, in order; lock */
static uint64_t last[VCPUS];	      /* the writer's */
static bool in_order = true;	      /* the writer's */
static sigset_t writers_mask;	      /* the writer's */

static void wait_until_allowed(void)
{
	assert_held(&lock);
	while (dealt >= allowed) {
		waiting = true;
		cond_broadcast(&changed);
		cond_wait(&changed, &lock);
	}
	waiting = false;
	dealt++;
}

static void allow(uint64_t calls)
{
	LOCK_SCOPE(&lock);
	allowed = calls;
	cond_broadcast(&changed);
}

/* Until the writer has done all that it may, and is at the next. */
static void wait_until_waiting(void)
{
	LOCK_SCOPE(&lock);
	while (!waiting || dealt < allowed)
		cond_wait(&changed, &lock);
}

static void note(const char *before, uint64_t n, const char *after)
{
	size_t len = strlen(notes);

	(void)snprintf(notes + len, sizeof(notes) - len, "%s%" PRIu64 "%s ", before, n, after);
}

static void write_one(void *ctx, const struct fault *f)
{
	EXPECT(ctx == &lock);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &writers_mask);
	LOCK_SCOPE(&lock);
	wait_until_allowed();
	in_order = in_order && f->pc > last[f->vcpu];
	last[f->vcpu] = f->pc;
	written++;
	note("", f->pc, "");
}

static void report_one(void *ctx, unsigned where, const struct fault *f)
{
	EXPECT_EQ(where, 3);
	write_one(ctx, f);
	LOCK_SCOPE(&lock);
	note("r", f->vcpu, "");
}

static void tell_missed(void *ctx, uint64_t n)
{
	EXPECT(ctx == &lock);
	EXPECT(n > 0);
	LOCK_SCOPE(&lock);
	wait_until_allowed();
	missed += n;
	note("(", n, ")");
}

static struct faultqueue *create(unsigned slots)
{
	const struct faultqueue_config c = {
		.slots = slots,
		.write = write_one,
		.report = report_one,
		.missed = tell_missed,
		.ctx = &lock,
	};
	struct err e;
	struct faultqueue *q = faultqueue_create(&c, &e);

	EXPECT(q != NULL);
	return q;
}

static NOINLINE void put(struct faultqueue *q, unsigned vcpu, uint64_t pc)
{
	const struct fault f = { .vcpu = vcpu, .pc = pc };

	faultqueue_put(q, &f);
}

/* --- one at a time ---------------------------------------------------------------------------- */

TEST(faultqueue_writes_in_order_and_destroy_writes_the_rest)
{
	struct faultqueue *q = create(SLOTS);

	allow(0);
	for (unsigned i = 1; i <= SLOTS / 2; i++)
		put(q, 0, i);
	allow(UINT64_MAX);
	faultqueue_destroy(q);
	EXPECT_STR(notes, "1 2 3 4 ");
	faultqueue_destroy(NULL);
}

TEST(faultqueue_report_is_written_behind_the_others_when_it_returns)
{
	const struct fault f = { .vcpu = 1, .pc = 3 };
	struct faultqueue *q = create(2); /* and there is room for it only later */

	put(q, 0, 1);
	put(q, 0, 2);
	faultqueue_report(q, 3, &f);
	EXPECT_STR(notes, "1 2 3 r1 ");
	put(q, 0, 4);
	faultqueue_destroy(q);
	EXPECT_STR(notes, "1 2 3 r1 4 ");
}

TEST(faultqueue_counts_what_finds_no_room_and_tells_it_in_its_place)
{
	struct faultqueue *q = create(SLOTS);

	allow(0);
	for (unsigned i = 1; i <= SLOTS; i++) {
		EXPECT(faultqueue_has_room(q));
		put(q, 0, i);
	}
	EXPECT(!faultqueue_has_room(q));
	put(q, 0, 100);
	put(q, 0, 101);
	faultqueue_miss(q);
	allow(UINT64_MAX);
	faultqueue_drain(q);
	EXPECT(faultqueue_has_room(q));
	put(q, 0, 9);
	faultqueue_miss(q);
	faultqueue_drain(q);
	put(q, 0, 10);
	faultqueue_drain(q);
	EXPECT_STR(notes, "1 2 3 4 5 6 7 8 (3) 9 (1) 10 ");
	faultqueue_destroy(q);
	EXPECT_EQ(written, 10);
	EXPECT_EQ(missed, 4);
}

TEST(faultqueue_tells_what_was_missed_before_what_came_behind_it)
{
	struct faultqueue *q = create(2);

	allow(0);
	put(q, 0, 1);
	wait_until_waiting();
	faultqueue_miss(q);
	faultqueue_miss(q);
	put(q, 0, 2);
	faultqueue_miss(q);
	allow(UINT64_MAX);
	faultqueue_destroy(q);
	EXPECT_STR(notes, "1 (2) 2 (1) ");
}

TEST(faultqueue_once_full_takes_nothing_until_half_of_it_is_written)
{
	struct faultqueue *q = create(SLOTS);

	allow(0);
	for (unsigned i = 1; i <= SLOTS; i++)
		put(q, 0, i);
	allow(SLOTS / 2 - 1);
	wait_until_waiting();
	EXPECT(!faultqueue_has_room(q));
	put(q, 0, 100);
	allow(SLOTS / 2);
	wait_until_waiting();
	EXPECT(faultqueue_has_room(q));
	for (unsigned i = 1; i <= SLOTS / 2; i++)
		put(q, 0, SLOTS + i);
	EXPECT(!faultqueue_has_room(q));
	allow(UINT64_MAX);
	faultqueue_destroy(q);
	EXPECT_STR(notes, "1 2 3 4 5 6 7 8 (1) 9 10 11 12 ");
}

/* --- a report that is waited for -------------------------------------------------------------- */

static void *put_surely(void *arg)
{
	const struct fault f = { .vcpu = 1, .pc = 1 };

	faultqueue_put_surely(arg, &f);
	return NULL;
}

TEST(faultqueue_takes_for_sure_what_must_not_be_missed)
{
	struct faultqueue *q = create(SLOTS);
	pthread_t t;

	allow(0);
	for (unsigned i = 1; i <= 2 * SLOTS; i++)
		put(q, 0, i);
	EXPECT_EQ(pthread_create(&t, NULL, put_surely, q), 0);
	(void)usleep(20000); /* it would be through by now, if it did not wait */
	allow(UINT64_MAX);
	EXPECT_EQ(pthread_join(t, NULL), 0);
	faultqueue_drain(q);
	EXPECT_EQ(last[1], 1);
	EXPECT_EQ(written, SLOTS + 1);
	EXPECT_EQ(missed, SLOTS);
	EXPECT_STR(notes, "1 2 3 4 5 6 7 8 (8) 1 ");
	faultqueue_destroy(q);
}

/* --- the thread ------------------------------------------------------------------------------- */

TEST(faultqueue_thread_takes_no_signals_of_others_but_its_own_faults)
{
	struct faultqueue *q = create(SLOTS);
	sigset_t mine;

	put(q, 0, 1);
	faultqueue_destroy(q);
	EXPECT(sigismember(&writers_mask, SIGTERM));
	EXPECT(sigismember(&writers_mask, SIGUSR1));
	EXPECT(!sigismember(&writers_mask, SIGBUS));
	(void)pthread_sigmask(SIG_SETMASK, NULL, &mine);
	EXPECT(!sigismember(&mine, SIGTERM));
}

/* --- all at once ------------------------------------------------------------------------------ */

static struct faultqueue *shared;

static void *vcpu(void *arg)
{
	const unsigned self = *(unsigned *)arg;

	for (unsigned i = 1; i <= EACH; i++) {
		if (i % 100 == 0)
			faultqueue_drain(shared);
		if (faultqueue_has_room(shared))
			put(shared, self, i);
		else
			faultqueue_miss(shared);
	}
	return NULL;
}

TEST(faultqueue_of_many_threads_counts_each_one_and_keeps_their_order)
{
	unsigned self[VCPUS];
	pthread_t t[VCPUS];

	shared = create(SLOTS);
	for (unsigned i = 0; i < VCPUS; i++) {
		self[i] = i;
		EXPECT_EQ(pthread_create(&t[i], NULL, vcpu, &self[i]), 0);
	}
	for (unsigned i = 0; i < VCPUS; i++)
		EXPECT_EQ(pthread_join(t[i], NULL), 0);
	faultqueue_drain(shared);
	EXPECT_EQ(written + missed, VCPUS * EACH);
	EXPECT(written >= VCPUS * EACH / 100);
	EXPECT(in_order);
	faultqueue_destroy(shared);
}

TEST_MAIN(T(faultqueue_writes_in_order_and_destroy_writes_the_rest),
	  T(faultqueue_report_is_written_behind_the_others_when_it_returns),
	  T(faultqueue_counts_what_finds_no_room_and_tells_it_in_its_place),
	  T(faultqueue_tells_what_was_missed_before_what_came_behind_it),
	  T(faultqueue_once_full_takes_nothing_until_half_of_it_is_written),
	  T(faultqueue_takes_for_sure_what_must_not_be_missed),
	  T(faultqueue_thread_takes_no_signals_of_others_but_its_own_faults),
	  T(faultqueue_of_many_threads_counts_each_one_and_keeps_their_order))
