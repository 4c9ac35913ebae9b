/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/faultqueue.h"

#include "vmm/base/mutex.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct slot {
	struct fault fault;
	uint64_t missed; /* how many found no room between the one before it and this one */
};

struct faultqueue {
	struct faultqueue_config config; /* constant */
	pthread_t thread;

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

static void *serve(void *arg)
{
	struct faultqueue *q = arg;

	LOCK_SCOPE(&q->lock);
	for (;;) {
		if (q->used)
			write_first(q);
		else if (q->missed)
			tell_last_missed(q);
		else if (q->ending)
			return NULL;
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

static void add(struct faultqueue *q, const struct fault *f)
{
	struct slot *s = &q->slots[(q->first + q->used) % q->config.slots];

	wake(q);
	s->fault = *f;
	s->missed = q->missed;
	q->missed = 0;
	q->used++;
	q->full = q->full || q->used == q->config.slots;
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
		add(q, f);
}

void faultqueue_put_surely(struct faultqueue *q, const struct fault *f)
{
	LOCK_SCOPE(&q->lock);
	while (q->used == q->config.slots)
		cond_wait(&q->go, &q->lock);
	add(q, f);
}

void faultqueue_miss(struct faultqueue *q)
{
	LOCK_SCOPE(&q->lock);
	miss(q);
}

void faultqueue_drain(struct faultqueue *q)
{
	LOCK_SCOPE(&q->lock);
	for (const uint64_t until = q->put; q->done < until;)
		cond_wait(&q->go, &q->lock);
}

/* --- life ------------------------------------------------------------------------------------- */

static int start(struct faultqueue *q)
{
	sigset_t most, before;
	int code;

	/* Signals are for the threads that wait for them, but this one's own faults are not. */
	(void)sigfillset(&most);
	(void)sigdelset(&most, SIGBUS);
	(void)sigdelset(&most, SIGSEGV);
	(void)sigdelset(&most, SIGILL);
	(void)sigdelset(&most, SIGFPE);
	(void)pthread_sigmask(SIG_SETMASK, &most, &before);
	code = pthread_create(&q->thread, NULL, serve, q);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code == 0)
		(void)pthread_setname_np(q->thread, "reports");
	return code;
}

struct faultqueue *faultqueue_create(const struct faultqueue_config *c, struct err *e)
{
	struct faultqueue *q = calloc(1, sizeof(*q) + c->slots * sizeof(q->slots[0]));
	int code = ENOMEM;

	assert(c->slots >= 1);
	if (q) {
		q->config = *c;
		mutex_init(&q->lock);
		cond_init(&q->come);
		cond_init(&q->go);
		code = start(q);
	}
	if (code == 0)
		return q;
	(void)err_code(e, code, "a thread for reports");
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
	(void)pthread_join(q->thread, NULL);
	mutex_destroy(&q->lock);
	free(q);
}
