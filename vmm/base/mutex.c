/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/mutex.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread char mutex_self_;

/* Sleeps while *@at is @value; a signal or a change of mind in between just comes back. */
static void futex_wait(_Atomic uint32_t *at, uint32_t value)
{
	(void)syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *at, int waiters)
{
	(void)syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, waiters, NULL, NULL, 0);
}

void mutex_lock_slow_(struct mutex *m)
{
	/* Who comes here takes it as contended: others may be waiting, too. */
	while (atomic_exchange_explicit(&m->state, MUTEX_CONTENDED, memory_order_acquire) !=
	       MUTEX_FREE)
		futex_wait(&m->state, MUTEX_CONTENDED);
}

void mutex_wake_(struct mutex *m)
{
	futex_wake(&m->state, 1);
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
