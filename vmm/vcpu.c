/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/vcpu.h"

#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/core/poison.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Not one that is queued: there may be too many of these already. And nobody sends it by hand. */
#define SIG_KICK SIGURG

/* The alarm's, which only who is alone does not block. The next one is arch/arm64/fault/spin.c's.
 */
#define SIG_ALARM SIGRTMIN

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

#define SLICE_NS (1 * NS_PER_MS)  /* at least, between two that are alone */
#define ALARM_NS (20 * NS_PER_MS) /* the longest that KVM_RUN lasts for one that is */

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Its only work is to make KVM_RUN return. */
static void on_signal(int sig UNUSED)
{
}

static int handle(int sig, struct err *e)
{
	/* No SA_RESTART: the point is that KVM_RUN returns. */
	const struct sigaction sa = { .sa_handler = on_signal };

	return sigaction(sig, &sa, NULL) < 0 ? err_sys(e, "sigaction") : 0;
}

static void set_immediate_exit(struct vcpu *v, uint8_t value)
{
	/* KVM reads it from the shared page at entry. */
	if (v->immediate_exit)
		__atomic_store_n(v->immediate_exit, value, __ATOMIC_SEQ_CST);
}

/* Makes @v come out of the guest soon, or not go in. */
static void kick(struct vcpu *v)
{
	assert_held(&v->set->lock);
	/* The flag first: a vCPU not yet in the kernel sees it there. */
	set_immediate_exit(v, 1);
	thread_kill(&v->thread, SIG_KICK);
}

bool vcpu_wanted(struct vcpu *v)
{
	const struct vcpus *s = v->set;

	LOCK_SCOPE(&v->set->lock);
	return s->holds || s->quit || (s->alone && s->alone != v);
}

void vcpu_immediate_exit(struct vcpu *v, bool on)
{
	LOCK_SCOPE(&v->set->lock);
	set_immediate_exit(v, on || v->set->holds || v->set->quit);
}

/* Waits for leave to enter; false when the thread shall end. */
static bool may_enter(struct vcpu *v)
{
	struct vcpus *s = v->set;

	LOCK_SCOPE(&s->lock);
	while (!s->quit && (s->holds || s->alone || v->parked))
		cond_wait(&s->changed, &s->lock);
	if (s->quit)
		return false;
	set_immediate_exit(v, 0);
	if (v->due)
		v->until_ns = now_ns() + s->slice_ns;
	v->due = false;
	v->running = true;
	s->running++;
	return true;
}

static void came_out(struct vcpu *v, bool park)
{
	struct vcpus *s = v->set;

	LOCK_SCOPE(&s->lock);
	v->running = false;
	v->parked = park;
	if (park)
		v->due = false;
	if (--s->running == 0 || s->alone)
		cond_broadcast(&s->changed);
}

static void vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	sigset_t only_kick;

	(void)sigemptyset(&only_kick);
	(void)sigaddset(&only_kick, SIG_KICK);
	(void)pthread_sigmask(SIG_UNBLOCK, &only_kick, NULL);
	poison_expect();
	while (may_enter(v))
		came_out(v, v->set->enter(v) == VCPU_PARK);
}

int vcpus_create(struct vcpus *s, unsigned nr, struct machine *m,
		 enum vcpu_result (*enter)(struct vcpu *v), struct err *e)
{
	*s = (struct vcpus){ .enter = enter, .turns = -1 };
	s->vcpu = calloc(nr, sizeof(*s->vcpu));
	if (!s->vcpu)
		return err_set(e, ENOMEM, "%u vCPUs: out of memory", nr);
	s->nr = nr;
	mutex_init(&s->lock);
	cond_init(&s->changed);
	for (unsigned i = 0; i < nr; i++) {
		struct vcpu *v = &s->vcpu[i];

		*v = (struct vcpu){ .index = i, .fd = -1, .machine = m, .set = s };
	}
	return 0;
}

int vcpus_allow_exclusive(struct vcpus *s, struct err *e)
{
	const struct timespec t = { .tv_nsec = SLICE_NS };

	/* One that expires again is at rest while nobody reads it. */
	s->turns = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (s->turns < 0 || timerfd_settime(s->turns, 0, &(struct itimerspec){ t, t }, NULL))
		return err_sys(e, "timerfd");
	return handle(SIG_ALARM, e);
}

/*
 * On the vCPU's thread, which may not make one later. It expires again once its signal is taken,
 * and so is at rest while the thread blocks that. Without it, which the host may refuse, all works
 * but for guests that wait in KVM.
 */
static void make_alarm(void *ctx)
{
	const struct timespec t = { .tv_nsec = ALARM_NS };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIG_ALARM };
	struct vcpu *v = ctx;

	ev._sigev_un._tid = v->thread.tid;
	v->has_alarm = timer_create(CLOCK_MONOTONIC, &ev, &v->alarm) == 0;
	if (!v->has_alarm)
		log_info("vCPU %u: an access alone may take long: timer: %s", v->index,
			 strerror(errno));
	else
		(void)timer_settime(v->alarm, 0, &(struct itimerspec){ t, t }, NULL);
}

/* Runs the thread on one host CPU only. The set is free()d once it has begun. */
static int pin(struct thread *t, unsigned host_cpu, struct err *e)
{
	cpu_set_t *set = CPU_ALLOC(host_cpu + 1);

	if (!set)
		return err_set(e, ENOMEM, "thread %s: out of memory", t->name);
	t->cpus_size = CPU_ALLOC_SIZE(host_cpu + 1);
	CPU_ZERO_S(t->cpus_size, set);
	CPU_SET_S(host_cpu, t->cpus_size, set);
	t->cpus = set;
	return 0;
}

static int start_one(struct vcpu *v, const uint16_t *host_cpus, unsigned nr_host_cpus,
		     struct err *e)
{
	struct thread *t = &v->thread;
	int code = 0;

	*t = (struct thread){
		.kind = THREAD_VCPU,
		.run = vcpu_thread,
		.ctx = v,
		.prepare = v->set->turns < 0 ? NULL : make_alarm,
		/* Small, so that 512 are cheap; device code has frames of at most 8 KiB. */
		.stack = 256 * KiB,
	};
	(void)snprintf(t->name, sizeof(t->name), "vcpu%u", v->index);
	if (nr_host_cpus)
		code = pin(t, host_cpus[v->index % nr_host_cpus], e);
	if (code == 0)
		code = thread_start(t, e);
	CPU_FREE((cpu_set_t *)(uintptr_t)t->cpus);
	t->cpus = NULL;
	if (code == -EINVAL && nr_host_cpus)
		return err_set(e, EINVAL, "--pin: host CPU %u is not there or not ours",
			       host_cpus[v->index % nr_host_cpus]);
	return code;
}

int vcpus_start(struct vcpus *s, const uint16_t *host_cpus, unsigned nr_host_cpus, struct err *e)
{
	int code = handle(SIG_KICK, e);

	if (code)
		return code;
	mutex_lock(&s->lock);
	s->holds++;
	mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->nr; i++) {
		code = start_one(&s->vcpu[i], host_cpus, nr_host_cpus, e);
		if (code)
			return code;
	}
	return 0;
}

void vcpus_stop(struct vcpus *s)
{
	mutex_lock(&s->lock);
	s->quit = true;
	for (unsigned i = 0; i < s->nr; i++)
		if (s->vcpu[i].running)
			kick(&s->vcpu[i]);
	cond_broadcast(&s->changed);
	mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->nr; i++) {
		struct vcpu *v = &s->vcpu[i];

		thread_join(&v->thread);
		if (v->has_alarm)
			(void)timer_delete(v->alarm);
		v->has_alarm = false;
	}
}

void vcpus_destroy(struct vcpus *s)
{
	if (!s->vcpu)
		return;
	vcpus_stop(s);
	close_quietly(s->turns);
	free(s->vcpu);
	s->vcpu = NULL;
	mutex_destroy(&s->lock);
}

void vcpus_hold(struct vcpus *s)
{
	LOCK_SCOPE(&s->lock);

	s->holds++;
	for (unsigned i = 0; i < s->nr; i++)
		if (s->vcpu[i].running)
			kick(&s->vcpu[i]);
	while (s->running)
		cond_wait(&s->changed, &s->lock);
}

void vcpus_release(struct vcpus *s)
{
	LOCK_SCOPE(&s->lock);

	assert(s->holds);
	if (--s->holds == 0)
		cond_broadcast(&s->changed);
}

void vcpu_unpark(struct vcpu *v)
{
	LOCK_SCOPE(&v->set->lock);

	assert(v->set->holds);
	v->parked = false;
}

void vcpus_unpark(struct vcpus *s)
{
	for (unsigned i = 0; i < s->nr; i++)
		vcpu_unpark(&s->vcpu[i]);
}

/* --- one alone -------------------------------------------------------------------------------- */

/* Whether somebody else has a right to be in the guest. */
static bool others_turn(const struct vcpu *v)
{
	const struct vcpus *s = v->set;
	const uint64_t now = now_ns();

	for (unsigned i = 0; i < s->nr; i++) {
		const struct vcpu *u = &s->vcpu[i];

		if (u != v && (u->due || u->until_ns > now))
			return true;
	}
	return false;
}

/* False with *wait when only time is to pass, of which nobody tells. */
static bool try_alone(struct vcpu *v, bool *wait)
{
	struct vcpus *s = v->set;

	LOCK_SCOPE(&s->lock);
	assert(v->running);
	v->until_ns = 0; /* it has got as far as it can beside others */
	*wait = false;
	if (s->holds || s->quit || s->alone)
		return false;
	*wait = others_turn(v);
	if (*wait)
		return false;
	s->alone = v;
	for (unsigned i = 0; i < s->nr; i++) {
		struct vcpu *u = &s->vcpu[i];

		if (!u->running || u == v)
			continue;
		u->due = true;
		kick(u);
	}
	while (s->running > 1)
		cond_wait(&s->changed, &s->lock);
	s->alone_ns = now_ns();
	return true;
}

/* One that is pending comes at once, and has no effect: the next one has. */
static void mask_alarm(int how)
{
	sigset_t alarm;

	(void)sigemptyset(&alarm);
	(void)sigaddset(&alarm, SIG_ALARM);
	(void)pthread_sigmask(how, &alarm, NULL);
}

bool vcpus_exclusive_begin(struct vcpu *v)
{
	uint64_t times;
	bool wait;

	assert(v->set->turns >= 0);
	if (!try_alone(v, &wait)) {
		/* A kick ends it, or comes before and waits for a tick, each of which ends one
		 * wait. */
		if (wait)
			(void)!read(v->set->turns, &times, sizeof(times));
		return false;
	}
	mask_alarm(SIG_UNBLOCK);
	return true;
}

void vcpus_exclusive_end(struct vcpu *v)
{
	struct vcpus *s = v->set;
	uint64_t took;

	mask_alarm(SIG_BLOCK);
	LOCK_SCOPE(&s->lock);
	assert(s->alone == v);
	took = now_ns() - s->alone_ns;
	s->slice_ns = took > SLICE_NS ? took : SLICE_NS;
	s->alone = NULL;
	cond_broadcast(&s->changed);
}
