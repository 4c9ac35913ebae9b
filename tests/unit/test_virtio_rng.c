/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/rng.h"
#include "tests/lib/virtio_guest.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static struct guest g;
static size_t asked;   /* of the host, in bytes */
static int host_error; /* what it answers, 0 for numbers */

/* In place of the C library's: counts up. */
ssize_t getrandom(void *to, size_t len, unsigned flags)
{
	static uint8_t next;

	EXPECT_EQ(flags, GRND_NONBLOCK);
	if (host_error) {
		errno = host_error;
		return -1;
	}
	asked += len;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = ++next ? next : ++next;
	return (ssize_t)len;
}

static void begin(void)
{
	struct err e;
	struct virtio *v;

	guest_make(&g);
	v = virtio_rng_create(&g.d.mem, g.loop, &e);
	EXPECT(v != NULL);
	driver_plug(&g.d, v);
	guest_start(&g, 0);
}

TEST(it_is_an_entropy_device_with_one_queue)
{
	begin();
	EXPECT_EQ(driver_read(&g.d, REG_DEVICE_ID), 4);
	driver_write(&g.d, REG_DEVICE_FEATURES_SEL, 0);
	EXPECT_EQ(driver_read(&g.d, REG_DEVICE_FEATURES) & 0xffffff, 0);
	EXPECT_EQ(g.d.nr_queues, 1);
	guest_end(&g);
}

TEST(a_buffer_is_filled_and_nothing_beside_it)
{
	begin();
	guest_give(&g, 0, guest_in(100, 64));
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, 0), 64);
	for (size_t i = 0; i < 64; i++)
		EXPECT(guest_buf(&g, 100)[i] != 0);
	EXPECT_EQ(guest_buf(&g, 0)[99], 0);
	EXPECT_EQ(guest_buf(&g, 0)[164], 0);
	EXPECT_EQ(driver_read(&g.d, REG_INTERRUPT_STATUS), VIRTIO_INT_QUEUE);
	guest_end(&g);
}

/* Good and hostile requests; how many bytes each gets, -1 when the queue breaks instead. */
static const struct {
	const char *what;
	struct piece p[4];
	unsigned n;
	int64_t gets;
} requests[] = {
	{ "one byte", { { GUEST_BUFFERS, 1, true } }, 1, 1 },
	{ "the last byte of RAM", { { DRIVER_RAM + GUEST_RAM_SIZE - 1, 1, true } }, 1, 1 },
	{ "all that one gets", { { GUEST_BUFFERS, 4096, true } }, 1, 4096 },
	{ "more than one gets", { { GUEST_BUFFERS, 1 << 20, true } }, 1, 4096 },
	{ "pieces",
	  { { GUEST_BUFFERS, 1, true },
	    { GUEST_BUFFERS + 500, 100, true },
	    { GUEST_BUFFERS, 7, true } },
	  3,
	  108 },
	{ "pieces whose third is beyond what one gets",
	  { { GUEST_BUFFERS, 4000, true },
	    { GUEST_BUFFERS + 5000, 100, true },
	    { GUEST_BUFFERS + 6000, 100, true } },
	  3,
	  4096 },
	{ "nothing to write to", { { GUEST_BUFFERS, 64, false } }, 1, 0 },
	{ "something to read before",
	  { { GUEST_BUFFERS, 64, false }, { GUEST_BUFFERS, 32, true } },
	  2,
	  32 },
	{ "outside RAM", { { 0x1000, 64, true } }, 1, -1 },
	{ "half outside RAM", { { DRIVER_RAM + GUEST_RAM_SIZE - 32, 64, true } }, 1, -1 },
	{ "an address that wraps", { { UINT64_MAX - 10, 64, true } }, 1, -1 },
	{ "a length of 2^31", { { DRIVER_RAM, 1U << 31, true } }, 1, -1 },
};

TEST(each_request_gets_what_it_may_or_breaks_the_queue_until_a_reset)
{
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int64_t got;

		asked = 0;
		guest_add(&g, 0, requests[i].p, requests[i].n);
		guest_turns(&g, 2);
		got = guest_take(&g, 0);
		if (got != requests[i].gets || guest_needs_reset(&g) != (got < 0))
			test_fail(__FILE__, __LINE__, "%s: got %jd, status 0x%x", requests[i].what,
				  (intmax_t)got, guest_status(&g));
		EXPECT(asked <= 4097);
		if (got < 0)
			guest_start(&g, 0);
		guest_give(&g, 0, guest_in(0, 16));
		guest_turns(&g, 2);
		EXPECT_EQ(guest_take(&g, 0), 16);
	}
	guest_end(&g);
}

TEST(a_turn_of_the_loop_gives_some_and_goes_on_in_the_next)
{
	unsigned taken = 0, turns = 0;

	begin();
	for (int i = 0; i < 16; i++)
		guest_give(&g, 0, guest_in(0, 1 << 20));
	while (taken < 16) {
		asked = 0;
		guest_turns(&g, 1);
		EXPECT(asked <= 2 * 16384 + 1); /* the kick's turn, and the next one */
		for (; guest_take(&g, 0) == 4096;)
			taken++;
		EXPECT(++turns < 20);
	}
	EXPECT(turns >= 2);
	guest_end(&g);
}

TEST(requests_wait_for_a_host_that_has_no_entropy_yet)
{
	host_error = EAGAIN;
	begin();
	guest_give(&g, 0, guest_in(0, 64));
	guest_turns(&g, 3);
	EXPECT_EQ(guest_take(&g, 0), -1);
	host_error = 0;
	for (int64_t got = -1; got < 0;) {
		struct timespec ms = { .tv_nsec = 1000000 };

		(void)nanosleep(&ms, NULL);
		guest_turns(&g, 1);
		got = guest_take(&g, 0);
		EXPECT(got == -1 || got == 64);
	}

	/* Host memory that fails under a buffer is no reason to keep it. */
	host_error = EFAULT;
	guest_give(&g, 0, guest_in(0, 64));
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, 0), 0);
	guest_end(&g);
}

TEST(registers_survive_abuse)
{
	begin();
	mmio_abuse(g.d.bus, g.d.dev);
	guest_turns(&g, 5);
	guest_start(&g, 0);
	guest_give(&g, 0, guest_in(0, 64));
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, 0), 64);
	guest_end(&g);
}

TEST_MAIN(T(it_is_an_entropy_device_with_one_queue), T(a_buffer_is_filled_and_nothing_beside_it),
	  T(each_request_gets_what_it_may_or_breaks_the_queue_until_a_reset),
	  T(a_turn_of_the_loop_gives_some_and_goes_on_in_the_next),
	  T(requests_wait_for_a_host_that_has_no_entropy_yet), T(registers_survive_abuse))
