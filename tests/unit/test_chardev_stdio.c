/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stdio. The console runs in a child process, "vmm"; the test is its shell, its terminal and its
 * user: session leader, owner of the other side of the pty, and typist.
 */
#include "tests/lib/chardev_rig.h"
#include "vmm/base/log.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

enum { ENDED = 7, LOST = 8 }; /* exit statuses of the child */

/* --- the child: a guest that echoes, or one that hangs -------------------------------------- */

enum guest { ECHOES, HANGS, CRASHES, EXITS, MEASURES, ENDS };

struct vmm {
	struct chardev_front front;
	struct loop *loop;
	struct chardev *chr;
	struct watch signals;
	enum guest guest;
	int status;
	uint8_t held[256]; /* read and not yet echoed */
	size_t n_held;
	uint16_t cols, rows; /* as said last */
};

/* Says the terminal's size whenever it is another. */
static void vmm_measure(struct vmm *v)
{
	uint16_t cols, rows;
	char line[32];
	int n;

	chardev_size(v->chr, &cols, &rows);
	if (cols == v->cols && rows == v->rows)
		return;
	v->cols = cols;
	v->rows = rows;
	n = snprintf(line, sizeof(line), "%ux%u\n", cols, rows);
	EXPECT_EQ(chardev_write(v->chr, line, (size_t)n), n);
}

static void vmm_ready(struct chardev_front *f)
{
	struct vmm *v = container_of(f, struct vmm, front);
	size_t n;

	if (v->guest == MEASURES)
		vmm_measure(v);
	if (v->guest == ENDS)
		loop_stop(v->loop);
	if (v->guest == HANGS || v->guest == MEASURES || v->guest == ENDS)
		return;
	do {
		n = chardev_write(v->chr, v->held, v->n_held);
		v->n_held -= n;
		memmove(v->held, v->held + n, v->n_held);
		if (!v->n_held)
			v->n_held = chardev_read(v->chr, v->held, sizeof(v->held));
		else if (!n)
			(void)chardev_room(v->chr);
	} while (v->n_held && chardev_room(v->chr));
}

static bool vmm_command(void *ctx, char letter)
{
	struct vmm *v = ctx;

	if (letter == 'x') {
		v->status = ENDED;
		loop_stop(v->loop);
	} else if (letter == 'k') {
		if (v->guest == CRASHES)
			chardev_restore_terminal();
		if (v->guest == EXITS)
			exit(ENDED);
		_exit(ENDED);
	}
	return letter == 'x';
}

static void vmm_lost(void *ctx, const char *why)
{
	struct vmm *v = ctx;

	log_error("lost: %s", why);
	v->status = LOST;
	loop_stop(v->loop);
}

static void vmm_signal(struct watch *w, uint32_t events UNUSED)
{
	struct vmm *v = container_of(w, struct vmm, signals);
	struct signalfd_siginfo info;

	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGTERM) {
		v->status = ENDED;
		loop_stop(v->loop);
	} else {
		chardev_job_control(v->chr, (int)info.ssi_signo);
	}
}

/* Has opening anew through /proc refused, as for another user's terminal. */
static bool refuse_reopen;

static void limit_files(rlim_t n)
{
	struct rlimit lim;

	(void)getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = n < lim.rlim_max ? n : lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

static void vmm_main(enum guest guest)
{
	struct vmm v = {
		.front.ready = vmm_ready,
		.signals.ready = vmm_signal,
		.guest = guest,
	};
	const struct chardev_commands commands = {
		.command = vmm_command,
		.lost = vmm_lost,
		.help = "x  end\nk  die",
		.ctx = &v,
	};
	sigset_t set;
	struct err e;
	int fd;

	(void)signal(SIGHUP, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTSTP);
	(void)sigaddset(&set, SIGCONT);
	(void)sigaddset(&set, SIGWINCH);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	v.loop = loop_create(&e);
	if (!v.loop || loop_watch(v.loop, &v.signals, fd, EPOLLIN, &e))
		_exit(1);
	if (refuse_reopen)
		limit_files(3);
	v.chr = chardev_open(CHARDEV_STDIO, NULL, &commands, v.loop, &e);
	if (!v.chr)
		_exit(2);
	limit_files(1024);
	chardev_attach(v.chr, &v.front);
	if (loop_run(v.loop, &e))
		_exit(3);
	loop_unwatch(&v.signals);
	if (guest == ENDS)
		EXPECT_EQ(chardev_write(v.chr, "last words\n", 11), 11);
	chardev_close(v.chr);
	loop_destroy(v.loop);
	(void)close(fd);
	exit(v.status);
}

/* --- the shell ------------------------------------------------------------------------------ */

static int term = -1, tty = -1; /* our side, and the side that programs see */
static int words = -1;		/* what the child says on stderr */
static pid_t child;

static void new_terminal(void)
{
	(void)signal(SIGTTOU, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)setsid();
	term = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	EXPECT(term >= 0 && grantpt(term) == 0 && unlockpt(term) == 0);
	tty = open(ptsname(term), O_RDWR | O_NOCTTY | O_CLOEXEC);
	EXPECT(tty >= 0);
	EXPECT_EQ(ioctl(tty, TIOCSCTTY, 0), 0);
}

static void foreground(pid_t group)
{
	EXPECT_EQ(tcsetpgrp(tty, group), 0);
}

static void shell(void)
{
	foreground(getpgrp());
}

/* Starts vmm in a process group of its own, with these for its standard files. */
static void start_on(enum guest guest, int in, int out, bool front)
{
	int go[2], err[2];

	EXPECT_EQ(pipe2(go, O_CLOEXEC), 0);
	EXPECT_EQ(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
	child = fork();
	EXPECT(child >= 0);
	if (child == 0) {
		char c;

		(void)alarm(60);
		(void)signal(SIGTTOU, SIG_DFL);
		(void)dup2(in, 0);
		(void)dup2(out, 1);
		(void)dup2(err[1], 2);
		(void)!read(go[0], &c, 1);
		(void)close_range(3, UINT32_MAX, 0);
		vmm_main(guest);
	}
	EXPECT_EQ(setpgid(child, child), 0);
	if (front)
		foreground(child);
	EXPECT_EQ(write(go[1], "g", 1), 1);
	(void)close(go[0]);
	(void)close(go[1]);
	(void)close(err[1]);
	words = err[0];
}

static int ended(void)
{
	int status;

	EXPECT_EQ(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		test_fail(__FILE__, __LINE__, "vmm ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static bool is_raw(void)
{
	struct termios t;

	EXPECT_EQ(tcgetattr(tty, &t), 0);
	EXPECT_EQ(!(t.c_lflag & ICANON), !(t.c_oflag & OPOST));
	EXPECT_EQ(!(t.c_lflag & ICANON), !(t.c_lflag & ECHO));
	return !(t.c_lflag & ICANON);
}

static void wait_raw(bool raw)
{
	for (int i = 0; i < 5000 && is_raw() != raw; i++)
		rig_sleep(1);
	EXPECT_EQ(is_raw(), raw);
}

static void start(enum guest guest)
{
	new_terminal();
	start_on(guest, tty, tty, true);
	wait_raw(true);
}

/* Behind what was typed before there may be no room yet. */
static void type(const char *text)
{
	while (*text) {
		ssize_t n;

		rig_wait(term, POLLOUT);
		n = write(term, text, strlen(text));
		EXPECT(n > 0 || errno == EAGAIN);
		text += n > 0 ? n : 0;
	}
}

static void expect_text(int fd, const char *text)
{
	char buf[256] = "";
	size_t n = 0, want = strlen(text);

	while (n < want) {
		ssize_t got;

		rig_wait(fd, POLLIN);
		got = read(fd, buf + n, want - n);
		if (got <= 0)
			test_fail(__FILE__, __LINE__, "read: %zd, errno %d", got, errno);
		n += (size_t)got;
	}
	EXPECT_STR(buf, text);
}

static void expect_words(const char *text)
{
	char buf[2048] = "";
	size_t n = 0;

	while (!strstr(buf, text) && n < sizeof(buf) - 1) {
		struct pollfd p = { .fd = words, .events = POLLIN };
		ssize_t got =
			poll(&p, 1, 10000) == 1 ? read(words, buf + n, sizeof(buf) - 1 - n) : 0;

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	EXPECT_HAS(buf, text);
}

static uint64_t child_cpu_ms(void)
{
	char path[64], line[1024] = "";
	unsigned long user = 0, sys = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
	f = fopen(path, "re");
	EXPECT(f != NULL);
	EXPECT(fgets(line, sizeof(line), f) != NULL);
	(void)fclose(f);
	EXPECT_EQ(sscanf(strrchr(line, ')'),
			 ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys),
		  2);
	return (user + sys) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* --- the terminal --------------------------------------------------------------------------- */

TEST(a_terminal_is_raw_while_the_guest_runs_and_restored_after)
{
	start(ECHOES);
	type("hello\r\n\003\032\004"); /* Ctrl-c, Ctrl-z and Ctrl-d are the guest's */
	expect_text(term, "hello\r\n\003\032\004");
	type("\001x");
	EXPECT_EQ(ended(), ENDED);
	EXPECT(!is_raw());
}

TEST(a_terminal_passes_every_byte_and_a_long_paste_whole)
{
	enum { PASTE = 100 * 1024 };
	static uint8_t sent[PASTE], got[PASTE];
	size_t n_sent = 0, n_got = 0;

	start(ECHOES);
	rig_fill(sent, 0, PASTE);
	for (size_t i = 0; i < PASTE; i++)
		if (sent[i] == 1)
			sent[i] = 2; /* that one is the escape */
	while (n_got < PASTE) {
		struct pollfd p = { .fd = term, .events = POLLIN };
		ssize_t n;

		if (n_sent < PASTE)
			p.events |= POLLOUT;
		EXPECT_EQ(poll(&p, 1, 20000), 1);
		if (p.revents & POLLOUT) {
			n = write(term, sent + n_sent, PASTE - n_sent);
			n_sent += n > 0 ? (size_t)n : 0;
		}
		if (p.revents & POLLIN) {
			n = read(term, got + n_got, PASTE - n_got);
			n_got += n > 0 ? (size_t)n : 0;
		}
	}
	EXPECT_EQ(memcmp(sent, got, PASTE), 0);
	type("\001x");
	EXPECT_EQ(ended(), ENDED);
}

static void resize(uint16_t cols, uint16_t rows)
{
	const struct winsize size = { .ws_col = cols, .ws_row = rows };

	EXPECT_EQ(ioctl(term, TIOCSWINSZ, &size), 0);
}

TEST(the_size_of_the_terminal_is_known_and_followed)
{
	new_terminal();
	resize(80, 25);
	start_on(MEASURES, tty, tty, true);
	expect_text(term, "80x25\n");
	resize(132, 50);
	expect_text(term, "132x50\n");

	/* Also what changed while we were stopped. */
	EXPECT_EQ(kill(child, SIGSTOP), 0);
	EXPECT_EQ(waitpid(child, NULL, WUNTRACED), child);
	shell();
	resize(40, 10);
	foreground(child);
	EXPECT_EQ(kill(child, SIGCONT), 0);
	expect_text(term, "40x10\n");
	type("\001x");
	EXPECT_EQ(ended(), ENDED);
}

TEST(help_and_unknown_letters_are_answered_on_stderr)
{
	start(ECHOES);
	type("\001h");
	expect_words("Ctrl-a k  die");
	type("\001?");
	expect_words("vmm: Ctrl-a a  a Ctrl-a for the guest\n");
	type("\001q\001\r");
	expect_words("Ctrl-a q is unknown; Ctrl-a h lists what there is\n"
		     "vmm: Ctrl-a and byte 0x0d is unknown");
	type("a\001a\001\001b");
	expect_text(term, "a\001\001b");
	type("\001");
	rig_sleep(50);
	type("x");
	EXPECT_EQ(ended(), ENDED);
}

TEST(the_escape_works_behind_much_input_that_a_hung_guest_does_not_read)
{
	enum { PASTE = 100 * 1024 };
	static char junk[PASTE];
	size_t n_sent = 0;

	start(HANGS);
	memset(junk, 'j', PASTE);
	while (n_sent < PASTE) {
		ssize_t n;

		rig_wait(term, POLLOUT);
		n = write(term, junk, PASTE - n_sent);
		n_sent += n > 0 ? (size_t)n : 0;
	}
	type("\001x");
	EXPECT_EQ(ended(), ENDED);
	EXPECT(!is_raw());
}

TEST(a_crash_handler_and_exit_restore_the_terminal)
{
	struct termios before = { 0 }, after = { 0 }; /* there is padding */

	start(CRASHES);
	type("\001k");
	EXPECT_EQ(ended(), ENDED);
	EXPECT(!is_raw());
	shell();
	EXPECT_EQ(tcgetattr(tty, &before), 0);
	start_on(EXITS, tty, tty, true);
	wait_raw(true);
	type("\001k");
	EXPECT_EQ(ended(), ENDED);
	EXPECT_EQ(tcgetattr(tty, &after), 0);
	EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);
}

TEST(a_closed_terminal_is_lost)
{
	start(ECHOES);
	(void)close(term);
	EXPECT_EQ(ended(), LOST);
	expect_words("the terminal hung up");
}

TEST(a_closed_terminal_is_lost_also_when_the_guest_hangs_and_output_waits)
{
	static const uint8_t junk[4096];
	ssize_t n;

	start(ECHOES);
	do { /* nobody reads what is echoed, so both ways fill up */
		rig_sleep(20);
		n = write(term, junk, sizeof(junk));
	} while (n > 0);
	rig_sleep(50);
	(void)close(term);
	EXPECT_EQ(ended(), LOST);
}

TEST(a_terminal_that_hung_up_before_we_began_is_lost)
{
	new_terminal();
	(void)close(term);
	term = -1;
	start_on(ECHOES, tty, tty, false);
	EXPECT_EQ(ended(), LOST);
}

TEST(a_hung_up_terminal_is_noticed_in_the_background)
{
	new_terminal();
	start_on(ECHOES, tty, tty, false);
	rig_sleep(100);
	(void)close(term);
	EXPECT_EQ(ended(), LOST);
}

/* --- job control ---------------------------------------------------------------------------- */

static void expect_stopped(void)
{
	int status;

	EXPECT_EQ(waitpid(child, &status, WUNTRACED), child);
	EXPECT(WIFSTOPPED(status));
}

static void expect_running(void)
{
	int status;

	EXPECT_EQ(waitpid(child, &status, WUNTRACED | WNOHANG), 0);
}

TEST(in_the_background_the_terminal_is_left_alone_until_it_is_ours)
{
	new_terminal();
	start_on(ECHOES, tty, tty, false);
	rig_sleep(100);
	EXPECT(!is_raw());
	type("for the shell\n");
	rig_sleep(100);
	expect_running();
	foreground(child); /* and no signal says so */
	wait_raw(true);
	type("\001x");
	EXPECT_EQ(ended(), ENDED);
	EXPECT(!is_raw());
}

TEST(a_stop_from_outside_restores_and_a_continuation_takes_the_terminal)
{
	struct termios t;

	start(ECHOES);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(kill(child, SIGTSTP), 0);
		expect_stopped();
		EXPECT(!is_raw());
		shell();

		EXPECT_EQ(kill(child, SIGCONT), 0); /* bg */
		rig_sleep(50);
		EXPECT(!is_raw());
		expect_running();

		/* What is changed meanwhile is what is restored. */
		EXPECT_EQ(tcgetattr(tty, &t), 0);
		t.c_cc[VERASE] = (cc_t)('A' + i);
		EXPECT_EQ(tcsetattr(tty, TCSANOW, &t), 0);
		foreground(child); /* fg */
		EXPECT_EQ(kill(child, SIGCONT), 0);
		wait_raw(true);
		type("back");
		expect_text(term, "back");
	}
	type("\001x");
	EXPECT_EQ(ended(), ENDED);
	EXPECT(!is_raw());
	EXPECT_EQ(tcgetattr(tty, &t), 0);
	EXPECT_EQ(t.c_cc[VERASE], 'C');
}

TEST(a_stop_that_cannot_be_caught_does_not_lose_the_settings)
{
	start(ECHOES);
	EXPECT_EQ(kill(child, SIGSTOP), 0);
	expect_stopped();
	shell(); /* one that does not care about settings */
	EXPECT(is_raw());
	type("x");
	EXPECT_EQ(kill(child, SIGCONT), 0);
	rig_sleep(100);
	expect_running(); /* reading in the background would have stopped it */
	foreground(child);
	expect_text(term, "x");
	EXPECT_EQ(kill(child, SIGSTOP), 0);
	expect_stopped();
	shell();
	EXPECT_EQ(kill(child, SIGTERM), 0);
	EXPECT_EQ(kill(child, SIGCONT), 0);
	EXPECT_EQ(ended(), ENDED);
	EXPECT(!is_raw()); /* in the background, but still as vmm had left it */
}

/* --- what may not be opened anew ------------------------------------------------------------ */

static bool is_nonblocking(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

TEST(a_terminal_that_cannot_be_opened_anew_is_put_back_as_it_was)
{
	refuse_reopen = true;
	start(ECHOES);
	type("hello");
	expect_text(term, "hello");
	EXPECT(is_nonblocking(tty)); /* shows that this is the way under test */
	EXPECT_EQ(kill(child, SIGTSTP), 0);
	expect_stopped();
	EXPECT(!is_raw());
	EXPECT(!is_nonblocking(tty));
	EXPECT_EQ(kill(child, SIGCONT), 0);
	wait_raw(true);
	type("again");
	expect_text(term, "again");
	type("\001x");
	EXPECT_EQ(ended(), ENDED);
	EXPECT(!is_raw());
	EXPECT(!is_nonblocking(tty));

	shell();
	start_on(CRASHES, tty, tty, true);
	wait_raw(true);
	type("!");
	expect_text(term, "!");
	EXPECT(is_nonblocking(tty));
	type("\001k");
	EXPECT_EQ(ended(), ENDED);
	EXPECT(!is_raw());
	EXPECT(!is_nonblocking(tty));
}

static int pipe_in[2], pipe_out[2];

static void *send_pipe(void *arg UNUSED)
{
	rig_send(pipe_in[1], 0, 1 << 20, NULL);
	return NULL;
}

TEST(pipes_that_cannot_be_opened_anew_carry_every_byte_too)
{
	pthread_t t;

	refuse_reopen = true;
	EXPECT_EQ(pipe2(pipe_in, O_CLOEXEC), 0);
	EXPECT_EQ(pipe2(pipe_out, O_CLOEXEC), 0);
	start_on(ECHOES, pipe_in[0], pipe_out[1], false);
	t = rig_spawn(send_pipe, NULL);
	rig_check(pipe_out[0], 0, 1 << 20, 2);
	(void)pthread_join(t, NULL);
	EXPECT(!is_nonblocking(pipe_in[0]));
	EXPECT(is_nonblocking(pipe_out[1]));
	EXPECT_EQ(kill(child, SIGTERM), 0);
	EXPECT_EQ(ended(), ENDED);
	EXPECT(!is_nonblocking(pipe_out[1]));
}

/* --- no terminal ---------------------------------------------------------------------------- */

static void start_on_pipes(enum guest guest)
{
	EXPECT_EQ(pipe2(pipe_in, O_CLOEXEC), 0);
	EXPECT_EQ(pipe2(pipe_out, O_CLOEXEC), 0);
	start_on(guest, pipe_in[0], pipe_out[1], false);
	(void)close(pipe_out[1]);
}

TEST(pipes_carry_every_byte_both_ways_with_a_slow_reader)
{
	pthread_t t;

	start_on_pipes(ECHOES);
	t = rig_spawn(send_pipe, NULL);
	rig_check(pipe_out[0], 0, 1 << 20, 2);
	(void)pthread_join(t, NULL);
	EXPECT(!is_nonblocking(pipe_in[0])); /* shared with us, left as it was */
	EXPECT_EQ(kill(child, SIGTERM), 0);
	EXPECT_EQ(ended(), ENDED);
}

TEST(the_end_of_input_is_not_the_end_of_the_guest_and_nobody_spins)
{
	uint64_t before;

	start_on_pipes(ECHOES);
	(void)!write(pipe_in[1], "last\001x", 6); /* a pipe has no escape */
	(void)close(pipe_in[1]);
	(void)close(pipe_in[0]);
	expect_text(pipe_out[0], "last\001x");
	before = child_cpu_ms();
	rig_sleep(700);
	EXPECT(child_cpu_ms() - before < 200);
	EXPECT_EQ(kill(child, SIGTERM), 0);
	EXPECT_EQ(ended(), ENDED);
}

TEST(a_reader_of_stdout_that_went_away_is_lost)
{
	start_on_pipes(ECHOES);
	(void)close(pipe_out[0]);
	(void)!write(pipe_in[1], "x", 1);
	EXPECT_EQ(ended(), LOST);
	expect_words("the reader of standard output has gone");
}

TEST(last_words_that_nobody_reads_are_told)
{
	start_on_pipes(ENDS);
	(void)close(pipe_out[0]);
	(void)!write(pipe_in[1], "x", 1);
	EXPECT_EQ(ended(), 0);
	expect_words("nobody reads; the last 11 bytes of output are lost");
}

TEST(a_socket_serves_for_both)
{
	int s[2];

	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	start_on(ECHOES, s[1], s[1], false);
	pipe_in[1] = s[0];
	rig_send(s[0], 0, 30000, NULL);
	rig_check(s[0], 0, 30000, 0);
	EXPECT(!is_nonblocking(s[1]));
	(void)close(s[1]);
	EXPECT_EQ(kill(child, SIGTERM), 0);
	EXPECT_EQ(ended(), ENDED);
}

TEST(files_serve_for_both)
{
	enum { MUCH = 300000 };
	char in[200], out[200];
	int fd, got;
	struct stat st = { 0 };

	(void)snprintf(in, sizeof(in), "%s", rig_path("in"));
	(void)snprintf(out, sizeof(out), "%s", rig_path("out"));
	fd = open(in, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	rig_send(fd, 0, MUCH, NULL);
	EXPECT_EQ(lseek(fd, 1000, SEEK_SET), 1000); /* where the one before us stopped reading */
	got = open(out, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	start_on(ECHOES, fd, got, false);
	for (int i = 0; i < 10000 && st.st_size < MUCH - 1000; i++) {
		rig_sleep(1);
		EXPECT_EQ(stat(out, &st), 0);
	}
	EXPECT_EQ(kill(child, SIGTERM), 0);
	EXPECT_EQ(ended(), ENDED);
	EXPECT_EQ(lseek(got, 0, SEEK_SET), 0);
	rig_check(got, 1000, MUCH - 1000, 0);
	(void)unlink(in);
	(void)unlink(out);
	rig_remove_folder();
}

TEST(dev_null_and_closed_files_are_no_input_and_nobody_spins)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	uint64_t before;

	start_on(ECHOES, null, null, false);
	rig_sleep(100);
	before = child_cpu_ms();
	rig_sleep(500);
	EXPECT(child_cpu_ms() - before < 200);
	EXPECT_EQ(kill(child, SIGTERM), 0);
	EXPECT_EQ(ended(), ENDED);
}

TEST(stdin_from_a_pipe_leaves_a_terminal_on_stdout_as_it_is)
{
	new_terminal();
	EXPECT_EQ(pipe2(pipe_in, O_CLOEXEC), 0);
	start_on(ECHOES, pipe_in[0], tty, true);
	(void)!write(pipe_in[1], "a\r\n", 3);
	expect_text(term, "a\r\r\n"); /* the terminal's own post-processing */
	EXPECT(!is_raw());
	EXPECT_EQ(kill(child, SIGTERM), 0);
	EXPECT_EQ(ended(), ENDED);
}

TEST(a_terminal_serves_beside_a_pipe_for_stdout)
{
	new_terminal();
	EXPECT_EQ(pipe2(pipe_out, O_CLOEXEC), 0);
	start_on(ECHOES, tty, pipe_out[1], true);
	(void)close(pipe_out[1]);
	wait_raw(true);
	type("tee\r\n");
	expect_text(pipe_out[0], "tee\r\n");
	type("\001x");
	EXPECT_EQ(ended(), ENDED);
	EXPECT(!is_raw());
}

/* Else the loop would wait in writing the line, behind the output that nobody reads. */
TEST(a_stall_of_stdout_that_is_stderr_as_well_is_told_when_it_is_over)
{
	static const char line[] =
		"vmm: stdio: nobody read for a while; 8 bytes of output were dropped\n";
	static uint8_t got[4 * CHARDEV_RING];
	size_t queued = 0, n_got = 0, n;
	uint8_t *said;
	struct rig r;
	int out, err;

	EXPECT_EQ(pipe2(pipe_out, O_CLOEXEC), 0);
	out = dup(1);
	err = dup(2);
	(void)dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
	(void)dup2(pipe_out[1], 1);
	(void)dup2(pipe_out[1], 2);
	rig_open(&r, CHARDEV_STDIO, NULL);
	rig_run(&r);
	do {
		for (n = 0; rig_room(&r) > 0; n++) {
			uint8_t byte = rig_byte(queued++);

			(void)rig_write(&r, &byte, 1);
		}
		rig_sleep(20);
	} while (n);
	while (rig_room(&r) == 0)
		rig_sleep(1);
	(void)rig_write(&r, "dropped", 7);
	rig_sleep(100);
	rig_put(&r, 0, 1); /* the loop lives, and this is dropped as well */
	while (n_got < queued + sizeof(line) - 1) {
		ssize_t part;

		rig_wait(pipe_out[0], POLLIN);
		part = read(pipe_out[0], got + n_got, sizeof(got) - n_got);
		EXPECT(part > 0);
		n_got += (size_t)part;
	}
	(void)dup2(out, 1);
	(void)dup2(err, 2);
	rig_stop(&r);
	rig_close(&r);
	said = memmem(got, n_got, line, sizeof(line) - 1); /* somewhere among the output */
	EXPECT(said != NULL);
	n = (size_t)(said - got);
	rig_expect(got, 0, n);
	rig_expect(said + sizeof(line) - 1, n, queued - n);
}

TEST_MAIN(T(a_terminal_is_raw_while_the_guest_runs_and_restored_after),
	  T(a_terminal_passes_every_byte_and_a_long_paste_whole),
	  T(the_size_of_the_terminal_is_known_and_followed),
	  T(help_and_unknown_letters_are_answered_on_stderr),
	  T(the_escape_works_behind_much_input_that_a_hung_guest_does_not_read),
	  T(a_crash_handler_and_exit_restore_the_terminal), T(a_closed_terminal_is_lost),
	  T(a_closed_terminal_is_lost_also_when_the_guest_hangs_and_output_waits),
	  T(a_terminal_that_hung_up_before_we_began_is_lost),
	  T(a_hung_up_terminal_is_noticed_in_the_background),
	  T(in_the_background_the_terminal_is_left_alone_until_it_is_ours),
	  T(a_stop_from_outside_restores_and_a_continuation_takes_the_terminal),
	  T(a_stop_that_cannot_be_caught_does_not_lose_the_settings),
	  T(a_terminal_that_cannot_be_opened_anew_is_put_back_as_it_was),
	  T(pipes_that_cannot_be_opened_anew_carry_every_byte_too),
	  T(pipes_carry_every_byte_both_ways_with_a_slow_reader),
	  T(the_end_of_input_is_not_the_end_of_the_guest_and_nobody_spins),
	  T(a_reader_of_stdout_that_went_away_is_lost), T(last_words_that_nobody_reads_are_told),
	  T(a_socket_serves_for_both), T(files_serve_for_both),
	  T(dev_null_and_closed_files_are_no_input_and_nobody_spins),
	  T(stdin_from_a_pipe_leaves_a_terminal_on_stdout_as_it_is),
	  T(a_terminal_serves_beside_a_pipe_for_stdout),
	  T(a_stall_of_stdout_that_is_stderr_as_well_is_told_when_it_is_over))
