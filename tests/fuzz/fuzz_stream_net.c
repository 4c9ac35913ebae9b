/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames on a stream, as passt and QEMU have them: a peer that sends good frames and any bytes, in
 * pieces, reads slowly, hangs up, and comes back when the keeper finds it.
 */
#include "tests/fuzz/clock.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/rounds.h"
#include "vmm/host/net_back.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES, FRAME, READ, HANG_UP, RECEIVE, SEND, WANT, UP, DOWN, TURN, TIME, NR_OPS };

static const struct keeper_job *job;
static int peer = -1;  /* the other end of the newest connection */
static unsigned asked; /* of the keeper, and not answered */
static struct loop *loop;
static struct net_host *host;
static uint8_t bytes[1 << 17];

static int new_pair(int type)
{
	int s[2];

	EXPECT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s), 0);
	if (peer >= 0)
		(void)close(peer);
	peer = s[1];
	return s[0];
}

/* In place of the keeper. */
int keeper_start(struct keeper *k UNUSED, const struct keeper_job *j, unsigned *nr, int *fd,
		 struct err *e UNUSED)
{
	job = j;
	*nr = 3;
	*fd = new_pair(SOCK_STREAM);
	return 0;
}

void keeper_again(struct keeper *k UNUSED, unsigned nr)
{
	EXPECT_EQ(nr, 3);
	asked++;
}

static void on_ready(struct net_front *f UNUSED, unsigned queue, unsigned what)
{
	struct net_frame frame;

	EXPECT_EQ(queue, 0);
	if (what & NET_IN && net_receive(host, 0, &frame, (struct net_place){ 0 }) == 0)
		EXPECT(frame.len >= NET_FRAME_MIN && frame.len <= NET_FRAME_MAX);
}

static void on_link(struct net_front *f UNUSED, bool up UNUSED)
{
}

static void send_frame(struct program *p)
{
	const uint32_t len = NET_FRAME_MIN + program_u16(p) % (NET_FRAME_MAX - NET_FRAME_MIN + 1U);
	const uint8_t how = program_u8(p);
	struct net_header h = { .flags = how & 1, .csum_start = le16_of(how >> 4) };
	struct iovec iov[] = { { &h, sizeof(h) },
			       { bytes, len / 3 },
			       { bytes + 70000, len - len / 3 } };

	EXPECT(net_csum_fits(&h, len) || h.flags);
	if (net_csum_fits(&h, len))
		(void)net_send(host, 0, iov, 3);
	if (len & 1)
		net_flush(host, 0);
}

/* What the peer says: a frame with its length in front, which may be a lie. */
static void frame(struct program *p)
{
	const uint32_t len = program_u16(p), says = htonl(program_u8(p) & 1 ? program_u32(p) : len);

	memcpy(bytes, &says, sizeof(says));
	if (peer >= 0)
		(void)!write(peer, bytes, sizeof(says) + len);
}

static void others(struct program *p, unsigned op)
{
	struct net_frame f;
	const uint8_t *from;
	size_t n;

	switch (op) {
	case BYTES:
		n = program_take(p, &from, program_u8(p));
		if (n && peer >= 0)
			(void)!write(peer, from, n);
		break;
	case READ:
		if (peer >= 0)
			(void)!read(peer, bytes, program_u16(p) * 2U);
		break;
	case HANG_UP:
		if (peer >= 0)
			(void)close(peer);
		peer = -1;
		break;
	case RECEIVE:
		if (net_receive(host, 0, &f, (struct net_place){ 0 }) == 0)
			EXPECT(f.len >= NET_FRAME_MIN && f.len <= NET_FRAME_MAX);
		break;
	case WANT:
		net_want(host, 0, program_u8(p) & 3);
		break;
	case UP:
		if (asked)
			job->up(job->ctx,
				new_pair(program_u8(p) & 1 ? SOCK_SEQPACKET : SOCK_STREAM));
		asked = 0;
		break;
	case DOWN:
		job->down(job->ctx, "it is not there");
		asked = 0;
		break;
	case TURN:
		rounds_run(loop, 1 + program_u8(p) % 4U);
		break;
	default:
		clock_ns += program_u8(p) * 100000000ULL;
		break;
	}
}

void fuzz_one(const uint8_t *data, size_t len)
{
	const struct keeper_job desc = { .kind = KEEPER_CONNECT, .name = "fuzz", .path = "/fuzz" };
	struct net_front front = { .ready = on_ready, .link = on_link };
	struct program p = { data, len };
	struct err e;

	clock_start();
	asked = 0;
	loop = loop_create(&e);
	EXPECT(loop != NULL);
	host = net_stream_open(&desc, NULL, loop, NULL, &e);
	EXPECT(host != NULL);
	EXPECT_EQ(net_attach(host, loop, &front, &e), 0);
	while (program_more(&p)) {
		const unsigned op = program_u8(&p) % NR_OPS;

		if (op == FRAME)
			frame(&p);
		else if (op == SEND)
			send_frame(&p);
		else
			others(&p, op);
	}
	net_close(host);
	loop_destroy(loop);
	if (peer >= 0)
		(void)close(peer);
	peer = -1;
}
