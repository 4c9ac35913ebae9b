/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that have threads, without any: what a thread would run, the target calls when the
 * program says so, and each run of an input is like the other. Include it in a target's file: its
 * definitions stand in for those of vmm/base/thread.h and vmm/base/mutex.h at link time.
 *
 * With NO_THREADS_BUT_OWN the target has thread_start() and thread_join() itself.
 *
 * A lock that is taken already will never be free, and that is a finding. Who waits for a condition
 * gives no_threads_waits() the chance to bring it about.
 */
#ifndef TESTS_FUZZ_NO_THREADS_H
#define TESTS_FUZZ_NO_THREADS_H

#include "tests/lib/test.h"
#include "vmm/base/mutex.h"
#include "vmm/base/thread.h"

/* The target's: does what others would have done meanwhile. */
static void no_threads_waits(void);

__thread uint32_t mutex_self_ = 1;

void mutex_lock_slow_(struct mutex *m)
{
	uint32_t now = atomic_load(&m->holder);

	if (now)
		test_fail(__FILE__, __LINE__, "a lock is taken twice");
	mutex_self_ = 1;
	atomic_store(&m->holder, mutex_self_);
}

void mutex_wake_(struct mutex *m UNUSED)
{
}

void cond_wait(struct cond *c UNUSED, struct mutex *m)
{
	mutex_unlock(m);
	no_threads_waits();
	mutex_lock(m);
}

void cond_broadcast(struct cond *c UNUSED)
{
}

#ifndef NO_THREADS_BUT_OWN
int thread_start(struct thread *t, struct err *e UNUSED)
{
	t->begun = true;
	return 0;
}

void thread_join(struct thread *t)
{
	t->begun = false;
}
#endif

void thread_kill(const struct thread *t UNUSED, int sig UNUSED)
{
}

void thread_raise(int sig UNUSED)
{
}

void threads_hold(void)
{
}

int threads_release(void (*enter)(enum thread_kind kind) UNUSED, struct err *e UNUSED)
{
	return 0;
}

const char *thread_kind_name(enum thread_kind kind UNUSED)
{
	return "none";
}

#endif
