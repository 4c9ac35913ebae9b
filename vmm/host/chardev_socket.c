/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console as a Unix stream socket that clients connect to, one after the other.
 *
 * A client may end its input (shutdown) and go on reading. One that left altogether is kept until
 * what it sent has been read, or the next one comes.
 */
#include "vmm/host/chardev_back.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { BACKLOG = 4 };

#define RETRY_NS 1000000000ULL /* after a connection could not be accepted */

struct sock {
	struct chardev c;
	int listener; /* owned */
	int client;   /* owned; -1 for none */
	bool ended;   /* the client sends no more */
	bool gone;    /* the client reads no more */
	struct watch listen_watch, client_watch;
	struct timer retry;
	dev_t dev; /* of the path, as we made it */
	ino_t ino;
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
	n = recv(s->client, to, len, MSG_DONTWAIT);
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
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

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

/*
 * Whether somebody listens at @a. Connecting as a datagram socket asks without being seen: a real
 * connection would take the first words of that VM's console.
 */
static bool is_live(const struct sockaddr_un *a)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ||
	       errno != ECONNREFUSED;
}

static int bind_path(int fd, const struct sockaddr_un *a, struct err *e)
{
	struct stat st;

	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return err_sys(e, "console socket %s", a->sun_path);
	if (lstat(a->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_set(e, EEXIST, "console socket %s: exists and is not a socket",
			       a->sun_path);
	if (is_live(a))
		return err_set(e, EADDRINUSE, "console socket %s: another process listens there",
			       a->sun_path);
	if (unlink(a->sun_path) && errno != ENOENT)
		return err_sys(e, "console socket %s: removing the stale one", a->sun_path);
	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)))
		return err_sys(e, "console socket %s", a->sun_path);
	return 0;
}

/* Removes the path if it is still the one we made. */
static void remove_path(const struct sock *s)
{
	struct stat st;

	if (lstat(s->c.name, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->c.name);
}

/* --- life ----------------------------------------------------------------------------------- */

static void sock_destroy(struct chardev *c)
{
	struct sock *s = of(c);

	if (s->client < 0 || s->gone)
		accept_client(&s->listen_watch, 0); /* who connected a moment ago */
	c->out_fd = s->client;
	chardev_flush(c);
	remove_path(s);
	loop_timer_disarm(c->loop, &s->retry);
	loop_unwatch(&s->client_watch);
	loop_unwatch(&s->listen_watch);
	close_quietly(s->client);
	close_quietly(s->listener);
	chardev_done(c);
	free(s);
}

static const struct chardev_ops sock_ops = {
	.read = sock_read,
	.write = sock_write,
	.want = sock_want,
	.destroy = sock_destroy,
};

static int listen_at(const char *path, struct sock *s, struct err *e)
{
	auto_fd int fd = -1;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;

	if (strlen(path) >= sizeof(a.sun_path))
		return err_set(e, ENAMETOOLONG,
			       "console socket %s: the path has %zu bytes, a socket's at most %zu",
			       path, strlen(path), sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "console socket");
	if (bind_path(fd, &a, e))
		return -e->code;
	if (lstat(path, &st) || listen(fd, BACKLOG)) {
		(void)err_sys(e, "console socket %s", path);
		(void)unlink(path);
		return -e->code;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->listener = keep_fd(&fd);
	return 0;
}

struct chardev *chardev_socket(const char *path, struct loop *l, struct err *e)
{
	struct sock *s = calloc(1, sizeof(*s));

	if (!s || chardev_init(&s->c, &sock_ops, path, 4096, l, e)) {
		if (!s)
			(void)err_set(e, ENOMEM, "console socket %s: out of memory", path);
		free(s);
		return NULL;
	}
	s->client = -1;
	s->listener = -1;
	s->listen_watch.ready = accept_client;
	s->client_watch.ready = client_ready;
	s->retry.expired = retry;
	if (listen_at(path, s, e) || loop_watch(l, &s->listen_watch, s->listener, EPOLLIN, e)) {
		if (s->listener >= 0)
			remove_path(s);
		close_quietly(s->listener);
		chardev_done(&s->c);
		free(s);
		return NULL;
	}
	chardev_peer(&s->c, false);
	return &s->c;
}
