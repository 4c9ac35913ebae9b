/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/faultqueue.h"

#include "vmm/base/mutex.h"
#include "vmm/base/thread.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct slot {
	struct fault fault;
	uint64_t missed; /* how many found no room between the one before it and this one */
	unsigned where;	 /* of faultqueue_report(); 0: it was put */
};

struct faultqueue {
	struct faultqueue_config config; /* constant */
	struct thread thread;

	struct mutex lock;    /* the innermost */
	struct cond come, go; /* lock */
	unsigned first, used; /* lock */
	bool full;	      /* from the last slot taken to half of them free; lock */
	uint64_t missed;      /* behind the last slot; lock */
	uint64_t put, done;   /* slots and counts handed in, and those that were dealt with; lock */
	bool ending;	      /* lock */
	struct slot slots[];  /* those in use belong to the thread; the others: lock */
};

/* --- the thread ------------------------------------------------------------------------------- */

/* Tells of @n that were missed. Gives up the lock meanwhile. */
static void tell_missed(struct faultqueue *q, uint64_t n)
{
	assert_held(&q->lock);
	mutex_unlock(&q->lock);
	q->config.missed(q->config.ctx, n);
	mutex_lock(&q->lock);
	q->done += n;
}

static void write_first(struct faultqueue *q)
{
	struct slot *s = &q->slots[q->first];

	if (s->missed)
		tell_missed(q, s->missed);
	mutex_unlock(&q->lock);
	if (s->where)
		q->config.report(q->config.ctx, s->where, &s->fault);
	else
		q->config.write(q->config.ctx, &s->fault);
	mutex_lock(&q->lock);
	q->used--;
	q->done++;
	/* An empty queue begins at its start again, so one that is short touches little memory. */
	q->first = q->used ? (q->first + 1) % q->config.slots : 0;
	if (q->used <= q->config.slots / 2)
		q->full = false;
}

/* With nothing else to write, what was missed last is told, too. */
static void tell_last_missed(struct faultqueue *q)
{
	const uint64_t n = q->missed;

	q->missed = 0;
	tell_missed(q, n);
}

static void serve(void *arg)
{
	struct faultqueue *q = arg;

	LOCK_SCOPE(&q->lock);
	for (;;) {
		if (q->used)
			write_first(q);
		else if (q->missed)
			tell_last_missed(q);
		else if (q->ending)
			return;
		else
			cond_wait(&q->come, &q->lock);
		cond_broadcast(&q->go);
	}
}

/* --- those who hand in ------------------------------------------------------------------------ */

/* Something is about to be there. */
static void wake(struct faultqueue *q)
{
	assert_held(&q->lock);
	if (!q->used && !q->missed)
		cond_broadcast(&q->come);
	q->put++;
}

static void add(struct faultqueue *q, unsigned where, const struct fault *f)
{
	struct slot *s = &q->slots[(q->first + q->used) % q->config.slots];

	wake(q);
	s->fault = *f;
	s->where = where;
	s->missed = q->missed;
	q->missed = 0;
	q->used++;
	q->full = q->full || q->used == q->config.slots;
}

/* The same, as soon as there is room. */
static void add_surely(struct faultqueue *q, unsigned where, const struct fault *f)
{
	while (q->used == q->config.slots)
		cond_wait(&q->go, &q->lock);
	add(q, where, f);
}

static void miss(struct faultqueue *q)
{
	wake(q);
	q->missed++;
}

bool faultqueue_has_room(struct faultqueue *q)
{
	LOCK_SCOPE(&q->lock);
	return !q->full;
}

void faultqueue_put(struct faultqueue *q, const struct fault *f)
{
	LOCK_SCOPE(&q->lock);
	if (q->full)
		miss(q);
	else
		add(q, 0, f);
}

void faultqueue_put_surely(struct faultqueue *q, const struct fault *f)
{
	LOCK_SCOPE(&q->lock);
	add_surely(q, 0, f);
}

static void drain(struct faultqueue *q)
{
	for (const uint64_t until = q->put; q->done < until;)
		cond_wait(&q->go, &q->lock);
}

void faultqueue_report(struct faultqueue *q, unsigned where, const struct fault *f)
{
	assert(where);
	LOCK_SCOPE(&q->lock);
	add_surely(q, where, f);
	drain(q);
}

void faultqueue_miss(struct faultqueue *q)
{
	LOCK_SCOPE(&q->lock);
	miss(q);
}

void faultqueue_drain(struct faultqueue *q)
{
	LOCK_SCOPE(&q->lock);
	drain(q);
}

/* --- life ------------------------------------------------------------------------------------- */

struct faultqueue *faultqueue_create(const struct faultqueue_config *c, struct err *e)
{
	struct faultqueue *q = calloc(1, sizeof(*q) + c->slots * sizeof(q->slots[0]));

	assert(c->slots >= 1);
	if (!q) {
		(void)err_code(e, ENOMEM, "a queue for reports");
		return NULL;
	}
	q->config = *c;
	q->thread =
		(struct thread){ .kind = THREAD_REPORT, .name = "reports", .run = serve, .ctx = q };
	mutex_init(&q->lock);
	cond_init(&q->come);
	cond_init(&q->go);
	if (thread_start(&q->thread, e) == 0)
		return q;
	free(q);
	return NULL;
}

void faultqueue_destroy(struct faultqueue *q)
{
	if (!q)
		return;
	mutex_lock(&q->lock);
	q->ending = true;
	cond_broadcast(&q->come);
	mutex_unlock(&q->lock);
	thread_join(&q->thread);
	mutex_destroy(&q->lock);
	free(q);
}
