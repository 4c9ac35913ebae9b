/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm: from a configuration to a running machine and back. Read vm_run() first: everything is built
 * there in order and undone in reverse.
 *
 * What the guest does to its machine (power-off, reset, panic) and what the user asks (signals, the
 * console's escape) meets on the loop thread, which is the main thread, so it needs no lock there.
 */
#include "vmm/vm.h"

#include "vmm/arch.h"
#include "vmm/backends.h"
#include "vmm/ballooning.h"
#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/command.h"
#include "vmm/consoles.h"
#include "vmm/core/poison.h"
#include "vmm/core/ram.h"
#include "vmm/enospc.h"
#include "vmm/faults.h"
#include "vmm/host/keeper.h"
#include "vmm/messages.h"
#include "vmm/host/litter.h"
#include "vmm/panic.h"
#include "vmm/rom.h"
#include "vmm/root.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Below what KVM takes as one slot, 2^31 - 1 host pages. */
#define SLOT_MAX (4096 * GiB)
#define NS_PER_S 1000000000ULL

struct vm {
	const struct vm_config *config; /* borrowed */
	struct kvm kvm;
	struct ram ram;
	struct roms roms;
	struct root root;
	struct gmem mem;
	struct bus *bus;
	struct loop *loop;
	struct keeper *keeper; /* NULL: nothing to keep */
	struct backends backends;
	struct consoles consoles;
	struct command command; /* zeroes when there is none */
	struct virtio_console_port command_ports[COMMAND_PORTS];
	struct vcpus vcpus;
	struct machine machine;
	bool machine_made;
	struct faults faults;
	struct enospc enospc;
	struct ballooning balloon;
	struct watchset watches; /* what --watch means since the last reset */

	struct watch signals;
	int signal_fd;
	struct timer grace; /* from the power key to the end */
	bool stopping;	    /* the power key was pressed by a signal */
	bool finished;	    /* how it ends is decided */
	bool show_messages; /* of the guest's kernel, which nobody has seen */
	bool told_panic;    /* since the last reset */

	/* What vCPU threads report, until the loop has looked. */
	struct mutex lock;
	struct call event_call;
	unsigned events; /* 1 << enum guest_event; lock */
	char why[200];	 /* of GUEST_CRASHED, GUEST_STOPPED; lock */

	enum exit_status status;
	char last_words[520]; /* printed after the terminal is restored; "": none */
};

static bool has_command(const struct vm *vm)
{
	return vm->config->command.nr != 0;
}

/* The first reason to end is the one that counts. It is said in two pieces; both may be "". */
static void finish(struct vm *vm, enum exit_status status, const char *words, const char *more)
{
	if (vm->finished)
		return;
	vm->finished = true;
	vm->status = status;
	(void)snprintf(vm->last_words, sizeof(vm->last_words), "%s%s", words, more);
	loop_stop(vm->loop);
}

/*
 * The same for an end that is not the command's. Its kernel's messages may say why, and with a
 * command they go nowhere as a rule.
 */
static void finish_early(struct vm *vm, enum exit_status status, const char *words,
			 const char *more)
{
	if (!vm->finished && has_command(vm) && config_console(vm->config) == CHARDEV_NULL)
		vm->show_messages = true;
	finish(vm, status, words, more);
}

static void on_command_over(void *ctx, int status)
{
	finish(ctx, (enum exit_status)status, "", "");
}

/* --- what the guest does ------------------------------------------------------------------- */

static void on_guest_event(void *ctx, enum guest_event ev, const char *why)
{
	struct vm *vm = ctx;

	mutex_lock(&vm->lock);
	vm->events |= 1U << ev;
	if (why)
		(void)snprintf(vm->why, sizeof(vm->why), "%s", why);
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

static int reset_machine(struct vm *vm, struct err *e)
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

static void reboot(struct vm *vm)
{
	struct err e;

	if (vm->finished)
		return;
	log_info("the guest resets");
	vcpus_hold(&vm->vcpus);
	/* What the guest asked for before is void; with all vCPUs out, nothing more can come. */
	mutex_lock(&vm->lock);
	vm->events = 0;
	mutex_unlock(&vm->lock);
	consoles_forget_recent(&vm->consoles);
	vm->told_panic = false;
	if (reset_machine(vm, &e)) {
		finish(vm, STATUS_FAILED, "reset: ", e.text);
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

	if (has_command(vm) && what == ON_PANIC_REBOOT)
		what = ON_PANIC_EXIT; /* to run it again is not what was asked for */
	switch (what) {
	case ON_PANIC_EXIT:
		finish_early(vm, STATUS_PANIC, "the guest panicked", "");
		break;
	case ON_PANIC_REBOOT:
		log_warn("the guest panicked; resetting it");
		reboot(vm);
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
	else if (has_command(vm)) /* to run it again is not what was asked for */
		finish_early(vm, STATUS_RESET,
			     "the guest asked for a reset before the command had ended", "");
	else if (vm->config->on_reset == ON_RESET_EXIT)
		finish(vm, STATUS_RESET, "the guest asked for a reset", "");
	else
		reboot(vm);
}

static void serve_guest_events(struct call *c)
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
		finish_early(vm, STATUS_CRASHED, why, "");
		return;
	}
	if (events & 1U << GUEST_STOPPED) {
		finish(vm, STATUS_FAULT, why, "");
		return;
	}
	/* A panic comes before what the guest does about it, and may be all that there is to do. */
	if (events & 1U << GUEST_PANIC) {
		guest_panicked(vm);
		if (vm->config->on_panic != ON_PANIC_CONTINUE)
			return;
	}
	if ((events & 1U << GUEST_OFF) && has_command(vm))
		finish_early(vm, STATUS_LEFT,
			     "the guest powered itself off before the command had ended", "");
	else if (events & 1U << GUEST_OFF)
		finish(vm, STATUS_OFF, "", "");
	else if (events & 1U << GUEST_RESET)
		guest_resets(vm);
}

/* --- what the user asks -------------------------------------------------------------------- */

static void killed(struct vm *vm, const char *words)
{
	finish(vm, STATUS_KILLED, words, "");
}

static void grace_over(struct timer *t)
{
	struct vm *vm = container_of(t, struct vm, grace);

	killed(vm, has_command(vm) ? "the command did not end in time; ended its guest"
				   : "the guest did not power off in time; ended it");
}

static void ask_to_stop(struct vm *vm)
{
	if (vm->stopping) {
		killed(vm, "ended by a second signal");
		return;
	}
	vm->stopping = true;
	log_info("pressing the guest's power key");
	arch_power_key(&vm->machine);
	loop_timer_arm(vm->loop, &vm->grace, loop_now_ns() + vm->config->grace_s * NS_PER_S);
}

/*
 * The command gets it, and what it does with it is its own affair; but what would end any program
 * ends one that does not follow, or cannot.
 */
static void signal_to_command(struct vm *vm, int signo, bool group)
{
	struct command *c = &vm->command;
	const bool asks = signo == SIGTERM || signo == SIGHUP;

	if (c->state >= COMMAND_LEAVING) {
		if (signo != SIGUSR1 && signo != SIGUSR2)
			killed(vm, "ended by a signal; not all of the command's output was read");
		return;
	}
	if (c->state == COMMAND_COMING && signo != SIGUSR1 && signo != SIGUSR2) {
		finish_early(vm, STATUS_KILLED,
			     "ended by a signal before the guest had started the command", "");
		return;
	}
	if (asks && vm->stopping) {
		killed(vm, "ended by a second signal");
		return;
	}
	if (!command_signal(c, signo, group)) {
		finish_early(vm, STATUS_KILLED,
			     "the guest does not take signals for its command; ended it", "");
		return;
	}
	if (!asks)
		return;
	vm->stopping = true;
	loop_timer_arm(vm->loop, &vm->grace, loop_now_ns() + vm->config->grace_s * NS_PER_S);
}

static struct chardev *terminal_of(const struct vm *vm)
{
	if (has_command(vm) && command_terminal(&vm->command))
		return command_terminal(&vm->command);
	/* Without a terminal of ours, SIGTSTP still stops the process. */
	return vm->consoles.stdio ? vm->consoles.stdio : vm->consoles.serial;
}

static void on_signal(struct watch *w, uint32_t events UNUSED)
{
	struct vm *vm = container_of(w, struct vm, signals);
	struct signalfd_siginfo info;

	if (read(vm->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (has_command(vm) && info.ssi_signo != SIGTSTP && info.ssi_signo != SIGCONT &&
	    info.ssi_signo != SIGWINCH) {
		signal_to_command(vm, (int)info.ssi_signo, info.ssi_code == SI_KERNEL);
		return;
	}
	switch (info.ssi_signo) {
	case SIGINT:
	case SIGTERM:
		ask_to_stop(vm);
		break;
	case SIGHUP:
		killed(vm, "the terminal is gone; ended the guest");
		break;
	case SIGUSR1:
		arch_disks_look(&vm->machine);
		ballooning_look(&vm->balloon);
		break;
	default:
		chardev_job_control(terminal_of(vm), (int)info.ssi_signo);
		if (has_command(vm))
			command_look_at_size(&vm->command);
		break;
	}
}

static bool on_console_command(void *ctx, char letter)
{
	struct vm *vm = ctx;

	switch (letter) {
	case 'x':
		killed(vm, "ended from the console");
		break;
	case 'p':
		arch_power_key(&vm->machine);
		break;
	case 'r':
		if (has_command(vm))
			return false;
		reboot(vm);
		break;
	case 'b':
		arch_console_break(&vm->machine);
		break;
	default:
		return false;
	}
	return true;
}

static void on_console_lost(void *ctx, const char *why)
{
	finish(ctx, STATUS_KILLED, why, "; ended the guest");
}

static const char console_help[] = "x  end the guest at once\n"
				   "p  press the guest's power key\n"
				   "r  reset the guest\n"
				   "b  send a break\n";

static const char command_help[] = "x  end the guest at once\n";

/* --- building and running ------------------------------------------------------------------ */

/* Signals come through the loop; vCPU threads inherit the mask and open only their kick. */
static int take_signals(struct vm *vm, struct err *e)
{
	static const int served[] = {
		SIGINT,	 SIGTERM,  SIGHUP,  SIGTSTP, SIGCONT,
		SIGUSR1, SIGWINCH, SIGQUIT, SIGUSR2, /* these two for a command */
	};
	const size_t nr = has_command(vm) ? ARRAY_SIZE(served) : ARRAY_SIZE(served) - 2;
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < nr; i++) {
		struct sigaction now;

		/* What nohup or a shell had ignored stays ignored: a signalfd would see it. */
		if (sigaction(served[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			(void)sigaddset(&set, served[i]);
	}
	vm->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (vm->signal_fd < 0)
		return err_sys(e, "signalfd");
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, "sigprocmask");
	/* A reader that left, and a file at its limit, are errors of a write like others. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	vm->signals.ready = on_signal;
	return loop_watch(vm->loop, &vm->signals, vm->signal_fd, EPOLLIN, e);
}

static int open_consoles(struct vm *vm, struct err *e)
{
	const struct chardev_commands commands = {
		.command = on_console_command,
		.lost = on_console_lost,
		.help = has_command(vm) ? command_help : console_help,
		.ctx = vm,
	};
	struct machine *m = &vm->machine;
	const struct command_events over = { .over = on_command_over, .ctx = vm };
	int code = consoles_open(&vm->consoles, vm->config, &commands, vm->loop, e);

	if (code == 0 && has_command(vm)) {
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
	region.host = vm->ram.host;
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
	if (config_needs_keeper(vm->config)) {
		vm->keeper = keeper_create(vm->loop, e);
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
		.events = {
			.guest = on_guest_event,
			.fault_count = on_fault,
			.fault_repeats = on_fault_repeats,
			.fault_report = on_fault_report,
			.disk_full = on_disk_full,
			.watch_hit = on_watch_hit,
			.watch_room = on_watch_room,
			.ctx = vm,
		},
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
		code = take_signals(vm, e);
	if (code == 0)
		code = vcpus_create(&vm->vcpus, vm->config->cpus, m, arch_vcpu_run, e);
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
		code = reset_machine(vm, e);
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
	int code;

	if (vm->keeper)
		keeper_seal(vm->keeper);
	code = sandbox_build((enum sandbox_mode)c->sandbox, c->watches.nr != 0,
			     chardev_restore_terminal, e);
	return code ? code : threads_release(sandbox_enter, e);
}

static void take_down(struct vm *vm)
{
	vcpus_stop(&vm->vcpus);
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
		.root = ROOT_NONE,
		.balloon = BALLOONING_NONE,
		.grace = { .expired = grace_over },
		.event_call = { .fn = serve_guest_events },
		.status = STATUS_FAILED,
	};
	mutex_init(&vm->lock);
	return vm;
}

static int build_and_run(struct vm *vm, struct err *e)
{
	int code;

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
