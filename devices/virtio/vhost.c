/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/vhost.h"

#include "vmm/base/scope.h"
#include "vmm/host/vhost.h"

#include <assert.h>
#include <sys/eventfd.h>

static void empty(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

/* What came of a driver before a reset is not the next one's. */
static void called(struct watch *w, uint32_t events UNUSED)
{
	struct vhost_queue *k = container_of(w, struct vhost_queue, call);

	LOCK_SCOPE(&k->q->lock);
	empty(k->call_fd);
	if (k->started)
		k->q->v->interrupt(k->q->v, VIRTIO_INT_QUEUE);
}

static void failed(struct watch *w, uint32_t events UNUSED)
{
	struct vhost_queue *k = container_of(w, struct vhost_queue, error);

	LOCK_SCOPE(&k->q->lock);
	empty(k->error_fd);
	if (k->started)
		virtio_broken(k->q->v);
}

int vhost_init(struct vhost *h, const char *name, const struct gmem *mem, struct loop *l,
	       struct err *e)
{
	*h = (struct vhost){ .fd = -1, .loop = l };
	if (vhost_open(name, &h->fd, &h->features, e) || vhost_set_memory(h->fd, mem, e))
		return -e->code;
	return 0;
}

int vhost_add_queue(struct vhost *h, struct queue *q, struct err *e)
{
	struct vhost_queue *k = &h->queue[h->nr];

	assert(h->nr < VHOST_QUEUES);
	*k = (struct vhost_queue){
		.q = q,
		.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.error_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.call = { .ready = called },
		.error = { .ready = failed },
	};
	h->nr++;
	if (k->call_fd < 0 || k->error_fd < 0)
		return err_sys(e, "vhost: eventfd");
	if (loop_watch(h->loop, &k->call, k->call_fd, EPOLLIN, e) ||
	    loop_watch(h->loop, &k->error, k->error_fd, EPOLLIN, e))
		return -e->code;
	return 0;
}

void vhost_limit_features(const struct vhost *h, struct virtio *v, uint64_t ours)
{
	v->offered &= h->features | ours | VIRTIO_BIT(VIRTIO_F_RING_RESET);
}

bool vhost_queue_start(struct vhost *h, unsigned i, const struct queue_setup *s)
{
	struct vhost_queue *k = &h->queue[i];
	void GUEST_MEM *area[3];
	struct vhost_ring r = {
		.index = i,
		.size = s->size,
		.kick_fd = k->q->kick_fd,
		.call_fd = k->call_fd,
		.error_fd = k->error_fd,
	};

	if (!queue_areas(k->q, s, area))
		return false;
	r.desc = area[0];
	r.driver = area[1];
	r.device = area[2];
	if (vhost_set_features(h->fd, s->features & h->features) || vhost_start_ring(h->fd, &r))
		return false;
	LOCK_SCOPE(&k->q->lock);
	k->started = true;
	return true;
}

void vhost_queue_stop(struct vhost *h, unsigned i)
{
	struct vhost_queue *k = &h->queue[i];

	vhost_stop_ring(h->fd, i);
	LOCK_SCOPE(&k->q->lock);
	k->started = false;
	empty(k->call_fd);
	empty(k->error_fd);
}

void vhost_done(struct vhost *h)
{
	for (unsigned i = 0; i < h->nr; i++) {
		struct vhost_queue *k = &h->queue[i];

		loop_unwatch(&k->call);
		loop_unwatch(&k->error);
		close_quietly(k->call_fd);
		close_quietly(k->error_fd);
	}
	h->nr = 0;
	close_quietly(keep_fd(&h->fd));
}
