/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest with one virtio device that the loop thread serves: the driver of virtio_driver.h and a
 * loop, which guest_turns() runs for a while, or a thread of the test's. Include it in one file of
 * a test program.
 */
#ifndef TESTS_LIB_VIRTIO_GUEST_H
#define TESTS_LIB_VIRTIO_GUEST_H

#include "tests/lib/mmio.h"
#include "tests/lib/test.h"
#include "tests/lib/virtio_driver.h"
#include "vmm/core/loop.h"

enum { GUEST_RAM_SIZE = 24 << 20, GUEST_RING = 64 };

#define GUEST_BUFFERS (DRIVER_RAM + (8 << 20)) /* 16 MiB for the test, in no order */

struct guest {
	struct driver d;
	struct loop *loop;
	struct call turn;
	unsigned turns;
	struct err *lost; /* a loop that fails is noted here; NULL: none may */
};

/* The guest's RAM as the host sees it: @off bytes into the buffers. */
static UNUSED uint8_t *guest_buf(struct guest *g, size_t off)
{
	return driver_at(&g->d, GUEST_BUFFERS + off);
}

static UNUSED struct piece guest_out(size_t off, size_t len)
{
	return (struct piece){ GUEST_BUFFERS + off, (uint32_t)len, false };
}

static UNUSED struct piece guest_in(size_t off, size_t len)
{
	return (struct piece){ GUEST_BUFFERS + off, (uint32_t)len, true };
}

/* Memory and a loop; the test makes the class, and then driver_plug(). */
static void guest_make(struct guest *g)
{
	struct err e;

	memset(g, 0, sizeof(*g));
	driver_init(&g->d, GUEST_RAM_SIZE);
	g->loop = loop_create(&e);
	EXPECT(g->loop != NULL);
}

static UNUSED void guest_end(struct guest *g)
{
	driver_done(&g->d);
	loop_destroy(g->loop);
}

static void guest_turn(struct call *c)
{
	struct guest *g = container_of(c, struct guest, turn);

	if (--g->turns)
		loop_post(g->loop, c);
	else
		loop_stop(g->loop);
}

/* Runs the loop for @n rounds, and the calls that the last of them posted. */
static UNUSED void guest_turns(struct guest *g, unsigned n)
{
	struct err e;

	g->turn.fn = guest_turn;
	g->turns = n + 1;
	loop_post(g->loop, &g->turn);
	if (loop_run(g->loop, &e) == 0)
		return;
	if (!g->lost)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	loop_unpost(g->loop, &g->turn);
	*g->lost = e;
}

/* A whole start of the driver, after a reset. */
static UNUSED void guest_start(struct guest *g, uint64_t features)
{
	driver_start(&g->d, features, GUEST_RING);
}

static uint32_t guest_status(struct guest *g)
{
	return driver_read(&g->d, REG_STATUS);
}

static UNUSED bool guest_needs_reset(struct guest *g)
{
	return guest_status(g) & VIRTIO_NEEDS_RESET;
}

/* Whether asked for or not. */
static UNUSED void guest_kick(struct guest *g, unsigned q)
{
	driver_write(&g->d, REG_QUEUE_NOTIFY, q);
}

/* Makes a request available; its first address is its cookie. */
static UNUSED void guest_add(struct guest *g, unsigned q, const struct piece *p, unsigned n)
{
	EXPECT(driver_add(&g->d.queue[q], p, n, p->addr));
	(void)driver_kick(&g->d.queue[q]);
}

static UNUSED void guest_give(struct guest *g, unsigned q, struct piece p)
{
	guest_add(g, q, &p, 1);
}

/* Takes the next one that came back: bytes written, or -1 when there is none. */
static UNUSED int64_t guest_take(struct guest *g, unsigned q)
{
	uint32_t written;
	uint64_t cookie;

	return driver_get(&g->d.queue[q], &cookie, &written) ? (int64_t)written : -1;
}

#endif
