/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/console_parts.h"

enum {
	ENTRIES = 64,
	TRANSMIT_SEGS = 256, /* what a pipe of the largest size makes in Linux */
	PIECE = 4096,	     /* copied at once */
	TURN_BYTES = 16 * PIECE,
	TURN_REQUESTS = 64,
};

/*
 * How often a console whose output waits asks for room. The rule wants CHARDEV_STALL_ASKS: long
 * enough for a reader that is only slow, short enough for what watches for CPUs that hang.
 */
#define STALL_NS 4000000ULL

/* --- input ---------------------------------------------------------------------------------- */

/* Without MULTIPORT there is only port 0, and a driver that uses others is broken. */
static bool exists(struct console_port *p, struct server *s)
{
	if (p->id == 0 || console_multiport(p->con))
		return true;
	console_refuse(s);
	return false;
}

static bool wants_input(struct console_port *p)
{
	if (!console_multiport(p->con))
		return true;
	LOCK_SCOPE(&p->con->lock);
	return p->open;
}

/*
 * Puts at most @max bytes of input into the buffer that waits; how many in *@put. False when there
 * is none. Memory of the host that fails under the buffer swallows some.
 */
static bool receive(struct console_port *p, size_t max, size_t *put)
{
	size_t room = p->receiving->in_len < max ? p->receiving->in_len : max, n, done;
	uint8_t piece[PIECE];

	*put = 0;
	do {
		n = room - *put < PIECE ? room - *put : PIECE;
		n = chardev_read(p->host.chardev, piece, n);
		done = request_write(p->receiving, *put, piece, n);
		*put += done;
	} while (n > 0 && done == n && *put < room);
	return n > 0 || *put > 0 || room == 0;
}

static void look_at_peers(struct console_port *p);

static bool receive_turn(struct server *s)
{
	struct console_port *p = container_of(s, struct console_port, receive);
	size_t left = TURN_BYTES, put;

	if (!exists(p, s) || !wants_input(p))
		return false;
	for (int i = 0; i < TURN_REQUESTS && left > 0; i++) {
		if (!p->receiving && !server_pop(s, &p->receiving))
			return false;
		if (!receive(p, left, &put)) {
			look_at_peers(p); /* this may have been the last of one that left */
			return false;
		}
		queue_push(p->receiving, put);
		p->receiving = NULL;
		left -= put;
	}
	return true;
}

/* --- output --------------------------------------------------------------------------------- */

/* Hands the chardev at most @max bytes of the request; how many. */
static size_t transmit(struct console_port *p, size_t max)
{
	uint8_t piece[PIECE];
	size_t done = 0;

	while (done < max && p->sent < p->sending->out_len) {
		size_t want = max - done < PIECE ? max - done : PIECE;
		size_t got = request_read(p->sending, p->sent, piece, want);
		size_t took = chardev_write(p->host.chardev, piece, got);

		done += took;
		p->sent += took;
		if (got == 0)
			p->sent = p->sending->out_len; /* the host's memory failed under it */
		p->blocked = took < got;
		if (p->blocked)
			break;
	}
	return done;
}

static bool transmit_turn(struct server *s)
{
	struct console_port *p = container_of(s, struct console_port, transmit);
	size_t left = TURN_BYTES;

	if (!exists(p, s))
		return false;
	for (int i = 0; i < TURN_REQUESTS && left > 0 && !p->blocked; i++) {
		if (!p->sending) {
			if (!server_pop(s, &p->sending))
				return false;
			p->sent = 0;
		}
		left -= transmit(p, left);
		if (p->sent == p->sending->out_len) {
			queue_push(p->sending, 0);
			p->sending = NULL;
		}
	}
	if (p->blocked && p->host.console)
		loop_timer_arm(s->loop, &p->con->stall, loop_now_ns() + STALL_NS);
	return !p->blocked;
}

/* Whether the port's output waits still; asking for room is what the chardev's stall rule counts.
 */
static bool ask_for_room(struct console_port *p)
{
	LOCK_SCOPE(&p->transmit.queue->lock);
	if (p->blocked && chardev_room(p->host.chardev) > 0)
		p->blocked = false;
	return p->blocked;
}

void console_port_stall(struct timer *t)
{
	struct console *c = container_of(t, struct console, stall);

	for (unsigned i = 0; i < c->nr_ports; i++) {
		struct console_port *p = &c->port[i];

		if (!p->host.console)
			continue;
		if (ask_for_room(p))
			loop_timer_arm(c->loop, t, loop_now_ns() + STALL_NS);
		else
			server_post(&p->transmit);
	}
}

/* --- the host's side ------------------------------------------------------------------------ */

/* Consoles have somebody for ever: the chardev keeps what nobody reads. */
static void look_at_peers(struct console_port *p)
{
	unsigned peers = p->host.console ? 1 : chardev_peers(p->host.chardev);
	bool changed;

	{
		LOCK_SCOPE(&p->con->lock);
		changed = p->peers != peers;
		p->peers = peers;
	}
	if (changed)
		console_control_post(p->con);
}

/* The size is the configuration's, too, when it is that of port 0. */
static void set_config(struct console *c, uint16_t cols, uint16_t rows)
{
	c->config.cols = le16_of(cols);
	c->config.rows = le16_of(rows);
}

static void look_at_size(struct console_port *p)
{
	struct console *c = p->con;
	uint16_t cols, rows;

	chardev_size(p->host.chardev, &cols, &rows);
	{
		LOCK_SCOPE(&c->lock);
		if (p->cols == cols && p->rows == rows)
			return;
		p->cols = cols;
		p->rows = rows;
		if (p->ready)
			p->due |= DUE_SIZE;
	}
	console_control_post(c);
	if (p->id > 0)
		return;
	if (!c->v.lock) {
		set_config(c, cols, rows);
		return;
	}
	LOCK_SCOPE(c->v.lock);
	set_config(c, cols, rows);
	virtio_config_changed(&c->v);
}

/* Loop thread: input came, there is room for output, or the host's side changed. */
static void port_ready(struct chardev_front *f)
{
	struct console_port *p = container_of(f, struct console_port, front);

	{
		LOCK_SCOPE(&p->transmit.queue->lock);
		p->blocked = false;
	}
	server_run(&p->transmit);
	server_run(&p->receive);
	look_at_peers(p);
	if (p->host.console)
		look_at_size(p);
}

/* --- life ----------------------------------------------------------------------------------- */

void console_port_stopped(struct console_port *p, unsigned q)
{
	struct server *s = q % 2 ? &p->transmit : &p->receive;
	struct request **held = q % 2 ? &p->sending : &p->receiving;

	LOCK_SCOPE(&s->queue->lock);
	if (*held)
		queue_push(*held, 0);
	*held = NULL;
}

static int start_queue(struct server *s, struct console *c, unsigned q, unsigned max_segs,
		       bool (*turn)(struct server *s), struct err *e)
{
	/* No request has a part of its own. */
	if (queue_init(&c->queue[q], &c->v, c->mem, q, ENTRIES, max_segs, 0, e))
		return -e->code;
	return server_init(s, &c->queue[q], c->loop, turn, e);
}

int console_port_init(struct console_port *p, struct console *c, unsigned id,
		      const struct virtio_console_port *host, struct err *e)
{
	/* The control queues lie between those of port 0 and the others. */
	unsigned q = id == 0 ? 0 : 2 * id + 2;

	p->con = c;
	p->id = id;
	p->host = *host;
	p->front.ready = port_ready;
	if (start_queue(&p->receive, c, q, ENTRIES, receive_turn, e) ||
	    start_queue(&p->transmit, c, q + 1, TRANSMIT_SEGS, transmit_turn, e))
		return -e->code;
	chardev_attach(p->host.chardev, &p->front);
	look_at_peers(p);
	if (p->host.console)
		look_at_size(p);
	return 0;
}

void console_port_done(struct console_port *p)
{
	if (p->host.chardev)
		chardev_attach(p->host.chardev, NULL);
	server_done(&p->receive);
	server_done(&p->transmit);
}
