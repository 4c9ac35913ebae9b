/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread of a vhost-user device: brings what the back end does to what the driver wants, again
 * and again, whoever of them changed. So a back end that comes back is not another case: it does
 * nothing yet, and is brought to it.
 */
#include "devices/virtio/vhost_user_parts.h"
#include "vmm/base/io.h"
#include "vmm/host/hostfd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

_Atomic unsigned vhost_user_limit_ms = 10000;

void vhost_user_wake(const struct vhost_user *u)
{
	io_raise(u->wake_fd);
}

/* Has the loop thread look at what there is to tell. Without the lock. */
static void tell(struct vhost_user *u)
{
	loop_post(u->loop, &u->tell);
}

static void lose(struct vhost_user *u, const char *why)
{
	session_end(&u->s);
	u->configured = false;
	for (unsigned i = 0; i < u->nr; i++)
		u->ring[i].on = false;
	mutex_lock(&u->lock);
	u->lost = true;
	u->back = false;
	(void)snprintf(u->why, sizeof(u->why), "%s", why);
	mutex_unlock(&u->lock);
	tell(u);
}

/* --- rings ------------------------------------------------------------------------------------ */

static enum ring_state state_of(struct vhost_user *u, const struct vu_ring *r)
{
	LOCK_SCOPE(&u->lock);
	return r->state;
}

/* Lock. */
static bool all_off(const struct vhost_user *u)
{
	for (unsigned i = 0; i < u->nr; i++)
		if (u->ring[i].state != RING_OFF)
			return false;
	return true;
}

static void ring_off(struct vhost_user *u, struct vu_ring *r)
{
	r->on = r->began = r->stuck = false;
	LOCK_SCOPE(&u->lock);
	r->state = RING_OFF;
	/* Seen here, or the driver may have begun anew before anybody looks. */
	u->idle = all_off(u);
	cond_broadcast(&u->stopped);
}

static int stop_rings(struct vhost_user *u, struct err *e)
{
	for (unsigned i = 0; i < u->nr; i++) {
		struct vu_ring *r = &u->ring[i];

		if (state_of(u, r) != RING_STOPPING)
			continue;
		if (r->on && session_stop_ring(&u->s, i, e))
			return -e->code;
		ring_off(u, r);
	}
	return 0;
}

static int start_ring(struct vhost_user *u, struct vu_ring *r, struct err *e)
{
	struct session_ring to = {
		.index = (unsigned)(r - u->ring),
		.kick_fd = u->queue[r - u->ring].kick_fd,
		.call_fd = r->call_fd,
	};
	uint64_t accepted;

	mutex_lock(&u->lock);
	to.setup = r->setup;
	accepted = u->accepted;
	mutex_unlock(&u->lock);
	if (r->began && !vhost_user_resume(u->mem, &to.setup, u->recorded, &to.base)) {
		r->stuck = true;
		virtio_broken(&u->v);
		mutex_lock(&u->lock);
		u->stuck = true;
		mutex_unlock(&u->lock);
		tell(u);
		return 0;
	}
	if (!u->configured && session_begin(&u->s, accepted, &u->kept, u->nr, u->queue[0].max, e))
		return -e->code;
	u->configured = true;
	/* A record that nobody goes on with is none for whoever comes next. */
	if (!session_has(&u->s, VU_PROTOCOL_INFLIGHT_SHMFD))
		session_inflight_drop(&u->kept);
	/* From here on it may have done something, also if it never says so. */
	r->began = true;
	if (session_start_ring(&u->s, &to, e))
		return -e->code;
	r->on = true;
	/* What came while nobody listened. */
	queue_kick(&u->queue[to.index]);
	return 0;
}

static int start_rings(struct vhost_user *u, struct err *e)
{
	bool any = false;

	for (unsigned i = 0; i < u->nr; i++) {
		struct vu_ring *r = &u->ring[i];

		if (r->on || r->stuck || state_of(u, r) != RING_WANTED)
			continue;
		if (start_ring(u, r, e))
			return -e->code;
		any = true;
	}
	return any && u->configured ? session_driver_ok(&u->s, e) : 0;
}

/* --- configuration space ---------------------------------------------------------------------- */

static int read_config(struct vhost_user *u, struct err *e)
{
	uint8_t bytes[VU_CONFIG_MAX];

	if (u->own_config || !u->config_size)
		return 0;
	if (session_read_config(&u->s, bytes, u->config_size, e))
		return -e->code;
	mutex_lock(&u->lock);
	memcpy(u->fresh, bytes, u->config_size);
	u->has_fresh = true;
	mutex_unlock(&u->lock);
	tell(u);
	return 0;
}

static int write_config(struct vhost_user *u, struct err *e)
{
	uint8_t bytes[VU_CONFIG_MAX];
	uint32_t from, len;

	mutex_lock(&u->lock);
	from = u->write_from;
	len = u->write_to - from;
	memcpy(bytes, u->written + from, len);
	u->write_from = u->write_to = 0;
	mutex_unlock(&u->lock);
	if (!len)
		return 0;
	if (session_write_config(&u->s, from, bytes, len, e))
		return -e->code;
	return read_config(u, e); /* it may not take all */
}

/* --- connections ------------------------------------------------------------------------------ */

/* What the back end says by itself. */
static int serve_channel(struct vhost_user *u, struct err *e)
{
	struct vu_header h;
	uint8_t payload[64];
	bool known;

	if (vu_take(u->s.channel, &h, payload, sizeof(payload), e))
		return -e->code;
	known = h.request == VU_BACKEND_CONFIG_CHANGE;
	if (vu_answer(u->s.channel, &h, !known, e))
		return -e->code;
	return known ? read_config(u, e) : 0;
}

/* What the one before left unread. */
static void empty(int channel)
{
	uint8_t bytes[512];

	while (hostfd_receive(channel, bytes, sizeof(bytes), 0) > 0)
		;
}

static int meet(struct vhost_user *u, int fd, struct err *e)
{
	session_end(&u->s);
	u->configured = false;
	for (unsigned i = 0; i < u->nr; i++)
		u->ring[i].on = false;
	empty(u->channel[0]);
	empty(u->channel[1]);
	if (session_open(&u->s, u->mem, fd, u->channel, vhost_user_limit_ms, e))
		return -e->code;
	if (u->s.queues < u->nr)
		return err_set(e, ENOTSUP, "it has fewer queues than before");
	u->recorded = u->kept.fd >= 0 && session_has(&u->s, VU_PROTOCOL_INFLIGHT_SHMFD);
	return read_config(u, e);
}

static int round_of(struct vhost_user *u, struct err *e)
{
	int code;

	vu_limit(&u->s.link, vhost_user_limit_ms);
	code = stop_rings(u, e);
	if (code == 0 && u->idle) {
		session_inflight_drop(&u->kept);
		if (u->configured)
			code = session_reset(&u->s, e);
		u->configured = u->idle = false;
	}
	if (u->s.link.fd < 0)
		return 0;
	if (code == 0)
		code = start_rings(u, e);
	return code ? code : write_config(u, e);
}

/* Waits for something to do; a new connection is in *@fd. False: the end. */
static bool wait_for_work(struct vhost_user *u, int *fd, bool *broken, bool *spoke)
{
	struct pollfd p[] = {
		{ .fd = u->wake_fd, .events = POLLIN },
		{ .fd = u->s.link.fd, .events = POLLIN },
		{ .fd = u->s.link.fd < 0 ? -1 : u->s.channel, .events = POLLIN },
	};
	eventfd_t n;

	(void)poll(p, ARRAY_SIZE(p), -1);
	if (p[0].revents)
		(void)eventfd_read(u->wake_fd, &n);
	*broken = p[1].revents; /* it never speaks there unasked */
	*spoke = p[2].revents;
	LOCK_SCOPE(&u->lock);
	*fd = u->new_fd;
	u->new_fd = -1;
	return !u->quit;
}

void vhost_user_serve(void *ctx)
{
	struct vhost_user *u = ctx;
	bool broken, spoke;
	struct err e;
	int fd;

	while (wait_for_work(u, &fd, &broken, &spoke)) {
		int code = 0;
		bool met = fd >= 0;

		vu_limit(&u->s.link, vhost_user_limit_ms);
		if (met)
			code = meet(u, fd, &e);
		else if (broken)
			code = err_set(&e, ECONNRESET, "it closed the connection");
		else if (spoke)
			code = serve_channel(u, &e);
		if (code) {
			lose(u, e.text);
			met = false;
		}
		if (round_of(u, &e)) {
			lose(u, e.text);
			(void)round_of(u, &e); /* who waits for a ring to stop */
			met = false;
		}
		if (met) {
			mutex_lock(&u->lock);
			u->back = true;
			mutex_unlock(&u->lock);
			tell(u);
		}
	}
	if (fd >= 0)
		(void)close(fd);
}
