/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/virtio.h"

#include "vmm/base/checked.h"

#define EVERY_DEVICE                                                                               \
	(VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |                     \
	 VIRTIO_BIT(VIRTIO_F_EVENT_IDX) | VIRTIO_BIT(VIRTIO_F_RING_PACKED) |                       \
	 VIRTIO_BIT(VIRTIO_F_RING_RESET))

void virtio_init(struct virtio *v, const struct virtio_ops *ops, uint64_t features,
		 const void *config, uint32_t config_size, struct queue *queue, unsigned nr_queues)
{
	*v = (struct virtio){
		.ops = ops,
		.offered = features | EVERY_DEVICE,
		.config = config,
		.config_size = config_size,
		.queue = queue,
		.nr_queues = nr_queues,
	};
}

static uint8_t driver_status(const struct virtio *v)
{
	return atomic_load_explicit(&v->status, memory_order_relaxed);
}

static bool needs_reset(const struct virtio *v)
{
	return atomic_load_explicit(&v->needs_reset, memory_order_relaxed);
}

/* Before DRIVER_OK a device is silent. */
static void tell_config(struct virtio *v)
{
	if (driver_status(v) & VIRTIO_DRIVER_OK && v->interrupt)
		v->interrupt(v, VIRTIO_INT_CONFIG);
}

void virtio_config_changed(struct virtio *v)
{
	v->config_generation++;
	tell_config(v);
}

void virtio_broken(struct virtio *v)
{
	(void)atomic_fetch_add_explicit(&v->rules_broken, 1, memory_order_relaxed);
	atomic_store_explicit(&v->needs_reset, true, memory_order_relaxed);
	tell_config(v);
}

/* Stops queues @first to @last that are enabled, all of them before it waits for the first. */
static void stop_queues(struct virtio *v, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++) {
		if (!v->queue[i].ready)
			continue;
		if (v->ops->queue_stop)
			v->ops->queue_stop(v, i);
		else
			queue_stop(&v->queue[i]);
	}
	for (unsigned i = first; i <= last; i++) {
		if (!v->queue[i].ready)
			continue;
		if (v->ops->queue_stopped)
			v->ops->queue_stopped(v, i);
		else
			queue_drain(&v->queue[i]);
	}
}

static void stop_all(struct virtio *v)
{
	if (v->nr_queues)
		stop_queues(v, 0, v->nr_queues - 1);
}

void virtio_reset(struct virtio *v)
{
	stop_all(v);
	for (unsigned i = 0; i < v->nr_queues; i++) {
		v->queue[i].ready = false;
		v->queue[i].setup = (struct queue_setup){ 0 };
	}
	if (v->ops->reset)
		v->ops->reset(v);
	v->wanted = v->accepted = 0;
	atomic_store_explicit(&v->status, 0, memory_order_relaxed);
	atomic_store_explicit(&v->needs_reset, false, memory_order_relaxed);
}

/* --- status --- */

uint8_t virtio_status(const struct virtio *v)
{
	return (uint8_t)(driver_status(v) | (needs_reset(v) ? VIRTIO_NEEDS_RESET : 0));
}

static bool start_queue(struct virtio *v, struct queue *q)
{
	bool ok;

	q->setup.features = v->accepted;
	if (v->ops->queue_start)
		ok = queue_setup_ok(q, &q->setup) && v->ops->queue_start(v, q->index, &q->setup);
	else
		ok = queue_start(q, &q->setup);
	if (ok)
		return true;
	virtio_broken(v);
	return false;
}

static bool features_ok(struct virtio *v)
{
	if (v->wanted & ~v->offered || !(v->wanted & VIRTIO_BIT(VIRTIO_F_VERSION_1)) ||
	    (v->ops->features_ok && !v->ops->features_ok(v, v->wanted)))
		return false;
	v->accepted = v->wanted;
	return true;
}

static void driver_ok(struct virtio *v)
{
	for (unsigned i = 0; i < v->nr_queues; i++)
		if (v->queue[i].ready)
			(void)start_queue(v, &v->queue[i]);
	if (v->ops->start)
		v->ops->start(v);
	/* Buffers may have been made available before anybody listened. */
	for (unsigned i = 0; i < v->nr_queues; i++)
		if (v->queue[i].ready)
			queue_kick(&v->queue[i]);
}

static void set(struct virtio *v, uint8_t bit)
{
	atomic_store_explicit(&v->status, driver_status(v) | bit, memory_order_relaxed);
}

/* The order of steps, each with what must have been done before it, and not. */
static const struct step {
	uint8_t bit, after, not_after;
} steps[] = {
	{ VIRTIO_ACKNOWLEDGE, 0, VIRTIO_FAILED },
	{ VIRTIO_DRIVER, VIRTIO_ACKNOWLEDGE, VIRTIO_FAILED },
	{ VIRTIO_FEATURES_OK, VIRTIO_DRIVER, VIRTIO_FAILED },
	{ VIRTIO_DRIVER_OK, VIRTIO_FEATURES_OK, VIRTIO_FAILED | VIRTIO_NEEDS_RESET },
	{ VIRTIO_FAILED, 0, 0 },
};

#define STEP_BITS                                                                                  \
	(VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK | VIRTIO_FAILED)

static bool take_step(struct virtio *v, const struct step *s)
{
	uint8_t now = virtio_status(v);

	if (now & s->not_after || (now & s->after) != s->after)
		return false;
	if (s->bit == VIRTIO_FEATURES_OK && !features_ok(v))
		return false;
	set(v, s->bit);
	if (s->bit == VIRTIO_DRIVER_OK)
		driver_ok(v);
	if (s->bit == VIRTIO_FAILED)
		stop_all(v);
	return true;
}

/* A driver that has read NEEDS_RESET may write it back: that neither sets nor clears it. */
bool virtio_set_status(struct virtio *v, uint32_t status)
{
	uint8_t now = driver_status(v);

	if (status == 0) {
		virtio_reset(v);
		return true;
	}
	if (status & ~(uint32_t)(STEP_BITS | VIRTIO_NEEDS_RESET) || now & ~status)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (status & steps[i].bit && !(now & steps[i].bit) && !take_step(v, &steps[i]))
			return false;
	return true;
}

/* Whether the driver has done @done, and not @not_done, and the device is in order. */
static bool in_state(const struct virtio *v, uint8_t done, uint8_t not_done)
{
	uint8_t now = driver_status(v);

	return (now & done) == done && !(now & (not_done | VIRTIO_FAILED));
}

/* --- features --- */

uint32_t virtio_features(const struct virtio *v, uint32_t word)
{
	return word < 2 ? (uint32_t)(v->offered >> (32 * word)) : 0;
}

bool virtio_want_features(struct virtio *v, uint32_t word, uint32_t bits)
{
	unsigned shift = word ? 32 : 0;

	if (!in_state(v, VIRTIO_DRIVER, VIRTIO_FEATURES_OK))
		return false;
	if (word >= 2)
		return bits == 0;
	v->wanted = (v->wanted & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)bits << shift;
	return true;
}

/* --- queues --- */

static bool can_set_up(const struct virtio *v, const struct queue *q)
{
	return q && !q->ready && in_state(v, VIRTIO_FEATURES_OK, 0);
}

bool virtio_queue_size(struct virtio *v, struct queue *q, uint32_t size)
{
	if (!can_set_up(v, q) || size == 0 || size > q->max)
		return false;
	q->setup.size = size;
	return true;
}

bool virtio_queue_address(struct virtio *v, struct queue *q, enum virtio_area area, bool high,
			  uint32_t half)
{
	unsigned shift = high ? 32 : 0;
	uint64_t *at;

	if (!can_set_up(v, q))
		return false;
	at = area == VIRTIO_AREA_DESC	  ? &q->setup.desc
	     : area == VIRTIO_AREA_DRIVER ? &q->setup.driver
					  : &q->setup.device;
	*at = (*at & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)half << shift;
	return true;
}

bool virtio_queue_enable(struct virtio *v, struct queue *q)
{
	if (!can_set_up(v, q))
		return false;
	q->setup.features = v->accepted;
	if (!queue_setup_ok(q, &q->setup)) {
		virtio_broken(v);
		return false;
	}
	q->ready = true;
	if (driver_status(v) & VIRTIO_DRIVER_OK && start_queue(v, q))
		queue_kick(q);
	return true;
}

bool virtio_queue_disable(struct virtio *v, struct queue *q)
{
	if (!q)
		return false;
	stop_queues(v, q->index, q->index);
	q->ready = false;
	return true;
}

bool virtio_queue_reset(struct virtio *v, struct queue *q)
{
	if (!virtio_has(v, VIRTIO_F_RING_RESET) || !virtio_queue_disable(v, q))
		return false;
	q->setup = (struct queue_setup){ 0 };
	return true;
}

bool virtio_notify(struct virtio *v, uint32_t value)
{
	bool data = virtio_has(v, VIRTIO_F_NOTIFICATION_DATA);
	struct queue *q = virtio_queue(v, data ? value & UINT16_MAX : value);

	if (!q || !in_state(v, VIRTIO_DRIVER_OK, 0))
		return false;
	queue_kick(q);
	return true;
}

/* --- configuration space --- */

bool virtio_config_read(const struct virtio *v, uint64_t off, unsigned len, uint32_t *value)
{
	const uint8_t *config = v->config;

	assert(len <= sizeof(*value));
	*value = 0;
	for (unsigned i = 0; i < len && off + i < v->config_size; i++)
		*value |= (uint32_t)config[off + i] << (8 * i);
	return range_inside(off, len, 0, v->config_size);
}

bool virtio_config_write(struct virtio *v, uint64_t off, unsigned len, uint32_t value)
{
	uint8_t bytes[4];

	if (!range_inside(off, len, 0, v->config_size))
		return false;
	if (!v->ops->config_early && !in_state(v, VIRTIO_FEATURES_OK, 0))
		return false;
	for (unsigned i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	if (v->ops->config_write)
		v->ops->config_write(v, (uint32_t)off, bytes, len);
	return true;
}
