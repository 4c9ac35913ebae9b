/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/core/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ULL

static struct loop *l;

static void new_loop(void)
{
	struct err e;

	l = loop_create(&e);
	EXPECT(l != NULL);
}

static void run(void)
{
	struct err e = { 0 };

	EXPECT_EQ(loop_run(l, &e), 0);
}

static void expire_stop(struct timer *t UNUSED)
{
	loop_stop(l);
}

static void run_for(uint64_t ms)
{
	struct timer t = { .expired = expire_stop };

	loop_timer_arm(l, &t, loop_now_ns() + ms * MS);
	run();
}

static void call_stop(struct call *c UNUSED)
{
	loop_stop(l);
}

/* --- watches -------------------------------------------------------------------------------- */

struct end {
	struct watch w;
	int fd[2];
	unsigned calls;
	struct watch *drop; /* dropped by the first call */
	struct watch *instead;
	int instead_fd;
};

static void end_ready(struct watch *w, uint32_t events)
{
	struct end *p = container_of(w, struct end, w);
	char c;

	p->calls++;
	EXPECT(events & (EPOLLIN | EPOLLHUP));
	(void)!read(p->fd[0], &c, 1);
	if (p->drop)
		loop_unwatch(p->drop);
	if (p->instead)
		EXPECT_EQ(loop_watch(l, p->instead, p->instead_fd, EPOLLIN, NULL), 0);
	p->drop = p->instead = NULL;
}

static void new_end(struct end *p, uint32_t events)
{
	struct err e;

	*p = (struct end){ .w.ready = end_ready };
	EXPECT_EQ(pipe2(p->fd, O_CLOEXEC | O_NONBLOCK), 0);
	EXPECT_EQ(loop_watch(l, &p->w, p->fd[0], events, &e), 0);
}

static void close_end(struct end *p)
{
	loop_unwatch(&p->w);
	(void)close(p->fd[0]);
	(void)close(p->fd[1]);
}

TEST(loop_reports_what_is_ready_and_nothing_else)
{
	enum { N = 50 }; /* more than the first slots and than one fetch of events */
	static struct end p[N];

	new_loop();
	for (int i = 0; i < N; i++)
		new_end(&p[i], EPOLLIN);
	for (int i = 0; i < N; i += 2)
		EXPECT_EQ(write(p[i].fd[1], "abc", 3), 3);
	run_for(20);
	for (int i = 0; i < N; i++)
		EXPECT_EQ(p[i].calls, i % 2 ? 0 : 3); /* level-triggered: once a byte */
	for (int i = 0; i < N; i++)
		close_end(&p[i]);
	loop_destroy(l);
}

TEST(loop_never_calls_a_dropped_watch_whose_event_was_already_fetched)
{
	struct end a, b, quiet;

	new_loop();
	new_end(&a, EPOLLIN);
	new_end(&b, EPOLLIN);
	new_end(&quiet, 0);
	loop_unwatch(&quiet.w); /* its slot, or that of the dropped one, is taken again at once */
	a.drop = &b.w;
	a.instead = &quiet.w;
	a.instead_fd = quiet.fd[0];
	b.drop = &a.w;
	b.instead = &quiet.w;
	b.instead_fd = quiet.fd[0];
	EXPECT_EQ(write(a.fd[1], "x", 1), 1);
	EXPECT_EQ(write(b.fd[1], "x", 1), 1);
	run_for(20);
	EXPECT_EQ(a.calls + b.calls, 1);
	EXPECT_EQ(quiet.calls, 0);
	close_end(&a);
	close_end(&b);
	close_end(&quiet);
	loop_destroy(l);
}

TEST(loop_reports_no_hang_up_when_nothing_is_watched_for)
{
	struct end a;

	new_loop();
	new_end(&a, EPOLLIN);
	(void)close(a.fd[1]);
	loop_watch_events(&a.w, 0);
	run_for(20);
	EXPECT_EQ(a.calls, 0);
	loop_watch_events(&a.w, EPOLLHUP);
	run_for(5);
	EXPECT(a.calls > 0);
	loop_unwatch(&a.w);
	loop_unwatch(&a.w); /* fine twice */
	(void)close(a.fd[0]);
	loop_destroy(l);
}

TEST(loop_says_that_a_regular_file_cannot_be_watched)
{
	struct watch w = { .ready = NULL };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct err e;

	new_loop();
	EXPECT_EQ(loop_watch(l, &w, fd, EPOLLIN, &e), -EPERM);
	EXPECT(w.loop == NULL);
	EXPECT_HAS(e.text, "watching fd");
	(void)close(fd);
	loop_destroy(l);
}

/* --- timers --------------------------------------------------------------------------------- */

struct tick {
	struct timer t;
	int id;
	struct timer *disarm;
	uint64_t rearm_ns; /* for so many rounds ... */
	unsigned rounds;   /* ... as this says */
};

static char order[64];

static void tick(struct timer *t)
{
	struct tick *k = container_of(t, struct tick, t);
	size_t n = strlen(order);

	EXPECT_EQ(t->due_ns, 0);
	if (n < sizeof(order) - 1)
		order[n] = (char)('0' + k->id);
	if (k->disarm)
		loop_timer_disarm(l, k->disarm);
	if (k->rounds) {
		k->rounds--;
		loop_timer_arm(l, t, k->rearm_ns);
	}
}

TEST(timers_expire_in_order_and_never_early)
{
	struct tick k[6];
	uint64_t now = loop_now_ns(), began;
	static const uint64_t ms[] = { 9, 3, 6, 3, 0, 6 };

	new_loop();
	for (int i = 0; i < 6; i++) {
		k[i] = (struct tick){ .t.expired = tick, .id = i };
		loop_timer_arm(l, &k[i].t, now + 100 * MS);
		/* Anew: the first time is forgotten. */
		loop_timer_arm(l, &k[i].t, now + ms[i] * MS);
	}
	k[1].disarm = &k[2].t;
	run_for(20);
	EXPECT_STR(order, "41350"); /* equal ones in the order they were armed; 2 was disarmed */

	k[0] = (struct tick){ .t.expired = expire_stop };
	began = loop_now_ns();
	loop_timer_arm(l, &k[0].t, began + 2500000);
	run();
	EXPECT(loop_now_ns() - began >= 2500000);
	loop_destroy(l);
}

TEST(a_timer_that_always_arms_itself_for_the_past_starves_nobody)
{
	struct tick k = { .t.expired = tick, .rounds = UINT32_MAX };
	struct end a;

	new_loop();
	new_end(&a, EPOLLIN);
	EXPECT_EQ(write(a.fd[1], "x", 1), 1);
	loop_timer_arm(l, &k.t, 0);
	run_for(10);
	EXPECT_EQ(a.calls, 1);
	EXPECT(k.rounds < UINT32_MAX - 1);
	close_end(&a);
	loop_destroy(l);
}

/* --- calls ---------------------------------------------------------------------------------- */

struct poster {
	struct call c;
	atomic_ulong asked;	   /* by the thread, before it posts */
	unsigned long seen, calls; /* by the loop */
};

static void poster_fn(struct call *c)
{
	struct poster *p = container_of(c, struct poster, c);

	p->calls++;
	p->seen = atomic_load_explicit(&p->asked, memory_order_relaxed);
}

enum { THREADS = 4, POSTS = 20000 };

static struct poster own[THREADS], shared;

static void *storm(void *arg)
{
	struct poster *p = arg;

	for (int i = 0; i < POSTS; i++) {
		atomic_fetch_add_explicit(&p->asked, 1, memory_order_relaxed);
		loop_post(l, &p->c);
		atomic_fetch_add_explicit(&shared.asked, 1, memory_order_relaxed);
		loop_post(l, &shared.c);
	}
	return NULL;
}

static void *storms(void *arg UNUSED)
{
	static struct call stop = { .fn = call_stop };
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, storm, &own[i]), 0);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(t[i], NULL);
	loop_post(l, &stop);
	return NULL;
}

TEST(no_post_of_a_storm_is_lost)
{
	pthread_t t;

	new_loop();
	shared.c.fn = poster_fn;
	for (int i = 0; i < THREADS; i++)
		own[i].c.fn = poster_fn;
	EXPECT_EQ(pthread_create(&t, NULL, storms, NULL), 0);
	run();
	(void)pthread_join(t, NULL);
	for (int i = 0; i < THREADS; i++) {
		EXPECT_EQ(own[i].seen, POSTS);
		EXPECT(own[i].calls <= POSTS);
	}
	EXPECT_EQ(shared.seen, THREADS * POSTS);
	loop_destroy(l);
}

static struct call first, second, again;
static unsigned called[3];

static void first_fn(struct call *c UNUSED)
{
	called[0]++;
	loop_unpost(l, &second);
	loop_unpost(l, &second);
}

static void second_fn(struct call *c UNUSED)
{
	called[1]++;
}

static void again_fn(struct call *c)
{
	if (++called[2] < 1000)
		loop_post(l, c);
	loop_unpost(l, &second);
}

TEST(a_call_taken_back_is_not_made_and_one_posted_from_itself_is)
{
	new_loop();
	first.fn = first_fn;
	second.fn = second_fn;
	again.fn = again_fn;
	loop_post(l, &first);
	loop_post(l, &second);
	loop_post(l, &again);
	loop_post(l, &again); /* already posted */
	run_for(50);
	EXPECT_EQ(called[0], 1);
	EXPECT_EQ(called[1], 0);
	EXPECT_EQ(called[2], 1000);
	loop_post(l, &second);
	run_for(5);
	EXPECT_EQ(called[1], 1);
	loop_destroy(l);
}

/* --- stopping ------------------------------------------------------------------------------- */

static void on_alarm(int signo UNUSED)
{
	int saved = errno;

	loop_stop(l);
	EXPECT_EQ(errno, saved);
}

TEST(loop_stops_from_a_signal_handler)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval soon = { .it_value.tv_usec = 10000 };

	new_loop();
	EXPECT_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
		run();
	}
	loop_destroy(l);
}

static void *stop_later(void *arg UNUSED)
{
	const struct timespec t = { .tv_nsec = 5000000 };

	(void)nanosleep(&t, NULL);
	loop_stop(l);
	return NULL;
}

TEST(loop_stops_from_another_thread_and_before_it_has_begun)
{
	pthread_t t;

	new_loop();
	loop_stop(l);
	run();
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(pthread_create(&t, NULL, stop_later, NULL), 0);
		run();
		(void)pthread_join(t, NULL);
	}
	loop_destroy(l);
	loop_destroy(NULL);
}

TEST_MAIN(T(loop_reports_what_is_ready_and_nothing_else),
	  T(loop_never_calls_a_dropped_watch_whose_event_was_already_fetched),
	  T(loop_reports_no_hang_up_when_nothing_is_watched_for),
	  T(loop_says_that_a_regular_file_cannot_be_watched),
	  T(timers_expire_in_order_and_never_early),
	  T(a_timer_that_always_arms_itself_for_the_past_starves_nobody),
	  T(no_post_of_a_storm_is_lost),
	  T(a_call_taken_back_is_not_made_and_one_posted_from_itself_is),
	  T(loop_stops_from_a_signal_handler),
	  T(loop_stops_from_another_thread_and_before_it_has_begun))
