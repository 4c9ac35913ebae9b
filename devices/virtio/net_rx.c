/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames to the driver. One at a time is taken from the host end and waits there until buffers have
 * come for all of it; with MRG_RXBUF it may fill several, which the driver sees all at once.
 *
 * While frames are large, buffers are taken before the frame, and the host end may put the frame
 * into them itself: all but its first bytes, which are decided on here, and so are not yet the
 * driver's. Those that a frame did not fill are there for the next one.
 *
 * A driver may have fewer buffers than the largest frame needs, and never give more. So a frame
 * that has found some room but too little is dropped after a while, and smaller ones go on.
 */
#include "devices/virtio/net_parts.h"

#include <string.h>

enum { TURN_FRAMES = 64 };

#define STUCK_NS 200000000ULL
#define LARGE	 4096 /* bytes: copying them costs more than having buffers ready */

/* What is before the placed bytes of a frame, in the driver's buffers. */
#define BEFORE_PLACED (sizeof(struct net_header) + NET_FRAME_MIN)

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

/*
 * Has buffers for @len bytes in all, if the driver gives them. @later: it need not say so when it
 * does.
 */
static bool gather(struct server *s, struct net_pair *p, size_t len, bool later)
{
	const bool merge = virtio_has(s->queue->v, NET_F_MRG_RXBUF);
	struct request *r;

	while (p->room < len && (merge || !p->held)) {
		if (later ? queue_pop(s->queue, &r) != POP_OK : !server_pop(s, &r))
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

/* Where the next frame may go at once, if it is as large as the last one. */
static struct net_place place(struct server *s, struct net_pair *p)
{
	const bool merge = virtio_has(s->queue->v, NET_F_MRG_RXBUF);
	size_t skip = BEFORE_PLACED;
	unsigned n = 0;

	/* A checksum that the driver cannot do is computed where all of the frame is. */
	if (p->last < LARGE || !(p->net->given & NET_CSUM))
		return (struct net_place){ 0 };
	(void)gather(s, p, BEFORE_PLACED + NET_FRAME_MAX, true);
	for (struct request *r = p->held; r; r = merge ? r->next : NULL) {
		const struct iovec *from = &r->seg[r->nr_out];
		unsigned nr = r->nr_in;

		if (skip)
			from = request_trim(r, true, skip, 0, &nr);
		if (n + nr > NET_PLACES)
			break;
		for (unsigned i = 0; i < nr; i++)
			p->place[n++] = from[i];
		skip -= r->in_len < skip ? r->in_len : skip;
	}
	return (struct net_place){ .iov = p->place, .n = n };
}

/* The host end wrote @len bytes where place() said. */
static void mark_placed(const struct net_pair *p, size_t len)
{
	size_t off = BEFORE_PLACED;

	for (const struct request *r = p->held; r && len; r = r->next) {
		size_t n = 0;

		if (off < r->in_len) {
			n = r->in_len - off < len ? r->in_len - off : len;
			request_used(r, true, off, n);
			len -= n;
		}
		off -= r->in_len < off ? r->in_len : off;
	}
}

/* The next frame; one that the driver does not want is empty. False: there is none now. */
static bool next_frame(struct server *s, struct net_pair *p)
{
	struct net *n = p->net;
	struct net_frame *f = &p->frame;

	if (net_receive(n->host, (unsigned)(p - n->pair), f, place(s, p))) {
		f->len = 0;
		return false;
	}
	p->last = f->len;
	if (f->placed && s->queue->mem->observer)
		mark_placed(p, f->placed);
	if (!net_filter_wants(&n->filter, f->data) || !net_header_to_driver(f, n->given)) {
		f->len = 0;
		n->lost.unwanted++;
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

/* A piece of header and frame, in the driver's buffers from @begin to @end. */
struct piece {
	size_t begin, end;
	const uint8_t *from;
};

/* Writes what belongs to the @len bytes from @at on, which are the buffer's. */
static void put(struct request *r, const struct piece piece[3], size_t at, size_t len)
{
	for (unsigned i = 0; i < 3; i++) {
		size_t begin = piece[i].begin > at ? piece[i].begin : at;
		size_t end = piece[i].end < at + len ? piece[i].end : at + len;

		if (begin < end)
			(void)request_write(r, begin - at, piece[i].from + (begin - piece[i].begin),
					    end - begin);
	}
}

/* Has the frame in as many buffers as it takes, and gives them back. */
static void deliver(struct server *s, struct net_pair *p)
{
	struct net_frame *f = &p->frame;
	const size_t head = sizeof(f->header), total = head + f->len;
	const size_t placed = f->placed ? BEFORE_PLACED : total;
	const struct piece piece[3] = {
		{ 0, head, (const uint8_t *)&f->header },
		{ head, placed, f->data },
		{ placed + f->placed, total, f->data + NET_FRAME_MIN },
	};
	size_t done = 0;

	f->header.num_buffers = le16_of(count(p, total));
	queue_push_begin(s->queue);
	do {
		struct request *r = let_go(p);
		size_t len = r->in_len < total - done ? r->in_len : total - done;

		put(r, piece, done, len);
		queue_push(r, len);
		done += len;
	} while (done < total);
	queue_push_end(s->queue);
	f->len = 0;
}

bool net_receive_turn(struct server *s)
{
	struct net *n = net_of(s);
	struct net_pair *p = net_pair_of(s);

	if (p >= &n->pair[n->pairs]) {
		net_pair_want(n, p, NET_IN, false);
		return false;
	}
	turns_other(&n->turns);
	for (int i = 0; i < TURN_FRAMES; i++) {
		size_t need;

		if (!p->frame.len && !next_frame(s, p)) {
			net_pair_want(n, p, NET_IN, true);
			return false;
		}
		if (!p->frame.len)
			continue;
		need = sizeof(struct net_header) + p->frame.len;
		if (!gather(s, p, need, false)) {
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
