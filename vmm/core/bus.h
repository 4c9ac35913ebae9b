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

#include "vmm/base/err.h"
#include "vmm/core/device.h"

struct bus;

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

/*
 * A guest access of @size bytes (1, 2, 4 or 8) at @addr; values are in the low bytes. Takes the
 * device's lock. *@v is always set by a read: to 0 unless a device answered, and never with bits
 * above @size, so nothing of an earlier access leaks.
 */
enum access bus_read(struct bus *b, uint64_t addr, unsigned size, uint64_t *v);
enum access bus_write(struct bus *b, uint64_t addr, unsigned size, uint64_t v);

/* The device whose window holds @addr, or NULL. Hold the vCPUs or own the device's lifetime. */
struct device *bus_find(const struct bus *b, uint64_t addr);

/* Calls @fn for each device in address order. Nobody may change the bus meanwhile. */
void bus_for_each(const struct bus *b, void (*fn)(struct device *d, void *ctx), void *ctx);

#endif
