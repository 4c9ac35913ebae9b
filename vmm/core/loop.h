/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: the event loop. One thread runs it (the main thread); it serves fds, timers, and calls that
 * other threads post. A vCPU never waits for the loop: it posts.
 *
 * A watch, a timer and a call each live in their owner's struct, zeroed but for the function the
 * owner sets; nothing is allocated when one is used. One that was dropped is never called again,
 * even when its event had already been fetched, so an owner may free itself from inside a callback.
 *
 * "Loop thread" below means: the thread inside loop_run(), or any one thread while none is.
 */
#ifndef VMM_CORE_LOOP_H
#define VMM_CORE_LOOP_H

#include "vmm/base/err.h"

#include <stdatomic.h>
#include <sys/epoll.h>

struct loop;

/* Watches an fd. The owner sets ready; the rest is the loop's. Loop thread. */
struct watch {
	void (*ready)(struct watch *w, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR */

	struct loop *loop; /* NULL while not watched */
	int fd;
	uint32_t slot;
	uint32_t events; /* what is watched for */
};

/* A call to be made on the loop thread. The owner sets fn; the rest is the loop's. */
struct call {
	void (*fn)(struct call *c);
	struct call *next;  /* who set posted, until it is in the loop's list; then the loop */
	atomic_bool posted; /* in, or on its way into, the loop's list */
};

/* A one-shot timer. The owner sets expired; the rest is the loop's. Loop thread. */
struct timer {
	void (*expired)(struct timer *t);
	uint64_t due_ns; /* loop_now_ns() at which it expires; 0 while not armed */
	struct timer *next;
};

/* NULL and @e set on failure. The caller owns the loop. */
struct loop *loop_create(struct err *e) MUST_CHECK;

/* Frees the loop; watches, timers and calls must be gone or never used again. NULL is fine. */
void loop_destroy(struct loop *l);

/*
 * Starts watching @fd (borrowed; unwatch before it is closed) for @events, level-triggered. 0
 * watches nothing, not even hang-ups, which epoll reports unasked with anything else; EPOLLHUP
 * watches for these alone. -EPERM: such an fd (a regular file, /dev/null) is always ready and
 * cannot be watched. Loop thread.
 */
int loop_watch(struct loop *l, struct watch *w, int fd, uint32_t events, struct err *e) MUST_CHECK;

/*
 * Changes what is watched for; costs nothing when that is what is watched for already. Should the
 * kernel refuse (out of memory), loop_run() ends with the error. Loop thread.
 */
void loop_watch_events(struct watch *w, uint32_t events);

/* Stops watching. Fine on one not watched. Loop thread. */
void loop_unwatch(struct watch *w);

/*
 * Has @c->fn called soon on the loop thread. From any thread, also from inside the loop; takes no
 * lock, and makes no system call while a wake-up is under way. Posting one already posted does
 * nothing. It is un-posted before fn runs, so fn may be posted again meanwhile. What the caller
 * wrote before is seen by fn.
 */
void loop_post(struct loop *l, struct call *c);

/* Takes back a call that may be posted. Nobody may be posting it meanwhile. Loop thread. */
void loop_unpost(struct loop *l, struct call *c);

/*
 * Arms, or arms anew. Timers expire in the order of their time, never early, and up to a
 * millisecond late; equal ones in the order they were armed. Loop thread.
 */
void loop_timer_arm(struct loop *l, struct timer *t, uint64_t due_ns);

/* Fine on one not armed. Loop thread. */
void loop_timer_disarm(struct loop *l, struct timer *t);

/* Nanoseconds of CLOCK_MONOTONIC: stands still while the host sleeps. Any thread. */
uint64_t loop_now_ns(void);

/* Serves until loop_stop(). 0, or -errno with @e set. May be called again afterwards. */
int loop_run(struct loop *l, struct err *e) MUST_CHECK;

/*
 * Ends loop_run() after what is being served; the next loop_run(), when none runs. Any thread, and
 * from a signal handler.
 */
void loop_stop(struct loop *l);

#endif
