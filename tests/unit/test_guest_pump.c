/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's half of `vmm run -- COMMAND`, run here: a thread pumps, and the test is vmm at the
 * ports and the command at the pipes.
 */
#include "arch/arm64/guest/pump.c" /* freestanding: not in the library of what is portable */
#include "tests/lib/chardev_rig.h"

#include <signal.h>
#include <sys/socket.h>

/* What the pump may ask of a kernel; no more, since it shares this one with us. */
long call5(long nr, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e)
{
	long r;

	EXPECT(nr == SYS_read || nr == SYS_write || nr == SYS_ppoll || nr == SYS_close);
	r = syscall(nr, a, b, c, d, e);
	return r < 0 ? -errno : r;
}

void close_fd(int fd)
{
	(void)call5(SYS_close, (uintptr_t)fd, 0, 0, 0, 0);
}

enum { VMM_IN, VMM_OUT, VMM_ERR, VMM_CONTROL, CMD_IN, CMD_OUT, CMD_ERR, CHILD, NR_ENDS };

struct bench {
	struct pump p;
	int fd[NR_ENDS]; /* the test's ends */
	struct command_record told;
	atomic_uint tolds;
	pthread_t thread;
};

static struct bench b;

static void note_told(struct pump *p UNUSED, const struct command_record *r)
{
	b.told = *r;
	atomic_fetch_add(&b.tolds, 1);
}

static void note_child(struct pump *p)
{
	char c;

	EXPECT_EQ(read(p->signals, &c, 1), 1);
	p->over = 1;
}

static void *run(void *arg UNUSED)
{
	pump_run(&b.p);
	return NULL;
}

/* A connection: the pump's end, which does not wait. */
static int connect_to(int *ours, bool blocks)
{
	int pair[2], flags = blocks ? 0 : O_NONBLOCK;

	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	EXPECT_EQ(fcntl(pair[0], F_SETFL, flags), 0);
	*ours = pair[1];
	return pair[0];
}

static void begin(void)
{
	b = (struct bench){ .tolds = 0 };
	(void)signal(SIGPIPE, SIG_IGN); /* as it is for a guest's first process */
	b.p.control = connect_to(&b.fd[VMM_CONTROL], true);
	b.p.signals = connect_to(&b.fd[CHILD], true);
	b.p.told = note_told;
	b.p.child = note_child;
	pump_stream_init(&b.p.in, connect_to(&b.fd[VMM_IN], false),
			 connect_to(&b.fd[CMD_IN], false));
	pump_stream_init(&b.p.out[0], connect_to(&b.fd[CMD_OUT], false),
			 connect_to(&b.fd[VMM_OUT], false));
	pump_stream_init(&b.p.out[1], connect_to(&b.fd[CMD_ERR], false),
			 connect_to(&b.fd[VMM_ERR], false));
	b.thread = rig_spawn(run, NULL);
}

static void say(enum command_word word, uint32_t value, uint64_t n)
{
	const struct command_record r = { .word = word, .value = value, .n = { n, 0 } };

	/* In two pieces, as a stream may bring it. */
	EXPECT_EQ(write(b.fd[VMM_CONTROL], &r, 5), 5);
	EXPECT_EQ(write(b.fd[VMM_CONTROL], (const char *)&r + 5, sizeof(r) - 5), sizeof(r) - 5);
}

static void command_ends(void)
{
	EXPECT_EQ(write(b.fd[CHILD], "x", 1), 1);
	EXPECT_EQ(pthread_join(b.thread, NULL), 0);
}

/* Nothing more can be read there. */
static void at_end(int fd)
{
	char c;

	rig_wait(fd, POLLIN);
	EXPECT_EQ(read(fd, &c, 1), 0);
}

static void *send_input(void *arg UNUSED)
{
	rig_send(b.fd[VMM_IN], 0, 1000000, NULL);
	return NULL;
}

static void *send_output(void *arg UNUSED)
{
	rig_send(b.fd[CMD_OUT], 7, 1000000, NULL);
	return NULL;
}

TEST(pump_moves_every_byte_both_ways)
{
	pthread_t in, out;

	begin();
	in = rig_spawn(send_input, NULL);
	out = rig_spawn(send_output, NULL);
	rig_check(b.fd[CMD_IN], 0, 1000000, 1);
	rig_check(b.fd[VMM_OUT], 7, 1000000, 1);
	rig_send(b.fd[CMD_ERR], 3, 10, NULL);
	rig_check(b.fd[VMM_ERR], 3, 10, 0);
	(void)pthread_join(in, NULL);
	(void)pthread_join(out, NULL);
	command_ends();
	EXPECT_EQ(b.p.out[0].given, 1000000);
	EXPECT_EQ(b.p.out[1].given, 10);
}

TEST(pump_ends_the_input_after_as_many_bytes_as_there_were)
{
	begin();
	say(COMMAND_INPUT_ENDS, 0, 100); /* which comes before some of them */
	rig_send(b.fd[VMM_IN], 0, 60, NULL);
	rig_check(b.fd[CMD_IN], 0, 60, 0);
	rig_send(b.fd[VMM_IN], 60, 40, NULL);
	rig_check(b.fd[CMD_IN], 60, 40, 0);
	at_end(b.fd[CMD_IN]);
	rig_send(b.fd[CMD_OUT], 0, 5, NULL); /* and the command goes on */
	rig_check(b.fd[VMM_OUT], 0, 5, 0);
	command_ends();
}

TEST(pump_ends_an_input_that_never_began)
{
	begin();
	say(COMMAND_INPUT_ENDS, 0, 0);
	at_end(b.fd[CMD_IN]);
	command_ends();
}

TEST(pump_goes_on_when_the_command_reads_no_input)
{
	begin();
	(void)close(b.fd[CMD_IN]);
	rig_send(b.fd[VMM_IN], 0, 5000, NULL);
	rig_send(b.fd[CMD_OUT], 0, 100000, NULL);
	rig_check(b.fd[VMM_OUT], 0, 100000, 0);
	command_ends();
}

/* What was written before the end arrives, even when it takes its time. */
TEST(pump_drains_what_a_command_left)
{
	begin();
	rig_send(b.fd[CMD_OUT], 0, 50000, NULL);
	rig_send(b.fd[CMD_ERR], 9, 20, NULL);
	EXPECT_EQ(write(b.fd[CHILD], "x", 1), 1);
	rig_check(b.fd[VMM_OUT], 0, 50000, 3);
	rig_check(b.fd[VMM_ERR], 9, 20, 0);
	EXPECT_EQ(pthread_join(b.thread, NULL), 0);
	EXPECT_EQ(b.p.out[0].given, 50000);
}

TEST(pump_tells_the_command_that_nobody_reads)
{
	begin();
	say(COMMAND_CLOSED, 0, 0);
	at_end(b.fd[CMD_OUT]); /* the other end of a socket; of a pipe, EPIPE */
	rig_send(b.fd[CMD_ERR], 0, 10, NULL);
	rig_check(b.fd[VMM_ERR], 0, 10, 0);
	say(COMMAND_CLOSED, 0, 0); /* again, or what there is not, is nothing */
	say(COMMAND_CLOSED, 7, 0);
	command_ends();
}

TEST(pump_hands_on_what_is_not_about_streams)
{
	begin();
	say(COMMAND_SIGNAL, 15, 1);
	while (atomic_load(&b.tolds) < 1)
		rig_sleep(1);
	say(COMMAND_SIZE, 0, 80);
	while (atomic_load(&b.tolds) < 2)
		rig_sleep(1);
	command_ends();
	EXPECT_EQ(b.told.word, COMMAND_SIZE);
	EXPECT_EQ(b.told.n[0], 80);
}

TEST_MAIN(T(pump_moves_every_byte_both_ways),
	  T(pump_ends_the_input_after_as_many_bytes_as_there_were),
	  T(pump_ends_an_input_that_never_began), T(pump_goes_on_when_the_command_reads_no_input),
	  T(pump_drains_what_a_command_left), T(pump_tells_the_command_that_nobody_reads),
	  T(pump_hands_on_what_is_not_about_streams))
