/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/chardev_rig.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { MUCH = 1 << 20 };

static struct rig r;
static int peer;

static int dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a))) {
		(void)close(fd);
		return -1;
	}
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void begin(void)
{
	rig_open(&r, CHARDEV_SOCKET, rig_path("con"));
	rig_run(&r);
	peer = dial(rig_path("con"));
	EXPECT(peer >= 0);
	rig_put(&r, 0, 1);
	rig_check(peer, 0, 1, 0); /* now it has been accepted */
}

static void end(void)
{
	rig_stop(&r);
	rig_close(&r);
	EXPECT_EQ(access(rig_path("con"), F_OK), -1);
	rig_remove_folder();
}

static void expect_eof(int fd)
{
	char c;

	rig_wait(fd, POLLIN);
	EXPECT_EQ(read(fd, &c, 1), 0);
}

/* Waits until the chardev knows that there is no client: the ring never fills then. */
static void wait_gone(void)
{
	static uint8_t zeros[CHARDEV_RING];

	for (int i = 0; i < 5000 && chardev_dropped(r.chr) == 0; i++) {
		(void)rig_write(&r, zeros, sizeof(zeros) / 4);
		rig_sleep(1);
	}
	EXPECT(chardev_dropped(r.chr) > 0);
}

static void *put_much(void *arg UNUSED)
{
	rig_put(&r, 0, MUCH);
	return NULL;
}

TEST(socket_output_is_byte_exact_with_a_slow_reader)
{
	pthread_t t;

	begin();
	t = rig_spawn(put_much, NULL);
	rig_check(peer, 0, MUCH, 2);
	(void)pthread_join(t, NULL);
	EXPECT_EQ(chardev_dropped(r.chr), 0);
	end();
	expect_eof(peer);
}

static atomic_size_t sent;

static void *send_much(void *arg UNUSED)
{
	rig_send(peer, 0, MUCH, &sent);
	return NULL;
}

TEST(socket_input_waits_for_a_slow_guest_and_is_not_hoarded)
{
	size_t before;
	pthread_t t;

	begin();
	t = rig_spawn(send_much, NULL);
	do {
		before = atomic_load(&sent);
		rig_sleep(100);
	} while (before != atomic_load(&sent) || !before);
	EXPECT(before < MUCH / 2); /* what the kernel's buffer and one small ring hold */
	rig_take(&r, 0, MUCH, 16);
	(void)pthread_join(t, NULL);
	end();
}

TEST(a_guest_that_polls_is_released_from_a_reader_that_stopped)
{
	static uint8_t buf[MUCH];
	size_t queued = 0, asks = 0, n;
	uint64_t began;

	begin();
	do { /* until the kernel's buffer and the ring are full and nothing moves */
		for (n = 0; rig_room(&r) > 0; n++) {
			uint8_t byte = rig_byte(queued);

			EXPECT_EQ(rig_write(&r, &byte, 1), 1);
			queued++;
		}
		rig_sleep(20);
	} while (n);
	began = loop_now_ns();
	for (; rig_room(&r) == 0; asks++)
		if (asks > 2000)
			rig_sleep(1);
	EXPECT(loop_now_ns() - began >= CHARDEV_STALL_NS * 9 / 10);
	EXPECT_EQ(chardev_dropped(r.chr), 0);
	memset(buf, 'x', sizeof(buf));
	EXPECT_EQ(rig_write(&r, buf, 5000), 5000);
	EXPECT_EQ(chardev_dropped(r.chr), 5000);

	rig_check(peer, 0, queued, 0); /* what was queued before is whole */
	rig_put(&r, queued, 1000);     /* and what is written afterwards comes */
	rig_check(peer, queued, 1000, 0);
	EXPECT_EQ(chardev_dropped(r.chr), 5000);
	end();
}

TEST(a_guest_that_waits_loses_nothing_and_is_told_of_room)
{
	size_t queued = 0, n;
	unsigned readies;

	begin();
	do {
		for (n = 0; rig_room(&r) > 0; n++) {
			uint8_t byte = rig_byte(queued);

			EXPECT_EQ(rig_write(&r, &byte, 1), 1);
			queued++;
		}
		rig_sleep(20);
	} while (n);
	readies = rig_readies(&r);
	rig_sleep(1500);
	EXPECT_EQ(rig_readies(&r), readies);
	EXPECT_EQ(rig_write(&r, "y", 1), 0);
	rig_check(peer, 0, queued, 0);
	for (int i = 0; i < 1000 && rig_readies(&r) == readies; i++)
		rig_sleep(1);
	EXPECT(rig_readies(&r) > readies);
	EXPECT(rig_room(&r) > 0);
	EXPECT_EQ(chardev_dropped(r.chr), 0);
	end();
}

TEST(the_first_client_finds_early_output_and_the_newest_of_it)
{
	rig_open(&r, CHARDEV_SOCKET, rig_path("con"));
	rig_run(&r);
	rig_put(&r, 0, CHARDEV_RING + 12345);
	EXPECT_EQ(chardev_dropped(r.chr), 12345);
	peer = dial(rig_path("con"));
	EXPECT(peer >= 0);
	rig_check(peer, 12345, CHARDEV_RING, 0);
	(void)close(peer);
	end();
}

TEST(clients_come_one_after_the_other)
{
	int second;

	begin();
	rig_put(&r, 0, 10);
	rig_check(peer, 0, 10, 0);
	second = dial(rig_path("con")); /* waits in the queue */
	EXPECT(second >= 0);
	rig_send(second, 100, 50, NULL);
	rig_send(peer, 0, 100, NULL);
	rig_take(&r, 0, 100, 7);
	(void)close(peer);
	rig_take(&r, 100, 50, 7);
	rig_put(&r, 7, 1000);
	rig_check(second, 7, 1000, 0);
	(void)close(second);
	wait_gone();
	second = dial(rig_path("con"));
	EXPECT(second >= 0);
	rig_send(second, 0, 10, NULL);
	rig_take(&r, 0, 10, 7);
	(void)close(second);
	end();
}

TEST(what_a_client_sent_before_it_left_still_comes)
{
	begin();
	rig_send(peer, 0, 30000, NULL); /* more than the ring, so most is in the kernel */
	(void)close(peer);
	wait_gone();
	rig_take(&r, 0, 30000, 16);
	peer = dial(rig_path("con"));
	EXPECT(peer >= 0);
	rig_send(peer, 0, 10, NULL);
	rig_take(&r, 0, 10, 7);
	(void)close(peer);
	end();
}

static void wait_peers(unsigned n)
{
	unsigned readies = 0;

	for (int i = 0; i < 5000 && chardev_peers(r.chr) != n; i++)
		rig_sleep(1);
	EXPECT_EQ(chardev_peers(r.chr), n);
	for (int i = 0; i < 5000 && !readies; i++) {
		readies = rig_readies(&r);
		rig_sleep(1);
	}
	EXPECT(readies > 0);
}

TEST(the_front_is_told_of_clients_and_of_their_end_when_their_input_is_read)
{
	rig_open(&r, CHARDEV_SOCKET, rig_path("con"));
	rig_run(&r);
	wait_peers(2);
	peer = dial(rig_path("con"));
	EXPECT(peer >= 0);
	wait_peers(3);
	rig_send(peer, 0, 30000, NULL);
	(void)close(peer);
	wait_gone();
	EXPECT_EQ(chardev_peers(r.chr), 3);
	rig_take(&r, 0, 29999, 16);
	EXPECT_EQ(chardev_peers(r.chr), 3);
	rig_take(&r, 29999, 1, 16);
	wait_peers(4);
	peer = dial(rig_path("con"));
	wait_peers(5);
	(void)close(peer);
	wait_peers(6);
	end();
}

TEST(a_client_that_left_with_input_unread_does_not_lock_out_the_next)
{
	uint8_t buf[4096];
	size_t n = 0;

	begin();
	rig_send(peer, 0, 30000, NULL);
	(void)close(peer);
	wait_gone();
	peer = dial(rig_path("con"));
	rig_wait(peer, POLLIN); /* it is served: here is the kept output */
	while (n < 4096)
		n += rig_read(&r, buf, sizeof(buf));
	rig_send(peer, 0, 10, NULL);
	rig_take(&r, 0, 10, 7);
	(void)close(peer);
	end();
}

TEST(a_client_may_end_its_input_and_go_on_reading)
{
	begin();
	rig_send(peer, 0, 100, NULL);
	EXPECT_EQ(shutdown(peer, SHUT_WR), 0);
	rig_take(&r, 0, 100, 7);
	rig_put(&r, 0, 100000 / 2);
	rig_check(peer, 0, 100000 / 2, 0);
	(void)close(peer);
	wait_gone();
	end();
}

TEST(a_client_that_leaves_in_the_middle_of_output_kills_nobody)
{
	begin();
	rig_put(&r, 0, CHARDEV_RING);
	rig_wait(peer, POLLIN);
	(void)close(peer);
	wait_gone();
	end();
}

TEST(a_stale_socket_is_replaced_and_a_live_one_is_not_disturbed)
{
	const char *path = rig_path("con");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int stale = socket(AF_UNIX, SOCK_STREAM, 0);
	struct chardev *c;
	struct err e;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	EXPECT_EQ(bind(stale, (const struct sockaddr *)&a, sizeof(a)), 0);
	(void)close(stale);
	rig_open(&r, CHARDEV_SOCKET, path);
	rig_run(&r);
	rig_put(&r, 0, 100);
	for (int i = 0; i < 2; i++) {
		struct loop *other = loop_create(&e);

		c = chardev_open(CHARDEV_SOCKET, path, NULL, other, &e);
		EXPECT(c == NULL);
		EXPECT_EQ(e.code, EADDRINUSE);
		EXPECT_HAS(e.text, "another process listens there");
		EXPECT_HAS(e.text, path);
		loop_destroy(other);
	}
	peer = dial(path);
	rig_check(peer, 0, 100, 0); /* the early words are for a real client */
	end();
	(void)close(peer);
}

TEST(what_is_no_socket_is_not_removed_and_long_paths_are_named)
{
	char path[200];
	struct loop *l;
	struct err e;
	int fd;

	(void)snprintf(path, sizeof(path), "%s", rig_path("file"));
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)close(fd);
	l = loop_create(&e);
	EXPECT(chardev_open(CHARDEV_SOCKET, path, NULL, l, &e) == NULL);
	EXPECT_HAS(e.text, "exists and is not a socket");
	EXPECT_EQ(unlink(path), 0);
	memset(path, 'a', 150);
	path[150] = '\0';
	EXPECT(chardev_open(CHARDEV_SOCKET, path, NULL, l, &e) == NULL);
	EXPECT_HAS(e.text, "150 bytes, a socket's at most 107");
	EXPECT(chardev_open(CHARDEV_SOCKET, "/nowhere/con", NULL, l, &e) == NULL);
	EXPECT_HAS(e.text, "/nowhere/con: No such file");
	loop_destroy(l);
	rig_remove_folder();
}

TEST(last_words_reach_a_reader_that_moves_and_do_not_wait_for_one_that_does_not)
{
	uint64_t began;

	begin();
	rig_stop(&r);
	rig_put(&r, 0, CHARDEV_RING);
	rig_close(&r);
	rig_check(peer, 0, CHARDEV_RING, 0);
	expect_eof(peer);
	(void)close(peer);

	begin();
	for (size_t n = 1; n; rig_sleep(20))
		for (n = 0; rig_room(&r) > 0; n++)
			(void)rig_write(&r, "z", 1);
	rig_stop(&r);
	began = loop_now_ns();
	rig_close(&r);
	EXPECT(loop_now_ns() - began >= 900 * RIG_MS);
	EXPECT(loop_now_ns() - began < 3000 * RIG_MS);
	(void)close(peer);
	rig_remove_folder();
}

TEST_MAIN(T(socket_output_is_byte_exact_with_a_slow_reader),
	  T(socket_input_waits_for_a_slow_guest_and_is_not_hoarded),
	  T(a_guest_that_polls_is_released_from_a_reader_that_stopped),
	  T(a_guest_that_waits_loses_nothing_and_is_told_of_room),
	  T(the_first_client_finds_early_output_and_the_newest_of_it),
	  T(clients_come_one_after_the_other), T(what_a_client_sent_before_it_left_still_comes),
	  T(the_front_is_told_of_clients_and_of_their_end_when_their_input_is_read),
	  T(a_client_that_left_with_input_unread_does_not_lock_out_the_next),
	  T(a_client_may_end_its_input_and_go_on_reading),
	  T(a_client_that_leaves_in_the_middle_of_output_kills_nobody),
	  T(a_stale_socket_is_replaced_and_a_live_one_is_not_disturbed),
	  T(what_is_no_socket_is_not_removed_and_long_paths_are_named),
	  T(last_words_reach_a_reader_that_moves_and_do_not_wait_for_one_that_does_not))
