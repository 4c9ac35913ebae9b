/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults: what the program does with bad accesses of its guest: counts and reports them
 * (debug/faultlog.h), with names for addresses (debug/symbols.h).
 *
 * One thread writes them all (debug/faultqueue.h). A vCPU waits for the report of a fault that it
 * met: there are few, and the report comes before what the guest says of it. Accesses to what is
 * watched may be many, so nobody waits, and what does not find its time is counted. The order
 * stays: a fault waits for the hits before it.
 */
#ifndef VMM_FAULTS_H
#define VMM_FAULTS_H

#include "vmm/base/mutex.h"
#include "vmm/config.h"
#include "vmm/core/gmem.h"
#include "vmm/core/watchset.h"
#include "vmm/debug/faultlog.h"
#include "vmm/debug/faultqueue.h"
#include "vmm/debug/namecache.h"
#include "vmm/debug/symbols.h"

struct faults {
	struct faultlog *log;	  /* NULL while there is none */
	struct symbols *symbols;  /* lock, when vCPUs run */
	struct faultqueue *queue; /* of faults, and of hits of what is watched */
	struct namecache *known;  /* NULL while nothing was watched; owned; lock */
	struct mutex lock;
	bool mmu_off; /* in the report that is being written: pc is a physical address; lock */
	int fd;	      /* of --fault-log; -1: none */
};

/*
 * Opens --fault-log and --symbols of @c, which is borrowed, as is @mem. On failure nothing is held,
 * and the sentence names the option.
 */
int faults_create(struct faults *f, const struct vm_config *c, const struct gmem *mem,
		  struct err *e) MUST_CHECK;

/*
 * A kernel was loaded at @pa with @size bytes: after each reset, with the vCPUs held, and what they
 * did before it drained, since names come from the guest's memory.
 */
void faults_kernel(struct faults *f, uint64_t pa, uint64_t size);

/* See struct machine_events; any thread. @hit NULL: one that is only counted. */
unsigned faults_count(struct faults *f, const struct fault *bad);
void faults_repeats(struct faults *f, const struct fault *bad, uint64_t n);
void faults_report(struct faults *f, unsigned where, const struct fault *bad);

bool faults_watch_room(struct faults *f);
void faults_watched(struct faults *f, const struct fault *hit);

/* What was reported up to now is written when it returns. */
void faults_drain(struct faults *f);

/*
 * Adds what --watch of @c names to @s, whose names are those of @c. After faults_kernel(): symbols
 * are looked up. On failure *s is empty.
 */
int faults_watches(struct faults *f, const struct vm_config *c, struct watchset *s,
		   struct err *e) MUST_CHECK;

/* Says the sum of it, when there was any, behind all reports. No vCPU runs any more; once. */
void faults_summary(struct faults *f);

/* Fine on one zeroed with fd -1. */
void faults_destroy(struct faults *f);

#endif
