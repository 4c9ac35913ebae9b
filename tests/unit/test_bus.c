/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/core/bus.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static struct bus_cursor cursor;

struct reg {
	struct device dev;
	uint64_t value, last_off;
	unsigned last_size;
};

static uint64_t reg_read(struct device *d, uint64_t off, unsigned size)
{
	struct reg *r = container_of(d, struct reg, dev);

	EXPECT(mutex_is_held(&d->lock));
	r->last_off = off;
	r->last_size = size;
	return r->value;
}

static void reg_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct reg *r = container_of(d, struct reg, dev);

	r->last_off = off;
	r->last_size = size;
	r->value = v;
}

static void reg_destroy(struct device *d)
{
	(void)d;
}

static const struct device_ops reg_ops = {
	.name = "reg",
	.read = reg_read,
	.write = reg_write,
	.destroy = reg_destroy,
	.min_access = 1,
	.max_access = 4,
};

static struct bus *new_bus(void)
{
	struct err e;
	struct bus *b = bus_create(&e);

	EXPECT(b != NULL);
	return b;
}

static int add(struct bus *b, struct reg *r, uint64_t base, uint64_t size, struct err *e)
{
	*r = (struct reg){ .value = 0x1122334455667788 };
	device_init(&r->dev, &reg_ops, base, size);
	return bus_add(b, &r->dev, e);
}

TEST(bus_finds_every_device_among_many_at_both_ends_and_not_beyond)
{
	enum { N = 500 };
	static struct reg r[N];
	struct bus *b = new_bus();
	struct err e;

	/* In an order that is neither up nor down. */
	for (unsigned i = 0; i < N; i++) {
		unsigned k = i * 7 % N;

		EXPECT_EQ(add(b, &r[k], 0x1000 + k * 0x2000ULL, 0x1000, &e), 0);
	}
	for (unsigned k = 0; k < N; k++) {
		uint64_t base = 0x1000 + k * 0x2000ULL;

		EXPECT(bus_find(b, base) == &r[k].dev);
		EXPECT(bus_find(b, base + 0xfff) == &r[k].dev);
		EXPECT(bus_find(b, base + 0x1000) == NULL);
		EXPECT(bus_find(b, base - 1) == NULL);
	}
	EXPECT(bus_find(b, UINT64_MAX) == NULL);
	bus_destroy(b);
}

TEST(bus_refuses_overlap_emptiness_and_wrapping)
{
	struct bus *b = new_bus();
	struct reg a, c;
	struct err e;

	EXPECT_EQ(add(b, &a, 0x1000, 0x1000, &e), 0);
	EXPECT_EQ(add(b, &c, 0x1fff, 1, &e), -EEXIST);
	EXPECT_HAS(e.text, "overlaps reg at 0x1000");
	EXPECT_EQ(add(b, &c, 0xfff, 2, &e), -EEXIST);
	EXPECT_EQ(add(b, &c, 0, UINT64_MAX, &e), -EEXIST);
	EXPECT_EQ(add(b, &c, 0x3000, 0, &e), -EINVAL);
	EXPECT_EQ(add(b, &c, UINT64_MAX, 2, &e), -EINVAL);
	EXPECT_EQ(add(b, &c, UINT64_MAX, 1, &e), 0); /* the last byte of the space is fine */
	EXPECT(bus_find(b, UINT64_MAX) == &c.dev);
	EXPECT_EQ(add(b, &a, 0x2000, 1, &e), 0); /* touching is not overlapping */
	bus_destroy(b);
}

TEST(bus_never_leaks_an_earlier_exit_into_a_read)
{
	struct bus *b = new_bus();
	struct reg a;
	struct err e;
	uint64_t v = UINT64_MAX;

	EXPECT_EQ(add(b, &a, 0x1000, 0x10, &e), 0);
	EXPECT_EQ(bus_read(b, &cursor, 0x2000, 8, &v), ACCESS_NOBODY);
	EXPECT_EQ(v, 0);
	v = UINT64_MAX;
	EXPECT_EQ(bus_read(b, &cursor, 0x1000, 8, &v), ACCESS_REFUSED); /* 8 > max_access */
	EXPECT_EQ(v, 0);
	v = UINT64_MAX;
	EXPECT_EQ(bus_read(b, &cursor, 0x1000, 2, &v), ACCESS_OK);
	EXPECT_EQ(v, 0x7788); /* the value's low bytes, and no more */
	bus_destroy(b);
}

TEST(bus_checks_size_and_alignment_and_the_end_of_the_window)
{
	struct bus *b = new_bus();
	struct reg a;
	struct err e;

	EXPECT_EQ(add(b, &a, 0x1000, 0xe, &e), 0);
	EXPECT_EQ(bus_write(b, &cursor, 0x1002, 4, 1), ACCESS_REFUSED);
	EXPECT_EQ(bus_write(b, &cursor, 0x1001, 2, 1), ACCESS_REFUSED);
	EXPECT_EQ(bus_write(b, &cursor, 0x100c, 4, 1), ACCESS_REFUSED); /* runs over the end */
	EXPECT_EQ(a.dev.guest_errors, 3);
	EXPECT_EQ(a.value, 0x1122334455667788);
	EXPECT_EQ(bus_write(b, &cursor, 0x100c, 2, 0x01020304), ACCESS_OK);
	EXPECT_EQ(a.last_off, 0xc);
	EXPECT_EQ(a.last_size, 2);
	EXPECT_EQ(a.value, 0x0304); /* the upper bytes of the exit are not the guest's */
	bus_destroy(b);
}

TEST(bus_forgets_a_removed_device_and_keeps_the_others)
{
	struct bus *b = new_bus();
	struct reg r[3];
	struct err e;

	for (unsigned i = 0; i < 3; i++)
		EXPECT_EQ(add(b, &r[i], 0x1000 * (i + 1), 0x1000, &e), 0);
	bus_remove(b, &r[1].dev);
	EXPECT(bus_find(b, 0x1000) == &r[0].dev);
	EXPECT(bus_find(b, 0x2000) == NULL);
	EXPECT(bus_find(b, 0x3000) == &r[2].dev);
	bus_reclaim(b);
	EXPECT_EQ(bus_add(b, &r[1].dev, &e), 0);
	EXPECT(bus_find(b, 0x2000) == &r[1].dev);
	bus_destroy(b);
}

TEST(bus_cursor_never_outlives_a_change_of_the_map)
{
	struct bus *b = new_bus();
	struct reg r[2];
	struct err e;
	uint64_t v;

	EXPECT_EQ(add(b, &r[0], 0x1000, 0x1000, &e), 0);
	EXPECT_EQ(bus_read(b, &cursor, 0x1000, 4, &v), ACCESS_OK);
	bus_remove(b, &r[0].dev);
	EXPECT_EQ(bus_read(b, &cursor, 0x1000, 4, &v), ACCESS_NOBODY);
	EXPECT_EQ(add(b, &r[1], 0x1000, 0x1000, &e), 0);
	bus_reclaim(b);
	r[1].value = 7;
	EXPECT_EQ(bus_read(b, &cursor, 0x1000, 4, &v), ACCESS_OK);
	EXPECT_EQ(v, 7);
	EXPECT_EQ(bus_read(b, &cursor, 0x2000, 4, &v), ACCESS_NOBODY); /* just behind it */
	EXPECT_EQ(bus_read(b, &cursor, 0xfff, 1, &v), ACCESS_NOBODY);
	bus_destroy(b);
}

/* --- a device with a thread of its own --- */

struct busy {
	struct device dev;
	pthread_t thread;
	int locked[2], ending[2]; /* pipes: it has the lock; it may give it back */
};

static void *hold_the_lock(void *arg)
{
	struct busy *b = arg;
	char byte = 0;

	LOCK_SCOPE(&b->dev.lock);
	if (write(b->locked[1], &byte, 1) != 1 || read(b->ending[0], &byte, 1) != 1)
		abort();
	return NULL;
}

static void busy_destroy(struct device *d)
{
	struct busy *b = container_of(d, struct busy, dev);

	EXPECT_EQ(write(b->ending[1], "", 1), 1);
	EXPECT_EQ(pthread_join(b->thread, NULL), 0);
	mutex_destroy(&d->lock);
}

TEST(device_ends_while_its_thread_has_the_lock)
{
	static const struct device_ops ops = { .name = "busy", .destroy = busy_destroy };
	struct busy b = { .locked = { -1, -1 } };
	char byte;

	device_init(&b.dev, &ops, 0, 4096);
	EXPECT_EQ(pipe(b.locked), 0);
	EXPECT_EQ(pipe(b.ending), 0);
	EXPECT_EQ(pthread_create(&b.thread, NULL, hold_the_lock, &b), 0);
	EXPECT_EQ(read(b.locked[0], &byte, 1), 1);
	device_destroy(&b.dev);
	for (unsigned i = 0; i < 2; i++) {
		(void)close(b.locked[i]);
		(void)close(b.ending[i]);
	}
}

TEST_MAIN(T(bus_finds_every_device_among_many_at_both_ends_and_not_beyond),
	  T(bus_refuses_overlap_emptiness_and_wrapping),
	  T(bus_never_leaks_an_earlier_exit_into_a_read),
	  T(bus_checks_size_and_alignment_and_the_end_of_the_window),
	  T(bus_cursor_never_outlives_a_change_of_the_map),
	  T(bus_forgets_a_removed_device_and_keeps_the_others),
	  T(device_ends_while_its_thread_has_the_lock))
