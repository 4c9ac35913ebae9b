/* SPDX-License-Identifier: Apache-2.0 */
/* The host's half of `vmm run -- COMMAND`: the test is the guest at the ports. */
#include "tests/lib/chardev_rig.h"
#include "vmm/base/io.h"
#include "vmm/base/keys.h"
#include "vmm/base/scope.h"
#include "vmm/command.h"
#include "vmm/host/chardev_back.h"
#include "vmm/messages.h"
#include "vmm/sandbox/sandbox.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct bench {
	struct loop *loop;
	struct command c;
	struct virtio_console_port port[COMMAND_PORTS];
	int in, out, errors; /* what stands around vmm */
	int real_errors;
	int status; /* of the command; -1: it is not over */
	struct timer pause;
};

static struct bench b;

static void over(void *ctx UNUSED, int status)
{
	EXPECT_EQ(b.status, -1);
	b.status = status;
}

static void paused(struct timer *t UNUSED)
{
	loop_stop(b.loop);
}

/* Lets the loop run for a while. */
static void turn(void)
{
	struct err e;

	loop_timer_arm(b.loop, &b.pause, loop_now_ns() + 5 * RIG_MS);
	EXPECT_EQ(loop_run(b.loop, &e), 0);
}

/* A pipe of which one end takes the place of a standard fd; the other one. */
static int stand_in(int fd, bool reads)
{
	int ends[2];

	EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
	EXPECT(dup2(ends[!reads], fd) == fd);
	(void)close(ends[!reads]);
	return ends[reads];
}

static void begin(void)
{
	const struct command_events ev = { .over = over };
	struct err e;

	b = (struct bench){ .status = -1, .pause = { .expired = paused } };
	(void)signal(SIGPIPE, SIG_IGN);
	b.in = stand_in(STDIN_FILENO, true);
	b.out = stand_in(STDOUT_FILENO, false);
	b.real_errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
	b.errors = stand_in(STDERR_FILENO, false);
	b.loop = loop_create(&e);
	EXPECT_EQ(command_open(&b.c, NULL, &ev, b.loop, &e), 0);
	command_ports(&b.c, b.port);
	/* For the sentences of this test; what the command has is a copy. */
	EXPECT(dup2(b.real_errors, STDERR_FILENO) == STDERR_FILENO);
}

static void end(void)
{
	command_close(&b.c);
	loop_destroy(b.loop);
}

/* The guest reads a record from its port of them. */
static void expect_record(enum command_word word, uint32_t value, uint64_t n)
{
	struct command_record r = { 0 };
	size_t len = 0;

	for (int i = 0; i < 100 && len < sizeof(r); i++) {
		len += chardev_read(b.port[3].chardev, (char *)&r + len, sizeof(r) - len);
		if (len < sizeof(r))
			turn();
	}
	EXPECT_EQ(len, sizeof(r));
	EXPECT_EQ(r.word, word);
	EXPECT_EQ(r.value, value);
	EXPECT_EQ(r.n[0], n);
}

static void guest_says(enum command_word word, uint32_t value, uint64_t out, uint64_t errors)
{
	const struct command_record r = { .word = word, .value = value, .n = { out, errors } };

	EXPECT_EQ(chardev_write(b.port[3].chardev, &r, 7), 7);
	turn();
	EXPECT_EQ(chardev_write(b.port[3].chardev, (const char *)&r + 7, sizeof(r) - 7),
		  sizeof(r) - 7);
	turn();
}

TEST(command_is_told_how_to_begin)
{
	begin();
	EXPECT_STR(b.port[0].name, "vmm.stdin");
	EXPECT_STR(b.port[1].name, "vmm.stdout");
	EXPECT_STR(b.port[2].name, "vmm.stderr");
	EXPECT_STR(b.port[3].name, "vmm.control");
	expect_record(COMMAND_START, COMMAND_ERRORS_APART, 0); /* pipes are no terminal */
	EXPECT(command_terminal(&b.c) == NULL);
	end();
}

TEST(command_s_input_comes_whole_and_ends)
{
	uint8_t buf[512];
	size_t done = 0;

	begin();
	expect_record(COMMAND_START, COMMAND_ERRORS_APART, 0);
	rig_fill(buf, 0, 500);
	EXPECT_EQ(write(b.in, buf, 500), 500);
	(void)close(b.in);
	expect_record(COMMAND_INPUT_ENDS, 0, 500); /* however little of it the guest has read */
	while (done < 500) {
		size_t n = chardev_read(b.port[0].chardev, buf, sizeof(buf));

		EXPECT(n > 0);
		rig_expect(buf, done, n);
		done += n;
	}
	EXPECT_EQ(chardev_peers(b.port[0].chardev) % 2,
		  1); /* a port that closes could be misread */
	end();
}

/* Ends with how many bytes came, or with 9x. The command's streams are opened first, as in vmm. */
static void reads_behind_the_sandbox(void)
{
	const struct command_events ev = { .over = over };
	char line[16];
	struct err e;
	size_t n;

	b = (struct bench){ .status = -1, .pause = { .expired = paused } };
	b.loop = loop_create(&e);
	if (!b.loop || command_open(&b.c, NULL, &ev, b.loop, &e))
		_exit(97);
	command_ports(&b.c, b.port);
	/* A first lock finds out whose it is. */
	if (chardev_write(b.port[1].chardev, "x", 1) != 1 ||
	    sandbox_build(SANDBOX_ON, false, NULL, &e))
		_exit(98);
	sandbox_enter(THREAD_MAIN);
	/* As the loop would; it waits by another call on x86. */
	chardev_input(b.port[0].chardev);
	n = chardev_read(b.port[0].chardev, line, sizeof(line));
	/* Not _exit(), before which sanitizers make a call that vmm has no use for. */
	(void)syscall(SYS_exit_group, (int)n);
}

TEST(what_is_typed_is_read_behind_the_sandbox_where_only_the_output_is_a_pipe)
{
	int term = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), tty, status, out[2];
	pid_t child;

	EXPECT(term >= 0 && grantpt(term) == 0 && unlockpt(term) == 0);
	tty = open(ptsname(term), O_RDWR | O_NOCTTY | O_CLOEXEC);
	EXPECT(tty >= 0);
	EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
	EXPECT_EQ(write(term, "typed\n", 6), 6);
	child = fork();
	EXPECT(child >= 0);
	if (child == 0) {
		(void)dup2(tty, STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		reads_behind_the_sandbox();
	}
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 6);
	(void)close(term);
	(void)close(tty);
	(void)close(out[0]);
	(void)close(out[1]);
}

TEST(command_is_over_when_its_output_is_out_and_not_before)
{
	static uint8_t buf[CHARDEV_RING];
	size_t written = 0;

	begin();
	guest_says(COMMAND_STARTED, 0, 0, 0);
	EXPECT_EQ(b.c.state, COMMAND_RUNS);
	rig_fill(buf, 0, sizeof(buf));
	/* More than the pipe takes, and the last of it comes after its end is told. */
	written = chardev_write(b.port[1].chardev, buf, sizeof(buf));
	turn();
	guest_says(COMMAND_EXITED, 0x12345, written + 60000, 4);
	EXPECT_EQ(b.status, -1);
	rig_fill(buf, written, 60000);
	EXPECT_EQ(chardev_write(b.port[1].chardev, buf, 60000), 60000);
	EXPECT_EQ(chardev_write(b.port[2].chardev, "oops", 4), 4);
	for (int i = 0; i < 4; i++)
		turn();
	EXPECT_EQ(b.status, -1);
	EXPECT_EQ(b.c.state, COMMAND_LEAVING);
	rig_check(b.out, 0, 65536, 0);
	for (int i = 0; i < 100 && b.status < 0; i++)
		turn();
	EXPECT_EQ(b.status, 0x45);
	EXPECT_EQ(b.c.state, COMMAND_OVER);
	rig_check(b.out, 65536, written + 60000 - 65536, 0);
	EXPECT_EQ(read(b.errors, buf, sizeof(buf)), 4);
	end();
}

TEST(command_without_a_reader_is_told_and_not_waited_for)
{
	begin();
	expect_record(COMMAND_START, COMMAND_ERRORS_APART, 0);
	(void)close(b.out);
	EXPECT_EQ(chardev_write(b.port[1].chardev, "x\n", 2), 2);
	expect_record(COMMAND_CLOSED, 0, 0);
	EXPECT_EQ(chardev_write(b.port[1].chardev, "y\n", 2), 2); /* goes nowhere */
	guest_says(COMMAND_EXITED, 141, 1000000, 0);
	EXPECT_EQ(b.status, 141);
	end();
}

TEST(signals_reach_the_guest_until_it_is_deaf)
{
	begin();
	expect_record(COMMAND_START, COMMAND_ERRORS_APART, 0);
	EXPECT(command_signal(&b.c, SIGUSR1, false));
	guest_says(COMMAND_STARTED, 0, 0, 0);
	expect_record(COMMAND_SIGNAL, SIGUSR1, 0);
	guest_says(COMMAND_TOOK, SIGUSR1, 0, 0);
	EXPECT(command_signal(&b.c, SIGINT, true));
	EXPECT(command_signal(&b.c, SIGINT, true)); /* soon after: it may be about to */
	expect_record(COMMAND_SIGNAL, SIGINT, 1);
	expect_record(COMMAND_SIGNAL, SIGINT, 1);
	b.c.untaken_ns -= 2000000000ULL;
	EXPECT(!command_signal(&b.c, SIGINT, true));
	guest_says(COMMAND_TOOK, SIGINT, 0, 0);
	guest_says(COMMAND_TOOK, SIGINT, 0, 0);
	EXPECT(command_signal(&b.c, SIGINT, true));
	end();
}

TEST(what_a_guest_says_at_the_wrong_time_is_nothing)
{
	begin();
	guest_says(99, 0, 0, 0);
	guest_says(COMMAND_TOOK, 1, 0, 0);
	EXPECT_EQ(b.c.state, COMMAND_COMING);
	guest_says(COMMAND_EXITED, 3, 0, 0);
	guest_says(COMMAND_EXITED, 4, 0, 0);
	guest_says(COMMAND_STARTED, 0, 0, 0);
	EXPECT_EQ(b.status, 3);
	EXPECT_EQ(b.c.state, COMMAND_OVER);
	/* A flood that nobody reads has an end. */
	for (int i = 0; i < 100; i++)
		EXPECT(command_signal(&b.c, SIGUSR1, false));
	for (int i = 0; i < 100 && command_signal(&b.c, SIGUSR1, false); i++)
		;
	EXPECT(!command_signal(&b.c, SIGUSR1, false));
	end();
}

/* --- what to run ----------------------------------------------------------------------------- */

TEST(block_says_words_folder_and_environment)
{
	static const char want[] = "3\0/some where\0ls\0a b\0\0"
				   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
				   "/bin\0HOME=/root\0USER=root\0LOGNAME=root\0SHELL=/bin/sh\0"
				   "PWD=/some where\0TERM=xterm\0LC_ALL=C";
	char *words[] = { (char[]){ "ls" }, (char[]){ "a b" }, (char[]){ "" } };
	char *env[] = { (char[]){ "TERM=xterm" }, (char[]){ "SECRET=1" }, (char[]){ "LC_ALL=C" },
			(char[]){ "PATH=/mine" }, NULL };
	const struct key_list l = { words, 3 };
	char *block = NULL;
	struct err e;
	size_t len;

	EXPECT_EQ(command_block(&l, "/some where", NULL, env, &block, &len, &e), 0);
	EXPECT_EQ(len, sizeof(want));
	EXPECT_EQ(memcmp(block, want, len), 0);
	free(block);
	EXPECT_EQ(command_block(&l, "/", "/mine", env, &block, &len, &e), 0);
	EXPECT(memmem(block, len, "PATH=/mine", 11) != NULL);
	free(block);
}

TEST(block_has_a_bound)
{
	static char word[COMMAND_BLOCK_MAX];
	char *words[] = { word }, *env[] = { NULL }, *block = NULL;
	const struct key_list l = { words, 1 };
	struct err e;
	size_t len;

	memset(word, 'x', sizeof(word) - 1);
	EXPECT_EQ(command_block(&l, "/", NULL, env, &block, &len, &e), -E2BIG);
	EXPECT_HAS(e.text, "the command has 1 words and, with its environment, ");
}

/* --- the kernel's last words ----------------------------------------------------------------- */

TEST(messages_end_with_the_last_lines)
{
	char to[64];

	messages_end(to, sizeof(to), "one\r\ntwo\r\n\r\nthree\033[m\r\n", 22, 2, "> ");
	EXPECT_STR(to, "> two\n> three?[m\n");
	messages_end(to, sizeof(to), "begun", 5, 9, "> ");
	EXPECT_STR(to, "> begun\n");
	messages_end(to, sizeof(to), "", 0, 9, "> ");
	EXPECT_STR(to, "");
	messages_end(to, 8, "abc\ndef\n", 8, 9, "> ");
	EXPECT_STR(to, "> abc\n"); /* as much as fits */
}

TEST_MAIN(T(command_is_told_how_to_begin), T(command_s_input_comes_whole_and_ends),
	  T(what_is_typed_is_read_behind_the_sandbox_where_only_the_output_is_a_pipe),
	  T(command_is_over_when_its_output_is_out_and_not_before),
	  T(command_without_a_reader_is_told_and_not_waited_for),
	  T(signals_reach_the_guest_until_it_is_deaf),
	  T(what_a_guest_says_at_the_wrong_time_is_nothing),
	  T(block_says_words_folder_and_environment), T(block_has_a_bound),
	  T(messages_end_with_the_last_lines))
