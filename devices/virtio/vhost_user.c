/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/vhost_user_parts.h"

#include "vmm/base/le.h"
#include "vmm/base/log.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* --- what is special to a type -----------------------------------------------------------------
 */

struct type {
	unsigned id;
	const char *name;
	uint16_t entries;     /* of a queue, at most */
	uint16_t more;	      /* queues beside those for requests */
	uint16_t least;	      /* queues for requests, when nothing is said */
	uint16_t fixed;	      /* there are that many; 0: as asked for */
	uint64_t never;	      /* feature bits that need more than a back end */
	uint16_t config[3];   /* sizes of its configuration space to try, the largest first */
	bool needs_config;    /* ... and one of them must be there */
	uint64_t with_config; /* feature bits that mean nothing without */
};

#define BITS(from, to) ((UINT64_MAX >> (63 - (to))) & (UINT64_MAX << (from)))

static const struct type types[] = {
	{
		.id = VHOST_USER_NET,
		.name = "virtio-net",
		.entries = 256,
		.fixed = 2,
		.never = BITS(17, 23), /* the control queue, and what is done by it */
		.config = { 12 },
		.with_config = VIRTIO_BIT(3) | VIRTIO_BIT(5) | VIRTIO_BIT(16),
	},
	{
		.id = VHOST_USER_BLK,
		.name = "virtio-blk",
		.entries = 256,
		.least = 1,
		.config = { 96, 60 },
		.needs_config = true,
	},
	{
		.id = VHOST_USER_FS,
		.name = "virtio-fs",
		.entries = QUEUE_MAX,
		.more = 1,
		.least = 1,
		.never = VIRTIO_BIT(0), /* notifications, a queue more */
	},
};

static const struct type any_type = { .name = "vhost-user", .entries = 256, .least = 1 };

static const struct type *type_of(unsigned id)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].id == id)
			return &types[i];
	return &any_type;
}

/* Those of the transport and the rings that can be served elsewhere, and the device types' own. */
#define PASSED_ON                                                                                  \
	(BITS(0, 23) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX) |       \
	 VIRTIO_BIT(VIRTIO_F_VERSION_1))

/* --- the driver --------------------------------------------------------------------------------
 */

static struct vhost_user *user(struct virtio *v)
{
	return container_of(v, struct vhost_user, v);
}

static bool start_queue(struct virtio *v, unsigned q, const struct queue_setup *s)
{
	struct vhost_user *u = user(v);
	const uint64_t area[] = { s->desc, s->driver, s->device };

	/* RAM that the back end can see. */
	for (size_t i = 0; i < ARRAY_SIZE(area); i++)
		if (!gmem_find(u->mem, gpa(area[i]), 1)->shared)
			return false;
	mutex_lock(&u->lock);
	assert(u->ring[q].state == RING_OFF);
	u->ring[q].state = RING_WANTED;
	u->ring[q].setup = *s;
	u->accepted = v->accepted & ~VIRTIO_BIT(VIRTIO_F_RING_RESET); /* ours */
	mutex_unlock(&u->lock);
	vhost_user_wake(u);
	return true;
}

static void stop_queue(struct virtio *v, unsigned q)
{
	struct vhost_user *u = user(v);
	struct vu_ring *r = &u->ring[q];

	mutex_lock(&u->lock);
	if (r->state == RING_WANTED)
		r->state = RING_STOPPING;
	mutex_unlock(&u->lock);
	vhost_user_wake(u);
}

static void queue_stopped(struct virtio *v, unsigned q)
{
	struct vhost_user *u = user(v);

	LOCK_SCOPE(&u->lock);
	while (u->ring[q].state != RING_OFF)
		cond_wait(&u->stopped, &u->lock);
}

static void config_write(struct virtio *v, uint32_t off, const void *from, uint32_t len)
{
	struct vhost_user *u = user(v);

	if (u->own_config)
		return;
	memcpy(u->config + off, from, len);
	mutex_lock(&u->lock);
	if (u->write_from == u->write_to) {
		u->write_from = off;
		u->write_to = off + len;
	}
	if (off < u->write_from)
		u->write_from = off;
	if (off + len > u->write_to)
		u->write_to = off + len;
	/* Between two writes lies what was there: it is written once more. */
	memcpy(u->written, u->config, u->config_size);
	mutex_unlock(&u->lock);
	vhost_user_wake(u);
}

/* --- the loop thread ---------------------------------------------------------------------------
 */

static void called(struct watch *w, uint32_t events UNUSED)
{
	struct vu_ring *r = container_of(w, struct vu_ring, call);
	struct vhost_user *u = r->u;
	bool wanted;

	mutex_lock(&u->lock);
	wanted = r->state == RING_WANTED;
	mutex_unlock(&u->lock);
	if (wanted)
		u->v.interrupt(&u->v, VIRTIO_INT_QUEUE);
}

/* Our share of a configuration space. */
static void amend_config(const struct vhost_user *u, uint8_t *config)
{
	enum { BLK_NUM_QUEUES = 34 };

	if (u->ops.id == VHOST_USER_BLK) {
		config[BLK_NUM_QUEUES] = (uint8_t)u->nr;
		config[BLK_NUM_QUEUES + 1] = 0;
	}
}

static void take_config(struct vhost_user *u)
{
	uint8_t fresh[VU_CONFIG_MAX];

	LOCK_SCOPE(u->v.lock);
	mutex_lock(&u->lock);
	memcpy(fresh, u->fresh, sizeof(fresh));
	u->has_fresh = false;
	mutex_unlock(&u->lock);
	amend_config(u, fresh);
	if (memcmp(fresh, u->config, u->config_size) == 0)
		return;
	memcpy(u->config, fresh, u->config_size);
	virtio_config_changed(&u->v);
}

static void say_away(struct vhost_user *u, enum away who, const char *why)
{
	char *told = u->told[who];

	if (strncmp(told, why, sizeof(u->told[0]) - 1) != 0)
		log_warn("%s: %s; requests wait until it is back", u->name, why);
	(void)snprintf(told, sizeof(u->told[0]), "%s", why);
}

static void tell(struct call *c)
{
	struct vhost_user *u = container_of(c, struct vhost_user, tell);
	bool lost, back, stuck, config;
	char why[sizeof(u->why)];

	mutex_lock(&u->lock);
	lost = u->lost;
	back = u->back;
	stuck = u->stuck;
	config = u->has_fresh;
	u->lost = u->back = u->stuck = false;
	memcpy(why, u->why, sizeof(why));
	mutex_unlock(&u->lock);
	if (config)
		take_config(u);
	if (lost) {
		say_away(u, AWAY_LOST, why);
		u->again(u->again_ctx);
	}
	if (back) {
		log_warn("%s: it is back", u->name);
		u->told[AWAY_LOST][0] = u->told[AWAY_DOWN][0] = '\0';
	}
	if (stuck)
		log_error("%s: which requests were under way cannot be told; the guest has to "
			  "reset the device",
			  u->name);
}

void vhost_user_up(struct virtio *v, int fd)
{
	struct vhost_user *u = user(v);

	mutex_lock(&u->lock);
	close_quietly(u->new_fd);
	u->new_fd = fd;
	mutex_unlock(&u->lock);
	vhost_user_wake(u);
}

void vhost_user_down(struct virtio *v, const char *why)
{
	struct vhost_user *u = user(v);

	say_away(u, AWAY_DOWN, why);
	u->again(u->again_ctx);
}

/* --- life ------------------------------------------------------------------------------------- */

static void user_destroy(struct virtio *v)
{
	struct vhost_user *u = user(v);

	if (u->thread.begun) {
		mutex_lock(&u->lock);
		u->quit = true;
		mutex_unlock(&u->lock);
		vhost_user_wake(u);
	}
	thread_join(&u->thread);
	loop_unpost(u->loop, &u->tell);
	for (unsigned i = 0; u->ring && i < u->nr; i++) {
		loop_unwatch(&u->ring[i].call);
		close_quietly(u->ring[i].call_fd);
	}
	for (unsigned i = 0; u->queue && i < u->nr; i++)
		queue_done(&u->queue[i]);
	session_end(&u->s);
	session_inflight_drop(&u->kept);
	close_quietly(u->channel[0]);
	close_quietly(u->channel[1]);
	close_quietly(u->wake_fd);
	free(u->ring);
	free(u->queue);
	mutex_destroy(&u->lock);
	free(u);
}

static const struct virtio_ops user_ops = {
	.name = "vhost-user",
	.config_write = config_write,
	.queue_start = start_queue,
	.queue_stop = stop_queue,
	.queue_stopped = queue_stopped,
	.destroy = user_destroy,
};

static int make_ring(struct vhost_user *u, unsigned i, unsigned entries, struct err *e)
{
	struct vu_ring *r = &u->ring[i];
	int code = queue_init(&u->queue[i], &u->v, u->mem, i, entries, 1, 0, e);

	r->u = u;
	r->call.ready = called;
	if (code)
		return code;
	r->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->call_fd < 0)
		return err_sys(e, "eventfd");
	/* Never read: the back end has it, too, and could make the loop wait in that. */
	return loop_watch(u->loop, &r->call, r->call_fd, EPOLLIN | EPOLLET, e);
}

/* What the guest sees of a file system: its tag, and how many queues for requests. */
static void make_fs_config(struct vhost_user *u, const char *tag)
{
	const uint32_t queues = u->nr - 1;

	u->own_config = true;
	u->config_size = VHOST_USER_FS_TAG + sizeof(le32);
	memcpy(u->config, tag, strnlen(tag, VHOST_USER_FS_TAG));
	for (unsigned i = 0; i < sizeof(le32); i++)
		u->config[VHOST_USER_FS_TAG + i] = (uint8_t)(queues >> (8 * i));
}

/* Finds out how large a configuration space it has, and reads it. */
static int find_config(struct vhost_user *u, const struct type *t, unsigned asked, struct err *e)
{
	uint16_t sizes[ARRAY_SIZE(t->config)] = { (uint16_t)asked };
	int code = -ENODATA;

	if (!asked)
		memcpy(sizes, t->config, sizeof(sizes));
	if (!session_has(&u->s, VU_PROTOCOL_CONFIG)) {
		if (asked || t->needs_config)
			return err_set(e, ENOTSUP, "it has no configuration space");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes) && sizes[i] && code == -ENODATA; i++) {
		code = session_read_config(&u->s, u->config, sizes[i], e);
		if (code == 0)
			u->config_size = sizes[i];
	}
	return code == -ENODATA && !asked && !t->needs_config ? 0 : code;
}

/* How many queues, of what the back end has. */
static int count_queues(struct vhost_user *u, const struct type *t, unsigned asked, struct err *e)
{
	enum { BLK_MQ = 12 };
	unsigned n = asked ? asked : t->least;

	u->nr = t->fixed ? t->fixed : n + t->more;
	if (t->fixed && asked > 1)
		return err_set(e, EINVAL, "it can have one pair of queues, not %u", asked);
	if (t->id == VHOST_USER_BLK && n > 1 && !(u->s.features & VIRTIO_BIT(BLK_MQ)))
		return err_set(e, ENOTSUP, "it has one queue, not %u", n);
	if (u->nr > u->s.queues)
		return err_set(e, ENOTSUP, "it has at most %" PRIu64 " queues, and %u are needed",
			       u->s.queues, u->nr);
	return 0;
}

/* All that needs the back end's answers. */
static int meet(struct vhost_user *u, const struct vhost_user_setup *c, int fd, struct err *e)
{
	const struct type *t = type_of(c->type);
	uint64_t features;
	int code = session_open(&u->s, u->mem, fd, u->channel, vhost_user_limit_ms, e);

	if (code == 0)
		code = count_queues(u, t, c->queues, e);
	if (code)
		return code;
	if (!(u->s.features & VIRTIO_BIT(VIRTIO_F_VERSION_1)))
		return err_set(e, ENOTSUP, "it knows no virtio 1.0");
	features = u->s.features & PASSED_ON & ~t->never;
	if (c->type == VHOST_USER_FS)
		make_fs_config(u, c->tag);
	else
		code = find_config(u, t, c->config_size, e);
	if (!u->config_size)
		features &= ~t->with_config;
	amend_config(u, u->config);
	u->v.offered = features | VIRTIO_BIT(VIRTIO_F_RING_RESET);
	return code;
}

static int make(struct vhost_user *u, const struct vhost_user_setup *c, int fd, struct err *e)
{
	const struct type *t = type_of(c->type);
	int code;

	u->ops = user_ops;
	u->ops.id = c->type;
	u->ops.name = t->name;
	virtio_init(&u->v, &u->ops, 0, u->config, 0, NULL, 0);
	u->s.link.fd = fd; /* session_open()'s from now on, or closed with all */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, u->channel) < 0)
		return err_sys(e, "socketpair");
	u->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (u->wake_fd < 0)
		return err_sys(e, "eventfd");
	code = meet(u, c, fd, e);
	if (code)
		return code;
	u->queue = calloc(u->nr, sizeof(*u->queue));
	u->ring = calloc(u->nr, sizeof(*u->ring));
	for (unsigned i = 0; u->ring && i < u->nr; i++)
		u->ring[i].call_fd = -1; /* also of one that is to be destroyed at once */
	if (!u->queue || !u->ring)
		return err_set(e, ENOMEM, "out of memory");
	for (unsigned i = 0; code == 0 && i < u->nr; i++)
		code = make_ring(u, i, t->entries, e);
	u->v.config_size = u->config_size;
	u->v.queue = u->queue;
	u->v.nr_queues = u->nr;
	if (code)
		return code;
	u->thread = (struct thread){
		.kind = THREAD_BACKEND, .name = "vhost-user", .run = vhost_user_serve, .ctx = u
	};
	return thread_start(&u->thread, e);
}

struct virtio *vhost_user_create(const struct vhost_user_setup *c, int fd, struct gmem *mem,
				 struct loop *loop, struct err *e)
{
	struct vhost_user *u = calloc(1, sizeof(*u));

	if (!u) {
		close_quietly(fd);
		(void)err_set(e, ENOMEM, "%s: out of memory", c->name);
		return NULL;
	}
	(void)snprintf(u->name, sizeof(u->name), "%s", c->name);
	u->mem = mem;
	u->loop = loop;
	u->again = c->again;
	u->again_ctx = c->ctx;
	u->channel[0] = u->channel[1] = u->wake_fd = u->new_fd = -1;
	u->kept.fd = -1;
	u->tell.fn = tell;
	mutex_init(&u->lock);
	cond_init(&u->stopped);
	if (make(u, c, fd, e)) {
		(void)err_ctx(e, "%s", c->name);
		user_destroy(&u->v);
		return NULL;
	}
	return &u->v;
}
