/* SPDX-License-Identifier: Apache-2.0 */
/* What the user asks: by signals, and by the console's escape. */
#include "vmm/base/log.h"
#include "vmm/vm_parts.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL

static void killed(struct vm *vm, const char *words)
{
	vm_finish(vm, STATUS_KILLED, words, "");
}

void vm_grace_over(struct timer *t)
{
	struct vm *vm = container_of(t, struct vm, grace);

	killed(vm, vm_has_command(vm) ? "the command did not end in time; ended its guest"
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
		vm_finish_early(vm, STATUS_KILLED,
				"ended by a signal before the guest had started the command", "");
		return;
	}
	if (asks && vm->stopping) {
		killed(vm, "ended by a second signal");
		return;
	}
	if (!command_signal(c, signo, group)) {
		vm_finish_early(vm, STATUS_KILLED,
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
	if (vm_has_command(vm) && command_terminal(&vm->command))
		return command_terminal(&vm->command);
	/* Without a terminal of ours, SIGTSTP still stops the process. */
	return vm->consoles.stdio ? vm->consoles.stdio : vm->consoles.serial;
}

static void on_signal(struct watch *w, uint32_t events UNUSED)
{
	struct vm *vm = container_of(w, struct vm, signals);
	struct signalfd_siginfo info;

	ssize_t n = read(vm->signal_fd, &info, sizeof(info));

	if (n == 0) /* the process outside is gone, and so are we */
		loop_unwatch(w);
	if (n != sizeof(info) || sigismember(&vm->served, (int)info.ssi_signo) != 1)
		return;
	if (vm_has_command(vm) && info.ssi_signo != SIGTSTP && info.ssi_signo != SIGCONT &&
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
		if (vm_has_command(vm))
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
		if (vm_has_command(vm))
			return false;
		vm_reboot(vm);
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
	vm_finish(ctx, STATUS_KILLED, why, "; ended the guest");
}

static const char console_help[] = "x  end the guest at once\n"
				   "p  press the guest's power key\n"
				   "r  reset the guest\n"
				   "b  send a break\n";

static const char command_help[] = "x  end the guest at once\n";

struct chardev_commands vm_console_commands(struct vm *vm)
{
	return (struct chardev_commands){
		.command = on_console_command,
		.lost = on_console_lost,
		.help = vm_has_command(vm) ? command_help : console_help,
		.ctx = vm,
	};
}

int vm_take_signals(struct vm *vm, struct err *e)
{
	static const int served[] = {
		SIGINT,	 SIGTERM,  SIGHUP,  SIGTSTP, SIGCONT,
		SIGUSR1, SIGWINCH, SIGQUIT, SIGUSR2, /* these two for a command */
	};
	const size_t nr = vm_has_command(vm) ? ARRAY_SIZE(served) : ARRAY_SIZE(served) - 2;

	(void)sigemptyset(&vm->served);
	for (size_t i = 0; i < nr; i++) {
		struct sigaction now;

		/* What nohup or a shell had ignored stays ignored: a signalfd would see it. */
		if (sigaction(served[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			(void)sigaddset(&vm->served, served[i]);
	}
	/* In a process inside, those that come to itself are of no account: inner.h. */
	if (vm->signal_fd < 0)
		vm->signal_fd = signalfd(-1, &vm->served, SFD_CLOEXEC | SFD_NONBLOCK);
	if (vm->signal_fd < 0)
		return err_sys(e, "signalfd");
	if (sigprocmask(SIG_BLOCK, &vm->served, NULL) < 0)
		return err_sys(e, "sigprocmask");
	/* A reader that left, and a file at its limit, are errors of a write like others. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	vm->signals.ready = on_signal;
	return loop_watch(vm->loop, &vm->signals, vm->signal_fd, EPOLLIN, e);
}
