/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/vcpu.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 4 };

static uint8_t immediate_exit[N];
static atomic_uint inside, entries[N];
static atomic_bool ask_park[N];
static atomic_bool want_alone, only_first;
static atomic_uint work[N]; /* what a vCPU does unless somebody wants it out */
static atomic_uint times_alone[N];
static unsigned together; /* only who is alone touches it: TSan would tell */

/* Stands for KVM_RUN: stays in the "guest" until kicked, as the kernel does. */
static enum vcpu_result enter(struct vcpu *v)
{
	enum vcpu_result r = VCPU_KICKED;

	atomic_fetch_add(&inside, 1);
	atomic_fetch_add(&entries[v->index], 1);
	while (!__atomic_load_n(v->immediate_exit, __ATOMIC_SEQ_CST)) {
		if (atomic_exchange(&ask_park[v->index], false)) {
			r = VCPU_PARK;
			break;
		}
		if (atomic_load(&want_alone) && !(v->index && atomic_load(&only_first))) {
			if (!vcpus_exclusive_begin(v))
				break;
			together++;
			EXPECT_EQ(atomic_load(&inside), 1);
			together--;
			atomic_fetch_add(&times_alone[v->index], 1);
			vcpus_exclusive_end(v);
		}
		(void)usleep(100);
		atomic_fetch_add(&work[v->index], 1);
	}
	atomic_fetch_sub(&inside, 1);
	return r;
}

static void start(struct vcpus *s, enum vcpu_result (*run)(struct vcpu *v))
{
	struct err e;

	EXPECT_EQ(vcpus_create(s, N, NULL, run, &e), 0);
	EXPECT_EQ(vcpus_allow_exclusive(s, &e), 0);
	for (unsigned i = 0; i < N; i++)
		s->vcpu[i].immediate_exit = &immediate_exit[i];
	EXPECT_EQ(vcpus_start(s, NULL, 0, &e), 0);
}

static void wait_inside(unsigned n)
{
	for (unsigned i = 0; i < 10000 && atomic_load(&inside) != n; i++)
		(void)usleep(1000);
	EXPECT_EQ(atomic_load(&inside), n);
}

TEST(vcpus_run_only_after_release_and_never_while_held)
{
	struct vcpus s;

	start(&s, enter);
	(void)usleep(20000);
	EXPECT_EQ(atomic_load(&entries[0]), 0);
	vcpus_release(&s);
	wait_inside(N);
	for (unsigned i = 0; i < 200; i++) {
		vcpus_hold(&s);
		EXPECT_EQ(atomic_load(&inside), 0);
		vcpus_release(&s);
	}
	vcpus_destroy(&s);
}

TEST(vcpus_holds_are_counted)
{
	struct vcpus s;

	start(&s, enter);
	vcpus_release(&s);
	vcpus_hold(&s);
	vcpus_hold(&s);
	vcpus_release(&s);
	(void)usleep(20000);
	EXPECT_EQ(atomic_load(&inside), 0);
	vcpus_release(&s);
	wait_inside(N);
	vcpus_destroy(&s);
}

TEST(vcpus_parked_stays_out_until_unparked)
{
	struct vcpus s;
	unsigned before;

	start(&s, enter);
	vcpus_release(&s);
	wait_inside(N);
	atomic_store(&ask_park[1], true);
	wait_inside(N - 1);
	before = atomic_load(&entries[1]);
	vcpus_hold(&s);
	vcpus_release(&s);
	wait_inside(N - 1);
	EXPECT_EQ(atomic_load(&entries[1]), before);
	vcpus_hold(&s);
	vcpus_unpark(&s);
	vcpus_release(&s);
	wait_inside(N);
	vcpus_destroy(&s);
}

TEST(vcpus_stop_ends_held_parked_and_running_threads)
{
	struct vcpus s;

	start(&s, enter); /* held */
	vcpus_destroy(&s);
	start(&s, enter);
	vcpus_release(&s);
	wait_inside(N);
	atomic_store(&ask_park[0], true);
	wait_inside(N - 1);
	vcpus_destroy(&s);
	EXPECT_EQ(atomic_load(&inside), 0);
}

/* Until each was so often enough. */
static void wait_all_alone(void)
{
	unsigned done = 0;

	for (unsigned i = 0; i < 10000 && done < N; i++) {
		(void)usleep(1000);
		done = 0;
		for (unsigned n = 0; n < N; n++)
			done += atomic_load(&times_alone[n]) >= 20;
	}
	EXPECT_EQ(done, N);
}

TEST(vcpus_that_all_want_to_be_alone_are_so_in_turn)
{
	struct vcpus s;

	start(&s, enter);
	atomic_store(&want_alone, true);
	vcpus_release(&s);
	wait_all_alone();
	vcpus_destroy(&s);
	EXPECT_EQ(together, 0);
}

TEST(vcpus_hold_and_stop_while_they_want_to_be_alone)
{
	struct vcpus s;

	start(&s, enter);
	atomic_store(&want_alone, true);
	vcpus_release(&s);
	for (unsigned i = 0; i < 100; i++) {
		vcpus_hold(&s);
		EXPECT_EQ(atomic_load(&inside), 0);
		together++;
		vcpus_release(&s);
		(void)usleep(200);
	}
	vcpus_destroy(&s);
	EXPECT_EQ(together, 100);
}

TEST(vcpus_get_on_beside_one_that_is_alone_again_and_again)
{
	struct vcpus s;
	unsigned before[N], done = 0;

	start(&s, enter);
	atomic_store(&only_first, true);
	atomic_store(&want_alone, true);
	vcpus_release(&s);
	for (unsigned i = 0; i < 10000 && atomic_load(&times_alone[0]) < 20; i++)
		(void)usleep(1000);
	for (unsigned n = 0; n < N; n++)
		before[n] = atomic_load(&work[n]);
	for (unsigned i = 0; i < 10000 && done < N; i++) {
		(void)usleep(1000);
		done = 0;
		for (unsigned n = 0; n < N; n++)
			done += atomic_load(&work[n]) - before[n] >= 20;
	}
	EXPECT_EQ(done, N);
	vcpus_destroy(&s);
}

/*
 * The alarm: what stands for KVM_RUN sleeps for longer than a test may take, more than once. Beside
 * others it sleeps well.
 */
static atomic_uint woken, disturbed;
static atomic_bool slept;

static enum vcpu_result sleep_alone(struct vcpu *v)
{
	for (unsigned i = 0; i < 3; i++) {
		if (vcpus_exclusive_begin(v)) {
			for (unsigned n = 0; n < 3; n++)
				atomic_fetch_add(&woken, sleep(1000) != 0);
			vcpus_exclusive_end(v);
		}
		atomic_fetch_add(&disturbed, usleep(100000) != 0);
	}
	atomic_store(&slept, true);
	return VCPU_PARK;
}

TEST(vcpus_one_that_sleeps_is_woken_while_it_is_alone_and_only_then)
{
	struct vcpus s;
	struct err e;

	EXPECT_EQ(vcpus_create(&s, 1, NULL, sleep_alone, &e), 0);
	EXPECT_EQ(vcpus_allow_exclusive(&s, &e), 0);
	EXPECT_EQ(vcpus_start(&s, NULL, 0, &e), 0);
	vcpus_release(&s);
	for (unsigned i = 0; i < 10000 && !atomic_load(&slept); i++)
		(void)usleep(1000);
	EXPECT_EQ(atomic_load(&woken), 9);
	EXPECT_EQ(atomic_load(&disturbed), 0);
	vcpus_destroy(&s);
}

static atomic_uint tries;

/* To be alone in turn, and nothing else: no other calls. */
static enum vcpu_result take_turns(struct vcpu *v)
{
	while (!__atomic_load_n(v->immediate_exit, __ATOMIC_SEQ_CST)) {
		atomic_fetch_add(&tries, 1);
		if (!vcpus_exclusive_begin(v))
			break;
		atomic_fetch_add(&times_alone[v->index], 1);
		vcpus_exclusive_end(v);
	}
	return VCPU_KICKED;
}

/* As a shell does to a job. */
static void stop_and_continue(pid_t pid)
{
	for (unsigned i = 0; i < 50; i++) {
		(void)kill(pid, SIGSTOP);
		(void)usleep(2000);
		(void)kill(pid, SIGCONT);
		(void)usleep(5000);
	}
	_exit(0);
}

TEST(vcpus_are_alone_in_turn_by_the_calls_they_have_left)
{
	const pid_t self = getpid();
	unsigned turns = 0;
	pid_t shell;
	struct vcpus s;
	struct err e;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	test_skip("a sanitizer has calls of its own to make");
#endif
	shell = fork();
	if (shell == 0)
		stop_and_continue(self);
	threads_hold();
	EXPECT_EQ(sandbox_build(SANDBOX_ON, true, NULL, &e), 0);
	EXPECT_EQ(threads_release(sandbox_enter, &e), 0);
	start(&s, take_turns);
	vcpus_release(&s);
	EXPECT_EQ(waitpid(shell, NULL, 0), shell);
	wait_all_alone();
	vcpus_destroy(&s);
	for (unsigned n = 0; n < N; n++)
		turns += atomic_load(&times_alone[n]);
	EXPECT(atomic_load(&tries) < 20 * turns); /* who has to wait does so */
}

TEST(vcpus_refuse_a_host_cpu_that_is_not_there)
{
	const uint16_t cpu = 4000;
	struct vcpus s;
	struct err e;

	EXPECT_EQ(vcpus_create(&s, N, NULL, enter, &e), 0);
	EXPECT(vcpus_start(&s, &cpu, 1, &e) < 0);
	EXPECT_HAS(e.text, "host CPU 4000");
	vcpus_destroy(&s);
}

TEST_MAIN(T(vcpus_run_only_after_release_and_never_while_held), T(vcpus_holds_are_counted),
	  T(vcpus_parked_stays_out_until_unparked),
	  T(vcpus_stop_ends_held_parked_and_running_threads),
	  T(vcpus_that_all_want_to_be_alone_are_so_in_turn),
	  T(vcpus_hold_and_stop_while_they_want_to_be_alone),
	  T(vcpus_get_on_beside_one_that_is_alone_again_and_again),
	  T(vcpus_one_that_sleeps_is_woken_while_it_is_alone_and_only_then),
	  T(vcpus_are_alone_in_turn_by_the_calls_they_have_left),
	  T(vcpus_refuse_a_host_cpu_that_is_not_there))
