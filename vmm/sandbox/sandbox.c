/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/sandbox/sandbox.h"

#include "vmm/base/log.h"
#include "vmm/sandbox/filter.h"
#include "vmm/sandbox/walls.h"

#include <assert.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Constant once the first thread has entered. */
static bool filters_are_on;
static struct filter_facts facts;
static void (*on_crash)(void);
static _Thread_local enum thread_kind own_kind;

/* --- a call that is denied ----------------------------------------------------------------- */

static const char *name_of(int number)
{
	for (const struct rule *r = sandbox_rules; r->name; r++)
		if (r->number == number)
			return r->name;
	return "in no rule";
}

/* Async-signal-safe but for snprintf(), which here only moves bytes. */
static void on_denied(int sig UNUSED, siginfo_t *info, void *context UNUSED)
{
	char line[200];
	int n = snprintf(line, sizeof(line),
			 "vmm: the sandbox denies a thread of kind %s the system call %d (%s); "
			 "ended the guest\r\n",
			 thread_kind_name(own_kind), info->si_syscall, name_of(info->si_syscall));

	/* abort() asks which thread it is: vmm found itself broken, and has said so if it could. */
	if (info->si_syscall == SYS_gettid)
		thread_raise(SIGABRT);
	if (on_crash)
		on_crash();
	/* Whether that can be written or not. */
	if (n > 0)
		(void)!write(STDERR_FILENO, line, (size_t)n);
	for (;;)
		(void)syscall(SYS_exit_group, 1);
}

static int handle_denials(struct err *e)
{
	const struct sigaction sa = { .sa_sigaction = on_denied, .sa_flags = SA_SIGINFO };

	return sigaction(SIGSYS, &sa, NULL) < 0 ? err_sys(e, "sigaction") : 0;
}

/* --- building ------------------------------------------------------------------------------ */

static int check(const struct walls *w, enum sandbox_mode mode, struct err *e)
{
	for (unsigned i = 0; i < NR_WALLS; i++) {
		if (w->holds[i])
			continue;
		if (mode == SANDBOX_STRICT)
			return err_set(e, EPERM, "--sandbox strict: %s: %s", wall_name(i),
				       w->why_not[i]);
		log_warn("the sandbox is without %s: %s", wall_name(i), w->why_not[i]);
	}
	return 0;
}

/* Whether this kernel filters system calls at all. */
static int has_seccomp(enum sandbox_mode mode, struct err *e)
{
	const uint32_t action = SECCOMP_RET_TRAP;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return 1;
	if (mode == SANDBOX_STRICT)
		return err_sys(e, "--sandbox strict: system call filters");
	log_warn("the sandbox is without system call filters: %s", strerror(errno));
	return 0;
}

/*
 * All threads share one heap. For one of its own the C library would ask how many CPUs there are,
 * and how memory may be committed: calls, and files, that no rule allows.
 */
static void one_heap(void)
{
#ifdef M_ARENA_MAX
	(void)mallopt(M_ARENA_MAX, 1);
#endif
}

int sandbox_build(enum sandbox_mode mode, bool watch, void (*crash)(void), struct err *e)
{
	struct walls w;
	int code;

	if (mode == SANDBOX_OFF) {
		log_warn("no sandbox: a guest that breaks out of vmm has all that you have");
		return 0;
	}
	on_crash = crash;
	one_heap();
	code = handle_denials(e);
	if (code == 0)
		code = has_seccomp(mode, e);
	if (code < 0)
		return code;
	filters_are_on = code > 0;
	facts = (struct filter_facts){ .pid = (uint32_t)getpid(), .watch = watch };
	walls_build(&w);
	return check(&w, mode, e);
}

void sandbox_enter(enum thread_kind kind)
{
	struct sock_fprog program;
	struct filter filter;

	own_kind = kind;
	if (!filters_are_on)
		return;
	filter_make(&filter, kind, &facts);
	program = (struct sock_fprog){ (unsigned short)filter.len, filter.insn };
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
		int error = errno;

		if (on_crash)
			on_crash();
		log_error("seccomp: %s", strerror(error));
		_exit(1);
	}
}
