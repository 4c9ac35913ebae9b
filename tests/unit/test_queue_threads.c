/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver and a device at the same time: no kick and no interrupt is lost, whoever sleeps, and
 * resets come at any moment. Run under the thread sanitizer, too.
 */
#include "tests/lib/test.h"
#include "tests/lib/virtio_driver.h"
#include "tests/lib/virtio_echo.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
enum { SLOWER = 16 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { SLOWER = 16 };
#else
enum { SLOWER = 1 };
#endif
#else
enum { SLOWER = 1 };
#endif

#define V1	  VIRTIO_BIT(VIRTIO_F_VERSION_1)
#define PACKED	  VIRTIO_BIT(VIRTIO_F_RING_PACKED)
#define INDIRECT  VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC)
#define EVENT_IDX VIRTIO_BIT(VIRTIO_F_EVENT_IDX)

enum { LOST_MS = 20000, LEN = 16 };

static struct driver d;
static struct echo *e;

static void setup(void)
{
	driver_init(&d, 8 * MiB);
	e = echo_create(&d.mem, NULL);
	driver_plug(&d, &e->v);
	echo_run(e);
}

static void teardown(void)
{
	echo_end(e);
	driver_done(&d);
}

static uint64_t in_every_format(unsigned i)
{
	return (i & 1 ? PACKED : 0) | (i & 2 ? INDIRECT : 0) | (i & 4 ? EVENT_IDX : 0);
}

/* Takes back what is used; waits for the first as a driver that sleeps does. */
static unsigned collect(struct driver_queue *q, bool wait)
{
	uint64_t cookie;
	uint32_t written;
	unsigned n = 0;

	for (;;) {
		while (driver_get(q, &cookie, &written)) {
			const unsigned char *at = driver_at(&d, cookie);

			EXPECT_EQ(written, LEN);
			for (unsigned i = 0; i < LEN; i++)
				EXPECT_EQ(at[LEN + i], at[i] ^ 0xff);
			n++;
		}
		if (n || !wait)
			return n;
		if (driver_want_interrupt(q, true))
			continue;
		if (driver_wait(&d, LOST_MS) == 0)
			test_fail(__FILE__, __LINE__, "an interrupt was lost");
	}
}

static uint32_t random_below(uint32_t n)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x % n);
}

/* At most @depth requests at a time; then a reset in the middle of whatever is under way. */
static void keep_busy(uint64_t features, unsigned size, unsigned depth, unsigned requests)
{
	struct driver_queue *q = &d.queue[0];
	uint64_t buf, next = 0;
	unsigned done = 0, sent = 0;

	driver_start(&d, features, size);
	buf = driver_alloc(&d, 64 * 2 * LEN);
	while (done < requests) {
		unsigned n = 1 + random_below(depth);

		while (n && q->out < depth) {
			uint64_t at = buf + next++ % 64 * 2 * LEN;
			struct piece p[] = { { at, LEN, false }, { at + LEN, LEN, true } };

			memset(driver_at(&d, at), (int)next, LEN);
			if (!driver_add(q, p, 2, at))
				break;
			sent++;
			n--;
		}
		(void)driver_kick(q);
		done += collect(q, q->out == depth || random_below(3) == 0);
		if (!(features & EVENT_IDX) && random_below(2))
			(void)driver_want_interrupt(q, false);
	}
	EXPECT_EQ(driver_read(&d, REG_STATUS), 15);
	driver_write(&d, REG_STATUS, 0);
	EXPECT_EQ(driver_read(&d, REG_STATUS), 0);
	EXPECT(sent >= done);
	(void)driver_wait(&d, 0);
	driver_forget(&d);
}

TEST(driver_and_device_lose_no_kick_and_no_interrupt)
{
	setup();
	for (unsigned i = 0; i < 8; i++) {
		uint64_t features = in_every_format(i);
		unsigned size = features & PACKED ? 23 : 32;

		(void)printf("    features %#" PRIx64 "\n", features);
		e->batch = 1 + i;
		keep_busy(features, size, 8, 160000 / SLOWER);
		keep_busy(features, size, 1, 8000 / SLOWER); /* both sleep, by turns */
		keep_busy(features, 8, 4, 40000 / SLOWER);
	}
	teardown();
}

TEST(reset_comes_at_any_moment)
{
	setup();
	for (unsigned i = 0; i < 2000 / SLOWER; i++)
		keep_busy(in_every_format(i % 8), 16, 6, i % 40);
	EXPECT_EQ(e->v.rules_broken, 0);
	teardown();
}

static void *give_later(void *ctx)
{
	for (unsigned i = 0; i < 5; i++) {
		(void)usleep(10000);
		LOCK_SCOPE(&e->queue[0].lock);
		EXPECT(queue_in_flight(&e->queue[0]) == 5 - i);
		EXPECT(echo_give(e));
	}
	return ctx;
}

TEST(stopped_queue_waits_for_what_is_in_flight)
{
	struct piece p = { DRIVER_RAM + MiB, LEN, true };
	pthread_t t;

	driver_init(&d, 8 * MiB);
	e = echo_create(&d.mem, NULL);
	driver_plug(&d, &e->v);
	driver_start(&d, 0, 16);
	for (unsigned i = 0; i < 5; i++)
		EXPECT(driver_add(&d.queue[0], &p, 1, i));
	EXPECT_EQ(echo_take(e), 5);
	EXPECT_EQ(pthread_create(&t, NULL, give_later, NULL), 0);
	queue_stop(&e->queue[0]);
	queue_drain(&e->queue[0]);
	mutex_lock(&e->queue[0].lock);
	EXPECT_EQ(queue_in_flight(&e->queue[0]), 0);
	EXPECT(e->held == NULL);
	mutex_unlock(&e->queue[0].lock);
	EXPECT_EQ(pthread_join(t, NULL), 0);
	driver_done(&d);
}

#define BUF   (DRIVER_RAM + MiB)
#define TABLE (DRIVER_RAM + 2 * MiB)

static _Atomic bool flipping;

static uint64_t some_address(bool table)
{
	static const uint64_t odd[] = { 0, UINT64_MAX, DRIVER_MMIO, DRIVER_RAM + 8 * MiB - 8 };

	if (random_below(30) == 0)
		return odd[random_below(ARRAY_SIZE(odd))];
	return table ? TABLE + 16 * random_below(8) : BUF + random_below(4096);
}

/*
 * Writes what might be a ring, all the time and everywhere. A descriptor whose number is a multiple
 * of 4 names a table or nothing, and no other does: or else data would be copied to and from
 * tables, which is legal, too, but a data race for the sanitizer.
 */
static void *flip(void *ctx)
{
	struct driver_queue *q = ctx;
	uint16_t idx = 0;

	while (atomic_load(&flipping)) {
		unsigned i = random_below(q->size), flags = random_below(4);
		bool table = i % 4 == 0, in_table = random_below(4) == 0;
		uint64_t addr = some_address(table);
		uint32_t len = table ? 16 * random_below(6) : random_below(300);
		uint16_t link = (uint16_t)random_below(q->size + (random_below(50) == 0));

		if (table)
			flags |= D_INDIRECT;
		if (q->packed)
			flags |= random_below(2) ? D_AVAIL : D_USED;
		if (!in_table)
			driver_desc(q, i, addr, len, q->packed ? link : (uint16_t)flags,
				    q->packed ? (uint16_t)flags : link);
		else if (!table || !q->packed) /* packed tables have no flag that says "table" */
			driver_desc_at(&d, TABLE + 16 * i, addr, len,
				       q->packed ? link : (uint16_t)flags,
				       q->packed ? (uint16_t)flags : link);
		if (q->packed)
			continue;
		driver_avail_entry(q, random_below(q->size), link);
		driver_avail_index(q, idx = (uint16_t)(idx + random_below(3)));
	}
	return NULL;
}

TEST(rings_that_change_while_they_are_read_do_no_harm)
{
	setup();
	for (unsigned packed = 0; packed < 2; packed++) {
		struct driver_queue *q = &d.queue[0];
		uint64_t features = V1 | INDIRECT | (packed ? PACKED : 0);
		pthread_t t;

		EXPECT(driver_negotiate(&d, features));
		driver_queue_make(&d, 0, 16);
		memset(driver_at(&d, TABLE), 0, 4096);
		atomic_store(&flipping, true);
		EXPECT_EQ(pthread_create(&t, NULL, flip, q), 0);
		for (unsigned i = 0; i < 400 / SLOWER; i++) {
			EXPECT(driver_negotiate(&d, features));
			driver_queue_program(&d, 0);
			driver_write(&d, REG_QUEUE_READY, 1);
			driver_write(&d, REG_STATUS, 15);
			while (!(driver_read(&d, REG_STATUS) & VIRTIO_NEEDS_RESET))
				driver_write(&d, REG_QUEUE_NOTIFY, 0);
		}
		atomic_store(&flipping, false);
		EXPECT_EQ(pthread_join(t, NULL), 0);
		driver_write(&d, REG_STATUS, 0);
		driver_forget(&d);
		(void)driver_wait(&d, 0);
		keep_busy(packed ? PACKED : 0, 16, 6, 100);
	}
	teardown();
}

TEST_MAIN(T(driver_and_device_lose_no_kick_and_no_interrupt), T(reset_comes_at_any_moment),
	  T(stopped_queue_waits_for_what_is_in_flight),
	  T(rings_that_change_while_they_are_read_do_no_harm))
