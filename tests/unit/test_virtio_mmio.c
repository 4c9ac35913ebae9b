/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of virtio over MMIO (virtio 1.3, section 4.2), its interrupt, and its node. */
#include "fdt/fdt.h"
#include "tests/lib/mmio.h"
#include "tests/lib/test.h"
#include "tests/lib/virtio_driver.h"
#include "tests/lib/virtio_echo.h"

#include <libfdt.h>
#include <stdio.h>

#define V1 VIRTIO_BIT(VIRTIO_F_VERSION_1)

static struct driver d;
static struct echo *e;
static unsigned destroyed;

static void setup(void)
{
	destroyed = 0;
	driver_init(&d, MiB);
	e = echo_create(&d.mem, &destroyed);
	driver_plug(&d, &e->v);
}

static void teardown(void)
{
	driver_done(&d);
	EXPECT_EQ(destroyed, 1);
}

enum { R = 1, W = 2, RW = 3 };

/* All that there are; what reads as constant after reset says what. */
static const struct {
	unsigned reg, way;
	int64_t reset; /* -1: not constant */
} regs[] = {
	{ REG_MAGIC, R, 0x74726976 },
	{ REG_VERSION, R, 2 },
	{ REG_DEVICE_ID, R, ECHO_ID },
	{ REG_VENDOR_ID, R, -1 },
	{ REG_DEVICE_FEATURES, R, -1 },
	{ REG_DEVICE_FEATURES_SEL, W, 0 },
	{ REG_DRIVER_FEATURES, W, 0 },
	{ REG_DRIVER_FEATURES_SEL, W, 0 },
	{ REG_QUEUE_SEL, W, 0 },
	{ REG_QUEUE_NUM_MAX, R, ECHO_MAX },
	{ REG_QUEUE_NUM, W, 0 },
	{ REG_QUEUE_READY, RW, 0 },
	{ REG_QUEUE_NOTIFY, W, 0 },
	{ REG_INTERRUPT_STATUS, R, 0 },
	{ REG_INTERRUPT_ACK, W, 0 },
	{ REG_STATUS, RW, 0 },
	{ REG_QUEUE_DESC, W, 0 },
	{ REG_QUEUE_DESC + 4, W, 0 },
	{ REG_QUEUE_DRIVER, W, 0 },
	{ REG_QUEUE_DRIVER + 4, W, 0 },
	{ REG_QUEUE_DEVICE, W, 0 },
	{ REG_QUEUE_DEVICE + 4, W, 0 },
	{ REG_SHM_SEL, W, 0 },
	{ REG_SHM_LEN, R, 0xffffffff },
	{ REG_SHM_LEN + 4, R, 0xffffffff },
	{ REG_SHM_BASE, R, 0xffffffff },
	{ REG_SHM_BASE + 4, R, 0xffffffff },
	{ REG_QUEUE_RESET, RW, 0 },
	{ REG_CONFIG_GENERATION, R, 0 },
};

static unsigned way_of(unsigned off)
{
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		if (regs[i].reg == off)
			return regs[i].way;
	return 0;
}

TEST(registers_are_as_the_specification_says_after_reset)
{
	setup();
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		if (regs[i].way & R && regs[i].reset >= 0)
			EXPECT_EQ(driver_read(&d, regs[i].reg), regs[i].reset);
	driver_write(&d, REG_SHM_SEL, 5);
	EXPECT_EQ(driver_read(&d, REG_SHM_LEN), 0xffffffff);
	EXPECT_EQ(d.dev->guest_errors, 0);
	teardown();
}

/* Reads of what cannot be read are 0, writes of what cannot be written have no effect; counted. */
TEST(registers_take_words_in_their_direction_alone)
{
	setup();
	for (unsigned size = 1; size <= 4; size *= 2) {
		for (unsigned off = 0; off < REG_CONFIG; off += size) {
			uint64_t before = d.dev->guest_errors, v;

			v = mmio_read(d.bus, DRIVER_MMIO + off, size);
			if (size != 4 || !(way_of(off) & R))
				EXPECT_EQ(v, 0);
			EXPECT_EQ(d.dev->guest_errors - before, size != 4 || !(way_of(off) & R));
			if (size == 4 && way_of(off) & W)
				continue; /* depends on state: test_virtio.c */
			before = d.dev->guest_errors;
			mmio_write(d.bus, DRIVER_MMIO + off, size, 0);
			EXPECT_EQ(d.dev->guest_errors - before, 1);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		if (regs[i].way & R && regs[i].reset >= 0)
			EXPECT_EQ(driver_read(&d, regs[i].reg), regs[i].reset);
	teardown();
}

TEST(accesses_of_8_bytes_or_across_words_are_refused_by_the_bus)
{
	struct bus_cursor c = { 0 };
	uint64_t v;

	setup();
	for (unsigned off = 0; off < 0x200; off += 8) {
		EXPECT_EQ(bus_read(d.bus, &c, DRIVER_MMIO + off, 8, &v), ACCESS_REFUSED);
		EXPECT_EQ(bus_write(d.bus, &c, DRIVER_MMIO + off, 8, 0), ACCESS_REFUSED);
		EXPECT_EQ(bus_read(d.bus, &c, DRIVER_MMIO + off + 1, 4, &v), ACCESS_REFUSED);
		EXPECT_EQ(bus_read(d.bus, &c, DRIVER_MMIO + off + 2, 4, &v), ACCESS_REFUSED);
	}
	teardown();
}

TEST(configuration_space_is_read_by_its_fields_and_0_behind_its_end)
{
	setup();
	for (unsigned i = 0; i < sizeof(e->config); i++)
		e->config[i] = (uint8_t)(i + 1);
	for (unsigned size = 1; size <= 4; size *= 2) {
		for (unsigned off = 0; off < 0x100; off += size) {
			uint64_t before = d.dev->guest_errors, expect = 0;
			bool inside = off + size <= sizeof(e->config);

			for (unsigned i = 0; i < size; i++)
				if (off + i < sizeof(e->config))
					expect |= (uint64_t)(off + i + 1) << (8 * i);
			EXPECT_EQ(mmio_read(d.bus, DRIVER_MMIO + REG_CONFIG + off, size), expect);
			EXPECT_EQ(d.dev->guest_errors - before, !inside);
		}
	}
	EXPECT(driver_negotiate(&d, V1));
	mmio_write(d.bus, DRIVER_MMIO + REG_CONFIG + 23, 1, 0xaa);
	mmio_write(d.bus, DRIVER_MMIO + REG_CONFIG + 2, 2, 0xbbcc);
	EXPECT_EQ(e->config[23], 0xaa);
	EXPECT_EQ(e->config[2], 0xcc);
	EXPECT_EQ(e->config[3], 0xbb);
	EXPECT_EQ(e->config[4], 5);
	teardown();
}

TEST(line_is_high_while_something_is_pending_and_what_is_left_is_an_edge)
{
	setup();
	driver_start(&d, 0, 16);
	EXPECT(!d.irq.level);
	e->v.interrupt(&e->v, VIRTIO_INT_QUEUE);
	EXPECT(d.irq.level);
	EXPECT_EQ(d.edges, 1);
	e->v.interrupt(&e->v, VIRTIO_INT_QUEUE);
	EXPECT_EQ(d.edges, 1); /* the driver has yet to look */
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 1);
	e->v.interrupt(&e->v, VIRTIO_INT_CONFIG);
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 3);
	EXPECT_EQ(d.edges, 1);
	driver_write(&d, REG_INTERRUPT_ACK, 1);
	EXPECT(d.irq.level);
	EXPECT_EQ(d.edges, 2);
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 2);
	driver_write(&d, REG_INTERRUPT_ACK, 1);
	driver_write(&d, REG_INTERRUPT_ACK, 0);
	EXPECT_EQ(d.edges, 2);
	driver_write(&d, REG_INTERRUPT_ACK, 2);
	EXPECT(!d.irq.level);
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 0);
	e->v.interrupt(&e->v, VIRTIO_INT_QUEUE);
	EXPECT_EQ(d.edges, 3);
	driver_write(&d, REG_STATUS, 0);
	EXPECT(!d.irq.level);
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 0);
	teardown();
}

/* A keeper as the machine has it, of what ack_late() writes. */
static struct virtio_mmio_keeper keeper;
static uint32_t kept[8];
static unsigned nr_kept;

static void hand_over(struct virtio_mmio_keeper *k)
{
	EXPECT(k == &keeper);
	for (unsigned i = 0; i < nr_kept; i++)
		virtio_mmio_late_ack(d.dev, kept[i]);
	nr_kept = 0;
}

static void ack_late(uint32_t bits)
{
	kept[nr_kept++] = bits;
}

static void setup_keeper(void)
{
	setup();
	nr_kept = 0;
	keeper.settle = hand_over;
	virtio_mmio_keep_acks(d.dev, &keeper);
	driver_start(&d, 0, 16);
}

TEST(late_acknowledgement_comes_before_the_next_interrupt)
{
	setup_keeper();
	for (unsigned i = 1; i <= 5; i++) {
		e->v.interrupt(&e->v, VIRTIO_INT_QUEUE);
		EXPECT_EQ(d.edges, i);
		EXPECT(d.irq.level);
		EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 1);
		ack_late(1);
	}
	e->v.interrupt(&e->v, VIRTIO_INT_CONFIG);
	EXPECT_EQ(d.edges, 6);
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 2);
	e->v.interrupt(&e->v, VIRTIO_INT_QUEUE); /* not acknowledged */
	EXPECT_EQ(d.edges, 6);
	ack_late(2);
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 1); /* what is left is an edge */
	EXPECT_EQ(d.edges, 7);
	ack_late(2); /* of nothing */
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 1);
	EXPECT_EQ(d.edges, 7);
	teardown();
}

/* For a guest that takes the line as a level. */
TEST(line_that_a_late_acknowledgement_left_up_goes_down_when_status_is_read_as_0)
{
	setup_keeper();
	e->v.interrupt(&e->v, VIRTIO_INT_QUEUE);
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 1);
	ack_late(1);
	EXPECT(d.irq.level);
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 0);
	EXPECT(!d.irq.level);
	e->v.interrupt(&e->v, VIRTIO_INT_QUEUE);
	EXPECT(d.irq.level);
	EXPECT_EQ(d.edges, 2);
	teardown();
}

TEST(acknowledgements_may_come_late_and_at_once_by_turns)
{
	setup_keeper();
	e->v.interrupt(&e->v, VIRTIO_INT_QUEUE);
	e->v.interrupt(&e->v, VIRTIO_INT_CONFIG);
	ack_late(1);
	driver_write(&d, REG_INTERRUPT_ACK, 2); /* the machine could keep no more */
	EXPECT(!d.irq.level);
	EXPECT_EQ(nr_kept, 0);
	EXPECT_EQ(driver_read(&d, REG_INTERRUPT_STATUS), 0);
	e->v.interrupt(&e->v, VIRTIO_INT_QUEUE);
	ack_late(1);
	driver_write(&d, REG_INTERRUPT_ACK, 1); /* of what is acknowledged already */
	EXPECT(!d.irq.level);
	e->v.interrupt(&e->v, VIRTIO_INT_QUEUE);
	ack_late(1);
	driver_write(&d, REG_STATUS, 0);
	EXPECT(!d.irq.level);
	EXPECT_EQ(nr_kept, 0);
	teardown();
}

TEST(reset_of_the_machine_brings_back_the_state_after_power_on)
{
	setup();
	driver_start(&d, 0, 16);
	driver_write(&d, REG_QUEUE_SEL, 2);
	driver_write(&d, REG_DEVICE_FEATURES_SEL, 1);
	e->v.interrupt(&e->v, VIRTIO_INT_QUEUE);
	device_reset(d.dev);
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		if (regs[i].way & R && regs[i].reset >= 0)
			EXPECT_EQ(driver_read(&d, regs[i].reg), regs[i].reset);
	EXPECT_EQ(driver_read(&d, REG_DEVICE_FEATURES) >> 28, 3); /* word 0 */
	EXPECT(!d.irq.level);
	EXPECT(virtio_mmio_virtio(d.dev) == &e->v);
	teardown();
}

TEST(device_survives_abuse_in_every_state)
{
	setup();
	mmio_abuse(d.bus, d.dev);
	for (unsigned i = 0; i < 2; i++) {
		driver_start(&d, i ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0, 16);
		for (unsigned off = 0; off < 0x200; off += 4)
			for (unsigned bit = 0; bit < 32; bit++)
				if (off != REG_STATUS)
					driver_write(&d, off, 1U << bit);
		(void)echo_serve(e, 0);
		driver_start(&d, 0, 16);
		EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
		driver_forget(&d);
	}
	teardown();
}

TEST(node_says_what_drivers_look_for)
{
	static const char interrupts[] = "\0\0\0\0\0\0\0\20\0\0\0\1";
	struct err err;
	const void *blob;
	struct fdt *t = fdt_start(&err);
	size_t size;
	int at, len;

	setup();
	EXPECT(t != NULL);
	d.dev->ops->describe(d.dev, t);
	EXPECT_EQ(fdt_done(t, &blob, &size, &err), 0);
	at = fdt_path_offset(blob, "/virtio_mmio@a000000");
	EXPECT(at >= 0);
	EXPECT_STR((const char *)fdt_getprop(blob, at, "compatible", &len), "virtio,mmio");
	EXPECT_EQ(
		memcmp(fdt_getprop(blob, at, "reg", &len), "\0\0\0\0\xa\0\0\0\0\0\0\0\0\0\2\0", 16),
		0);
	EXPECT_EQ(memcmp(fdt_getprop(blob, at, "interrupts", &len), interrupts, 12), 0);
	EXPECT(fdt_getprop(blob, at, "dma-coherent", &len) != NULL);
	EXPECT_EQ(len, 0);
	fdt_free(t);
	teardown();
}

TEST_MAIN(T(registers_are_as_the_specification_says_after_reset),
	  T(registers_take_words_in_their_direction_alone),
	  T(accesses_of_8_bytes_or_across_words_are_refused_by_the_bus),
	  T(configuration_space_is_read_by_its_fields_and_0_behind_its_end),
	  T(line_is_high_while_something_is_pending_and_what_is_left_is_an_edge),
	  T(late_acknowledgement_comes_before_the_next_interrupt),
	  T(line_that_a_late_acknowledgement_left_up_goes_down_when_status_is_read_as_0),
	  T(acknowledgements_may_come_late_and_at_once_by_turns),
	  T(reset_of_the_machine_brings_back_the_state_after_power_on),
	  T(device_survives_abuse_in_every_state), T(node_says_what_drivers_look_for))
