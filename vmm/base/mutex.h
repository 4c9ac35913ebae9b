/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mutex that can be asked whether the caller holds it, and a lock for the rest of a block.
 *
 * Asking costs one relaxed store a lock; it is what lets a function say assert_held() instead of
 * "the caller must".
 */
#ifndef VMM_BASE_MUTEX_H
#define VMM_BASE_MUTEX_H

#include "vmm/base/defs.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

struct mutex {
	pthread_mutex_t m;
	_Atomic(pthread_t) owner; /* meaningful to the owner only, so relaxed is enough */
};

#define MUTEX_INIT                                                                                 \
	{                                                                                          \
		.m = PTHREAD_MUTEX_INITIALIZER, .owner = 0                                         \
	}

static inline void mutex_init(struct mutex *m)
{
	(void)pthread_mutex_init(&m->m, NULL);
	atomic_init(&m->owner, 0);
}

static inline void mutex_destroy(struct mutex *m)
{
	(void)pthread_mutex_destroy(&m->m);
}

static inline void mutex_lock(struct mutex *m)
{
	(void)pthread_mutex_lock(&m->m);
	atomic_store_explicit(&m->owner, pthread_self(), memory_order_relaxed);
}

static inline void mutex_unlock(struct mutex *m)
{
	atomic_store_explicit(&m->owner, 0, memory_order_relaxed);
	(void)pthread_mutex_unlock(&m->m);
}

/* Waits on @c with @m held; as pthread_cond_wait(). */
static inline void mutex_wait(struct mutex *m, pthread_cond_t *c)
{
	atomic_store_explicit(&m->owner, 0, memory_order_relaxed);
	(void)pthread_cond_wait(c, &m->m);
	atomic_store_explicit(&m->owner, pthread_self(), memory_order_relaxed);
}

static inline bool mutex_is_held(const struct mutex *m)
{
	return atomic_load_explicit(&m->owner, memory_order_relaxed) == pthread_self();
}

#define assert_held(m) assert(mutex_is_held(m))

static inline void scope_unlock(struct mutex **m)
{
	mutex_unlock(*m);
}

static inline struct mutex *mutex_lock_scope(struct mutex *m)
{
	mutex_lock(m);
	return m;
}

/* Holds @at until the block ends. Once a block. */
#define LOCK_SCOPE(at)                                                                             \
	__attribute__((cleanup(scope_unlock))) struct mutex *lock_scope_ UNUSED =                  \
		mutex_lock_scope(at)

#endif
