/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control messages (virtio 1.3, section 5.3.6.2). What is to be said to the driver is not queued
 * but follows from the state of the ports when it gives a buffer, so nothing grows however slow the
 * driver is, and what is out of date is not said.
 */
#include "devices/virtio/console_parts.h"

#include <string.h>

enum event {
	DEVICE_READY = 0, /* from the driver */
	PORT_ADD = 1,
	PORT_READY = 3, /* from the driver */
	CONSOLE_PORT = 4,
	RESIZE = 5,
	PORT_OPEN = 6, /* both ways */
	PORT_NAME = 7,
};

enum { TURN_REQUESTS = 64 };

struct message {
	le32 id;
	le16 event, value;
};

struct long_message {
	struct message head;
	uint8_t more[VIRTIO_CONSOLE_NAME];
};

static_assert(sizeof(struct message) == 8 && sizeof(struct long_message) == 72,
	      "as the driver sees them");

void console_control_post(struct console *c)
{
	if (c->control_receive.loop)
		server_post(&c->control_receive);
}

void console_refuse(struct server *s)
{
	struct request *r;

	if (!server_pop(s, &r))
		return;
	queue_break(s->queue);
	queue_push(r, 0);
}

/* --- to the driver -------------------------------------------------------------------------- */

static bool due_open(const struct console_port *p)
{
	return p->ready && !p->told_open && p->peers % 2 == 1;
}

static bool due_close(const struct console_port *p)
{
	return p->ready && p->told_open && p->peers != p->told;
}

static size_t say(const struct console_port *p, struct long_message *m, enum event event,
		  unsigned value, size_t more)
{
	m->head.id = le32_of(p->id);
	m->head.event = le16_of((uint16_t)event);
	m->head.value = le16_of((uint16_t)value);
	return sizeof(m->head) + more;
}

/* See console.h for drivers that read it the other way round. */
static size_t say_size(const struct console_port *p, struct long_message *m)
{
	const le16 size[2] = { le16_of(p->cols), le16_of(p->rows) };

	memcpy(m->more, size, sizeof(size));
	return say(p, m, RESIZE, 0, sizeof(size));
}

static size_t say_name(const struct console_port *p, struct long_message *m)
{
	size_t len = strlen(p->host.name);

	memcpy(m->more, p->host.name, len);
	return say(p, m, PORT_NAME, 1, len);
}

/* Takes one of the messages in p->due; its length. */
static size_t take_due(struct console_port *p, struct long_message *m)
{
	unsigned first = p->due & -p->due;

	p->due &= ~first;
	switch ((enum console_due)first) {
	case DUE_ADD:
		return say(p, m, PORT_ADD, 1, 0);
	case DUE_CONSOLE:
		return say(p, m, CONSOLE_PORT, 1, 0);
	case DUE_SIZE:
		return say_size(p, m);
	case DUE_NAME:
		return say_name(p, m);
	}
	return 0;
}

/* The next message about the port; its length, 0 for none. */
static size_t take(struct console_port *p, struct long_message *m)
{
	assert_held(&p->con->lock);
	if (p->due)
		return take_due(p, m);
	if (due_close(p)) {
		p->told_open = false;
		return say(p, m, PORT_OPEN, 0, 0);
	}
	if (due_open(p)) {
		p->told_open = true;
		p->told = p->peers;
		return say(p, m, PORT_OPEN, 1, 0);
	}
	return 0;
}

/* A port that something is to be said about; NULL when there is none. */
static struct console_port *talkative(struct console *c)
{
	assert_held(&c->lock);
	for (unsigned i = 0; i < c->nr_ports; i++) {
		struct console_port *p = &c->port[i];

		if (p->due || due_close(p) || due_open(p))
			return p;
	}
	return NULL;
}

/* Sends one message in the buffer. One that is too small breaks the queue. */
static bool send(struct console *c, struct server *s, struct request *r)
{
	struct long_message m = { 0 };
	struct console_port *p;
	size_t len = 0;

	{
		LOCK_SCOPE(&c->lock);
		p = talkative(c);
		if (p)
			len = take(p, &m);
	}
	if (len > r->in_len)
		queue_break(s->queue);
	queue_push(r, request_write(r, 0, &m, len));
	return queue_live(s->queue);
}

static bool any_due(struct console *c)
{
	LOCK_SCOPE(&c->lock);
	return talkative(c) != NULL;
}

bool console_control_receive(struct server *s)
{
	struct console *c = container_of(s, struct console, control_receive);
	struct request *r;

	if (!console_multiport(c)) {
		console_refuse(s);
		return false;
	}
	for (int i = 0; i < TURN_REQUESTS; i++)
		if (!any_due(c) || !server_pop(s, &r) || !send(c, s, r))
			return false;
	return true;
}

/* --- from the driver ------------------------------------------------------------------------ */

static void port_ready(struct console_port *p, bool ready)
{
	LOCK_SCOPE(&p->con->lock);
	if (ready != p->ready)
		p->told_open = false;
	p->ready = ready;
	p->due &= DUE_ADD;
	if (!ready)
		return;
	if (p->host.console)
		p->due |= DUE_CONSOLE;
	if (p->host.console && virtio_has(&p->con->v, CONSOLE_F_SIZE))
		p->due |= DUE_SIZE;
	if (p->host.name)
		p->due |= DUE_NAME;
}

static void port_open(struct console_port *p, bool open)
{
	{
		LOCK_SCOPE(&p->con->lock);
		p->open = open;
	}
	server_post(&p->receive);
}

static void device_ready(struct console *c)
{
	LOCK_SCOPE(&c->lock);
	for (unsigned i = 0; i < c->nr_ports; i++)
		c->port[i].due |= DUE_ADD;
}

/* Unknown ports and events mean nothing. */
static void heard(struct console *c, const struct message *m)
{
	unsigned event = le16_get(m->event), value = le16_get(m->value);
	uint32_t id = le32_get(m->id);

	if (event == DEVICE_READY && value == 1)
		device_ready(c);
	else if (event == PORT_READY && id < c->nr_ports)
		port_ready(&c->port[id], value == 1);
	else if (event == PORT_OPEN && id < c->nr_ports)
		port_open(&c->port[id], value != 0);
	console_control_post(c);
}

bool console_control_transmit(struct server *s)
{
	struct console *c = container_of(s, struct console, control_transmit);
	struct request *r;

	if (!console_multiport(c)) {
		console_refuse(s);
		return false;
	}
	for (int i = 0; i < TURN_REQUESTS; i++) {
		struct message m;

		if (!server_pop(s, &r))
			return false;
		if (request_read(r, 0, &m, sizeof(m)) == sizeof(m))
			heard(c, &m);
		queue_push(r, 0);
	}
	return true;
}

void console_control_reset(struct console *c)
{
	LOCK_SCOPE(&c->lock);
	for (unsigned i = 0; i < c->nr_ports; i++) {
		struct console_port *p = &c->port[i];

		p->due = 0;
		p->ready = p->open = p->told_open = false;
	}
}
