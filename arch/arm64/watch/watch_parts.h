/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of watch share. Nobody else includes this. With watching.lock held, if not said.
 */
#ifndef VMM_ARCH_ARM64_WATCH_PARTS_H
#define VMM_ARCH_ARM64_WATCH_PARTS_H

#include "arch/arm64/watch/watch.h"

/* --- watch.c: pages ----------------------------------------------------------------------------
 */

struct watch_cpu *watch_cpu_of(const struct arch_machine *a, unsigned i);

/* What the vCPUs do not get of the page of the host that has @pa: WATCH_... */
unsigned watch_taken(const struct arch_machine *a, uint64_t pa);

/* Sets the rights of the page at @page as watch_taken() says; or opens it. */
int watch_close(struct arch_machine *a, uint64_t page, struct err *e);
int watch_open(struct arch_machine *a, uint64_t page, struct err *e);

/* --- watch_insn.c: one instruction by hand -----------------------------------------------------
 */

/* How the vCPU comes to it. */
enum watch_how {
	WATCH_BESIDE, /* beside the others, having failed at it */
	WATCH_PAIR,   /* beside the others, in a pair of exclusives */
	WATCH_ALONE,  /* alone: then all exclusives are done by hand */
};

enum watch_did {
	WATCH_LEFT,  /* nothing: it is not for here, or cannot be done by hand */
	WATCH_DONE,  /* it was carried out, and reported if need be; or *next is not FAULT_RUN */
	WATCH_OTHER, /* nothing: an exclusive elsewhere, which the CPU can only do unstepped */
};

enum watch_did watch_insn(struct vcpu *v, struct view *w, enum watch_how how, enum fault_next *next,
			  struct err *e);

/* A vCPU's own write to [@pa, @pa + @size) is about to be done: monitors look. */
void watch_written(struct arch_machine *a, uint64_t pa, uint64_t size);

/* Monitors of all vCPUs become open. */
void watch_clear_monitors(struct arch_machine *a);

/* The pair is over: when its store failed, the vCPU wants the page. */
int watch_pair_over(struct vcpu *v, struct err *e);

/* --- watch_step.c, without the lock ------------------------------------------------------------
 */

/* Steps @v until the pair that it began, or failed at, is over. */
enum fault_next watch_pair(struct vcpu *v, struct err *e);

/* Has the CPU do the instruction that @v is at, and some more if they need it. As watch_efault().
 */
bool watch_alone(struct vcpu *v, enum fault_next *next, struct err *e);

/* --- watch_report.c ----------------------------------------------------------------------------
 */

/* Adds the ranges that want @kinds of access and lie in [@pa, @pa + @size), with what is there. */
void watch_note(struct watch_hits *h, struct machine *m, uint64_t pa, uint64_t va, uint64_t size,
		unsigned kinds);

/* Sets @h to what changed in the pages that are open. */
void watch_note_changes(struct watch_hits *h, const struct machine *m);

/* Whether to gather the facts of who did it; else each is only counted. */
bool watch_wants_facts(const struct watch_hits *h, const struct machine *m);

/*
 * Reports those of @h that are for @access, which was done. *f has what is known of who did it;
 * NULL: they are counted. True when the machine stops here, and was told.
 */
bool watch_report(const struct watch_hits *h, struct machine *m, struct fault *f,
		  enum fault_access access);

/* The facts of the vCPU of @w at its instruction, before it is carried out. */
void watch_capture(struct fault *f, struct view *w);

#endif
