/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/vcpu.h"

#include "vmm/core/poison.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not one that is queued: there may be too many of these already. And nobody sends it by hand. */
#define SIG_KICK SIGURG

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
static void on_kick(int sig UNUSED)
{
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
	if (v->has_alarm)
		(void)timer_delete(v->alarm);
	v->has_alarm = false;
}

int vcpus_create(struct vcpus *s, unsigned nr, struct machine *m,
		 enum vcpu_result (*enter)(struct vcpu *v), struct err *e)
{
	*s = (struct vcpus){ .enter = enter };
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
	struct sigaction sa = { .sa_handler = on_kick };
	int code;

	/* No SA_RESTART: the point is that KVM_RUN returns. */
	if (sigaction(SIG_KICK, &sa, NULL) < 0)
		return err_sys(e, "sigaction");
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
	for (unsigned i = 0; i < s->nr; i++)
		thread_join(&s->vcpu[i].thread);
}

void vcpus_destroy(struct vcpus *s)
{
	if (!s->vcpu)
		return;
	vcpus_stop(s);
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

/* Whether somebody else has a right to be in the guest, and for how long: *ns. */
static bool others_turn(const struct vcpu *v, uint64_t *ns)
{
	const struct vcpus *s = v->set;
	const uint64_t now = now_ns();

	*ns = 0;
	for (unsigned i = 0; i < s->nr; i++) {
		const struct vcpu *u = &s->vcpu[i];
		uint64_t left = u->until_ns > now ? u->until_ns - now : 0;

		if (u == v)
			continue;
		if (u->due)
			left = s->slice_ns;
		if (left > *ns)
			*ns = left;
	}
	return *ns;
}

static bool try_alone(struct vcpu *v, uint64_t *wait_ns)
{
	struct vcpus *s = v->set;

	LOCK_SCOPE(&s->lock);
	assert(v->running);
	v->until_ns = 0; /* it has got as far as it can beside others */
	*wait_ns = 0;
	if (s->holds || s->quit || s->alone || others_turn(v, wait_ns))
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

/* Without an alarm, which the host may refuse, all works but for guests that wait in KVM. */
static void set_alarm(struct vcpu *v, uint64_t ns)
{
	const struct timespec t = { .tv_nsec = (long)ns };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIG_KICK };

	ev._sigev_un._tid = v->thread.tid;
	if (!v->has_alarm)
		v->has_alarm = timer_create(CLOCK_MONOTONIC, &ev, &v->alarm) == 0;
	/* Again and again: one that comes just before KVM_RUN has no effect. */
	if (v->has_alarm)
		(void)timer_settime(v->alarm, 0, &(struct itimerspec){ t, t }, NULL);
}

bool vcpus_exclusive_begin(struct vcpu *v)
{
	uint64_t ns;

	if (!try_alone(v, &ns)) {
		/* A kick ends it, or comes before and has to wait this long. */
		if (ns > SLICE_NS)
			ns = SLICE_NS;
		if (ns)
			(void)nanosleep(&(struct timespec){ .tv_nsec = (long)ns }, NULL);
		return false;
	}
	set_alarm(v, ALARM_NS);
	return true;
}

void vcpus_exclusive_end(struct vcpu *v)
{
	struct vcpus *s = v->set;
	uint64_t took;

	set_alarm(v, 0);
	LOCK_SCOPE(&s->lock);
	assert(s->alone == v);
	took = now_ns() - s->alone_ns;
	s->slice_ns = took > SLICE_NS ? took : SLICE_NS;
	s->alone = NULL;
	cond_broadcast(&s->changed);
}
