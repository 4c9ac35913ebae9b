/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/core/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct bus_map *map_alloc(size_t n)
{
	struct bus_map *m = calloc(1, sizeof(*m) + n * sizeof(m->at[0]));

	if (m)
		m->n = n;
	return m;
}

/* Index of the first window whose base is above @addr. */
static size_t above(const struct bus_map *m, uint64_t addr)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->at[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct bus_map *current(const struct bus *b)
{
	return atomic_load_explicit(&b->map, memory_order_acquire);
}

/* Puts @m in place of today's map, which retires. */
static void publish(struct bus *b, struct bus_map *m)
{
	struct bus_map *old = atomic_load_explicit(&b->map, memory_order_relaxed);

	assert_held(&b->change);
	m->generation = old->generation + 1;
	old->retired_next = b->retired;
	b->retired = old;
	atomic_store_explicit(&b->map, m, memory_order_release);
}

struct bus *bus_create(struct err *e)
{
	struct bus *b = calloc(1, sizeof(*b));
	struct bus_map *m = map_alloc(0);

	if (!b || !m) {
		free(b);
		free(m);
		(void)err_set(e, ENOMEM, "bus: out of memory");
		return NULL;
	}
	m->generation = 1;
	mutex_init(&b->change);
	atomic_init(&b->map, m);
	return b;
}

void bus_destroy(struct bus *b)
{
	if (!b)
		return;
	bus_reclaim(b);
	free(atomic_load_explicit(&b->map, memory_order_relaxed));
	mutex_destroy(&b->change);
	free(b);
}

int bus_add(struct bus *b, struct device *d, struct err *e)
{
	LOCK_SCOPE(&b->change);
	const struct bus_map *old = atomic_load_explicit(&b->map, memory_order_relaxed);
	const struct bus_window *other = NULL;
	struct bus_map *m;
	size_t i;

	if (d->size == 0 || d->size - 1 > UINT64_MAX - d->base)
		return err_set(e, EINVAL,
			       "%s: window at 0x%" PRIx64 " of 0x%" PRIx64 " bytes is not possible",
			       d->ops->name, d->base, d->size);
	i = above(old, d->base);
	if (i > 0 && d->base - old->at[i - 1].base < old->at[i - 1].size)
		other = &old->at[i - 1];
	else if (i < old->n && old->at[i].base - d->base < d->size)
		other = &old->at[i];
	if (other)
		return err_set(e, EEXIST, "%s: window at 0x%" PRIx64 " overlaps %s at 0x%" PRIx64,
			       d->ops->name, d->base, other->dev->ops->name, other->base);
	m = map_alloc(old->n + 1);
	if (!m)
		return err_set(e, ENOMEM, "%s: out of memory", d->ops->name);
	memcpy(m->at, old->at, i * sizeof(m->at[0]));
	m->at[i] = (struct bus_window){
		.base = d->base,
		.size = d->size,
		.dev = d,
		.sizes = 2U * d->ops->max_access - d->ops->min_access,
	};
	memcpy(m->at + i + 1, old->at + i, (old->n - i) * sizeof(m->at[0]));
	publish(b, m);
	return 0;
}

void bus_remove(struct bus *b, struct device *d)
{
	LOCK_SCOPE(&b->change);
	struct bus_map *m = atomic_load_explicit(&b->map, memory_order_relaxed);
	size_t i = above(m, d->base);

	if (i == 0 || m->at[i - 1].dev != d)
		return;
	/* With the vCPUs held nobody looks, so the map can shrink where it stands. */
	memmove(m->at + i - 1, m->at + i, (m->n - i) * sizeof(m->at[0]));
	m->n--;
	m->generation++;
}

void bus_reclaim(struct bus *b)
{
	LOCK_SCOPE(&b->change);

	while (b->retired) {
		struct bus_map *m = b->retired;

		b->retired = m->retired_next;
		free(m);
	}
}

enum access bus_refuse_(struct device *d)
{
	LOCK_SCOPE(&d->lock);

	d->guest_errors++;
	return ACCESS_REFUSED;
}

struct device *bus_find(const struct bus *b, uint64_t addr)
{
	const struct bus_window *w = bus_window_at(b, addr);

	return w ? w->dev : NULL;
}

void bus_for_each(const struct bus *b, void (*fn)(struct device *d, void *ctx), void *ctx)
{
	const struct bus_map *m = current(b);

	for (size_t i = 0; i < m->n; i++)
		fn(m->at[i].dev, ctx);
}
