/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's loads and stores, as they come to the bus. */
#ifndef TESTS_LIB_MMIO_H
#define TESTS_LIB_MMIO_H

#include "vmm/core/bus.h"

/* A bus with @d on it, reset. The caller destroys both. */
struct bus *mmio_bus(struct device *d);
/* The same, and it may fail: NULL. */
struct bus *mmio_try_bus(struct device *d, struct err *e);

/* Accesses of @size bytes that the bus must carry out, or the test fails. */
uint64_t mmio_read(struct bus *b, uint64_t addr, unsigned size);
void mmio_write(struct bus *b, uint64_t addr, unsigned size, uint64_t v);

/*
 * Reads and writes everything in and around @d's window: every offset, sizes 1, 2, 4 and 8, and
 * values that are extreme. Nothing is expected but that the program lives.
 */
void mmio_abuse(struct bus *b, struct device *d);

/* Expects the eight PrimeCell identification registers of @d to hold @id. */
void mmio_expect_id(struct bus *b, const struct device *d, const uint8_t id[8]);

#endif
