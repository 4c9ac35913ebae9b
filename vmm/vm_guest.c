/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest does to its machine: what vCPU threads tell, and what comes of it on the loop. */
#include "vmm/base/log.h"
#include "vmm/panic.h"
#include "vmm/vm_parts.h"

#include <stdio.h>
#include <string.h>

static void on_guest_event(void *ctx, enum guest_event ev, const char *why)
{
	struct vm *vm = ctx;

	mutex_lock(&vm->lock);
	/* Nothing is worse than a crash, and what led to it is said. */
	if (why && !(vm->events & 1U << GUEST_CRASHED))
		(void)snprintf(vm->why, sizeof(vm->why), "%s", why);
	vm->events |= 1U << ev;
	mutex_unlock(&vm->lock);
	loop_post(vm->loop, &vm->event_call);
}

static unsigned on_fault(void *ctx, const struct fault *f)
{
	struct vm *vm = ctx;

	return faults_count(&vm->faults, f);
}

static void on_fault_repeats(void *ctx, const struct fault *f, uint64_t n)
{
	struct vm *vm = ctx;

	faults_repeats(&vm->faults, f, n);
}

static void on_fault_report(void *ctx, unsigned where, const struct fault *f)
{
	struct vm *vm = ctx;

	faults_report(&vm->faults, where, f);
}

static void on_disk_full(void *ctx, const char *name, bool full)
{
	struct vm *vm = ctx;

	enospc_tell(&vm->enospc, name, full);
}

static void on_watch_hit(void *ctx, const struct fault *f)
{
	struct vm *vm = ctx;

	faults_watched(&vm->faults, f);
}

static bool on_watch_room(void *ctx)
{
	struct vm *vm = ctx;

	return faults_watch_room(&vm->faults);
}

int vm_reset(struct vm *vm, struct err *e)
{
	uint64_t kernel, size;
	int code = arch_watch(&vm->machine, NULL, e); /* loading is no access of the guest's */

	watchset_free(&vm->watches);
	faults_drain(&vm->faults);
	if (code == 0)
		code = arch_machine_reset(&vm->machine, e);
	if (code)
		return code;
	arch_kernel_place(&vm->machine, &kernel, &size);
	faults_kernel(&vm->faults, kernel, size);
	code = faults_watches(&vm->faults, vm->config, &vm->watches, e);
	return code ? code : arch_watch(&vm->machine, &vm->watches, e);
}

/*
 * With all vCPUs out, nothing more can come. What the guest asked for is void; but one of them may
 * have found on its way out that the machine is to stop: true, and vm->why stays.
 */
static bool take_last_events(struct vm *vm)
{
	bool stopped;

	LOCK_SCOPE(&vm->lock);
	stopped = vm->events & 1U << GUEST_STOPPED;
	vm->events = 0;
	return stopped;
}

void vm_vcpus_ended(struct vm *vm)
{
	if (!take_last_events(vm) || (vm->status != STATUS_OFF && vm->status != STATUS_RESET))
		return;
	vm->status = STATUS_FAULT;
	(void)snprintf(vm->last_words, sizeof(vm->last_words), "%s", vm->why);
}

void vm_reboot(struct vm *vm)
{
	struct err e;

	if (vm->finished)
		return;
	log_info("the guest resets");
	vcpus_hold(&vm->vcpus);
	if (take_last_events(vm)) {
		vm_finish(vm, STATUS_FAULT, vm->why, "");
		return; /* and the vCPUs stay held */
	}
	consoles_forget_recent(&vm->consoles);
	vm->told_panic = false;
	if (vm_reset(vm, &e)) {
		vm_finish(vm, STATUS_FAILED, "reset: ", e.text);
		return; /* and the vCPUs stay held */
	}
	bus_reclaim(vm->bus);
	vcpus_unpark(&vm->vcpus);
	vcpus_release(&vm->vcpus);
}

static bool panicked_on_console(struct vm *vm)
{
	static char tail[2 * CHARDEV_RECENT];
	size_t len = consoles_recent(&vm->consoles, tail, sizeof(tail));

	return panic_on_console(tail, len);
}

static void guest_panicked(struct vm *vm)
{
	enum on_panic what = (enum on_panic)vm->config->on_panic;

	if (vm_has_command(vm) && what == ON_PANIC_REBOOT)
		what = ON_PANIC_EXIT; /* to run it again is not what was asked for */
	switch (what) {
	case ON_PANIC_EXIT:
		vm_finish_early(vm, STATUS_PANIC, "the guest panicked", "");
		break;
	case ON_PANIC_REBOOT:
		log_warn("the guest panicked; resetting it");
		vm_reboot(vm);
		break;
	case ON_PANIC_CONTINUE:
		if (!vm->told_panic)
			log_warn("the guest panicked");
		vm->told_panic = true;
		break;
	}
}

static void guest_resets(struct vm *vm)
{
	if (vm->config->on_panic != ON_PANIC_CONTINUE && panicked_on_console(vm))
		guest_panicked(vm);
	else if (vm_has_command(vm)) /* to run it again is not what was asked for */
		vm_finish_early(vm, STATUS_RESET,
				"the guest asked for a reset before the command had ended", "");
	else if (vm->config->on_reset == ON_RESET_EXIT)
		vm_finish(vm, STATUS_RESET, "the guest asked for a reset", "");
	else
		vm_reboot(vm);
}

void vm_serve_guest_events(struct call *c)
{
	struct vm *vm = container_of(c, struct vm, event_call);
	char why[sizeof(vm->why)];
	unsigned events;

	mutex_lock(&vm->lock);
	events = vm->events;
	vm->events = 0;
	memcpy(why, vm->why, sizeof(why));
	mutex_unlock(&vm->lock);

	if (events & 1U << GUEST_CRASHED) {
		vm_finish_early(vm, STATUS_CRASHED, why, "");
		return;
	}
	if (events & 1U << GUEST_STOPPED) {
		vm_finish(vm, STATUS_FAULT, why, "");
		return;
	}
	/* A panic comes before what the guest does about it, and may be all that there is to do. */
	if (events & 1U << GUEST_PANIC) {
		guest_panicked(vm);
		if (vm->config->on_panic != ON_PANIC_CONTINUE)
			return;
	}
	if ((events & 1U << GUEST_OFF) && vm_has_command(vm))
		vm_finish_early(vm, STATUS_LEFT,
				"the guest powered itself off before the command had ended", "");
	else if (events & 1U << GUEST_OFF)
		vm_finish(vm, STATUS_OFF, "", "");
	else if (events & 1U << GUEST_RESET)
		guest_resets(vm);
}

struct machine_events vm_guest_events(struct vm *vm)
{
	return (struct machine_events){
		.guest = on_guest_event,
		.fault_count = on_fault,
		.fault_repeats = on_fault_repeats,
		.fault_report = on_fault_report,
		.disk_full = on_disk_full,
		.watch_hit = on_watch_hit,
		.watch_room = on_watch_room,
		.ctx = vm,
	};
}
