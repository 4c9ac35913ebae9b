/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vcpu: the vCPU threads, and the one way to stop them.
 *
 * A thread asks for leave to run, enters the guest through arch_vcpu_run(), and comes back when it
 * was kicked or has nothing more to do. vcpus_hold() stops the world: it kicks every thread and
 * returns when none is in the guest or in a device, with every trapped access finished. Holds are
 * counted, so several askers may overlap. A vCPU never waits for the event loop: it posts, and if
 * it must not go on (it asked for power-off, say) it parks.
 *
 *	RUNNING --kick--> HELD --release--> RUNNING
 *	RUNNING --VCPU_PARK--> PARKED --vcpus_unpark()--> HELD or RUNNING
 *
 * A vCPU may have the guest for itself for a moment: vcpus_exclusive_begin().
 *
 * Lock order: vcpus.lock is first of all; it is never held while a device or KVM is called.
 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "vmm/base/err.h"
#include "vmm/base/mutex.h"
#include "vmm/base/thread.h"
#include "vmm/core/bus.h"

#include <time.h>

struct kvm_run;
struct machine;
struct vcpus;

/* Why arch_vcpu_run() came back. */
enum vcpu_result {
	VCPU_KICKED, /* somebody wants this thread; every access is finished */
	VCPU_PARK,   /* it asked for something that others decide; do not enter again before */
};

struct vcpu {
	unsigned index;
	int fd;			 /* the KVM vCPU; -1 while there is none */
	struct kvm_run *run;	 /* mapped as long as fd is open */
	uint8_t *immediate_exit; /* in run */
	struct machine *machine; /* borrowed; outlives us */
	struct vcpus *set;	 /* borrowed; outlives us */
	struct thread thread;
	bool running, parked;	  /* lock */
	bool due;		  /* was sent out by who was alone, and is not back yet; lock */
	uint64_t until_ns;	  /* nobody is alone before this, but itself; lock */
	timer_t alarm;		  /* ends KVM_RUN while it is alone */
	bool has_alarm;		  /* own thread, until it is joined */
	struct bus_cursor cursor; /* own thread */
	bool suspends;		  /* asked to suspend the system; own thread, or held */
	uint64_t guest_faults;	  /* accesses that nothing claimed; own thread */
};

struct vcpus {
	struct mutex lock;
	struct cond changed;
	unsigned holds;	    /* lock */
	unsigned running;   /* threads in arch_vcpu_run(); lock */
	struct vcpu *alone; /* has the guest for itself; NULL: none; lock */
	uint64_t alone_ns;  /* since when; lock */
	uint64_t slice_ns;  /* what the others get after it; lock */
	bool quit;	    /* lock */
	int turns;	    /* a timerfd, by which who waits for others tries again; -1: none */
	enum vcpu_result (*enter)(struct vcpu *v);
	unsigned nr;
	struct vcpu *vcpu; /* nr of them; owned */
};

/* Makes @nr vCPUs without KVM fds or threads. @enter is what a thread runs. */
int vcpus_create(struct vcpus *s, unsigned nr, struct machine *m,
		 enum vcpu_result (*enter)(struct vcpu *v), struct err *e) MUST_CHECK;

/* Makes what vcpus_exclusive_begin() takes, which then may be called. Before vcpus_start(). */
int vcpus_allow_exclusive(struct vcpus *s, struct err *e) MUST_CHECK;

/*
 * Starts the threads, held once: nothing runs before vcpus_release(). @host_cpus pins vCPU n to
 * the n-th (modulo @nr_host_cpus); NULL pins nothing. No hold on threads (vmm/base/thread.h).
 */
int vcpus_start(struct vcpus *s, const uint16_t *host_cpus, unsigned nr_host_cpus,
		struct err *e) MUST_CHECK;

/* Ends and joins the threads, frees the set. KVM fds must be closed by their owner before. */
void vcpus_stop(struct vcpus *s);
void vcpus_destroy(struct vcpus *s);

/* Stops the world; returns when no vCPU runs. Not from a vCPU thread. */
void vcpus_hold(struct vcpus *s);

/* Takes one hold back; the last one lets them run. */
void vcpus_release(struct vcpus *s);

/* Lets parked vCPUs, or one, take part again; hold them. */
void vcpus_unpark(struct vcpus *s);
void vcpu_unpark(struct vcpu *v);

/*
 * Has the other vCPUs come out, as vcpus_hold() does, and stay out until vcpus_exclusive_end(). On
 * the thread of @v, inside arch_vcpu_run(), with no access unfinished. False when that cannot be
 * now: @v has to come out itself if vcpu_wanted() says so, and may try again.
 *
 * Who was sent out is back for as long as it was out before anybody else sends it out again, so
 * each vCPU gets on however many want to be alone, and however often.
 *
 * Make it short: who holds the vCPUs waits for the end; its kick, and now and then an alarm, make
 * KVM_RUN return here with EINTR, whatever the guest waits for in it.
 */
bool vcpus_exclusive_begin(struct vcpu *v) MUST_CHECK;
void vcpus_exclusive_end(struct vcpu *v);

/* Whether this vCPU should come out: asked by arch_vcpu_run() after an interrupted KVM_RUN. */
bool vcpu_wanted(struct vcpu *v);

/*
 * Has KVM_RUN return at once, with EINTR, when it is called next; for the vCPU's own thread, while
 * it may run. Off again, it stays on when somebody kicked the vCPU meanwhile.
 */
void vcpu_immediate_exit(struct vcpu *v, bool on);

#endif
