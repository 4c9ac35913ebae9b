/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mutex that can be asked whether the caller holds it, a lock for the rest of a block, and a
 * condition to wait for.
 *
 * On a futex (see futex(2)), with the uncontended case inline: every device access takes one such
 * lock, and the C library's costs four times the instructions. Asking who holds it is what lets a
 * function say assert_held() instead of "the caller must". Not recursive.
 */
#ifndef VMM_BASE_MUTEX_H
#define VMM_BASE_MUTEX_H

#include "vmm/base/defs.h"

#include <assert.h>
#include <stdatomic.h>

/* Free when 0; else the holder's thread id, with this bit when somebody may wait. */
#define MUTEX_CONTENDED 0x80000000U

struct mutex {
	_Atomic uint32_t holder;
};

/* Something that changes while a mutex is held, and that others wait for. */
struct cond {
	_Atomic uint32_t changes;
};

#define MUTEX_INIT                                                                                 \
	{                                                                                          \
		.holder = 0                                                                        \
	}

/* This thread's id; 0 before its first lock. */
extern __thread uint32_t mutex_self_;

static inline void mutex_init(struct mutex *m)
{
	atomic_init(&m->holder, 0);
}

/* Nothing to give back; that it is free is checked. */
static inline void mutex_destroy(struct mutex *m)
{
	assert(atomic_load_explicit(&m->holder, memory_order_relaxed) == 0);
}

/* The rare ends of lock and unlock. */
void mutex_lock_slow_(struct mutex *m);
void mutex_wake_(struct mutex *m);

static inline void mutex_lock(struct mutex *m)
{
	uint32_t expected = 0, self = mutex_self_;

	/* Acquire pairs with the release in mutex_unlock(). */
	if (!self ||
	    !atomic_compare_exchange_strong_explicit(&m->holder, &expected, self,
						     memory_order_acquire, memory_order_relaxed))
		mutex_lock_slow_(m);
}

static inline void mutex_unlock(struct mutex *m)
{
	if (atomic_exchange_explicit(&m->holder, 0, memory_order_release) & MUTEX_CONTENDED)
		mutex_wake_(m);
}

/* Relaxed: only what this thread wrote itself can make it true. */
static inline bool mutex_is_held(const struct mutex *m)
{
	uint32_t self = mutex_self_;

	return self &&
	       (atomic_load_explicit(&m->holder, memory_order_relaxed) & ~MUTEX_CONTENDED) == self;
}

#define assert_held(m) assert(mutex_is_held(m))

static inline void cond_init(struct cond *c)
{
	atomic_init(&c->changes, 0);
}

/*
 * Gives up @m, waits until cond_broadcast() after that, and holds @m again. May come back without,
 * so ask again what was waited for.
 */
void cond_wait(struct cond *c, struct mutex *m);

/* Has all who wait look again. The caller holds the mutex they gave up. */
void cond_broadcast(struct cond *c);

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
