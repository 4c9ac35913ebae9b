/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on a stream socket, and a connection that comes and goes; the test is the keeper. */
#include "tests/lib/test.h"
#include "vmm/base/log.h"
#include "vmm/host/net_back.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the keeper ------------------------------------------------------------------------------ */

static const struct keeper_job *job;
static int fails;	       /* what keeper_start() gives */
static int peer = -1;	       /* the other end of the newest connection */
static _Atomic unsigned asked; /* calls of keeper_again() */

static int new_pair(void)
{
	int s[2];

	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s), 0);
	if (peer >= 0)
		(void)close(peer);
	peer = s[1];
	return s[0];
}

int keeper_start(struct keeper *k UNUSED, const struct keeper_job *j, unsigned *nr, int *fd,
		 struct err *e)
{
	job = j;
	*nr = 3;
	if (fails)
		return err_set(e, fails, "it cannot be");
	*fd = new_pair();
	return 0;
}

void keeper_again(struct keeper *k UNUSED, unsigned nr)
{
	EXPECT_EQ(nr, 3);
	asked++;
}

/* --- a card, on a thread of its own ----------------------------------------------------------- */

static struct loop *main_loop, *card_loop;
static struct net_host *h;
static pthread_t thread;
static struct net_front front;
static struct call call;
static void (*called)(void);
static _Atomic unsigned readies, ups, downs;
static _Atomic bool done;

static void on_ready(struct net_front *f UNUSED, unsigned queue, unsigned what)
{
	EXPECT_EQ(queue, 0);
	readies++;
	net_want(h, 0, 0);
	(void)what;
}

static void on_link(struct net_front *f UNUSED, bool up)
{
	if (up)
		ups++;
	else
		downs++;
}

static void *run(void *arg UNUSED)
{
	struct err e;

	EXPECT_EQ(loop_run(card_loop, &e), 0);
	return NULL;
}

static void do_call(struct call *c UNUSED)
{
	called();
	done = true;
}

/* Calls @fn on the card's thread, and waits for it. */
static void on_card(void (*fn)(void))
{
	done = false;
	called = fn;
	call.fn = do_call;
	loop_post(card_loop, &call);
	while (!done)
		(void)usleep(200);
}

static void main_stop(struct timer *t UNUSED)
{
	loop_stop(main_loop);
}

/* Runs the main loop for a while. */
static void main_turns(unsigned ms)
{
	struct timer t = { .expired = main_stop };
	struct err e;

	loop_timer_arm(main_loop, &t, loop_now_ns() + ms * 1000000ULL);
	EXPECT_EQ(loop_run(main_loop, &e), 0);
}

static void open_it(enum keeper_kind kind)
{
	const struct keeper_job j = { .kind = kind, .name = "/run/other/end" };
	struct err e;

	log_set_level(LOG_ERROR);
	main_loop = loop_create(&e);
	card_loop = loop_create(&e);
	h = net_stream_open(&j, NULL, main_loop, NULL, &e);
	if (!h)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	front = (struct net_front){ .ready = on_ready, .link = on_link };
	EXPECT_EQ(net_attach(h, card_loop, &front, &e), 0);
	EXPECT_EQ(pthread_create(&thread, NULL, run, NULL), 0);
}

static void close_it(void)
{
	loop_stop(card_loop);
	(void)pthread_join(thread, NULL);
	net_close(h);
	loop_destroy(card_loop);
	loop_destroy(main_loop);
	(void)close(peer);
	peer = -1;
}

/* --- frames ----------------------------------------------------------------------------------- */

static struct net_frame frame;
static uint8_t copy[NET_FRAME_MAX];
static int code;

static void receive(void)
{
	code = net_receive(h, 0, &frame, (struct net_place){ 0 });
	if (code == 0)
		memcpy(copy, frame.data, frame.len);
}

static void want_in(void)
{
	net_want(h, 0, NET_IN);
}

static void want_nothing(void)
{
	net_want(h, 0, 0);
}

static void put_frame(size_t len, uint8_t byte)
{
	uint8_t *b = malloc(4 + len);
	uint32_t prefix = htonl((uint32_t)len);

	memcpy(b, &prefix, 4);
	memset(b + 4, byte, len);
	EXPECT_EQ(write(peer, b, 4 + len), (ssize_t)(4 + len));
	free(b);
}

static void expect_frame(size_t len, uint8_t byte)
{
	on_card(receive);
	EXPECT_EQ(code, 0);
	EXPECT_EQ(frame.len, len);
	for (size_t i = 0; i < len; i++)
		EXPECT_EQ(copy[i], byte);
}

static void wait_for(const _Atomic unsigned *what, unsigned n)
{
	for (int i = 0; i < 5000 && *what < n; i++)
		(void)usleep(1000);
	EXPECT_EQ(*what, n);
}

TEST(frames_come_in_whole_and_in_order)
{
	open_it(KEEPER_CONNECT);
	on_card(receive);
	EXPECT_EQ(code, -EAGAIN);
	put_frame(14, 1);
	put_frame(1500, 2);
	put_frame(13, 3); /* no frame: passed over */
	put_frame(0, 3);
	put_frame(60, 4);
	on_card(want_in);
	wait_for(&readies, 1);
	expect_frame(14, 1);
	expect_frame(1500, 2);
	expect_frame(60, 4);
	on_card(receive);
	EXPECT_EQ(code, -EAGAIN);
	/* In pieces. */
	EXPECT_EQ(write(peer, "\0\0", 2), 2);
	on_card(receive);
	on_card(receive);
	EXPECT_EQ(code, -EAGAIN);
	EXPECT_EQ(write(peer,
			"\0\x0f"
			"aaaaaaaaaaaaaa",
			16),
		  16);
	on_card(receive);
	on_card(receive);
	EXPECT_EQ(code, -EAGAIN);
	EXPECT_EQ(write(peer, "a", 1), 1);
	expect_frame(15, 'a');
	/* So many and large ones that the buffer goes round. */
	for (uint8_t i = 0; i < 50; i++) {
		put_frame(NET_FRAME_MAX, i);
		put_frame(1000U + i, i);
		for (int n = 0; n < 2; n++) {
			do
				on_card(receive);
			while (code);
			EXPECT_EQ(frame.len, n ? 1000U + i : NET_FRAME_MAX);
			EXPECT_EQ(copy[frame.len - 1], i);
		}
	}
	EXPECT_EQ(h->offloads, NET_CSUM);
	EXPECT_EQ(h->gives, 0);
	close_it();
}

TEST(what_is_no_frame_ends_the_connection)
{
	static const uint8_t bad[][4] = { { 0xff, 0xff, 0xff, 0xff }, { 0, 1, 0, 0x12 } };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		asked = downs = 0;
		open_it(KEEPER_CONNECT);
		EXPECT_EQ(write(peer, bad[i], 4), 4);
		on_card(receive);
		EXPECT_EQ(code, -EAGAIN);
		wait_for(&downs, 1);
		main_turns(500);
		EXPECT_EQ(asked, 1);
		close_it();
	}
}

/* --- out -------------------------------------------------------------------------------------- */

static uint8_t out[NET_FRAME_MAX];
static size_t out_len;
static struct net_header out_header;

static void send_it(void)
{
	struct iovec iov[3] = { { &out_header, sizeof(out_header) },
				{ out, out_len / 3 },
				{ out + out_len / 3, out_len - out_len / 3 } };

	code = net_send(h, 0, iov, 3);
}

static void flush(void)
{
	net_flush(h, 0);
}

static void read_all(void *to, size_t len)
{
	for (size_t n = 0; n < len;) {
		ssize_t got = read(peer, (char *)to + n, len - n);

		if (got < 0 && errno == EAGAIN) {
			(void)usleep(200);
			continue;
		}
		EXPECT(got > 0);
		n += (size_t)got;
	}
}

static void expect_out(size_t len, uint8_t byte)
{
	static uint8_t got[NET_FRAME_MAX];
	uint32_t prefix;

	read_all(&prefix, 4);
	EXPECT_EQ(ntohl(prefix), len);
	read_all(got, len);
	for (size_t i = 0; i < len; i++)
		EXPECT_EQ(got[i], byte);
}

TEST(frames_go_out_behind_their_length)
{
	char c;

	open_it(KEEPER_PAIR);
	memset(out, 7, sizeof(out));
	out_len = 60;
	on_card(send_it);
	EXPECT_EQ(code, 0);
	EXPECT_EQ(read(peer, &c, 1), -1); /* not before they are flushed */
	out_len = 1500;
	on_card(send_it);
	on_card(flush);
	expect_out(60, 7);
	expect_out(1500, 7);
	close_it();
}

/* The other side reads nothing for a while: no frame is lost, none is cut, and we are told. */
TEST(what_is_not_taken_waits)
{
	unsigned n = 0;

	open_it(KEEPER_PAIR);
	for (code = 0; code == 0; n++) {
		memset(out, (int)n, sizeof(out));
		out_len = 1000 + n;
		on_card(send_it);
		EXPECT(n < 100000);
	}
	n--;
	EXPECT_EQ(code, -EAGAIN);
	EXPECT(n > 100);
	on_card(want_nothing);
	for (unsigned i = 0; i < n; i++)
		expect_out(1000 + i, (uint8_t)i);
	on_card(send_it);
	EXPECT_EQ(code, 0);
	on_card(flush);
	expect_out(1000 + n, (uint8_t)n);
	close_it();
}

TEST(a_checksum_that_is_left_to_be_done_is_done)
{
	uint8_t got[100], want[100];
	uint32_t prefix;

	open_it(KEEPER_PAIR);
	for (unsigned i = 0; i < sizeof(want); i++)
		out[i] = want[i] = (uint8_t)(i * 3);
	out_len = sizeof(want);
	out_header = (struct net_header){ .flags = NET_NEEDS_CSUM,
					  .csum_start = le16_of(34),
					  .csum_offset = le16_of(16) };
	on_card(send_it);
	on_card(flush);
	net_csum_complete(&out_header, want, sizeof(want));
	read_all(&prefix, 4);
	read_all(got, sizeof(got));
	EXPECT(memcmp(got, want, sizeof(want)) == 0);
	EXPECT(memcmp(out, want, sizeof(want)) != 0); /* the guest's own bytes stay */
	close_it();
}

/* --- coming and going ------------------------------------------------------------------------- */

TEST(a_lost_connection_is_asked_for_again_and_comes_back)
{
	open_it(KEEPER_CONNECT);
	EXPECT(h->up);
	put_frame(1000, 1);
	EXPECT_EQ(write(peer, "\0\0\0\x20half", 8), 8);
	expect_frame(1000, 1);
	on_card(want_nothing); /* even who wants nothing learns of the end */
	(void)close(peer);
	peer = -1;
	wait_for(&downs, 1);
	EXPECT(!h->up);
	main_turns(50);
	EXPECT_EQ(asked, 0); /* not at once */
	main_turns(400);
	EXPECT_EQ(asked, 1);
	out_len = 60;
	on_card(send_it);
	EXPECT_EQ(code, -ENOTCONN);
	on_card(receive);
	EXPECT_EQ(code, -EAGAIN);
	/* It cannot be yet: longer and longer. */
	job->down(job->ctx, "nobody listens");
	main_turns(400);
	EXPECT_EQ(asked, 1);
	main_turns(300);
	EXPECT_EQ(asked, 2);
	job->up(job->ctx, new_pair());
	wait_for(&ups, 1);
	/* Nothing is left of the old one. */
	put_frame(200, 2);
	expect_frame(200, 2);
	on_card(send_it);
	EXPECT_EQ(code, 0);
	main_turns(1500);
	EXPECT_EQ(asked, 2);
	close_it();
}

TEST(a_program_that_ended_is_started_once)
{
	open_it(KEEPER_PAIR);
	EXPECT_EQ(h->mtu, 65520);
	on_card(want_nothing);
	for (unsigned i = 1; i <= 3; i++) {
		(void)close(peer);
		peer = -1;
		wait_for(&downs, i);
		job->down(job->ctx, "it was killed by signal 9");
		main_turns(250U << i);
		EXPECT_EQ(asked, i);
		job->up(job->ctx, new_pair());
		wait_for(&ups, i);
		main_turns(50);
		EXPECT_EQ(asked, i);
	}
	close_it();
}

/* Two connections in a row before the card has looked: the first is closed, the last one counts. */
TEST(a_newer_connection_takes_the_place_of_an_older)
{
	open_it(KEEPER_CONNECT);
	for (int i = 0; i < 20; i++)
		job->up(job->ctx, new_pair());
	main_turns(100);
	put_frame(100, 9);
	do
		on_card(receive);
	while (code);
	EXPECT_EQ(frame.len, 100);
	EXPECT_EQ(asked, 0);
	close_it();
}

TEST(what_cannot_be_opened_says_why)
{
	struct keeper_job j = { .kind = KEEPER_PAIR, .name = "passt" };
	struct err e;

	main_loop = loop_create(&e);
	fails = ENOENT;
	EXPECT(!net_stream_open(&j, malloc(8), main_loop, NULL, &e));
	EXPECT_HAS(e.text, "passt is not installed; install the package");
	fails = EIO;
	EXPECT(!net_stream_open(&j, malloc(8), main_loop, NULL, &e));
	EXPECT_HAS(e.text, "it cannot be");
	j.kind = KEEPER_CONNECT;
	fails = ENOENT;
	EXPECT(!net_stream_open(&j, malloc(8), main_loop, NULL, &e));
	EXPECT_HAS(e.text, "it cannot be");
	loop_destroy(main_loop);
}

static void open_with(const char *text, struct net_host **to)
{
	struct net_config c = net_defaults;
	struct err e;

	EXPECT_EQ(keys_from_text(net_keys, &c, text, &e), 0);
	*to = net_open(&c, 2, main_loop, NULL, &e);
	if (!*to)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	keys_free(net_keys, &c);
}

TEST(addresses_stay_the_same_and_differ)
{
	static const char *const text[] = { "user", "socket=/run/a", "socket=/run/b",
					    "user,mac=02:00:00:00:00:05" };
	struct net_host *first[4], *again;
	struct err e;

	main_loop = loop_create(&e);
	for (unsigned i = 0; i < 4; i++) {
		open_with(text[i], &first[i]);
		open_with(text[i], &again);
		EXPECT(memcmp(first[i]->mac, again->mac, NET_MAC) == 0);
		EXPECT_EQ(first[i]->mac[0], 2);
		net_close(again);
		for (unsigned k = 0; k < i; k++)
			EXPECT(memcmp(first[i]->mac, first[k]->mac, NET_MAC) != 0);
	}
	EXPECT_EQ(first[3]->mac[5], 5);
	EXPECT_STR(first[0]->name, "net2 (passt)");
	EXPECT_STR(first[1]->name, "net2 (a)");
	for (unsigned i = 0; i < 4; i++)
		net_close(first[i]);
	loop_destroy(main_loop);
}

TEST_MAIN(T(frames_come_in_whole_and_in_order), T(what_is_no_frame_ends_the_connection),
	  T(frames_go_out_behind_their_length), T(what_is_not_taken_waits),
	  T(a_checksum_that_is_left_to_be_done_is_done),
	  T(a_lost_connection_is_asked_for_again_and_comes_back),
	  T(a_program_that_ended_is_started_once),
	  T(a_newer_connection_takes_the_place_of_an_older), T(what_cannot_be_opened_says_why),
	  T(addresses_stay_the_same_and_differ))
