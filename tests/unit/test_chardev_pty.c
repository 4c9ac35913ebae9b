/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/chardev_rig.h"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>

enum { MUCH = 1 << 19 };

static struct rig r;
static int peer;

static int open_peer(void)
{
	int fd = open(chardev_name(r.chr), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	EXPECT(fd >= 0);
	return fd;
}

static void begin(void)
{
	rig_open(&r, CHARDEV_PTY, NULL);
	EXPECT_EQ(strncmp(chardev_name(r.chr), "/dev/pts/", 9), 0);
	rig_run(&r);
	peer = open_peer();
	rig_put(&r, 0, 1);
	rig_check(peer, 0, 1, 0); /* now the chardev knows that somebody is there */
}

static void end(void)
{
	rig_stop(&r);
	rig_close(&r);
}

static void *put_much(void *arg UNUSED)
{
	rig_put(&r, 0, MUCH);
	return NULL;
}

TEST(pty_output_is_byte_exact_with_a_slow_reader)
{
	pthread_t t;

	begin();
	t = rig_spawn(put_much, NULL);
	rig_check(peer, 0, MUCH, 2);
	(void)pthread_join(t, NULL);
	EXPECT_EQ(chardev_dropped(r.chr), 0);
	end();
}

static atomic_size_t sent;

static void *send_much(void *arg UNUSED)
{
	rig_send(peer, 0, MUCH, &sent);
	return NULL;
}

TEST(pty_input_waits_for_a_slow_guest_and_is_not_hoarded)
{
	size_t before;
	pthread_t t;

	begin();
	t = rig_spawn(send_much, NULL);
	do {
		before = atomic_load(&sent);
		rig_sleep(100);
	} while (before != atomic_load(&sent) || !before);
	EXPECT(before < MUCH / 2);
	rig_take(&r, 0, MUCH, 16);
	(void)pthread_join(t, NULL);
	end();
}

TEST(the_first_reader_finds_early_output_and_the_newest_of_it)
{
	rig_open(&r, CHARDEV_PTY, NULL);
	rig_run(&r);
	rig_put(&r, 0, CHARDEV_RING + 5000);
	EXPECT_EQ(chardev_dropped(r.chr), 5000);
	peer = open_peer();
	rig_check(peer, 5000, CHARDEV_RING, 0);
	end();
}

TEST(readers_come_and_go_and_find_the_pty_raw)
{
	struct termios t;

	begin();
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(tcgetattr(peer, &t), 0);
		EXPECT(!(t.c_lflag & (ICANON | ECHO | ISIG)) && !(t.c_oflag & OPOST));
		rig_send(peer, 0, 100, NULL);
		rig_take(&r, 0, 100, 7);
		(void)close(peer);
		rig_sleep(10);
		rig_put(&r, 50, 3000); /* kept for the next */
		peer = open_peer();
		rig_check(peer, 50, 3000, 0);
	}
	EXPECT_EQ(chardev_dropped(r.chr), 0);
	end();
}

TEST(what_was_typed_by_one_who_left_at_once_still_comes)
{
	rig_open(&r, CHARDEV_PTY, NULL);
	rig_run(&r);
	for (int i = 0; i < 3; i++) {
		peer = open_peer();
		rig_send(peer, 0, 300, NULL);
		(void)close(peer);
		rig_take(&r, 0, 300, 16);
	}
	end();
}

static void wait_peers(unsigned n)
{
	for (int i = 0; i < 5000 && chardev_peers(r.chr) != n; i++)
		rig_sleep(1);
	EXPECT_EQ(chardev_peers(r.chr), n);
}

static void wait_size(unsigned cols, unsigned rows)
{
	uint16_t c = 0, w = 0;

	for (int i = 0; i < 5000 && (c != cols || w != rows); i++) {
		chardev_size(r.chr, &c, &w);
		rig_sleep(1);
	}
	EXPECT_EQ(c, cols);
	EXPECT_EQ(w, rows);
}

static void resize(uint16_t cols, uint16_t rows)
{
	const struct winsize size = { .ws_col = cols, .ws_row = rows };

	EXPECT_EQ(ioctl(peer, TIOCSWINSZ, &size), 0);
}

TEST(the_front_can_tell_who_is_there_and_what_size_it_has)
{
	begin();
	wait_peers(3);
	wait_size(0, 0);
	resize(100, 30);
	rig_send(peer, 0, 1, NULL); /* seen when somebody types */
	wait_size(100, 30);
	(void)close(peer);
	rig_sleep(300);
	EXPECT_EQ(chardev_peers(r.chr), 3); /* a byte of it has not been read */
	rig_take(&r, 0, 1, 1);
	wait_peers(4);
	peer = open_peer();
	resize(101, 31);
	rig_put(&r, 0, 1);
	wait_peers(5);
	end();
}

static uint64_t cpu_us(void)
{
	struct rusage u;

	EXPECT_EQ(getrusage(RUSAGE_SELF, &u), 0);
	return (uint64_t)u.ru_utime.tv_sec * 1000000 + (uint64_t)u.ru_utime.tv_usec +
	       (uint64_t)u.ru_stime.tv_sec * 1000000 + (uint64_t)u.ru_stime.tv_usec;
}

TEST(nobody_spins_while_nobody_is_there)
{
	uint64_t before;

	begin();
	(void)close(peer);
	before = cpu_us();
	rig_sleep(1000);
	EXPECT(cpu_us() - before < 200000);

	/* Nor when the one who left has sent more than the guest takes. */
	peer = open_peer();
	rig_put(&r, 0, 1);
	rig_check(peer, 0, 1, 0);
	rig_send(peer, 0, 6000, NULL);
	(void)close(peer);
	before = cpu_us();
	rig_sleep(1000);
	EXPECT(cpu_us() - before < 200000);
	rig_take(&r, 0, 6000, 16);
	end();
}

TEST(a_reader_that_stopped_releases_a_guest_that_polls)
{
	size_t queued = 0, n;

	begin();
	do {
		for (n = 0; rig_room(&r) > 0; n++) {
			uint8_t byte = rig_byte(queued);

			EXPECT_EQ(rig_write(&r, &byte, 1), 1);
			queued++;
		}
		rig_sleep(20);
	} while (n);
	while (rig_room(&r) == 0)
		rig_sleep(rig_readies(&r) ? 0 : 1);
	EXPECT_EQ(rig_write(&r, "dropped", 7), 7);
	EXPECT_EQ(chardev_dropped(r.chr), 7);
	rig_check(peer, 0, queued, 0);
	rig_put(&r, queued, 100);
	rig_check(peer, queued, 100, 0);
	end();
}

TEST_MAIN(T(pty_output_is_byte_exact_with_a_slow_reader),
	  T(pty_input_waits_for_a_slow_guest_and_is_not_hoarded),
	  T(the_first_reader_finds_early_output_and_the_newest_of_it),
	  T(readers_come_and_go_and_find_the_pty_raw),
	  T(what_was_typed_by_one_who_left_at_once_still_comes),
	  T(the_front_can_tell_who_is_there_and_what_size_it_has),
	  T(nobody_spins_while_nobody_is_there),
	  T(a_reader_that_stopped_releases_a_guest_that_polls))
