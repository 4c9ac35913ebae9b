/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostfd: an fd that others may share (stdin, stdout), used without blocking and without O_NONBLOCK
 * on the shared open file, which would make programs beside us fail.
 *
 * Terminals and pipes are opened anew through /proc/self/fd, sockets are told with each call, files
 * never block for long. Where opening anew is refused (another user's terminal, no /proc), reading
 * polls first, and writing does set O_NONBLOCK; hostfd_restore() takes it back.
 *
 * Loop thread, but for hostfd_restore().
 */
#ifndef VMM_HOST_HOSTFD_H
#define VMM_HOST_HOSTFD_H

#include "vmm/core/loop.h"

#include <sys/uio.h>

enum hostfd_kind {
	HOSTFD_NONE,   /* not open: at its end, takes everything */
	HOSTFD_OWN,    /* our own open file, non-blocking */
	HOSTFD_SHARED, /* as we were given it */
	HOSTFD_SOCKET,
	HOSTFD_PLAIN, /* always ready: a regular file, a block device */
};

struct hostfd {
	enum hostfd_kind kind;
	int fd; /* owned if HOSTFD_OWN */
	bool tty;
	struct watch watch; /* the owner sets watch.ready, and ends with hostfd_close() */
};

/* Takes @fd for reading or for writing. Cannot fail: an fd that is not open is HOSTFD_NONE. */
void hostfd_take(struct hostfd *h, int fd, bool writing);

/* Opens @path for writing; made when missing, truncated. 0, or -errno with @e set. */
int hostfd_create(struct hostfd *h, const char *path, struct err *e) MUST_CHECK;

/* Unwatches, and closes what is ours. */
void hostfd_close(struct hostfd *h);

/* Has watch.ready called on @events (0: not any more). False when such an fd cannot be watched. */
bool hostfd_watch(struct hostfd *h, struct loop *l, uint32_t events);

/* Bytes read; 0 at the end; -EAGAIN when there is nothing now; -errno. */
ssize_t hostfd_read(const struct hostfd *h, void *to, size_t len);

/* Bytes written; -EAGAIN when there is no room now; -errno. */
ssize_t hostfd_write(struct hostfd *h, const struct iovec *iov, int spans);

/*
 * From and to a socket without waiting, as recv() and send(), by the calls that all of vmm's
 * sockets use. @flags: MSG_PEEK or 0.
 */
ssize_t hostfd_receive(int fd, void *to, size_t len, int flags);
ssize_t hostfd_send(int fd, const void *from, size_t len);

/* As writev(), for a span or two, by the call that vCPU threads make in any case. */
ssize_t hostfd_write_spans(int fd, const struct iovec *iov, int spans);

/* Whether the other end hung up. */
bool hostfd_hung_up(const struct hostfd *h);

/* Takes back O_NONBLOCK where it was set, until the next hostfd_write(). Async-signal-safe. */
void hostfd_restore(void);

#endif
