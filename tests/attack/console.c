/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONSOLE: control messages, ports that there are not, output of all sizes, emergency writes
 * (virtio 1.3, section 5.3). After each, a driver that begins to talk is told of all ports, each
 * once.
 */
#include "tests/attack/requests.h"
#include "tests/attack/table.h"

enum { F_SIZE = 0, F_MULTIPORT = 1, F_EMERGENCY = 2 };
enum { RECEIVE, SEND, CONTROL_RECEIVE, CONTROL_SEND };
enum {
	DEVICE_READY,
	PORT_ADD,
	PORT_REMOVE,
	PORT_READY,
	CONSOLE_PORT,
	RESIZE,
	PORT_OPEN,
	PORT_NAME
};
enum { CONFIG_PORTS = 4, CONFIG_EMERGENCY = 8, CONFIG_END = 12 };
enum { RING_SIZE = 32, BUFFERS = 16, BUFFER = 128, MESSAGE = 8, NONE = 0xffffffff };

static uint32_t ports_of(struct dev *d)
{
	return dev_read(d, R_CONFIG + CONFIG_PORTS);
}

static void start(struct dev *d, uint64_t features)
{
	dev_start(d, features, RING_SIZE);
}

/* --- messages --- */

static void put_message(uint64_t at, uint32_t id, unsigned event, unsigned value)
{
	hal_put32(at, id);
	hal_put16(at + 4, (uint16_t)event);
	hal_put16(at + 6, (uint16_t)value);
}

static void say(struct dev *d, uint32_t id, unsigned event, unsigned value)
{
	put_message(d->scratch, id, event, value);
	(void)ring_good(&d->ring[CONTROL_SEND], &(struct piece){ d->scratch, MESSAGE, false }, 1,
			0);
}

static void give_buffers(struct dev *d)
{
	struct ring *r = &d->ring[CONTROL_RECEIVE];
	const uint64_t at = dev_alloc(d, BUFFERS * BUFFER);

	for (unsigned i = 0; i < BUFFERS; i++)
		ring_add_at(r, i, &(struct piece){ at + BUFFER * i, BUFFER, true }, 1);
	ring_kick(r);
}

static bool has_message(void *ctx)
{
	struct ring *r = ctx;

	return ring_used_index(r) != r->next_used;
}

/* The next message, and its buffer is given again; its event, and the port in *@id. */
static unsigned hear(struct dev *d, uint32_t *id)
{
	struct ring *r = &d->ring[CONTROL_RECEIVE];
	unsigned i, event;
	uint32_t len;
	uint64_t at;

	*id = NONE;
	if (!wait_until(has_message, r) || !ring_next(r, &i, &len) || i >= r->size) {
		complain("the device says nothing");
		return NONE;
	}
	if (len < MESSAGE || len > BUFFER)
		complain_of("bytes of a message", len, MESSAGE);
	at = hal_get64(r->desc + 16 * i);
	*id = hal_get32(at);
	event = hal_get16(at + 4);
	if (*id >= ports_of(d))
		complain_of("a message about port", *id, ports_of(d));
	ring_avail(r, r->next_avail++, (uint16_t)i);
	ring_avail_index(r, r->next_avail);
	ring_kick(r);
	return event;
}

/* What is left to be said from before is. */
static void hear_all(struct dev *d)
{
	uint32_t id;

	for (unsigned i = 0; i < 50; i++) {
		hal_pause();
		while (!complained() && has_message(&d->ring[CONTROL_RECEIVE]))
			(void)hear(d, &id);
	}
}

/* A driver that begins is told of each port. */
static void handshake(struct dev *d)
{
	uint32_t id, seen = 0;
	const uint32_t all = (UINT32_C(1) << ports_of(d)) - 1;

	say(d, NONE, DEVICE_READY, 1);
	for (unsigned i = 0; seen != all && i < 4 * ports_of(d) && !complained(); i++)
		if (hear(d, &id) == PORT_ADD)
			seen |= UINT32_C(1) << id;
	if (seen != all)
		complain_of("ports that a driver is told of", seen, all);
	d->kind->good(d);
}

struct said {
	uint32_t id, event, value;
	uint32_t len, chop; /* 0: all, in one; len NONE: no byte */
	bool to_write;
	bool silent; /* it means nothing: the device says nothing */
};

static void one_message(struct dev *d, const struct attack *a)
{
	static struct piece piece[RING_SIZE];
	const struct said *m = a->data;
	const uint32_t len = m->len == NONE ? 0 : m->len ? m->len : MESSAGE;
	uint32_t step = m->chop ? m->chop : len, got, off = 0;
	unsigned n = 0;
	uint64_t at;

	start(d, F(F_MULTIPORT));
	give_buffers(d);
	at = dev_pages(d, 8192);
	put_message(at, m->id, m->event, m->value);
	do {
		piece[n++] = (struct piece){ at + off, len - off < step ? len - off : step,
					     m->to_write };
		off += step;
	} while (off < len);
	if (ring_send(&d->ring[CONTROL_SEND], piece, n, &got) != USED)
		complain("the device broke of a message");
	if (got)
		complain_of("bytes written", got, 0);
	for (unsigned i = 0; i < 20 && m->silent; i++)
		hal_pause();
	if (m->silent && has_message(&d->ring[CONTROL_RECEIVE]))
		complain("the device answers what means nothing");
	hear_all(d);
	handshake(d);
}

/* What was due to a driver before the reset is not said to the next one. */
static void left_over(struct dev *d, const struct attack *a)
{
	(void)a;
	start(d, F(F_MULTIPORT));
	say(d, 0, DEVICE_READY, 1);
	for (uint32_t port = 0; port < ports_of(d); port++)
		say(d, port, PORT_READY, 1);
	start(d, F(F_MULTIPORT));
	give_buffers(d);
	for (unsigned i = 0; i < 20; i++)
		hal_pause();
	if (has_message(&d->ring[CONTROL_RECEIVE]))
		complain("a driver hears what was due to another");
	hear_all(d);
	handshake(d);
}

/* Events arg to arg2, of every port and of some that there are not. */
static void events(struct dev *d, const struct attack *a)
{
	static const uint32_t ids[] = { 0, 1, 2, 3, 30, 31, 32, 0xffff, 0x80000000, 0xffffffff };

	start(d, F(F_MULTIPORT));
	for (uint64_t event = a->arg; event <= a->arg2 && !complained(); event++)
		for (unsigned i = 0; i < LENGTH(ids); i++)
			say(d, ids[i], (unsigned)event, i & 1);
	give_buffers(d);
	hear_all(d);
	handshake(d);
}

/* One event often, and nobody listens: what is said then does not grow with it. */
static void storm(struct dev *d, const struct attack *a)
{
	unsigned heard = 0;
	uint32_t id;

	start(d, F(F_MULTIPORT));
	for (uint64_t i = 0; i < times(a->arg2) && !complained(); i++)
		for (uint32_t port = 0; port < ports_of(d); port++)
			say(d, port, (unsigned)a->arg, a->arg == PORT_OPEN ? i & 1 : 1);
	give_buffers(d);
	for (unsigned i = 0; i < 50 && !complained(); i++) {
		hal_pause();
		while (!complained() && has_message(&d->ring[CONTROL_RECEIVE])) {
			(void)hear(d, &id);
			heard++;
		}
	}
	if (heard > 6 * ports_of(d))
		complain_of("messages", heard, 6 * ports_of(d));
	handshake(d);
}

/* arg: bytes of the buffer for a message; arg2: to be read. One that it does not fit breaks. */
static void small_buffer(struct dev *d, const struct attack *a)
{
	struct ring *r;

	start(d, F(F_MULTIPORT));
	r = &d->ring[CONTROL_RECEIVE];
	for (unsigned i = 0; i < BUFFERS; i++)
		ring_add_at(r, i, &(struct piece){ d->scratch + 4096, (uint32_t)a->arg, !a->arg2 },
			    1);
	ring_kick(r);
	put_message(d->scratch, 0, DEVICE_READY, 1);
	(void)ring_send(&d->ring[CONTROL_SEND], &(struct piece){ d->scratch, MESSAGE, false }, 1,
			&(uint32_t){ 0 });
	if (a->arg >= MESSAGE && !a->arg2) { /* a name is longer than that */
		for (uint32_t port = 0; port < ports_of(d); port++) {
			put_message(d->scratch, port, PORT_READY, 1);
			(void)ring_send(&d->ring[CONTROL_SEND],
					&(struct piece){ d->scratch, MESSAGE, false }, 1,
					&(uint32_t){ 0 });
		}
	}
	if (!dev_wait_broken(d))
		complain("the device took a buffer in which nothing fits");
}

/* Messages in a buffer of bytes, or over the ring: arg. */
static void odd_buffer(struct dev *d, const struct attack *a)
{
	struct piece piece[MESSAGE];
	struct ring *r;

	start(d, F(F_MULTIPORT));
	r = &d->ring[CONTROL_RECEIVE];
	for (unsigned i = 0; i < MESSAGE; i++)
		piece[i] = (struct piece){ d->scratch + 4096 + 3 * i, 1, true };
	if (a->arg == 0)
		ring_add_at(r, 0, piece, MESSAGE);
	else
		ring_add_at(r, 0, &(struct piece){ a->arg == 1 ? r->desc : r->driver, 64, true },
			    1);
	ring_kick(r);
	put_message(d->scratch, 0, DEVICE_READY, 1);
	ring_add_at(&d->ring[CONTROL_SEND], 0, &(struct piece){ d->scratch, MESSAGE, false }, 1);
	ring_kick(&d->ring[CONTROL_SEND]);
	if (a->arg == 0 && (!wait_until(has_message, r) || hal_get8(d->scratch + 4096 + 12) != 1))
		complain("a message in bytes is not there");
	for (unsigned i = 0; i < 100; i++)
		hal_pause();
}

/* arg: a queue that there is not without MULTIPORT. */
static void no_such_queue(struct dev *d, const struct attack *a)
{
	uint32_t len;

	start(d, 0);
	put_message(d->scratch, 0, DEVICE_READY, 1);
	if (ring_send(&d->ring[a->arg], &(struct piece){ d->scratch, MESSAGE, a->arg % 2 == 0 }, 1,
		      &len) != BROKEN)
		complain("the device serves a queue that there is not");
}

/* --- output and input --- */

struct output {
	uint32_t len, pieces, in;
	unsigned queue;
	uint64_t features;
};

static void output(struct dev *d, const struct attack *a)
{
	static struct piece piece[64];
	const struct output *o = a->data;
	uint64_t at;
	uint32_t got;
	unsigned n = 0;

	dev_start(d, o->features, 64);
	at = dev_pages(d, o->len * (o->pieces ? o->pieces : 1) + 4096);
	mem_fill(at, 'o', o->len * (o->pieces ? o->pieces : 1));
	for (; n < o->pieces; n++)
		piece[n] = (struct piece){ at + n * o->len, o->len, false };
	if (o->in)
		piece[n++] = (struct piece){ at, o->in, true };
	if (ring_send(&d->ring[o->queue], piece, n, &got) != USED)
		complain("the device broke of output");
	if (got)
		complain_of("bytes written", got, 0);
	mem_expect(at, 'o', o->len * o->pieces, "what was put out is");
	d->kind->good(d);
}

/* All of it at once, as large as RAM is, or so much of it: arg, from ours on. */
static void output_of_ram(struct dev *d, const struct attack *a)
{
	uint32_t got;

	start(d, 0);
	if (ring_send(&d->ring[SEND], &(struct piece){ d->memory, (uint32_t)times(a->arg), false },
		      1, &got) != USED)
		complain("the device broke of output");
	d->kind->good(d);
}

/* Many requests, in all queues that there are, with nobody at some of the ports. */
static void output_everywhere(struct dev *d, const struct attack *a)
{
	start(d, F(F_MULTIPORT));
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++)
		for (unsigned q = SEND; q < d->nr_rings; q += 2) {
			struct ring *r = &d->ring[q];

			if (q == CONTROL_SEND)
				continue;
			(void)ring_good(r, &(struct piece){ d->scratch, 64, false }, 1, 0);
		}
	d->kind->good(d);
}

/* Buffers for input on which nothing comes: of no byte, or to be read; then the driver resets. */
static void input(struct dev *d, const struct attack *a)
{
	struct ring *r;

	start(d, 0);
	r = &d->ring[RECEIVE];
	for (unsigned i = 0; i < r->size; i++)
		ring_add_at(r, i, &(struct piece){ d->scratch, (uint32_t)a->arg, !a->arg2 }, 1);
	ring_kick(r);
	for (unsigned i = 0; i < 50; i++)
		hal_pause();
	d->kind->good(d);
}

static void reset_under_way(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		start(d, a->arg2 & d->offered);
		if (a->arg2)
			give_buffers(d);
		for (unsigned q = SEND; q < d->nr_rings; q += 2) {
			struct ring *r = &d->ring[q];

			if (q > SEND && !a->arg2)
				break;
			put_message(d->scratch, 0, DEVICE_READY, 1);
			for (unsigned k = 0; k < r->size; k++)
				ring_add_at(r, k, &(struct piece){ d->scratch, MESSAGE, false }, 1);
			ring_kick(r);
		}
		dev_reset(d);
		mem_expect(d->memory, 0, 8192, "a message came after the reset:");
	}
}

/* --- the configuration --- */

/* arg: how often, arg2: how wide. Before a driver, of a running device, and of a broken one. */
static void emergency(struct dev *d, const struct attack *a)
{
	for (unsigned state = 0; state < 3 && !complained(); state++) {
		if (state)
			start(d, F(F_EMERGENCY) & d->offered);
		if (state == 2) {
			ring_avail_index(&d->ring[SEND], RING_SIZE + 1);
			ring_kick(&d->ring[SEND]);
			(void)dev_wait_broken(d);
		}
		for (uint64_t i = 0; i < times(a->arg); i++)
			(void)hal_store(d->base + R_CONFIG + CONFIG_EMERGENCY, (unsigned)a->arg2,
					i % 64 == 63 ? '\n' : 'e');
	}
}

/* All of it by arg bytes, and behind it: what the driver may not write stays. */
static void config_written(struct dev *d, const struct attack *a)
{
	uint64_t v, was[CONFIG_END];

	start(d, 0);
	for (unsigned i = 0; i < CONFIG_END; i++)
		(void)hal_load(d->base + R_CONFIG + i, 1, &was[i]);
	for (unsigned i = 0; i < CONFIG_END + 8; i += (unsigned)a->arg)
		(void)hal_store(d->base + R_CONFIG + i, (unsigned)a->arg, UINT64_MAX);
	for (unsigned i = 0; i < CONFIG_EMERGENCY; i++) {
		(void)hal_load(d->base + R_CONFIG + i, 1, &v);
		if (v != was[i])
			complain_of("the driver changed the configuration at", i, 0);
	}
	d->kind->good(d);
}

/* clang-format off */
#define SAID(id_, ...)                                                                             \
	{ .name = (id_), .run = one_message, .offers = F(F_MULTIPORT),                             \
	  .data = &(const struct said){ __VA_ARGS__ } }
#define OUTPUT(id_, ...)                                                                           \
	{ .name = (id_), .run = output, .data = &(const struct output){ __VA_ARGS__ } }
#define MULTI .offers = F(F_MULTIPORT)

static const struct attack rows[] = {
	{ .name = "each event", .run = events, .arg = 0, .arg2 = 9, MULTI },
	{ .name = "events that nobody knows", .run = events, .arg = 10, .arg2 = 40, MULTI },
	{ .name = "the last events", .run = events, .arg = 0xfff0, .arg2 = 0xffff, MULTI },
	SAID("a message of no byte", .silent = true, .len = NONE),
	SAID("a message of 1 byte", .silent = true, .len = 1),
	SAID("a message of 7 bytes", .silent = true, .len = 7, .event = PORT_READY, .value = 1),
	SAID("a message of 9 bytes", .len = 9, .event = PORT_READY, .value = 1),
	SAID("a message of 4 KiB", .len = 4096, .event = PORT_READY, .value = 1),
	SAID("a message in bytes", .chop = 1, .event = PORT_READY, .value = 1),
	SAID("a message in pieces of 3", .chop = 3, .event = PORT_OPEN, .value = 1),
	SAID("a message to be written", .silent = true, .to_write = true),
	SAID("a driver that failed", .silent = true, .event = DEVICE_READY, .value = 0),
	SAID("a driver that is ready by 2", .silent = true, .event = DEVICE_READY, .value = 2),
	SAID("a driver that is ready by 65535", .silent = true, .event = DEVICE_READY, .value = 0xffff),
	SAID("a port ready before the driver", .event = PORT_READY, .value = 1),
	SAID("a port that failed", .silent = true, .event = PORT_READY, .value = 0),
	SAID("the port behind the last ready", .silent = true, .id = 3, .event = PORT_READY, .value = 1),
	SAID("port 2^32 - 1 ready", .silent = true, .id = NONE, .event = PORT_READY, .value = 1),
	SAID("port 2^31 opened", .silent = true, .id = 0x80000000, .event = PORT_OPEN, .value = 1),
	SAID("a port opened before it is ready", .id = 1, .event = PORT_OPEN, .value = 1),
	SAID("a port closed that is not open", .id = 1, .event = PORT_OPEN, .value = 0),
	SAID("a port opened by 65535", .id = 1, .event = PORT_OPEN, .value = 0xffff),
	SAID("the driver adds a port", .silent = true, .id = 4, .event = PORT_ADD, .value = 1),
	SAID("the driver removes a port", .silent = true, .id = 0, .event = PORT_REMOVE, .value = 1),
	SAID("the driver names a port", .silent = true, .id = 1, .event = PORT_NAME, .value = 1, .len = 80),
	SAID("the driver makes a port a console", .silent = true, .id = 1, .event = CONSOLE_PORT, .value = 1),
	SAID("the driver resizes a console", .silent = true, .id = 0, .event = RESIZE, .len = 12),
	{ .name = "what was due to a driver before", .run = left_over, MULTI },
	{ .name = "ready, many times", .run = storm, .arg = DEVICE_READY, .arg2 = 1000, MULTI },
	{ .name = "ports ready, many times", .run = storm, .arg = PORT_READY, .arg2 = 1000, MULTI },
	{ .name = "ports opened and closed, many times", .run = storm, .arg = PORT_OPEN,
	  .arg2 = 1000, MULTI },
	{ .name = "a message into no byte", .run = small_buffer, .arg = 0, MULTI },
	{ .name = "a message into 7 bytes", .run = small_buffer, .arg = 7, MULTI },
	{ .name = "a name into 8 bytes", .run = small_buffer, .arg = 8, MULTI },
	{ .name = "a message into what may be read", .run = small_buffer, .arg = 64, .arg2 = 1,
	  MULTI },
	{ .name = "a message into bytes apart", .run = odd_buffer, .arg = 0, MULTI },
	{ .name = "a message over the descriptors", .run = odd_buffer, .arg = 1, MULTI },
	{ .name = "a message over the available ring", .run = odd_buffer, .arg = 2, MULTI },
	{ .name = "messages to the driver without their feature", .run = no_such_queue,
	  .arg = CONTROL_RECEIVE, MULTI },
	{ .name = "messages from the driver without their feature", .run = no_such_queue,
	  .arg = CONTROL_SEND, MULTI },
	{ .name = "input of a port without its feature", .run = no_such_queue, .arg = 4, MULTI },
	{ .name = "output of a port without its feature", .run = no_such_queue, .arg = 5, MULTI },
	{ .name = "output of the last port without its feature", .run = no_such_queue, .arg = 7,
	  MULTI },

	OUTPUT("output of no byte", .len = 0, .pieces = 1, .queue = SEND),
	OUTPUT("output of empty pieces", .len = 0, .pieces = 60, .queue = SEND),
	OUTPUT("output in bytes", .len = 1, .pieces = 60, .queue = SEND),
	OUTPUT("output of 256 KiB", .len = 256 << 10, .pieces = 1, .queue = SEND),
	OUTPUT("output in pieces of 4097", .len = 4097, .pieces = 60, .queue = SEND),
	OUTPUT("output and something to be written", .len = 64, .pieces = 1, .in = 64,
	       .queue = SEND),
	OUTPUT("nothing but something to be written", .len = 64, .in = 64, .queue = SEND),
	{ .name = "output of 8 MiB in one", .run = output_of_ram, .arg = 8 << 20 },
	{ .name = "output of ports that are not open", .run = output_everywhere, .arg = 500,
	  MULTI },
	{ .name = "buffers of no byte for input", .run = input, .arg = 0 },
	{ .name = "buffers for input, all in one place", .run = input, .arg = 64 },
	{ .name = "buffers for input to be read", .run = input, .arg = 64, .arg2 = 1 },
	{ .name = "reset under output", .run = reset_under_way, .arg = 100 },
	{ .name = "reset under messages", .run = reset_under_way, .arg = 100,
	  .arg2 = F(F_MULTIPORT), MULTI },

	{ .name = "an emergency write in each state", .run = emergency, .arg = 1, .arg2 = 4 },
	{ .name = "emergency writes of a byte", .run = emergency, .arg = 64, .arg2 = 1 },
	{ .name = "emergency writes of 2 bytes", .run = emergency, .arg = 64, .arg2 = 2 },
	{ .name = "many emergency writes", .run = emergency, .arg = 10000, .arg2 = 4 },
	{ .name = "configuration written by bytes", .run = config_written, .arg = 1 },
	{ .name = "configuration written by halves", .run = config_written, .arg = 2 },
	{ .name = "configuration written by words", .run = config_written, .arg = 4 },
};
/* clang-format on */

const struct group group_console = GROUP("console", rows, .on = ON(ID_CONSOLE));
