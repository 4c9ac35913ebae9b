/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console as a Unix stream socket that clients connect to, one after the other.
 *
 * A client may end its input (shutdown) and go on reading. One that left altogether is kept until
 * what it sent has been read, or the next one comes.
 */
#include "vmm/host/chardev_back.h"
#include "vmm/base/scope.h"
#include "vmm/host/hostfd.h"
#include "vmm/host/unixsock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum { BACKLOG = 4 };

#define RETRY_NS 1000000000ULL /* after a connection could not be accepted */

struct sock {
	struct chardev c;
	struct unixsock listener;
	int client; /* owned; -1 for none */
	bool ended; /* the client sends no more */
	bool gone;  /* the client reads no more */
	struct watch listen_watch, client_watch;
	struct timer retry;
};

static struct sock *of(struct chardev *c)
{
	return container_of(c, struct sock, c);
}

/* --- the client ----------------------------------------------------------------------------- */

static void drop_client(struct sock *s)
{
	loop_unwatch(&s->client_watch);
	close_quietly(keep_fd(&s->client));
	chardev_peer(&s->c, false);
	loop_watch_events(&s->listen_watch, EPOLLIN);
}

static void sock_want(struct chardev *c)
{
	struct sock *s = of(c);
	uint32_t events = s->gone ? 0 : EPOLLHUP;

	if (c->want_in && !s->ended)
		events |= EPOLLIN;
	if (c->want_out && !s->gone)
		events |= EPOLLOUT;
	if (s->client >= 0)
		loop_watch_events(&s->client_watch, events);
}

/* The client does not read any more; what it sent may still be coming. */
static void client_gone(struct sock *s)
{
	s->gone = true;
	chardev_peer(&s->c, false);
	if (s->ended) {
		drop_client(s);
		return;
	}
	loop_watch_events(&s->listen_watch, EPOLLIN);
	sock_want(&s->c);
}

static bool hung_up(const struct sock *s)
{
	struct pollfd p = { .fd = s->client };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

static size_t sock_read(struct chardev *c, void *to, size_t len)
{
	struct sock *s = of(c);
	ssize_t n;

	if (s->client < 0 || s->ended)
		return 0;
	n = hostfd_receive(s->client, to, len, 0);
	if (n > 0)
		return (size_t)n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	s->ended = true;
	if (n < 0 || s->gone || hung_up(s))
		drop_client(s);
	else
		sock_want(c);
	return 0;
}

static size_t sock_write(struct chardev *c, const struct iovec *iov, int spans)
{
	/* The iovec is only read; the cast is what struct msghdr asks for. */
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov,
			    .msg_iovlen = (size_t)spans };
	struct sock *s = of(c);
	ssize_t n = sendmsg(s->client, &m, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		client_gone(s);
	return n > 0 ? (size_t)n : 0;
}

static void client_ready(struct watch *w, uint32_t events)
{
	struct sock *s = container_of(w, struct sock, client_watch);

	if (events & EPOLLOUT)
		chardev_output(&s->c);
	if (s->client >= 0 && !s->gone && (events & EPOLLHUP))
		client_gone(s);
	if (s->client >= 0 && (events & EPOLLIN))
		chardev_input(&s->c);
}

/* --- the listener --------------------------------------------------------------------------- */

static void accept_client(struct watch *w, uint32_t events UNUSED)
{
	struct sock *s = container_of(w, struct sock, listen_watch);
	int fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR))
		return;
	if (fd < 0) {
		/* Out of fds, or of memory: the client waits, and we do not spin. */
		loop_watch_events(&s->listen_watch, 0);
		loop_timer_arm(s->c.loop, &s->retry, loop_now_ns() + RETRY_NS);
		return;
	}
	if (s->client >= 0)
		drop_client(s);
	if (loop_watch(s->c.loop, &s->client_watch, fd, s->c.want_in ? EPOLLIN : EPOLLHUP, NULL)) {
		close_quietly(fd);
		return;
	}
	s->client = fd;
	s->ended = false;
	s->gone = false;
	loop_watch_events(&s->listen_watch, 0); /* the next one waits in the queue */
	chardev_peer(&s->c, true);
}

static void retry(struct timer *t)
{
	loop_watch_events(&container_of(t, struct sock, retry)->listen_watch, EPOLLIN);
}

/* --- life ----------------------------------------------------------------------------------- */

static void sock_destroy(struct chardev *c)
{
	struct sock *s = of(c);

	if (s->client < 0 || s->gone)
		accept_client(&s->listen_watch, 0); /* who connected a moment ago */
	c->out_fd = s->client;
	chardev_flush(c);
	loop_timer_disarm(c->loop, &s->retry);
	loop_unwatch(&s->client_watch);
	loop_unwatch(&s->listen_watch);
	close_quietly(s->client);
	unixsock_close(&s->listener);
	chardev_done(c);
	free(s);
}

static const struct chardev_ops sock_ops = {
	.read = sock_read,
	.write = sock_write,
	.want = sock_want,
	.destroy = sock_destroy,
};

struct chardev *chardev_socket(const char *path, struct loop *l, struct err *e)
{
	struct sock *s = calloc(1, sizeof(*s));

	if (!s || chardev_init(&s->c, &sock_ops, path, 4096, l, e)) {
		if (!s)
			(void)err_set(e, ENOMEM, "socket %s: out of memory", path);
		free(s);
		return NULL;
	}
	s->client = -1;
	s->listen_watch.ready = accept_client;
	s->client_watch.ready = client_ready;
	s->retry.expired = retry;
	if (unixsock_listen(&s->listener, "socket", s->c.name, BACKLOG, e) ||
	    loop_watch(l, &s->listen_watch, s->listener.fd, EPOLLIN, e)) {
		unixsock_close(&s->listener);
		chardev_done(&s->c);
		free(s);
		return NULL;
	}
	chardev_peer(&s->c, false);
	return &s->c;
}
