/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/thread.h"

#include "vmm/base/mutex.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool held;
static struct thread *first, **last = &first; /* those that are held */
static void (*enter_thread)(enum thread_kind kind);
static pid_t own_pid;
static _Thread_local pid_t own_tid;

static void *begin(void *arg)
{
	struct thread *t = arg;

	/* A thread names itself by one call; others would go through /proc. */
	(void)pthread_setname_np(pthread_self(), t->name);
	t->tid = own_tid = gettid();
	mutex_self_ = (uint32_t)own_tid; /* found out here, not when it may not be asked any more */
	if (t->prepare)
		t->prepare(t->ctx);
	if (enter_thread)
		enter_thread(t->kind);
	t->run(t->ctx);
	return NULL;
}

static int set_attributes(pthread_attr_t *attr, const struct thread *t)
{
	int code = 0;

	if (t->stack)
		code = pthread_attr_setstacksize(attr, t->stack);
	if (code == 0 && t->cpus)
		code = pthread_attr_setaffinity_np(attr, t->cpus_size, t->cpus);
	return code;
}

static int create(struct thread *t, struct err *e)
{
	pthread_attr_t attr;
	static const int own_fault[] = {
		SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT
	};
	sigset_t most, before;
	int code = pthread_attr_init(&attr);

	if (code)
		return err_code(e, code, "thread %s", t->name);
	code = set_attributes(&attr, t);
	/*
	 * Signals are for the threads that wait for them, but for what a thread brings upon itself:
	 * blocked, that would be the end of the process, whoever handles it.
	 */
	(void)sigfillset(&most);
	for (size_t i = 0; i < ARRAY_SIZE(own_fault); i++)
		(void)sigdelset(&most, own_fault[i]);
	(void)pthread_sigmask(SIG_SETMASK, &most, &before);
	if (code == 0)
		code = pthread_create(&t->id, &attr, begin, t);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	if (code)
		return err_code(e, code, "thread %s", t->name);
	t->begun = true;
	return 0;
}

int thread_start(struct thread *t, struct err *e)
{
	if (!held)
		return create(t, e);
	t->next = NULL;
	*last = t;
	last = &t->next;
	return 0;
}

/* Takes one that never began from the list. */
static void forget(struct thread *t)
{
	for (struct thread **at = &first; *at; at = &(*at)->next) {
		if (*at != t)
			continue;
		*at = t->next;
		if (last == &t->next)
			last = at;
		return;
	}
}

void thread_join(struct thread *t)
{
	if (t->begun)
		(void)pthread_join(t->id, NULL);
	else
		forget(t);
	t->begun = false;
}

static void send_signal(pid_t tid, int sig)
{
	(void)syscall(SYS_tgkill, own_pid ? own_pid : getpid(), tid, sig);
}

void thread_kill(const struct thread *t, int sig)
{
	send_signal(t->tid, sig);
}

void thread_raise(int sig)
{
	send_signal(own_tid ? own_tid : gettid(), sig);
}

void threads_hold(void)
{
	held = true;
	own_pid = own_tid = getpid();
	mutex_self_ = (uint32_t)own_tid;
}

int threads_release(void (*enter)(enum thread_kind kind), struct err *e)
{
	int code = 0;

	enter_thread = enter;
	held = false;
	while (code == 0 && first) {
		struct thread *t = first;

		first = t->next;
		code = create(t, e);
	}
	if (!first)
		last = &first;
	return code;
}

const char *thread_kind_name(enum thread_kind kind)
{
	static const char *const names[NR_THREAD_KINDS] = {
		[THREAD_MAIN] = "main",	    [THREAD_VCPU] = "vcpu", [THREAD_QUEUE] = "queue",
		[THREAD_DISK] = "disk",	    [THREAD_NET] = "net",   [THREAD_BACKEND] = "backend",
		[THREAD_REPORT] = "report",
	};

	return names[kind];
}
