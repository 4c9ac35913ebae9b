/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/program.h"

#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/host/keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NS_PER_S UINT64_C(1000000000)
#define ARGS_MAX 64

/* What the program finds open: its descriptor. And until then, where it says that it cannot be. */
enum { FD_OWN = 3, FD_FAILED = 4, FD_FIRST_FREE = 5 };

/* --- in the child -------------------------------------------------------------------------- */

void program_only_fd(int *fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		if (null >= 0)
			(void)dup2(null, i);
	if (*fd != FD_OWN) {
		(void)dup3(*fd, FD_OWN, O_CLOEXEC);
		*fd = FD_OWN;
	}
	program_keep_fd(FD_OWN);
}

void program_keep_fd(int fd)
{
	if (fd > FD_OWN)
		(void)close_range(FD_OWN, (unsigned)fd - 1, 0);
	(void)close_range((unsigned)fd + 1, ~0U, 0);
}

/* Where programs are that no user starts by hand, and so no $PATH has. */
static const char *const more_folders[] = { "/usr/lib/qemu", "/usr/libexec", "/usr/lib" };

/* Tries one folder: returns why not, or what went wrong before when it is just not there. */
static int exec_in(const char *folder, size_t len, char *const *argv, int before)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%.*s/%s", (int)len, folder, argv[0]);

	if (n < 0 || (size_t)n >= sizeof(path))
		return before;
	(void)execv(path, argv);
	return errno == ENOENT || errno == ENOTDIR ? before : errno;
}

static int exec_somewhere(char *const *argv)
{
	const char *path = getenv("PATH");
	int why = ENOENT;

	if (!argv[0])
		return why;
	if (strchr(argv[0], '/')) {
		(void)execv(argv[0], argv);
		return errno;
	}
	for (path = path ? path : "/usr/bin:/bin"; *path; path += *path == ':') {
		size_t len = strcspn(path, ":");

		if (len)
			why = exec_in(path, len, argv, why);
		path += len;
	}
	for (size_t i = 0; i < ARRAY_SIZE(more_folders); i++)
		why = exec_in(more_folders[i], strlen(more_folders[i]), argv, why);
	return why;
}

struct child_fds {
	int own, failed, out;
};

/*
 * Puts each where it belongs. They are moved out of the way first, so that none is overwritten.
 */
static void arrange(const struct child_fds *f)
{
	int from[] = { f->out, f->out, f->own, f->failed };
	static const int to[] = { 1, 2, FD_OWN, FD_FAILED };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(to); i++)
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 16);
	(void)dup2(null, 0);
	for (size_t i = 0; i < ARRAY_SIZE(to); i++)
		(void)dup2(from[i], to[i]);
	(void)close_range(FD_FIRST_FREE, ~0U, 0);
	(void)fcntl(FD_FAILED, F_SETFD, FD_CLOEXEC);
}

static _Noreturn void child(char *const *argv, const struct child_fds *f, pid_t parent)
{
	sigset_t none;
	int why;

	(void)sigemptyset(&none);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	arrange(f);
	why = exec_somewhere(argv);
	if (write(FD_FAILED, &why, sizeof(why)) < 0)
		_exit(126);
	_exit(127);
}

/* --- its arguments ------------------------------------------------------------------------- */

struct args {
	char *v[ARGS_MAX + 1];
};

static void args_free(struct args *a)
{
	for (size_t i = 0; a->v[i]; i++)
		free(a->v[i]);
}

/* @arg on the heap, with @mark, if it has that, replaced; NULL: no memory. */
static char *replace(const char *arg, const char *mark, const char *by)
{
	const char *at = strstr(arg, mark);
	char *s;

	if (!at)
		return strdup(arg);
	if (asprintf(&s, "%.*s%s%s", (int)(at - arg), arg, by, at + strlen(mark)) < 0)
		return NULL;
	return s;
}

static int args_make(struct args *a, const char *const *argv, const char *ready, struct err *e)
{
	char fd[12];

	(void)snprintf(fd, sizeof(fd), "%d", FD_OWN);
	for (size_t i = 0; argv[i]; i++) {
		bool is_ready = strstr(argv[i], KEEPER_READY);

		if (i == ARGS_MAX)
			return err_set(e, E2BIG, "too many arguments");
		a->v[i] = is_ready ? replace(argv[i], KEEPER_READY, ready)
				   : replace(argv[i], KEEPER_FD, fd);
		if (!a->v[i])
			return err_code(e, ENOMEM, "arguments");
	}
	return 0;
}

/* --- where it says that it is ready -------------------------------------------------------- */

static void ready_path(const struct program *p, char *path, size_t len)
{
	(void)snprintf(path, len, "%s/ready", p->folder);
}

static void ready_done(struct program *p)
{
	char path[sizeof(p->folder) + 8];

	loop_unwatch(&p->begun);
	close_quietly(p->begun_fd);
	p->begun_fd = -1;
	if (!p->folder[0])
		return;
	ready_path(p, path, sizeof(path));
	(void)unlink(path);
	(void)rmdir(p->folder);
	p->folder[0] = '\0';
}

/* A pipe with a name, since programs close descriptors that they do not know. */
static int ready_make(struct program *p, struct err *e)
{
	char path[sizeof(p->folder) + 8];

	(void)snprintf(p->folder, sizeof(p->folder), "/tmp/vmm-XXXXXX");
	if (!mkdtemp(p->folder)) {
		p->folder[0] = '\0';
		return err_sys(e, "a folder in /tmp");
	}
	ready_path(p, path, sizeof(path));
	if (mkfifo(path, 0600) < 0)
		return err_sys(e, "%s", path);
	p->begun_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (p->begun_fd < 0)
		return err_sys(e, "%s", path);
	return loop_watch(p->loop, &p->begun, p->begun_fd, EPOLLIN, e);
}

static bool says_ready(const char *const *argv)
{
	while (*argv && !strstr(*argv, KEEPER_READY))
		argv++;
	return *argv;
}

/* --- watching ------------------------------------------------------------------------------ */

static void forget(struct watch *w, int *fd)
{
	loop_unwatch(w);
	close_quietly(*fd);
	*fd = -1;
}

static void on_begun(struct watch *w, uint32_t events UNUSED)
{
	struct program *p = container_of(w, struct program, begun);

	ready_done(p);
	p->ready(p);
}

static void end_line(struct program *p)
{
	if (p->len == 0)
		return;
	p->text[p->len] = '\0';
	p->len = 0;
	memcpy(p->last, p->text, sizeof(p->last));
	p->line(p, p->last);
}

/* Takes what is there; false at the end. */
static bool take_output(struct program *p)
{
	char some[512];
	ssize_t n = read(p->out_fd, some, sizeof(some));

	for (ssize_t i = 0; i < n; i++) {
		if (some[i] == '\n')
			end_line(p);
		else if (p->len < sizeof(p->text) - 1)
			p->text[p->len++] = (unsigned char)some[i] < ' ' ? ' ' : some[i];
	}
	return n > 0;
}

static void on_out(struct watch *w, uint32_t events UNUSED)
{
	struct program *p = container_of(w, struct program, out);

	if (!take_output(p) && errno != EAGAIN)
		forget(&p->out, &p->out_fd);
}

static void say_how(const struct program *p, int status, char *why, size_t len)
{
	int sig = WTERMSIG(status);
	int n = WIFEXITED(status)
			? snprintf(why, len, "ended with status %d", WEXITSTATUS(status))
			: snprintf(why, len, "was killed by signal %d (%s)", sig, strsignal(sig));

	if (p->last[0] && n > 0 && (size_t)n < len)
		(void)snprintf(why + n, len - (size_t)n, ": %s", p->last);
}

static void on_exit_fd(struct watch *w, uint32_t events UNUSED)
{
	struct program *p = container_of(w, struct program, exit);
	char why[320];
	int status = 0;

	if (waitpid(p->pid, &status, WNOHANG) == 0)
		return;
	/* What else its group has. */
	(void)kill(-p->pid, SIGKILL);
	p->pid = 0;
	while (p->out_fd >= 0 && take_output(p))
		;
	end_line(p);
	forget(&p->exit, &p->exit_fd);
	forget(&p->out, &p->out_fd);
	ready_done(p);
	loop_timer_disarm(p->loop, &p->kill);
	say_how(p, status, why, sizeof(why));
	p->ended(p, why);
}

static void kill_due(struct timer *t)
{
	program_kill(container_of(t, struct program, kill));
}

void program_init(struct program *p, struct loop *l)
{
	p->loop = l;
	p->exit.ready = on_exit_fd;
	p->out.ready = on_out;
	p->begun.ready = on_begun;
	p->exit_fd = p->out_fd = p->begun_fd = -1;
	p->kill.expired = kill_due;
}

/* --- starting and ending ------------------------------------------------------------------- */

/* Forks; waits until it has become the program, or has failed to. */
static int launch(struct program *p, char *const *argv, const struct child_fds *f, int failed,
		  struct err *e)
{
	pid_t self = getpid(), pid = fork();
	int why = 0;

	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		child(argv, f, self);
	close_quietly(f->failed);
	if (io_read(failed, &why, sizeof(why)) == sizeof(why)) {
		(void)waitpid(pid, NULL, 0);
		return why == ENOENT ? err_set(e, why, "there is no such program")
				     : err_code(e, why, "cannot be started");
	}
	p->pid = pid;
	return 0;
}

static int watch_it(struct program *p, struct err *e)
{
	int code;

	p->exit_fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->exit_fd < 0)
		return err_sys(e, "pidfd_open");
	code = loop_watch(p->loop, &p->exit, p->exit_fd, EPOLLIN, e);
	return code ? code : loop_watch(p->loop, &p->out, p->out_fd, EPOLLIN, e);
}

/* The pipes and the process; the pipes' own ends are in @p or closed. */
static int start_with_pipes(struct program *p, char *const *argv, int fd, struct err *e)
{
	int out[2] = { -1, -1 }, failed[2] = { -1, -1 };
	int code = 0;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(failed, O_CLOEXEC) < 0 ||
	    fcntl(out[0], F_SETFL, O_NONBLOCK) < 0)
		code = err_sys(e, "pipe");
	p->out_fd = out[0];
	if (code == 0) {
		const struct child_fds f = { fd, failed[1], out[1] };

		code = launch(p, argv, &f, failed[0], e);
	} else {
		close_quietly(failed[1]);
	}
	close_quietly(failed[0]);
	close_quietly(out[1]);
	return code;
}

static void undo_start(struct program *p)
{
	if (p->pid) {
		(void)kill(-p->pid, SIGKILL);
		(void)waitpid(p->pid, NULL, 0);
		p->pid = 0;
	}
	forget(&p->exit, &p->exit_fd);
	forget(&p->out, &p->out_fd);
	ready_done(p);
}

int program_start(struct program *p, const char *const *argv, int fd, struct err *e)
{
	__attribute__((cleanup(args_free))) struct args a = { .v = { NULL } };
	char ready[sizeof(p->folder) + 8] = "";
	int code = 0;

	p->len = 0;
	p->last[0] = '\0';
	if (says_ready(argv)) {
		code = ready_make(p, e);
		ready_path(p, ready, sizeof(ready));
	}
	if (code == 0)
		code = args_make(&a, argv, ready, e);
	if (code == 0)
		code = start_with_pipes(p, a.v, fd, e);
	if (code == 0)
		code = watch_it(p, e);
	if (code)
		undo_start(p);
	return code;
}

void program_kill(struct program *p)
{
	if (p->pid)
		(void)kill(-p->pid, SIGKILL);
}

void program_end(struct program *p)
{
	if (!p->pid)
		return;
	(void)kill(-p->pid, SIGTERM);
	loop_timer_arm(p->loop, &p->kill, loop_now_ns() + NS_PER_S);
}
