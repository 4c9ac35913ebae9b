/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/spin.h"

#include "arch/arm64/fault/fault.h"
#include "arch/arm64/machine.h"
#include "vmm/base/log.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

/* Taken from the signalfd; the first is the alarm of vmm/vcpu.c. */
#define SIG_SPIN (SIGRTMIN + 1)

#define PERIOD_S  2
#define PERIOD_NS (PERIOD_S * 1000000000ULL)

static unsigned exits_of(const struct spin *s, unsigned i)
{
	return __atomic_load_n(&s->machine->arch->vcpu[i].exits.count, __ATOMIC_RELAXED);
}

/* Looks at all suspects at once, and at most once a period: it stops the world. */
static void look(struct timer *t)
{
	struct spin *s = container_of(t, struct spin, look);
	struct vcpus *all = s->machine->vcpus;
	bool found = false;

	s->looked_ns = loop_now_ns();
	fault_want_guards(s->machine);
	vcpus_hold(all);
	for (unsigned i = 0; i < all->nr; i++) {
		struct spin_cpu *c = &s->cpu[i];

		if (c->suspect && !found && exits_of(s, i) == c->exits)
			found = fault_look_for_lockup(&all->vcpu[i]);
		c->suspect = false;
	}
	/* One that locked up stays where it is: the program ends the machine. */
	if (!found)
		vcpus_release(all);
}

/* The thread of vCPU @i has used another period of its CPU. */
static void used(struct spin *s, unsigned i)
{
	struct spin_cpu *c = &s->cpu[i];
	const uint64_t now = loop_now_ns();
	const unsigned exits = exits_of(s, i);

	/* One that hardly runs, or is hardly let, may do without exits for long. */
	c->suspect = exits == c->exits && now - c->at_ns < 2 * PERIOD_NS;
	c->exits = exits;
	c->at_ns = now;
	if (c->suspect && !s->look.due_ns)
		loop_timer_arm(s->machine->loop, &s->look, s->looked_ns + PERIOD_NS);
}

static void on_signal(struct watch *w, uint32_t events UNUSED)
{
	struct spin *s = container_of(w, struct spin, watch);
	struct signalfd_siginfo info;

	if (read(s->fd, &info, sizeof(info)) == sizeof(info) && info.ssi_int >= 0 &&
	    (unsigned)info.ssi_int < s->timers)
		used(s, (unsigned)info.ssi_int);
}

/* The signals of all timers come here, through the loop; to this thread, which alone blocks them.
 */
static int take_signals(struct spin *s, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIG_SPIN);
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd < 0)
		return err_sys(e, "signalfd");
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	s->watch.ready = on_signal;
	return loop_watch(s->machine->loop, &s->watch, s->fd, EPOLLIN, e);
}

/* One that expires again and again, so nothing is called when it did. */
static int start_timer(struct spin *s, const struct vcpu *v, struct err *e)
{
	const struct itimerspec period = { { PERIOD_S, 0 }, { PERIOD_S, 0 } };
	struct sigevent ev = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIG_SPIN,
		.sigev_value.sival_int = (int)v->index,
	};
	struct spin_cpu *c = &s->cpu[v->index];
	clockid_t clock;
	int code = pthread_getcpuclockid(v->thread.id, &clock);

	ev._sigev_un._tid = gettid();
	if (code)
		return err_code(e, code, "vCPU %u: CPU clock", v->index);
	if (timer_create(clock, &ev, &c->timer))
		return err_sys(e, "vCPU %u: timer", v->index);
	s->timers++;
	c->at_ns = loop_now_ns();
	return timer_settime(c->timer, 0, &period, NULL) ? err_sys(e, "vCPU %u: timer", v->index)
							 : 0;
}

void spin_start(struct spin *s, struct machine *m)
{
	struct err e;
	int code;

	*s = (struct spin){ .machine = m, .fd = -1, .look = { .expired = look } };
	s->cpu = calloc(m->vcpus->nr, sizeof(*s->cpu));
	code = s->cpu ? take_signals(s, &e) : err_set(&e, ENOMEM, "out of memory");
	for (unsigned i = 0; s->cpu && code == 0 && i < m->vcpus->nr; i++)
		code = start_timer(s, &m->vcpus->vcpu[i], &e);
	if (code)
		log_info("vCPUs that spin may not be noticed: %s", e.text);
}

void spin_stop(struct spin *s)
{
	if (!s->machine)
		return;
	for (unsigned i = 0; i < s->timers; i++)
		(void)timer_delete(s->cpu[i].timer);
	loop_timer_disarm(s->machine->loop, &s->look);
	loop_unwatch(&s->watch);
	close_quietly(s->fd);
	free(s->cpu);
	*s = (struct spin){ 0 };
}
