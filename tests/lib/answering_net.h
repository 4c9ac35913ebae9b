/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host end of a network card that answers who asks, by ARP, who has 192.0.2.1, as a tap with that
 * address does; what else it gets it drops. Each header is looked at by fake_net.h, which ends the
 * test when it is one that no card may pass on. Include it in one file of a test program.
 */
#ifndef TESTS_LIB_ANSWERING_NET_H
#define TESTS_LIB_ANSWERING_NET_H

#include "tests/lib/fake_net.h"

enum { ARP_END = 42 };

static void answer(struct fake_net *f, const struct fake_frame *asked)
{
	static const uint8_t question[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };
	static const uint8_t us[] = { 2, 0, 0, 0, 0, 9 }, our_ip[] = { 192, 0, 2, 1 };
	uint8_t a[ARP_END];

	if (asked->len < ARP_END || memcmp(asked->data + 12, question, sizeof(question)) != 0 ||
	    memcmp(asked->data + 38, our_ip, sizeof(our_ip)) != 0)
		return;
	memcpy(a, asked->data + 6, 6); /* to who asked */
	memcpy(a + 6, us, 6);
	memcpy(a + 12, question, sizeof(question));
	a[21] = 2; /* an answer */
	memcpy(a + 22, us, 6);
	memcpy(a + 28, our_ip, 4);
	memcpy(a + 32, asked->data + 22, 10); /* the sender's addresses */
	(void)fake_net_give(f, NULL, a, sizeof(a));
}

static int answering_send(struct net_host *h, unsigned queue, struct iovec *iov, unsigned n)
{
	int code = fake_net_send(h, queue, iov, n);

	if (code == 0)
		answer(fake_net(h), fake_net_next(fake_net(h), 0));
	return code;
}

static const struct net_host_ops answering_ops = {
	.attach = fake_net_attach,
	.want = fake_net_want,
	.receive = fake_net_receive,
	.send = answering_send,
	.shape = fake_net_shape,
	.destroy = fake_net_destroy,
};

static void answering_net_init(struct fake_net *f, unsigned queues)
{
	fake_net_init(f, queues);
	f->host.ops = &answering_ops;
}

#endif
