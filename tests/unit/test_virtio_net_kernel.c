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

static void begin(enum net_vhost vhost, bool tap)
{
	struct err e;
	struct virtio *v = create(1, vhost, tap, &e);

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
	begin(NET_VHOST_ON, true);
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

TEST(the_control_queue_is_the_card_s)
{
	uint64_t out, in, cookie;
	uint32_t written;
	uint8_t *to;

	begin(NET_VHOST_ON, true);
	driver_start(&d, VIRTIO_BIT(NET_F_CTRL_VQ) | VIRTIO_BIT(NET_F_CTRL_RX), 64);
	out = driver_alloc(&d, 3);
	in = driver_alloc(&d, 1);
	to = driver_at(&d, out);
	to[0] = 0; /* receive mode */
	to[1] = 0; /* promiscuous */
	to[2] = 1;
	*(uint8_t *)driver_at(&d, in) = 0xff;
	EXPECT(driver_add(&d.queue[2], (struct piece[]){ { out, 3, false }, { in, 1, true } }, 2,
			  9));
	(void)driver_kick(&d.queue[2]);
	while (!driver_get(&d.queue[2], &cookie, &written))
		(void)driver_wait(&d, 10);
	EXPECT_EQ(*(uint8_t *)driver_at(&d, in), 0);
	driver_done(&d);
}

TEST(the_kernel_s_interrupt_is_the_card_s)
{
	begin(NET_VHOST_ON, true);
	driver_start(&d, 0, 64);
	signal_fd(k.call[0]);
	EXPECT_EQ(driver_wait(&d, 5000), VIRTIO_INT_QUEUE);
	driver_done(&d);
}

TEST(the_tap_hears_what_the_driver_takes)
{
	begin(NET_VHOST_ON, true);
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
	begin(NET_VHOST_AUTO, true);
	EXPECT(offered() & VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	driver_start(&d, 0, 64);
	EXPECT_EQ(k.backend[0], -1);
	driver_done(&d);
	k.open_error = 0;
	begin(NET_VHOST_OFF, true);
	EXPECT(!k.opened);
	driver_done(&d);
	begin(NET_VHOST_AUTO, false); /* no tap */
	EXPECT(!k.opened);
	driver_done(&d);
	begin(NET_VHOST_AUTO, true);
	EXPECT(k.opened);
	driver_done(&d);
}

TEST(a_tap_that_the_kernel_refuses_needs_a_reset)
{
	begin(NET_VHOST_ON, true);
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
	  T(the_kernel_s_interrupt_is_the_card_s), T(the_tap_hears_what_the_driver_takes),
	  T(without_it_the_card_moves_the_frames_unless_the_kernel_must),
	  T(a_tap_that_the_kernel_refuses_needs_a_reset))
