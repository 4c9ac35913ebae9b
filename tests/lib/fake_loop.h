/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop on a clock that the test turns. Include it in one file of a test program: its
 * definitions of loop_*() then stand in for those of the library at link time. Posting is for any
 * thread, the rest for one.
 */
#ifndef TESTS_LIB_FAKE_LOOP_H
#define TESTS_LIB_FAKE_LOOP_H

#include "vmm/base/mutex.h"
#include "vmm/core/loop.h"

struct loop {
	struct mutex lock;
	struct call *calls;   /* lock */
	struct timer *timers; /* in no order */
};

static uint64_t fake_loop_now = 5000000000ULL;

static UNUSED void fake_loop_init(struct loop *l)
{
	*l = (struct loop){ 0 };
	mutex_init(&l->lock);
}

static UNUSED struct call *fake_loop_pop(struct loop *l)
{
	LOCK_SCOPE(&l->lock);
	struct call *c = l->calls;

	if (c) {
		l->calls = c->next;
		c->posted = false;
	}
	return c;
}

/* Makes the calls that were posted. */
static UNUSED void fake_loop_serve(struct loop *l)
{
	for (struct call *c = fake_loop_pop(l); c; c = fake_loop_pop(l))
		c->fn(c);
}

static UNUSED struct timer *fake_loop_next(struct loop *l)
{
	struct timer *next = l->timers;

	for (struct timer *t = next; t; t = t->next)
		if (t->due_ns < next->due_ns)
			next = t;
	return next;
}

/* Turns the clock forward by @ns; what is due on the way expires at its time. Timers expired. */
static UNUSED unsigned fake_loop_advance(struct loop *l, uint64_t ns)
{
	uint64_t until = fake_loop_now + ns;
	struct timer *t;
	unsigned expired = 0;

	fake_loop_serve(l);
	while ((t = fake_loop_next(l)) && t->due_ns <= until) {
		if (t->due_ns > fake_loop_now)
			fake_loop_now = t->due_ns;
		loop_timer_disarm(l, t);
		t->expired(t);
		expired++;
		fake_loop_serve(l);
	}
	fake_loop_now = until;
	return expired;
}

void loop_post(struct loop *l, struct call *c)
{
	LOCK_SCOPE(&l->lock);
	if (c->posted)
		return;
	c->posted = true;
	c->next = l->calls;
	l->calls = c;
}

void loop_unpost(struct loop *l, struct call *c)
{
	LOCK_SCOPE(&l->lock);
	for (struct call **at = &l->calls; *at; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			break;
		}
	}
	c->posted = false;
}

void loop_timer_disarm(struct loop *l, struct timer *t)
{
	for (struct timer **at = &l->timers; *at; at = &(*at)->next) {
		if (*at == t) {
			*at = t->next;
			break;
		}
	}
	t->due_ns = 0;
}

void loop_timer_arm(struct loop *l, struct timer *t, uint64_t due_ns)
{
	loop_timer_disarm(l, t);
	t->due_ns = due_ns;
	t->next = l->timers;
	l->timers = t;
}

uint64_t loop_now_ns(void)
{
	return fake_loop_now;
}

#endif
