/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's programs that a guest's sockets reach, without any: on the loop of the device, one who
 * reads all that comes at one port, and one who reads nothing at another. Each leaves when the
 * guest does. Include it in one file of a test program.
 */
#ifndef TESTS_LIB_VSOCK_PEERS_H
#define TESTS_LIB_VSOCK_PEERS_H

#include "devices/virtio/vsock.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEERS = 1024 };

struct vsock_peer {
	struct watch watch;
	int fd; /* -1: free */
	bool slow;
};

struct vsock_peers {
	struct virtio_vsock_dialer dialer;
	struct loop *loop;
	struct call dial;  /* carries out what was asked for */
	struct call leave; /* who reads nothing leaves */
	uint32_t reads, is_slow;
	struct {
		uint32_t port;
		void (*done)(void *ctx, int fd);
		void *ctx;
	} asked[VIRTIO_VSOCK_DIALS];
	unsigned nr_asked;
	struct vsock_peer peer[PEERS];
};

static void peer_leave(struct vsock_peer *p)
{
	loop_unwatch(&p->watch);
	(void)close(p->fd);
	p->fd = -1;
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct vsock_peer *p = container_of(w, struct vsock_peer, watch);
	char piece[4096];
	ssize_t n = 1;

	if (events & EPOLLIN) {
		n = read(p->fd, piece, sizeof(piece));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
	}
	if (n <= 0 || (!(events & EPOLLIN) && events & (EPOLLHUP | EPOLLERR)))
		peer_leave(p);
}

static int peer_of(struct vsock_peers *v, uint32_t port)
{
	struct vsock_peer *p = v->peer;
	int fd[2];

	if (port != v->reads && port != v->is_slow)
		return -1;
	while (p < v->peer + PEERS && p->fd >= 0)
		p++;
	if (p == v->peer + PEERS ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd))
		return -1;
	p->watch.ready = peer_ready;
	p->fd = fd[0];
	p->slow = port == v->is_slow;
	EXPECT_EQ(loop_watch(v->loop, &p->watch, fd[0], port == v->reads ? EPOLLIN : 0, NULL), 0);
	return fd[1];
}

static void peers_run(struct call *c)
{
	struct vsock_peers *v = container_of(c, struct vsock_peers, dial);

	while (v->nr_asked) {
		const unsigned n = --v->nr_asked;

		v->asked[n].done(v->asked[n].ctx, peer_of(v, v->asked[n].port));
	}
}

static void peers_slow_leave(struct call *c)
{
	struct vsock_peers *v = container_of(c, struct vsock_peers, leave);

	for (unsigned i = 0; i < PEERS; i++)
		if (v->peer[i].fd >= 0 && v->peer[i].slow)
			peer_leave(&v->peer[i]);
}

static void peers_dial(void *ctx, uint32_t port, void (*done)(void *done_ctx, int fd),
		       void *done_ctx)
{
	struct vsock_peers *v = ctx;

	EXPECT(v->nr_asked < VIRTIO_VSOCK_DIALS);
	v->asked[v->nr_asked].port = port;
	v->asked[v->nr_asked].done = done;
	v->asked[v->nr_asked++].ctx = done_ctx;
	loop_post(v->loop, &v->dial);
}

/* Somebody reads at port @reads and nobody at @is_slow; at others nobody is. */
static void vsock_peers_init(struct vsock_peers *v, struct loop *loop, uint32_t reads,
			     uint32_t is_slow)
{
	*v = (struct vsock_peers){
		.dialer = { .dial = peers_dial, .ctx = v },
		.loop = loop,
		.dial.fn = peers_run,
		.leave.fn = peers_slow_leave,
		.reads = reads,
		.is_slow = is_slow,
	};
	for (unsigned i = 0; i < PEERS; i++) {
		v->peer[i].fd = -1;
		v->peer[i].watch.ready = peer_ready;
		EXPECT_EQ(loop_watch(loop, &v->peer[i].watch, STDIN_FILENO, 0, NULL), 0);
	}
	/* The loop has memory for that many now, and needs no more. */
	for (unsigned i = 0; i < PEERS; i++)
		loop_unwatch(&v->peer[i].watch);
}

/* Who does not read, and what the guest sent waits for, leaves soon. Any thread. */
static void vsock_peers_leave(struct vsock_peers *v)
{
	loop_post(v->loop, &v->leave);
}

/* The loop runs no more. */
static void vsock_peers_done(struct vsock_peers *v)
{
	loop_unpost(v->loop, &v->leave);
	loop_unpost(v->loop, &v->dial);
	for (unsigned i = 0; i < PEERS; i++)
		if (v->peer[i].fd >= 0)
			peer_leave(&v->peer[i]);
}

#endif
