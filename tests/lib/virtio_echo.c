/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/virtio_echo.h"

#include "tests/lib/test.h"
#include "vmm/base/checked.h"

#include <poll.h>
#include <stdlib.h>

static struct echo *echo(struct virtio *v)
{
	return container_of(v, struct echo, v);
}

static void config_write(struct virtio *v, uint32_t off, const void *from, uint32_t len)
{
	memcpy(&echo(v)->config[off], from, len);
}

static bool features_ok(const struct virtio *v UNUSED, uint64_t features)
{
	return !(features & VIRTIO_BIT(ECHO_FEATURE) && features & VIRTIO_BIT(ECHO_CONFLICT));
}

static void start(struct virtio *v)
{
	echo(v)->starts++;
}

static void queue_stopped(struct virtio *v, unsigned q)
{
	struct echo *e = echo(v);

	mutex_lock(&e->queue[0].lock);
	while (q == 0 && e->held)
		(void)echo_give(e);
	mutex_unlock(&e->queue[0].lock);
	queue_drain(&e->queue[q]);
	e->stops++;
}

static void reset(struct virtio *v)
{
	echo(v)->resets++;
}

static void destroy(struct virtio *v)
{
	struct echo *e = echo(v);

	for (unsigned i = 0; i < ECHO_QUEUES; i++)
		queue_done(&e->queue[i]);
	if (e->destroyed)
		++*e->destroyed;
	free(e);
}

static const struct virtio_ops echo_ops = {
	.name = "virtio-echo",
	.id = ECHO_ID,
	.config_write = config_write,
	.features_ok = features_ok,
	.start = start,
	.queue_stopped = queue_stopped,
	.reset = reset,
	.destroy = destroy,
};

struct echo *echo_create(struct gmem *mem, unsigned *destroyed)
{
	struct echo *e = calloc(1, sizeof(*e));
	struct err err;

	EXPECT(e != NULL);
	virtio_init(&e->v, &echo_ops, VIRTIO_BIT(ECHO_FEATURE) | VIRTIO_BIT(ECHO_CONFLICT),
		    e->config, sizeof(e->config), e->queue, ECHO_QUEUES);
	for (unsigned i = 0; i < ECHO_QUEUES; i++)
		EXPECT_EQ(queue_init(&e->queue[i], &e->v, mem, i, ECHO_MAX, ECHO_SEGS, 24, &err),
			  0);
	e->destroyed = destroyed;
	e->batch = 8;
	return e;
}

/* Through both ways to the data: copies, and iovecs that a host's I/O could use. */
static size_t carry_out(struct request *r)
{
	size_t len = r->out_len < r->in_len ? r->out_len : r->in_len, done = 0;
	unsigned n;
	struct iovec *iov = request_trim(r, true, 0, r->in_len - len, &n);

	EXPECT(is_aligned((uintptr_t)r->own, 16));
	memset(r->own, 0x5a, 24);
	for (unsigned i = 0; i < n; i++) {
		while (iov[i].iov_len) {
			unsigned char some[256], *to = iov[i].iov_base;
			size_t here = iov[i].iov_len;

			if (here > sizeof(some))
				here = sizeof(some);
			EXPECT_EQ(request_read(r, done, some, here), here);
			for (size_t k = 0; k < here; k++)
				to[k] = some[k] ^ 0xff;
			done += here;
			iov[i].iov_base = to + here; /* as a disk does */
			iov[i].iov_len -= here;
		}
	}
	EXPECT_EQ(done, len);
	request_used(r, true, 0, len);
	return len;
}

enum pop echo_serve(struct echo *e, unsigned i)
{
	struct queue *q = &e->queue[i];
	struct request *r;
	enum pop pop;
	unsigned batch = 0;

	LOCK_SCOPE(&q->lock);
	do {
		(void)queue_want_kicks(q, false);
		while ((pop = queue_pop(q, &r)) == POP_OK) {
			queue_push(r, carry_out(r));
			e->served++;
			if (++batch % e->batch == 0)
				queue_flush(q);
		}
		queue_flush(q);
	} while (queue_want_kicks(q, true));
	return pop;
}

unsigned echo_take(struct echo *e)
{
	struct request *r;
	unsigned n = 0;

	LOCK_SCOPE(&e->queue[0].lock);
	while (queue_pop(&e->queue[0], &r) == POP_OK) {
		r->next = e->held;
		e->held = r;
		n++;
	}
	return n;
}

/* Lock. */
bool echo_give(struct echo *e)
{
	struct request *r = e->held;

	assert_held(&e->queue[0].lock);
	if (!r)
		return false;
	e->held = r->next;
	queue_push(r, carry_out(r));
	return true;
}

static void *run(void *ctx)
{
	struct echo *e = ctx;
	struct pollfd p = { .fd = e->queue[0].kick_fd, .events = POLLIN };

	while (!atomic_load(&e->stop)) {
		EXPECT_EQ(poll(&p, 1, -1), 1);
		queue_unkick(&e->queue[0]);
		(void)echo_serve(e, 0);
	}
	return NULL;
}

void echo_run(struct echo *e)
{
	atomic_store(&e->stop, false);
	EXPECT_EQ(pthread_create(&e->thread, NULL, run, e), 0);
}

void echo_end(struct echo *e)
{
	atomic_store(&e->stop, true);
	queue_kick(&e->queue[0]);
	EXPECT_EQ(pthread_join(e->thread, NULL), 0);
}
