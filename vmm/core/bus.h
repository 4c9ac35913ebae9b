/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus: from a guest physical address to the device that claims it.
 *
 * The bus locks, checks and translates, and has no policy: it answers, and arch/ alone decides
 * what the guest then feels. A look-up is a binary search in an immutable sorted map, reached by
 * one acquire load: an access takes no bus-wide lock, so vCPUs meet only in the device they share.
 *
 * Who changes the map takes bus.change, publishes a new map and retires the old one; a retired map
 * is freed when no access can still be looking at it (bus_reclaim() with the vCPUs held, or
 * bus_destroy()).
 */
#ifndef VMM_CORE_BUS_H
#define VMM_CORE_BUS_H

#include "vmm/base/checked.h"
#include "vmm/base/err.h"
#include "vmm/core/device.h"

/* What an access must know of a device, so that looking touches none but the one it finds. */
struct bus_window {
	uint64_t base, size;
	struct device *dev;
	unsigned sizes; /* of accesses that it takes, or-ed: they are powers of two */
};

struct bus_map {
	struct bus_map *retired_next; /* bus.change */
	uint64_t generation;	      /* counts maps; never 0, never the same again */
	size_t n;
	struct bus_window at[]; /* sorted by base, disjoint */
};

struct bus {
	_Atomic(struct bus_map *) map; /* release by who publishes, acquire by who looks up */
	struct mutex change;
	struct bus_map *retired; /* change */
};

/* Where somebody's last access went: the next often goes there, too. Starts as zeroes. */
struct bus_cursor {
	uint64_t generation; /* of the map that the window is in */
	const struct bus_window *window;
};

enum access {
	ACCESS_OK,	/* carried out */
	ACCESS_NOBODY,	/* no device claims the address */
	ACCESS_REFUSED, /* a device is there, but not for this size or alignment */
};

/* The caller owns the bus. NULL and @e set when memory is short. */
struct bus *bus_create(struct err *e) MUST_CHECK;

/* Frees the bus, not the devices on it. No access may be under way. NULL is fine. */
void bus_destroy(struct bus *b);

/*
 * Puts @d on the bus at its own window. The device stays the caller's and must outlive its place
 * here. Fails with -EEXIST, naming both, when windows overlap, -EINVAL for an empty or wrapping
 * window, -ENOMEM.
 */
int bus_add(struct bus *b, struct device *d, struct err *e) MUST_CHECK;

/* Takes @d off. Hold the vCPUs: an access that found it may still be inside. */
void bus_remove(struct bus *b, struct device *d);

/* Frees retired maps. Hold the vCPUs. */
void bus_reclaim(struct bus *b);

/* The device whose window holds @addr, or NULL. Hold the vCPUs or own the device's lifetime. */
struct device *bus_find(const struct bus *b, uint64_t addr);

/* The window that holds @addr, or NULL; valid until the map that it is in is reclaimed. */
static inline const struct bus_window *bus_window_at(const struct bus *b, uint64_t addr)
{
	const struct bus_map *m = atomic_load_explicit(&b->map, memory_order_acquire);
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (m->at[mid].base > addr)
			hi = mid;
		else if (addr - m->at[mid].base < m->at[mid].size) /* not below: cannot wrap */
			return &m->at[mid];
		else
			lo = mid + 1;
	}
	return NULL;
}

/* The same, looking first where @c points. */
static inline const struct bus_window *bus_window_near(const struct bus *b, struct bus_cursor *c,
						       uint64_t addr)
{
	const struct bus_map *m = atomic_load_explicit(&b->map, memory_order_acquire);
	const struct bus_window *w = c->window;

	if (c->generation != m->generation || addr - w->base >= w->size) {
		w = bus_window_at(b, addr);
		if (w)
			*c = (struct bus_cursor){ m->generation, w };
	}
	return w;
}

/* Counts an access that @d does not take. */
enum access bus_refuse_(struct device *d);

/* Whether the device of @w takes accesses of @size bytes at @off. Aligned, so or is plus. */
static inline bool bus_fits(const struct bus_window *w, uint64_t off, unsigned size)
{
	const uint64_t below = (uint64_t)size - 1;

	return w->sizes & size && !(off & below) && (off | below) < w->size;
}

/*
 * A guest access of @size bytes (1, 2, 4 or 8) at @addr, which is in @w (NULL: in none); values are
 * in the low bytes. Takes the device's lock. *@v is always set by a read: to 0 unless a device
 * answered, and never with bits above @size, so nothing of an earlier access leaks. Inline: every
 * exit of a vCPU comes here; and what a window is never changes, so it is looked at before the lock
 * is taken, while it is in registers.
 */
static inline ALWAYS_INLINE enum access bus_window_read(const struct bus_window *w, uint64_t addr,
							unsigned size, uint64_t *v)
{
	uint64_t off, bytes;
	struct device *d;

	*v = 0;
	if (!w)
		return ACCESS_NOBODY;
	d = w->dev;
	off = addr - w->base;
	if (!bus_fits(w, off, size) || !d->ops->read)
		return bus_refuse_(d);
	mutex_lock(&d->lock);
	bytes = d->ops->read(d, off, size);
	mutex_unlock(&d->lock);
	*v = low_bytes(bytes, size);
	return ACCESS_OK;
}

static inline ALWAYS_INLINE enum access bus_window_write(const struct bus_window *w, uint64_t addr,
							 unsigned size, uint64_t v)
{
	struct device *d;
	uint64_t off;

	if (!w)
		return ACCESS_NOBODY;
	d = w->dev;
	off = addr - w->base;
	if (!bus_fits(w, off, size) || !d->ops->write)
		return bus_refuse_(d);
	mutex_lock(&d->lock);
	d->ops->write(d, off, size, low_bytes(v, size));
	mutex_unlock(&d->lock);
	return ACCESS_OK;
}

/* The same with the window looked for. @c is the caller's own, for @b alone. */
static inline ALWAYS_INLINE enum access bus_read(const struct bus *b, struct bus_cursor *c,
						 uint64_t addr, unsigned size, uint64_t *v)
{
	return bus_window_read(bus_window_near(b, c, addr), addr, size, v);
}

static inline ALWAYS_INLINE enum access bus_write(const struct bus *b, struct bus_cursor *c,
						  uint64_t addr, unsigned size, uint64_t v)
{
	return bus_window_write(bus_window_near(b, c, addr), addr, size, v);
}

/* Calls @fn for each device in address order. Nobody may change the bus meanwhile. */
void bus_for_each(const struct bus *b, void (*fn)(struct device *d, void *ctx), void *ctx);

#endif
