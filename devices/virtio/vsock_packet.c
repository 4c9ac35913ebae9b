/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest says, packet by packet.
 *
 * Dropped: what has no whole header, comes from another CID than the guest's, or is for another
 * than the host's. Answered by RST: what belongs to no connection, is of an unknown type, or breaks
 * a rule of its connection, which ends by it.
 */
#include "devices/virtio/vsock_parts.h"

#include <assert.h>

enum { TURN_PACKETS = 64 };

static_assert(sizeof(struct vsock_header) == VSOCK_HEADER, "as the driver sees it");

/* A packet as read. */
struct said {
	struct vsock *s;
	struct request *r;
	uint32_t guest_port, host_port, len, flags;
	uint16_t type, op;
	uint32_t alloc, forwarded;
};

static void reset(const struct said *p)
{
	if (p->op != VSOCK_OP_RST)
		vsock_send_reset(p->s, p->guest_port, p->host_port, p->type);
}

static void end(struct vsock_conn *c, const struct said *p)
{
	reset(p);
	vsock_leave(c);
}

static void request(struct said *p)
{
	struct vsock_conn *c = vsock_new(p->s);

	if (!c) {
		reset(p);
		return;
	}
	vsock_enter(c, p->guest_port, p->host_port);
	c->guest_alloc = p->alloc;
	c->guest_forwarded = p->forwarded;
	vsock_dial(c);
}

static bool data(struct vsock_conn *c, const struct said *p)
{
	if (c->guest_shut & VSOCK_NO_SEND || p->len > VSOCK_RING - (c->received - c->forwarded))
		return false;
	return p->len == 0 || vsock_forward(c, p->r, p->len);
}

/* Of a connection that stands; false when the packet breaks a rule. */
static bool open_packet(struct vsock_conn *c, const struct said *p)
{
	switch (p->op) {
	case VSOCK_OP_RW:
		return data(c, p);
	case VSOCK_OP_SHUTDOWN:
		vsock_guest_shut(c, p->flags);
		return c->guest_shut != VSOCK_NO_BOTH; /* and then RST is the right answer, too */
	case VSOCK_OP_CREDIT_UPDATE:
		return true;
	case VSOCK_OP_CREDIT_REQUEST:
		vsock_due(c, VSOCK_DUE_CREDIT);
		return true;
	default:
		return false;
	}
}

static bool packet_of(struct vsock_conn *c, const struct said *p)
{
	switch (c->state) {
	case VSOCK_ASKING:
		/* Only of what was asked; else it is left over from an earlier connection. */
		if (p->op != VSOCK_OP_RESPONSE || c->due & VSOCK_DUE_REQUEST)
			return false;
		vsock_accepted(c);
		return true;
	case VSOCK_OPEN:
		return open_packet(c, p);
	case VSOCK_DIALING:
		return p->op == VSOCK_OP_CREDIT_UPDATE;
	case VSOCK_REFUSED:
		return true; /* it is about to hear it */
	case VSOCK_FREE:
	case VSOCK_ABANDONED:
	case VSOCK_GREETING:
	case VSOCK_DRAINING:
		break;
	}
	return false;
}

/* What each packet of a connection says beside its purpose. */
static void take_credit(struct vsock_conn *c, const struct said *p)
{
	c->guest_alloc = p->alloc;
	c->guest_forwarded = p->forwarded;
	if (vsock_credit(c))
		c->asked_credit =
			false; /* else an answer without any would be asked for for ever */
}

static void stream_packet(struct said *p)
{
	struct vsock_conn *c = vsock_find(p->s, p->guest_port, p->host_port);

	if (!c) {
		if (p->op == VSOCK_OP_REQUEST)
			request(p);
		else
			reset(p);
		return;
	}
	if (p->op == VSOCK_OP_RST) {
		vsock_leave(c);
		return;
	}
	take_credit(c, p);
	if (p->len > p->r->out_len - VSOCK_HEADER || !packet_of(c, p)) {
		end(c, p);
		return;
	}
	vsock_list(c);
	vsock_rewatch(c);
}

static void packet(struct vsock *s, struct request *r)
{
	struct vsock_header h;
	struct said p;

	if (request_read(r, 0, &h, sizeof(h)) < sizeof(h))
		return;
	if (le64_get(h.src_cid) != s->cid || le64_get(h.dst_cid) != VSOCK_CID_HOST)
		return;
	p = (struct said){
		.s = s,
		.r = r,
		.guest_port = le32_get(h.src_port),
		.host_port = le32_get(h.dst_port),
		.len = le32_get(h.len),
		.flags = le32_get(h.flags),
		.type = le16_get(h.type),
		.op = le16_get(h.op),
		.alloc = le32_get(h.buf_alloc),
		.forwarded = le32_get(h.fwd_cnt),
	};
	if (p.type == VSOCK_TYPE_STREAM)
		stream_packet(&p);
	else
		reset(&p);
}

bool vsock_transmit(struct server *srv)
{
	struct vsock *s = container_of(srv, struct vsock, tx);
	struct request *r = NULL;
	bool more = true;

	vsock_settle(s);
	for (int i = 0; i < TURN_PACKETS; i++) {
		/* What is to be answered waits until there is room for the answer. */
		s->tx_waits = s->nr_resets == VSOCK_RESETS;
		if (s->tx_waits || !server_pop(srv, &r)) {
			more = false;
			break;
		}
		packet(s, r);
		queue_push(r, 0);
	}
	if (s->ready || s->nr_resets)
		server_run(&s->rx);
	return more;
}
