/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between console.c (life, configuration), console_port.c (data) and console_control.c (messages).
 *
 * Lock order: the transport's, a queue's, console.lock.
 */
#ifndef DEVICES_VIRTIO_CONSOLE_PARTS_H
#define DEVICES_VIRTIO_CONSOLE_PARTS_H

#include "devices/virtio/console.h"
#include "devices/virtio/server.h"
#include "vmm/base/le.h"

enum { CONSOLE_F_SIZE = 0, CONSOLE_F_MULTIPORT = 1, CONSOLE_F_EMERG_WRITE = 2 };

/* Queues: two of port 0, two of control messages, then two of each other port. */
enum { CONSOLE_CONTROL_RECEIVE = 2, CONSOLE_CONTROL_TRANSMIT = 3 };

/* Messages that are due to the driver about a port, sent in this order. */
enum console_due { DUE_ADD = 1, DUE_CONSOLE = 2, DUE_SIZE = 4, DUE_NAME = 8 };

struct console;

struct console_port {
	struct console *con;
	unsigned id;
	struct virtio_console_port host;
	struct chardev_front front;

	struct server receive;	   /* to the driver */
	struct request *receiving; /* its queue's lock: a buffer that waits for input */
	struct server transmit;	   /* from the driver */
	struct request *sending;   /* its queue's lock: a request that waits for room */
	size_t sent;		   /* ... and this much of it is with the chardev */
	bool blocked;		   /* ... which calls when it has room */

	/* console.lock */
	unsigned due;	/* console_due */
	bool ready;	/* the driver has the port */
	bool open;	/* ... and somebody in the guest has it open */
	bool told_open; /* the driver knows the host's side as open */
	unsigned peers; /* chardev_peers(), as we saw it last */
	unsigned told;	/* ... when the driver was told of the peer it knows */
	uint16_t cols, rows;
};

struct console_config {
	le16 cols, rows;
	le32 max_nr_ports;
	le32 emerg_wr;
};

struct console {
	struct virtio v;
	struct gmem *mem;  /* borrowed, outlives us */
	struct loop *loop; /* likewise */
	struct mutex lock;
	struct console_config config;
	struct server control_receive, control_transmit;
	struct timer stall;  /* loop thread: armed while a console's output waits */
	struct queue *queue; /* owned */
	unsigned nr_ports;
	struct console_port port[];
};

static inline bool console_multiport(const struct console *c)
{
	return virtio_has(&c->v, CONSOLE_F_MULTIPORT);
}

/* --- console_port.c --- */

int console_port_init(struct console_port *p, struct console *c, unsigned id,
		      const struct virtio_console_port *host, struct err *e) MUST_CHECK;

/* Fine on a zeroed one. */
void console_port_done(struct console_port *p);

/* Queue @q of the port is stopped: lets go of its request. */
void console_port_stopped(struct console_port *p, unsigned q);

/* A turn of the timer console.stall. */
void console_port_stall(struct timer *t);

/* --- console_control.c --- */

/* Turns of the two control queues. */
bool console_control_receive(struct server *s);
bool console_control_transmit(struct server *s);

/* A turn of a queue that does not exist as things were negotiated: using it breaks it. */
void console_refuse(struct server *s);

/* Back to what it is before a driver has spoken. */
void console_control_reset(struct console *c);

/* Tells the driver of what became due. Any lock but console.lock. */
void console_control_post(struct console *c);

#endif
