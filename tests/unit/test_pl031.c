/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/pl031.h"
#include "tests/lib/fake_irq.h"
#include "tests/lib/fake_loop.h"
#include "tests/lib/mmio.h"
#include "tests/lib/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define BASE   0x9010000ULL
#define MS     1000000ULL
#define SECOND (1000 * MS)
#define START  1700000000U /* the host's date, in seconds, when a test begins */

/* clang-format off */
enum {
	DR = 0x00, MR = 0x04, LR = 0x08, CR = 0x0c, IMSC = 0x10, RIS = 0x14, MIS = 0x18, ICR = 0x1c,
};
/* clang-format on */

static struct fake_irq irq;
static struct loop loop;
static struct device *dev;
static struct bus *bus;
static uint64_t wall_offset; /* the wall clock minus the loop's */

static uint64_t wall_now(void)
{
	return fake_loop_now + wall_offset;
}

static void set_wall(uint64_t ns)
{
	wall_offset = ns - fake_loop_now;
}

/* A clock that stands a quarter of a second into START. */
static void setup(void)
{
	struct err e;

	fake_irq_init(&irq, 2);
	fake_loop_init(&loop);
	set_wall(START * SECOND + 250 * MS);
	dev = pl031_create(BASE, 0x1000, &irq.line, &loop, &e);
	EXPECT(dev != NULL);
	pl031_use_clock(dev, wall_now);
	bus = mmio_bus(dev);
}

static void teardown(void)
{
	bus_destroy(bus);
	device_destroy(dev);
	EXPECT(loop.timers == NULL);
	EXPECT(loop.calls == NULL);
}

static unsigned rd(unsigned reg)
{
	return (unsigned)mmio_read(bus, BASE + reg, 4);
}

static void wr(unsigned reg, unsigned v)
{
	mmio_write(bus, BASE + reg, 4, v);
}

/* Lets time go by; timers that expired. */
static unsigned pass(uint64_t ns)
{
	return fake_loop_advance(&loop, ns);
}

TEST(pl031_registers_are_as_the_manual_says_after_reset)
{
	setup();
	for (int round = 0; round < 2; round++) {
		EXPECT_EQ(rd(DR), START);
		EXPECT_EQ(rd(MR), 0);
		EXPECT_EQ(rd(LR), 0);
		EXPECT_EQ(rd(CR), 1);
		EXPECT_EQ(rd(IMSC), 0);
		EXPECT_EQ(rd(RIS), 0);
		EXPECT_EQ(rd(MIS), 0);
		EXPECT(!irq.line.level);
		wr(LR, 77);
		wr(MR, 77);
		wr(IMSC, 0xffffffff);
		wr(CR, 0);
		EXPECT_EQ(rd(CR), 1);
		EXPECT_EQ(rd(LR), 77);
		EXPECT_EQ(rd(MR), 77);
		EXPECT_EQ(rd(IMSC), 1);
		EXPECT(irq.line.level);
		device_reset(dev);
	}
	EXPECT_EQ(dev->guest_errors, 0);
	teardown();
}

TEST(pl031_identifies_itself_and_survives_abuse)
{
	static const uint8_t id[8] = { 0x31, 0x10, 0x14, 0, 0x0d, 0xf0, 0x05, 0xb1 };

	setup();
	mmio_expect_id(bus, dev, id);
	mmio_abuse(bus, dev);
	(void)pass(100 * SECOND);
	mmio_abuse(bus, dev);
	mmio_expect_id(bus, dev, id);
	device_reset(dev);
	EXPECT_EQ(rd(DR), START + 100);
	EXPECT(!irq.line.level);
	teardown();
}

TEST(pl031_counts_accesses_that_the_manual_does_not_know)
{
	setup();
	EXPECT_EQ(rd(ICR), 0);
	EXPECT_EQ(rd(0x20), 0);
	wr(DR, 5);
	wr(RIS, 1);
	wr(MIS, 1);
	EXPECT_EQ(dev->guest_errors, 5);
	EXPECT_EQ(rd(DR), START);
	teardown();
}

TEST(pl031_tells_the_hosts_time_until_the_guest_sets_it)
{
	setup();
	(void)pass(749 * MS);
	EXPECT_EQ(rd(DR), START);
	(void)pass(1 * MS);
	EXPECT_EQ(rd(DR), START + 1);
	wr(LR, 1000);
	EXPECT_EQ(rd(DR), 1000);
	(void)pass(3600 * SECOND);
	EXPECT_EQ(rd(DR), 4600);
	EXPECT(loop.timers == NULL);
	teardown();
}

TEST(pl031_without_a_test_clock_tells_the_date)
{
	struct err e;
	time_t before, after;
	unsigned told;

	fake_irq_init(&irq, 2);
	fake_loop_init(&loop);
	dev = pl031_create(BASE, 0x1000, &irq.line, &loop, &e);
	bus = mmio_bus(dev);
	before = time(NULL);
	told = rd(DR);
	after = time(NULL);
	/* time() may read a coarser clock that is a tick behind. */
	EXPECT((time_t)told >= before && (time_t)told <= after + 1);
	teardown();
}

TEST(pl031_count_wraps_at_32_bits)
{
	setup();
	wr(LR, UINT32_MAX - 1);
	(void)pass(1 * SECOND);
	EXPECT_EQ(rd(DR), UINT32_MAX);
	(void)pass(1 * SECOND);
	EXPECT_EQ(rd(DR), 0);
	set_wall(0x100000005 * SECOND); /* the host in 2106 */
	device_reset(dev);
	EXPECT_EQ(rd(DR), 5);
	teardown();
}

/* As Linux sets an alarm. */
static void set_alarm(unsigned at)
{
	wr(ICR, 1);
	wr(MR, at);
	wr(IMSC, 1);
}

TEST(pl031_alarm_comes_at_its_second_without_anybody_looking)
{
	setup();
	set_alarm(START + 10);
	EXPECT_EQ(pass(9749 * MS), 0);
	EXPECT(!irq.line.level);
	EXPECT_EQ(pass(1 * MS), 1);
	EXPECT(irq.line.level);
	EXPECT(loop.timers == NULL);
	EXPECT_EQ(rd(RIS), 1);
	EXPECT_EQ(rd(MIS), 1);
	wr(ICR, 0);
	EXPECT(irq.line.level);
	wr(ICR, 1);
	EXPECT(!irq.line.level);
	EXPECT_EQ(rd(RIS), 0);
	/* It does not come again, and nothing waits for it to. */
	EXPECT_EQ(pass(3600 * SECOND), 0);
	EXPECT_EQ(rd(RIS), 0);
	EXPECT_EQ(irq.changes, 2);
	teardown();
}

TEST(pl031_alarm_follows_the_clock_across_the_wrap)
{
	setup();
	wr(LR, UINT32_MAX - 4);
	set_alarm(5);
	(void)pass(9 * SECOND);
	EXPECT(!irq.line.level);
	(void)pass(750 * MS);
	EXPECT(irq.line.level);
	teardown();
}

TEST(pl031_match_in_the_past_does_not_fire_and_now_does)
{
	setup();
	set_alarm(START - 1);
	EXPECT_EQ(pass(1000 * SECOND), 0);
	EXPECT(!irq.line.level);
	set_alarm(START + 1000);
	EXPECT(irq.line.level);
	teardown();
}

TEST(pl031_masked_alarm_costs_no_timer_and_is_there_when_unmasked)
{
	setup();
	wr(MR, START + 10);
	EXPECT_EQ(pass(20 * SECOND), 0);
	EXPECT(!irq.line.level);
	EXPECT_EQ(rd(RIS), 1);
	EXPECT_EQ(rd(MIS), 0);
	wr(IMSC, 1);
	EXPECT(irq.line.level);
	wr(IMSC, 0);
	EXPECT(!irq.line.level);
	teardown();
}

TEST(pl031_alarm_is_taken_back_and_moved)
{
	setup();
	set_alarm(START + 10);
	(void)pass(5 * SECOND);
	wr(IMSC, 0);
	EXPECT_EQ(pass(0), 0);
	EXPECT(loop.timers == NULL);
	set_alarm(START + 20);
	(void)pass(10 * SECOND);
	EXPECT(!irq.line.level);
	(void)pass(5 * SECOND);
	EXPECT(irq.line.level);
	set_alarm(START + 100);
	(void)pass(0);
	device_reset(dev);
	EXPECT_EQ(pass(1000 * SECOND), 0);
	EXPECT(!irq.line.level);
	teardown();
}

TEST(pl031_setting_the_clock_moves_the_alarm)
{
	setup();
	set_alarm(START + 3600);
	(void)pass(1 * SECOND);
	wr(LR, START + 3590);
	(void)pass(9 * SECOND);
	EXPECT(!irq.line.level);
	(void)pass(1 * SECOND);
	EXPECT(irq.line.level);
	wr(ICR, 1);
	wr(LR, START + 7200); /* over the alarm: behind us now, not passed */
	EXPECT_EQ(rd(RIS), 0);
	teardown();
}

TEST(pl031_alarm_follows_a_host_whose_clock_is_set)
{
	setup();
	set_alarm(START + 3600);
	(void)pass(1 * SECOND);
	set_wall((START + 3599) * SECOND);
	(void)pass(60 * SECOND); /* at most a minute late */
	EXPECT(irq.line.level);

	set_alarm(START + 7200);
	(void)pass(1 * SECOND);
	set_wall(START * SECOND); /* back: later, and not at once */
	(void)pass(3600 * SECOND);
	EXPECT(!irq.line.level);
	(void)pass(3600 * SECOND);
	EXPECT(irq.line.level);
	teardown();
}

static void *guest(void *done)
{
	for (unsigned i = 0; i < 20000; i++) {
		set_alarm(rd(DR) + i % 3);
		if (rd(MIS))
			wr(ICR, 1);
	}
	wr(IMSC, 0);
	wr(ICR, 1);
	atomic_store((atomic_bool *)done, true);
	return NULL;
}

static _Atomic uint64_t stepping = START * SECOND;

static uint64_t stepping_now(void)
{
	return atomic_fetch_add(&stepping, SECOND / 3);
}

TEST(pl031_serves_a_vcpu_and_the_loop_at_once)
{
	atomic_bool done = false;
	pthread_t vcpu;

	setup();
	pl031_use_clock(dev, stepping_now);
	EXPECT_EQ(pthread_create(&vcpu, NULL, guest, &done), 0);
	while (!atomic_load(&done))
		(void)pass(SECOND / 2);
	EXPECT_EQ(pthread_join(vcpu, NULL), 0);
	(void)pass(0);
	EXPECT(!irq.line.level);
	teardown();
}

TEST_MAIN(T(pl031_registers_are_as_the_manual_says_after_reset),
	  T(pl031_identifies_itself_and_survives_abuse),
	  T(pl031_counts_accesses_that_the_manual_does_not_know),
	  T(pl031_tells_the_hosts_time_until_the_guest_sets_it),
	  T(pl031_without_a_test_clock_tells_the_date), T(pl031_count_wraps_at_32_bits),
	  T(pl031_alarm_comes_at_its_second_without_anybody_looking),
	  T(pl031_alarm_follows_the_clock_across_the_wrap),
	  T(pl031_match_in_the_past_does_not_fire_and_now_does),
	  T(pl031_masked_alarm_costs_no_timer_and_is_there_when_unmasked),
	  T(pl031_alarm_is_taken_back_and_moved), T(pl031_setting_the_clock_moves_the_alarm),
	  T(pl031_alarm_follows_a_host_whose_clock_is_set),
	  T(pl031_serves_a_vcpu_and_the_loop_at_once))
