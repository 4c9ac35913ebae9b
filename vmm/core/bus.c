/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/core/bus.h"

#include "vmm/base/checked.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Base and size stand beside each other so that a search touches no device but the one it finds. */
struct bus_window {
	uint64_t base, size;
	struct device *dev;
};

struct map {
	struct map *retired_next; /* bus.change */
	size_t n;
	struct bus_window at[]; /* sorted by base, disjoint */
};

struct bus {
	_Atomic(struct map *) map; /* release by who publishes, acquire by who looks up */
	struct mutex change;
	struct map *retired; /* change */
};

static struct map *map_alloc(size_t n)
{
	struct map *m = calloc(1, sizeof(*m) + n * sizeof(m->at[0]));

	if (m)
		m->n = n;
	return m;
}

/* Index of the first window whose base is above @addr. */
static inline size_t above(const struct map *m, uint64_t addr)
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

static inline const struct bus_window *find(const struct map *m, uint64_t addr)
{
	size_t i = above(m, addr);

	/* The difference cannot wrap: the window's base is not above addr. */
	if (i == 0 || addr - m->at[i - 1].base >= m->at[i - 1].size)
		return NULL;
	return &m->at[i - 1];
}

static const struct map *current(const struct bus *b)
{
	return atomic_load_explicit(&b->map, memory_order_acquire);
}

/* Puts @m in place of today's map, which retires. */
static void publish(struct bus *b, struct map *m)
{
	struct map *old = atomic_load_explicit(&b->map, memory_order_relaxed);

	assert_held(&b->change);
	old->retired_next = b->retired;
	b->retired = old;
	atomic_store_explicit(&b->map, m, memory_order_release);
}

struct bus *bus_create(struct err *e)
{
	struct bus *b = calloc(1, sizeof(*b));
	struct map *m = map_alloc(0);

	if (!b || !m) {
		free(b);
		free(m);
		(void)err_set(e, ENOMEM, "bus: out of memory");
		return NULL;
	}
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
	const struct map *old = atomic_load_explicit(&b->map, memory_order_relaxed);
	const struct bus_window *other = NULL;
	struct map *m;
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
	m->at[i] = (struct bus_window){ .base = d->base, .size = d->size, .dev = d };
	memcpy(m->at + i + 1, old->at + i, (old->n - i) * sizeof(m->at[0]));
	publish(b, m);
	return 0;
}

void bus_remove(struct bus *b, struct device *d)
{
	LOCK_SCOPE(&b->change);
	struct map *m = atomic_load_explicit(&b->map, memory_order_relaxed);
	size_t i = above(m, d->base);

	if (i == 0 || m->at[i - 1].dev != d)
		return;
	/* With the vCPUs held nobody looks, so the map can shrink where it stands. */
	memmove(m->at + i - 1, m->at + i, (m->n - i) * sizeof(m->at[0]));
	m->n--;
}

void bus_reclaim(struct bus *b)
{
	LOCK_SCOPE(&b->change);

	while (b->retired) {
		struct map *m = b->retired;

		b->retired = m->retired_next;
		free(m);
	}
}

/* Whether the device, which is locked, takes accesses of this size here. */
static inline bool fits(const struct bus_window *w, uint64_t off, unsigned size)
{
	const struct device_ops *ops = w->dev->ops;

	if (size >= ops->min_access && size <= ops->max_access && is_aligned(off, size) &&
	    size <= w->size - off)
		return true;
	w->dev->guest_errors++;
	return false;
}

enum access bus_read(struct bus *b, uint64_t addr, unsigned size, uint64_t *v)
{
	const struct bus_window *w = find(current(b), addr);
	struct device *d;

	*v = 0;
	if (!w)
		return ACCESS_NOBODY;
	d = w->dev;
	LOCK_SCOPE(&d->lock);
	if (!fits(w, addr - w->base, size) || !d->ops->read)
		return ACCESS_REFUSED;
	*v = d->ops->read(d, addr - w->base, size) & (UINT64_MAX >> (64 - 8 * size));
	return ACCESS_OK;
}

enum access bus_write(struct bus *b, uint64_t addr, unsigned size, uint64_t v)
{
	const struct bus_window *w = find(current(b), addr);
	struct device *d;

	if (!w)
		return ACCESS_NOBODY;
	d = w->dev;
	LOCK_SCOPE(&d->lock);
	if (!fits(w, addr - w->base, size) || !d->ops->write)
		return ACCESS_REFUSED;
	d->ops->write(d, addr - w->base, size, v & (UINT64_MAX >> (64 - 8 * size)));
	return ACCESS_OK;
}

struct device *bus_find(const struct bus *b, uint64_t addr)
{
	const struct bus_window *w = find(current(b), addr);

	return w ? w->dev : NULL;
}

void bus_for_each(const struct bus *b, void (*fn)(struct device *d, void *ctx), void *ctx)
{
	const struct map *m = current(b);

	for (size_t i = 0; i < m->n; i++)
		fn(m->at[i].dev, ctx);
}
