/* SPDX-License-Identifier: Apache-2.0 */
/* Three processes: this one starts the outer process, and "inside" runs in the inner one. */
#include "tests/lib/test.h"
#include "vmm/host/terminal.h"
#include "vmm/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_NAMESPACE 77 /* an exit status: the host allows none */

/* What both ends see. */
struct shared {
	volatile pid_t pid;	/* what the inner process thinks it is */
	volatile bool ready;	/* it has come as far as the test wants */
	volatile unsigned code; /* of the signal that it got */
};

static struct shared *shared;
static int outlives[2]; /* a pipe that only the inner process holds open for writing */

static void (*first)(void); /* what the outer process does before; NULL: leads a process group */

static void lead_group(void)
{
	(void)setpgid(0, 0);
}

static void pass_time(void)
{
	(void)usleep(1000);
}

/* The outer process, as its parent sees it. Its standard input is @in, its words go to @err. */
static pid_t start(void (*inside)(int signals), int in, int err)
{
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	EXPECT(shared != MAP_FAILED && pipe2(outlives, O_CLOEXEC) == 0);
	/* What the outer process leaves behind is ours to wait for. */
	EXPECT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	pid = fork();
	if (pid == 0) {
		struct err e;
		int signals;

		(void)dup2(in, STDIN_FILENO);
		(void)dup2(err, STDERR_FILENO);
		/* A test that fails leaves nobody behind. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(first ? first : lead_group)();
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (inner_enter(&signals, &e))
			_exit(99);
		if (signals < 0)
			_exit(NO_NAMESPACE);
		shared->pid = getpid();
		inside(signals);
		_exit(0);
	}
	EXPECT(pid > 0);
	(void)close(outlives[1]);
	return pid;
}

/* How it ended, or stopped; with all that it left behind. */
static int end_of(pid_t pid)
{
	int status;

	EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE)
		test_skip("this host allows us no PID namespace");
	if (!WIFSTOPPED(status)) {
		while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
			;
		EXPECT_EQ(errno, ECHILD);
		(void)close(outlives[0]);
		(void)munmap(shared, sizeof(*shared));
	}
	return status;
}

/* Until inside() says so, or it has ended. */
static void await_ready(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	while (!shared->ready && info.si_pid == 0) {
		(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
		pass_time();
	}
}

static void await_end_of_inner(void)
{
	char byte;

	EXPECT_EQ(read(outlives[0], &byte, 1), 0);
}

/* The inner process in our own numbers: the child of the outer one that is called so. */
static pid_t inner_of(pid_t outer)
{
	const struct dirent *entry;
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	EXPECT(proc != NULL);
	while (!found && (entry = readdir(proc))) {
		char path[sizeof(entry->d_name) + 16];
		pid_t pid, parent;
		FILE *stat;

		(void)snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		stat = fopen(path, "re");
		if (!stat)
			continue;
		if (fscanf(stat, "%d (vmm-inner) %*c %d", &pid, &parent) == 2 && parent == outer)
			found = pid;
		(void)fclose(stat);
	}
	(void)closedir(proc);
	EXPECT(found != 0);
	return found;
}

/* --- how it ends --------------------------------------------------------------------------- */

static void ends_with_42(int signals UNUSED)
{
	_exit(shared->pid == 2 ? 42 : 1);
}

TEST(the_outer_process_ends_with_the_status_of_the_inner)
{
	int status = end_of(start(ends_with_42, STDIN_FILENO, STDERR_FILENO));

	EXPECT(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 42);
}

static void waits(int signals UNUSED)
{
	shared->ready = true;
	for (;;)
		(void)pause();
}

TEST(what_would_end_a_program_that_serves_no_signals_ends_both)
{
	pid_t pid = start(waits, STDIN_FILENO, STDERR_FILENO);
	int status;

	await_ready(pid);
	(void)kill(pid, SIGTERM);
	status = end_of(pid);
	EXPECT(WIFSIGNALED(status));
	EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST(killed_the_outer_process_takes_all_along)
{
	pid_t pid = start(waits, STDIN_FILENO, STDERR_FILENO);
	int status;

	await_ready(pid);
	(void)kill(pid, SIGKILL);
	if (shared->ready)
		await_end_of_inner();
	status = end_of(pid); /* which waits for the others, too */
	EXPECT(WIFSIGNALED(status));
}

static void makes_raw(int signals)
{
	if (terminal_make_raw(STDIN_FILENO) || fcntl(STDIN_FILENO, F_SETFL, O_RDWR | O_NONBLOCK))
		_exit(1);
	waits(signals);
}

TEST(a_terminal_is_put_back_when_the_inner_process_was_killed)
{
	struct termios before, now;
	int master, slave, words[2], status;
	char said[300] = "";
	pid_t pid;

	EXPECT_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
	EXPECT_EQ(tcgetattr(slave, &before), 0);
	EXPECT_EQ(pipe2(words, O_CLOEXEC), 0);
	pid = start(makes_raw, slave, words[1]);
	await_ready(pid);
	EXPECT_EQ(tcgetattr(slave, &now), 0);
	if (shared->ready) {
		EXPECT(!(now.c_lflag & ICANON));
		(void)kill(inner_of(pid), SIGKILL);
	}
	status = end_of(pid);
	EXPECT(WIFSIGNALED(status));
	EXPECT_EQ(WTERMSIG(status), SIGKILL);
	EXPECT_EQ(tcgetattr(slave, &now), 0);
	EXPECT_EQ(now.c_lflag, before.c_lflag);
	EXPECT_EQ(now.c_iflag, before.c_iflag);
	EXPECT_EQ(now.c_oflag, before.c_oflag);
	EXPECT_EQ(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
	EXPECT(read(words[0], said, sizeof(said) - 1) > 0);
	EXPECT_HAS(said, "vmm: killed: ");
	(void)close(words[0]);
	(void)close(words[1]);
	(void)close(slave);
	(void)close(master);
}

/* --- signals ------------------------------------------------------------------------------- */

static struct signalfd_siginfo next(int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) != sizeof(info))
		pass_time();
	return info;
}

/* Two signals that come one after the other, each once. */
static void reads_two(int signals)
{
	struct signalfd_siginfo info;
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	shared->ready = true;
	info = next(signals);
	if (info.ssi_signo != SIGINT || info.ssi_code != SI_USER)
		_exit(1);
	shared->ready = true;
	info = next(signals);
	_exit(info.ssi_signo == SIGTERM ? 0 : 2);
}

TEST(a_signal_to_one_process_or_to_the_group_is_read_once)
{
	static const int sign[] = { 1, -1 };

	for (unsigned i = 0; i < ARRAY_SIZE(sign); i++) {
		pid_t pid = start(reads_two, STDIN_FILENO, STDERR_FILENO);
		int status;

		await_ready(pid);
		if (shared->ready) {
			shared->ready = false;
			(void)kill(sign[i] * pid, SIGINT);
			await_ready(pid);
			(void)kill(sign[i] * pid, SIGTERM);
		}
		status = end_of(pid);
		EXPECT(WIFEXITED(status));
		EXPECT_EQ(WEXITSTATUS(status), 0);
	}
}

static void stops_itself(int signals)
{
	struct signalfd_siginfo info;
	sigset_t cont;

	(void)sigemptyset(&cont);
	(void)sigaddset(&cont, SIGCONT);
	(void)sigprocmask(SIG_BLOCK, &cont, NULL);
	shared->ready = true;
	(void)raise(SIGSTOP);
	info = next(signals);
	_exit(info.ssi_signo == SIGCONT ? 0 : 1);
}

TEST(they_stop_and_go_on_together)
{
	pid_t pid = start(stops_itself, STDIN_FILENO, STDERR_FILENO);
	int status;

	status = end_of(pid);
	EXPECT(WIFSTOPPED(status));
	EXPECT(shared->ready);
	(void)kill(pid, SIGCONT);
	status = end_of(pid);
	EXPECT(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 0);
}

/* Too busy to read the first before the second has come. */
static void stops_late(int signals)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	shared->ready = true;
	while (shared->ready)
		pass_time();
	if (next(signals).ssi_signo != SIGTSTP)
		_exit(1);
	(void)raise(SIGSTOP);
	_exit(next(signals).ssi_signo == SIGCONT ? 0 : 2);
}

TEST(a_stop_that_is_overtaken_is_none)
{
	pid_t pid = start(stops_late, STDIN_FILENO, STDERR_FILENO);
	int status;

	await_ready(pid);
	(void)kill(pid, SIGTSTP);
	(void)usleep(100000);
	(void)kill(pid, SIGCONT);
	(void)usleep(100000);
	shared->ready = false;
	status = end_of(pid);
	EXPECT(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 0);
}

/* The outer process becomes the first of a PID namespace. */
static void be_first(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		_exit(NO_NAMESPACE);
	pid = fork();
	if (pid == 0)
		return;
	(void)waitpid(pid, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 96);
}

static void stops_for_nobody(int signals UNUSED)
{
	(void)raise(SIGSTOP);
	_exit(0);
}

TEST(a_container_s_first_process_does_not_stop)
{
	int status;

	first = be_first;
	status = end_of(start(stops_for_nobody, STDIN_FILENO, STDERR_FILENO));
	EXPECT(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 0);
}

/* --- whose terminal ------------------------------------------------------------------------ */

static bool behind; /* another process group has the terminal */

/* Makes standard input the terminal of a session of ours, with us in its foreground or not. */
static void take_session(void)
{
	pid_t other;

	(void)signal(SIGTTOU, SIG_IGN);
	if (setsid() < 0 || ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		_exit(98);
	if (!behind)
		return;
	other = fork();
	if (other == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	if (setpgid(other, other) < 0 || tcsetpgrp(STDIN_FILENO, other) < 0)
		_exit(97);
}

static void says_whose(int signals UNUSED)
{
	_exit(terminal_is_ours(STDIN_FILENO) ? 1 : 2);
}

TEST(whose_the_terminal_is_is_known_inside)
{
	for (unsigned i = 0; i < 2; i++) {
		int master, slave, status;

		behind = i != 0;
		EXPECT_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
		first = take_session;
		status = end_of(start(says_whose, slave, STDERR_FILENO));
		EXPECT(WIFEXITED(status));
		EXPECT_EQ(WEXITSTATUS(status), behind ? 2 : 1);
		(void)close(slave);
		(void)close(master);
	}
}

TEST(a_terminal_in_which_others_are_is_left_alone)
{
	struct termios now;
	int master, slave;
	pid_t pid;

	behind = true;
	EXPECT_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
	first = take_session;
	pid = start(makes_raw, slave, STDERR_FILENO);
	await_ready(pid);
	if (shared->ready)
		(void)kill(inner_of(pid), SIGKILL);
	EXPECT(WIFSIGNALED(end_of(pid)));
	EXPECT_EQ(tcgetattr(slave, &now), 0);
	EXPECT(!(now.c_lflag & ICANON));
	(void)close(slave);
	(void)close(master);
}

/* --- what the outer process holds ---------------------------------------------------------- */

static void closes(int signals)
{
	(void)close(outlives[1]);
	waits(signals);
}

TEST(what_the_inner_process_closes_is_closed)
{
	pid_t pid = start(closes, STDIN_FILENO, STDERR_FILENO);

	await_ready(pid);
	if (shared->ready)
		await_end_of_inner(); /* as it looks, since nobody else has the pipe */
	(void)kill(pid, SIGTERM);
	EXPECT(WIFSIGNALED(end_of(pid)));
}

TEST_MAIN(T(the_outer_process_ends_with_the_status_of_the_inner),
	  T(what_would_end_a_program_that_serves_no_signals_ends_both),
	  T(killed_the_outer_process_takes_all_along),
	  T(a_terminal_is_put_back_when_the_inner_process_was_killed),
	  T(a_signal_to_one_process_or_to_the_group_is_read_once), T(they_stop_and_go_on_together),
	  T(a_stop_that_is_overtaken_is_none), T(a_container_s_first_process_does_not_stop),
	  T(whose_the_terminal_is_is_known_inside), T(a_terminal_in_which_others_are_is_left_alone),
	  T(what_the_inner_process_closes_is_closed))
