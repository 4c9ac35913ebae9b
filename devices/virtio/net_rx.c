/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames to the driver. One at a time is taken from the host end and waits there until buffers have
 * come for all of it; with MRG_RXBUF it may fill several, which the driver sees all at once.
 *
 * A driver may have fewer buffers than the largest frame needs, and never give more. So a frame
 * that has found some room but too little is dropped after a while, and smaller ones go on.
 */
#include "devices/virtio/net_parts.h"

enum { TURN_FRAMES = 64 };

#define STUCK_NS 200000000ULL

static_assert(sizeof(struct net_header) == 12, "as the driver sees it");

static void hold(struct net_pair *p, struct request *r)
{
	r->next = NULL;
	*p->held_end = r;
	p->held_end = &r->next;
	p->nr_held++;
	p->room += r->in_len;
}

static struct request *let_go(struct net_pair *p)
{
	struct request *r = p->held;

	p->held = r->next;
	if (!p->held)
		p->held_end = &p->held;
	p->nr_held--;
	p->room -= r->in_len;
	return r;
}

/* The next frame; one that the driver does not want is empty. False: there is none now. */
static bool next_frame(struct net *n, struct net_pair *p)
{
	struct net_frame *f = &p->frame;

	if (net_receive(n->host, (unsigned)(p - n->pair), f)) {
		f->len = 0;
		return false;
	}
	if (!net_filter_wants(&n->filter, f->data) || !net_header_to_driver(f, n->given)) {
		f->len = 0;
		n->lost.unwanted++;
	}
	return true;
}

/* Has buffers for @len bytes in all, if the driver gives them. */
static bool gather(struct server *s, struct net_pair *p, size_t len)
{
	const bool merge = virtio_has(s->queue->v, NET_F_MRG_RXBUF);
	struct request *r;

	while (p->room < len && (merge || !p->held)) {
		if (!server_pop(s, &r))
			return false;
		if (r->in_len < sizeof(struct net_header)) {
			queue_break(s->queue);
			queue_push(r, 0);
			return false;
		}
		hold(p, r);
	}
	return true;
}

/* How many of the held buffers @len bytes take; there is room. */
static uint16_t count(const struct net_pair *p, size_t len)
{
	uint16_t n = 0;

	for (const struct request *r = p->held; len; r = r->next, n++)
		len -= r->in_len < len ? r->in_len : len;
	return n;
}

/* Copies the frame into as many buffers as it takes, and gives them back. */
static void deliver(struct server *s, struct net_pair *p)
{
	const size_t head = sizeof(p->frame.header);
	size_t done = 0, skip = head;

	p->frame.header.num_buffers = le16_of(count(p, head + p->frame.len));
	queue_push_begin(s->queue);
	do {
		struct request *r = let_go(p);
		size_t len = r->in_len - skip, left = p->frame.len - done;

		if (len > left)
			len = left;
		if (skip)
			(void)request_write(r, 0, &p->frame.header, head);
		(void)request_write(r, skip, p->frame.data + done, len);
		queue_push(r, skip + len);
		done += len;
		skip = 0;
	} while (done < p->frame.len);
	queue_push_end(s->queue);
	p->frame.len = 0;
}

bool net_receive_turn(struct server *s)
{
	struct net *n = net_of(s);
	struct net_pair *p = net_pair_of(s);

	if (p >= &n->pair[n->pairs]) {
		net_pair_want(n, p, NET_IN, false);
		return false;
	}
	for (int i = 0; i < TURN_FRAMES; i++) {
		size_t need;

		if (!p->frame.len && !next_frame(n, p)) {
			net_pair_want(n, p, NET_IN, true);
			return false;
		}
		if (!p->frame.len)
			continue;
		need = sizeof(struct net_header) + p->frame.len;
		if (!gather(s, p, need)) {
			net_pair_want(n, p, NET_IN, false);
			if (p->held && !p->stuck.due_ns)
				loop_timer_arm(n->loop, &p->stuck, loop_now_ns() + STUCK_NS);
			return false;
		}
		loop_timer_disarm(n->loop, &p->stuck);
		if (p->room >= need) {
			deliver(s, p);
		} else { /* one buffer for each frame, and this is too large for it */
			p->frame.len = 0;
			n->lost.too_large++;
		}
	}
	return true;
}

static void stuck(struct timer *t)
{
	struct net_pair *p = container_of(t, struct net_pair, stuck);
	struct server *s = &p->net->server[2 * (p - p->net->pair)];

	{
		LOCK_SCOPE(&s->queue->lock);
		if (p->frame.len)
			p->net->lost.too_large++;
		p->frame.len = 0;
	}
	server_run(s);
}

void net_receive_stopped(struct net_pair *p)
{
	while (p->held)
		queue_push(let_go(p), 0);
	p->frame.len = 0;
}

void net_receive_init(struct net_pair *p)
{
	p->held_end = &p->held;
	p->stuck.expired = stuck;
}
