/* SPDX-License-Identifier: Apache-2.0 */
/* The PL011 on a real chardev and a real loop: the whole way of a byte, but for KVM. */
#include "devices/pl011.h"
#include "tests/lib/fake_irq.h"
#include "tests/lib/mmio.h"
#include "tests/lib/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BASE  0x9000000ULL
#define PASTE (100 * 1024)

enum { DR = 0x00, FR = 0x18, LCR_H = 0x2c, FEN = 0x10, FR_RXFE = 0x10, FR_TXFF = 0x20 };

static struct bus *bus;

static unsigned rd(unsigned reg)
{
	return (unsigned)mmio_read(bus, BASE + reg, 4);
}

/* A guest that echoes by polling. */
static void *echo(void *arg UNUSED)
{
	for (size_t n = 0; n < PASTE; n++) {
		unsigned word;

		while (rd(FR) & FR_RXFE)
			(void)sched_yield();
		word = rd(DR);
		while (rd(FR) & FR_TXFF)
			(void)sched_yield();
		mmio_write(bus, BASE + DR, 1, word);
	}
	return NULL;
}

static void *serve(void *loop)
{
	struct err e;

	EXPECT_EQ(loop_run(loop, &e), 0);
	return NULL;
}

static int dial(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	EXPECT(fd >= 0);
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	EXPECT_EQ(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* The user pastes and reads what is echoed. */
static void paste(int fd)
{
	static uint8_t out[PASTE], in[PASTE];
	size_t sent = 0, got = 0;

	for (size_t i = 0; i < PASTE; i++)
		out[i] = (uint8_t)(i * 7 + i / 251);
	while (got < PASTE) {
		struct pollfd p = { fd, (short)(sent < PASTE ? POLLIN | POLLOUT : POLLIN), 0 };
		ssize_t n;

		EXPECT_EQ(poll(&p, 1, 30000), 1);
		n = p.revents & POLLOUT ? write(fd, out + sent, PASTE - sent) : 0;
		sent += n > 0 ? (size_t)n : 0;
		n = p.revents & POLLIN ? read(fd, in + got, PASTE - got) : 0;
		got += n > 0 ? (size_t)n : 0;
	}
	EXPECT_EQ(memcmp(in, out, PASTE), 0);
}

TEST(pl011_echoes_100_KiB_byte_for_byte_through_a_socket)
{
	char dir[] = "/tmp/test_pl011.XXXXXX", path[64];
	pthread_t vcpu, loop_thread;
	struct fake_irq irq;
	struct chardev *chr;
	struct device *dev;
	struct loop *loop;
	struct err e;
	int fd;

	EXPECT(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	fake_irq_init(&irq, 1);
	loop = loop_create(&e);
	EXPECT(loop != NULL);
	chr = chardev_open(CHARDEV_SOCKET, path, NULL, loop, &e);
	EXPECT(chr != NULL);
	dev = pl011_create(BASE, 0x1000, &irq.line, chr, &e);
	EXPECT(dev != NULL);
	bus = mmio_bus(dev);
	mmio_write(bus, BASE + LCR_H, 4, FEN);

	EXPECT_EQ(pthread_create(&loop_thread, NULL, serve, loop), 0);
	EXPECT_EQ(pthread_create(&vcpu, NULL, echo, NULL), 0);
	fd = dial(path);
	paste(fd);
	EXPECT_EQ(pthread_join(vcpu, NULL), 0);
	loop_stop(loop);
	EXPECT_EQ(pthread_join(loop_thread, NULL), 0);
	EXPECT_EQ(chardev_dropped(chr), 0);
	EXPECT_EQ(dev->guest_errors, 0);

	(void)close(fd);
	bus_destroy(bus);
	device_destroy(dev);
	chardev_close(chr);
	loop_destroy(loop);
	(void)rmdir(dir);
}

TEST_MAIN(T(pl011_echoes_100_KiB_byte_for_byte_through_a_socket))
