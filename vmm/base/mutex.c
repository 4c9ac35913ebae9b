/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/mutex.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread uint32_t mutex_self_;

/* Sleeps while *@at is @value; a signal or a change of mind in between just comes back. */
static void futex_wait(_Atomic uint32_t *at, uint32_t value)
{
	(void)syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *at, int waiters)
{
	(void)syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, waiters, NULL, NULL, 0);
}

static bool change(struct mutex *m, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong_explicit(&m->holder, &from, to, memory_order_acquire,
						       memory_order_relaxed);
}

void mutex_lock_slow_(struct mutex *m)
{
	uint32_t now;

	if (!mutex_self_) {
		mutex_self_ = (uint32_t)gettid();
		if (change(m, 0, mutex_self_))
			return;
	}
	/* Who has waited takes it as contended: others may still be waiting. */
	while (!change(m, 0, mutex_self_ | MUTEX_CONTENDED)) {
		now = atomic_load_explicit(&m->holder, memory_order_relaxed);
		if (now && (now & MUTEX_CONTENDED || change(m, now, now | MUTEX_CONTENDED)))
			futex_wait(&m->holder, now | MUTEX_CONTENDED);
	}
}

void mutex_wake_(struct mutex *m)
{
	futex_wake(&m->holder, 1);
}

void cond_wait(struct cond *c, struct mutex *m)
{
	/* Read with the mutex held, so a change after it is given up shows. */
	uint32_t seen = atomic_load_explicit(&c->changes, memory_order_relaxed);

	mutex_unlock(m);
	futex_wait(&c->changes, seen);
	mutex_lock(m);
}

void cond_broadcast(struct cond *c)
{
	(void)atomic_fetch_add_explicit(&c->changes, 1, memory_order_relaxed);
	futex_wake(&c->changes, INT_MAX);
}
