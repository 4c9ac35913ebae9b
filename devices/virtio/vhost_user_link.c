/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/vhost_user_link.h"

#include "vmm/base/scope.h"
#include "vmm/core/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define NS_PER_MS 1000000ULL

/* Descriptors that came; those that nobody took are closed. */
struct fds {
	int at[VU_FDS_MAX];
	unsigned nr;
};

static void close_fds(const struct fds *f)
{
	for (unsigned i = 0; i < f->nr; i++)
		close_quietly(f->at[i]);
}

#define auto_fds __attribute__((cleanup(close_fds)))

void vu_limit(struct vu_link *l, unsigned ms)
{
	l->deadline_ns = loop_now_ns() + ms * NS_PER_MS;
}

void vu_close(struct vu_link *l)
{
	close_quietly(l->fd);
	l->fd = -1;
	l->reply_ack = false;
}

static int too_late(struct err *e)
{
	return err_set(e, ETIMEDOUT, "it does not answer");
}

/* Waits until the socket is ready for @events. */
static int wait_for(const struct vu_link *l, short events, struct err *e)
{
	struct pollfd p = { .fd = l->fd, .events = events };
	int n;

	do {
		uint64_t now = loop_now_ns();

		if (now >= l->deadline_ns)
			return too_late(e);
		n = poll(&p, 1, (int)((l->deadline_ns - now) / NS_PER_MS) + 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "poll");
	return n ? 0 : too_late(e);
}

static int gone(struct err *e)
{
	return err_set(e, ECONNRESET, "it closed the connection");
}

/* Sends @iov whole; the descriptors go with its first byte. */
static int send_all(const struct vu_link *l, struct iovec *iov, size_t n, const int *fds,
		    unsigned nr, struct err *e)
{
	union {
		char bytes[CMSG_SPACE(VU_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };

	assert(nr <= VU_FDS_MAX);
	if (nr) {
		struct cmsghdr *c = &control.align;

		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr * sizeof(int));
	}
	while (m.msg_iovlen) {
		ssize_t sent = sendmsg(l->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EAGAIN) {
			if (wait_for(l, POLLOUT, e))
				return -e->code;
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EPIPE ? gone(e) : err_sys(e, "send");
		m.msg_control = NULL;
		m.msg_controllen = 0;
		while (m.msg_iovlen && (size_t)sent >= m.msg_iov->iov_len) {
			sent -= (ssize_t)m.msg_iov->iov_len;
			m.msg_iov++;
			m.msg_iovlen--;
		}
		if (m.msg_iovlen) {
			m.msg_iov->iov_base = (char *)m.msg_iov->iov_base + sent;
			m.msg_iov->iov_len -= (size_t)sent;
		}
	}
	return 0;
}

static int send_message(const struct vu_link *l, uint32_t request, uint32_t flags,
			const void *payload, size_t size, const int *fds, unsigned nr,
			struct err *e)
{
	struct vu_header h = { request, VU_VERSION | flags, (uint32_t)size };
	char copy[sizeof(struct vu_config)];
	struct iovec iov[] = { { &h, sizeof(h) }, { copy, size } };

	assert(size <= sizeof(copy));
	if (size)
		memcpy(copy, payload, size);
	return send_all(l, iov, size ? 2 : 1, fds, nr, e);
}

/* Collects what came beside the bytes. False: more than there can be. */
static bool take_fds(struct msghdr *m, struct fds *f)
{
	bool ok = !(m->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (f->nr < VU_FDS_MAX) {
				f->at[f->nr++] = fd;
			} else {
				close_quietly(fd);
				ok = false;
			}
		}
	}
	return ok;
}

/* Receives just @len bytes. */
static int receive(const struct vu_link *l, void *to, size_t len, struct fds *f, struct err *e)
{
	char *at = to;

	while (len) {
		union {
			char bytes[CMSG_SPACE(VU_FDS_MAX * sizeof(int))];
			struct cmsghdr align;
		} control;
		struct iovec iov = { at, len };
		struct msghdr m = { .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control.bytes,
				    .msg_controllen = sizeof(control.bytes) };
		ssize_t n = recvmsg(l->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EAGAIN) {
			if (wait_for(l, POLLIN, e))
				return -e->code;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ECONNRESET ? gone(e) : err_sys(e, "receive");
		if (!take_fds(&m, f))
			return err_set(e, EPROTO, "it sent more than %d descriptors", VU_FDS_MAX);
		if (n == 0)
			return gone(e);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_reply(const struct vu_link *l, uint32_t request, void *reply, size_t min,
			 size_t max, size_t *got, int *fd, struct err *e)
{
	struct vu_header h;
	auto_fds struct fds f = { .nr = 0 };

	if (receive(l, &h, sizeof(h), &f, e))
		return -e->code;
	if (h.request != request || (h.flags & ~VU_NEED_REPLY) != (VU_VERSION | VU_REPLY))
		return err_set(e, EPROTO, "it answered request %u with request %u, flags 0x%x",
			       request, h.request, h.flags);
	if (h.size < min || h.size > max)
		return err_set(e, EPROTO, "it answered request %u with %u bytes", request, h.size);
	if (receive(l, reply, h.size, &f, e))
		return -e->code;
	if (f.nr > (fd ? 1U : 0U))
		return err_set(e, EPROTO, "it answered request %u with %u descriptors", request,
			       f.nr);
	if (fd) {
		*fd = f.nr ? f.at[0] : -1;
		f.nr = 0;
	}
	if (got)
		*got = h.size;
	return 0;
}

int vu_send(struct vu_link *l, enum vu_request request, const void *payload, size_t size,
	    const int *fds, unsigned nr, struct err *e)
{
	uint64_t refused = 0;

	if (send_message(l, request, l->reply_ack ? VU_NEED_REPLY : 0, payload, size, fds, nr, e))
		return -e->code;
	if (!l->reply_ack)
		return 0;
	if (receive_reply(l, request, &refused, sizeof(refused), sizeof(refused), NULL, NULL, e))
		return -e->code;
	return refused ? err_set(e, EPROTO, "it refused request %u", request) : 0;
}

int vu_ask(struct vu_link *l, enum vu_request request, const void *payload, size_t size,
	   void *reply, size_t min, size_t max, size_t *got, int *fd, struct err *e)
{
	if (send_message(l, request, 0, payload, size, NULL, 0, e))
		return -e->code;
	return receive_reply(l, request, reply, min, max, got, fd, e);
}

int vu_ask_u64(struct vu_link *l, enum vu_request request, uint64_t *value, struct err *e)
{
	return vu_ask(l, request, NULL, 0, value, sizeof(*value), sizeof(*value), NULL, NULL, e);
}

/* --- the back end's own channel -------------------------------------------------------------- */

#define WHOLE_MS 1000 /* a message that has begun to come is there after so long */

int vu_take(int channel, struct vu_header *h, void *payload, size_t max, struct err *e)
{
	struct vu_link l = { .fd = channel };
	auto_fds struct fds f = { .nr = 0 };

	vu_limit(&l, WHOLE_MS);
	if (receive(&l, h, sizeof(*h), &f, e))
		return -e->code;
	if ((h->flags & ~VU_NEED_REPLY) != VU_VERSION || h->size > max)
		return err_set(e, EPROTO, "it sent a message %u of %u bytes, flags 0x%x",
			       h->request, h->size, h->flags);
	return receive(&l, payload, h->size, &f, e);
}

int vu_answer(int channel, const struct vu_header *h, uint64_t value, struct err *e)
{
	struct vu_link l = { .fd = channel };

	if (!(h->flags & VU_NEED_REPLY))
		return 0;
	vu_limit(&l, WHOLE_MS);
	return send_message(&l, h->request, VU_REPLY, &value, sizeof(value), NULL, 0, e);
}
