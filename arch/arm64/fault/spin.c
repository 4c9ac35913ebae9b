/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/spin.h"

#include "arch/arm64/fault/fault.h"
#include "arch/arm64/machine.h"

#include <pthread.h>
#include <time.h>

#define PERIOD_NS 2000000000ULL
#define BUSY_NS	  (PERIOD_NS / 10 * 9)

/* Nanoseconds of CPU that the thread of @v has used; 0 when it has none. */
static uint64_t cpu_ns(const struct vcpu *v)
{
	struct timespec t;
	clockid_t clock;

	if (!v->thread.begun || pthread_getcpuclockid(v->thread.id, &clock) || clock_gettime(clock, &t))
		return 0;
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* Whether @v has run since the last look, and only inside KVM. */
static bool spins(const struct vcpu *v)
{
	struct arch_vcpu *a = &v->machine->arch->vcpu[v->index];
	unsigned exits = __atomic_load_n(&a->exits.count, __ATOMIC_RELAXED);
	uint64_t ns = cpu_ns(v);
	bool busy = ns - a->spin_ns > BUSY_NS && exits == a->spin_exits;

	a->spin_ns = ns;
	a->spin_exits = exits;
	return busy;
}

static void look(struct timer *t)
{
	struct arch_machine *a = container_of(t, struct arch_machine, spin_timer);
	struct vcpus *s = a->machine->vcpus;
	bool any = false, found = false;

	for (unsigned i = 0; i < s->nr; i++)
		any |= a->vcpu[i].suspect = spins(&s->vcpu[i]);
	if (any) {
		fault_want_guards(a->machine);
		vcpus_hold(s);
		for (unsigned i = 0; i < s->nr && !found; i++)
			found = a->vcpu[i].suspect && fault_look_for_lockup(&s->vcpu[i]);
		/* One that locked up stays where it is: the program ends the machine. */
		if (!found)
			vcpus_release(s);
	}
	if (!found)
		loop_timer_arm(a->machine->loop, t, loop_now_ns() + PERIOD_NS);
}

void spin_start(struct machine *m)
{
	m->arch->spin_timer = (struct timer){ .expired = look };
	loop_timer_arm(m->loop, &m->arch->spin_timer, loop_now_ns() + PERIOD_NS);
}

void spin_stop(struct machine *m)
{
	loop_timer_disarm(m->loop, &m->arch->spin_timer);
}
