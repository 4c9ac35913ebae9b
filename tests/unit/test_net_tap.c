/* SPDX-License-Identifier: Apache-2.0 */
/* Taps of this host's kernel, in a network namespace of the test's; skipped where that cannot be.
 */
#include "tests/lib/test.h"
#include "vmm/base/log.h"
#include "vmm/host/net_back.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *l;
static struct net_host *h;
static struct net_front front;
static unsigned readies, downs;

static void on_ready(struct net_front *f UNUSED, unsigned queue, unsigned what UNUSED)
{
	readies++;
	net_want(h, queue, 0);
	loop_stop(l);
}

static void on_link(struct net_front *f UNUSED, bool up)
{
	EXPECT(!up);
	downs++;
	loop_stop(l);
}

static void namespace(void)
{
	if (access("/dev/net/tun", R_OK | W_OK))
		test_skip("no /dev/net/tun here");
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		test_skip("no network namespace here");
	log_set_level(LOG_ERROR);
}

static int try_open(const char *text, struct err *e)
{
	struct net_config c = net_defaults;
	struct err ignored;

	if (keys_from_text(net_keys, &c, text, &ignored))
		test_fail(__FILE__, __LINE__, "%s", ignored.text);
	EXPECT_EQ(net_config_check(&c, &ignored), 0);
	h = net_open(&c, 0, NULL, NULL, e);
	keys_free(net_keys, &c);
	if (!h)
		return -e->code;
	l = loop_create(e);
	front = (struct net_front){ .ready = on_ready, .link = on_link };
	return net_attach(h, l, &front, e);
}

static void open_tap(const char *text)
{
	struct err e;

	if (try_open(text, &e))
		test_fail(__FILE__, __LINE__, "%s", e.text);
}

static void close_tap(void)
{
	net_close(h);
	loop_destroy(l);
}

static void end_wait(struct timer *t UNUSED)
{
	loop_stop(l);
}

static void wait_ms(unsigned ms)
{
	struct timer t = { .expired = end_wait };
	struct err e;

	loop_timer_arm(l, &t, loop_now_ns() + ms * 1000000ULL);
	EXPECT_EQ(loop_run(l, &e), 0);
	loop_timer_disarm(l, &t);
}

/* A socket at the other side of the tap, with virtio's header of 10 bytes before each frame. */
static int other_side(const char *name)
{
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL)), on = 1;
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct ifreq r = { .ifr_flags = IFF_UP };

	EXPECT(fd >= 0);
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	EXPECT_EQ(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	EXPECT_EQ(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
	at.sll_ifindex = (int)if_nametoindex(name);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* Frames of ours have a type that no protocol has, and this byte behind it. */
static void make_frame(uint8_t *to, size_t len, uint8_t mark)
{
	memset(to, mark, len);
	memset(to, 0xff, 6);
	memcpy(to + 6, "\x02\0\0\0\0\x09\x88\xb5", 8);
}

static int send_frame(unsigned queue, size_t len, uint8_t mark)
{
	static uint8_t data[NET_FRAME_MAX];
	struct net_header header = { 0 };
	struct iovec iov[2] = { { &header, sizeof(header) }, { data, len } };

	make_frame(data, len, mark);
	return net_send(h, queue, iov, 2);
}

/* The next frame of ours at the other side. */
static void expect_there(int fd, size_t len, uint8_t mark)
{
	uint8_t got[10 + 2000], want[2000];
	ssize_t n;

	make_frame(want, len, mark);
	for (int i = 0; i < 1000; i++) {
		n = recv(fd, got, sizeof(got), 0);
		if (n < 0) {
			(void)usleep(1000);
			continue;
		}
		if (n > 24 && memcmp(got + 10 + 12, "\x88\xb5", 2) == 0) {
			EXPECT_EQ(n, 10 + len);
			EXPECT(memcmp(got + 10, want, len) == 0);
			return;
		}
	}
	test_fail(__FILE__, __LINE__, "no frame came");
}

/* The next frame of ours on any queue; the header in front of it. */
static struct net_header expect_here(size_t len, uint8_t mark)
{
	static uint8_t want[NET_FRAME_MAX];
	struct net_frame f;

	make_frame(want, len, mark);
	for (int i = 0; i < 1000; i++) {
		for (unsigned q = 0; q < h->queues; q++) {
			if (net_receive(h, q, &f, (struct net_place){ 0 }) ||
			    memcmp(f.data + 12, "\x88\xb5", 2) != 0)
				continue;
			EXPECT_EQ(f.len, len);
			if (!(f.header.flags & NET_NEEDS_CSUM))
				EXPECT(memcmp(f.data, want, 34) == 0);
			return f.header;
		}
		(void)usleep(1000);
	}
	test_fail(__FILE__, __LINE__, "no frame came");
}

static void put_frame(int fd, const struct net_header *header, size_t len, uint8_t mark)
{
	static uint8_t data[NET_FRAME_MAX];
	struct iovec iov[2] = { { (void *)(uintptr_t)header, 10 }, { data, len } };

	make_frame(data, len, mark);
	EXPECT_EQ(writev(fd, iov, 2), 10 + len);
}

TEST(frames_go_both_ways)
{
	static const struct net_header none;
	int fd;

	namespace();
	open_tap("tap=vt");
	EXPECT_STR(h->name, "net0 (vt)");
	EXPECT(h->up && h->mtu == 1500 && h->queues == 1);
	EXPECT_EQ(h->offloads & h->gives & (NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN),
		  NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN);
	EXPECT(net_fd(h, 0) >= 0);
	EXPECT_EQ(send_frame(0, 60, 1), -EIO); /* it is not up */
	fd = other_side("vt");
	net_shape(h, 1, 0);
	for (uint8_t i = 0; i < 20; i++) {
		EXPECT_EQ(send_frame(0, 60U + i, i), 0);
		expect_there(fd, 60U + i, i);
		put_frame(fd, &none, 100U + i, i);
		(void)expect_here(100U + i, i);
	}
	/* And it is told of when it is wanted. */
	net_want(h, 0, NET_IN);
	put_frame(fd, &none, 100, 7);
	wait_ms(1000);
	EXPECT_EQ(readies, 1);
	(void)close(fd);
	close_tap();
}

TEST(the_kernel_does_what_the_guest_does_not_want_to)
{
	const struct net_header ask = { .flags = NET_NEEDS_CSUM,
					.csum_start = le16_of(34),
					.csum_offset = le16_of(16) };
	int fd;

	namespace();
	open_tap("tap=vt");
	fd = other_side("vt");
	net_shape(h, 1, 0);
	put_frame(fd, &ask, 100, 3);
	EXPECT_EQ(expect_here(100, 3).flags & NET_NEEDS_CSUM, 0);
	net_shape(h, 1, NET_CSUM);
	put_frame(fd, &ask, 100, 4);
	EXPECT_EQ(expect_here(100, 4).flags & NET_NEEDS_CSUM, NET_NEEDS_CSUM);
	(void)close(fd);
	close_tap();
}

/* A frame that is put where it is wanted: 100 bytes, of which the pieces take @room. */
static void expect_placed(int fd, size_t room)
{
	static const struct net_header none;
	uint8_t want[100], first[40], second[100];
	struct iovec iov[2] = { { first, room < sizeof(first) ? room : sizeof(first) },
				{ second, room - iov[0].iov_len } };
	const size_t rest = sizeof(want) - NET_FRAME_MIN;
	const size_t placed = room < rest ? room : rest;
	struct net_frame f;

	make_frame(want, sizeof(want), 9);
	put_frame(fd, &none, sizeof(want), 9);
	do {
		memset(first, 0xdd, sizeof(first));
		memset(second, 0xdd, sizeof(second));
	} while (net_receive(h, 0, &f, (struct net_place){ iov, 2 }) ||
		 memcmp(f.data + 12, "\x88\xb5", 2) != 0);
	EXPECT_EQ(f.len, sizeof(want));
	EXPECT_EQ(f.placed, placed);
	EXPECT(memcmp(f.data, want, NET_FRAME_MIN) == 0);
	EXPECT(memcmp(f.data + NET_FRAME_MIN, want + NET_FRAME_MIN + placed, rest - placed) == 0);
	for (size_t i = 0; i < placed; i++)
		EXPECT_EQ(i < iov[0].iov_len ? first[i] : second[i - iov[0].iov_len], 9);
	EXPECT(iov[0].iov_len == sizeof(first) || first[room] == 0xdd);
}

TEST(a_frame_goes_where_it_is_wanted)
{
	int fd;

	namespace();
	open_tap("tap=vt");
	fd = other_side("vt");
	for (size_t room = 1; room < 130; room++)
		expect_placed(fd, room);
	(void)close(fd);
	close_tap();
}

TEST(queues_come_and_go)
{
	static const struct net_header none;
	int fd;

	namespace();
	open_tap("tap=vt,queues=4");
	fd = other_side("vt");
	for (unsigned n = 1; n <= 4; n++) {
		net_shape(h, n, 0);
		for (unsigned q = 0; q < 4; q++) {
			EXPECT_EQ(send_frame(q, 60 + q, (uint8_t)q), 0);
			expect_there(fd, 60 + q, (uint8_t)q);
			net_want(h, q, NET_IN);
		}
		put_frame(fd, &none, 80, (uint8_t)n);
		(void)expect_here(80, (uint8_t)n);
	}
	net_shape(h, 1, 0);
	/* Those that have no part in it now are quiet. */
	for (unsigned q = 0; q < 4; q++)
		net_want(h, q, 0);
	readies = 0;
	wait_ms(20);
	EXPECT_EQ(readies + downs, 0);
	(void)close(fd);
	close_tap();
}

static void delete_link(const char *name)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} m = {
		.head = { .nlmsg_len = sizeof(m),
			  .nlmsg_type = RTM_DELLINK,
			  .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_index = (int)if_nametoindex(name) },
	};
	const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	EXPECT_EQ(send(fd, &m, sizeof(m), 0), sizeof(m));
	(void)close(fd);
	while (if_nametoindex(name))
		(void)usleep(1000);
}

TEST(a_tap_that_is_deleted_is_told_of_once)
{
	struct net_frame f;

	for (int found = 0; found < 3; found++) {
		namespace();
		downs = 0;
		open_tap("tap=vt,queues=2");
		/* A card that gives the guest frames is told; another finds out when it acts. */
		for (unsigned q = 0; q < 2; q++)
			net_want(h, q, found ? 0 : NET_IN);
		delete_link("vt");
		if (found == 1)
			EXPECT_EQ(send_frame(0, 60, 1) < 0, true);
		if (found == 2)
			net_shape(h, 1, 0);
		wait_ms(1000);
		EXPECT_EQ(downs, 1);
		EXPECT(!h->up);
		EXPECT_EQ(net_receive(h, 0, &f, (struct net_place){ 0 }), -EAGAIN);
		EXPECT_EQ(send_frame(0, 60, 1), -EIO);
		net_shape(h, 2, NET_CSUM);
		net_want(h, 0, NET_IN | NET_OUT);
		wait_ms(20);
		EXPECT_EQ(downs, 1);
		close_tap();
	}
}

static int tun_fd(const char *name, int flags)
{
	const int fd = open("/dev/net/tun", O_RDWR);
	struct ifreq r = { .ifr_flags = (short)flags };

	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	EXPECT_EQ(ioctl(fd, TUNSETIFF, &r), 0);
	return fd;
}

TEST(a_tap_can_be_handed_in)
{
	const int good = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
	char text[64];
	struct err e;
	int fd, a, b;

	namespace();
	a = tun_fd("vt", good);
	b = tun_fd("vt", good);
	(void)snprintf(text, sizeof(text), "fd=%d:%d", a, b);
	open_tap(text);
	EXPECT_EQ(h->queues, 2);
	fd = other_side("vt");
	EXPECT_EQ(send_frame(1, 60, 5), 0);
	expect_there(fd, 60, 5);
	(void)close(fd);
	close_tap();
	EXPECT_EQ(fcntl(a, F_GETFD), -1); /* it was vmm's */

	a = tun_fd("vt", IFF_TAP | IFF_NO_PI);
	(void)snprintf(text, sizeof(text), "fd=%d", a);
	EXPECT_EQ(try_open(text, &e), -EINVAL);
	EXPECT_HAS(e.text, "must be a tap with IFF_NO_PI and IFF_VNET_HDR");
	a = tun_fd("va", good);
	b = tun_fd("vb", good);
	(void)snprintf(text, sizeof(text), "fd=%d:%d", a, b);
	EXPECT_EQ(try_open(text, &e), -EINVAL);
	EXPECT_HAS(e.text, "is of vb, and those before it are of va");
	EXPECT(try_open("fd=0", &e) < 0);
	EXPECT_HAS(e.text, "fd 0 is no tap device");
}

TEST(what_cannot_be_opened_says_why)
{
	struct err e;
	int fd;

	namespace();
	EXPECT_EQ(try_open("tap=lo", &e), -EINVAL);
	EXPECT_HAS(e.text, "lo: it is no tap device");
	fd = tun_fd("vt", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	EXPECT_EQ(try_open("tap=vt", &e), -EBUSY);
	EXPECT_HAS(e.text, "vt: another program has it");
	(void)close(fd);
	/* The name is the kernel's choice. */
	open_tap("tap");
	EXPECT_STR(h->name, "net0 (tap0)");
	close_tap();
}

TEST_MAIN(T(frames_go_both_ways), T(the_kernel_does_what_the_guest_does_not_want_to),
	  T(a_frame_goes_where_it_is_wanted), T(queues_come_and_go),
	  T(a_tap_that_is_deleted_is_told_of_once), T(a_tap_can_be_handed_in),
	  T(what_cannot_be_opened_says_why))
