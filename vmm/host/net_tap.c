/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tap device (Linux, Documentation/networking/tuntap.rst), with virtio's header before each
 * frame, and a file descriptor for each queue.
 *
 * One that is deleted on the host is gone for good: nothing can be opened any more.
 */
#include "vmm/host/net_back.h"

#include "vmm/base/log.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef TUN_F_USO4 /* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

struct tap;

struct tap_queue {
	struct tap *tap;
	unsigned index;
	int fd; /* owned */
	struct watch watch;
	bool attached; /* the kernel gives it frames */
	struct net_header header;
	struct iovec pieces[3 + NET_PLACES];
	/* One byte more than fits, by which a longer one is seen. */
	uint8_t frame[NET_FRAME_MAX + 1];
};

struct tap {
	struct net_host host;
	struct call gone_call;
	bool gone;
	bool told; /* that a queue cannot be used: a guest may ask for it again and again */
	unsigned nr;
	struct tap_queue queue[];
};

static struct tap *tap(struct net_host *h)
{
	return container_of(h, struct tap, host);
}

static void tell_gone(struct call *c)
{
	struct tap *t = container_of(c, struct tap, gone_call);

	log_warn("%s: the tap device is gone, and so is the link, until vmm is started anew",
		 t->host.name);
	net_link(&t->host, false);
}

static void gone(struct tap *t)
{
	if (t->gone)
		return;
	t->gone = true;
	for (unsigned i = 0; i < t->nr; i++)
		loop_unwatch(&t->queue[i].watch);
	loop_post(t->host.loop, &t->gone_call);
}

static bool means_gone(int error)
{
	return error == EBADFD || error == ENODEV;
}

/* --- frames --------------------------------------------------------------------------------- */

/* The pieces of a read, in the order of the frame's bytes; returns how many bytes have a place. */
static size_t lay_out(struct tap_queue *q, struct net_place to, int *n)
{
	struct iovec *const iov = q->pieces;
	size_t room = 0;

	iov[0] = (struct iovec){ &q->header, sizeof(q->header) };
	iov[1] = (struct iovec){ q->frame, to.n ? NET_FRAME_MIN : sizeof(q->frame) };
	*n = 2;
	for (unsigned i = 0; i < to.n; i++) {
		iov[(*n)++] = to.iov[i];
		room += to.iov[i].iov_len;
	}
	if (to.n)
		iov[(*n)++] = (struct iovec){ q->frame + NET_FRAME_MIN,
					      sizeof(q->frame) - NET_FRAME_MIN };
	return room;
}

static int tap_receive(struct net_host *h, unsigned queue, struct net_frame *f, struct net_place to)
{
	struct tap *t = tap(h);
	struct tap_queue *q = &t->queue[queue];
	ssize_t n;
	int pieces;
	const size_t room = lay_out(q, to, &pieces);

	do {
		n = t->gone ? 0 : readv(q->fd, q->pieces, pieces);
		if (n < 0 && means_gone(errno))
			gone(t);
		if (n <= 0)
			return -EAGAIN;
		n -= (ssize_t)sizeof(q->header);
	} while (n < NET_FRAME_MIN || n > NET_FRAME_MAX); /* no such frame is any guest's */
	f->header = q->header;
	f->data = q->frame;
	f->len = (size_t)n;
	f->placed = f->len - NET_FRAME_MIN < room ? f->len - NET_FRAME_MIN : room;
	return 0;
}

static int tap_send(struct net_host *h, unsigned queue, struct iovec *iov, unsigned n)
{
	struct tap *t = tap(h);
	/* One that the kernel gives no frames takes none, either. */
	const bool attached = t->queue[queue].attached;
	int error;

	if (t->gone)
		return -EIO;
	if (writev(t->queue[attached ? queue : 0].fd, iov, (int)n) >= 0)
		return 0;
	error = errno;
	if (means_gone(error))
		gone(t);
	/* Nobody would tell of room in queue 0: that frame is lost. */
	return error == EAGAIN && !attached ? -ENOBUFS : -error;
}

static void tap_want(struct net_host *h, unsigned queue, unsigned what)
{
	struct tap_queue *q = &tap(h)->queue[queue];
	uint32_t events = (what & NET_IN ? EPOLLIN : 0U) | (what & NET_OUT ? EPOLLOUT : 0U);

	if (!q->watch.loop)
		return;
	/* A detached one would report an error for ever. */
	loop_watch_events(&q->watch, q->attached ? (events ? events : EPOLLHUP) : 0);
}

static void tap_ready(struct watch *w, uint32_t events)
{
	struct tap_queue *q = container_of(w, struct tap_queue, watch);
	struct net_front *f = q->tap->host.front;
	unsigned what = (events & EPOLLIN ? NET_IN : 0U) | (events & EPOLLOUT ? NET_OUT : 0U);

	if (events & (EPOLLERR | EPOLLHUP))
		gone(q->tap);
	else if (what)
		f->ready(f, q->index, what);
}

/* --- offloads and queues -------------------------------------------------------------------- */

static unsigned long tun_offloads(unsigned gives)
{
	return (gives & NET_CSUM ? TUN_F_CSUM : 0U) | (gives & NET_TSO4 ? TUN_F_TSO4 : 0U) |
	       (gives & NET_TSO6 ? TUN_F_TSO6 : 0U) | (gives & NET_ECN ? TUN_F_TSO_ECN : 0U) |
	       (gives & NET_USO ? TUN_F_USO4 | TUN_F_USO6 : 0U);
}

static int attach_queue(const struct tap_queue *q, bool attach)
{
	struct ifreq r = { .ifr_flags = attach ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	return ioctl(q->fd, TUNSETQUEUE, &r) ? -errno : 0;
}

static void tap_shape(struct net_host *h, unsigned queues, unsigned gives)
{
	struct tap *t = tap(h);
	int code;

	if (t->gone)
		return;
	if (ioctl(t->queue[0].fd, TUNSETOFFLOAD, tun_offloads(gives)) && means_gone(errno))
		gone(t);
	for (unsigned i = 1; i < t->nr && !t->gone; i++) {
		struct tap_queue *q = &t->queue[i];

		if (q->attached == (i < queues))
			continue;
		code = attach_queue(q, i < queues);
		if (means_gone(-code)) {
			gone(t);
		} else if (code) {
			if (!t->told)
				log_warn("%s: queue %u cannot be used: %s", h->name, i,
					 strerror(-code));
			t->told = true;
		} else {
			q->attached = i < queues;
			tap_want(h, i, 0);
		}
	}
}

/* --- life ----------------------------------------------------------------------------------- */

static int tap_attach(struct net_host *h, struct err *e)
{
	struct tap *t = tap(h);
	int code = 0;

	for (unsigned i = 0; code == 0 && i < t->nr; i++)
		code = loop_watch(h->loop, &t->queue[i].watch, t->queue[i].fd, 0, e);
	return code;
}

static int tap_fd(const struct net_host *h, unsigned queue)
{
	return container_of(h, const struct tap, host)->queue[queue].fd;
}

static void tap_destroy(struct net_host *h)
{
	struct tap *t = tap(h);

	for (unsigned i = 0; i < t->nr; i++) {
		loop_unwatch(&t->queue[i].watch);
		close_quietly(t->queue[i].fd);
	}
	if (h->loop)
		loop_unpost(h->loop, &t->gone_call);
	free(t);
}

static const struct net_host_ops tap_ops = {
	.attach = tap_attach,
	.want = tap_want,
	.receive = tap_receive,
	.send = tap_send,
	.shape = tap_shape,
	.fd = tap_fd,
	.destroy = tap_destroy,
};

/* @name is asked for, or "", and becomes what it is. */
static int make(int fd, char name[IFNAMSIZ], bool multi)
{
	struct ifreq r = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
						(multi ? IFF_MULTI_QUEUE : 0)) };

	memcpy(r.ifr_name, name, IFNAMSIZ);
	if (ioctl(fd, TUNSETIFF, &r))
		return -errno;
	memcpy(name, r.ifr_name, IFNAMSIZ);
	return 0;
}

static int cannot(const char *name, int error, unsigned queues, struct err *e)
{
	const char *called = *name ? name : "a new tap";

	switch (error) {
	case EPERM:
		return err_set(e, EPERM,
			       "%s: only root may make one; make it for this user: ip tuntap add "
			       "%s mode tap user $USER%s",
			       called, *name ? name : "tap0", queues > 1 ? " multi_queue" : "");
	case EBUSY:
		return err_set(e, EBUSY, "%s: another program has it", called);
	case EINVAL:
		return err_set(e, EINVAL, "%s: it is no tap device%s", called,
			       queues > 1 ? " with several queues (ip tuntap ... multi_queue)"
					  : "");
	default:
		return err_code(e, error, "%s", called);
	}
}

static int open_queue(struct tap *t, unsigned i, char name[IFNAMSIZ], struct err *e)
{
	struct tap_queue *q = &t->queue[i];
	int code;

	q->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (q->fd < 0) {
		const char *more = errno == ENOENT || errno == ENODEV ? "; modprobe tun?" : "";

		return err_set(e, errno, "open /dev/net/tun: %s%s", strerror(errno), more);
	}
	code = make(q->fd, name, t->nr > 1);
	if (code == -EINVAL && t->nr == 1)
		code = make(q->fd, name, true); /* made with several, of which one is used */
	return code ? cannot(name, -code, t->nr, e) : 0;
}

static int take_fd(struct tap_queue *q, int fd, char name[IFNAMSIZ], struct err *e)
{
	const int need = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	struct ifreq r = { 0 };

	if (ioctl(fd, TUNGETIFF, &r))
		return err_set(e, errno, "fd %d is no tap device", fd);
	if ((r.ifr_flags & need) != need)
		return err_set(e, EINVAL,
			       "fd %d must be a tap with IFF_NO_PI and IFF_VNET_HDR, and is not",
			       fd);
	if (*name && strncmp(name, r.ifr_name, IFNAMSIZ) != 0)
		return err_set(e, EINVAL, "fd %d is of %.15s, and those before it are of %.15s", fd,
			       r.ifr_name, name);
	memcpy(name, r.ifr_name, IFNAMSIZ);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK))
		return err_sys(e, "fd %d", fd);
	q->fd = fd;
	return 0;
}

/* What the kernel of this host can leave undone; then nothing, until a driver asks. */
static int look(struct tap *t, struct err *e)
{
	const unsigned common = NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN;
	const int fd = t->queue[0].fd, size = sizeof(struct net_header);

	for (unsigned i = 0; i < t->nr; i++)
		if (ioctl(t->queue[i].fd, TUNSETVNETHDRSZ, &size))
			return err_sys(e, "tap: a header of %d bytes", size);
	if (ioctl(fd, TUNSETOFFLOAD, tun_offloads(common | NET_USO)) == 0)
		t->host.gives = common | NET_USO;
	else if (ioctl(fd, TUNSETOFFLOAD, tun_offloads(common)) == 0)
		t->host.gives = common;
	/* Frames to the kernel may ask for all that it knows, whatever was set. */
	t->host.offloads = t->host.gives | common;
	if (ioctl(fd, TUNSETOFFLOAD, 0))
		return err_sys(e, "tap: offloads");
	return 0;
}

static uint16_t mtu_of(const char name[IFNAMSIZ])
{
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	memcpy(r.ifr_name, name, IFNAMSIZ);
	if (fd < 0 || ioctl(fd, SIOCGIFMTU, &r) || r.ifr_mtu < 68 || r.ifr_mtu > 65535)
		return 0;
	return (uint16_t)r.ifr_mtu;
}

static unsigned count_fds(const char *list)
{
	unsigned n = 1;

	for (; *list; list++)
		n += *list == ':';
	return n;
}

static int open_all(struct tap *t, const struct net_config *c, char name[IFNAMSIZ], struct err *e)
{
	char *at = c->fd;
	int code = 0;

	if (c->tap)
		(void)snprintf(name, IFNAMSIZ, "%s", c->tap);
	for (unsigned i = 0; code == 0 && i < t->nr; i++) {
		if (c->fd) {
			code = take_fd(&t->queue[i], (int)strtol(at, &at, 10), name, e);
			at += *at == ':';
		} else {
			code = open_queue(t, i, name, e);
		}
	}
	return code ? err_ctx(e, "tap") : look(t, e);
}

struct net_host *net_tap_open(const struct net_config *c, struct err *e)
{
	const unsigned nr = c->fd ? count_fds(c->fd) : c->queues;
	struct tap *t = calloc(1, sizeof(*t) + nr * sizeof(t->queue[0]));
	char name[IFNAMSIZ] = "";

	if (!t) {
		(void)err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	t->host.ops = &tap_ops;
	t->host.queues = t->nr = nr;
	t->gone_call.fn = tell_gone;
	for (unsigned i = 0; i < nr; i++) {
		t->queue[i].tap = t;
		t->queue[i].index = i;
		t->queue[i].fd = -1;
		t->queue[i].attached = true;
		t->queue[i].watch.ready = tap_ready;
	}
	if (open_all(t, c, name, e)) {
		tap_destroy(&t->host);
		return NULL;
	}
	atomic_store(&t->host.up, true);
	t->host.mtu = mtu_of(name);
	(void)snprintf(t->host.name, sizeof(t->host.name), "%.15s", name);
	return &t->host;
}
