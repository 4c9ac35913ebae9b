/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faultqueue: facts of accesses (vmm/fault.h) on their way from those who gather them to the one
 * thread that writes them. To write a report takes milliseconds, and a vCPU whose guest holds a
 * lock at that moment has no time for it; nor may a vCPU's thread ask the host for all that it
 * takes (vmm/sandbox/rules.c).
 *
 * Bounded: what finds no room is counted, and told in its place among what was written. Once full,
 * it takes nothing until half of it is written: so reports come in runs without gaps, not one by
 * one with a gap before each. Who cannot do without its report waits for room.
 */
#ifndef VMM_DEBUG_FAULTQUEUE_H
#define VMM_DEBUG_FAULTQUEUE_H

#include "vmm/base/err.h"
#include "vmm/fault.h"

struct faultqueue_config {
	unsigned slots; /* at least 1 */

	/* All on the queue's thread, with no lock of the queue's held. */
	void (*write)(void *ctx, const struct fault *f);
	void (*report)(void *ctx, unsigned where, const struct fault *f);
	/* @n of those that came since the last call of any found no room. */
	void (*missed)(void *ctx, uint64_t n);
	void *ctx;
};

struct faultqueue;

/* Starts the thread. NULL with @e set when there is no memory, or no thread. */
struct faultqueue *faultqueue_create(const struct faultqueue_config *c, struct err *e) MUST_CHECK;

/* Writes what is there, and ends the thread. NULL is fine. Nobody else uses it any more. */
void faultqueue_destroy(struct faultqueue *q);

/* Whether it would take one now. The answer may be old: ask before gathering facts is worth it. */
bool faultqueue_has_room(struct faultqueue *q);

/* Takes a copy of @f, or counts it as missed. */
void faultqueue_put(struct faultqueue *q, const struct fault *f);

/* Takes a copy of @f, as soon as there is room. */
void faultqueue_put_surely(struct faultqueue *q, const struct fault *f);

/* Has report() called with @f, behind all that was put before, and waits for its end. @where not 0.
 */
void faultqueue_report(struct faultqueue *q, unsigned where, const struct fault *f);

/* One more that nobody gathered facts of. */
void faultqueue_miss(struct faultqueue *q);

/* Waits until all that was put or missed before this call is written or told. */
void faultqueue_drain(struct faultqueue *q);

#endif
