/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/base/io.h"
#include "vmm/host/keeper.h"
#include "vmm/host/litter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ULL

static struct loop *l;
static struct keeper *k;

static void set_up(void)
{
	struct err e;

	l = loop_create(&e);
	EXPECT(l != NULL);
	k = keeper_create(l, keeper_fork(&e), &e);
	EXPECT(k != NULL);
}

static void tear_down(void)
{
	keeper_destroy(k);
	loop_destroy(l);
}

/* What the owner of a job has seen. */
struct owner {
	unsigned ups, downs;
	int fd;
	char why[400];
};

static void on_up(void *ctx, int fd)
{
	struct owner *o = ctx;

	o->ups++;
	o->fd = fd;
	loop_stop(l);
}

static void on_down(void *ctx, const char *why)
{
	struct owner *o = ctx;

	o->downs++;
	(void)snprintf(o->why, sizeof(o->why), "%s", why);
	loop_stop(l);
}

static struct keeper_job shell_job(const char *const *argv, struct owner *o)
{
	return (struct keeper_job){ .kind = KEEPER_PAIR,
				    .name = "thing",
				    .argv = argv,
				    .up = on_up,
				    .down = on_down,
				    .ctx = o };
}

static void run(void)
{
	struct err e = { 0 };

	EXPECT_EQ(loop_run(l, &e), 0);
}

static int start(const struct keeper_job *j, unsigned *job)
{
	struct err e = { 0 };
	int fd = -1;

	if (keeper_start(k, j, job, &fd, &e))
		test_fail(__FILE__, __LINE__, "%s", e.text);
	EXPECT(fd >= 0);
	return fd;
}

static void expect_word(int fd, const char *word)
{
	char got[64] = "";

	EXPECT_EQ(io_read(fd, got, strlen(word)), strlen(word));
	EXPECT_STR(got, word);
}

static void expect_end(int fd)
{
	char c;

	EXPECT_EQ(io_read(fd, &c, 1), 0);
}

static void sleep_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* A process that is no more, or only waits to be reaped by somebody else. */
static bool is_gone(pid_t pid)
{
	char path[40], text[256] = "";
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	n = io_read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	return n <= 0 || strstr(text, ") Z");
}

static void expect_gone(pid_t pid)
{
	for (int i = 0; i < 500 && !is_gone(pid); i++)
		sleep_ms(10);
	EXPECT(is_gone(pid));
}

static pid_t read_pid(int fd)
{
	char line[16] = "";

	for (size_t i = 0; i < sizeof(line) - 1; i++) {
		EXPECT_EQ(io_read(fd, line + i, 1), 1);
		if (line[i] == '\n')
			break;
	}
	return (pid_t)strtol(line, NULL, 10);
}

/* --- starting ------------------------------------------------------------------------------- */

TEST(a_program_gets_its_end_of_a_pair_and_nothing_else)
{
	static const char *const argv[] = { "sh", "-c",
					    "ls /proc/self/fd | tr '\\n' ' ' >&3; "
					    "readlink /proc/self/fd/0 >&3; cat <&3 >&3",
					    NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	int ours = open("/dev/zero", O_RDONLY); /* not close-on-exec */
	unsigned job;
	int fd;

	EXPECT(ours >= 0);
	set_up();
	fd = start(&j, &job);
	/* The last one is the folder that ls reads. */
	expect_word(fd, "0 1 2 3 4 /dev/null\n");
	EXPECT_EQ(io_write(fd, "hello", 5), 0);
	expect_word(fd, "hello");
	(void)close(fd);
	tear_down();
}

/* passt drops what its end has no room for. */
TEST(a_pair_has_all_the_room_that_the_host_allows)
{
	static const char *const argv[] = { "sh", "-c", "exec head -c 4000000 /dev/zero >&3",
					    NULL };
	const int much = 1 << 30;
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	int pair[2], most = 0, usual = 0, n = 0;
	socklen_t len = sizeof(int);
	unsigned job;
	int fd;

	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	EXPECT_EQ(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &usual, &len), 0);
	EXPECT_EQ(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &much, sizeof(much)), 0);
	EXPECT_EQ(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &most, &len), 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
	if (most < usual * 2)
		test_skip("this host allows little more than the usual");
	set_up();
	fd = start(&j, &job);
	/* Nobody reads, and more than the usual comes to lie there. */
	for (int ms = 0; ms < 20000 && n <= usual; ms++) {
		EXPECT_EQ(ioctl(fd, FIONREAD, &n), 0);
		(void)usleep(1000);
	}
	EXPECT(n > usual);
	(void)close(fd);
	tear_down();
}

TEST(arguments_name_the_descriptor)
{
	static const char *const argv[] = { "sh",	   "-c",   "echo $0 $1 >&3; cat <&3",
					    "--fd={fd},x", "{fd}", NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	unsigned job;
	int fd;

	set_up();
	fd = start(&j, &job);
	expect_word(fd, "--fd=3,x 3\n");
	(void)close(fd);
	tear_down();
}

TEST(a_listener_gets_our_connection)
{
	static const char *const argv[] = { "/proc/self/exe", "--accept", NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	unsigned job;
	int fd;

	j.kind = KEEPER_LISTEN;
	set_up();
	fd = start(&j, &job);
	expect_word(fd, "accepted\n");
	(void)close(fd);
	tear_down();
}

TEST(readiness_is_waited_for)
{
	static const char *const argv[] = { "sh", "-c", "sleep 0.3; echo $$ >$0; cat <&3",
					    "{ready}", NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	uint64_t begun = loop_now_ns();
	unsigned job;

	set_up();
	(void)close(start(&j, &job));
	EXPECT(loop_now_ns() - begun >= 300 * MS);
	tear_down();
}

TEST(a_program_that_ends_before_it_is_ready_has_failed)
{
	static const char *const argv[] = { "sh", "-c", "echo one; echo port in use >&2; exit 3",
					    "{ready}", NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	struct err e = { 0 };
	unsigned job;
	int fd;

	set_up();
	EXPECT(keeper_start(k, &j, &job, &fd, &e) < 0);
	EXPECT_STR(e.text, "thing: ended with status 3: port in use");
	EXPECT_EQ(o.downs, 0);
	tear_down();
}

TEST(why_a_program_ended_can_be_asked_for)
{
	static const char *const argv[] = { "sh", "-c", "echo no such folder >&2; exit 4", NULL };
	static const char *const lives[] = { "sleep", "100", NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o), other = shell_job(lives, &o);
	struct err e = { 0 };
	unsigned job;
	int fd;

	set_up();
	EXPECT_EQ(keeper_start(k, &j, &job, &fd, &e), 0);
	(void)close(fd);
	EXPECT(keeper_ended(k, job, &e));
	EXPECT_STR(e.text, "thing: ended with status 4: no such folder");
	EXPECT_EQ(keeper_start(k, &other, &job, &fd, &e), 0);
	(void)close(fd);
	EXPECT(!keeper_ended(k, job, &e));
	EXPECT_EQ(o.downs, 0);
	tear_down();
}

TEST(a_program_that_is_not_there_is_a_sentence)
{
	static const char *const argv[] = { "vmm-has-no-such-program", NULL };
	static const char *const not_one[] = { "/etc/passwd", NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o), j2 = shell_job(not_one, &o);
	struct err e = { 0 };
	unsigned job;
	int fd;

	set_up();
	EXPECT_EQ(keeper_start(k, &j, &job, &fd, &e), -ENOENT);
	EXPECT_STR(e.text, "thing: there is no such program");
	EXPECT_EQ(keeper_start(k, &j2, &job, &fd, &e), -EACCES);
	EXPECT_STR(e.text, "thing: cannot be started: Permission denied");
	tear_down();
}

/* --- connecting ----------------------------------------------------------------------------- */

TEST(a_connection_is_made_by_path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(NULL, &o);
	struct err e = { 0 };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char dir[] = "/tmp/test-keeper-XXXXXX";
	unsigned job;
	int fd;

	EXPECT(mkdtemp(dir) != NULL);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", dir);
	j.kind = KEEPER_CONNECT;
	j.path = at.sun_path;
	set_up();
	EXPECT_EQ(keeper_start(k, &j, &job, &fd, &e), -ENOENT);
	EXPECT_HAS(e.text, at.sun_path);

	EXPECT_EQ(bind(s, (const struct sockaddr *)&at, sizeof(at)), 0);
	EXPECT_EQ(listen(s, 5), 0);
	fd = start(&j, &job);
	(void)close(fd);
	/* Again: at the earliest a second later. */
	keeper_again(k, job);
	keeper_again(k, job);
	run();
	EXPECT_EQ(o.ups, 1);
	EXPECT_EQ(o.downs, 0);
	(void)close(o.fd);
	(void)close(s);
	keeper_again(k, job);
	run();
	EXPECT_EQ(o.downs, 1);
	EXPECT_HAS(o.why, "Connection refused");
	(void)unlink(at.sun_path);
	(void)rmdir(dir);
	tear_down();
}

TEST(a_listener_that_takes_nobody_does_not_keep_the_others_waiting)
{
	static const char *const argv[] = { "sh", "-c", "cat <&3 >&3", NULL };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct owner o = { 0 };
	struct keeper_job full = shell_job(NULL, &o), other = shell_job(argv, &o);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char dir[] = "/tmp/test-keeper-XXXXXX";
	struct err e = { 0 };
	unsigned job;
	int fd, code;

	EXPECT(mkdtemp(dir) != NULL);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", dir);
	EXPECT_EQ(bind(s, (const struct sockaddr *)&at, sizeof(at)), 0);
	EXPECT_EQ(listen(s, 1), 0);
	full.kind = KEEPER_CONNECT;
	full.path = at.sun_path;
	set_up();
	do
		code = keeper_start(k, &full, &job, &fd, &e); /* the first are taken */
	while (code == 0);
	EXPECT_EQ(code, -EAGAIN);
	EXPECT_HAS(e.text, "too many wait there");
	fd = start(&other, &job);
	EXPECT_EQ(io_write(fd, "hello", 5), 0);
	expect_word(fd, "hello");
	(void)close(fd);
	(void)unlink(at.sun_path);
	(void)rmdir(dir);
	tear_down();
}

/* --- ending --------------------------------------------------------------------------------- */

TEST(a_program_that_ends_is_told_and_started_again_when_asked)
{
	static const char *const argv[] = { "sh", "-c", "echo last words; echo $$ >&3; cat <&3",
					    NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	uint64_t begun = loop_now_ns();
	pid_t first, second;
	unsigned job;
	int fd;

	set_up();
	fd = start(&j, &job);
	first = read_pid(fd);
	EXPECT_EQ(kill(first, SIGKILL), 0);
	run();
	EXPECT_EQ(o.downs, 1);
	EXPECT_STR(o.why, "was killed by signal 9 (Killed): last words");
	expect_end(fd);
	(void)close(fd);

	keeper_again(k, job);
	run();
	EXPECT_EQ(o.ups, 1);
	EXPECT(loop_now_ns() - begun >= 1000 * MS);
	second = read_pid(o.fd);
	EXPECT(second != first);

	/* One that still runs is ended first, without a word. */
	keeper_again(k, job);
	expect_end(o.fd);
	(void)close(o.fd);
	run();
	EXPECT_EQ(o.ups, 2);
	EXPECT_EQ(o.downs, 1);
	expect_gone(second);
	(void)close(o.fd);
	tear_down();
}

TEST(all_programs_end_with_the_keeper_even_stubborn_ones)
{
	static const char *const argv[] = { "sh", "-c",
					    "trap '' TERM; sleep 60 & echo $! >&3; echo $$ >&3; "
					    "while :; do sleep 0.1; done",
					    NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	pid_t child, program;
	unsigned job;
	int fd;

	set_up();
	fd = start(&j, &job);
	child = read_pid(fd);
	program = read_pid(fd);
	(void)close(fd);
	tear_down();
	expect_gone(program);
	expect_gone(child);
}

TEST(all_programs_end_when_we_are_killed)
{
	static const char *const argv[] = { "sh", "-c", "echo $$ >&3; sleep 60", NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	int pipes[2], status;
	pid_t us, program;
	unsigned job;

	EXPECT_EQ(pipe2(pipes, O_CLOEXEC), 0);
	us = fork();
	if (us == 0) {
		char line[16];
		int fd;

		set_up();
		fd = start(&j, &job);
		(void)snprintf(line, sizeof(line), "%d\n", read_pid(fd));
		EXPECT_EQ(io_write(pipes[1], line, strlen(line)), 0);
		(void)pause();
		_exit(0);
	}
	program = read_pid(pipes[0]);
	EXPECT(!is_gone(program));
	EXPECT_EQ(kill(us, SIGKILL), 0);
	EXPECT_EQ(waitpid(us, &status, 0), us);
	expect_gone(program);
}

static pid_t the_keeper(void)
{
	char path[64], text[32] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		test_skip("this kernel has no /proc/PID/task/TID/children");
	EXPECT(io_read(fd, text, sizeof(text) - 1) > 0);
	(void)close(fd);
	return (pid_t)strtol(text, NULL, 10);
}

TEST(a_keeper_that_is_killed_takes_its_programs_along_and_is_told)
{
	static const char *const argv[] = { "sh", "-c", "echo $$ >&3; exec sleep 60", NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	struct err e = { 0 };
	uint64_t before;
	pid_t program;
	unsigned job;
	int fd;

	set_up();
	fd = start(&j, &job);
	program = read_pid(fd);
	(void)close(fd);
	EXPECT_EQ(kill(the_keeper(), SIGKILL), 0);
	expect_gone(program);
	keeper_again(k, job);
	run();
	EXPECT_EQ(o.downs, 1);
	EXPECT_STR(o.why, "the process that keeps it is gone");
	/* Who asks at each answer, as vhost-user does, does not keep the loop busy. */
	before = loop_now_ns();
	keeper_again(k, job);
	run();
	EXPECT_EQ(o.downs, 2);
	EXPECT(loop_now_ns() - before >= 900000000);
	EXPECT_EQ(keeper_start(k, &j, &job, &fd, &e), -ENOTCONN);
	EXPECT_EQ(keeper_seal(k, &e), -EPIPE);
	EXPECT_STR(e.text, "the process that keeps vmm's programs is gone");
	tear_down();
}

TEST(what_a_keeper_did_not_live_to_remove_is_removed_without_it)
{
	char path[] = "/tmp/vmm-test-XXXXXX";
	struct stat made;
	struct err e;
	pid_t keeper;

	set_up();
	(void)close(mkstemp(path));
	EXPECT_EQ(lstat(path, &made), 0);
	litter_keeper(k);
	litter_made(path, &made);
	litter_drop(path, &made);
	EXPECT_EQ(access(path, F_OK), 0);
	keeper = the_keeper();
	EXPECT_EQ(kill(keeper, SIGKILL), 0);
	expect_gone(keeper);
	EXPECT_EQ(keeper_seal(k, &e), -EPIPE);
	EXPECT(keeper_is_lost(k));
	litter_drop(path, &made);
	EXPECT_EQ(access(path, F_OK), -1);
	litter_keeper(NULL);
	tear_down();
}

TEST(a_sealed_keeper_takes_no_new_job_but_keeps_the_old)
{
	static const char *const argv[] = { "sh", "-c", "echo $$ >&3; cat <&3", NULL };
	struct owner o = { 0 };
	struct keeper_job j = shell_job(argv, &o);
	struct err e = { 0 };
	unsigned job, other;
	int fd;

	set_up();
	fd = start(&j, &job);
	EXPECT_EQ(keeper_seal(k, &e), 0);
	EXPECT_EQ(keeper_start(k, &j, &other, &fd, &e), -EPERM);
	EXPECT_STR(e.text, "thing: nothing is started any more");
	keeper_again(k, job);
	run();
	EXPECT_EQ(o.ups, 1);
	(void)close(o.fd);
	tear_down();
}

/* As a program: takes a connection at the socket that it was given. */
static int accept_one(void)
{
	int fd = accept4(3, NULL, NULL, SOCK_CLOEXEC);

	return fd < 0 || io_write(fd, "accepted\n", 9);
}

/* --- dials ---------------------------------------------------------------------------------- */

static int dialed_fd;
static unsigned nr_dialed, dialed_well, dials_wanted;

static void on_dialed(void *ctx UNUSED, int fd)
{
	dialed_fd = fd;
	dialed_well += fd >= 0;
	if (++nr_dialed == dials_wanted)
		loop_stop(l);
}

/* Dials @n at once, and waits for all answers; how many are connected. */
static unsigned dial(unsigned job, uint32_t number, unsigned n)
{
	struct err e;

	nr_dialed = dialed_well = 0;
	dials_wanted = n;
	for (unsigned i = 0; i < n; i++)
		keeper_dial(k, job, number, on_dialed, NULL);
	EXPECT_EQ(nr_dialed, 0);
	EXPECT_EQ(loop_run(l, &e), 0);
	return dialed_well;
}

static int listen_as(const char *path, int backlog)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT_EQ(listen(fd, backlog), 0);
	return fd;
}

TEST(dials_reach_the_socket_with_that_number_and_no_other)
{
	char folder[] = "/tmp/test-keeper-XXXXXX", prefix[64], path[80], byte = 0;
	struct err e;
	unsigned job;
	int listener, fd;

	set_up();
	EXPECT(mkdtemp(folder));
	(void)snprintf(prefix, sizeof(prefix), "%s/s_", folder);
	(void)snprintf(path, sizeof(path), "%s4294967295", prefix);
	listener = listen_as(path, 8);
	EXPECT_EQ(keeper_dials(k, prefix, &job, &e), 0);
	EXPECT_EQ(keeper_seal(k, &e), 0);
	EXPECT_EQ(dial(job, UINT32_MAX, 1), 1);
	fd = accept(listener, NULL, NULL);
	EXPECT(fcntl(dialed_fd, F_GETFL) & O_NONBLOCK);
	EXPECT(fcntl(dialed_fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(write(dialed_fd, "x", 1), 1);
	EXPECT_EQ(read(fd, &byte, 1), 1);
	EXPECT_EQ(byte, 'x');
	EXPECT_EQ(dial(job, 0, 1), 0);
	EXPECT_EQ(dial(job, 429496729, KEEPER_MAX_DIALS), 0);

	/* No such job. */
	EXPECT_EQ(dial(job + 1, 5, 1), 0);
	(void)unlink(path);
	(void)rmdir(folder);
	tear_down();
}

static void accept_later(struct timer *t UNUSED)
{
	raise(SIGUSR1);
}

static int busy_listener;

static void accept_all(int sig UNUSED)
{
	for (int i = 0; i < KEEPER_MAX_DIALS; i++)
		(void)accept(busy_listener, NULL, NULL);
}

TEST(a_listener_that_is_busy_is_tried_again_for_a_while)
{
	char folder[] = "/tmp/test-keeper-XXXXXX", prefix[64], path[80];
	struct timer later = { .expired = accept_later };
	struct err e;
	unsigned job, made;

	set_up();
	EXPECT(mkdtemp(folder));
	(void)snprintf(prefix, sizeof(prefix), "%s/s_", folder);
	(void)snprintf(path, sizeof(path), "%s1", prefix);
	busy_listener = listen_as(path, 1);
	EXPECT_EQ(fcntl(busy_listener, F_SETFL, O_NONBLOCK), 0);
	(void)signal(SIGUSR1, accept_all);
	EXPECT_EQ(keeper_dials(k, prefix, &job, &e), 0);
	made = dial(job, 1, KEEPER_MAX_DIALS);
	EXPECT(made >= 1 && made < KEEPER_MAX_DIALS);
	loop_timer_arm(l, &later, loop_now_ns() + 100 * MS);
	EXPECT(dial(job, 1, 1) == 1);
	(void)unlink(path);
	(void)rmdir(folder);
	tear_down();
}

TEST(dials_end_when_the_process_does)
{
	struct err e;
	unsigned job;

	set_up();
	EXPECT_EQ(keeper_dials(k, "/tmp/nowhere_", &job, &e), 0);
	EXPECT_EQ(dial(job, 1, 1), 0);
	EXPECT_EQ(kill(the_keeper(), SIGKILL), 0);
	EXPECT_EQ(dial(job, 1, 3), 0);
	EXPECT_EQ(dial(job, 1, KEEPER_MAX_DIALS), 0);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		T(a_program_gets_its_end_of_a_pair_and_nothing_else),
		T(a_pair_has_all_the_room_that_the_host_allows),
		T(arguments_name_the_descriptor),
		T(a_listener_gets_our_connection),
		T(readiness_is_waited_for),
		T(a_program_that_ends_before_it_is_ready_has_failed),
		T(why_a_program_ended_can_be_asked_for),
		T(a_program_that_is_not_there_is_a_sentence),
		T(a_connection_is_made_by_path),
		T(a_listener_that_takes_nobody_does_not_keep_the_others_waiting),
		T(a_program_that_ends_is_told_and_started_again_when_asked),
		T(all_programs_end_with_the_keeper_even_stubborn_ones),
		T(all_programs_end_when_we_are_killed),
		T(a_keeper_that_is_killed_takes_its_programs_along_and_is_told),
		T(what_a_keeper_did_not_live_to_remove_is_removed_without_it),
		T(a_sealed_keeper_takes_no_new_job_but_keeps_the_old),
		T(dials_reach_the_socket_with_that_number_and_no_other),
		T(a_listener_that_is_busy_is_tried_again_for_a_while),
		T(dials_end_when_the_process_does),
		{ NULL, NULL },
	};

	if (argc == 2 && strcmp(argv[1], "--accept") == 0)
		return accept_one();
	return test_main(tests, argc, argv);
}
