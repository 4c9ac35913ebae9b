/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/pl061.h"
#include "tests/lib/fake_irq.h"
#include "tests/lib/fake_loop.h"
#include "tests/lib/mmio.h"
#include "tests/lib/test.h"

#include <pthread.h>

#define BASE  0x9030000ULL
#define MS    1000000ULL
#define ALL   0x3fc /* GPIODATA of all lines */
#define POWER 0x08

/* clang-format off */
enum {
	DIR = 0x400, IS = 0x404, IBE = 0x408, IEV = 0x40c, IE = 0x410,
	RIS = 0x414, MIS = 0x418, IC = 0x41c, AFSEL = 0x420,
};
/* clang-format on */

static struct fake_irq irq;
static struct loop loop;
static struct device *dev;
static struct bus *bus;

static void setup(void)
{
	struct err e;

	fake_irq_init(&irq, 7);
	fake_loop_init(&loop);
	dev = pl061_create(BASE, 0x1000, &irq.line, &loop, &e);
	EXPECT(dev != NULL);
	bus = mmio_bus(dev);
}

static void teardown(void)
{
	bus_destroy(bus);
	device_destroy(dev);
	EXPECT(loop.timers == NULL);
}

static unsigned rd(unsigned reg)
{
	return (unsigned)mmio_read(bus, BASE + reg, 1);
}

static void wr(unsigned reg, unsigned v)
{
	mmio_write(bus, BASE + reg, 1, v);
}

TEST(pl061_registers_hold_eight_bits_and_are_zero_after_reset)
{
	static const unsigned regs[] = { DIR, IS, IBE, IEV, IE, AFSEL };

	setup();
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
			EXPECT_EQ(rd(regs[i]), 0);
			mmio_write(bus, BASE + regs[i], 4, 0xffffffa5);
			EXPECT_EQ(mmio_read(bus, BASE + regs[i], 4), 0xa5);
		}
		device_reset(dev);
		EXPECT_EQ(rd(RIS), 0);
		EXPECT_EQ(rd(MIS), 0);
		EXPECT_EQ(rd(ALL), 0);
	}
	EXPECT_EQ(dev->guest_errors, 0);
	teardown();
}

TEST(pl061_identifies_itself_and_survives_abuse)
{
	static const uint8_t id[8] = { 0x61, 0x10, 0x04, 0, 0x0d, 0xf0, 0x05, 0xb1 };

	setup();
	mmio_expect_id(bus, dev, id);
	mmio_abuse(bus, dev);
	mmio_expect_id(bus, dev, id);
	device_reset(dev);
	EXPECT(!irq.line.level);
	EXPECT_EQ(rd(ALL), 0);
	teardown();
}

TEST(pl061_counts_accesses_that_the_manual_does_not_know)
{
	setup();
	EXPECT_EQ(rd(IC), 0);
	EXPECT_EQ(rd(0x424), 0);
	wr(RIS, 0xff);
	wr(MIS, 0xff);
	wr(0xfe0, 0xff);
	EXPECT_EQ(dev->guest_errors, 5);
	teardown();
}

TEST(pl061_address_bits_say_which_lines_an_access_is_about)
{
	setup();
	wr(DIR, 0xf0);
	for (unsigned line = 0; line < 4; line++)
		pl061_set_input(dev, line, line % 2);
	wr(ALL, 0xff);
	EXPECT_EQ(rd(ALL), 0xfa); /* outputs as written, inputs as they are */
	for (unsigned mask = 0; mask < 256; mask++)
		EXPECT_EQ(rd(mask << 2), 0xfa & mask);
	wr(0x50 << 2, 0);
	EXPECT_EQ(rd(ALL), 0xaa);
	wr(DIR, 0);
	EXPECT_EQ(rd(ALL), 0x0a);
	wr(DIR, 0xff);
	EXPECT_EQ(rd(ALL), 0xa0);
	teardown();
}

TEST(pl061_edges_are_latched_as_configured_until_cleared)
{
	static const struct {
		unsigned ibe, iev;
		bool on_rise, on_fall;
	} modes[] = {
		{ 0, 0, false, true },
		{ 0, 0xff, true, false },
		{ 0xff, 0, true, true },
		{ 0xff, 0xff, true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		setup();
		wr(IBE, modes[i].ibe);
		wr(IEV, modes[i].iev);
		wr(IE, 0x20);
		pl061_set_input(dev, 5, true);
		EXPECT_EQ(rd(RIS), modes[i].on_rise ? 0x20 : 0);
		EXPECT_EQ(rd(MIS), rd(RIS));
		EXPECT_EQ(irq.line.level, modes[i].on_rise);
		wr(IC, 0xdf);
		EXPECT_EQ(irq.line.level, modes[i].on_rise);
		wr(IC, 0x20);
		EXPECT(!irq.line.level);
		pl061_set_input(dev, 5, true); /* no change, no edge */
		EXPECT_EQ(rd(RIS), 0);
		pl061_set_input(dev, 5, false);
		EXPECT_EQ(rd(RIS), modes[i].on_fall ? 0x20 : 0);
		EXPECT_EQ(irq.line.level, modes[i].on_fall);
		wr(IE, 0);
		EXPECT(!irq.line.level);
		EXPECT_EQ(rd(MIS), 0);
		teardown();
	}
}

TEST(pl061_level_interrupts_follow_the_line_and_cannot_be_cleared)
{
	setup();
	wr(IS, 0x03);
	wr(IEV, 0x01); /* line 0 high, line 1 low */
	wr(IE, 0x03);
	EXPECT_EQ(rd(RIS), 0x02);
	EXPECT(irq.line.level);
	wr(IC, 0xff);
	EXPECT_EQ(rd(RIS), 0x02);
	pl061_set_input(dev, 1, true);
	EXPECT_EQ(rd(RIS), 0);
	EXPECT(!irq.line.level);
	pl061_set_input(dev, 0, true);
	EXPECT_EQ(rd(MIS), 0x01);
	EXPECT(irq.line.level);
	pl061_set_input(dev, 0, false);
	EXPECT(!irq.line.level);
	wr(IS, 0);
	EXPECT_EQ(rd(RIS), 0); /* no edge was latched meanwhile */
	teardown();
}

TEST(pl061_lines_that_the_guest_drives_do_not_interrupt)
{
	setup();
	wr(DIR, 0xff);
	wr(IBE, 0x0f);
	wr(IS, 0xf0);
	wr(IEV, 0xff);
	wr(IE, 0xff);
	wr(ALL, 0xff);
	for (unsigned line = 0; line < PL061_LINES; line++)
		pl061_set_input(dev, line, true);
	EXPECT_EQ(rd(RIS), 0);
	EXPECT(!irq.line.level);
	teardown();
}

/* As Linux's gpio-keys sets the line up. */
static void watch_power_key(void)
{
	wr(IBE, POWER);
	wr(IC, POWER);
	wr(IE, POWER);
}

TEST(pl061_power_key_goes_down_and_up_by_itself)
{
	setup();
	watch_power_key();
	pl061_press_power_key(dev);
	EXPECT(irq.line.level);
	EXPECT_EQ(rd(MIS), POWER);
	wr(IC, POWER);
	EXPECT_EQ(rd(POWER << 2), POWER);
	EXPECT_EQ(fake_loop_advance(&loop, 99 * MS), 0);
	EXPECT_EQ(rd(ALL), POWER);
	EXPECT(!irq.line.level);
	EXPECT_EQ(fake_loop_advance(&loop, 1 * MS), 1);
	EXPECT_EQ(rd(ALL), 0);
	EXPECT_EQ(rd(MIS), POWER);
	EXPECT(loop.timers == NULL);
	teardown();
}

TEST(pl061_power_key_waits_for_a_guest_that_is_slow_to_look)
{
	setup();
	watch_power_key();
	pl061_press_power_key(dev);
	EXPECT_EQ(rd(0x01 << 2), 0); /* looks at another line */
	(void)fake_loop_advance(&loop, 750 * MS);
	EXPECT_EQ(rd(POWER << 2), POWER);
	(void)fake_loop_advance(&loop, 100 * MS);
	EXPECT_EQ(rd(POWER << 2), 0);
	teardown();
}

TEST(pl061_power_key_does_not_stay_down_for_a_guest_that_never_looks)
{
	setup();
	watch_power_key();
	pl061_press_power_key(dev);
	(void)fake_loop_advance(&loop, 1999 * MS);
	EXPECT_EQ(irq.changes, 1);
	wr(IC, POWER);
	(void)fake_loop_advance(&loop, 1 * MS);
	EXPECT_EQ(rd(RIS), POWER);
	EXPECT_EQ(rd(ALL), 0);
	EXPECT(loop.timers == NULL);
	teardown();
}

TEST(pl061_reset_lets_go_of_the_power_key_and_it_can_be_pressed_again)
{
	setup();
	pl061_press_power_key(dev);
	(void)fake_loop_advance(&loop, 60 * MS);
	device_reset(dev);
	EXPECT_EQ(rd(ALL), 0);
	pl061_press_power_key(dev);
	EXPECT_EQ(rd(ALL), POWER);
	(void)fake_loop_advance(&loop, 99 * MS);
	EXPECT_EQ(rd(ALL), POWER);
	(void)fake_loop_advance(&loop, 1 * MS);
	EXPECT_EQ(rd(ALL), 0);
	teardown();
}

static void *guest(void *arg UNUSED)
{
	watch_power_key();
	for (int i = 0; i < 20000; i++) {
		wr(IC, rd(MIS));
		(void)rd(POWER << 2);
	}
	return NULL;
}

TEST(pl061_serves_a_vcpu_and_the_loop_at_once)
{
	pthread_t vcpu;

	setup();
	EXPECT_EQ(pthread_create(&vcpu, NULL, guest, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		pl061_press_power_key(dev);
		(void)fake_loop_advance(&loop, 30 * MS);
	}
	EXPECT_EQ(pthread_join(vcpu, NULL), 0);
	(void)fake_loop_advance(&loop, 2000 * MS);
	EXPECT_EQ(rd(ALL), 0);
	teardown();
}

TEST_MAIN(T(pl061_registers_hold_eight_bits_and_are_zero_after_reset),
	  T(pl061_identifies_itself_and_survives_abuse),
	  T(pl061_counts_accesses_that_the_manual_does_not_know),
	  T(pl061_address_bits_say_which_lines_an_access_is_about),
	  T(pl061_edges_are_latched_as_configured_until_cleared),
	  T(pl061_level_interrupts_follow_the_line_and_cannot_be_cleared),
	  T(pl061_lines_that_the_guest_drives_do_not_interrupt),
	  T(pl061_power_key_goes_down_and_up_by_itself),
	  T(pl061_power_key_waits_for_a_guest_that_is_slow_to_look),
	  T(pl061_power_key_does_not_stay_down_for_a_guest_that_never_looks),
	  T(pl061_reset_lets_go_of_the_power_key_and_it_can_be_pressed_again),
	  T(pl061_serves_a_vcpu_and_the_loop_at_once))
