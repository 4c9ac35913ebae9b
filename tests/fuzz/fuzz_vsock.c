/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vsock on Unix sockets: packets of a guest, and programs on the host that connect, say where to,
 * send, read or do not, shut down one way, and leave.
 */
#include "devices/virtio/vsock_parts.h"
#include "tests/fuzz/clock.h"
#include "tests/fuzz/guest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { PACKET = GUEST_OPS, BUFFERS, DIALED, CONNECT, TALK, TIME, NR_OPS };

enum { CID = 77, SOCKETS = 8 };

static char folder[64], path[80];
static int sock[SOCKETS]; /* ends of the host's programs; -1: none */
static struct {
	void (*done)(void *ctx, int fd);
	void *ctx;
} dial[VIRTIO_VSOCK_DIALS];
static unsigned nr_dials;

static void remove_folder(void)
{
	(void)unlink(path);
	(void)rmdir(folder);
}

static void make_folder(void)
{
	if (folder[0])
		return;
	(void)snprintf(folder, sizeof(folder), "/tmp/vmm-fuzz-vsock.XXXXXX");
	EXPECT(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof(path), "%s/v", folder);
	(void)atexit(remove_folder);
}

static void on_dial(void *ctx UNUSED, uint32_t port UNUSED, void (*done)(void *done_ctx, int fd),
		    void *done_ctx)
{
	EXPECT(nr_dials < VIRTIO_VSOCK_DIALS);
	dial[nr_dials].done = done;
	dial[nr_dials++].ctx = done_ctx;
}

static void keep(unsigned i, int fd)
{
	i %= SOCKETS;
	if (sock[i] >= 0)
		(void)close(sock[i]);
	sock[i] = fd;
}

/* One of the dials is over: connected, to a socket with little room if so, or not. */
static void dialed(struct program *p)
{
	const uint8_t which = program_u8(p), how = program_u8(p);
	int pair[2] = { -1, -1 }, small = 1;
	unsigned n;

	if (nr_dials == 0)
		return;
	if (how & 1)
		EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			  0);
	if (how & 1 && how & 2)
		(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	keep(which >> 4, pair[1]);
	n = which % nr_dials;
	nr_dials--;
	void (*done)(void *ctx, int fd) = dial[n].done;
	void *ctx = dial[n].ctx;
	dial[n] = dial[nr_dials];
	done(ctx, pair[0]);
}

static void connect_to_guest(struct program *p)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const uint8_t which = program_u8(p);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char line[32];

	EXPECT(fd >= 0);
	memcpy(a.sun_path, path, sizeof(path));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		(void)close(fd);
		return;
	}
	(void)snprintf(line, sizeof(line), "CONNECT %u\n", program_u8(p));
	if (which & 8)
		(void)!write(fd, line, strlen(line));
	keep(which, fd);
}

static void talk(struct program *p)
{
	static char bytes[1 << 16];
	const uint8_t which = program_u8(p);
	const int fd = sock[which % SOCKETS];
	const uint8_t *from;
	size_t n;

	if (fd < 0)
		return;
	switch (which >> 4) {
	case 0:
		n = program_take(p, &from, program_u8(p));
		if (n)
			(void)!write(fd, from, n);
		break;
	case 1:
		(void)!write(fd, bytes, program_u16(p));
		break;
	case 2:
		(void)!read(fd, bytes, program_u16(p));
		break;
	case 3:
		while (read(fd, bytes, sizeof(bytes)) > 0)
			;
		break;
	case 4:
		(void)shutdown(fd, SHUT_WR);
		break;
	case 5:
		(void)shutdown(fd, SHUT_RD);
		break;
	default:
		keep(which, -1);
		break;
	}
}

/* A packet whose header is right but for what the program says. */
static void packet(struct guest *g)
{
	const uint8_t how = program_u8(g->p);
	const uint32_t len = how & 16 ? program_u16(g->p) : how & 32 ? program_u8(g->p) : 0;
	struct vsock_header h = {
		.src_cid = le64_of(CID),
		.dst_cid = le64_of(VSOCK_CID_HOST),
		.src_port = le32_of(program_u8(g->p)),
		.len = le32_of(len),
		.type = le16_of(VSOCK_TYPE_STREAM),
		.op = le16_of(how & 15),
		.buf_alloc = le32_of(65536),
	};
	const uint8_t port = program_u8(g->p);
	const uint64_t at = guest_scratch(g);
	struct guest_piece d[] = { { at, VSOCK_HEADER, false },
				   { GUEST_BUFFERS + 4096, len, false } };

	/* Ports that the device gives to those that connect begin there. */
	h.dst_port = le32_of(port & 128 ? 0x40000001U + (port & 127) : port);
	h.flags = le32_of(program_u8(g->p));
	if (how & 64)
		h.fwd_cnt = le32_of(program_u32(g->p));
	if (how & 128)
		program_copy(g->p, (char *)&h + program_u8(g->p) % (VSOCK_HEADER - 3), 4);
	memcpy(guest_at(at, VSOCK_HEADER), &h, VSOCK_HEADER);
	guest_add(g, VSOCK_TX, d, 2, false);
	guest_kick(g, VSOCK_TX);
}

static void buffers(struct guest *g)
{
	const unsigned n = program_u8(g->p) % 32U;
	const uint32_t len = program_u16(g->p);

	for (unsigned i = 0; i < n; i++)
		guest_add(g, VSOCK_RX, &(struct guest_piece){ GUEST_BUFFERS + 8192, len, true }, 1,
			  false);
	guest_kick(g, VSOCK_RX);
}

/* No connection has more than its share of memory. */
static void check(const struct vsock *s)
{
	for (unsigned i = 0; i < s->fresh; i++)
		EXPECT(s->conn[i].fill <= VSOCK_RING);
	EXPECT(s->nr_resets <= VSOCK_RESETS);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	static const struct virtio_vsock_dialer dialer = { .dial = on_dial };
	struct virtio_vsock_config c = { .cid = CID, .uds = path };
	struct program p = { data, len };
	struct virtio *v;
	static struct guest g;
	struct err e;

	make_folder();
	clock_start();
	nr_dials = 0;
	memset(sock, -1, sizeof(sock));
	guest_init(&g, &p, true);
	v = virtio_vsock_create(&c, &g.mem, g.loop, program_u8(&p) & 1 ? NULL : &dialer, &e);
	EXPECT(v != NULL);
	guest_plug(&g, v);
	while (program_more(&p)) {
		const unsigned op = program_u8(&p) % NR_OPS;

		if (op == GUEST_TURNS)
			rounds_run(g.loop, 1 + program_u8(&p) % 8U);
		else if (op < GUEST_OPS)
			guest_do(&g, (enum guest_op)op);
		else if (op == PACKET)
			packet(&g);
		else if (op == BUFFERS)
			buffers(&g);
		else if (op == DIALED)
			dialed(&p);
		else if (op == CONNECT)
			connect_to_guest(&p);
		else if (op == TALK)
			talk(&p);
		else
			clock_ns += program_u8(&p) * 100000000ULL;
		check(container_of(v, struct vsock, v));
	}
	while (nr_dials) { /* nobody's now, and none comes later */
		nr_dials--;
		dial[nr_dials].done(dial[nr_dials].ctx, -1);
	}
	guest_done(&g);
	for (unsigned i = 0; i < SOCKETS; i++)
		keep(i, -1);
}
