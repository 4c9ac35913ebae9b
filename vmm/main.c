/* SPDX-License-Identifier: Apache-2.0 */
/* vmm: argv in, exit status out. */
#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/base/thread.h"
#include "vmm/demo.h"
#include "vmm/doctor.h"
#include "vmm/options.h"
#include "vmm/root_folder.h"
#include "vmm/vm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* A crash of vmm must not leave the user with a raw terminal. Async-signal-safe throughout. */
static void on_crash(int sig)
{
	chardev_restore_terminal();
	/* SA_RESETHAND: this time it is fatal, with a core file where the host wants one. */
	thread_raise(sig);
}

static void restore_terminal_on_crash(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS,	 SIGILL,  SIGFPE, SIGABRT,
				       SIGSYS,	SIGTRAP, SIGQUIT, SIGXCPU };
	struct sigaction sa = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		(void)sigaction(signals[i], &sa, NULL);
}

static enum exit_status run(struct vm_config *c)
{
	struct err e;

	log_set_level((enum log_level)(LOG_WARN + c->verbose));
	restore_terminal_on_crash();
	if (root_folder_share(c, &e)) {
		log_error("%s", e.text);
		return STATUS_FAILED;
	}
	return vm_run(c);
}

static enum exit_status demo(void)
{
	restore_terminal_on_crash();
	return demo_faults();
}

/* A file opened later must not become what a library takes for standard input or output. */
static void fill_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return;
}

int main(int argc, char **argv)
{
	struct options o;
	struct err e;
	int status = STATUS_FAILED;

	fill_standard_fds();
	if (options_parse(argc, argv, &o, &e)) {
		log_error("%s", e.text);
		return STATUS_USAGE;
	}
	if (!options_answer(&o, stdout, stderr, &status)) {
		if (o.command == COMMAND_DOCTOR)
			status = (int)doctor_run(o.json);
		else
			status = (int)(o.command == COMMAND_DEMO ? demo() : run(&o.config));
	}
	options_free(&o);
	return status;
}
