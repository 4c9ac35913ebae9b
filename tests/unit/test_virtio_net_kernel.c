/* SPDX-License-Identifier: Apache-2.0 */
/* A network card whose frames the kernel moves: a fake one, which notes what it is told. */
#include "devices/virtio/net_parts.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/fake_vhost.h"
#include "tests/lib/virtio_driver.h"
#include "vmm/base/checked.h"

#include <time.h>

enum { TAP = 77 };

static struct driver d;
static struct fake_net host;
static struct net_host_ops ops;

static int tap_fd(const struct net_host *h UNUSED, unsigned queue)
{
	return TAP + (int)queue;
}

static struct virtio *create(unsigned queues, enum net_vhost vhost, bool tap, struct err *e)
{
	driver_init(&d, 4 * MiB);
	fake_net_init(&host, queues);
	ops = *host.host.ops;
	if (tap)
		ops.fd = tap_fd;
	host.host.ops = &ops;
	k.path = "/dev/vhost-net";
	k.can = VIRTIO_BIT(NET_F_MRG_RXBUF);
	k.kick[0] = k.kick[1] = -1;
	k.backend[0] = k.backend[1] = -1;
	return virtio_net_create(&host.host, 0, true, vhost, &d.mem, e);
}

static void begin(unsigned queues, enum net_vhost vhost, bool tap)
{
	struct err e;
	struct virtio *v = create(queues, vhost, tap, &e);

	if (!v)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	driver_plug(&d, v);
}

static uint64_t offered(void)
{
	uint64_t f;

	driver_write(&d, REG_DEVICE_FEATURES_SEL, 1);
	f = (uint64_t)driver_read(&d, REG_DEVICE_FEATURES) << 32;
	driver_write(&d, REG_DEVICE_FEATURES_SEL, 0);
	return f | driver_read(&d, REG_DEVICE_FEATURES);
}

TEST(the_kernel_gets_the_queues_of_frames_and_the_tap)
{
	begin(1, NET_VHOST_ON, true);
	EXPECT(!(offered() & VIRTIO_BIT(VIRTIO_F_RING_PACKED)));
	EXPECT(offered() & VIRTIO_BIT(NET_F_MRG_RXBUF));
	EXPECT(offered() & VIRTIO_BIT(NET_F_CTRL_VQ));
	driver_start(&d, VIRTIO_BIT(NET_F_MRG_RXBUF) | VIRTIO_BIT(NET_F_CTRL_VQ), 64);
	EXPECT_EQ(k.backend[0], TAP);
	EXPECT_EQ(k.backend[1], TAP);
	EXPECT_EQ(k.num[0], 64);
	EXPECT_EQ(k.features, VIRTIO_BIT(NET_F_MRG_RXBUF) | VIRTIO_BIT(VIRTIO_F_VERSION_1));
	driver_write(&d, REG_STATUS, 0);
	EXPECT_EQ(k.backend[0], -1);
	EXPECT_EQ(k.backend[1], -1);
	EXPECT_EQ(k.kick[0], -1);
	driver_done(&d);
}

/* What the card answers to a command of @len bytes on queue @q. */
static uint8_t command(unsigned q, const uint8_t *what, size_t len)
{
	uint64_t out = driver_alloc(&d, len), in = driver_alloc(&d, 1), cookie;
	uint32_t written;

	memcpy(driver_at(&d, out), what, len);
	*(uint8_t *)driver_at(&d, in) = 0xff;
	EXPECT(driver_add(&d.queue[q],
			  (struct piece[]){ { out, (uint32_t)len, false }, { in, 1, true } }, 2,
			  9));
	(void)driver_kick(&d.queue[q]);
	while (!driver_get(&d.queue[q], &cookie, &written))
		(void)driver_wait(&d, 10);
	return *(uint8_t *)driver_at(&d, in);
}

TEST(the_control_queue_is_the_card_s)
{
	static const uint8_t promiscuous[] = { 0, 0, 1 };

	begin(1, NET_VHOST_ON, true);
	driver_start(&d, VIRTIO_BIT(NET_F_CTRL_VQ) | VIRTIO_BIT(NET_F_CTRL_RX), 64);
	EXPECT_EQ(command(2, promiscuous, sizeof(promiscuous)), 0);
	driver_done(&d);
}

TEST(the_driver_says_how_many_pairs_it_uses)
{
	static const uint8_t two[] = { 4, 0, 2, 0 };

	begin(2, NET_VHOST_ON, true);
	driver_start(&d, VIRTIO_BIT(NET_F_CTRL_VQ) | VIRTIO_BIT(NET_F_MQ), 64);
	EXPECT_EQ(command(4, two, sizeof(two)), 0);
	EXPECT_EQ(fake_net_read(&host, &host.queues), 2);
	driver_done(&d);
}

static unsigned link_status(void)
{
	return driver_read(&d, REG_CONFIG + 4) >> 16;
}

TEST(the_link_goes_down_and_comes_back)
{
	begin(1, NET_VHOST_ON, true);
	driver_start(&d, VIRTIO_BIT(NET_F_STATUS), 64);
	EXPECT_EQ(link_status() & NET_S_LINK_UP, NET_S_LINK_UP);
	fake_net_set_link(&host, false);
	EXPECT_EQ(driver_wait(&d, 5000), VIRTIO_INT_CONFIG);
	EXPECT_EQ(link_status() & NET_S_LINK_UP, 0);
	fake_net_set_link(&host, true);
	EXPECT_EQ(driver_wait(&d, 5000), VIRTIO_INT_CONFIG);
	EXPECT_EQ(link_status() & NET_S_LINK_UP, NET_S_LINK_UP);
	driver_done(&d);
}

TEST(the_kernel_s_interrupt_is_the_card_s)
{
	begin(1, NET_VHOST_ON, true);
	driver_start(&d, 0, 64);
	signal_fd(k.call[0]);
	EXPECT_EQ(driver_wait(&d, 5000), VIRTIO_INT_QUEUE);
	driver_done(&d);
}

TEST(the_tap_hears_what_the_driver_takes)
{
	begin(1, NET_VHOST_ON, true);
	driver_start(&d, VIRTIO_BIT(NET_F_GUEST_CSUM), 64);
	for (unsigned i = 0;; i++) {
		struct timespec ms = { .tv_nsec = 1000000 };

		{
			LOCK_SCOPE(&host.lock);
			if (host.gives == NET_CSUM)
				break;
		}
		EXPECT(i < 5000);
		(void)nanosleep(&ms, NULL);
	}
	driver_done(&d);
}

TEST(without_it_the_card_moves_the_frames_unless_the_kernel_must)
{
	struct err e;

	k.open_error = ENOENT;
	EXPECT(!create(1, NET_VHOST_ON, true, &e));
	EXPECT_HAS(e.text, "vhost: /dev/vhost-net is not there");
	EXPECT_HAS(e.text, "modprobe vhost_net");
	driver_done(&d);
	begin(1, NET_VHOST_AUTO, true);
	EXPECT(offered() & VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	driver_start(&d, 0, 64);
	EXPECT_EQ(k.backend[0], -1);
	driver_done(&d);
	k.open_error = 0;
	begin(1, NET_VHOST_OFF, true);
	EXPECT(!k.opened);
	driver_done(&d);
	begin(1, NET_VHOST_AUTO, false); /* no tap */
	EXPECT(!k.opened);
	driver_done(&d);
	begin(1, NET_VHOST_AUTO, true);
	EXPECT(k.opened);
	driver_done(&d);
}

TEST(a_tap_that_the_kernel_refuses_needs_a_reset)
{
	begin(1, NET_VHOST_ON, true);
	k.refuse = VHOST_NET_SET_BACKEND;
	k.with = EBADFD;
	EXPECT(driver_negotiate(&d, VIRTIO_BIT(VIRTIO_F_VERSION_1)));
	driver_queue_make(&d, 0, 16);
	driver_queue_program(&d, 0);
	driver_write(&d, REG_QUEUE_SEL, 0);
	driver_write(&d, REG_QUEUE_READY, 1);
	driver_write(&d, REG_STATUS, 15);
	EXPECT(driver_read(&d, REG_STATUS) & VIRTIO_NEEDS_RESET);
	EXPECT_EQ(k.kick[0], -1);
	k.refuse = 0;
	driver_done(&d);
}

TEST_MAIN(T(the_kernel_gets_the_queues_of_frames_and_the_tap), T(the_control_queue_is_the_card_s),
	  T(the_driver_says_how_many_pairs_it_uses), T(the_link_goes_down_and_comes_back),
	  T(the_kernel_s_interrupt_is_the_card_s), T(the_tap_hears_what_the_driver_takes),
	  T(without_it_the_card_moves_the_frames_unless_the_kernel_must),
	  T(a_tap_that_the_kernel_refuses_needs_a_reset))
