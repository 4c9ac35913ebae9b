/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread: a thread of vmm, of a kind that says what it may ask of the host.
 *
 * While threads are held, starting one only notes it: what a process can do about its own walls (a
 * user namespace above all) it can do only while it has one thread. vmm holds them while it opens
 * and makes everything, builds the walls, and releases them; each passes threads_enter() first.
 * Without a hold, as in tests, a thread begins when it is started.
 *
 * Signals from outside are blocked in it. Main thread throughout.
 */
#ifndef VMM_BASE_THREAD_H
#define VMM_BASE_THREAD_H

#include "vmm/base/err.h"

#include <pthread.h>

/* What threads are for. */
enum thread_kind {
	THREAD_MAIN,	/* the event loop; nobody starts it */
	THREAD_VCPU,	/* runs a vCPU */
	THREAD_QUEUE,	/* serves a queue of a disk */
	THREAD_DISK,	/* does I/O that waits */
	THREAD_NET,	/* serves a network card */
	THREAD_BACKEND, /* speaks to a vhost-user back end */
	THREAD_REPORT,	/* writes reports of accesses */
	NR_THREAD_KINDS,
};

struct thread {
	/* The owner's, constant from thread_start() on. */
	enum thread_kind kind;
	char name[16];
	void (*run)(void *ctx);
	void *ctx;
	void (*prepare)(void *ctx); /* before what threads_release() has it call; or NULL */
	size_t stack;		    /* bytes; 0: the default */
	const cpu_set_t *cpus; /* where it may run; NULL: anywhere; borrowed until it has begun */
	size_t cpus_size;

	pthread_t id; /* once begun */
	pid_t tid;    /* once it has called prepare() or run() */
	bool begun;
	struct thread *next; /* of those that are held */
};

/* Starts it, or notes it. An error names the thread; EINVAL with cpus: there are no such CPUs. */
int thread_start(struct thread *t, struct err *e) MUST_CHECK;

/* Waits for its end; fine on one that is zeroed, or never began. */
void thread_join(struct thread *t);

/*
 * Sends @sig to a thread that has come to run(), or to the calling one; by one system call, with
 * none to find out who we are. Any thread.
 */
void thread_kill(const struct thread *t, int sig);
void thread_raise(int sig);

/* From now on threads are only noted. */
void threads_hold(void);

/*
 * Begins those that were noted, in their order, and has every thread from now on call @enter
 * (may be NULL) before anything else. On failure some have begun.
 */
int threads_release(void (*enter)(enum thread_kind kind), struct err *e) MUST_CHECK;

/* What a kind is called: "vcpu". */
const char *thread_kind_name(enum thread_kind kind);

#endif
