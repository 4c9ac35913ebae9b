/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/rng.h"

#include "devices/virtio/server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
	DEVICE_ID = 4,
	ENTRIES = 16,
	REQUEST_BYTES = 4096,
	TURN_BYTES = 4 * REQUEST_BYTES,
	TURN_REQUESTS = 64,
};

#define RETRY_NS 100000000ULL /* while the host has no entropy */

struct rng {
	struct virtio v;
	struct queue queue;
	struct server server;
	struct timer retry;
	bool seeded; /* loop thread: the host's generator is, and so for ever */
};

/* Never waits: early in the host's own boot there may be nothing for a long time. */
static ssize_t host_random(void *to, size_t len)
{
	ssize_t n;

	do {
		n = getrandom(to, len, GRND_NONBLOCK);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Fills at most @max bytes of it and gives it back; how many. */
static size_t fill(struct request *r, size_t max)
{
	size_t len = r->in_len < max ? r->in_len : max, done = 0;
	struct iovec *iov;
	unsigned n;

	iov = request_trim(r, true, 0, r->in_len - len, &n);
	for (unsigned i = 0; i < n; i++) {
		ssize_t got = host_random(iov[i].iov_base, iov[i].iov_len);

		done += got > 0 ? (size_t)got : 0;
		if (got < 0 || (size_t)got < iov[i].iov_len)
			break; /* the host's memory failed under it */
	}
	request_used(r, true, 0, done);
	queue_push(r, done);
	return done;
}

static bool turn(struct server *s)
{
	struct rng *g = container_of(s, struct rng, server);
	size_t left = TURN_BYTES;
	struct request *r;
	uint8_t byte;

	g->seeded = g->seeded || host_random(&byte, 1) == 1;
	if (!g->seeded) {
		loop_timer_arm(s->loop, &g->retry, loop_now_ns() + RETRY_NS);
		return false;
	}
	for (int i = 0; i < TURN_REQUESTS && left > 0; i++) {
		if (!server_pop(s, &r))
			return false;
		left -= fill(r, left < REQUEST_BYTES ? left : REQUEST_BYTES);
	}
	return true;
}

static void retry(struct timer *t)
{
	server_run(&container_of(t, struct rng, retry)->server);
}

static void rng_destroy(struct virtio *v)
{
	struct rng *g = container_of(v, struct rng, v);

	if (g->server.loop)
		loop_timer_disarm(g->server.loop, &g->retry);
	server_done(&g->server);
	queue_done(&g->queue);
	free(g);
}

static const struct virtio_ops rng_ops = {
	.name = "virtio-rng",
	.id = DEVICE_ID,
	.destroy = rng_destroy,
};

struct virtio *virtio_rng_create(struct gmem *mem, struct loop *loop, struct err *e)
{
	struct rng *g = calloc(1, sizeof(*g));

	if (!g) {
		(void)err_set(e, ENOMEM, "virtio-rng: out of memory");
		return NULL;
	}
	virtio_init(&g->v, &rng_ops, 0, NULL, 0, &g->queue, 1);
	g->retry.expired = retry;
	if (queue_init(&g->queue, &g->v, mem, 0, ENTRIES, ENTRIES, 0, e) ||
	    server_init(&g->server, &g->queue, loop, turn, e)) {
		(void)err_ctx(e, "virtio-rng");
		rng_destroy(&g->v);
		return NULL;
	}
	return &g->v;
}
