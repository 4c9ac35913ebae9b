/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many vsock connections at once under random operations of the guest and of the host's programs,
 * beside a model that knows what each has sent and may still get.
 *
 * What is always so: bytes come in order and complete up to an end; the device keeps to the guest's
 * credit; whatever the guest sent within its own reaches the host before the end does.
 */
#include "tests/lib/vsock_rig.h"

enum { CONNS = 48, WINDOW = 6000, LISTEN_PORT = 52 };

struct conn {
	bool used, guest_open, host_connected;
	unsigned id; /* what its bytes are */
	int fd;	     /* the host's; -1: closed */
	uint32_t guest_port, host_port;
	uint32_t guest_sent, host_got; /* one way */
	uint32_t host_sent, guest_got; /* the other */
	uint32_t forwarded, told;      /* of guest_got: taken, and said to be */
	uint32_t dev_alloc, dev_forwarded;
	bool guest_no_send, guest_no_receive, guest_ended; /* what the guest did, and heard */
	bool host_no_send;
	unsigned greeted;   /* bytes of "OK PORT\n" that are still to be read */
	unsigned host_said; /* flags that the guest heard */
};

static struct rig r;
static struct conn conns[CONNS];
static uint32_t rnd_state;
static int listener;
static unsigned ids, moved, resets, refused;

static uint32_t rnd(uint32_t n)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 17;
	rnd_state ^= rnd_state << 5;
	return rnd_state % n;
}

static uint8_t byte_of(unsigned id, bool by_guest, uint32_t at)
{
	return (uint8_t)((at * 31 + id * 7 + by_guest) ^ at >> 8);
}

static struct conn *new_conn(void)
{
	for (unsigned i = 0; i < CONNS; i++) {
		struct conn *c = &conns[i];

		if (c->used)
			continue;
		*c = (struct conn){ .used = true, .fd = -1, .id = ++ids };
		c->guest_port = 10000 + c->id; /* unlike any before it */
		return c;
	}
	return NULL;
}

static struct conn *by_guest_port(uint32_t port)
{
	for (unsigned i = 0; i < CONNS; i++)
		if (conns[i].used && conns[i].guest_port == port)
			return &conns[i];
	return NULL;
}

static void forget_if_over(struct conn *c)
{
	if (!c->guest_open && c->fd < 0)
		c->used = false;
}

static void close_host(struct conn *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	c->host_no_send = true;
	forget_if_over(c);
}

/* --- the guest ------------------------------------------------------------------------------ */

static void say(struct conn *c, unsigned op, uint32_t flags, const void *data, uint32_t len)
{
	SAY(&r, .op = op, .guest_port = c->guest_port, .host_port = c->host_port, .flags = flags,
	    .data = data, .len = len, .alloc = WINDOW, .forwarded = c->forwarded);
	c->told = c->forwarded;
}

static void guest_is_done(struct conn *c)
{
	c->guest_open = false;
	forget_if_over(c);
}

static void hear_data(struct conn *c, const struct heard *h)
{
	EXPECT(!(c->host_said & VSOCK_NO_SEND));
	for (uint32_t i = 0; i < h->len; i++)
		EXPECT_EQ(h->data[i], byte_of(c->id, false, c->guest_got + i));
	c->guest_got += h->len;
	moved += h->len;
	EXPECT(c->guest_got <= c->host_sent);
	EXPECT(c->guest_got - c->told <= WINDOW);
}

static void hear_end(struct conn *c, unsigned flags)
{
	EXPECT_EQ(flags & c->host_said, c->host_said); /* none is taken back */
	c->host_said = flags;
	if (flags & VSOCK_NO_SEND && !c->guest_no_receive)
		EXPECT_EQ(c->guest_got, c->host_sent);
	if (flags != VSOCK_NO_BOTH)
		return;
	say(c, VSOCK_OP_RST, 0, NULL, 0);
	guest_is_done(c);
}

static void hear_one(const struct heard *h)
{
	struct conn *c = by_guest_port(h->guest_port);

	EXPECT_EQ(h->type, VSOCK_TYPE_STREAM);
	if (!c && h->op == VSOCK_OP_RST)
		return; /* both sides ended it at the same time */
	if (!c) {
		EXPECT_EQ(h->op, VSOCK_OP_REQUEST); /* of a program that has left already */
		SAY(&r, .op = VSOCK_OP_RST, .guest_port = h->guest_port, .host_port = h->host_port);
		return;
	}
	if (h->op == VSOCK_OP_REQUEST) {
		c->host_port = h->host_port;
		c->guest_open = rnd(8) != 0;
		refused += !c->guest_open;
		c->dev_alloc = h->alloc;
		say(c, c->guest_open ? VSOCK_OP_RESPONSE : VSOCK_OP_RST, 0, NULL, 0);
		return;
	}
	EXPECT_EQ(h->host_port, c->host_port);
	if (!c->guest_open)
		return; /* it was under way when the guest ended it */
	c->dev_alloc = h->alloc;
	c->dev_forwarded = h->forwarded;
	EXPECT(c->dev_forwarded <= c->guest_sent);
	switch (h->op) {
	case VSOCK_OP_RESPONSE:
		c->host_connected = true;
		break;
	case VSOCK_OP_RW:
		hear_data(c, h);
		break;
	case VSOCK_OP_SHUTDOWN:
		hear_end(c, h->flags);
		break;
	case VSOCK_OP_RST:
		/* It ended both ways, was refused, or nobody waited for the answer. */
		EXPECT((c->guest_no_send && c->guest_no_receive) || !c->host_connected ||
		       (c->greeted && c->fd < 0));
		guest_is_done(c);
		break;
	case VSOCK_OP_CREDIT_REQUEST:
		say(c, VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0);
		break;
	default:
		EXPECT_EQ(h->op, VSOCK_OP_CREDIT_UPDATE);
	}
}

static void hear(void)
{
	struct heard h;

	while (rig_hear(&r, &h))
		hear_one(&h);
}

static void guest_sends(struct conn *c)
{
	uint8_t data[4000];
	uint32_t room = c->dev_alloc - (c->guest_sent - c->dev_forwarded);
	uint32_t len = 1 + rnd(sizeof(data));

	if (!c->host_connected || c->guest_no_send)
		return;
	len = len < room ? len : room;
	for (uint32_t i = 0; i < len; i++)
		data[i] = byte_of(c->id, true, c->guest_sent + i);
	c->guest_sent += len;
	say(c, VSOCK_OP_RW, 0, data, len);
}

static void guest_ends(struct conn *c, unsigned flags)
{
	if (!c->host_connected)
		return;
	c->guest_no_send |= (flags & VSOCK_NO_SEND) != 0;
	c->guest_no_receive |= (flags & VSOCK_NO_RECEIVE) != 0;
	say(c, VSOCK_OP_SHUTDOWN, flags, NULL, 0);
}

static void guest_calls(void)
{
	struct conn *c = new_conn();

	if (!c)
		return;
	c->host_port = rnd(10) ? LISTEN_PORT : 99;
	c->guest_open = true;
	c->guest_no_receive = false;
	say(c, VSOCK_OP_REQUEST, 0, NULL, 0);
}

/* --- the host ------------------------------------------------------------------------------- */

static void host_calls(void)
{
	struct conn *c = new_conn();
	char line[32];

	if (!c)
		return;
	c->fd = rig_connect_path(r.path);
	if (c->fd < 0) { /* too many wait */
		c->used = false;
		return;
	}
	c->greeted = 1;
	c->host_connected = true;
	c->guest_open = true; /* it may become so */
	(void)snprintf(line, sizeof(line), "CONNECT %u\n", c->guest_port);
	EXPECT_EQ(write(c->fd, line, strlen(line)), strlen(line));
}

/* One of those that the guest asked for is dialed. */
static void host_answers(void)
{
	unsigned n = r.nr_dials ? rnd(r.nr_dials) : 0;
	struct vsock_conn *vc;
	struct conn *c;
	char path[80];
	int fd;

	if (!r.nr_dials)
		return;
	vc = r.dial[n].ctx;
	c = by_guest_port(vc->guest_port);
	(void)snprintf(path, sizeof(path), "%s_%u", r.path, r.dial[n].port);
	fd = rig_connect_path(path);
	if (fd >= 0) {
		int host = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		EXPECT(host >= 0);
		if (c && c->guest_open && vc->state == VSOCK_DIALING)
			c->fd = host;
		else
			(void)close(host);
	}
	r.dial[n].done(r.dial[n].ctx, fd);
	r.dial[n] = r.dial[--r.nr_dials];
	/* Begins dials of its own, which the last one's place is for. */
}

static void host_sends(struct conn *c)
{
	uint8_t data[5000];
	uint32_t len = 1 + rnd(sizeof(data));
	ssize_t n;

	if (c->fd < 0 || c->host_no_send || c->greeted)
		return;
	for (uint32_t i = 0; i < len; i++)
		data[i] = byte_of(c->id, false, c->host_sent + i);
	n = send(c->fd, data, len, MSG_NOSIGNAL);
	if (n > 0)
		c->host_sent += (uint32_t)n;
	else
		EXPECT(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
}

/* "OK PORT\n"; false when it did not come, or not yet. */
static bool greeted(struct conn *c)
{
	char byte = 0;
	ssize_t n = 1;

	while (c->greeted && (n = read(c->fd, &byte, 1)) == 1)
		c->greeted = byte != '\n';
	if (n == 0 || (n < 0 && errno != EAGAIN))
		close_host(c); /* refused */
	return !c->greeted;
}

static void host_reads(struct conn *c)
{
	uint8_t data[6000];
	ssize_t n;

	if (c->fd < 0 || !greeted(c))
		return;
	n = read(c->fd, data, 1 + rnd(sizeof(data)));
	for (ssize_t i = 0; i < n; i++)
		EXPECT_EQ(data[i], byte_of(c->id, true, c->host_got + (uint32_t)i));
	if (n > 0) {
		c->host_got += (uint32_t)n;
		moved += (uint32_t)n;
	} else if (n == 0) {
		EXPECT_EQ(c->host_got, c->guest_sent);
		EXPECT(c->guest_no_send || !c->guest_open);
		if (!c->guest_open)
			close_host(c);
	}
}

static void host_ends(struct conn *c, bool all)
{
	if (c->fd < 0 || c->greeted)
		return;
	if (all) {
		close_host(c);
		return;
	}
	c->host_no_send = true;
	(void)shutdown(c->fd, SHUT_WR);
}

/* --- both ----------------------------------------------------------------------------------- */

static void reset_device(void)
{
	resets++;
	hear();
	rig_start(&r);
	for (unsigned i = 0; i < CONNS; i++) {
		struct conn *c = &conns[i];

		if (!c->used)
			continue;
		c->guest_open = false;
		/* One that was not taken yet may be asked for again: or not, with no "OK" before.
		 */
		if (c->greeted && c->fd >= 0 && !greeted(c))
			close_host(c);
		else
			forget_if_over(c);
	}
}

static void step(void)
{
	struct conn *c = &conns[rnd(CONNS)];
	const bool guest = c->used && c->guest_open && !c->greeted;

	switch (rnd(16)) {
	case 0:
		host_calls();
		break;
	case 1:
		guest_calls();
		break;
	case 2:
		host_answers();
		break;
	case 3:
		if (guest && !rnd(4))
			guest_ends(c, 1 + rnd(3));
		break;
	case 4:
		if (c->used && !rnd(4))
			host_ends(c, rnd(2));
		break;
	case 5:
		if (guest && !rnd(20) && c->host_connected) {
			say(c, VSOCK_OP_RST, 0, NULL, 0);
			guest_is_done(c);
		}
		break;
	case 6:
	case 7:
		if (guest) {
			c->forwarded += rnd(c->guest_got - c->forwarded + 1);
			say(c, VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0);
		}
		break;
	case 8:
	case 9:
		if (c->used)
			host_reads(c);
		break;
	case 10:
	case 11:
		if (c->used)
			host_sends(c);
		break;
	case 12:
	case 13:
		if (guest)
			guest_sends(c);
		break;
	default:
		guest_turns(&r.g, 1);
		hear();
	}
}

/* Everybody goes home: nothing may be left. */
static void end(void)
{
	for (unsigned i = 0; i < CONNS; i++)
		if (conns[i].used)
			close_host(&conns[i]);
	for (unsigned i = 0; i < 400; i++) {
		while (r.nr_dials)
			host_answers();
		guest_turns(&r.g, 1);
		hear();
		for (unsigned k = 0; k < CONNS; k++) {
			struct conn *c = &conns[k];

			close_host(c);
			if (!c->used || !c->guest_open || !c->host_connected || c->greeted)
				continue;
			c->forwarded = c->guest_got;
			say(c, VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0);
		}
	}
	EXPECT_EQ(rig_connections(&r), 0);
}

static void run(uint64_t features, uint32_t seed)
{
	rig_begin(&r, features);
	listener = rig_listen(&r, LISTEN_PORT);
	rnd_state = seed;
	memset(conns, 0, sizeof(conns));
	moved = resets = refused = 0;
	for (unsigned i = 0; i < 20000; i++) {
		step();
		if (i % 3000 == 2999)
			reset_device();
	}
	end();
	EXPECT(moved > 100000);
	EXPECT_EQ(resets, 6);
	EXPECT(!guest_needs_reset(&r.g));
	(void)close(listener);
	rig_end(&r);
}

TEST(many_connections_do_as_the_model)
{
	run(0, 1);
	for (uint32_t seed = 2; seed < 6; seed++)
		run(VIRTIO_BIT(VIRTIO_F_EVENT_IDX) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC), seed);
}

TEST(the_same_on_a_packed_ring)
{
	for (uint32_t seed = 6; seed < 10; seed++)
		run(VIRTIO_BIT(VIRTIO_F_RING_PACKED), seed);
	run(VIRTIO_BIT(VIRTIO_F_RING_PACKED) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX), 10);
}

TEST_MAIN(T(many_connections_do_as_the_model), T(the_same_on_a_packed_ring))
