/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/console_parts.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICE_ID = 3, CONTROL_ENTRIES = 32, CONTROL_SEGS = 32 };

static_assert(sizeof(struct console_config) == 12, "as the driver sees it");

static struct console *console(struct virtio *v)
{
	return container_of(v, struct console, v);
}

/* What a guest prints before it has a driver, or after. Not behind what a queue waits to send. */
static void console_config_write(struct virtio *v, uint32_t off, const void *from,
				 uint32_t len UNUSED)
{
	struct console_port *p = &console(v)->port[0];

	if (off != offsetof(struct console_config, emerg_wr) || !p->host.console)
		return;
	/* The chardev wants one writer at a time. */
	LOCK_SCOPE(&p->transmit.queue->lock);
	(void)chardev_write(p->host.chardev, from, 1);
}

static void console_queue_stopped(struct virtio *v, unsigned q)
{
	struct console *c = console(v);

	if (q < CONSOLE_CONTROL_RECEIVE)
		console_port_stopped(&c->port[0], q);
	else if (q > CONSOLE_CONTROL_TRANSMIT)
		console_port_stopped(&c->port[q / 2 - 1], q);
	/* Control messages are done with when a turn is. */
}

static void console_reset(struct virtio *v)
{
	console_control_reset(console(v));
}

static void console_destroy(struct virtio *v)
{
	struct console *c = console(v);

	for (unsigned i = 0; i < c->nr_ports; i++)
		console_port_done(&c->port[i]);
	server_done(&c->control_receive);
	server_done(&c->control_transmit);
	loop_timer_disarm(c->loop, &c->stall);
	for (unsigned i = 0; c->queue && i < v->nr_queues; i++)
		queue_done(&c->queue[i]);
	mutex_destroy(&c->lock);
	free(c->queue);
	free(c);
}

/*
 * Without MULTIPORT, Linux looks at the size only when the configuration has changed, so a size
 * that was there from the start is a change, too.
 */
static void console_start(struct virtio *v)
{
	const struct console *c = console(v);

	if (!virtio_has(v, CONSOLE_F_MULTIPORT) && c->config.cols.raw)
		virtio_config_changed(v);
}

static const struct virtio_ops console_ops = {
	.name = "virtio-console",
	.id = DEVICE_ID,
	.config_write = console_config_write,
	.config_early = true,
	.start = console_start,
	.queue_stopped = console_queue_stopped,
	.reset = console_reset,
	.destroy = console_destroy,
};

static int check(const struct virtio_console_port *ports, unsigned nr, struct err *e)
{
	if (nr < 1 || nr > VIRTIO_CONSOLE_PORTS)
		return err_set(e, EINVAL, "virtio-console: %u ports, where 1 to %d can be", nr,
			       VIRTIO_CONSOLE_PORTS);
	for (unsigned i = 0; i < nr; i++)
		if (ports[i].name &&
		    (!*ports[i].name || strlen(ports[i].name) > VIRTIO_CONSOLE_NAME))
			return err_set(
				e, EINVAL,
				"virtio-console: the port name '%s' has %zu bytes, not 1 to %d",
				ports[i].name, strlen(ports[i].name), VIRTIO_CONSOLE_NAME);
	return 0;
}

static int make_control(struct console *c, struct err *e)
{
	struct queue *q = &c->queue[CONSOLE_CONTROL_RECEIVE];

	if (queue_init(&q[0], &c->v, c->mem, CONSOLE_CONTROL_RECEIVE, CONTROL_ENTRIES, CONTROL_SEGS,
		       0, e) ||
	    server_init(&c->control_receive, &q[0], c->loop, console_control_receive, e) ||
	    queue_init(&q[1], &c->v, c->mem, CONSOLE_CONTROL_TRANSMIT, CONTROL_ENTRIES,
		       CONTROL_SEGS, 0, e) ||
	    server_init(&c->control_transmit, &q[1], c->loop, console_control_transmit, e))
		return -e->code;
	return 0;
}

struct virtio *virtio_console_create(const struct virtio_console_port *ports, unsigned nr,
				     struct gmem *mem, struct loop *loop, struct err *e)
{
	uint64_t features = 0;
	unsigned nr_queues;
	struct console *c;
	bool multiport;
	int code;

	if (check(ports, nr, e))
		return NULL;
	multiport = nr > 1 || !ports[0].console || ports[0].name;
	nr_queues = multiport ? 2 * nr + 2 : 2;
	c = calloc(1, sizeof(*c) + nr * sizeof(c->port[0]));
	if (c)
		c->queue = calloc(nr_queues, sizeof(c->queue[0]));
	if (!c || !c->queue) {
		free(c);
		(void)err_set(e, ENOMEM, "virtio-console: out of memory");
		return NULL;
	}
	if (multiport)
		features |= VIRTIO_BIT(CONSOLE_F_MULTIPORT);
	if (ports[0].console)
		features |= VIRTIO_BIT(CONSOLE_F_SIZE) | VIRTIO_BIT(CONSOLE_F_EMERG_WRITE);
	mutex_init(&c->lock);
	c->mem = mem;
	c->loop = loop;
	c->stall.expired = console_port_stall;
	c->config.max_nr_ports = le32_of(nr);
	virtio_init(&c->v, &console_ops, features, &c->config, sizeof(c->config), c->queue,
		    nr_queues);
	code = multiport ? make_control(c, e) : 0;
	for (; code == 0 && c->nr_ports < nr; c->nr_ports++)
		code = console_port_init(&c->port[c->nr_ports], c, c->nr_ports, &ports[c->nr_ports],
					 e);
	if (code) {
		(void)err_ctx(e, "virtio-console");
		console_destroy(&c->v);
		return NULL;
	}
	return &c->v;
}
