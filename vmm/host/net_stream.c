/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames on a Unix stream socket, each behind its length: QEMU's framing, which passt speaks, too.
 *
 * Both directions go through a buffer, so that one system call moves many frames, and so that a
 * frame that the socket took half of is finished whatever becomes of the guest. When the other side
 * does not read, what is sent waits; nothing is dropped for it.
 *
 * The connection belongs to the card's thread, the keeper to the main one. They meet in what is
 * atomic here, and in calls that they post to each other: arrived, with a new connection, and lost.
 */
#include "vmm/host/hostfd.h"
#include "vmm/host/net_back.h"

#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/core/poison.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MS 1000000ULL /* in nanoseconds */

#define DELAY_MIN  (250 * MS)	/* from a loss to asking for another connection; doubled while */
#define DELAY_MAX  (30000 * MS) /* that fails */
#define STABLE	   (10000 * MS) /* a connection that lasted so long was a good one */
#define PASST_MTU  65520
#define PREFIX	   4 /* bytes of a length */
#define IN_SIZE	   (128 * KiB)
#define OUT_SIZE   (128 * KiB)
#define OUT_ENOUGH (32 * KiB) /* goes out at once */

static_assert(IN_SIZE >= PREFIX + NET_FRAME_MAX && OUT_SIZE - OUT_ENOUGH >= PREFIX + NET_FRAME_MAX,
	      "a frame has room");

struct buffer {
	size_t begin, end; /* of what is in it */
	uint8_t *at;
};

enum state { CONNECTED, WAITING, ASKED };

struct stream {
	struct net_host host;

	/* The card's thread. */
	int fd; /* owned; -1: none */
	struct watch watch;
	unsigned wants; /* of the card: NET_IN, NET_OUT */
	bool dry;	/* the last read took all that there was */
	struct buffer in, out;
	unsigned taken; /* the number of this connection */
	struct call arrived_call, link_call;

	/* The main thread. */
	struct keeper_job desc;
	void *owned;
	struct keeper *keeper;
	unsigned job;
	struct loop *main;
	struct call lost_call;
	struct timer again;
	enum state state;
	bool told; /* the user knows that it is down */
	uint64_t delay, since;

	/* Either's: a connection on its way to the card, -1: none; numbers of connections. */
	_Atomic int arrived;
	_Atomic unsigned current, lost;

	uint8_t room[IN_SIZE + OUT_SIZE];
};

static struct stream *stream(struct net_host *h)
{
	return container_of(h, struct stream, host);
}

/* --- the connection, on the card's thread --------------------------------------------------- */

static void set_events(struct stream *s)
{
	const bool pending = s->out.begin < s->out.end;
	const uint32_t events = (s->wants & NET_IN ? EPOLLIN : 0U) |
				(pending || s->wants & NET_OUT ? EPOLLOUT : 0U);

	if (s->watch.loop)
		loop_watch_events(&s->watch, events ? events : EPOLLHUP);
}

static void hang_up(struct stream *s)
{
	loop_unwatch(&s->watch);
	close_quietly(s->fd);
	s->fd = -1;
	s->in.begin = s->in.end = s->out.begin = s->out.end = 0;
	s->dry = false;
}

static void lost(struct stream *s)
{
	if (s->fd < 0)
		return;
	hang_up(s);
	atomic_store(&s->lost, s->taken);
	loop_post(s->main, &s->lost_call);
	loop_post(s->host.loop, &s->link_call);
}

static void tell_link(struct call *c)
{
	struct stream *s = container_of(c, struct stream, link_call);

	net_link(&s->host, s->fd >= 0);
}

static void arrived(struct call *c)
{
	struct stream *s = container_of(c, struct stream, arrived_call);
	int fd = atomic_exchange(&s->arrived, -1);
	struct err e;

	if (fd < 0)
		return;
	hang_up(s);
	s->fd = fd;
	s->taken = atomic_load(&s->current);
	if (loop_watch(s->host.loop, &s->watch, fd, EPOLLHUP, &e))
		lost(s);
	set_events(s);
	net_link(&s->host, s->fd >= 0);
}

/* Makes room for @len bytes behind what is there, if that can be. */
static bool make_room(struct buffer *b, size_t size, size_t len)
{
	if (b->begin == b->end)
		b->begin = b->end = 0;
	if (size - b->end >= len)
		return true;
	memmove(b->at, b->at + b->begin, b->end - b->begin);
	b->end -= b->begin;
	b->begin = 0;
	return size - b->end >= len;
}

/* The frame at the beginning of what was read; false: not all of it is there. */
static bool next_frame(struct stream *s, struct net_frame *f)
{
	struct buffer *b = &s->in;

	while (b->end - b->begin >= PREFIX) {
		uint32_t len;

		memcpy(&len, b->at + b->begin, PREFIX);
		len = ntohl(len);
		if (len > NET_FRAME_MAX) {
			log_warn("%s: it sends what are no frames, %" PRIu32 " bytes long",
				 s->host.name, len);
			lost(s);
			return false;
		}
		if (b->end - b->begin < PREFIX + len)
			return false;
		f->data = b->at + b->begin + PREFIX;
		f->len = len;
		b->begin += PREFIX + len;
		if (len >= NET_FRAME_MIN)
			return true;
	}
	return false;
}

/* False: there is nothing, or nobody any more. */
static bool fill(struct stream *s)
{
	struct buffer *b = &s->in;
	ssize_t n;

	if (s->dry || s->fd < 0) {
		s->dry = false; /* the next time it is asked again */
		return false;
	}
	(void)make_room(b, IN_SIZE, PREFIX + NET_FRAME_MAX - (b->end - b->begin));
	n = hostfd_receive(s->fd, b->at + b->end, IN_SIZE - b->end, 0);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		lost(s);
	if (n <= 0)
		return false;
	s->dry = (size_t)n < IN_SIZE - b->end;
	b->end += (size_t)n;
	return true;
}

static int stream_receive(struct net_host *h, unsigned queue UNUSED, struct net_frame *f,
			  struct net_place to UNUSED)
{
	struct stream *s = stream(h);

	f->placed = 0;
	/* What passt sends, it has just summed up; of others that is not known. */
	f->header = (struct net_header){ .flags = h->gives & NET_CSUM ? NET_DATA_VALID : 0 };
	/* One read is enough: if there is more, the socket says so again. */
	return next_frame(s, f) || (fill(s) && next_frame(s, f)) ? 0 : -EAGAIN;
}

static void stream_flush(struct net_host *h, unsigned queue UNUSED)
{
	struct stream *s = stream(h);
	struct buffer *b = &s->out;

	while (s->fd >= 0 && b->begin < b->end) {
		ssize_t n = hostfd_send(s->fd, b->at + b->begin, b->end - b->begin);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			lost(s);
		else
			b->begin += (size_t)n;
	}
	set_events(s);
}

/* False: memory of the guest's failed. */
static bool gather(uint8_t *to, const struct iovec *iov, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!poison_read(to, TO_GUEST(iov[i].iov_base), iov[i].iov_len))
			return false;
		to += iov[i].iov_len;
	}
	return true;
}

static int stream_send(struct net_host *h, unsigned queue, struct iovec *iov, unsigned n)
{
	struct stream *s = stream(h);
	const struct net_header *header = iov[0].iov_base;
	size_t len = 0;
	uint32_t prefix;
	uint8_t *at;

	if (s->fd < 0)
		return -ENOTCONN;
	for (unsigned i = 1; i < n; i++)
		len += iov[i].iov_len;
	if (!make_room(&s->out, OUT_SIZE, PREFIX + len)) {
		stream_flush(h, queue);
		if (!make_room(&s->out, OUT_SIZE, PREFIX + len))
			return -EAGAIN;
	}
	at = s->out.at + s->out.end;
	prefix = htonl((uint32_t)len);
	memcpy(at, &prefix, PREFIX);
	if (!gather(at + PREFIX, iov + 1, n - 1))
		return -EFAULT;
	if (header->flags & NET_NEEDS_CSUM)
		net_csum_complete(header, at + PREFIX, len);
	s->out.end += PREFIX + len;
	if (s->out.end - s->out.begin >= OUT_ENOUGH)
		stream_flush(h, queue);
	return 0;
}

static void stream_want(struct net_host *h, unsigned queue UNUSED, unsigned what)
{
	struct stream *s = stream(h);

	s->wants = what;
	set_events(s);
}

static void ready(struct watch *w, uint32_t events)
{
	struct stream *s = container_of(w, struct stream, watch);
	unsigned what = events & EPOLLIN ? NET_IN : 0;

	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
		lost(s);
		return;
	}
	if (events & EPOLLOUT) {
		stream_flush(&s->host, 0);
		if (s->out.begin == s->out.end)
			what |= s->wants & NET_OUT;
	}
	if (what)
		s->host.front->ready(s->host.front, 0, what);
}

/* --- the keeper, on the main thread --------------------------------------------------------- */

static void wait_and_ask(struct stream *s)
{
	if (s->state == CONNECTED && loop_now_ns() - s->since >= STABLE)
		s->delay = DELAY_MIN;
	s->state = WAITING;
	loop_timer_arm(s->main, &s->again, loop_now_ns() + s->delay);
	s->delay = s->delay * 2 < DELAY_MAX ? s->delay * 2 : DELAY_MAX;
}

static void tell_down(struct stream *s, const char *why)
{
	if (!s->told)
		log_warn("%s: %s; the link is down until it is back", s->host.name, why);
	s->told = true;
}

static void on_lost(struct call *c)
{
	struct stream *s = container_of(c, struct stream, lost_call);

	if (atomic_load(&s->lost) != atomic_load(&s->current) || s->state != CONNECTED)
		return;
	/* Of a program it is about to be said how it ended. */
	if (s->desc.kind == KEEPER_CONNECT)
		tell_down(s, "the connection is lost");
	wait_and_ask(s);
}

static void on_time(struct timer *t)
{
	struct stream *s = container_of(t, struct stream, again);

	tell_down(s, "the connection is lost");
	s->state = ASKED;
	keeper_again(s->keeper, s->job);
}

static void on_up(void *ctx, int fd)
{
	struct stream *s = ctx;

	loop_timer_disarm(s->main, &s->again);
	s->state = CONNECTED;
	s->since = loop_now_ns();
	if (s->told)
		log_warn("%s: it is back, and so is the link", s->host.name);
	s->told = false;
	(void)atomic_fetch_add(&s->current, 1);
	close_quietly(atomic_exchange(&s->arrived, fd));
	loop_post(s->host.loop, &s->arrived_call);
}

static void on_down(void *ctx, const char *why)
{
	struct stream *s = ctx;

	tell_down(s, why);
	if (s->state != WAITING)
		wait_and_ask(s);
}

/* --- life ----------------------------------------------------------------------------------- */

static int stream_attach(struct net_host *h, struct err *e)
{
	struct stream *s = stream(h);

	return loop_watch(h->loop, &s->watch, s->fd, 0, e);
}

static void stream_destroy(struct net_host *h)
{
	struct stream *s = stream(h);

	hang_up(s);
	close_quietly(atomic_load(&s->arrived));
	if (h->loop) {
		loop_unpost(h->loop, &s->arrived_call);
		loop_unpost(h->loop, &s->link_call);
	}
	loop_unpost(s->main, &s->lost_call);
	loop_timer_disarm(s->main, &s->again);
	free(s->owned);
	free(s);
}

static const struct net_host_ops stream_ops = {
	.attach = stream_attach,
	.want = stream_want,
	.receive = stream_receive,
	.send = stream_send,
	.flush = stream_flush,
	.destroy = stream_destroy,
};

static int first_connection(struct stream *s, struct err *e)
{
	int code = keeper_start(s->keeper, &s->desc, &s->job, &s->fd, e);

	if (code == -ENOENT && s->desc.kind == KEEPER_PAIR)
		return err_set(e, ENOENT,
			       "%s is not installed; install the package of that name, or use a "
			       "tap or a socket",
			       s->desc.name);
	if (code)
		s->fd = -1;
	return code;
}

struct net_host *net_stream_open(const struct keeper_job *job, void *owned, struct loop *main,
				 struct keeper *keeper, struct err *e)
{
	struct stream *s = calloc(1, sizeof(*s));
	const char *name = strrchr(job->name, '/');

	if (!s) {
		free(owned);
		(void)err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	s->host.ops = &stream_ops;
	s->host.queues = 1;
	s->host.offloads = NET_CSUM;
	s->in.at = s->room;
	s->out.at = s->room + IN_SIZE;
	s->owned = owned;
	s->fd = -1;
	s->watch.ready = ready;
	s->arrived_call.fn = arrived;
	s->link_call.fn = tell_link;
	s->lost_call.fn = on_lost;
	s->again.expired = on_time;
	s->main = main;
	s->keeper = keeper;
	s->delay = DELAY_MIN;
	s->since = loop_now_ns();
	atomic_init(&s->arrived, -1);
	s->desc = *job;
	s->desc.up = on_up;
	s->desc.down = on_down;
	s->desc.ctx = s;
	(void)snprintf(s->host.name, sizeof(s->host.name), "%s", name ? name + 1 : job->name);
	if (job->kind == KEEPER_PAIR) {
		s->host.gives = NET_CSUM;
		s->host.mtu = PASST_MTU;
	}
	if (first_connection(s, e)) {
		stream_destroy(&s->host);
		return NULL;
	}
	atomic_store(&s->host.up, true);
	return &s->host;
}
