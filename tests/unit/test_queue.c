/* SPDX-License-Identifier: Apache-2.0 */
/* Virtqueues with a driver that keeps the rules, in every format and with every way to suppress. */
#include "tests/lib/test.h"
#include "tests/lib/virtio_driver.h"
#include "tests/lib/virtio_echo.h"

#include <stdio.h>
#include <stdlib.h>

#define PACKED	  VIRTIO_BIT(VIRTIO_F_RING_PACKED)
#define INDIRECT  VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC)
#define EVENT_IDX VIRTIO_BIT(VIRTIO_F_EVENT_IDX)

static struct driver d;
static struct echo *e;

static void setup(uint64_t features, unsigned size)
{
	driver_init(&d, 8 * MiB);
	e = echo_create(&d.mem, NULL);
	driver_plug(&d, &e->v);
	driver_start(&d, features, size);
}

static void teardown(void)
{
	driver_done(&d);
}

/* Calls @test with all eight combinations of ring features. */
static void in_every_format(void (*test)(uint64_t features))
{
	for (unsigned i = 0; i < 8; i++) {
		(void)printf("    %s%s%s\n", i & 1 ? "packed" : "split", i & 2 ? " indirect" : "",
			     i & 4 ? " event_idx" : "");
		test((i & 1 ? PACKED : 0) | (i & 2 ? INDIRECT : 0) | (i & 4 ? EVENT_IDX : 0));
	}
}

/* A request of some shape: @cookie chooses how many pieces there are and how long. */
struct shape {
	unsigned nr_out, nr_in;
	uint32_t out_len, in_len;
	struct piece piece[16];
};

static uint64_t room; /* of memory for each request, by cookie */

static struct shape make(uint64_t cookie, unsigned slots)
{
	struct shape s = { .nr_out = (unsigned)(cookie % 5), .nr_in = (unsigned)(cookie / 5 % 6) };
	uint64_t at = room + cookie % slots * 8192;
	unsigned char *byte = driver_at(&d, at);

	if (s.nr_out + s.nr_in == 0)
		s.nr_in = 1;
	for (unsigned i = 0; i < s.nr_out + s.nr_in; i++) {
		uint32_t len = (uint32_t)(cookie * 7 + i * 13) % 700;

		s.piece[i] = (struct piece){ at, len, i >= s.nr_out };
		at += len + 3;
		if (s.piece[i].in)
			s.in_len += len;
		else
			s.out_len += len;
	}
	for (unsigned i = 0; i < 8192; i++)
		byte[i] = (unsigned char)(cookie + i);
	return s;
}

/* What the device made of it. */
static void check(uint64_t cookie, unsigned slots, uint32_t written)
{
	struct shape s = { 0 };
	unsigned char out[4096], expect;
	uint64_t base = room + cookie % slots * 8192;
	uint32_t n = 0, k = 0;

	s.nr_out = (unsigned)(cookie % 5);
	s.nr_in = (unsigned)(cookie / 5 % 6);
	if (s.nr_out + s.nr_in == 0)
		s.nr_in = 1;
	for (unsigned i = 0, at = 0; i < s.nr_out + s.nr_in; i++) {
		uint32_t len = (uint32_t)(cookie * 7 + i * 13) % 700;

		for (unsigned b = 0; b < len; b++, at++) {
			unsigned char was = (unsigned char)(cookie + at);
			unsigned char is = *((unsigned char *)driver_at(&d, base) + at);

			if (i < s.nr_out) {
				out[n++] = was;
				expect = was;
			} else {
				expect = k < n ? out[k] ^ 0xff : was;
				k++;
			}
			EXPECT_EQ(is, expect);
		}
		at += 3;
	}
	EXPECT_EQ(written, k < n ? k : n);
}

static void many_requests(uint64_t features)
{
	enum { SLOTS = 64, ROUNDS = 2000 };
	unsigned sizes[] = { 16, 64, 21, 13 }, n = features & PACKED ? 4 : 2;

	for (unsigned k = 0; k < n; k++) {
		uint64_t cookie = 0, done = 0, at, seen[SLOTS];
		struct driver_queue *q;
		uint32_t written;

		setup(features, sizes[k]);
		room = driver_alloc(&d, SLOTS * 8192);
		q = &d.queue[0];
		memset(seen, 0xff, sizeof(seen));
		while (done < ROUNDS) {
			/* A different number each time, so that every position meets every case. */
			for (unsigned i = 0; i < 1 + cookie % 7 && cookie - done < SLOTS; i++) {
				struct shape s = make(cookie, SLOTS);

				if (!driver_add(q, s.piece, s.nr_out + s.nr_in, cookie))
					break;
				cookie++;
			}
			if (done % 3)
				EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
			(void)driver_kick(q);
			EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
			while (driver_get(q, &at, &written)) {
				EXPECT(seen[at % SLOTS] != at);
				seen[at % SLOTS] = at;
				check(at, SLOTS, written);
				done++;
			}
			EXPECT_EQ(q->out, 0);
		}
		EXPECT_EQ(driver_read(&d, REG_STATUS), 15);
		teardown();
	}
}

TEST(requests_come_and_go_in_every_format_many_times_round)
{
	in_every_format(many_requests);
}

TEST_MAIN(T(requests_come_and_go_in_every_format_many_times_round))
