/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console as a pseudo-terminal, raw, for screen, picocom and their like.
 *
 * While nobody has the other side open, the kernel reports a hang-up without end and says nothing
 * when somebody comes, so then a slow timer looks instead of the loop. Keeping the other side open
 * ourselves would avoid that, but then nobody could tell a missing reader from one that stopped.
 */
#include "vmm/host/chardev_back.h"
#include "vmm/host/hostfd.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>

#define LOOK_NS 200000000ULL

struct pty {
	struct chardev c;
	int fd; /* owned: our side */
	struct watch watch;
	struct timer look; /* armed while nobody is there */
	bool present;	   /* somebody has the other side open */
};

static struct pty *of(struct chardev *c)
{
	return container_of(c, struct pty, c);
}

static void pty_want(struct chardev *c)
{
	struct pty *p = of(c);
	uint32_t events = EPOLLHUP;

	if (c->want_in)
		events |= EPOLLIN;
	if (c->want_out)
		events |= EPOLLOUT;
	loop_watch_events(&p->watch, p->present ? events : 0);
}

static void set_present(struct pty *p, bool present)
{
	p->present = present;
	chardev_peer(&p->c, present);
	if (present)
		chardev_look_at_size(&p->c, p->fd);
	pty_want(&p->c);
	if (!present)
		loop_timer_arm(p->c.loop, &p->look, loop_now_ns() + LOOK_NS);
}

static void look(struct timer *t)
{
	struct pty *p = container_of(t, struct pty, look);
	struct pollfd now = { .fd = p->fd, .events = POLLIN };

	if (poll(&now, 1, 0) < 0)
		now.revents = POLLHUP;
	set_present(p, !(now.revents & POLLHUP));
	if (now.revents & POLLIN)
		chardev_input(&p->c); /* somebody may have come, typed and left between two looks */
}

static size_t pty_read(struct chardev *c, void *to, size_t len)
{
	struct pty *p = of(c);
	ssize_t n = read(p->fd, to, len);

	/* EIO: nobody there, and what they sent is all read. */
	if (p->present && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)))
		set_present(p, false);
	return n > 0 ? (size_t)n : 0;
}

static size_t pty_write(struct chardev *c, const struct iovec *iov, int spans)
{
	struct pty *p = of(c);
	ssize_t n = hostfd_write_spans(p->fd, iov, spans);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		set_present(p, false);
	return n > 0 ? (size_t)n : 0;
}

static void pty_ready(struct watch *w, uint32_t events)
{
	struct pty *p = container_of(w, struct pty, watch);

	if (events & EPOLLOUT)
		chardev_output(&p->c);
	/* What they sent before they left first; more of it comes when the guest has taken some. */
	if (p->present && (events & (EPOLLIN | EPOLLHUP))) {
		chardev_look_at_size(&p->c, p->fd);
		chardev_input(&p->c);
	}
	if (p->present && (events & EPOLLHUP))
		set_present(p, false);
}

static void pty_destroy(struct chardev *c)
{
	struct pty *p = of(c);

	if (!p->present)
		look(&p->look); /* who came a moment ago gets the last words too */
	chardev_flush(c);
	loop_timer_disarm(c->loop, &p->look);
	loop_unwatch(&p->watch);
	close_quietly(p->fd);
	chardev_done(c);
	free(p);
}

static const struct chardev_ops pty_ops = {
	.read = pty_read,
	.write = pty_write,
	.want = pty_want,
	.destroy = pty_destroy,
};

/* Opens a pair whose other side is raw and has been closed again; @name is set to its path. */
static int open_pair(char *name, size_t size, struct err *e)
{
	auto_fd int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	auto_fd int other = -1;
	struct termios t;

	if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, name, size))
		return err_sys(e, "pty");
	/* Only closing it makes the kernel report, from then on, that nobody is there. */
	other = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (other < 0 || tcgetattr(other, &t))
		return err_sys(e, "pty: %s", name);
	cfmakeraw(&t);
	if (tcsetattr(other, TCSANOW, &t))
		return err_sys(e, "pty: %s", name);
	return keep_fd(&fd);
}

struct chardev *chardev_pty(struct loop *l, struct err *e)
{
	struct pty *p = calloc(1, sizeof(*p));
	char name[64];
	int fd;

	if (!p) {
		(void)err_set(e, ENOMEM, "pty: out of memory");
		return NULL;
	}
	fd = open_pair(name, sizeof(name), e);
	if (fd < 0 || chardev_init(&p->c, &pty_ops, name, 4096, l, e)) {
		close_quietly(fd);
		free(p);
		return NULL;
	}
	p->fd = fd;
	p->c.out_fd = fd;
	p->watch.ready = pty_ready;
	p->look.expired = look;
	if (loop_watch(l, &p->watch, fd, 0, e)) {
		close_quietly(fd);
		chardev_done(&p->c);
		free(p);
		return NULL;
	}
	set_present(p, false);
	return &p->c;
}
