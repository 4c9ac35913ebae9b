/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VSOCK: packets that lie about who sent them, how long they are, what they answer, and how much
 * may be sent (virtio 1.3, section 5.10.6). The host has somebody who takes connections to port
 * LISTENS and reads them, one at SLOW who does not read, and nobody elsewhere; nobody answers with
 * data.
 */
#include "tests/attack/requests.h"
#include "tests/attack/table.h"
#include "tests/attack/vsock.h"

enum {
	CID_HOST = 2,
	BUFFERS = 16,
	BUFFER = 256,
	RING_SIZE = 64,
	CREDIT = 65536,
	GUEST_PORT = 5000
};
enum { STREAM = 1, SEQPACKET = 2, NO_RECEIVE = 1, NO_SEND = 2 };

/* Where things are in a header. */
enum {
	SRC_CID = 0,
	DST_CID = 8,
	SRC_PORT = 16,
	DST_PORT = 20,
	LEN = 24,
	TYPE = 28,
	OP = 30,
	FLAGS = 32,
	ALLOC = 36,
	FORWARDED = 40,
	HEADER = 44
};

struct packet {
	uint16_t op, type; /* type 0: a stream's */
	uint32_t guest_port, host_port, len, flags, alloc, forwarded;
	uint64_t src, dst; /* beside the right ones, by exclusive or */
};

static uint64_t cid_of(struct dev *d)
{
	return dev_read(d, R_CONFIG) | (uint64_t)dev_read(d, R_CONFIG + 4) << 32;
}

static void put_packet(struct dev *d, uint64_t at, const struct packet *p)
{
	hal_put64(at + SRC_CID, cid_of(d) ^ p->src);
	hal_put64(at + DST_CID, CID_HOST ^ p->dst);
	hal_put32(at + SRC_PORT, p->guest_port);
	hal_put32(at + DST_PORT, p->host_port);
	hal_put32(at + LEN, p->len);
	hal_put16(at + TYPE, p->type ? p->type : STREAM);
	hal_put16(at + OP, p->op);
	hal_put32(at + FLAGS, p->flags);
	hal_put32(at + ALLOC, p->alloc);
	hal_put32(at + FORWARDED, p->forwarded);
}

static void give_buffers(struct dev *d)
{
	struct ring *r = &d->ring[VSOCK_RECEIVE];
	uint64_t at;

	if (r->next_avail)
		return;
	at = dev_pages(d, BUFFERS * BUFFER);
	for (unsigned i = 0; i < BUFFERS && i < r->size; i++)
		ring_add_at(r, i, &(struct piece){ at + i * BUFFER, BUFFER, true }, 1);
	ring_kick(r);
}

static void start(struct dev *d)
{
	dev_start(d, d->offered & d->kind->wanted, RING_SIZE);
	give_buffers(d);
}

/* The next packet to the guest, if there is one now, and its buffer is given again. */
static bool hear(struct dev *d, struct packet *p)
{
	struct ring *r = &d->ring[VSOCK_RECEIVE];
	unsigned i;
	uint32_t len;
	uint64_t at;

	if (!ring_next(r, &i, &len))
		return false;
	at = i < r->size ? hal_get64(r->desc + 16 * i) : r->desc;
	*p = (struct packet){
		.op = hal_get16(at + OP),
		.type = hal_get16(at + TYPE),
		.guest_port = hal_get32(at + DST_PORT),
		.host_port = hal_get32(at + SRC_PORT),
		.len = hal_get32(at + LEN),
		.flags = hal_get32(at + FLAGS),
		.alloc = hal_get32(at + ALLOC),
		.forwarded = hal_get32(at + FORWARDED),
	};
	if (i >= r->size || len != HEADER + p->len)
		complain_of("bytes of a packet", len, HEADER + p->len);
	if (hal_get64(at + SRC_CID) != CID_HOST || hal_get64(at + DST_CID) != cid_of(d))
		complain("a packet that is not from the host to the guest");
	ring_avail(r, r->next_avail++, (uint16_t)i);
	ring_avail_index(r, r->next_avail);
	ring_kick(r);
	return true;
}

static void hear_all(struct dev *d)
{
	struct packet p;

	while (hear(d, &p))
		;
}

/* What is waited for: a packet to @port; others are gone over. */
struct wanted {
	struct dev *d;
	struct packet p;
	uint32_t port;
	unsigned op; /* 0: any */
};

static bool has_come(void *ctx)
{
	struct wanted *w = ctx;

	while (hear(w->d, &w->p))
		if (w->p.guest_port == w->port && (!w->op || w->p.op == w->op))
			return true;
	return complained();
}

/* Waits for a packet of operation @op to the guest's port. */
static struct packet expect_op(struct dev *d, uint32_t port, unsigned op)
{
	struct wanted w = { .d = d, .port = port, .op = op };

	if (!wait_until(has_come, &w))
		complain_of("no packet comes of operation", 0, op);
	return w.p;
}

static bool say_at(struct dev *d, uint64_t at, const struct packet *p, uint32_t data)
{
	const struct piece piece[] = { { at, HEADER, false }, { at + 64, data, false } };

	put_packet(d, at, p);
	return ring_good(&d->ring[VSOCK_SEND], piece, data ? 2 : 1, 0);
}

static bool say(struct dev *d, const struct packet *p)
{
	return say_at(d, d->scratch, p, 0);
}

#define SAY(d, ...) (void)say((d), &(const struct packet){ .alloc = CREDIT, __VA_ARGS__ })

/* A connection that is taken, from @port. */
static void connect_to(struct dev *d, uint32_t port, uint32_t host_port)
{
	SAY(d, .op = OP_REQUEST, .guest_port = port, .host_port = host_port);
	(void)expect_op(d, port, OP_RESPONSE);
}

/* Nothing came of it: what is asked for behind it is answered first of all. */
static void expect_silence(struct dev *d, uint32_t port)
{
	struct packet p;

	SAY(d, .op = OP_RW, .guest_port = port, .host_port = 9);
	for (unsigned i = 0; !complained(); i++) {
		struct wanted w = { .d = d, .port = port };

		if (!wait_until(has_come, &w))
			complain("what is of no connection is not answered");
		p = w.p;
		if (p.host_port == 9 && p.op == OP_RST)
			return;
		if (p.guest_port == port && p.host_port != 9)
			complain_of("a packet that means nothing is answered by operation", p.op,
				    0);
	}
}

/* One connection is refused where nobody listens, and one taken, and ended by both sides. */
void vsock_good(struct dev *d)
{
	const uint32_t port = 10000 + d->number++ % 20000;

	give_buffers(d);
	SAY(d, .op = OP_REQUEST, .guest_port = port, .host_port = VSOCK_NOBODY);
	(void)expect_op(d, port, OP_RST);
	if (complained())
		return;
	connect_to(d, port, VSOCK_LISTENS);
	SAY(d, .op = OP_SHUTDOWN, .guest_port = port, .host_port = VSOCK_LISTENS,
	    .flags = NO_RECEIVE | NO_SEND);
	(void)expect_op(d, port, OP_RST);
}

/* --- one packet --- */

enum outcome { SILENCE, RESET, LIVES };

struct said {
	struct packet p;
	enum outcome outcome;
	uint32_t header, data; /* bytes of each; header 0: all of it */
	uint32_t chop;
	bool connected; /* of a connection to LISTENS that stands */
	bool to_write;
};

static unsigned lay_out(const struct said *s, uint64_t at, struct piece *to)
{
	const uint32_t all = (s->header ? s->header : HEADER) + s->data;
	const uint32_t step = s->chop ? s->chop : all;
	unsigned n = 0;

	for (uint32_t off = 0; off < all; off += step)
		to[n++] = (struct piece){ at + off, all - off < step ? all - off : step,
					  s->to_write };
	return n;
}

static void one_packet(struct dev *d, const struct attack *a)
{
	static struct piece piece[RING_SIZE];
	const struct said *s = a->data;
	struct packet p = s->p;
	uint64_t at;
	uint32_t len;

	start(d);
	p.guest_port = GUEST_PORT;
	p.host_port = p.host_port ? p.host_port : s->connected ? VSOCK_LISTENS : VSOCK_NOBODY;
	if (s->connected)
		connect_to(d, GUEST_PORT, VSOCK_LISTENS);
	at = dev_pages(d, HEADER + s->data + 4096);
	put_packet(d, at, &p);
	if (ring_send(&d->ring[VSOCK_SEND], piece, lay_out(s, at, piece), &len) != USED)
		complain("the device broke of a packet");
	if (len)
		complain_of("bytes written", len, 0);
	if (s->outcome == RESET)
		(void)expect_op(d, GUEST_PORT, OP_RST);
	else if (s->outcome == SILENCE)
		expect_silence(d, GUEST_PORT);
	if (s->outcome == LIVES && s->connected) {
		SAY(d, .op = OP_CREDIT_REQUEST, .guest_port = GUEST_PORT,
		    .host_port = VSOCK_LISTENS);
		(void)expect_op(d, GUEST_PORT, OP_CREDIT_UPDATE);
	}
	if (!complained())
		d->kind->good(d);
}

/* Operations, or types if arg2, from arg on that nobody knows: an RST each. */
static void unknown(struct dev *d, const struct attack *a)
{
	start(d);
	for (unsigned i = 0; i < 24 && !complained(); i++) {
		const uint16_t v = (uint16_t)(a->arg + i);

		if (a->arg2)
			SAY(d, .op = OP_REQUEST, .type = v, .guest_port = GUEST_PORT + i,
			    .host_port = VSOCK_LISTENS);
		else
			SAY(d, .op = v, .guest_port = GUEST_PORT + i, .host_port = VSOCK_LISTENS);
		(void)expect_op(d, GUEST_PORT + i, OP_RST);
	}
	d->kind->good(d);
}

/* Each operation on a connection that is being made, or is half closed: arg. */
static void each_operation(struct dev *d, const struct attack *a)
{
	for (uint16_t op = 0; op < 9 && !complained(); op++) {
		start(d);
		SAY(d, .op = OP_REQUEST, .guest_port = GUEST_PORT, .host_port = VSOCK_LISTENS);
		if (a->arg) {
			(void)expect_op(d, GUEST_PORT, OP_RESPONSE);
			SAY(d, .op = OP_SHUTDOWN, .guest_port = GUEST_PORT,
			    .host_port = VSOCK_LISTENS, .flags = (uint32_t)a->arg);
		}
		SAY(d, .op = op, .guest_port = GUEST_PORT, .host_port = VSOCK_LISTENS);
		d->kind->good(d);
	}
}

/* --- credit --- */

/* arg: more than there is credit for, by so much, to one who does not read. It is cut off. */
static void beyond_credit(struct dev *d, const struct attack *a)
{
	struct packet answer, p = { .op = OP_RW,
				    .guest_port = GUEST_PORT,
				    .host_port = VSOCK_SLOW,
				    .alloc = CREDIT,
				    .len = 32768 };
	uint32_t sent = 0, forwarded = 0, alloc;
	uint64_t at;

	start(d);
	SAY(d, .op = OP_REQUEST, .guest_port = GUEST_PORT, .host_port = VSOCK_SLOW);
	answer = expect_op(d, GUEST_PORT, OP_RESPONSE);
	alloc = answer.alloc;
	at = dev_pages(d, 128 + 65536);
	/* As far as the device lets us: what the host's socket takes comes off again. An update may
	 * have been on its way before, so that only several which say the same say how it is. */
	for (unsigned i = 0, same = 0; i < 64 && same < 6 && !complained(); i++) {
		uint32_t room;

		SAY(d, .op = OP_CREDIT_REQUEST, .guest_port = GUEST_PORT, .host_port = VSOCK_SLOW);
		forwarded = expect_op(d, GUEST_PORT, OP_CREDIT_UPDATE).forwarded;
		room = alloc - (sent - forwarded);
		same = room ? 0 : same + 1;
		if (!room)
			continue;
		p.len = room < 32768 ? room : 32768;
		(void)say_at(d, at, &p, p.len);
		sent += p.len;
	}
	if (sent - forwarded != alloc)
		complain_of("credit that never ends", sent - forwarded, alloc);
	p.len = (uint32_t)a->arg;
	(void)say_at(d, at, &p, p.len);
	(void)expect_op(d, GUEST_PORT, OP_RST);
	d->kind->good(d);
}

/* So much to one who reads, in pieces of arg2: all is taken, and credit comes back. */
static void much_data(struct dev *d, const struct attack *a)
{
	struct packet p = { .op = OP_RW,
			    .guest_port = GUEST_PORT,
			    .host_port = VSOCK_LISTENS,
			    .alloc = CREDIT,
			    .len = (uint32_t)a->arg2 };
	uint32_t sent = 0, forwarded = 0;
	uint64_t at;

	start(d);
	connect_to(d, GUEST_PORT, VSOCK_LISTENS);
	at = dev_pages(d, 128 + a->arg2);
	while (sent < times(a->arg) && !complained()) {
		(void)say_at(d, at, &p, p.len);
		sent += p.len;
		while (sent - forwarded > CREDIT - p.len && !complained()) {
			SAY(d, .op = OP_CREDIT_REQUEST, .guest_port = GUEST_PORT,
			    .host_port = VSOCK_LISTENS);
			forwarded = expect_op(d, GUEST_PORT, OP_CREDIT_UPDATE).forwarded;
		}
	}
	d->kind->good(d);
}

/* What the guest says of its own credit makes no sense: arg, arg2. */
static void own_credit(struct dev *d, const struct attack *a)
{
	start(d);
	connect_to(d, GUEST_PORT, VSOCK_LISTENS);
	for (unsigned i = 0; i < 8; i++)
		(void)say(d, &(struct packet){ .op = OP_CREDIT_UPDATE,
					       .guest_port = GUEST_PORT,
					       .host_port = VSOCK_LISTENS,
					       .alloc = (uint32_t)a->arg,
					       .forwarded = (uint32_t)a->arg2 + i * 0x10000000 });
	SAY(d, .op = OP_CREDIT_REQUEST, .guest_port = GUEST_PORT, .host_port = VSOCK_LISTENS);
	(void)expect_op(d, GUEST_PORT, OP_CREDIT_UPDATE);
	d->kind->good(d);
}

/* --- many --- */

/* arg packets of operation arg2, each from another port; nobody takes the answers for a while. */
static void storm(struct dev *d, const struct attack *a)
{
	const unsigned n = 32;
	struct ring *r;
	uint64_t at;

	dev_start(d, d->offered & d->kind->wanted, RING_SIZE);
	r = &d->ring[VSOCK_SEND];
	at = dev_pages(d, 64 * n);
	for (uint64_t done = 0; done < times(a->arg) && !complained(); done += n) {
		for (unsigned i = 0; i < n; i++) {
			put_packet(d, at + 64 * i,
				   &(struct packet){ .op = (uint16_t)a->arg2,
						     .guest_port = (uint32_t)(20000 + done + i),
						     .host_port = VSOCK_NOBODY,
						     .alloc = CREDIT });
			ring_add_at(r, i, &(struct piece){ at + 64 * i, HEADER, false }, 1);
		}
		ring_kick(r);
		give_buffers(d);
		for (unsigned left = n; left && !complained();) {
			unsigned first;
			uint32_t len;

			hear_all(d);
			while (left && ring_next(r, &first, &len))
				left--;
			if (dev_read(d, R_STATUS) & S_NEEDS_RESET)
				complain("the device broke of a packet");
		}
	}
	d->kind->good(d);
}

/* Connections that stand, arg at once; then reset. */
static void many_connections(struct dev *d, const struct attack *a)
{
	const uint32_t n = (uint32_t)times(a->arg);

	start(d);
	for (uint32_t i = 0; i < n && !complained(); i++)
		connect_to(d, 30000 + i, VSOCK_LISTENS);
	for (uint32_t i = 0; i < n && a->arg2 && !complained(); i++) {
		SAY(d, .op = (uint16_t)a->arg2, .guest_port = 30000 + i, .host_port = VSOCK_LISTENS,
		    .flags = NO_RECEIVE | NO_SEND);
		hear_all(d); /* or there would be no room for more answers */
	}
	d->kind->good(d);
}

/* One port's connections, one after another, each ended by an RST; and once more RST. */
static void one_port_often(struct dev *d, const struct attack *a)
{
	start(d);
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		connect_to(d, GUEST_PORT, VSOCK_LISTENS);
		for (unsigned k = 0; k < 2; k++)
			SAY(d, .op = OP_RST, .guest_port = GUEST_PORT, .host_port = VSOCK_LISTENS);
	}
	d->kind->good(d);
}

/* Asked for and given up at once, before anybody could answer. */
static void given_up(struct dev *d, const struct attack *a)
{
	start(d);
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		SAY(d, .op = OP_REQUEST, .guest_port = 40000 + (uint32_t)i,
		    .host_port = i & 1 ? VSOCK_LISTENS : VSOCK_NOBODY);
		SAY(d, .op = (uint16_t)a->arg2, .guest_port = 40000 + (uint32_t)i,
		    .host_port = i & 1 ? VSOCK_LISTENS : VSOCK_NOBODY);
		hear_all(d);
	}
	d->kind->good(d);
}

static void reset_under_way(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		struct ring *r;

		start(d);
		r = &d->ring[VSOCK_SEND];
		if (a->arg2)
			connect_to(d, GUEST_PORT, VSOCK_LISTENS);
		put_packet(d, d->scratch,
			   &(struct packet){ .op = a->arg2 ? OP_RW : OP_REQUEST,
					     .guest_port = GUEST_PORT,
					     .host_port = VSOCK_LISTENS,
					     .alloc = CREDIT,
					     .len = a->arg2 ? 256 : 0 });
		for (unsigned k = 0; k < r->size; k++)
			ring_add_at(r, k, &(struct piece){ d->scratch, HEADER + 256, false }, 1);
		ring_kick(r);
		dev_reset(d);
		mem_expect(d->memory, 0, 16384, "a packet came after the reset:");
	}
}

/* --- buffers --- */

/* Asks for a connection, which is refused: so there is a packet for the receive queue. */
static void knock(struct dev *d)
{
	uint32_t len;

	put_packet(d, d->scratch,
		   &(struct packet){ .op = OP_REQUEST,
				     .guest_port = GUEST_PORT,
				     .host_port = VSOCK_NOBODY,
				     .alloc = CREDIT });
	(void)ring_send(&d->ring[VSOCK_SEND], &(struct piece){ d->scratch, HEADER, false }, 1,
			&len);
}

/* arg: bytes of each; one in which no packet fits breaks, whenever there is a packet. */
static void small_buffers(struct dev *d, const struct attack *a)
{
	const uint32_t size = (uint32_t)a->arg;
	struct ring *r;

	dev_start(d, d->offered & d->kind->wanted, RING_SIZE);
	r = &d->ring[VSOCK_RECEIVE];
	for (unsigned i = 0; i < 4; i++)
		ring_add_at(r, i, &(struct piece){ d->scratch + 4096, size, !a->arg2 }, 1);
	ring_kick(r);
	knock(d);
	if (!dev_wait_broken(d))
		complain("the device took a buffer in which nothing fits");
}

/* The answer goes over the ring: arg. */
static void buffers_over(struct dev *d, const struct attack *a)
{
	struct ring *r;

	dev_start(d, d->offered & d->kind->wanted, RING_SIZE);
	r = &d->ring[VSOCK_RECEIVE];
	ring_add_at(r, 0,
		    &(struct piece){ a->arg == 0   ? r->desc
				     : a->arg == 1 ? r->driver
						   : d->ring[VSOCK_SEND].desc,
				     128, true },
		    1);
	ring_kick(r);
	knock(d);
	for (unsigned i = 0; i < 100; i++)
		hal_pause();
}

/* Buffers for events: too small, or to be read. A connection was lost by a reset, so one comes. */
static void event_buffers(struct dev *d, const struct attack *a)
{
	start(d);
	connect_to(d, GUEST_PORT, VSOCK_LISTENS);
	start(d);
	ring_add_at(&d->ring[VSOCK_EVENTS], 0,
		    &(struct piece){ d->scratch, (uint32_t)a->arg, !a->arg2 }, 1);
	ring_kick(&d->ring[VSOCK_EVENTS]);
	for (unsigned i = 0; i < 100; i++)
		hal_pause();
}

static void config_written(struct dev *d, const struct attack *a)
{
	const uint64_t cid = cid_of(d);

	start(d);
	for (unsigned i = 0; i < 16; i += (unsigned)a->arg)
		(void)hal_store(d->base + R_CONFIG + i, (unsigned)a->arg, UINT64_MAX);
	if (cid_of(d) != cid)
		complain_of("guest_cid", cid_of(d), cid);
	d->kind->good(d);
}

/* clang-format off */
#define PACKET(id, what, ...)                                                                      \
	{ .name = (id), .run = one_packet,                                                         \
	  .data = &(const struct said){ .outcome = (what), .p.alloc = CREDIT, __VA_ARGS__ } }
#define OF_CONNECTION(id, what, ...) PACKET(id, what, .connected = true, __VA_ARGS__)

static const struct attack rows[] = {
	PACKET("a header of 1 byte", SILENCE, .p.op = OP_REQUEST, .header = 1),
	PACKET("a header of 43 bytes", SILENCE, .p.op = OP_REQUEST, .header = 43),
	PACKET("a header in bytes", RESET, .p.op = OP_REQUEST, .chop = 1),
	PACKET("a header in pieces of 7", RESET, .p.op = OP_REQUEST, .chop = 7),
	PACKET("a packet to be written", SILENCE, .p.op = OP_REQUEST, .to_write = true),
	PACKET("from CID 0", SILENCE, .p.op = OP_REQUEST, .p.src = 77 ^ 0),
	PACKET("from the host", SILENCE, .p.op = OP_REQUEST, .p.src = 77 ^ 2),
	PACKET("from another guest", SILENCE, .p.op = OP_REQUEST, .p.src = 77 ^ 78),
	PACKET("from the guest and 2^32", SILENCE, .p.op = OP_REQUEST, .p.src = UINT64_C(1) << 32),
	PACKET("to the guest itself", SILENCE, .p.op = OP_REQUEST, .p.dst = 2 ^ 77),
	PACKET("to CID 1", SILENCE, .p.op = OP_REQUEST, .p.dst = 2 ^ 1),
	PACKET("to CID 2^32 - 1", SILENCE, .p.op = OP_REQUEST, .p.dst = 2 ^ 0xffffffff),
	PACKET("to the host and 2^63", SILENCE, .p.op = OP_REQUEST, .p.dst = UINT64_C(1) << 63),
	{ .name = "operations that nobody knows", .run = unknown, .arg = 8 },
	{ .name = "the last operations", .run = unknown, .arg = 0xffe0 },
	{ .name = "types that nobody knows", .run = unknown, .arg = 2, .arg2 = 1 },
	{ .name = "the last types", .run = unknown, .arg = 0xffe0, .arg2 = 1 },
	PACKET("operation 0 of no connection", RESET, .p.op = OP_INVALID),
	PACKET("an answer to nothing", RESET, .p.op = OP_RESPONSE),
	PACKET("data of no connection", RESET, .p.op = OP_RW, .p.len = 100, .data = 100),
	PACKET("credit of no connection", RESET, .p.op = OP_CREDIT_UPDATE),
	PACKET("a reset of no connection", SILENCE, .p.op = OP_RST),
	PACKET("a request with data", RESET, .p.op = OP_REQUEST, .p.len = 1000, .data = 1000),
	PACKET("a request that lies about data", RESET, .p.op = OP_REQUEST, .p.len = UINT32_MAX),
	PACKET("a request to port 0", RESET, .p.op = OP_REQUEST, .p.host_port = 0),
	PACKET("a request to port 2^32 - 1", RESET, .p.op = OP_REQUEST, .p.host_port = UINT32_MAX),
	PACKET("a sequence of packets", RESET, .p.op = OP_REQUEST, .p.type = SEQPACKET,
	       .p.host_port = VSOCK_LISTENS),
	OF_CONNECTION("a second request", RESET, .p.op = OP_REQUEST),
	OF_CONNECTION("an answer to the answer", RESET, .p.op = OP_RESPONSE),
	OF_CONNECTION("operation 0", RESET, .p.op = OP_INVALID),
	OF_CONNECTION("operation 8", RESET, .p.op = 8),
	OF_CONNECTION("data a byte longer than it is", RESET, .p.op = OP_RW, .p.len = 101,
		      .data = 100),
	OF_CONNECTION("data of 2^32 - 1 bytes", RESET, .p.op = OP_RW, .p.len = UINT32_MAX,
		      .data = 100),
	OF_CONNECTION("data of 2^31 bytes", RESET, .p.op = OP_RW, .p.len = 1U << 31, .data = 100),
	OF_CONNECTION("data longer than all credit", RESET, .p.op = OP_RW, .p.len = CREDIT + 1,
		      .data = CREDIT + 1),
	OF_CONNECTION("data of all credit", LIVES, .p.op = OP_RW, .p.len = CREDIT, .data = CREDIT),
	OF_CONNECTION("data shorter than it is", LIVES, .p.op = OP_RW, .p.len = 10, .data = 100),
	OF_CONNECTION("data of no byte", LIVES, .p.op = OP_RW),
	OF_CONNECTION("data with its header in bytes", LIVES, .p.op = OP_RW, .p.len = 10,
		      .data = 10, .chop = 1),
	OF_CONNECTION("flags of data", LIVES, .p.op = OP_RW, .p.flags = UINT32_MAX),
	OF_CONNECTION("a shutdown of nothing", LIVES, .p.op = OP_SHUTDOWN),
	OF_CONNECTION("a shutdown by flags that nobody knows", LIVES, .p.op = OP_SHUTDOWN,
		      .p.flags = 0xfffffffc),
	OF_CONNECTION("a shutdown by all flags", RESET, .p.op = OP_SHUTDOWN, .p.flags = UINT32_MAX),
	OF_CONNECTION("another type in a connection", RESET, .p.op = OP_RW, .p.type = SEQPACKET),
	{ .name = "each operation before the answer", .run = each_operation, .arg = 0 },
	{ .name = "each operation after a half shutdown", .run = each_operation, .arg = NO_SEND },
	{ .name = "each operation of who receives no more", .run = each_operation,
	  .arg = NO_RECEIVE },
	{ .name = "a byte beyond credit", .run = beyond_credit, .arg = 1 },
	{ .name = "64 KiB beyond credit", .run = beyond_credit, .arg = 65536 },
	{ .name = "much data in large packets", .run = much_data, .arg = 8 << 20, .arg2 = 60000 },
	{ .name = "much data in small packets", .run = much_data, .arg = 100000, .arg2 = 100 },
	{ .name = "no credit", .run = own_credit, .arg = 0 },
	{ .name = "credit of 2^32 - 1", .run = own_credit, .arg = UINT32_MAX },
	{ .name = "more taken than was sent", .run = own_credit, .arg = 1000, .arg2 = 0x7fffffff },
	{ .name = "a storm of requests", .run = storm, .arg = 2000, .arg2 = OP_REQUEST },
	{ .name = "a storm of resets", .run = storm, .arg = 5000, .arg2 = OP_RST },
	{ .name = "a storm of data of no connection", .run = storm, .arg = 5000, .arg2 = OP_RW },
	{ .name = "200 connections", .run = many_connections, .arg = 200 },
	{ .name = "200 connections and shutdowns", .run = many_connections, .arg = 200,
	  .arg2 = OP_SHUTDOWN },
	{ .name = "200 connections and resets", .run = many_connections, .arg = 200,
	  .arg2 = OP_RST },
	{ .name = "one port again and again", .run = one_port_often, .arg = 200 },
	{ .name = "given up at once by a reset", .run = given_up, .arg = 200, .arg2 = OP_RST },
	{ .name = "given up at once by a shutdown", .run = given_up, .arg = 200,
	  .arg2 = OP_SHUTDOWN },
	{ .name = "reset under requests", .run = reset_under_way, .arg = 50 },
	{ .name = "reset under data", .run = reset_under_way, .arg = 50, .arg2 = 1 },
	{ .name = "a buffer of 0 bytes", .run = small_buffers, .arg = 0 },
	{ .name = "a buffer of 43 bytes", .run = small_buffers, .arg = 43 },
	{ .name = "a buffer to be read", .run = small_buffers, .arg = 4096, .arg2 = 1 },
	{ .name = "an answer over the descriptors", .run = buffers_over, .arg = 0 },
	{ .name = "an answer over the available ring", .run = buffers_over, .arg = 1 },
	{ .name = "an answer over the other queue's descriptors", .run = buffers_over, .arg = 2 },
	{ .name = "an event into 0 bytes", .run = event_buffers, .arg = 0 },
	{ .name = "an event into 3 bytes", .run = event_buffers, .arg = 3 },
	{ .name = "an event into what may be read", .run = event_buffers, .arg = 8, .arg2 = 1 },
	{ .name = "configuration written by bytes", .run = config_written, .arg = 1 },
	{ .name = "configuration written by words", .run = config_written, .arg = 4 },
	{ .name = "configuration written by double words", .run = config_written, .arg = 8 },
};
/* clang-format on */

const struct group group_vsock = GROUP("vsock", rows, .on = ON(ID_VSOCK));
