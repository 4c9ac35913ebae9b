/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/command.h"

#include "vmm/base/log.h"
#include "vmm/host/chardev_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DEAF_NS 1000000000ULL

/* --- its end --------------------------------------------------------------------------------- */

static bool is_out(struct chardev *stream, uint64_t written, bool unread)
{
	return !stream || unread || chardev_taken(stream) >= written;
}

static void look_whether_over(struct command *c)
{
	if (c->state != COMMAND_LEAVING || !is_out(c->out, c->written[0], c->unread[0]) ||
	    !is_out(c->errors, c->written[1], c->unread[1]))
		return;
	c->state = COMMAND_OVER;
	c->events.over(c->events.ctx, c->status);
}

static void on_taken(struct call *call)
{
	look_whether_over(container_of(call, struct command, taken));
}

static void ended(struct command *c, const struct command_record *r)
{
	c->state = COMMAND_LEAVING;
	c->status = (int)(r->value & 0xff);
	c->written[0] = r->n[0];
	c->written[1] = r->n[1];
	chardev_tell_taken(c->out, &c->taken);
	if (c->errors)
		chardev_tell_taken(c->errors, &c->taken);
	look_whether_over(c);
}

/* --- what the guest says --------------------------------------------------------------------- */

/* A guest that says what makes no sense now is not listened to. */
static void heard(struct command *c, const struct command_record *r)
{
	if (r->word == COMMAND_STARTED && c->state == COMMAND_COMING)
		c->state = COMMAND_RUNS;
	else if (r->word == COMMAND_TOOK && c->untaken)
		c->untaken--;
	else if (r->word == COMMAND_EXITED && c->state <= COMMAND_RUNS)
		ended(c, r);
}

static void on_control(void *ctx, const uint8_t *bytes, size_t len)
{
	struct command *c = ctx;

	while (len) {
		size_t n = sizeof(c->heard) - c->heard_len;

		if (n > len)
			n = len;
		memcpy((char *)&c->heard + c->heard_len, bytes, n);
		c->heard_len += n;
		bytes += n;
		len -= n;
		if (c->heard_len < sizeof(c->heard))
			return;
		c->heard_len = 0;
		heard(c, &c->heard);
	}
}

/* --- what it is told ------------------------------------------------------------------------- */

static bool tell(struct command *c, enum command_word word, uint32_t value, uint64_t n0,
		 uint64_t n1)
{
	const struct command_record r = { .word = word, .value = value, .n = { n0, n1 } };

	return chardev_local_send(c->control, &r, sizeof(r));
}

static void input_ended(void *ctx, uint64_t bytes)
{
	/* There is room: once in a life. */
	(void)tell(ctx, COMMAND_INPUT_ENDS, 0, bytes, 0);
}

static void nobody_reads(struct command *c, unsigned stream)
{
	c->unread[stream] = true;
	(void)tell(c, COMMAND_CLOSED, stream, 0, 0);
	look_whether_over(c);
}

static void output_unread(void *ctx, uint64_t bytes UNUSED)
{
	nobody_reads(ctx, 0);
}

static void errors_unread(void *ctx, uint64_t bytes UNUSED)
{
	nobody_reads(ctx, 1);
}

bool command_signal(struct command *c, int signo, bool group)
{
	const uint64_t now = loop_now_ns();

	if (c->untaken && now - c->untaken_ns > DEAF_NS && c->state == COMMAND_RUNS)
		return false;
	if (!tell(c, COMMAND_SIGNAL, (uint32_t)signo, group, 0))
		return false;
	if (c->untaken++ == 0)
		c->untaken_ns = now;
	return true;
}

void command_look_at_size(struct command *c)
{
	uint16_t cols, rows;

	if (!c->on_terminal)
		return;
	chardev_size(c->out, &cols, &rows);
	if (cols == c->cols && rows == c->rows)
		return;
	/* A guest that takes none of them has the newest, or sees it at the next change. */
	if (tell(c, COMMAND_SIZE, 0, cols, rows)) {
		c->cols = cols;
		c->rows = rows;
	}
}

/* --- life ------------------------------------------------------------------------------------ */

static struct chardev *open_in(struct command *c, struct err *e)
{
	const struct chardev_stream_events ev = { .ended = input_ended, .ctx = c };

	if (c->on_terminal) /* what is typed comes with the output's port */
		return chardev_open(CHARDEV_NULL, NULL, NULL, c->loop, e);
	return chardev_stream_in(STDIN_FILENO, "standard input", &ev, c->loop, e);
}

static struct chardev *open_out(struct command *c, const struct chardev_commands *commands,
				struct err *e)
{
	const struct chardev_stream_events ev = { .ended = output_unread, .ctx = c };

	if (c->on_terminal)
		return chardev_open(CHARDEV_STDIO, NULL, commands, c->loop, e);
	return chardev_stream_out(STDOUT_FILENO, "standard output", &ev, c->loop, e);
}

static struct chardev *open_errors(struct command *c, struct err *e)
{
	const struct chardev_stream_events ev = { .ended = errors_unread, .ctx = c };

	if (!c->errors_apart)
		return chardev_open(CHARDEV_NULL, NULL, NULL, c->loop, e);
	return chardev_stream_out(STDERR_FILENO, "standard error", &ev, c->loop, e);
}

int command_open(struct command *c, const struct chardev_commands *commands,
		 const struct command_events *ev, struct loop *l, struct err *e)
{
	*c = (struct command){
		.loop = l,
		.events = *ev,
		.taken = { .fn = on_taken },
		.on_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
	};
	c->errors_apart = !c->on_terminal || !isatty(STDERR_FILENO);
	c->control = chardev_local("command", on_control, c, l, e);
	if (c->control)
		c->in = open_in(c, e);
	if (c->in)
		c->out = open_out(c, commands, e);
	if (c->out)
		c->errors = open_errors(c, e);
	if (!c->errors)
		return -e->code;
	if (c->on_terminal)
		chardev_size(c->out, &c->cols, &c->rows);
	(void)tell(c, COMMAND_START,
		   (c->on_terminal ? (uint32_t)COMMAND_ON_TERMINAL : 0) |
			   (c->errors_apart ? (uint32_t)COMMAND_ERRORS_APART : 0),
		   c->cols, c->rows);
	return 0;
}

void command_close(struct command *c)
{
	if (!c->loop)
		return;
	loop_unpost(c->loop, &c->taken);
	chardev_close(c->in);
	chardev_close(c->out);
	chardev_close(c->errors);
	chardev_close(c->control);
	*c = (struct command){ .loop = NULL };
}

void command_ports(const struct command *c, struct virtio_console_port ports[COMMAND_PORTS])
{
	ports[0] = (struct virtio_console_port){ COMMAND_PORT_INPUT, c->in, false };
	ports[1] = (struct virtio_console_port){ COMMAND_PORT_OUTPUT, c->out, false };
	ports[2] = (struct virtio_console_port){ COMMAND_PORT_ERRORS, c->errors, false };
	ports[3] = (struct virtio_console_port){ COMMAND_PORT_CONTROL, c->control, false };
}

struct chardev *command_terminal(const struct command *c)
{
	return c->on_terminal ? c->out : NULL;
}
