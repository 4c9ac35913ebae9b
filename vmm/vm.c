/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm: from a configuration to a running machine and back. Read vm_run() first: everything is built
 * there in order and undone in reverse.
 */
#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/core/poison.h"
#include "vmm/host/keeper.h"
#include "vmm/host/litter.h"
#include "vmm/inner.h"
#include "vmm/messages.h"
#include "vmm/vm_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Below what KVM takes as one slot, 2^31 - 1 host pages. */
#define SLOT_MAX (4096 * GiB)

/* --- ends ------------------------------------------------------------------------------------- */

void vm_finish(struct vm *vm, enum exit_status status, const char *words, const char *more)
{
	if (vm->finished)
		return;
	vm->finished = true;
	vm->status = status;
	(void)snprintf(vm->last_words, sizeof(vm->last_words), "%s%s", words, more);
	loop_stop(vm->loop);
}

void vm_finish_early(struct vm *vm, enum exit_status status, const char *words, const char *more)
{
	if (!vm->finished && vm_has_command(vm) && config_console(vm->config) == CHARDEV_NULL)
		vm->show_messages = true;
	vm_finish(vm, status, words, more);
}

static void on_command_over(void *ctx, int status)
{
	vm_finish(ctx, (enum exit_status)status, "", "");
}

/* --- building and running --------------------------------------------------------------------- */

static int open_consoles(struct vm *vm, struct err *e)
{
	const struct chardev_commands commands = vm_console_commands(vm);
	struct machine *m = &vm->machine;
	const struct command_events over = { .over = on_command_over, .ctx = vm };
	int code = consoles_open(&vm->consoles, vm->config, &commands, vm->loop, e);

	if (code == 0 && vm_has_command(vm)) {
		code = command_open(&vm->command, &commands, &over, vm->loop, e);
		command_ports(&vm->command, vm->command_ports);
		m->command = vm->command_ports;
	}
	m->console = vm->consoles.serial;
	m->hvc = vm->consoles.hvc;
	m->ports = vm->consoles.ports;
	return code;
}

static int make_ram(struct vm *vm, struct err *e)
{
	unsigned flags = (vm->config->hugepages ? RAM_HUGETLB : 0) |
			 (vm->config->watches.nr ? RAM_TWICE : 0) |
			 (config_shares_ram(vm->config) ? RAM_SHARED : 0);
	uint64_t base = arch_ram_base();
	struct gmem_region region = { .base = base, .name = "RAM" };
	int code = ram_create(&vm->ram, vm->config->mem, flags, e);

	region.size = vm->ram.size;
	region.host = TO_GUEST(vm->ram.host);
	region.guest = vm->ram.guest;
	region.ram = &vm->ram;
	region.shared = vm->ram.fd >= 0;
	region.fd = vm->ram.fd;
	if (code == 0)
		code = gmem_add(&vm->mem, &region, e);
	for (uint64_t off = 0; code == 0 && off < vm->ram.size; off += SLOT_MAX) {
		uint64_t left = vm->ram.size - off;

		code = kvm_add_slot(&vm->kvm, base + off, left < SLOT_MAX ? left : SLOT_MAX,
				    (char *)vm->ram.guest + off, 0, e);
	}
	if (code == 0)
		code = roms_create(&vm->roms, &vm->config->roms, &vm->kvm, &vm->mem, e);
	return code;
}

static int start_vcpus(struct vm *vm, struct err *e)
{
	struct cpu_list pin = { .nr = 0 };

	if (vm->config->pin && cpu_list_parse(&pin, vm->config->pin, e))
		return -e->code;
	return vcpus_start(&vm->vcpus, pin.cpu, pin.nr, e);
}

static int build(struct vm *vm, struct err *e)
{
	struct machine *m = &vm->machine;
	int code = kvm_open(&vm->kvm, e);

	if (code)
		return code;
	code = root_make(&vm->root, vm->config, e);
	if (code)
		return code;
	vm->loop = loop_create(e);
	enospc_init(&vm->enospc, vm->loop, &vm->vcpus);
	vm->bus = vm->loop ? bus_create(e) : NULL;
	if (!vm->bus)
		return -e->code;
	if (vm->keeper_sock >= 0) {
		vm->keeper = keeper_create(vm->loop, keep_fd(&vm->keeper_sock), e);
		if (!vm->keeper)
			return -e->code;
		litter_keeper(vm->keeper);
	}
	*m = (struct machine){
		.config = vm->config,
		.kvm = &vm->kvm,
		.mem = &vm->mem,
		.bus = vm->bus,
		.loop = vm->loop,
		.keeper = vm->keeper,
		.backends = &vm->backends,
		.vcpus = &vm->vcpus,
		.events = vm_guest_events(vm),
		.initramfs = vm->root.initramfs.fd,
		.cmdline = vm->root.cmdline ? vm->root.cmdline : vm->config->cmdline,
	};
	vm->machine_made = true; /* arch_machine_destroy() undoes a failed one as well */
	code = arch_vm_create(m, e);
	if (code == 0)
		code = make_ram(vm, e);
	if (code == 0)
		code = poison_handle(e);
	if (code == 0)
		code = faults_create(&vm->faults, vm->config, &vm->mem, e);
	if (code == 0)
		code = vm_take_signals(vm, e);
	if (code == 0)
		code = vcpus_create(&vm->vcpus, vm->config->cpus, m, arch_vcpu_run, e);
	if (code == 0 && vm->config->watches.nr)
		code = vcpus_allow_exclusive(&vm->vcpus, e);
	if (code == 0)
		code = open_consoles(vm, e);
	if (code == 0)
		code = backends_open(&vm->backends, vm->config, vm->keeper, e);
	if (code == 0)
		code = ballooning_open(&vm->balloon, vm->config, e);
	if (code == 0)
		code = arch_machine_create(m, e);
	if (code == 0)
		ballooning_start(&vm->balloon, arch_balloon(m));
	if (code == 0)
		code = vm_reset(vm, e);
	if (code == 0 && vm->config->dump_dtb)
		code = arch_dump_dtb(m, vm->config->dump_dtb, e);
	return code;
}

/* The end of the kernel's messages, taken while the consoles are there. */
static void take_messages(const struct vm *vm, char *to, size_t size)
{
	static char recent[2 * CHARDEV_RECENT];

	to[0] = '\0';
	if (vm->show_messages)
		messages_end(to, size, recent,
			     consoles_recent(&vm->consoles, recent, sizeof(recent)), 40,
			     "the guest's kernel: ");
}

/* What is open and made by now is all that there will be. */
static int wall_in(struct vm *vm, struct err *e)
{
	const struct vm_config *c = vm->config;
	int code = vm->keeper ? keeper_seal(vm->keeper, e) : 0;

	if (code)
		return code;
	code = sandbox_build((enum sandbox_mode)c->sandbox, c->watches.nr != 0,
			     chardev_restore_terminal, e);
	return code ? code : threads_release(sandbox_enter, e);
}

static void take_down(struct vm *vm)
{
	vcpus_stop(&vm->vcpus);
	vm_vcpus_ended(vm);
	faults_drain(&vm->faults);
	ballooning_stop(&vm->balloon);
	/* The guest's last words go out and the terminal is restored before vmm's own. */
	if (vm->machine_made)
		arch_machine_destroy(&vm->machine);
	enospc_done(&vm->enospc);
	command_close(&vm->command);
	consoles_close(&vm->consoles);
	ballooning_close(&vm->balloon);
	if (vm->faults.log)
		faults_summary(&vm->faults);
	for (unsigned i = 0; vm->vcpus.vcpu && i < vm->vcpus.nr; i++)
		kvm_destroy_vcpu(&vm->kvm, vm->vcpus.vcpu[i].fd, vm->vcpus.vcpu[i].run);
	vcpus_destroy(&vm->vcpus);
	/* The VM before its memory: unmapping would otherwise tear stage 2 down page by page. */
	kvm_close(&vm->kvm);
	if (vm->machine_made)
		arch_machine_free(&vm->machine);
	if (vm->faults.log)
		faults_destroy(&vm->faults);
	watchset_free(&vm->watches);
	roms_destroy(&vm->roms);
	ram_destroy(&vm->ram);
	loop_unwatch(&vm->signals);
	close_quietly(vm->signal_fd);
	bus_destroy(vm->bus);
	keeper_destroy(vm->keeper);
	close_quietly(vm->keeper_sock);
	backends_close(&vm->backends);
	loop_destroy(vm->loop);
	root_free(&vm->root);
	mutex_destroy(&vm->lock);
}

static struct vm *new_vm(const struct vm_config *c)
{
	struct vm *vm = malloc(sizeof(*vm));

	if (!vm)
		return NULL;
	*vm = (struct vm){
		.config = c,
		.kvm = { .dev = -1, .vm = -1 },
		.ram = { .fd = -1 },
		.signal_fd = -1,
		.keeper_sock = -1,
		.root = ROOT_NONE,
		.balloon = BALLOONING_NONE,
		.grace = { .expired = vm_grace_over },
		.event_call = { .fn = vm_serve_guest_events },
		.status = STATUS_FAILED,
	};
	mutex_init(&vm->lock);
	return vm;
}

/*
 * Processes before anything else is made: the keeper, which stays where vmm was started, and the
 * one that we go on in.
 */
static int make_processes(struct vm *vm, struct err *e)
{
	if (config_needs_keeper(vm->config)) {
		vm->keeper_sock = keeper_fork(e);
		if (vm->keeper_sock < 0)
			return -e->code;
	}
	return vm->config->sandbox == SANDBOX_OFF ? 0 : inner_enter(&vm->signal_fd, e);
}

static int build_and_run(struct vm *vm, struct err *e)
{
	int code = make_processes(vm, e);

	if (code)
		return code;
	threads_hold();
	code = build(vm, e);
	if (code == 0)
		code = wall_in(vm, e);
	if (code == 0)
		code = start_vcpus(vm, e);
	if (code)
		return code;
	arch_vcpus_started(&vm->machine);
	sandbox_enter(THREAD_MAIN);
	vcpus_release(&vm->vcpus);
	return loop_run(vm->loop, e);
}

enum exit_status vm_run(const struct vm_config *c)
{
	static char messages[8192];
	struct vm *vm = new_vm(c);
	struct err e = { 0 };
	enum exit_status status;
	int code;

	if (!vm) {
		log_error("out of memory");
		return STATUS_FAILED;
	}
	code = build_and_run(vm, &e);
	take_messages(vm, messages, sizeof(messages));
	take_down(vm);
	if (messages[0])
		log_block(LOG_ERROR, messages);
	if (code)
		log_error("%s", e.text);
	else if (vm->last_words[0])
		log_line(LOG_ERROR, "%s", vm->last_words);
	status = code ? STATUS_FAILED : vm->status;
	free(vm);
	return status;
}
