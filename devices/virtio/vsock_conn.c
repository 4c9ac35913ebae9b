/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: the pool, and the host's end, a Unix stream socket. */
#include "devices/virtio/vsock_parts.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* --- the pool ------------------------------------------------------------------------------- */

static char *ring_of(const struct vsock_conn *c)
{
	return c->s->rings + (size_t)(c - c->s->conn) * VSOCK_RING;
}

static struct vsock_conn **bucket_of(struct vsock *s, uint32_t guest_port, uint32_t host_port)
{
	uint32_t hash = guest_port * 0x9e3779b1u ^ host_port * 0x85ebca6bu;

	return &s->bucket[(hash ^ hash >> 16) % VSOCK_BUCKETS];
}

struct vsock_conn *vsock_new(struct vsock *s)
{
	struct vsock_conn *c = s->free;

	if (c)
		s->free = c->next;
	else if (s->fresh < VIRTIO_VSOCK_CONNECTIONS)
		c = &s->conn[s->fresh++];
	else
		return NULL;
	*c = (struct vsock_conn){ .s = s, .fd = -1 };
	return c;
}

/* Only those that the guest knows are in a bucket. */
static void forget_ports(struct vsock_conn *c)
{
	struct vsock_conn **at = bucket_of(c->s, c->guest_port, c->host_port);

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
}

static void close_fd(struct vsock_conn *c)
{
	loop_unwatch(&c->watch);
	close_quietly(keep_fd(&c->fd));
	c->readable = false;
}

void vsock_free(struct vsock_conn *c)
{
	struct vsock *s = c->s;

	if (c->state == VSOCK_ASKING)
		s->asking--;
	vsock_unlist(c);
	forget_ports(c);
	close_fd(c);
	if (c->ring_used)
		(void)madvise(ring_of(c), VSOCK_RING, MADV_DONTNEED);
	c->state = VSOCK_FREE;
	c->next = s->free;
	s->free = c;
	vsock_accept_again(s);
}

struct vsock_conn *vsock_find(struct vsock *s, uint32_t guest_port, uint32_t host_port)
{
	struct vsock_conn *c = *bucket_of(s, guest_port, host_port);

	while (c && (c->guest_port != guest_port || c->host_port != host_port))
		c = c->next;
	return c;
}

void vsock_enter(struct vsock_conn *c, uint32_t guest_port, uint32_t host_port)
{
	struct vsock_conn **at = bucket_of(c->s, guest_port, host_port);

	c->guest_port = guest_port;
	c->host_port = host_port;
	c->next = *at;
	*at = c;
}

/* --- the socket ----------------------------------------------------------------------------- */

void vsock_rewatch(struct vsock_conn *c)
{
	uint32_t events = 0;

	if (c->fd < 0)
		return;
	switch (c->state) {
	case VSOCK_GREETING:
		events = EPOLLIN;
		break;
	case VSOCK_ASKING:
		events = EPOLLHUP;
		break;
	case VSOCK_OPEN:
		/* Once it hung up, epoll would say so for ever. */
		events = c->gone ? 0 : EPOLLHUP;
		if (!c->readable && !c->ended && !(c->guest_shut & VSOCK_NO_RECEIVE))
			events |= EPOLLIN;
		if (c->fill)
			events |= EPOLLOUT;
		break;
	case VSOCK_DRAINING:
		events = EPOLLOUT;
		break;
	case VSOCK_FREE:
	case VSOCK_DIALING:
	case VSOCK_ABANDONED:
	case VSOCK_REFUSED:
		break;
	}
	loop_watch_events(&c->watch, events);
}

/* Both directions are at their end, and the guest is told: there is nothing left to do with it. */
static void tell_ends(struct vsock_conn *c)
{
	unsigned shut = (c->ended ? VSOCK_NO_SEND : 0) | (c->gone ? VSOCK_NO_RECEIVE : 0);

	if (shut == VSOCK_NO_BOTH)
		close_fd(c);
	if (shut & ~c->told_shut)
		vsock_due(c, VSOCK_DUE_SHUTDOWN);
}

static void credit_back(struct vsock_conn *c, uint32_t bytes)
{
	c->forwarded += bytes;
	if (c->forwarded - c->told_forwarded >= VSOCK_RING / 2)
		vsock_due(c, VSOCK_DUE_CREDIT);
}

void vsock_gone(struct vsock_conn *c)
{
	c->gone = true;
	credit_back(c, c->fill);
	c->fill = 0;
	if (c->guest_shut & VSOCK_NO_RECEIVE)
		c->ended = true; /* what it sends, nobody reads */
	tell_ends(c);
}

static void ended(struct vsock_conn *c)
{
	c->ended = true;
	c->readable = false;
	tell_ends(c);
}

/* The guest sends no more, and all that it sent is with the host. */
static void shut_write_at_end(struct vsock_conn *c)
{
	if (!(c->guest_shut & VSOCK_NO_SEND) || c->fill || c->write_shut || c->fd < 0)
		return;
	c->write_shut = true;
	(void)shutdown(c->fd, SHUT_WR);
}

void vsock_guest_shut(struct vsock_conn *c, unsigned flags)
{
	c->guest_shut |= flags & VSOCK_NO_BOTH;
	if (c->guest_shut & VSOCK_NO_RECEIVE && c->fd >= 0) {
		c->readable = false;
		(void)shutdown(c->fd, SHUT_RD);
		if (c->gone)
			ended(c);
	}
	shut_write_at_end(c);
}

/* Writes to the host; how much it took, and -1 when it takes nothing any more. */
static ssize_t give(struct vsock_conn *c, struct iovec *iov, unsigned n)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t done;

	do {
		done = sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (done < 0 && errno == EINTR);
	return done < 0 && errno == EAGAIN ? 0 : done;
}

/* Where the next @len bytes of the ring from @at are: one or two pieces. */
static unsigned ring_pieces(const struct vsock_conn *c, uint32_t at, uint32_t len,
			    struct iovec iov[2])
{
	uint32_t first = VSOCK_RING - at % VSOCK_RING;

	if (first > len)
		first = len;
	iov[0] = (struct iovec){ ring_of(c) + at % VSOCK_RING, first };
	iov[1] = (struct iovec){ ring_of(c), len - first };
	return first < len ? 2 : 1;
}

static void flush(struct vsock_conn *c)
{
	struct iovec iov[2];
	ssize_t done = give(c, iov, ring_pieces(c, c->head, c->fill, iov));

	if (done < 0) {
		vsock_gone(c);
		return;
	}
	c->head += (uint32_t)done;
	c->fill -= (uint32_t)done;
	credit_back(c, (uint32_t)done);
	shut_write_at_end(c);
}

bool vsock_forward(struct vsock_conn *c, struct request *r, uint32_t len)
{
	const size_t trim = r->out_len - VSOCK_HEADER - len;
	struct iovec *iov, piece[2];
	ssize_t done = 0;
	unsigned n;

	c->received += len;
	if (!c->gone && c->fill == 0) {
		iov = request_trim(r, false, VSOCK_HEADER, trim, &n);
		done = give(c, iov, n);
		if (done < 0 && errno == EFAULT)
			return false;
		if (done < 0)
			vsock_gone(c);
		else
			request_used(r, false, VSOCK_HEADER, (size_t)done);
	}
	if (c->gone) {
		credit_back(c, len);
		return true;
	}
	credit_back(c, (uint32_t)done);
	len -= (uint32_t)done;
	if (!len)
		return true;
	n = ring_pieces(c, c->head + c->fill, len, piece);
	c->ring_used = true;
	for (unsigned i = 0; i < n; i++) {
		if (request_read(r, VSOCK_HEADER + (size_t)done, piece[i].iov_base,
				 piece[i].iov_len) < piece[i].iov_len)
			return false;
		done += (ssize_t)piece[i].iov_len;
	}
	c->fill += len; /* of what was copied in part, nothing goes on */
	return true;
}

uint32_t vsock_fetch(struct vsock_conn *c, struct request *r, uint32_t max)
{
	size_t room = r->in_len - VSOCK_HEADER;
	struct msghdr m = { 0 };
	unsigned n;
	ssize_t got;

	if (room > max)
		room = max;
	m.msg_iov = request_trim(r, true, VSOCK_HEADER, r->in_len - VSOCK_HEADER - room, &n);
	m.msg_iovlen = n;
	got = recvmsg(c->fd, &m, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		c->readable = errno == EINTR;
		return 0;
	}
	/* One that left without reading all is at its end, too. */
	if (got <= 0) {
		if (got < 0)
			vsock_gone(c);
		ended(c);
		return 0;
	}
	if ((size_t)got < room)
		c->readable = false;
	request_used(r, true, VSOCK_HEADER, (size_t)got);
	return (uint32_t)got;
}

void vsock_leave(struct vsock_conn *c)
{
	if (c->state == VSOCK_DIALING) {
		vsock_dial_abandon(c);
		return;
	}
	if (c->state != VSOCK_OPEN || !c->fill || c->fd < 0) {
		vsock_free(c);
		return;
	}
	vsock_unlist(c);
	forget_ports(c);
	c->state = VSOCK_DRAINING;
	vsock_rewatch(c);
}

void vsock_nobody(struct vsock_conn *c)
{
	vsock_unlist(c);
	forget_ports(c);
}

/* --- events --------------------------------------------------------------------------------- */

static void drain(struct vsock_conn *c)
{
	flush(c);
	if (c->gone || !c->fill)
		vsock_free(c);
}

static void open_ready(struct vsock_conn *c, uint32_t events)
{
	struct vsock *s = c->s;

	if (c->fill && events & EPOLLOUT)
		flush(c);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && c->fd >= 0 && !c->ended)
		c->readable = !(c->guest_shut & VSOCK_NO_RECEIVE);
	if (events & (EPOLLHUP | EPOLLERR) && !c->gone)
		vsock_gone(c);
	vsock_list(c);
	vsock_rewatch(c);
	server_run(&s->rx); /* and @c may be no more */
}

static void ready(struct watch *w, uint32_t events)
{
	struct vsock_conn *c = container_of(w, struct vsock_conn, watch);

	vsock_settle(c->s);
	switch (c->state) {
	case VSOCK_GREETING:
		vsock_greeting(c);
		break;
	case VSOCK_ASKING:
		vsock_free(c); /* the guest's answer will find nobody */
		break;
	case VSOCK_OPEN:
		open_ready(c, events);
		break;
	case VSOCK_DRAINING:
		drain(c);
		break;
	case VSOCK_FREE:
	case VSOCK_DIALING:
	case VSOCK_ABANDONED:
	case VSOCK_REFUSED:
		break;
	}
}

bool vsock_adopt(struct vsock_conn *c, int fd, enum vsock_state state)
{
	c->watch.ready = ready;
	if (loop_watch(c->s->loop, &c->watch, fd, 0, NULL)) {
		close_quietly(fd);
		return false;
	}
	c->fd = fd;
	c->state = state;
	vsock_rewatch(c);
	return true;
}
