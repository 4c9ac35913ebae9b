/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of watch share. Nobody else includes this. All with watching.lock held. */
#ifndef VMM_ARCH_ARM64_WATCH_PARTS_H
#define VMM_ARCH_ARM64_WATCH_PARTS_H

#include "arch/arm64/watch.h"

/* Gives the vCPUs all pages for a moment, or takes back those that are watched or wanted. */
int watch_open(struct arch_machine *a, struct err *e);
int watch_close(struct arch_machine *a, struct err *e);

/* Monitors of all vCPUs become open. */
void watch_clear_monitors(struct arch_machine *a);

/* Adds the ranges that want @kinds of access and lie in [@pa, @pa + @size), with what is there. */
void watch_note(struct watch_hits *h, struct machine *m, uint64_t pa, uint64_t va, uint64_t size,
		unsigned kinds);

/*
 * Reports those of @h that are for @access, which was done. *f has what is known of who did it.
 * True when the machine stops here, and was told.
 */
bool watch_report(const struct watch_hits *h, struct machine *m, struct fault *f,
		  enum fault_access access);

/* The facts of the vCPU of @w at its instruction, before it is carried out. */
void watch_capture(struct fault *f, struct view *w);

/* Has the CPU do the instruction of @w with all pages open, alone. As watch_efault(). */
bool watch_step(struct vcpu *v, struct view *w, enum fault_next *next, struct err *e);

/* Steps @v from here, up to its store-exclusive; or no longer. */
int watch_pair_begin(struct vcpu *v, struct err *e);
int watch_pair_end(struct vcpu *v, struct err *e);

/* Does the instruction that @v stands at when it is the store of its pair: true, and how to go on.
 */
bool watch_pair_store(struct vcpu *v, enum fault_next *next, struct err *e);

/* Looks at the instruction that @v comes to in a pair: it may be the store, or end the pair. */
int watch_pair_next(struct vcpu *v, enum fault_next *next, struct err *e) MUST_CHECK;

#endif
