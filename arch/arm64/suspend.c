/* SPDX-License-Identifier: Apache-2.0 */
/* Suspend to RAM: PSCI SYSTEM_SUSPEND (Arm DEN 0022), section 5.20. */
#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"

#include <sys/ioctl.h>

#define PSCI_DENIED ((uint64_t)-3)

void machine_suspend_request(struct vcpu *v)
{
	v->suspends = true;
	loop_post(v->machine->loop, &v->machine->arch->suspend_call);
}

static int others_are_off(const struct vcpus *s, const struct vcpu *v, bool *off, struct err *e)
{
	*off = true;
	for (unsigned i = 0; i < s->nr; i++) {
		struct kvm_mp_state state;

		if (&s->vcpu[i] == v)
			continue;
		if (ioctl(s->vcpu[i].fd, KVM_GET_MP_STATE, &state) < 0)
			return err_sys(e, "vCPU %u: KVM_GET_MP_STATE", i);
		if (state.mp_state != KVM_MP_STATE_STOPPED)
			*off = false;
	}
	return 0;
}

void machine_suspend(struct call *c)
{
	struct machine *m = container_of(c, struct arch_machine, suspend_call)->machine;
	struct vcpus *s = m->vcpus;
	const uint64_t denied = PSCI_DENIED;
	struct err e;
	int code = 0;

	vcpus_hold(s);
	for (unsigned i = 0; code == 0 && i < s->nr; i++) {
		struct vcpu *v = &s->vcpu[i];
		bool off = false;

		if (!v->suspends)
			continue;
		code = others_are_off(s, v, &off, &e);
		if (code == 0)
			code = off ? cpu_suspend(v, &e) : kvm_set_reg(v->fd, REG_X(0), &denied, &e);
		if (code == 0) {
			v->suspends = false;
			vcpu_unpark(v);
		}
	}
	if (code)
		m->events.guest(m->events.ctx, GUEST_CRASHED, e.text);
	vcpus_release(s);
}

bool machine_wake_up(struct vcpu *v)
{
	struct machine *m = v->machine;
	uint64_t entry, context = 0;
	struct err e;
	/* The call's arguments are still in its registers. */
	int code = kvm_get_reg(v->fd, REG_X(1), &entry, &e);

	if (code == 0)
		code = kvm_get_reg(v->fd, REG_X(2), &context, &e);
	if (code == 0)
		code = cpu_power_on(v, &m->arch->features, entry, context, &e);
	if (code)
		m->events.guest(m->events.ctx, GUEST_CRASHED, e.text);
	return code == 0;
}
