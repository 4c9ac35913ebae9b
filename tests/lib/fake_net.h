/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host end of a network card for tests: keeps what the card sends, and has for it what the test
 * put there. Any thread. Include it in one file of a test program.
 */
#ifndef TESTS_LIB_FAKE_NET_H
#define TESTS_LIB_FAKE_NET_H

#include "tests/lib/test.h"
#include "vmm/base/mutex.h"
#include "vmm/host/net.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { FAKE_FRAMES = 64 };

struct fake_frame {
	struct net_header header;
	size_t len;
	uint8_t data[NET_FRAME_MAX];
};

struct fake_net {
	struct net_host host;
	struct mutex lock;
	struct call tell, tell_link;
	_Atomic bool closed;

	/* lock */
	struct fake_frame *sent, *coming; /* FAKE_FRAMES of each: rings */
	unsigned nr_sent, nr_seen;	  /* free-running */
	unsigned nr_coming, nr_taken;
	unsigned queue; /* by which frames come */
	bool full;	/* takes nothing now */
	bool places;	/* puts frames where the card wants them, as a tap does */
	bool up;	/* the link, as it is to be told */
	unsigned wants[NET_MAX_QUEUES];
	unsigned asked;		/* calls of receive */
	size_t placed;		/* bytes, in all */
	unsigned told;		/* calls of front.ready() */
	unsigned queues, gives; /* as shaped */
	unsigned shaped;
};

static struct fake_net *fake_net(struct net_host *h)
{
	return container_of(h, struct fake_net, host);
}

static int fake_net_attach(struct net_host *h UNUSED, struct err *e UNUSED)
{
	return 0;
}

static bool fake_net_has(const struct fake_net *f, unsigned queue, unsigned what)
{
	return (what & NET_IN && queue == f->queue && f->nr_taken != f->nr_coming) ||
	       (what & NET_OUT && !f->full);
}

static void fake_net_want(struct net_host *h, unsigned queue, unsigned what)
{
	struct fake_net *f = fake_net(h);

	LOCK_SCOPE(&f->lock);
	f->wants[queue] = what;
	if (fake_net_has(f, queue, what))
		loop_post(h->loop, &f->tell);
}

/* As an fd would be told of: again and again, while it is wanted. */
static void fake_net_tell(struct call *c)
{
	struct fake_net *f = container_of(c, struct fake_net, tell);

	for (unsigned q = 0; q < f->host.queues; q++) {
		unsigned what;

		{
			LOCK_SCOPE(&f->lock);
			what = (fake_net_has(f, q, f->wants[q] & NET_IN) ? NET_IN : 0U) |
			       (fake_net_has(f, q, f->wants[q] & NET_OUT) ? NET_OUT : 0U);
			f->told += what != 0;
		}
		if (!what)
			continue;
		f->host.front->ready(f->host.front, q, what);
		LOCK_SCOPE(&f->lock);
		if (fake_net_has(f, q, f->wants[q]))
			loop_post(f->host.loop, &f->tell);
	}
}

/* Moves the rest of the frame up, as it lies behind what stays in front. */
static size_t fake_net_place(struct fake_frame *from, struct net_place to)
{
	const size_t rest = from->len - NET_FRAME_MIN;
	uint8_t *at = from->data + NET_FRAME_MIN;
	size_t done = 0;

	for (unsigned i = 0; i < to.n && done < rest; i++) {
		size_t n = to.iov[i].iov_len < rest - done ? to.iov[i].iov_len : rest - done;

		memcpy(to.iov[i].iov_base, at + done, n);
		done += n;
	}
	memmove(at, at + done, rest - done);
	memset(at + rest - done, 0xee, done);
	return done;
}

static int fake_net_receive(struct net_host *h, unsigned queue, struct net_frame *to,
			    struct net_place place)
{
	struct fake_net *f = fake_net(h);
	struct fake_frame *from;

	LOCK_SCOPE(&f->lock);
	f->asked++;
	if (queue != f->queue || f->nr_taken == f->nr_coming)
		return -EAGAIN;
	from = &f->coming[f->nr_taken++ % FAKE_FRAMES];
	*to = (struct net_frame){ from->header, from->data, from->len, 0 };
	EXPECT(place.n <= NET_PLACES);
	if (f->places && place.n) {
		to->placed = fake_net_place(from, place);
		f->placed += to->placed;
	}
	return 0;
}

static int fake_net_send(struct net_host *h, unsigned queue UNUSED, struct iovec *iov, unsigned n)
{
	struct fake_net *f = fake_net(h);
	struct fake_frame *to;

	LOCK_SCOPE(&f->lock);
	if (!f->up)
		return -ENOTCONN;
	if (f->full || f->nr_sent - f->nr_seen == FAKE_FRAMES)
		return -EAGAIN;
	to = &f->sent[f->nr_sent++ % FAKE_FRAMES];
	EXPECT_EQ(iov[0].iov_len, sizeof(to->header));
	memcpy(&to->header, iov[0].iov_base, sizeof(to->header));
	to->len = 0;
	for (unsigned i = 1; i < n; i++) {
		EXPECT(to->len + iov[i].iov_len <= NET_FRAME_MAX);
		memcpy(to->data + to->len, iov[i].iov_base, iov[i].iov_len);
		to->len += iov[i].iov_len;
	}
	EXPECT(to->len >= NET_FRAME_MIN);
	EXPECT(net_csum_fits(&to->header, to->len));
	return 0;
}

static void fake_net_shape(struct net_host *h, unsigned queues, unsigned gives)
{
	struct fake_net *f = fake_net(h);

	LOCK_SCOPE(&f->lock);
	f->queues = queues;
	f->gives = gives;
	f->shaped++;
}

static void fake_net_destroy(struct net_host *h)
{
	struct fake_net *f = fake_net(h);

	if (h->loop) {
		loop_unpost(h->loop, &f->tell);
		loop_unpost(h->loop, &f->tell_link);
	}
	free(f->sent);
	free(f->coming);
	f->sent = f->coming = NULL;
	f->closed = true;
}

static const struct net_host_ops fake_net_ops = {
	.attach = fake_net_attach,
	.want = fake_net_want,
	.receive = fake_net_receive,
	.send = fake_net_send,
	.shape = fake_net_shape,
	.destroy = fake_net_destroy,
};

static void fake_net_link(struct call *c)
{
	struct fake_net *f = container_of(c, struct fake_net, tell_link);
	bool up;

	{
		LOCK_SCOPE(&f->lock);
		up = f->up;
	}
	f->host.front->link(f->host.front, up);
}

/* One that knows all offloads, with @queues pairs. It stays the test's; the card only closes it. */
static void fake_net_init(struct fake_net *f, unsigned queues)
{
	const unsigned all = NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN | NET_USO;

	memset(f, 0, sizeof(*f));
	mutex_init(&f->lock);
	f->host = (struct net_host){
		.ops = &fake_net_ops,
		.name = "fake",
		.mac = { 2, 0, 0, 0, 0, 1 },
		.queues = queues,
		.offloads = all,
		.gives = all,
		.mtu = 9000,
		.up = true,
	};
	f->tell.fn = fake_net_tell;
	f->tell_link.fn = fake_net_link;
	f->sent = calloc(FAKE_FRAMES, sizeof(*f->sent));
	f->coming = calloc(FAKE_FRAMES, sizeof(*f->coming));
	EXPECT(f->sent && f->coming);
	f->up = true;
}

/* A frame for the guest; false: there is no room for it. */
static UNUSED bool fake_net_give(struct fake_net *f, const struct net_header *h, const void *data,
				 size_t len)
{
	struct fake_frame *to;

	LOCK_SCOPE(&f->lock);
	if (f->nr_coming - f->nr_taken >= FAKE_FRAMES - 1) /* one is still the card's */
		return false;
	to = &f->coming[f->nr_coming++ % FAKE_FRAMES];
	to->header = h ? *h : (struct net_header){ 0 };
	to->len = len;
	memcpy(to->data, data, len);
	loop_post(f->host.loop, &f->tell);
	return true;
}

/* The next frame that the card sent; waits for it for @ms. NULL: none came. */
static UNUSED const struct fake_frame *fake_net_next(struct fake_net *f, int ms)
{
	for (;; ms--) {
		{
			LOCK_SCOPE(&f->lock);
			if (f->nr_seen != f->nr_sent)
				return &f->sent[f->nr_seen++ % FAKE_FRAMES];
		}
		if (ms <= 0)
			return NULL;
		(void)usleep(1000);
	}
}

static UNUSED void fake_net_set_full(struct fake_net *f, bool full)
{
	LOCK_SCOPE(&f->lock);
	f->full = full;
	loop_post(f->host.loop, &f->tell);
}

static UNUSED void fake_net_set_link(struct fake_net *f, bool up)
{
	LOCK_SCOPE(&f->lock);
	f->up = up;
	loop_post(f->host.loop, &f->tell_link);
}

static UNUSED unsigned fake_net_read(struct fake_net *f, const unsigned *what)
{
	LOCK_SCOPE(&f->lock);
	return *what;
}

#endif
