/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host ends of consoles: a pseudo-terminal or a socket whose peers write, read or do not, and come
 * and go, with a device in front that asks, reads and writes as it likes.
 */
#include "tests/fuzz/clock.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/rounds.h"
#include "vmm/host/chardev.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

enum { COME, GO, SAY, HEAR, RESIZE, READ, WRITE, ROOM, RECENT, TURN, TIME, NR_OPS };

static char folder[64], path[80];
static struct loop *loop;
static struct chardev *chr;
static int peer;
static uint8_t bytes[1 << 16];

/* In place of the C library's: who waits finds the time gone. */
int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	const struct timespec none = { 0 };

	if (timeout > 0)
		clock_ns += (uint64_t)timeout * 1000000;
	return (int)syscall(SYS_ppoll, fds, n, &none, NULL, 0);
}

static void remove_folder(void)
{
	(void)rmdir(folder);
}

static void make_folder(void)
{
	if (folder[0])
		return;
	(void)snprintf(folder, sizeof(folder), "/tmp/vmm-fuzz-chardev.XXXXXX");
	EXPECT(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof(path), "%s/s", folder);
	(void)atexit(remove_folder);
}

static void on_ready(struct chardev_front *f UNUSED)
{
}

static void leave(void)
{
	if (peer >= 0)
		(void)close(peer);
	peer = -1;
}

static void come(bool is_socket)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	leave();
	if (!is_socket) {
		peer = open(chardev_name(chr), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		return;
	}
	peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	memcpy(a.sun_path, path, sizeof(path));
	if (connect(peer, (struct sockaddr *)&a, sizeof(a)) < 0)
		leave();
}

static void the_peer(struct program *p, unsigned op)
{
	const uint8_t *from;
	struct winsize size = { 0 };
	size_t n;

	if (peer < 0)
		return;
	switch (op) {
	case GO:
		leave();
		break;
	case SAY:
		n = program_take(p, &from, program_u8(p));
		if (n)
			(void)!write(peer, from, n);
		break;
	case HEAR:
		(void)!read(peer, bytes, program_u16(p));
		break;
	default:
		size.ws_col = program_u8(p);
		(void)ioctl(peer, TIOCSWINSZ, &size);
		break;
	}
}

static void front(struct program *p, unsigned op)
{
	uint16_t cols, rows;
	size_t n = program_u16(p), got;

	switch (op) {
	case READ:
		got = chardev_read(chr, bytes, n);
		EXPECT(got <= n);
		break;
	case WRITE:
		got = chardev_write(chr, bytes, n);
		EXPECT(got <= n);
		break;
	case ROOM:
		for (unsigned i = 0; i < 1 + n / 64; i++)
			EXPECT(chardev_room(chr) <= CHARDEV_RING);
		break;
	default:
		EXPECT(chardev_recent(chr, bytes, n) <= CHARDEV_RECENT);
		(void)chardev_peers(chr);
		chardev_size(chr, &cols, &rows);
		(void)chardev_dropped(chr);
		(void)chardev_taken(chr);
		if (n & 1)
			chardev_forget_recent(chr);
		break;
	}
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct chardev_front f = { .ready = on_ready };
	struct program p = { data, len };
	const bool is_socket = program_u8(&p) & 1;
	struct err e;

	make_folder();
	clock_start();
	peer = -1;
	loop = loop_create(&e);
	EXPECT(loop != NULL);
	chr = chardev_open(is_socket ? CHARDEV_SOCKET : CHARDEV_PTY, is_socket ? path : NULL, NULL,
			   loop, &e);
	if (!chr)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	chardev_attach(chr, &f);
	while (program_more(&p)) {
		const unsigned op = program_u8(&p) % NR_OPS;

		if (op == COME)
			come(is_socket);
		else if (op <= RESIZE)
			the_peer(&p, op);
		else if (op < TURN)
			front(&p, op);
		else if (op == TURN)
			rounds_run(loop, 1 + program_u8(&p) % 4U);
		else
			clock_ns += program_u8(&p) * 10000000ULL;
	}
	chardev_attach(chr, NULL);
	chardev_close(chr);
	leave();
	loop_destroy(loop);
}
