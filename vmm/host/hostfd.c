/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/hostfd.h"
#include "vmm/base/scope.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

/*
 * The shared open files that have O_NONBLOCK by us, as bits: what is shared is standard input and
 * output. Whoever clears one takes it back.
 */
static atomic_uint flagged;

void hostfd_restore(void)
{
	unsigned fds = atomic_exchange_explicit(&flagged, 0, memory_order_acq_rel);
	int error = errno;

	for (int fd = 0; fds; fd++, fds >>= 1) {
		int flags = fds & 1 ? fcntl(fd, F_GETFL) : -1;

		if (flags >= 0)
			(void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	}
	errno = error;
}

static void set_nonblocking(int fd)
{
	static bool registered;
	const unsigned bit = fd < 32 ? 1U << fd : 0;
	int flags;

	if (atomic_load_explicit(&flagged, memory_order_relaxed) & bit)
		return;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || (flags & O_NONBLOCK))
		return;
	if (!registered && atexit(hostfd_restore) == 0)
		registered = true;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
		(void)atomic_fetch_or_explicit(&flagged, bit, memory_order_release);
}

void hostfd_take(struct hostfd *h, int fd, bool writing)
{
	char path[32];
	struct stat st;

	h->fd = fd;
	h->kind = HOSTFD_NONE;
	h->tty = false;
	if (fstat(fd, &st)) {
		/* A file far away, perhaps; closed it is not. */
		if (writing && errno != EBADF)
			h->kind = HOSTFD_PLAIN;
		return;
	}
	if (S_ISSOCK(st.st_mode)) {
		h->kind = HOSTFD_SOCKET;
		return;
	}
	if (!S_ISCHR(st.st_mode) && !S_ISFIFO(st.st_mode)) {
		h->kind = HOSTFD_PLAIN;
		return;
	}
	h->kind = HOSTFD_SHARED;
	/* EIO: a terminal, but it has hung up already. */
	h->tty = S_ISCHR(st.st_mode) && (isatty(fd) || errno == EIO);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, (writing ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0) {
		h->fd = fd;
		h->kind = HOSTFD_OWN;
	}
}

int hostfd_create(struct hostfd *h, const char *path, struct err *e)
{
	/* O_NONBLOCK: the path may be a FIFO or a serial port, and its open file is ours alone. */
	auto_fd int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);

	if (fd < 0 && errno == ENXIO)
		return err_set(e, ENXIO, "%s: a FIFO that nobody has open for reading", path);
	if (fd < 0)
		return err_sys(e, "%s", path);
	h->kind = HOSTFD_OWN;
	h->fd = keep_fd(&fd);
	return 0;
}

void hostfd_close(struct hostfd *h)
{
	loop_unwatch(&h->watch);
	if (h->kind == HOSTFD_SHARED)
		hostfd_restore();
	if (h->kind == HOSTFD_OWN)
		close_quietly(h->fd);
	h->kind = HOSTFD_NONE;
}

bool hostfd_watch(struct hostfd *h, struct loop *l, uint32_t events)
{
	if (h->kind == HOSTFD_NONE || h->kind == HOSTFD_PLAIN)
		return false;
	if (h->watch.loop) {
		loop_watch_events(&h->watch, events);
		return true;
	}
	return !events || loop_watch(l, &h->watch, h->fd, events, NULL) == 0;
}

ssize_t hostfd_receive(int fd, void *to, size_t len, int flags)
{
	struct iovec iov = { .iov_base = to, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	return recvmsg(fd, &m, MSG_DONTWAIT | flags);
}

ssize_t hostfd_send(int fd, const void *from, size_t len)
{
	/* It is only read; the cast is what struct iovec asks for. */
	struct iovec iov = { .iov_base = (void *)(uintptr_t)from, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ssize_t hostfd_read(const struct hostfd *h, void *to, size_t len)
{
	struct pollfd p = { .fd = h->fd, .events = POLLIN };
	ssize_t n;

	if (h->kind == HOSTFD_NONE)
		return 0;
	if (h->kind == HOSTFD_SHARED && poll(&p, 1, 0) <= 0)
		return -EAGAIN;
	do {
		n = h->kind == HOSTFD_SOCKET ? hostfd_receive(h->fd, to, len, 0)
					     : read(h->fd, to, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t hostfd_write_spans(int fd, const struct iovec *iov, int spans)
{
	ssize_t done = 0;

	for (int i = 0; i < spans; i++) {
		ssize_t n = iov[i].iov_len ? write(fd, iov[i].iov_base, iov[i].iov_len) : 0;

		if (n < 0)
			return done ? done : n;
		done += n;
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	return done;
}

ssize_t hostfd_write(struct hostfd *h, const struct iovec *iov, int spans)
{
	/* The iovec is only read; the cast is what struct msghdr asks for. */
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov,
			    .msg_iovlen = (size_t)spans };
	ssize_t n = 0;

	if (h->kind == HOSTFD_NONE) {
		for (int i = 0; i < spans; i++)
			n += (ssize_t)iov[i].iov_len;
		return n;
	}
	if (h->kind == HOSTFD_SHARED)
		set_nonblocking(h->fd);
	do {
		n = h->kind == HOSTFD_SOCKET ? sendmsg(h->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL)
					     : hostfd_write_spans(h->fd, iov, spans);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

bool hostfd_hung_up(const struct hostfd *h)
{
	struct pollfd p = { .fd = h->fd };

	return h->kind != HOSTFD_NONE && poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLNVAL));
}
