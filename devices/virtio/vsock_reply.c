/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest is told, and the data that it gets: packets for its receive queue. */
#include "devices/virtio/vsock_parts.h"

#include <assert.h>

enum { TURN_PACKETS = 64, TURN_BYTES = 512 * 1024, MAX_DATA = 65536 };

void vsock_send_reset(struct vsock *s, uint32_t guest_port, uint32_t host_port, uint16_t type)
{
	assert(s->nr_resets < VSOCK_RESETS);
	s->resets[(s->first_reset + s->nr_resets++) % VSOCK_RESETS] =
		(struct vsock_reset_due){ guest_port, host_port, type };
}

/* --- who has something ---------------------------------------------------------------------- */

uint32_t vsock_credit(const struct vsock_conn *c)
{
	uint32_t out = c->sent - c->guest_forwarded;

	return out < c->guest_alloc ? c->guest_alloc - out : 0;
}

static bool has_data(const struct vsock_conn *c)
{
	return c->state == VSOCK_OPEN && c->readable && !(c->guest_shut & VSOCK_NO_RECEIVE);
}

static bool has_something(struct vsock_conn *c)
{
	if (has_data(c) && !vsock_credit(c) && !c->asked_credit) {
		c->asked_credit = true;
		c->due |= VSOCK_DUE_CREDIT_REQUEST;
	}
	return c->due || (has_data(c) && vsock_credit(c));
}

void vsock_list(struct vsock_conn *c)
{
	struct vsock *s = c->s;

	if (c->listed || !has_something(c))
		return;
	c->listed = true;
	c->after = NULL;
	*s->ready_end = c;
	s->ready_end = &c->after;
}

void vsock_unlist(struct vsock_conn *c)
{
	struct vsock_conn **at = &c->s->ready;

	if (!c->listed)
		return;
	while (*at != c)
		at = &(*at)->after;
	*at = c->after;
	if (!*at)
		c->s->ready_end = at;
	c->listed = false;
}

void vsock_due(struct vsock_conn *c, unsigned due)
{
	if (c->state == VSOCK_DRAINING)
		return;
	c->due |= due;
	vsock_list(c);
}

/* --- packets -------------------------------------------------------------------------------- */

struct packet {
	uint32_t guest_port, host_port;
	uint16_t type;
	enum vsock_op op;
	uint32_t flags, len;
	uint32_t alloc, forwarded;
};

/* Gives the buffer back with the packet, whose data is in it. */
static void put(struct vsock *s, const struct packet *p)
{
	const struct vsock_header h = {
		.src_cid = le64_of(VSOCK_CID_HOST),
		.dst_cid = le64_of(s->cid),
		.src_port = le32_of(p->host_port),
		.dst_port = le32_of(p->guest_port),
		.len = le32_of(p->len),
		.type = le16_of(p->type),
		.op = le16_of((uint16_t)p->op),
		.flags = le32_of(p->flags),
		.buf_alloc = le32_of(p->alloc),
		.fwd_cnt = le32_of(p->forwarded),
	};
	struct request *r = s->spare;

	s->spare = NULL;
	if (request_write(r, 0, &h, sizeof(h)) < sizeof(h))
		queue_push(r, 0);
	else
		queue_push(r, sizeof(h) + p->len);
}

static void put_reset(struct vsock *s)
{
	const struct vsock_reset_due *d = &s->resets[s->first_reset];

	put(s, &(struct packet){ .guest_port = d->guest_port,
				 .host_port = d->host_port,
				 .type = d->type,
				 .op = VSOCK_OP_RST });
	s->first_reset = (s->first_reset + 1) % VSOCK_RESETS;
	s->nr_resets--;
}

static bool take_due(struct vsock_conn *c, unsigned due)
{
	bool is = c->due & due;

	c->due &= ~due;
	return is;
}

/* The next packet of @c, first what is due before data: false when there is none after all. */
static bool next_packet(struct vsock_conn *c, struct packet *p)
{
	p->op = VSOCK_OP_INVALID;
	if (take_due(c, VSOCK_DUE_RST))
		p->op = VSOCK_OP_RST;
	else if (take_due(c, VSOCK_DUE_REQUEST))
		p->op = VSOCK_OP_REQUEST;
	else if (take_due(c, VSOCK_DUE_RESPONSE))
		p->op = VSOCK_OP_RESPONSE;
	else if (has_data(c) && vsock_credit(c))
		p->len = vsock_fetch(c, c->s->spare,
				     vsock_credit(c) < MAX_DATA ? vsock_credit(c) : MAX_DATA);
	if (p->len) {
		p->op = VSOCK_OP_RW;
		c->sent += p->len;
	}
	if (p->op == VSOCK_OP_INVALID && take_due(c, VSOCK_DUE_SHUTDOWN)) {
		p->op = VSOCK_OP_SHUTDOWN;
		p->flags = (c->ended ? VSOCK_NO_SEND : 0) | (c->gone ? VSOCK_NO_RECEIVE : 0);
		c->told_shut = p->flags;
	}
	if (p->op == VSOCK_OP_INVALID && take_due(c, VSOCK_DUE_CREDIT_REQUEST))
		p->op = VSOCK_OP_CREDIT_REQUEST;
	if (p->op == VSOCK_OP_INVALID && take_due(c, VSOCK_DUE_CREDIT))
		p->op = VSOCK_OP_CREDIT_UPDATE;
	if (p->op == VSOCK_OP_INVALID)
		return false;
	/* Each says how much was taken. */
	c->due &= ~(unsigned)VSOCK_DUE_CREDIT;
	c->told_forwarded = c->forwarded;
	p->alloc = VSOCK_RING;
	p->forwarded = c->forwarded;
	return true;
}

/* What the first of those that have something has, and behind the others with it. */
static uint32_t put_next(struct vsock *s)
{
	struct vsock_conn *c = s->ready;
	struct packet p = { .guest_port = c->guest_port,
			    .host_port = c->host_port,
			    .type = VSOCK_TYPE_STREAM };

	vsock_unlist(c);
	if (next_packet(c, &p))
		put(s, &p);
	if (p.op == VSOCK_OP_RST) {
		vsock_free(c);
		return p.len;
	}
	vsock_list(c);
	vsock_rewatch(c);
	return p.len;
}

/* A buffer that a header and a byte fit in. */
static bool take_buffer(struct server *srv, struct vsock *s)
{
	if (s->spare)
		return true;
	if (!server_pop(srv, &s->spare)) {
		s->spare = NULL;
		return false;
	}
	if (s->spare->in_len > VSOCK_HEADER)
		return true;
	queue_push(s->spare, 0);
	s->spare = NULL;
	queue_break(srv->queue);
	return false;
}

bool vsock_receive(struct server *srv)
{
	struct vsock *s = container_of(srv, struct vsock, rx);
	uint32_t bytes = 0;
	bool more;
	int i = 0;

	vsock_settle(s);
	for (;; i++) {
		more = s->ready || s->nr_resets;
		if (!more || i >= TURN_PACKETS || bytes >= TURN_BYTES)
			break;
		more = take_buffer(srv, s);
		if (!more)
			break;
		if (s->nr_resets)
			put_reset(s);
		else
			bytes += put_next(s);
	}
	if (s->tx_waits && s->nr_resets < VSOCK_RESETS / 2) {
		s->tx_waits = false;
		server_post(&s->tx);
	}
	return more;
}
