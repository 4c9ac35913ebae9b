/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/core/loop.h"
#include "vmm/base/io.h"
#include "vmm/base/scope.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

enum { FIRST_SLOTS = 8, EVENTS = 16 };

#define NO_SLOT UINT32_MAX
/* What epoll hands back for the eventfd; no slot has this number. */
#define WAKE ((uint64_t)NO_SLOT)

/*
 * epoll hands back a slot and its generation, not a pointer: an event fetched before its watch was
 * dropped finds the generation moved on, and is discarded.
 */
struct slot {
	struct watch *watch; /* borrowed; NULL while free */
	uint32_t gen;
	uint32_t next_free; /* slot number, or NO_SLOT */
};

struct loop {
	int epoll; /* owned */
	int event; /* owned: eventfd, watched edge-triggered, so that it need not be read */

	/*
	 * Newest first. Pushed with release, taken whole with acquire. Whoever pushes onto an empty
	 * list wakes the loop; onto any other, somebody has woken it or is about to.
	 */
	_Atomic(struct call *) posted;
	atomic_bool stopping;

	/* The rest is the loop thread's. */
	struct call *calls;   /* taken from posted, oldest first */
	struct timer *timers; /* by due_ns */
	uint64_t served_ns;   /* timers up to this time have had their turn */
	struct slot *slots;   /* owned */
	uint32_t n_slots, free_slot;
	int failed; /* errno of an epoll_ctl() that nobody could be told of */
	bool running;
	pthread_t thread; /* while running */
};

static bool on_loop_thread(const struct loop *l)
{
	return !l->running || pthread_equal(l->thread, pthread_self());
}

struct loop *loop_create(struct err *e)
{
	auto_free struct loop *l = calloc(1, sizeof(*l));
	auto_fd int epoll = epoll_create1(EPOLL_CLOEXEC);
	auto_fd int event = epoll < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = WAKE };

	if (!l) {
		(void)err_set(e, ENOMEM, "event loop: out of memory");
		return NULL;
	}
	if (epoll < 0 || event < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, event, &ev)) {
		(void)err_sys(e, "event loop");
		return NULL;
	}
	l->epoll = keep_fd(&epoll);
	l->event = keep_fd(&event);
	l->free_slot = NO_SLOT;
	return keep_ptr(&l);
}

void loop_destroy(struct loop *l)
{
	if (!l)
		return;
	assert(!l->running);
	close_quietly(l->event);
	close_quietly(l->epoll);
	free(l->slots);
	free(l);
}

/* --- watches -------------------------------------------------------------------------------- */

static int grow(struct loop *l)
{
	uint32_t n = l->n_slots ? l->n_slots * 2 : FIRST_SLOTS;
	struct slot *s = n < l->n_slots ? NULL : realloc(l->slots, n * sizeof(*s));

	if (!s)
		return -ENOMEM;
	for (uint32_t i = l->n_slots; i < n; i++)
		s[i] = (struct slot){ .next_free = i + 1 < n ? i + 1 : NO_SLOT };
	l->free_slot = l->n_slots;
	l->slots = s;
	l->n_slots = n;
	return 0;
}

/* Tells the kernel that @w is now watched for @events; no events means not in the epoll set. */
static int apply(struct watch *w, uint32_t events)
{
	struct loop *l = w->loop;
	struct epoll_event ev = {
		.events = events,
		.data.u64 = (uint64_t)l->slots[w->slot].gen << 32 | w->slot,
	};
	int op = !w->events ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;

	if (events == w->events)
		return 0;
	if (epoll_ctl(l->epoll, op, w->fd, &ev))
		return -errno;
	w->events = events;
	return 0;
}

int loop_watch(struct loop *l, struct watch *w, int fd, uint32_t events, struct err *e)
{
	int error;

	assert(on_loop_thread(l) && !w->loop);
	if (l->free_slot == NO_SLOT && grow(l))
		return err_set(e, ENOMEM, "event loop: out of memory");
	w->slot = l->free_slot;
	w->loop = l;
	w->fd = fd;
	w->events = 0;
	error = apply(w, events);
	if (error) {
		w->loop = NULL;
		return err_code(e, -error, "event loop: watching fd %d", fd);
	}
	l->free_slot = l->slots[w->slot].next_free;
	l->slots[w->slot].watch = w;
	return 0;
}

void loop_watch_events(struct watch *w, uint32_t events)
{
	int error;

	assert(w->loop && on_loop_thread(w->loop));
	error = apply(w, events);
	if (error)
		w->loop->failed = -error;
}

void loop_unwatch(struct watch *w)
{
	struct loop *l = w->loop;
	struct slot *s;

	if (!l)
		return;
	assert(on_loop_thread(l));
	(void)apply(w, 0); /* fails only for an fd that was closed, which left the set by that */
	s = &l->slots[w->slot];
	s->watch = NULL;
	s->gen++;
	s->next_free = l->free_slot;
	l->free_slot = w->slot;
	w->loop = NULL;
	w->events = 0;
}

static void serve_event(struct loop *l, const struct epoll_event *ev)
{
	uint32_t slot = (uint32_t)ev->data.u64, gen = (uint32_t)(ev->data.u64 >> 32), events;
	struct watch *w;

	if (ev->data.u64 == WAKE)
		return; /* what it stands for is looked at every round */
	w = l->slots[slot].watch;
	if (!w || l->slots[slot].gen != gen || !w->events)
		return;
	/* What was watched for may have changed since the event was fetched. */
	events = ev->events & (w->events | EPOLLHUP | EPOLLERR);
	if (events)
		w->ready(w, events);
}

/* --- calls ---------------------------------------------------------------------------------- */

void loop_post(struct loop *l, struct call *c)
{
	struct call *head;

	if (atomic_exchange_explicit(&c->posted, true, memory_order_acq_rel))
		return;
	head = atomic_load_explicit(&l->posted, memory_order_relaxed);
	do {
		c->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&l->posted, &head, c, memory_order_release,
							memory_order_relaxed));
	if (!head)
		io_raise(l->event);
}

/* Moves what was posted to the end of l->calls, oldest first; returns how many wait there now. */
static size_t gather(struct loop *l)
{
	struct call *taken = NULL, *fresh = NULL, **end = &l->calls;
	size_t n = 0;

	if (atomic_load_explicit(&l->posted, memory_order_relaxed))
		taken = atomic_exchange_explicit(&l->posted, NULL, memory_order_acquire);
	while (taken) {
		struct call *c = taken;

		taken = c->next;
		c->next = fresh;
		fresh = c;
	}
	for (; *end; end = &(*end)->next)
		n++;
	*end = fresh;
	for (; fresh; fresh = fresh->next)
		n++;
	return n;
}

void loop_unpost(struct loop *l, struct call *c)
{
	assert(on_loop_thread(l));
	(void)gather(l);
	for (struct call **at = &l->calls; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			(void)atomic_exchange_explicit(&c->posted, false, memory_order_acq_rel);
			return;
		}
}

/* Runs what waits now, and not what is posted meanwhile: fds and timers have their turn too. */
static void serve_calls(struct loop *l)
{
	for (size_t n = gather(l); n && l->calls; n--) {
		struct call *c = l->calls;

		l->calls = c->next;
		/*
		 * Release: the list is done with c->next when the next poster sees it free.
		 * Acquire: who found it posted already has its word seen by fn all the same.
		 */
		(void)atomic_exchange_explicit(&c->posted, false, memory_order_acq_rel);
		c->fn(c);
	}
}

/* --- timers --------------------------------------------------------------------------------- */

void loop_timer_arm(struct loop *l, struct timer *t, uint64_t due_ns)
{
	struct timer **at = &l->timers;

	loop_timer_disarm(l, t);
	/* One that arms itself for a time gone by has its next turn after the fds had theirs. */
	t->due_ns = due_ns > l->served_ns ? due_ns : l->served_ns + 1;
	while (*at && (*at)->due_ns <= t->due_ns)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

void loop_timer_disarm(struct loop *l, struct timer *t)
{
	assert(on_loop_thread(l));
	if (!t->due_ns)
		return;
	t->due_ns = 0;
	for (struct timer **at = &l->timers; *at; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			return;
		}
}

uint64_t loop_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void serve_timers(struct loop *l)
{
	if (!l->timers)
		return;
	l->served_ns = loop_now_ns();
	while (l->timers && l->timers->due_ns <= l->served_ns) {
		struct timer *t = l->timers;

		l->timers = t->next;
		t->due_ns = 0;
		t->expired(t);
	}
}

/* How long epoll may sleep: rounded up, so that no timer is found early again and again. */
static int sleep_ms(const struct loop *l)
{
	uint64_t now, ms;

	if (l->calls)
		return 0;
	if (!l->timers)
		return -1;
	now = loop_now_ns();
	if (l->timers->due_ns <= now)
		return 0;
	ms = (l->timers->due_ns - now - 1) / 1000000 + 1;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* --- running -------------------------------------------------------------------------------- */

int loop_run(struct loop *l, struct err *e)
{
	struct epoll_event ev[EVENTS];
	int n, result = 0;

	assert(!l->running);
	l->thread = pthread_self();
	l->running = true;
	for (;;) {
		serve_calls(l);
		serve_timers(l);
		if (atomic_exchange_explicit(&l->stopping, false, memory_order_acq_rel))
			break;
		if (l->failed) {
			result = err_code(e, l->failed, "event loop: watching");
			break;
		}
		n = epoll_wait(l->epoll, ev, EVENTS, sleep_ms(l));
		if (n < 0 && errno != EINTR) {
			result = err_sys(e, "event loop: epoll_wait");
			break;
		}
		for (int i = 0; i < n; i++)
			serve_event(l, &ev[i]);
	}
	l->running = false;
	return result;
}

void loop_stop(struct loop *l)
{
	if (!atomic_exchange_explicit(&l->stopping, true, memory_order_acq_rel))
		io_raise(l->event);
}
