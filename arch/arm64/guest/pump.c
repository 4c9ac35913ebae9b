/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/guest/pump.h"

#include "arch/arm64/guest/base.h"

#include <poll.h>

enum { CONTROL, SIGNALS, IN, OUT0, OUT1, NR_POLLED };

static long read_fd(int fd, void *to, size_t len)
{
	long n;

	do {
		n = call5(SYS_read, (uintptr_t)fd, P(to), len, 0, 0);
	} while (n == -EINTR);
	return n;
}

static long write_fd(int fd, const void *from, size_t len)
{
	long n;

	do {
		n = call5(SYS_write, (uintptr_t)fd, P(from), len, 0, 0);
	} while (n == -EINTR);
	return n;
}

/* --- one stream ------------------------------------------------------------------------------ */

void pump_stream_init(struct pump_stream *s, int from, int to)
{
	s->from = from;
	s->to = to;
	s->shared = 0;
	s->at = s->len = 0;
	s->taken = s->given = 0;
	s->ends_after = UINT64_MAX;
}

/* Nothing more goes to the command: its input ends. */
static void end_input(struct pump_stream *s)
{
	if (s->to >= 0 && !s->shared)
		close_fd(s->to);
	s->to = s->from = -1;
	s->len = 0;
}

static void give(struct pump_stream *s)
{
	while (s->len) {
		long n = write_fd(s->to, s->data + s->at, s->len);

		if (n == -EAGAIN)
			return;
		if (n < 0) {
			end_input(s); /* only a pipe of the command's can be without a reader */
			return;
		}
		s->at += (size_t)n;
		s->len -= (size_t)n;
		s->given += (uint64_t)n;
	}
}

/* At most as much as is still to come. */
static void take(struct pump_stream *s)
{
	uint64_t left = s->ends_after - s->taken;
	long n = read_fd(s->from, s->data, left < PUMP_PIECE ? (size_t)left : PUMP_PIECE);

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		s->from = -1;
		return;
	}
	s->at = 0;
	s->len = (size_t)n;
	s->taken += (uint64_t)n;
	give(s);
}

/* What poll shall look for: to take when nothing waits, else to give. */
static struct pollfd wants(const struct pump_stream *s)
{
	if (s->len)
		return (struct pollfd){ .fd = s->to, .events = POLLOUT };
	return (struct pollfd){ .fd = s->from, .events = POLLIN };
}

static void serve(struct pump_stream *s)
{
	if (s->len)
		give(s);
	else if (s->from >= 0)
		take(s);
}

/* --- vmm's records --------------------------------------------------------------------------- */

long pump_hear(int control, struct command_record *r)
{
	size_t have = 0;

	while (have < sizeof(*r)) {
		long n = read_fd(control, (char *)r + have, sizeof(*r) - have);

		if (n <= 0)
			return n ? n : -EPIPE;
		have += (size_t)n;
	}
	return 0;
}

void pump_say(int control, const struct command_record *r)
{
	(void)write_fd(control, r, sizeof(*r));
}

/* The command's next write fails then, as it would on the host. */
static void close_stream(struct pump *p, struct pump_stream *s)
{
	if (s->from < 0)
		return;
	if (p->in.to == s->from) /* a terminal */
		p->in.to = p->in.from = -1;
	close_fd(s->from);
	s->from = -1;
	s->len = 0;
}

static void hear(struct pump *p)
{
	const struct command_record *r = &p->heard;
	long n = read_fd(p->control, (char *)&p->heard + p->heard_len,
			 sizeof(p->heard) - p->heard_len);

	if (n <= 0) {
		if (n != -EAGAIN)
			p->control = -1;
		return;
	}
	p->heard_len += (size_t)n;
	if (p->heard_len < sizeof(p->heard))
		return;
	p->heard_len = 0;
	if (r->word == COMMAND_INPUT_ENDS)
		p->in.ends_after = r->n[0] < p->in.taken ? p->in.taken : r->n[0];
	else if (r->word == COMMAND_CLOSED && r->value < 2)
		close_stream(p, &p->out[r->value]);
	else
		p->told(p, r);
}

/* --- all of it ------------------------------------------------------------------------------- */

/* The command's input ends when all of it was given; or nobody is left to give it to. */
static void look_at_input(struct pump *p)
{
	struct pump_stream *s = &p->in;

	if (s->to >= 0 && s->len == 0 && (p->over || s->from < 0 || s->taken == s->ends_after))
		end_input(s);
}

/* The command is over: what can be read at once is all there is. Whether that is given. */
static int drained(struct pump_stream *s)
{
	for (;;) {
		const uint64_t before = s->taken;

		if (s->len)
			give(s);
		if (s->len)
			return 0;
		if (s->from < 0)
			return 1;
		take(s);
		if (s->taken == before)
			return 1;
	}
}

void pump_run(struct pump *p)
{
	struct pollfd fds[NR_POLLED];

	for (;;) {
		look_at_input(p);
		/* Not &&: both have to move. */
		if (p->over && (drained(&p->out[0]) & drained(&p->out[1])))
			return;
		fds[CONTROL] = (struct pollfd){ .fd = p->control, .events = POLLIN };
		fds[SIGNALS] = (struct pollfd){ .fd = p->signals, .events = POLLIN };
		fds[IN] = wants(&p->in);
		fds[OUT0] = wants(&p->out[0]);
		fds[OUT1] = wants(&p->out[1]);
		if (call5(SYS_ppoll, P(fds), NR_POLLED, 0, 0, 0) < 0)
			continue;
		if (fds[IN].revents)
			serve(&p->in);
		if (fds[OUT0].revents)
			serve(&p->out[0]);
		if (fds[OUT1].revents)
			serve(&p->out[1]);
		if (fds[CONTROL].revents)
			hear(p);
		if (fds[SIGNALS].revents)
			p->child(p);
	}
}
