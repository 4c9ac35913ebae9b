/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/inner.h"

#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/host/program.h"
#include "vmm/host/terminal.h"
#include "vmm/sandbox/walls.h"
#include "vmm/status.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

struct outer {
	pid_t init, inner;
	int signals;   /* the inner process has the other end */
	bool to_stop;  /* SIGTSTP was handed on, and no stop seen since */
	bool to_go_on; /* ... and then SIGCONT */

	/* Standard input and output as they were. */
	int flags[2];
	struct termios before;
	bool terminal; /* standard input is one, and was as above */
};

/* --- the namespace's init ------------------------------------------------------------------ */

/* Ends when the outer process does: nobody else has the other end of this pipe. */
static int init(void *pipe)
{
	const int *ends = pipe;
	struct pollfd p = { .fd = ends[0] };

	program_keep_fd(p.fd); /* which closes the other end */
	(void)prctl(PR_SET_NAME, "vmm-init");
	/* It may have been stopped, with the whole process group. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (poll(&p, 1, -1) != 1)
		;
	return 0;
}

/*
 * It waits in the memory of the outer process, on a stack of its own, and touches nothing else but
 * errno, should a call of its fail: with all signals blocked none does.
 */
static pid_t start_init(int *ends)
{
	static char stack[16384] __attribute__((aligned(16)));

	return clone(init, stack + sizeof(stack), CLONE_VM | SIGCHLD, ends);
}

/* --- the outer process --------------------------------------------------------------------- */

/* Ends by the signal that ended the inner process, so that a shell says what it always says. */
static _Noreturn void die_by(int sig)
{
	sigset_t set;

	(void)prctl(PR_SET_DUMPABLE, 0); /* a core of this process says nothing */
	(void)signal(sig, SIG_DFL);
	(void)kill(getpid(), sig);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, sig);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + sig);
}

static void end_init(const struct outer *o)
{
	(void)close(o->signals);
	(void)kill(o->init, SIGKILL); /* it may have been stopped */
	(void)waitpid(o->init, NULL, 0);
}

/* What the inner process would have done, had it not been killed. */
static void bring_back(const struct outer *o)
{
	for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++)
		if (o->flags[fd] >= 0)
			(void)fcntl(fd, F_SETFL, o->flags[fd]);
	/* In the background it is somebody else's, who may have made it raw, too. */
	if (o->terminal && terminal_is_ours(STDIN_FILENO))
		terminal_bring_back(STDIN_FILENO, &o->before);
}

static _Noreturn void end(const struct outer *o, int status)
{
	sigset_t none;

	end_init(o);
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	bring_back(o);
	if (WTERMSIG(status) == SIGKILL) {
		/* Nobody may be reading: then a signal ends this as well. */
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		log_error("killed: by somebody, or by the host's kernel for want of memory");
	}
	die_by(WTERMSIG(status));
}

/* Whether a signal that continues has come that has not been handed on. */
static bool goes_on(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && sigismember(&pending, SIGCONT) == 1;
}

/*
 * The inner process has stopped. The kernel drops a SIGTSTP when SIGCONT follows, but not from
 * the pipe: one that had time to be overtaken is undone. Nobody would ever continue the first
 * process of a container, which cannot be stopped.
 */
static void stop(struct outer *o)
{
	const bool overtaken = o->to_stop && o->to_go_on;

	o->to_stop = o->to_go_on = false;
	if (overtaken || getpid() == 1)
		(void)kill(o->inner, SIGCONT);
	else if (!goes_on())
		(void)kill(getpid(), SIGSTOP);
}

static void look(struct outer *o)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) != 0) {
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0) {
			log_error("waitpid: %s", strerror(errno));
			_exit(STATUS_FAILED);
		}
		if (pid != o->inner)
			continue;
		if (!WIFSTOPPED(status))
			end(o, status);
		stop(o);
	}
}

/* To the process that has not begun to read them, and to one that has: either heeds one only. */
static void hand_on(struct outer *o, const siginfo_t *info)
{
	const struct signalfd_siginfo said = { .ssi_signo = (uint32_t)info->si_signo,
					       .ssi_code = info->si_code };

	if (info->si_signo == SIGTSTP || info->si_signo == SIGCONT)
		o->to_go_on = info->si_signo == SIGCONT;
	if (info->si_signo == SIGTSTP)
		o->to_stop = true;
	/* With no room there are hundreds that were not heeded yet. */
	(void)!write(o->signals, &said, sizeof(said));
	(void)kill(o->inner, info->si_signo);
}

static _Noreturn void stay(struct outer *o)
{
	sigset_t all;
	siginfo_t info;

	program_keep_fd(o->signals);
	(void)sigfillset(&all);
	for (;;) {
		int sig = sigwaitinfo(&all, &info);

		if (sig > 0 && sig != SIGCHLD)
			hand_on(o, &info);
		look(o);
	}
}

/* --- making them --------------------------------------------------------------------------- */

static int fork_both(struct outer *o, int *ends, const sigset_t *before, int *signals,
		     struct err *e)
{
	o->init = start_init(ends);
	if (o->init < 0) {
		(void)close(ends[1]);
		return err_sys(e, "a process behind walls: clone");
	}
	o->signals = ends[1];
	o->inner = fork();
	if (o->inner < 0) {
		(void)err_sys(e, "a process behind walls: fork");
		end_init(o);
		return -e->code;
	}
	if (o->inner)
		stay(o);
	(void)close(ends[1]);
	(void)prctl(PR_SET_NAME, "vmm-inner");
	(void)sigprocmask(SIG_SETMASK, before, NULL);
	*signals = ends[0];
	return 0;
}

int inner_enter(int *signals, struct err *e)
{
	struct outer o = {
		.flags = { fcntl(STDIN_FILENO, F_GETFL), fcntl(STDOUT_FILENO, F_GETFL) },
		.terminal = tcgetattr(STDIN_FILENO, &o.before) == 0,
	};
	static int ends[2]; /* the init looks at it in its own time */
	sigset_t all, before;
	int code;

	*signals = -1;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "a process behind walls: pipe");
	code = wall_build(WALL_PIDS);
	if (code) {
		/* The sandbox says so when all other walls have been tried. */
		close_quietly(ends[0]);
		close_quietly(ends[1]);
		return 0;
	}
	/* None may end the outer process before it can hand them on, and none the init. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	(void)signal(SIGCHLD, SIG_DFL);
	code = fork_both(&o, ends, &before, signals, e);
	if (code) {
		(void)close(ends[0]);
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
	}
	return code;
}
