/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network card: frames and commands of a driver, frames of a host, and a host end that is full,
 * down, or has a frame that is no good. What reaches the host end is what the card promises.
 */
#include "devices/virtio/net_parts.h"
#include "tests/fuzz/clock.h"
#include "tests/fuzz/guest.h"
#include "tests/fuzz/host_net.h"
#include "tests/fuzz/no_threads.h"

#include <stdlib.h>

enum {
	FRAME = GUEST_OPS, /* of the host */
	SEND,
	BUFFERS,
	COMMAND,
	HOST,
	LINK,
	TIME,
	NR_OPS
};

static void no_threads_waits(void)
{
	test_fail(__FILE__, __LINE__, "the card waits");
}

/* A header that may make sense: the common kinds of packets, with a field or two changed. */
static struct net_header take_header(struct program *p)
{
	static const uint8_t gso[] = { NET_GSO_NONE,
				       NET_GSO_TCP4,
				       NET_GSO_TCP6,
				       NET_GSO_UDP_L4,
				       NET_GSO_TCP4 | NET_GSO_ECN,
				       NET_GSO_UDP,
				       9,
				       0xff };
	const uint8_t how = program_u8(p);
	struct net_header h = {
		.flags = how & 7,
		.gso_type = gso[how >> 3 & 7],
		.hdr_len = le16_of(54),
		.gso_size = le16_of(gso[how >> 3 & 7] ? 1400 : 0),
		.csum_start = le16_of(34),
		.csum_offset = le16_of(16),
	};

	if (how & 64)
		program_copy(p, (char *)&h + program_u8(p) % 9U, 2);
	return h;
}

/* Frames of which a few bytes are given, the rest is what was there. */
static void frame(struct net *n, struct program *p)
{
	const uint8_t *from;
	const uint8_t how = program_u8(p);
	size_t given;

	host_net.header = take_header(p);
	host_net.queue = how & 7;
	host_net.len = NET_FRAME_MIN + program_u16(p) % (NET_FRAME_MAX - NET_FRAME_MIN + 1U);
	if (how & 8)
		memset(host_net.frame, 0xff, NET_MAC);
	else if (how & 16)
		memcpy(host_net.frame, n->filter.mac, NET_MAC);
	given = program_take(p, &from, program_u8(p) & 63);
	if (given)
		memcpy(host_net.frame, from, given);
	if (host_net.want[host_net.queue % host_net.h.queues] & NET_IN)
		n->front.ready(&n->front, host_net.queue % host_net.h.queues, NET_IN);
}

static void send(struct guest *g)
{
	const unsigned pair = program_u8(g->p) & 3, len = program_u16(g->p);
	const struct net_header h = take_header(g->p);
	const uint64_t at = guest_scratch(g);
	struct guest_piece d[] = { { at, sizeof(h), false }, { GUEST_BUFFERS + 4096, len, false } };

	memcpy(guest_at(at, sizeof(h)), &h, sizeof(h));
	guest_add(g, 2 * pair + 1, d, 2, pair & 2);
	guest_kick(g, 2 * pair + 1);
}

static void buffers(struct guest *g)
{
	const unsigned pair = program_u8(g->p) & 3;
	const uint32_t len = program_u16(g->p);

	for (unsigned n = program_u8(g->p) % 32U; n; n--)
		guest_add(g, 2 * pair, &(struct guest_piece){ GUEST_BUFFERS + 8192, len, true }, 1,
			  false);
	guest_kick(g, 2 * pair);
}

static void command(struct guest *g)
{
	const uint8_t q = program_u8(g->p);
	const size_t len = program_u8(g->p) & 127;
	const uint64_t at = guest_scratch(g);
	struct guest_piece d[] = { { at, (uint32_t)len, false }, { at + 200, 1, true } };

	program_copy(g->p, guest_at(at, len), len);
	guest_add(g, 2 * (q % 5U), d, 2, false);
	guest_kick(g, 2 * (q % 5U));
}

static void change_host(struct net *n, uint8_t how)
{
	host_net.error = how & 1 ? -EAGAIN : how & 2 ? -EIO : 0;
	for (unsigned i = 0; i < host_net.h.queues; i++)
		if (host_net.want[i] & NET_OUT && !(how & 4))
			n->front.ready(&n->front, i, NET_OUT);
}

static struct net *make(struct guest *g, uint8_t how)
{
	struct virtio *v;
	struct err e;

	host_net_init(how);
	v = virtio_net_create(&host_net.h, 0, !(how & 16), NET_VHOST_OFF, &g->mem, &e);
	EXPECT(v != NULL);
	return container_of(v, struct net, v);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	static struct guest g;
	struct net *n;

	clock_start();
	guest_init(&g, &p, false);
	n = make(&g, program_u8(&p));
	host_net.h.loop = n->loop;
	guest_plug(&g, &n->v);
	while (program_more(&p)) {
		const unsigned op = program_u8(&p) % NR_OPS;

		if (op == GUEST_TURNS)
			rounds_run(n->loop, 1 + program_u8(&p) % 4U);
		else if (op < GUEST_OPS)
			guest_do(&g, (enum guest_op)op);
		else if (op == FRAME)
			frame(n, &p);
		else if (op == SEND)
			send(&g);
		else if (op == BUFFERS)
			buffers(&g);
		else if (op == COMMAND)
			command(&g);
		else if (op == HOST)
			change_host(n, program_u8(&p));
		else if (op == LINK)
			n->front.link(&n->front, program_u8(&p) & 1);
		else
			clock_ns += program_u8(&p) * 10000000ULL;
	}
	guest_done(&g);
}
