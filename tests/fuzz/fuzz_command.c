/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest says about the command that it runs for us, and what it wrote last: records on the
 * control port, whole and in pieces, while streams end and take output; and lines of its console.
 */
#include "vmm/command.h"
#include "tests/fuzz/clock.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/host/chardev_stream.h"
#include "vmm/host/escape.h"
#include "vmm/messages.h"

#include <stdlib.h>

enum { SAYS, RECORD, ENDED, TAKEN, SIGNAL, SIZE, TIME, NR_OPS };

/* In place of the host's ends. */
struct chardev {
	void (*take)(void *ctx, const uint8_t *bytes, size_t len);
	struct chardev_stream_events ev;
	void *ctx;
	uint64_t taken;
	struct call *tell;
};

static struct chardev *made[4]; /* control, in, out, errors */
static unsigned nr_made, room, overs;

static struct chardev *make(void)
{
	struct chardev *c = calloc(1, sizeof(*c));

	EXPECT(c && nr_made < ARRAY_SIZE(made));
	made[nr_made++] = c;
	return c;
}

struct chardev *chardev_local(const char *name UNUSED,
			      void (*take)(void *ctx, const uint8_t *bytes, size_t len), void *ctx,
			      struct loop *l UNUSED, struct err *e UNUSED)
{
	struct chardev *c = make();

	c->take = take;
	c->ctx = ctx;
	return c;
}

struct chardev *chardev_stream_in(int fd UNUSED, const char *name UNUSED,
				  const struct chardev_stream_events *ev, struct loop *l UNUSED,
				  struct err *e UNUSED)
{
	struct chardev *c = make();

	c->ev = *ev;
	return c;
}

struct chardev *chardev_stream_out(int fd, const char *name, const struct chardev_stream_events *ev,
				   struct loop *l, struct err *e)
{
	return chardev_stream_in(fd, name, ev, l, e);
}

struct chardev *chardev_open(enum chardev_kind kind UNUSED, const char *path UNUSED,
			     const struct chardev_commands *commands UNUSED, struct loop *l UNUSED,
			     struct err *e UNUSED)
{
	return make();
}

void chardev_close(struct chardev *c)
{
	free(c);
}

bool chardev_local_send(struct chardev *c UNUSED, const void *from UNUSED, size_t len)
{
	EXPECT_EQ(len, sizeof(struct command_record));
	if (room == 0)
		return false;
	room--;
	return true;
}

uint64_t chardev_taken(const struct chardev *c)
{
	return c->taken;
}

void chardev_tell_taken(struct chardev *c, struct call *call)
{
	c->tell = call;
}

void chardev_size(struct chardev *c, uint16_t *cols, uint16_t *rows)
{
	*cols = (uint16_t)c->taken;
	*rows = 25;
}

int isatty(int fd UNUSED)
{
	return room & 1;
}

static void on_over(void *ctx UNUSED, int status)
{
	EXPECT(status >= 0 && status < 256);
	EXPECT_EQ(overs++, 0);
}

/* Bytes as the guest writes them. */
static void say(const void *from, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	EXPECT(copy);
	memcpy(copy, from, len);
	made[0]->take(made[0]->ctx, copy, len);
	free(copy);
}

static void do_op(struct command *c, struct program *p, unsigned op)
{
	struct command_record r = { .word = 0 };
	struct chardev *stream;
	const uint8_t *from;
	size_t n;

	switch (op) {
	case SAYS:
		n = program_take(p, &from, program_u8(p));
		if (n)
			say(from, n);
		break;
	case RECORD:
		r.word = 15U + program_u8(p) % 5U;
		r.value = program_u16(p);
		r.n[0] = program_u8(p);
		r.n[1] = program_u8(p);
		say(&r, sizeof(r));
		break;
	case ENDED:
		stream = made[1 + program_u8(p) % 3U];
		if (stream->ev.ended)
			stream->ev.ended(stream->ev.ctx, 7);
		stream->ev.ended = NULL; /* once */
		break;
	case TAKEN:
		stream = made[1 + program_u8(p) % 3U];
		stream->taken += program_u8(p);
		if (stream->tell)
			stream->tell->fn(stream->tell);
		break;
	case SIGNAL:
		r.word = program_u8(p);
		(void)!command_signal(c, (int)r.word, program_u8(p) & 1);
		break;
	case SIZE:
		command_look_at_size(c);
		break;
	default:
		clock_ns += program_u8(p) * 100000000ULL;
		break;
	}
}

static void run_command(struct program *p)
{
	const struct command_events ev = { .over = on_over };
	struct virtio_console_port ports[COMMAND_PORTS];
	struct command c;
	struct loop *loop;
	struct err e;

	clock_start();
	nr_made = overs = 0;
	room = program_u8(p);
	loop = loop_create(&e);
	EXPECT(loop && command_open(&c, NULL, &ev, loop, &e) == 0);
	command_ports(&c, ports);
	(void)command_terminal(&c);
	while (program_more(p))
		do_op(&c, p, program_u8(p) % NR_OPS);
	command_close(&c);
	loop_destroy(loop);
}

/* The last lines of a console. */
static void read_messages(const uint8_t *data, size_t len, unsigned lines, size_t size)
{
	char *to = malloc(size + 1);

	EXPECT(to);
	messages_end(to, size + 1, (const char *)data, len, lines, "  | ");
	EXPECT(strlen(to) <= size);
	for (const char *c = to; *c; c++)
		EXPECT(*c == '\n' || (*c >= ' ' && *c <= '~'));
	free(to);
}

static unsigned typed;

static void on_typed(struct escape *x UNUSED, char letter)
{
	EXPECT(letter != 'a' && letter != 1);
	typed++;
}

/* What is typed, in one piece and in two. */
static void type(const uint8_t *data, size_t len, size_t at)
{
	struct escape one = { .typed = on_typed }, two = { .typed = on_typed };
	uint8_t *a = malloc(len + 1), *b = malloc(len + 1);
	unsigned first;
	size_t n, m;

	EXPECT(a && b);
	memcpy(a, data, len);
	memcpy(b, data, len);
	if (at > len)
		at = len;
	typed = 0;
	n = escape_filter(&one, a, len);
	first = typed;
	m = escape_filter(&two, b, at);
	memmove(b + m, b + at, len - at);
	m += escape_filter(&two, b + m, len - at);
	EXPECT_EQ(m, n);
	EXPECT(memcmp(a, b, n) == 0 && typed == 2 * first && one.begun == two.begun);
	free(a);
	free(b);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	const uint8_t what = program_u8(&p);

	if (what % 3 == 0)
		run_command(&p);
	else if (what % 3 == 1)
		read_messages(p.at, p.left, what >> 6, what);
	else
		type(p.at, p.left, what >> 2);
}
