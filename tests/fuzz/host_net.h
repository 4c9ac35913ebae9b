/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host end of a network card that the target plays; what the card sends is checked for what the
 * card promises. Include it in a target's file.
 */
#ifndef TESTS_FUZZ_HOST_NET_H
#define TESTS_FUZZ_HOST_NET_H

#include "tests/fuzz/fuzz.h"
#include "vmm/host/net.h"

#include <errno.h>

#define HOST_NET_ALL (NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN | NET_USO)

static struct {
	struct net_host h;
	uint8_t frame[NET_FRAME_MAX];
	struct net_header header;
	size_t len; /* of the frame that waits; 0: none */
	unsigned queue;
	int error;   /* of send */
	bool places; /* puts frames into the guest's buffers itself */
	uint8_t sum; /* of what was sent: all of it can be read */
	unsigned want[NET_MAX_QUEUES];
} host_net;

static int host_net_attach(struct net_host *h UNUSED, struct err *e UNUSED)
{
	return 0;
}

static void host_net_want(struct net_host *h UNUSED, unsigned queue, unsigned what)
{
	EXPECT(queue < host_net.h.queues);
	host_net.want[queue] = what;
}

/* As a tap does, when it is to: what lies behind the first bytes goes to where the card wants it.
 */
static size_t host_net_put(struct net_place to)
{
	size_t done = 0;

	EXPECT(to.n <= NET_PLACES);
	for (unsigned i = 0; host_net.places && i < to.n; i++) {
		size_t n = host_net.len - NET_FRAME_MIN - done;

		if (n > to.iov[i].iov_len)
			n = to.iov[i].iov_len;
		memcpy(to.iov[i].iov_base, host_net.frame + NET_FRAME_MIN + done, n);
		done += n;
	}
	return done;
}

static int host_net_receive(struct net_host *h UNUSED, unsigned queue, struct net_frame *f,
			    struct net_place to)
{
	if (host_net.len == 0 || queue != host_net.queue % host_net.h.queues)
		return -EAGAIN;
	*f = (struct net_frame){ .header = host_net.header,
				 .data = host_net.frame,
				 .len = host_net.len,
				 .placed = host_net_put(to) };
	host_net.len = 0;
	return 0;
}

static int host_net_send(struct net_host *h UNUSED, unsigned queue, struct iovec *iov, unsigned n)
{
	struct net_header head;
	size_t len = 0;

	EXPECT(queue < host_net.h.queues && n >= 2 && iov[0].iov_len == sizeof(head));
	memcpy(&head, iov[0].iov_base, sizeof(head));
	for (unsigned i = 1; i < n; i++) {
		EXPECT(iov[i].iov_len > 0);
		host_net.sum ^= ((const uint8_t *)iov[i].iov_base)[iov[i].iov_len - 1];
		len += iov[i].iov_len;
	}
	EXPECT(len >= NET_FRAME_MIN && len <= NET_FRAME_MAX && net_csum_fits(&head, len));
	return host_net.error;
}

static void host_net_shape(struct net_host *h UNUSED, unsigned queues, unsigned gives)
{
	EXPECT(queues >= 1 && queues <= host_net.h.queues && !(gives & ~(unsigned)HOST_NET_ALL));
}

static void host_net_destroy(struct net_host *h UNUSED)
{
}

static const struct net_host_ops host_net_ops = {
	.attach = host_net_attach,
	.want = host_net_want,
	.receive = host_net_receive,
	.send = host_net_send,
	.shape = host_net_shape,
	.destroy = host_net_destroy,
};

/* A host end that has no frame. Bits of @how: what it can. */
static void host_net_init(uint8_t how)
{
	host_net.h = (struct net_host){
		.ops = &host_net_ops,
		.name = "fuzz",
		.mac = { 2, 0, 0, 0, 0, 1 },
		.queues = how & 1 ? 4 : 1,
		.offloads = how & 2 ? 0 : HOST_NET_ALL,
		.gives = how & 4 ? NET_CSUM : HOST_NET_ALL,
		.mtu = how & 8 ? 9000 : 1500,
		.up = true,
	};
	host_net.len = 0;
	host_net.error = 0;
	host_net.places = how & 32;
	memset(host_net.want, 0, sizeof(host_net.want));
}

#endif
