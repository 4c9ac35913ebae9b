/* SPDX-License-Identifier: Apache-2.0 */
/* The host's programs: those that connect to PATH, and those that listen at PATH_PORT. */
#include "devices/virtio/vsock_parts.h"
#include "vmm/host/hostfd.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { BACKLOG = 128, TURN_ACCEPTS = 16, OTHER_FDS = 512 };

#define RETRY_NS   1000000000ULL /* after a connection could not be accepted */
#define ASK_NS	   5000000000ULL /* that the guest has to answer */
#define FIRST_PORT 0x40000000u	 /* of ours: above what programs ask for by number */

/* --- the guest connects --------------------------------------------------------------------- */

static void refuse(struct vsock_conn *c)
{
	c->state = VSOCK_REFUSED;
	vsock_due(c, VSOCK_DUE_RST);
}

static void dial_next(struct vsock *s);

/* Loop thread, and in no turn. */
static void dialed(void *ctx, int fd)
{
	struct vsock_conn *c = ctx;
	struct vsock *s = c->s;

	vsock_settle(s);
	s->dialing--;
	if (c->state == VSOCK_ABANDONED) {
		close_quietly(fd);
		vsock_free(c);
	} else if (fd >= 0 && vsock_adopt(c, fd, VSOCK_OPEN)) {
		s->event_due = false; /* it would end this one, too */
		vsock_due(c, VSOCK_DUE_RESPONSE);
	} else {
		refuse(c);
	}
	dial_next(s);
	server_run(&s->rx);
}

static void dial_next(struct vsock *s)
{
	while (s->dials && s->dialing < VIRTIO_VSOCK_DIALS) {
		struct vsock_conn *c = s->dials;

		s->dials = c->waiting;
		if (!s->dials)
			s->dials_end = &s->dials;
		s->dialing++;
		c->dialed = true;
		s->dialer->dial(s->dialer->ctx, c->host_port, dialed, c);
	}
}

void vsock_dial(struct vsock_conn *c)
{
	struct vsock *s = c->s;

	c->state = VSOCK_DIALING;
	if (!s->dialer) {
		refuse(c);
		return;
	}
	c->waiting = NULL;
	*s->dials_end = c;
	s->dials_end = &c->waiting;
	dial_next(s);
}

void vsock_dial_abandon(struct vsock_conn *c)
{
	struct vsock *s = c->s;
	struct vsock_conn **at = &s->dials;

	if (c->dialed) {
		vsock_nobody(c);
		c->state = VSOCK_ABANDONED;
		return;
	}
	while (*at != c)
		at = &(*at)->waiting;
	*at = c->waiting;
	if (!*at)
		s->dials_end = at;
	vsock_free(c);
}

/* --- the host connects ---------------------------------------------------------------------- */

static void watch_asking(struct vsock *s)
{
	if (s->asking && !s->asking_timer.due_ns)
		loop_timer_arm(s->loop, &s->asking_timer, loop_now_ns() + RETRY_NS);
}

static void asked_too_long(struct timer *t)
{
	struct vsock *s = container_of(t, struct vsock, asking_timer);
	const uint64_t now = loop_now_ns();

	vsock_settle(s);
	for (unsigned i = 0; s->asking && i < s->fresh; i++)
		if (s->conn[i].state == VSOCK_ASKING && s->conn[i].deadline <= now)
			vsock_free(&s->conn[i]);
	watch_asking(s);
}

static void ask(struct vsock_conn *c, uint32_t guest_port)
{
	struct vsock *s = c->s;

	do {
		if (++s->next_port == UINT32_MAX) /* any port */
			s->next_port = FIRST_PORT;
	} while (vsock_find(s, guest_port, s->next_port));
	vsock_enter(c, guest_port, s->next_port);
	c->state = VSOCK_ASKING;
	c->deadline = loop_now_ns() + ASK_NS;
	s->asking++;
	watch_asking(s);
	vsock_rewatch(c);
	vsock_due(c, VSOCK_DUE_REQUEST);
}

/* "CONNECT PORT", in small letters too, and with a CR. */
static bool parse(const char *line, uint32_t *port)
{
	static const char word[] = "CONNECT ";
	const char *at = line + sizeof(word) - 1;
	uint64_t n = 0;

	if (strncasecmp(line, word, sizeof(word) - 1) != 0 || *at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++) {
		n = n * 10 + (uint64_t)(*at - '0');
		if (n >= UINT32_MAX) /* which means any port */
			return false;
	}
	*port = (uint32_t)n;
	return *at == '\0' || (at[0] == '\r' && at[1] == '\0');
}

/* Takes no byte behind the line. True when it is whole; a @c that is no good is no more. */
static bool read_line(struct vsock_conn *c)
{
	char *to = c->line + c->line_len, *newline;
	ssize_t n = hostfd_receive(c->fd, to, VSOCK_LINE - c->line_len, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	newline = n > 0 ? memchr(to, '\n', (size_t)n) : NULL;
	if (newline)
		n = newline + 1 - to;
	if (n <= 0 || hostfd_receive(c->fd, to, (size_t)n, 0) != n ||
	    (!newline && c->line_len + (unsigned)n == VSOCK_LINE)) {
		vsock_free(c);
		return false;
	}
	c->line_len += (unsigned)n;
	if (newline)
		*newline = '\0';
	return newline != NULL;
}

void vsock_greeting(struct vsock_conn *c)
{
	struct vsock *s = c->s;
	uint32_t port;

	if (!read_line(c))
		return;
	if (parse(c->line, &port)) {
		ask(c, port);
		server_run(&s->rx);
	} else {
		vsock_free(c);
	}
}

void vsock_accepted(struct vsock_conn *c)
{
	char words[VSOCK_LINE];
	int n = snprintf(words, sizeof(words), "OK %u\n", c->host_port);

	c->s->asking--;
	c->s->event_due = false;
	c->state = VSOCK_OPEN;
	/* There is room in an empty socket; who left meanwhile is seen soon. */
	if (hostfd_send(c->fd, words, (size_t)n) != n)
		vsock_gone(c);
}

/* --- the listener --------------------------------------------------------------------------- */

static void stop_accepting(struct vsock *s, bool for_a_while)
{
	loop_watch_events(&s->listen_watch, 0);
	if (for_a_while)
		loop_timer_arm(s->loop, &s->retry, loop_now_ns() + RETRY_NS);
}

/* Whether there may be more. */
static bool accept_one(struct vsock *s)
{
	struct vsock_conn *c = vsock_new(s);
	int fd, error;

	if (!c) {
		stop_accepting(s, false); /* until one ends */
		return false;
	}
	fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	error = errno;
	if (fd >= 0 && vsock_adopt(c, fd, VSOCK_GREETING))
		return true;
	vsock_free(c);
	/* Out of fds, or of memory: who connects waits, and we do not spin. */
	if (fd >= 0 || (error != EAGAIN && error != ECONNABORTED && error != EINTR))
		stop_accepting(s, true);
	return false;
}

static void incoming(struct watch *w, uint32_t events UNUSED)
{
	struct vsock *s = container_of(w, struct vsock, listen_watch);

	vsock_settle(s);
	for (int i = 0; i < TURN_ACCEPTS; i++)
		if (!accept_one(s))
			return;
}

static void retry(struct timer *t)
{
	loop_watch_events(&container_of(t, struct vsock, retry)->listen_watch, EPOLLIN);
}

void vsock_accept_again(struct vsock *s)
{
	if (s->listen_watch.loop && !s->retry.due_ns)
		loop_watch_events(&s->listen_watch, EPOLLIN);
}

/* Each connection is an fd, and the common limit of 1024 is for programs that use select(). */
static void raise_fd_limit(void)
{
	const rlim_t want = VIRTIO_VSOCK_CONNECTIONS + OTHER_FDS;
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) || now.rlim_cur >= want)
		return;
	now.rlim_cur = now.rlim_max < want ? now.rlim_max : want;
	(void)setrlimit(RLIMIT_NOFILE, &now);
}

int vsock_listen(struct vsock *s, const char *path, struct err *e)
{
	raise_fd_limit();
	s->dials_end = &s->dials;
	s->next_port = FIRST_PORT - 1;
	s->listen_watch.ready = incoming;
	s->retry.expired = retry;
	s->asking_timer.expired = asked_too_long;
	if (unixsock_listen(&s->listener, "vsock socket", path, BACKLOG, e))
		return -e->code;
	return loop_watch(s->loop, &s->listen_watch, s->listener.fd, EPOLLIN, e);
}

void vsock_unlisten(struct vsock *s)
{
	loop_timer_disarm(s->loop, &s->retry);
	loop_timer_disarm(s->loop, &s->asking_timer);
	loop_unwatch(&s->listen_watch);
	unixsock_close(&s->listener);
}
