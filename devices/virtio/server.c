/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/server.h"

void server_run(struct server *s)
{
	bool more;

	{
		LOCK_SCOPE(&s->queue->lock);
		if (!queue_live(s->queue))
			return;
		(void)queue_want_kicks(s->queue, false);
		more = s->turn(s);
		queue_flush(s->queue);
	}
	if (more)
		server_post(s);
}

void server_post(struct server *s)
{
	loop_post(s->loop, &s->again);
}

bool server_pop(struct server *s, struct request **r)
{
	enum pop pop = queue_pop(s->queue, r);

	if (pop == POP_EMPTY) {
		queue_flush(s->queue);
		if (!queue_want_kicks(s->queue, true))
			return false;
		(void)queue_want_kicks(s->queue, false);
		pop = queue_pop(s->queue, r);
	}
	return pop == POP_OK;
}

static void again(struct call *c)
{
	server_run(container_of(c, struct server, again));
}

static void kicked(struct watch *w, uint32_t events UNUSED)
{
	struct server *s = container_of(w, struct server, kick);

	queue_unkick(s->queue);
	server_run(s);
}

int server_init(struct server *s, struct queue *q, struct loop *l, bool (*turn)(struct server *s),
		struct err *e)
{
	s->queue = q;
	s->loop = l;
	s->turn = turn;
	s->kick.ready = kicked;
	s->again.fn = again;
	return loop_watch(l, &s->kick, q->kick_fd, EPOLLIN, e);
}

void server_done(struct server *s)
{
	if (!s->loop)
		return;
	loop_unwatch(&s->kick);
	loop_unpost(s->loop, &s->again);
}
