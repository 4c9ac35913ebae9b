/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a virtio device as the specification (1.3, sections 2.1, 2.2 and 3) tells it: status,
 * features, queue set-up, resets, configuration space. Through the MMIO transport.
 */
#include "tests/lib/test.h"
#include "tests/lib/virtio_driver.h"
#include "tests/lib/virtio_echo.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define V1	     VIRTIO_BIT(VIRTIO_F_VERSION_1)
#define RING_RESET   VIRTIO_BIT(VIRTIO_F_RING_RESET)
#define RING_PACKED  VIRTIO_BIT(VIRTIO_F_RING_PACKED)
#define NOTIFICATION VIRTIO_BIT(VIRTIO_F_NOTIFICATION_DATA)
#define BUF	     (DRIVER_RAM + 4 * MiB)

static struct driver d;
static struct echo *e;

static void setup(void)
{
	driver_init(&d, 8 * MiB);
	e = echo_create(&d.mem, NULL);
	driver_plug(&d, &e->v);
}

static void teardown(void)
{
	driver_done(&d);
}

/* Writes a register; whether the device took it. */
static bool takes(unsigned reg, uint32_t v)
{
	uint64_t before = d.dev->guest_errors;

	driver_write(&d, reg, v);
	return d.dev->guest_errors == before;
}

static void want_features(uint64_t features)
{
	for (unsigned word = 0; word < 2; word++) {
		driver_write(&d, REG_DRIVER_FEATURES_SEL, word);
		driver_write(&d, REG_DRIVER_FEATURES, (uint32_t)(features >> (32 * word)));
	}
}

/* Brings the device to @status by the straight way, with a queue 0 that is programmed. */
static void go_to(uint32_t status, uint64_t features)
{
	static const uint32_t way[] = { 1, 3, 11, 15 };

	driver_write(&d, REG_STATUS, 0);
	driver_forget(&d);
	for (size_t i = 0; i < ARRAY_SIZE(way) && (way[i] & status) == way[i]; i++) {
		driver_write(&d, REG_STATUS, way[i]);
		if (way[i] == 3)
			want_features(features);
		if (way[i] == 11) {
			d.features = features;
			driver_queue_make(&d, 0, 16);
			driver_queue_program(&d, 0);
		}
	}
	if (driver_read(&d, REG_STATUS) != status)
		driver_write(&d, REG_STATUS, status);
	EXPECT_EQ(driver_read(&d, REG_STATUS), status);
}

TEST(status_goes_forward_step_by_step_and_back_only_by_reset)
{
	/* What the status is after a write; features are fine. */
	static const struct {
		uint32_t from, write, to;
	} t[] = {
		{ 0, 1, 1 },	   { 0, 2, 0 },	      { 0, 3, 3 },	 { 0, 4, 0 },
		{ 0, 8, 0 },	   { 0, 5, 1 },	      { 0, 9, 1 },	 { 0, 64, 0 },
		{ 0, 128, 128 },   { 0, 16, 0 },      { 0, 32, 0 },	 { 0, 0x101, 0 },
		{ 0, ~0U, 0 },	   { 0, 0, 0 },	      { 1, 1, 1 },	 { 1, 3, 3 },
		{ 1, 2, 1 },	   { 1, 9, 1 },	      { 1, 5, 1 },	 { 1, 129, 129 },
		{ 1, 0, 0 },	   { 3, 3, 3 },	      { 3, 7, 3 },	 { 3, 11, 11 },
		{ 3, 8, 3 },	   { 3, 1, 3 },	      { 3, 2, 3 },	 { 3, 15, 15 },
		{ 3, 131, 131 },   { 3, 67, 3 },      { 3, 0, 0 },	 { 11, 15, 15 },
		{ 11, 4, 11 },	   { 11, 3, 11 },     { 11, 11, 11 },	 { 11, 7, 11 },
		{ 11, 139, 139 },  { 11, 79, 15 },    { 11, 0, 0 },	 { 15, 15, 15 },
		{ 15, 11, 15 },	   { 15, 7, 15 },     { 15, 3, 15 },	 { 15, 143, 143 },
		{ 15, 31, 15 },	   { 15, 79, 15 },    { 15, 0, 0 },	 { 128, 1, 128 },
		{ 128, 129, 128 }, { 131, 139, 131 }, { 139, 143, 139 }, { 143, 15, 143 },
		{ 143, 143, 143 }, { 143, 0, 0 },
	};

	setup();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		(void)printf("    from %u write %u\n", t[i].from, t[i].write);
		go_to(t[i].from, V1);
		driver_write(&d, REG_STATUS, t[i].write);
		EXPECT_EQ(driver_read(&d, REG_STATUS), t[i].to);
	}
	teardown();
}

TEST(features_are_agreed_on_only_if_all_is_well)
{
	static const struct {
		uint64_t features;
		bool ok;
	} t[] = {
		{ 0, false },
		{ V1, true },
		{ V1 | VIRTIO_BIT(ECHO_FEATURE), true },
		{ V1 | VIRTIO_BIT(ECHO_CONFLICT), true },
		{ V1 | VIRTIO_BIT(ECHO_CONFLICT) | VIRTIO_BIT(ECHO_FEATURE), false },
		{ V1 | VIRTIO_BIT(0), false },
		{ V1 | VIRTIO_BIT(63), false },
		{ V1 | NOTIFICATION, false },
		{ V1 | VIRTIO_BIT(33), false },
		{ V1 | VIRTIO_BIT(35), false },
		{ VIRTIO_BIT(VIRTIO_F_RING_PACKED), false },
		{ V1 | RING_PACKED | RING_RESET | VIRTIO_BIT(28) | VIRTIO_BIT(29), true },
		{ UINT64_MAX, false },
	};

	setup();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		EXPECT_EQ(driver_negotiate(&d, t[i].features), t[i].ok);
		EXPECT_EQ(e->v.accepted, t[i].ok ? t[i].features : 0);
		if (t[i].ok)
			continue;
		EXPECT(!takes(REG_STATUS, 15)); /* and nothing goes on without */
		EXPECT_EQ(driver_read(&d, REG_STATUS), 3);
		EXPECT(!takes(REG_QUEUE_NUM, 16));
		want_features(V1); /* but a driver may think again */
		EXPECT(takes(REG_STATUS, 11));
		EXPECT_EQ(driver_read(&d, REG_STATUS), 11);
	}
	teardown();
}

TEST(features_that_are_offered_are_those_of_the_class_and_of_every_device)
{
	uint64_t offered = 0;

	setup();
	for (uint32_t word = 0; word < 2; word++) {
		driver_write(&d, REG_DEVICE_FEATURES_SEL, word);
		offered |= (uint64_t)driver_read(&d, REG_DEVICE_FEATURES) << (32 * word);
	}
	EXPECT_EQ(offered, V1 | RING_PACKED | RING_RESET | VIRTIO_BIT(28) | VIRTIO_BIT(29) |
				   VIRTIO_BIT(ECHO_FEATURE) | VIRTIO_BIT(ECHO_CONFLICT));
	for (uint32_t word = 2; word; word *= 2) {
		driver_write(&d, REG_DEVICE_FEATURES_SEL, word);
		EXPECT_EQ(driver_read(&d, REG_DEVICE_FEATURES), 0);
	}
	go_to(3, V1);
	driver_write(&d, REG_DRIVER_FEATURES_SEL, 2);
	EXPECT(takes(REG_DRIVER_FEATURES, 0));
	EXPECT(!takes(REG_DRIVER_FEATURES, 1));
	teardown();
}

/* Which registers may be written in which state. */
TEST(registers_are_taken_only_in_their_states)
{
	enum { RESET, ACK, DRIVER, FEATURES, READY, OK, OK_READY, NEEDS_RESET, FAILED, NR_STATES };
	static const struct {
		const char *name;
		unsigned reg;
		uint32_t value;
		bool in[NR_STATES];
	} t[] = {
		/*                                               R  A  D  F  FR O  OR N  X */
		{ "DriverFeatures", REG_DRIVER_FEATURES, 1, { 0, 0, 1, 0, 0, 0, 0, 0, 0 } },
		{ "QueueNum", REG_QUEUE_NUM, 16, { 0, 0, 0, 1, 0, 1, 0, 0, 0 } },
		{ "QueueDescLow", REG_QUEUE_DESC, 0, { 0, 0, 0, 1, 0, 1, 0, 0, 0 } },
		{ "QueueDescHigh", REG_QUEUE_DESC + 4, 0, { 0, 0, 0, 1, 0, 1, 0, 0, 0 } },
		{ "QueueDriverLow", REG_QUEUE_DRIVER, 0, { 0, 0, 0, 1, 0, 1, 0, 0, 0 } },
		{ "QueueDriverHigh", REG_QUEUE_DRIVER + 4, 0, { 0, 0, 0, 1, 0, 1, 0, 0, 0 } },
		{ "QueueDeviceLow", REG_QUEUE_DEVICE, 0, { 0, 0, 0, 1, 0, 1, 0, 0, 0 } },
		{ "QueueDeviceHigh", REG_QUEUE_DEVICE + 4, 0, { 0, 0, 0, 1, 0, 1, 0, 0, 0 } },
		{ "QueueReady", REG_QUEUE_READY, 1, { 0, 0, 0, 1, 0, 1, 0, 0, 0 } },
		{ "QueueReady 0", REG_QUEUE_READY, 0, { 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ "QueueReady 2", REG_QUEUE_READY, 2, { 0, 0, 0, 0, 0, 0, 0, 0, 0 } },
		{ "QueueReset", REG_QUEUE_RESET, 1, { 0, 0, 0, 1, 1, 1, 1, 1, 1 } },
		{ "QueueNotify", REG_QUEUE_NOTIFY, 0, { 0, 0, 0, 0, 0, 1, 1, 1, 0 } },
		{ "QueueNotify 3", REG_QUEUE_NOTIFY, 3, { 0, 0, 0, 0, 0, 0, 0, 0, 0 } },
		{ "QueueSel", REG_QUEUE_SEL, 7, { 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ "InterruptACK", REG_INTERRUPT_ACK, 3, { 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ "InterruptACK 4", REG_INTERRUPT_ACK, 4, { 0, 0, 0, 0, 0, 0, 0, 0, 0 } },
		{ "configuration", REG_CONFIG, 0, { 0, 0, 0, 1, 1, 1, 1, 1, 0 } },
		{ "its end", REG_CONFIG + 20, 0, { 0, 0, 0, 1, 1, 1, 1, 1, 0 } },
		{ "behind its end", REG_CONFIG + 24, 0, { 0, 0, 0, 0, 0, 0, 0, 0, 0 } },
	};
	static const uint32_t status[] = { 0, 1, 3, 11, 11, 15, 15, 15, 15 };

	setup();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		for (unsigned s = 0; s < NR_STATES; s++) {
			(void)printf("    %s in state %u\n", t[i].name, s);
			go_to(status[s], V1 | RING_RESET);
			driver_write(&d, REG_QUEUE_SEL, 0);
			driver_write(&d, REG_DRIVER_FEATURES_SEL, 1);
			if (s == READY || s == OK_READY || s >= NEEDS_RESET)
				driver_write(&d, REG_QUEUE_READY, 1);
			if (s == NEEDS_RESET) {
				driver_avail_index(&d.queue[0], 99);
				EXPECT_EQ(echo_serve(e, 0), POP_BROKEN);
			}
			if (s == FAILED)
				driver_write(&d, REG_STATUS, 143);
			EXPECT_EQ(takes(t[i].reg, t[i].value), t[i].in[s]);
		}
	}
	teardown();
}

/* What was programmed last, and what becomes of QueueReady and the status. */
TEST(queue_is_enabled_only_if_it_can_be_served)
{
	static const struct {
		const char *name;
		uint64_t features;
		uint32_t size;
		uint64_t desc, driver, device;
		bool ok;
	} t[] = {
#define AT  (DRIVER_RAM + MiB)
#define END (DRIVER_RAM + 8 * MiB)
#define ROM 0x50000000ULL
		{ "good", 0, 16, AT, AT + 512, AT + 1024, true },
		{ "largest", 0, 64, AT, AT + 4096, AT + 8192, true },
		{ "one entry", 0, 1, AT, AT + 512, AT + 1024, true },
		{ "size never set", 0, 0, AT, AT + 512, AT + 1024, false },
		{ "not a power of two", 0, 12, AT, AT + 512, AT + 1024, false },
		{ "packed may be", RING_PACKED, 12, AT, AT + 512, AT + 1024, true },
		{ "table not aligned", 0, 16, AT + 8, AT + 512, AT + 1024, false },
		{ "available not aligned", 0, 16, AT, AT + 513, AT + 1024, false },
		{ "available aligned to 2", 0, 16, AT, AT + 514, AT + 1024, true },
		{ "used not aligned", 0, 16, AT, AT + 512, AT + 1026, false },
		{ "used aligned to 4", 0, 16, AT, AT + 512, AT + 1028, true },
		{ "packed events not aligned", RING_PACKED, 16, AT, AT + 514, AT + 1024, false },
		{ "table nowhere", 0, 16, 0, AT + 512, AT + 1024, false },
		{ "available nowhere", 0, 16, AT, 0, AT + 1024, false },
		{ "used nowhere", 0, 16, AT, AT + 512, 0x1000, false },
		{ "table up to the end", 0, 16, END - 256, AT + 512, AT + 1024, true },
		{ "table past the end", 0, 16, END - 240, AT + 512, AT + 1024, false },
		{ "available up to the end", 0, 16, AT, END - 38, AT + 1024, true },
		{ "available past the end", 0, 16, AT, END - 36, AT + 1024, false },
		{ "used up to the end", 0, 15 + 1, AT, AT + 512, END - 136, true },
		{ "used past the end", 0, 16, AT, AT + 512, END - 132, false },
		{ "table wraps", 0, 16, -16ULL, AT + 512, AT + 1024, false },
		{ "available wraps", 0, 16, AT, -2ULL, AT + 1024, false },
		{ "used wraps", 0, 16, AT, AT + 512, -4ULL, false },
		{ "used in the registers", 0, 16, AT, AT + 512, DRIVER_MMIO, false },
		{ "used in read-only memory", 0, 16, AT, AT + 512, ROM, false },
		{ "the driver's part there", 0, 16, ROM, ROM + 512, AT, true },
		{ "packed ring there", RING_PACKED, 16, ROM, AT, AT + 512, false },
		{ "packed events there", RING_PACKED, 16, AT, AT + 512, ROM, false },
		{ "all at one place", 0, 16, AT, AT, AT, true }, /* its own fault */
	};
	static char rom[4096];
	struct err err;

	setup();
	EXPECT_EQ(gmem_add(&d.mem,
			   &(struct gmem_region){ .base = ROM,
						  .size = sizeof(rom),
						  .host = rom,
						  .name = "ROM",
						  .readonly = true },
			   &err),
		  0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct driver_queue *q = &d.queue[0];

		(void)printf("    %s\n", t[i].name);
		EXPECT(driver_negotiate(&d, V1 | t[i].features));
		driver_queue_make(&d, 0, 16);
		q->size = t[i].size;
		q->desc = t[i].desc;
		q->avail = t[i].driver;
		q->used = t[i].device;
		driver_queue_program(&d, 0);
		EXPECT_EQ(takes(REG_QUEUE_READY, 1), t[i].ok);
		EXPECT_EQ(driver_read(&d, REG_QUEUE_READY), t[i].ok);
		EXPECT_EQ(driver_read(&d, REG_STATUS), t[i].ok ? 11 : 11 + 64);
		EXPECT_EQ(takes(REG_STATUS, 15), t[i].ok); /* nothing but a reset helps */
		EXPECT_EQ(queue_live(&e->queue[0]), t[i].ok);
		EXPECT_EQ(driver_wait(&d, 0), 0);
		driver_forget(&d);
	}
	driver_write(&d, REG_STATUS, 0);
	go_to(11, V1);
	for (uint32_t size = ECHO_MAX + 1; size; size <<= 1)
		EXPECT(!takes(REG_QUEUE_NUM, size));
	EXPECT(!takes(REG_QUEUE_NUM, 0));
	teardown();
}

TEST(set_up_stands_from_enabling_on)
{
	setup();
	go_to(11, V1);
	driver_write(&d, REG_QUEUE_READY, 1);
	EXPECT(!takes(REG_QUEUE_NUM, 2)); /* also in the table of registers */
	EXPECT(!takes(REG_QUEUE_DESC, 0));
	driver_write(&d, REG_STATUS, 15);
	EXPECT_EQ(e->queue[0].size, 16);
	EXPECT(takes(REG_QUEUE_READY, 0));
	EXPECT(!queue_live(&e->queue[0]));
	EXPECT_EQ(driver_read(&d, REG_QUEUE_READY), 0);
	EXPECT(takes(REG_QUEUE_NUM, 8));
	EXPECT(takes(REG_QUEUE_READY, 1));
	EXPECT(queue_live(&e->queue[0]));
	EXPECT_EQ(e->queue[0].size, 8);
	teardown();
}

TEST(queues_that_are_not_there_take_nothing)
{
	static const uint32_t none[] = { 3, 4, 16, 0x8000, 0xffff, 0x10000, 0x7fffffff, ~0U };

	setup();
	go_to(15, V1 | RING_RESET);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		driver_write(&d, REG_QUEUE_SEL, none[i]);
		EXPECT_EQ(driver_read(&d, REG_QUEUE_NUM_MAX), 0);
		EXPECT_EQ(driver_read(&d, REG_QUEUE_READY), 0);
		EXPECT(!takes(REG_QUEUE_NUM, 16));
		EXPECT(!takes(REG_QUEUE_DESC, 0));
		EXPECT(!takes(REG_QUEUE_READY, 0));
		EXPECT(!takes(REG_QUEUE_READY, 1));
		EXPECT(!takes(REG_QUEUE_RESET, 1));
		EXPECT(!takes(REG_QUEUE_NOTIFY, none[i]));
	}
	driver_write(&d, REG_QUEUE_SEL, 2);
	EXPECT_EQ(driver_read(&d, REG_QUEUE_NUM_MAX), ECHO_MAX);
	teardown();
}

static bool kicked(unsigned i)
{
	struct pollfd p = { .fd = e->queue[i].kick_fd, .events = POLLIN };
	bool is = poll(&p, 1, 0) == 1;

	queue_unkick(&e->queue[i]);
	return is;
}

TEST(start_kicks_what_is_enabled_so_that_nothing_early_is_missed)
{
	struct piece p = { BUF, 16, true };

	setup();
	go_to(11, V1);
	driver_write(&d, REG_QUEUE_READY, 1);
	EXPECT(driver_add(&d.queue[0], &p, 1, 1));
	EXPECT_EQ(echo_serve(e, 0), POP_EMPTY); /* not before DRIVER_OK */
	EXPECT_EQ(e->served, 0);
	EXPECT(!kicked(0));
	driver_write(&d, REG_STATUS, 15);
	EXPECT_EQ(e->starts, 1);
	EXPECT(kicked(0));
	EXPECT(!kicked(1));
	EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
	EXPECT_EQ(e->served, 1);
	EXPECT_EQ(echo_serve(e, 1), POP_EMPTY);
	driver_write(&d, REG_QUEUE_NOTIFY, 1);
	EXPECT(kicked(1));
	EXPECT(!kicked(0));
	teardown();
}

TEST(notification_may_carry_data_if_that_was_agreed_on)
{
	setup();
	e->v.offered |= NOTIFICATION;
	go_to(15, V1);
	EXPECT(!takes(REG_QUEUE_NOTIFY, 0x80050001));
	EXPECT(takes(REG_QUEUE_NOTIFY, 1));
	EXPECT(kicked(1));
	go_to(15, V1 | NOTIFICATION);
	EXPECT(takes(REG_QUEUE_NOTIFY, 0x80050001));
	EXPECT(kicked(1));
	EXPECT(!takes(REG_QUEUE_NOTIFY, 0x80050003));
	teardown();
}

TEST(reset_takes_back_what_is_in_flight_and_touches_no_ring_after)
{
	struct piece p = { BUF, 16, true };
	char before[2048];

	setup();
	for (unsigned round = 0; round < 3; round++) {
		uint64_t features = V1 | (round == 1 ? RING_PACKED : 0);

		go_to(11, features);
		driver_write(&d, REG_QUEUE_READY, 1);
		driver_write(&d, REG_STATUS, 15);
		for (unsigned i = 0; i < 10; i++)
			EXPECT(driver_add(&d.queue[0], &p, 1, i));
		EXPECT_EQ(echo_take(e), 10);
		memcpy(before, d.ram, sizeof(before));
		driver_write(&d, REG_STATUS, round == 2 ? 143 : 0); /* FAILED stops it, too */
		EXPECT(e->held == NULL);
		EXPECT_EQ(memcmp(before, d.ram, sizeof(before)), 0);
		EXPECT_EQ(driver_wait(&d, 0), 0);
		EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
		driver_write(&d, REG_STATUS, 0);
		EXPECT_EQ(driver_read(&d, REG_STATUS), 0);
		EXPECT_EQ(driver_read(&d, REG_QUEUE_READY), 0);
		EXPECT_EQ(e->v.accepted, 0);
	}
	EXPECT(e->resets >= 3);
	teardown();
}

TEST(queue_reset_leaves_the_other_queues_alone)
{
	struct piece p = { BUF, 16, true };
	uint64_t cookie;
	uint32_t written;

	setup();
	driver_start(&d, RING_RESET, 16);
	EXPECT(driver_add(&d.queue[0], &p, 1, 1));
	EXPECT(driver_add(&d.queue[1], &p, 1, 2));
	EXPECT_EQ(echo_take(e), 1);
	driver_write(&d, REG_QUEUE_SEL, 0);
	EXPECT(!takes(REG_QUEUE_RESET, 0));
	EXPECT(takes(REG_QUEUE_RESET, 1));
	EXPECT_EQ(driver_read(&d, REG_QUEUE_RESET), 0);
	EXPECT_EQ(driver_read(&d, REG_QUEUE_READY), 0);
	EXPECT(e->held == NULL);
	EXPECT(!driver_get(&d.queue[0], &cookie, &written));
	EXPECT_EQ(echo_serve(e, 1), POP_EMPTY);
	EXPECT(driver_get(&d.queue[1], &cookie, &written));
	EXPECT(!takes(REG_QUEUE_READY, 1)); /* all of its set-up is gone */
	EXPECT_EQ(driver_read(&d, REG_STATUS), 15 + 64);
	EXPECT_EQ(driver_wait(&d, 0), VIRTIO_INT_QUEUE | VIRTIO_INT_CONFIG);

	driver_start(&d, RING_RESET, 16);
	driver_write(&d, REG_QUEUE_SEL, 0);
	driver_write(&d, REG_QUEUE_RESET, 1);
	(void)kicked(0);
	driver_queue_make(&d, 0, 8);
	driver_queue_program(&d, 0);
	EXPECT(takes(REG_QUEUE_READY, 1));
	EXPECT(kicked(0));
	EXPECT(driver_add(&d.queue[0], &p, 1, 3));
	EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
	EXPECT(driver_get(&d.queue[0], &cookie, &written));
	EXPECT_EQ(cookie, 3);

	driver_start(&d, 0, 16);
	driver_write(&d, REG_QUEUE_SEL, 0);
	EXPECT(!takes(REG_QUEUE_RESET, 1)); /* not negotiated */
	EXPECT_EQ(driver_read(&d, REG_QUEUE_READY), 1);
	teardown();
}

TEST(configuration_space_reads_and_writes_as_bytes_and_its_changes_are_told)
{
	setup();
	for (unsigned i = 0; i < sizeof(e->config); i++)
		e->config[i] = (uint8_t)(0x10 + i);
	EXPECT_EQ(driver_read(&d, REG_CONFIG + 4), 0x17161514); /* before any negotiation */
	EXPECT_EQ(driver_read(&d, REG_CONFIG_GENERATION), 0);
	mutex_lock(e->v.lock);
	virtio_config_changed(&e->v);
	mutex_unlock(e->v.lock);
	EXPECT_EQ(driver_read(&d, REG_CONFIG_GENERATION), 1);
	EXPECT_EQ(driver_wait(&d, 0), 0);
	go_to(15, V1);
	mutex_lock(e->v.lock);
	virtio_config_changed(&e->v);
	mutex_unlock(e->v.lock);
	EXPECT_EQ(driver_wait(&d, 0), VIRTIO_INT_CONFIG);
	EXPECT_EQ(driver_read(&d, REG_CONFIG_GENERATION), 2);
	EXPECT(takes(REG_CONFIG + 4, 0xa1b2c3d4));
	EXPECT_EQ(e->config[4], 0xd4);
	EXPECT_EQ(e->config[7], 0xa1);
	EXPECT_EQ(e->config[8], 0x18);
	EXPECT_EQ(driver_read(&d, REG_CONFIG + 4), 0xa1b2c3d4);
	teardown();
}

TEST(device_that_needs_a_reset_says_so_once_for_each_cause)
{
	setup();
	driver_start(&d, 0, 16);
	for (unsigned i = 0; i < 3; i++) {
		mutex_lock(&e->queue[1].lock);
		queue_break(&e->queue[1]);
		mutex_unlock(&e->queue[1].lock);
	}
	EXPECT_EQ(e->v.rules_broken, 1);
	EXPECT_EQ(driver_read(&d, REG_STATUS), 15 + 64);
	EXPECT_EQ(driver_wait(&d, 0), VIRTIO_INT_CONFIG);
	EXPECT_EQ(driver_wait(&d, 0), 0);
	EXPECT_EQ(echo_serve(e, 1), POP_BROKEN);
	EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
	EXPECT(takes(REG_STATUS, 15 + 64)); /* as a driver that reads and sets bits writes it */
	driver_start(&d, 0, 16);
	EXPECT_EQ(driver_read(&d, REG_STATUS), 15);
	EXPECT_EQ(echo_serve(e, 1), POP_EMPTY);
	teardown();
}

/* --- queues that are served elsewhere --- */

static unsigned elsewhere_started, elsewhere_stopped, elsewhere_over;
static bool elsewhere_refuses;
static struct queue_setup elsewhere_setup;

static bool elsewhere_start(struct virtio *v UNUSED, unsigned q, const struct queue_setup *s)
{
	elsewhere_started |= 1U << q;
	elsewhere_setup = *s;
	return !elsewhere_refuses;
}

static void elsewhere_stop(struct virtio *v UNUSED, unsigned q)
{
	EXPECT_EQ(elsewhere_over, 0); /* all are told before one is waited for */
	elsewhere_stopped |= 1U << q;
}

static void elsewhere_stopped_now(struct virtio *v UNUSED, unsigned q)
{
	EXPECT(elsewhere_stopped & 1U << q);
	elsewhere_over |= 1U << q;
}

static struct virtio_ops elsewhere(bool refuses)
{
	struct virtio_ops ops = *e->v.ops;

	ops.queue_start = elsewhere_start;
	ops.queue_stop = elsewhere_stop;
	ops.queue_stopped = elsewhere_stopped_now;
	elsewhere_started = elsewhere_stopped = elsewhere_over = 0;
	elsewhere_refuses = refuses;
	return ops;
}

TEST(a_queue_that_is_served_elsewhere_is_only_checked)
{
	struct virtio_ops ops;

	setup();
	ops = elsewhere(false);
	e->v.ops = &ops;
	go_to(11, V1);
	driver_queue_make(&d, 1, 8);
	driver_queue_program(&d, 1);
	for (unsigned i = 0; i < 2; i++) {
		driver_write(&d, REG_QUEUE_SEL, i);
		driver_write(&d, REG_QUEUE_READY, 1);
	}
	EXPECT_EQ(elsewhere_started, 0);
	driver_write(&d, REG_STATUS, 15);
	EXPECT_EQ(elsewhere_started, 3);
	EXPECT_EQ(elsewhere_setup.size, 8);
	EXPECT_EQ(elsewhere_setup.desc, d.queue[1].desc);
	EXPECT_EQ(elsewhere_setup.features, V1);
	EXPECT(!queue_live(&e->queue[0]));
	driver_write(&d, REG_STATUS, 0);
	EXPECT_EQ(elsewhere_stopped, 3);
	EXPECT_EQ(elsewhere_over, 3);
	EXPECT_EQ(driver_read(&d, REG_STATUS), 0);
	elsewhere_over = 0;
	teardown();
}

TEST(a_queue_that_cannot_be_served_elsewhere_needs_a_reset)
{
	struct virtio_ops ops;

	setup();
	ops = elsewhere(true);
	e->v.ops = &ops;
	go_to(11, V1);
	driver_write(&d, REG_QUEUE_SEL, 0);
	driver_write(&d, REG_QUEUE_READY, 1);
	driver_write(&d, REG_STATUS, 15);
	EXPECT_EQ(driver_read(&d, REG_STATUS), 15 | VIRTIO_NEEDS_RESET);
	driver_write(&d, REG_STATUS, 0);
	EXPECT_EQ(driver_read(&d, REG_STATUS), 0);
	elsewhere_over = 0;
	teardown();
}

TEST_MAIN(T(status_goes_forward_step_by_step_and_back_only_by_reset),
	  T(features_are_agreed_on_only_if_all_is_well),
	  T(features_that_are_offered_are_those_of_the_class_and_of_every_device),
	  T(registers_are_taken_only_in_their_states), T(queue_is_enabled_only_if_it_can_be_served),
	  T(set_up_stands_from_enabling_on), T(queues_that_are_not_there_take_nothing),
	  T(start_kicks_what_is_enabled_so_that_nothing_early_is_missed),
	  T(notification_may_carry_data_if_that_was_agreed_on),
	  T(reset_takes_back_what_is_in_flight_and_touches_no_ring_after),
	  T(queue_reset_leaves_the_other_queues_alone),
	  T(configuration_space_reads_and_writes_as_bytes_and_its_changes_are_told),
	  T(device_that_needs_a_reset_says_so_once_for_each_cause),
	  T(a_queue_that_is_served_elsewhere_is_only_checked),
	  T(a_queue_that_cannot_be_served_elsewhere_needs_a_reset))
