/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that a back end of our own serves, in a thread: what the driver sees while it works,
 * dies, comes back and lies.
 */
#include "devices/virtio/vhost_user_parts.h"
#include "tests/lib/vhost_back.h"
#include "tests/lib/virtio_guest.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BIT(n)	 (UINT64_C(1) << (n))
#define CONFIG	 BIT(VU_PROTOCOL_CONFIG)
#define INFLIGHT BIT(VU_PROTOCOL_INFLIGHT_SHMFD)
#define SLOTS	 BIT(VU_PROTOCOL_CONFIGURE_MEM_SLOTS)
#define ACK	 BIT(VU_PROTOCOL_REPLY_ACK)

static struct guest g;
static struct back b;
static struct virtio *v;
static unsigned agains;

static void again(void *ctx UNUSED)
{
	agains++;
}

static const struct vhost_user_setup blk = { .name = "back end",
					     .type = VHOST_USER_BLK,
					     .again = again };
static const struct vhost_user_setup fs = {
	.name = "back end", .type = VHOST_USER_FS, .tag = "stuff", .again = again
};

static struct virtio *create(const struct vhost_user_setup *c, struct err *e)
{
	agains = 0;
	return vhost_user_create(c, back_start(&b), &g.d.mem, g.loop, e);
}

/* For a back end that lies; one that does not may be slow, on a machine under load. */
static void impatient(void)
{
	vhost_user_limit_ms = 500;
}

static void patient(void)
{
	vhost_user_limit_ms = 10000;
}

static void begin(const struct vhost_user_setup *c)
{
	struct err e;

	guest_make(&g);
	patient();
	v = create(c, &e);
	if (!v)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	driver_plug(&g.d, v);
}

static void end(void)
{
	guest_end(&g);
	back_kill(&b);
}

/* Lets everybody work until it is so. */
#define UNTIL(cond)                                                                                \
	do {                                                                                       \
		bool is_so_ = false;                                                               \
		for (int i_ = 0; i_ < 5000 && !(is_so_ = (cond)); i_++) {                          \
			const struct timespec ms_ = { 0, 1000000 };                                \
			guest_turns(&g, 1);                                                        \
			(void)nanosleep(&ms_, NULL);                                               \
		}                                                                                  \
		if (!is_so_)                                                                       \
			test_fail(__FILE__, __LINE__, "it never is so that %s", #cond);            \
	} while (0)

static void give(unsigned i)
{
	memset(guest_buf(&g, 4096 * i), (int)i + 1, 512);
	memset(guest_buf(&g, 4096 * i + 2048), 0, 512);
	guest_add(&g, 0,
		  (struct piece[]){ guest_out(4096 * i, 512), guest_in(4096 * i + 2048, 512) }, 2);
}

static void is_done(unsigned i)
{
	for (unsigned k = 0; k < 512; k++)
		EXPECT_EQ(guest_buf(&g, 4096 * i + 2048)[k], (uint8_t) ~(i + 1));
}

/* Takes @n of them, each with all its bytes. */
static void take(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int64_t got = -1;

		UNTIL((got = guest_take(&g, 0)) >= 0);
		EXPECT_EQ(got, 512);
	}
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, 0), -1);
}

static void works(void)
{
	give(0);
	take(1);
	is_done(0);
}

/* A successor comes. */
static void come_back(void)
{
	back_kill(&b);
	b.how = BACK_WELL;
	patient();
	vhost_user_up(v, back_start(&b));
}

/* --- when all is well ------------------------------------------------------------------------ */

TEST(requests_are_served_and_told_by_an_interrupt)
{
	back_init(&b);
	begin(&blk);
	guest_start(&g, 0);
	works();
	EXPECT_EQ(driver_wait(&g.d, 1000), VIRTIO_INT_QUEUE);
	EXPECT_EQ(b.accepted, VIRTIO_BIT(VIRTIO_F_VERSION_1) | BIT(VU_F_PROTOCOL_FEATURES));
	EXPECT_EQ(b.seen[VU_ADD_MEM_REG], 1);
	EXPECT_EQ(b.seen[VU_SET_MEM_TABLE], 0);
	EXPECT_EQ(agains, 0);
	end();
}

/* The back end can make its eventfd one that waits, and take what is in it. */
TEST(the_loop_does_not_wait_for_what_the_back_end_can_take)
{
	eventfd_t n;

	back_init(&b);
	begin(&blk);
	guest_start(&g, 0);
	for (unsigned i = 0; i < 3; i++) {
		works();
		EXPECT_EQ(driver_wait(&g.d, 1000), VIRTIO_INT_QUEUE);
		UNTIL(eventfd_read(b.ring[0].call, &n) == 0);
	}
	end();
}

TEST(back_ends_that_can_less_serve_as_well)
{
	static const uint64_t protocols[] = { 0,
					      CONFIG,
					      CONFIG | ACK,
					      CONFIG | SLOTS,
					      CONFIG | INFLIGHT,
					      CONFIG | BIT(VU_PROTOCOL_MQ) |
						      BIT(VU_PROTOCOL_STATUS) };
	static const struct vhost_user_setup any = { .name = "back end",
						     .type = 42,
						     .again = again };

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		back_init(&b);
		b.protocol = protocols[i];
		begin(&any);
		guest_start(&g, 0);
		works();
		EXPECT_EQ(b.seen[VU_SET_MEM_TABLE], !(protocols[i] & SLOTS));
		EXPECT_EQ(b.seen[VU_SET_STATUS] > 0, (protocols[i] & BIT(VU_PROTOCOL_STATUS)) != 0);
		end();
	}
	back_init(&b);
	b.features &= ~BIT(VU_F_PROTOCOL_FEATURES);
	begin(&any);
	guest_start(&g, 0);
	works();
	EXPECT_EQ(b.seen[VU_SET_VRING_ENABLE], 0);
	end();
}

TEST(only_features_that_both_can_are_offered)
{
	back_init(&b);
	b.features = UINT64_MAX;
	begin(&blk);
	driver_write(&g.d, REG_DEVICE_FEATURES_SEL, 0);
	EXPECT_EQ(driver_read(&g.d, REG_DEVICE_FEATURES), 0x30ffffff);
	driver_write(&g.d, REG_DEVICE_FEATURES_SEL, 1);
	EXPECT_EQ(driver_read(&g.d, REG_DEVICE_FEATURES), 0x101); /* VERSION_1, RING_RESET */
	end();
}

TEST(a_file_system_is_described_by_us_and_a_disk_by_the_back_end)
{
	static const struct vhost_user_setup two = {
		.name = "b", .type = VHOST_USER_BLK, .queues = 2, .again = again
	};

	back_init(&b);
	begin(&fs);
	EXPECT_EQ(driver_read(&g.d, REG_DEVICE_ID), 26);
	EXPECT_EQ(g.d.nr_queues, 2);
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG), 0x66757473); /* "stuf" */
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG + 36), 1);
	EXPECT_EQ(b.seen[VU_GET_CONFIG], 0);
	end();

	back_init(&b);
	begin(&two);
	EXPECT_EQ(driver_read(&g.d, REG_DEVICE_ID), 2);
	EXPECT_EQ(g.d.nr_queues, 2);
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG), 0x04030201);
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG + 32) >> 16, 2); /* num_queues is ours to say */
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG + 56), 0x3c3b3a39);
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG + 60), 0);
	end();
}

TEST(configuration_space_is_written_to_and_changed_by_the_back_end)
{
	back_init(&b);
	begin(&blk);
	guest_start(&g, 0);
	works();
	(void)driver_wait(&g.d, 1000);
	driver_write(&g.d, REG_CONFIG + 20, 0xaabbccdd);
	UNTIL(b.config_writes == 1);
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG + 20), 0xaabbccdd);
	guest_turns(&g, 2);
	EXPECT_EQ(driver_wait(&g.d, 0), 0); /* it reads the same */
	b.first = 0x99;
	EXPECT_EQ(back_config_changed(&b), 0);
	UNTIL(driver_read(&g.d, REG_CONFIG) == 0x04030299);
	EXPECT_EQ(driver_wait(&g.d, 1000), VIRTIO_INT_CONFIG);
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG_GENERATION), 1);
	works();
	end();
}

TEST(a_reset_waits_for_what_is_under_way_and_a_new_start_begins_at_zero)
{
	back_init(&b);
	begin(&blk);
	for (unsigned round = 0; round < 3; round++) {
		guest_start(&g, 0);
		works();
		b.holds = true;
		for (unsigned i = 0; i < 4; i++)
			give(i);
		driver_write(&g.d, REG_STATUS, 0);
		EXPECT_EQ(b.seen[VU_GET_VRING_BASE], round + 1);
		EXPECT_EQ(b.served, 5 * (round + 1)); /* it completed them */
		driver_forget(&g.d);
	}
	EXPECT_EQ(b.seen[VU_ADD_MEM_REG], 1);
	end();
}

/* --- a back end that goes and comes ---------------------------------------------------------- */

TEST(what_was_in_flight_is_completed_once_by_the_successor_that_has_a_record)
{
	back_init(&b);
	begin(&blk);
	guest_start(&g, 0);
	for (unsigned round = 1; round < 5; round++) {
		unsigned before;

		works();
		before = b.taken;
		b.holds = true;
		for (unsigned i = 0; i < 8; i++)
			give(i);
		UNTIL(b.taken == before + 8);
		/* It dies; two more come while it is away. */
		back_kill(&b);
		UNTIL(agains == round);
		give(8);
		give(9);
		guest_turns(&g, 3);
		EXPECT_EQ(guest_take(&g, 0), -1);
		EXPECT(!guest_needs_reset(&g));
		b.holds = false;
		b.backwards = round & 1;
		come_back();
		take(10);
		for (unsigned i = 0; i < 10; i++)
			is_done(i);
	}
	end();
}

TEST(without_a_record_what_was_completed_in_order_goes_on)
{
	back_init(&b);
	b.protocol &= ~INFLIGHT;
	begin(&blk);
	guest_start(&g, 0);
	for (unsigned round = 1; round < 40; round++) {
		works();
		b.holds = true;
		give(1);
		give(2);
		back_kill(&b);
		UNTIL(agains == round);
		b.holds = false;
		come_back();
		take(2);
		is_done(1);
		is_done(2);
		EXPECT(!guest_needs_reset(&g));
	}
	end();
}

/* A back end without a record completes three out of order, takes a fourth, and is killed. */
static void die_out_of_order(void)
{
	back_init(&b);
	b.protocol &= ~INFLIGHT;
	begin(&blk);
	guest_start(&g, 0);
	b.holds = true;
	for (unsigned i = 0; i < 3; i++)
		give(i);
	UNTIL(b.taken == 3);
	b.backwards = true;
	b.holds = false;
	back_look(&b);
	take(3);
	b.holds = true;
	give(3);
	back_kill(&b);
	UNTIL(agains == 1);
}

TEST(without_a_record_and_out_of_order_the_device_needs_a_reset)
{
	die_out_of_order();
	come_back();
	UNTIL(guest_needs_reset(&g));
	b.holds = b.backwards = false;
	driver_write(&g.d, REG_STATUS, 0);
	driver_forget(&g.d);
	guest_start(&g, 0);
	works();
	end();
}

/* That the successor could keep a record says nothing of what was before it. */
TEST(a_record_of_a_successor_is_none_of_its_predecessor)
{
	die_out_of_order();
	b.protocol |= INFLIGHT;
	come_back();
	UNTIL(guest_needs_reset(&g));
	end();
}

TEST(a_record_that_was_not_gone_on_with_is_not_given_on)
{
	back_init(&b);
	begin(&blk);
	guest_start(&g, 0);
	works();
	EXPECT_EQ(b.seen[VU_GET_INFLIGHT_FD], 1);
	back_kill(&b);
	UNTIL(agains == 1);
	b.protocol &= ~INFLIGHT;
	come_back();
	works();
	back_kill(&b);
	UNTIL(agains == 2);
	b.protocol |= INFLIGHT;
	come_back();
	works();
	EXPECT_EQ(b.seen[VU_GET_INFLIGHT_FD], 2);
	EXPECT(!guest_needs_reset(&g));
	end();
}

TEST(a_reset_while_the_back_end_is_away_forgets_what_was_in_flight)
{
	back_init(&b);
	begin(&blk);
	guest_start(&g, 0);
	works();
	b.holds = true;
	give(1);
	give(2);
	back_kill(&b);
	UNTIL(agains == 1);
	driver_write(&g.d, REG_STATUS, 0);
	driver_forget(&g.d);
	guest_start(&g, 0);
	give(3);
	b.holds = false;
	come_back();
	take(1);
	is_done(3);
	EXPECT_EQ(b.seen[VU_GET_INFLIGHT_FD], 2);
	end();
}

TEST(a_successor_that_can_less_is_not_taken)
{
	uint64_t all;

	back_init(&b);
	all = b.features;
	begin(&blk);
	guest_start(&g, BIT(9));
	works();
	back_kill(&b);
	UNTIL(agains == 1);
	b.features &= ~BIT(9);
	vhost_user_up(v, back_start(&b));
	UNTIL(agains == 2);
	give(1);
	back_kill(&b);
	b.features = all;
	come_back();
	take(1);
	end();
}

TEST(that_there_is_none_is_asked_for_again)
{
	back_init(&b);
	begin(&blk);
	guest_start(&g, 0);
	back_kill(&b);
	UNTIL(agains == 1);
	vhost_user_down(v, "nobody listens");
	EXPECT_EQ(agains, 2);
	come_back();
	works();
	end();
}

/* --- a back end that lies ----------------------------------------------------------------------
 */

static bool harmless(enum vu_request r, enum back_how how)
{
	/* A number that is larger than we can use; and what no acknowledgement tells. */
	return how == BACK_REFUSES && (r == VU_GET_QUEUE_NUM || r == VU_GET_MAX_MEM_SLOTS ||
				       r == VU_GET_PROTOCOL_FEATURES || r == VU_GET_FEATURES);
}

TEST(lies_at_the_handshake_are_one_sentence)
{
	static const enum vu_request at[] = {
		VU_GET_FEATURES, VU_GET_PROTOCOL_FEATURES, VU_GET_QUEUE_NUM,
		VU_GET_CONFIG,	 VU_SET_BACKEND_REQ_FD,
	};

	impatient();
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		for (enum back_how how = BACK_CLOSES; how < BACK_HOWS; how++) {
			struct err e = { 0 };

			if (harmless(at[i], how))
				continue;
			back_init(&b);
			b.bad = at[i];
			b.how = how;
			guest_make(&g);
			v = create(&blk, &e);
			if (v)
				test_fail(__FILE__, __LINE__, "request %u, lie %u was taken", at[i],
					  how);
			EXPECT_HAS(e.text, "back end: it ");
			guest_end(&g);
			back_kill(&b);
		}
	}
}

TEST(lies_at_the_start_are_a_back_end_that_went_away)
{
	static const enum vu_request at[] = {
		VU_SET_FEATURES,      VU_SET_STATUS,	 VU_GET_INFLIGHT_FD, VU_SET_INFLIGHT_FD,
		VU_GET_MAX_MEM_SLOTS, VU_ADD_MEM_REG,	 VU_SET_VRING_NUM,   VU_SET_VRING_BASE,
		VU_SET_VRING_ADDR,    VU_SET_VRING_CALL, VU_SET_VRING_KICK,  VU_SET_VRING_ENABLE,
	};

	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		for (enum back_how how = BACK_CLOSES; how < BACK_HOWS; how++) {
			if (harmless(at[i], how))
				continue;
			back_init(&b);
			b.bad = at[i];
			b.how = how;
			begin(&blk);
			impatient();
			guest_start(&g, 0);
			give(1);
			UNTIL(agains == 1);
			EXPECT(!guest_needs_reset(&g));
			come_back();
			take(1);
			is_done(1);
			end();
		}
	}
}

TEST(a_reset_is_over_whatever_the_back_end_answers)
{
	log_set_level(LOG_ERROR);
	for (enum back_how how = BACK_CLOSES; how < BACK_HOWS; how++) {
		back_init(&b);
		b.bad = VU_GET_VRING_BASE;
		b.how = how;
		begin(&blk);
		guest_start(&g, 0);
		works();
		impatient();
		driver_write(&g.d, REG_STATUS, 0);
		EXPECT_EQ(driver_read(&g.d, REG_STATUS), 0);
		driver_forget(&g.d);
		UNTIL(agains == 1);
		come_back();
		guest_start(&g, 0);
		works();
		end();
	}
}

TEST(messages_that_are_none_on_its_own_channel_end_it)
{
	static const struct vu_header bad[] = {
		{ VU_BACKEND_CONFIG_CHANGE, 2, 0 },
		{ VU_BACKEND_CONFIG_CHANGE, VU_VERSION | VU_REPLY, 0 },
		{ VU_BACKEND_CONFIG_CHANGE, VU_VERSION, 4096 },
		{ VU_BACKEND_CONFIG_CHANGE, VU_VERSION, UINT32_MAX },
		{ VU_BACKEND_CONFIG_CHANGE, VU_VERSION, 8 }, /* and they do not come */
	};

	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		back_init(&b);
		begin(&blk);
		guest_start(&g, 0);
		works();
		back_say(&b, &bad[i], sizeof(bad[i]));
		UNTIL(agains == 1);
		give(1);
		come_back();
		take(1);
		end();
	}
}

TEST(what_it_says_unasked_ends_it)
{
	log_set_level(LOG_ERROR);
	back_init(&b);
	begin(&blk);
	guest_start(&g, 0);
	works();
	EXPECT_EQ(send(b.sock, "hello", 5, MSG_NOSIGNAL), 5);
	UNTIL(agains == 1);
	end();
}

TEST(back_ends_that_have_too_little_are_refused)
{
	static const struct vhost_user_setup many = {
		.name = "b", .type = VHOST_USER_BLK, .queues = 5, .again = again
	};
	struct err e;

	back_init(&b);
	b.features &= ~VIRTIO_BIT(VIRTIO_F_VERSION_1);
	guest_make(&g);
	EXPECT(create(&blk, &e) == NULL);
	EXPECT_STR(e.text, "back end: it knows no virtio 1.0");
	back_kill(&b);

	back_init(&b);
	EXPECT(create(&many, &e) == NULL);
	EXPECT_STR(e.text, "b: it has at most 4 queues, and 5 are needed");
	back_kill(&b);

	back_init(&b);
	b.config_size = 59;
	EXPECT(create(&blk, &e) == NULL);
	EXPECT_STR(e.text, "back end: it has no configuration space of 60 bytes");
	back_kill(&b);

	back_init(&b);
	b.protocol &= ~CONFIG;
	EXPECT(create(&blk, &e) == NULL);
	EXPECT_STR(e.text, "back end: it has no configuration space");
	back_kill(&b);
	guest_end(&g);
}

TEST_MAIN(T(requests_are_served_and_told_by_an_interrupt),
	  T(the_loop_does_not_wait_for_what_the_back_end_can_take),
	  T(back_ends_that_can_less_serve_as_well), T(only_features_that_both_can_are_offered),
	  T(a_file_system_is_described_by_us_and_a_disk_by_the_back_end),
	  T(configuration_space_is_written_to_and_changed_by_the_back_end),
	  T(a_reset_waits_for_what_is_under_way_and_a_new_start_begins_at_zero),
	  T(what_was_in_flight_is_completed_once_by_the_successor_that_has_a_record),
	  T(without_a_record_what_was_completed_in_order_goes_on),
	  T(without_a_record_and_out_of_order_the_device_needs_a_reset),
	  T(a_record_of_a_successor_is_none_of_its_predecessor),
	  T(a_record_that_was_not_gone_on_with_is_not_given_on),
	  T(a_reset_while_the_back_end_is_away_forgets_what_was_in_flight),
	  T(a_successor_that_can_less_is_not_taken), T(that_there_is_none_is_asked_for_again),
	  T(lies_at_the_handshake_are_one_sentence),
	  T(lies_at_the_start_are_a_back_end_that_went_away),
	  T(a_reset_is_over_whatever_the_back_end_answers),
	  T(messages_that_are_none_on_its_own_channel_end_it), T(what_it_says_unasked_ends_it),
	  T(back_ends_that_have_too_little_are_refused))
