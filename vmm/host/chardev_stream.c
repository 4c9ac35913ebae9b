/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/chardev_stream.h"

#include "vmm/base/log.h"
#include "vmm/host/chardev_back.h"
#include "vmm/host/hostfd.h"
#include "vmm/host/terminal.h"

#include <errno.h>

#define AHEAD	65536	     /* bytes of input that are read before the guest takes them */
#define LOOK_NS 300000000ULL /* how often it is looked whether the terminal is ours again */

struct stream {
	struct chardev c;
	struct hostfd fd;
	struct chardev_stream_events events;
	uint64_t bytes; /* read */
	bool ended;
	struct call ended_call;
	struct timer look; /* armed while the terminal is not ours */
};

static struct stream *of(struct chardev *c)
{
	return container_of(c, struct stream, c);
}

static void end(struct stream *s)
{
	s->ended = true;
	loop_timer_disarm(s->c.loop, &s->look);
	loop_unwatch(&s->fd.watch);
	loop_post(s->c.loop, &s->ended_call);
}

static void ended_call(struct call *call)
{
	struct stream *s = container_of(call, struct stream, ended_call);

	s->events.ended(s->events.ctx, s->bytes);
}

/* --- input ----------------------------------------------------------------------------------- */

static void in_want(struct chardev *c)
{
	struct stream *s = of(c);

	if (s->ended || s->look.due_ns)
		return;
	/* What cannot be watched is simply read: it never blocks for long. */
	if (!hostfd_watch(&s->fd, c->loop, c->want_in ? EPOLLIN : 0) && c->want_in)
		loop_post(c->loop, &c->input);
}

static void look(struct timer *t)
{
	struct stream *s = container_of(t, struct stream, look);

	in_want(&s->c);
}

static size_t in_read(struct chardev *c, void *to, size_t len)
{
	struct stream *s = of(c);
	ssize_t n;

	if (s->ended)
		return 0;
	if (s->fd.tty && !terminal_is_ours(s->fd.fd)) {
		/* Reading would stop us, even if the command never wanted to read. */
		loop_unwatch(&s->fd.watch);
		loop_timer_arm(c->loop, &s->look, loop_now_ns() + LOOK_NS);
		return 0;
	}
	n = hostfd_read(&s->fd, to, len);
	if (n > 0) {
		s->bytes += (uint64_t)n;
		return (size_t)n;
	}
	if (n != -EAGAIN)
		end(s);
	return 0;
}

static size_t in_write(struct chardev *c UNUSED, const struct iovec *iov, int spans)
{
	size_t n = 0;

	for (int i = 0; i < spans; i++)
		n += iov[i].iov_len;
	return n;
}

static void in_ready(struct watch *w, uint32_t events UNUSED)
{
	chardev_input(&container_of(w, struct stream, fd.watch)->c);
}

/* --- output ---------------------------------------------------------------------------------- */

static size_t out_read(struct chardev *c UNUSED, void *to UNUSED, size_t len UNUSED)
{
	return 0;
}

static size_t out_write(struct chardev *c, const struct iovec *iov, int spans)
{
	struct stream *s = of(c);
	ssize_t n;

	if (s->ended)
		return in_write(c, iov, spans);
	n = hostfd_write(&s->fd, iov, spans);
	if (n >= 0)
		return (size_t)n;
	if (n == -EAGAIN)
		return 0;
	if (n != -EPIPE && n != -ECONNRESET)
		log_warn("%s: %s", c->name, strerror((int)-n));
	end(s);
	return in_write(c, iov, spans);
}

static void out_want(struct chardev *c)
{
	struct stream *s = of(c);

	if (s->ended)
		return;
	/* A regular file that took a part is asked again: it takes more, or says why not. */
	if (!hostfd_watch(&s->fd, c->loop, c->want_out ? EPOLLOUT : 0) && c->want_out)
		loop_post(c->loop, &c->output);
}

static void out_ready(struct watch *w, uint32_t events UNUSED)
{
	chardev_output(&container_of(w, struct stream, fd.watch)->c);
}

/* --- life ------------------------------------------------------------------------------------ */

static void stream_destroy(struct chardev *c)
{
	struct stream *s = of(c);

	if (c->out_fd >= 0)
		chardev_flush(c);
	loop_timer_disarm(c->loop, &s->look);
	loop_unpost(c->loop, &s->ended_call);
	hostfd_close(&s->fd);
	chardev_done(c);
	free(s);
}

static const struct chardev_ops in_ops = {
	.read = in_read,
	.write = in_write,
	.want = in_want,
	.destroy = stream_destroy,
};

static const struct chardev_ops out_ops = {
	.read = out_read,
	.write = out_write,
	.want = out_want,
	.destroy = stream_destroy,
};

static struct stream *stream_create(const struct chardev_ops *ops, int fd, const char *name,
				    const struct chardev_stream_events *ev, struct loop *l,
				    struct err *e)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ENOMEM, "%s: out of memory", name);
		return NULL;
	}
	if (chardev_init(&s->c, ops, name, ops == &in_ops ? AHEAD : 1, l, e)) {
		free(s);
		return NULL;
	}
	hostfd_take(&s->fd, fd, ops == &out_ops);
	s->events = *ev;
	s->ended_call.fn = ended_call;
	s->look.expired = look;
	return s;
}

struct chardev *chardev_stream_in(int fd, const char *name, const struct chardev_stream_events *ev,
				  struct loop *l, struct err *e)
{
	struct stream *s = stream_create(&in_ops, fd, name, ev, l, e);

	if (!s)
		return NULL;
	s->fd.watch.ready = in_ready;
	/* The first question finds out our group, which a sandbox denies later. */
	if (s->fd.tty)
		(void)terminal_is_ours(s->fd.fd);
	in_want(&s->c);
	return &s->c;
}

struct chardev *chardev_stream_out(int fd, const char *name, const struct chardev_stream_events *ev,
				   struct loop *l, struct err *e)
{
	struct stream *s = stream_create(&out_ops, fd, name, ev, l, e);

	if (!s)
		return NULL;
	s->fd.watch.ready = out_ready;
	s->c.out_fd = s->fd.fd;
	return &s->c;
}

/* --- a line to vmm itself -------------------------------------------------------------------- */

struct local {
	struct chardev c;
	struct ring inbox; /* for the guest */
	void (*take)(void *ctx, const uint8_t *bytes, size_t len);
	void *ctx;
};

enum { INBOX = 4096 };

static size_t local_read(struct chardev *c, void *to, size_t len)
{
	return ring_get(&container_of(c, struct local, c)->inbox, to, len);
}

static size_t local_write(struct chardev *c, const struct iovec *iov, int spans)
{
	const struct local *o = container_of(c, struct local, c);
	size_t n = 0;

	for (int i = 0; i < spans; i++) {
		o->take(o->ctx, iov[i].iov_base, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	return n;
}

static void local_want(struct chardev *c)
{
	if (c->want_in)
		loop_post(c->loop, &c->input);
}

static void local_destroy(struct chardev *c)
{
	struct local *o = container_of(c, struct local, c);

	chardev_done(c);
	ring_done(&o->inbox);
	free(o);
}

static const struct chardev_ops local_ops = {
	.read = local_read,
	.write = local_write,
	.want = local_want,
	.destroy = local_destroy,
};

struct chardev *chardev_local(const char *name,
			      void (*take)(void *ctx, const uint8_t *bytes, size_t len), void *ctx,
			      struct loop *l, struct err *e)
{
	struct local *o = calloc(1, sizeof(*o));

	if (!o || !ring_init(&o->inbox, INBOX)) {
		free(o);
		(void)err_set(e, ENOMEM, "%s: out of memory", name);
		return NULL;
	}
	if (chardev_init(&o->c, &local_ops, name, INBOX, l, e)) {
		ring_done(&o->inbox);
		free(o);
		return NULL;
	}
	o->take = take;
	o->ctx = ctx;
	return &o->c;
}

bool chardev_local_send(struct chardev *c, const void *from, size_t len)
{
	struct local *o = container_of(c, struct local, c);

	if (ring_room(&o->inbox) < len)
		return false;
	(void)ring_put(&o->inbox, from, len);
	loop_post(c->loop, &c->input);
	return true;
}
