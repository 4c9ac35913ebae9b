/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate: many at a time, or one alone. Unlike a pthread_rwlock, one thread may enter and another
 * leave, entering can be tried without waiting, and who wants to be alone is not starved.
 */
#ifndef VMM_HOST_GATE_H
#define VMM_HOST_GATE_H

#include "vmm/base/mutex.h"

struct gate {
	struct mutex lock;
	struct cond changed;
	unsigned shared, waiting; /* lock: who is in, and who waits to be alone */
	bool alone;		  /* lock */
};

static inline void gate_init(struct gate *g)
{
	*g = (struct gate){ 0 };
	mutex_init(&g->lock);
	cond_init(&g->changed);
}

static inline void gate_share(struct gate *g)
{
	LOCK_SCOPE(&g->lock);
	while (g->alone || g->waiting)
		cond_wait(&g->changed, &g->lock);
	g->shared++;
}

static inline MUST_CHECK bool gate_try_share(struct gate *g)
{
	LOCK_SCOPE(&g->lock);
	if (g->alone || g->waiting)
		return false;
	g->shared++;
	return true;
}

static inline void gate_unshare(struct gate *g)
{
	LOCK_SCOPE(&g->lock);
	assert(g->shared);
	if (--g->shared == 0 && g->waiting)
		cond_broadcast(&g->changed);
}

static inline void gate_alone(struct gate *g)
{
	LOCK_SCOPE(&g->lock);
	g->waiting++;
	while (g->alone || g->shared)
		cond_wait(&g->changed, &g->lock);
	g->waiting--;
	g->alone = true;
}

static inline MUST_CHECK bool gate_try_alone(struct gate *g)
{
	LOCK_SCOPE(&g->lock);
	if (g->alone || g->shared || g->waiting)
		return false;
	g->alone = true;
	return true;
}

static inline void gate_end_alone(struct gate *g)
{
	LOCK_SCOPE(&g->lock);
	assert(g->alone);
	g->alone = false;
	cond_broadcast(&g->changed);
}

#endif
