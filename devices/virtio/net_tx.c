/* SPDX-License-Identifier: Apache-2.0 */
/* Frames from the driver: what is good goes from its memory to the host end. */
#include "devices/virtio/net_parts.h"

#include <errno.h>

enum { TURN_FRAMES = 64, BATCH_EVERY = 64 };

/* -EAGAIN: the host end does not take it now. Else it is done with. */
static int send(struct net *n, struct net_pair *p)
{
	const unsigned may = net_may_ask(n->v.accepted);
	struct request *r = p->sending;
	struct iovec *const iov = p->pieces, *from;
	struct net_header h;
	unsigned nr;
	int code;

	if (request_read(r, 0, &h, sizeof(h)) != sizeof(h) ||
	    !net_header_from_driver(&h, r->out_len - sizeof(h), may)) {
		n->lost.bad++;
		return 0;
	}
	from = request_trim(r, false, sizeof(h), 0, &nr);
	iov[0] = (struct iovec){ &h, sizeof(h) };
	for (unsigned i = 0; i < nr; i++)
		iov[i + 1] = from[i];
	code = net_send(n->host, (unsigned)(p - n->pair), iov, nr + 1);
	if (code == 0)
		request_used(r, false, sizeof(h), r->out_len - sizeof(h));
	else if (code != -EAGAIN)
		n->lost.unsent++;
	return code;
}

bool net_transmit_turn(struct server *s)
{
	struct net *n = net_of(s);
	struct net_pair *p = net_pair_of(s);
	bool more = true, wait = false;
	unsigned sent = 0;

	for (int i = 0; i < TURN_FRAMES && more && !wait; i++) {
		if (!p->sending && !server_pop(s, &p->sending)) {
			more = false;
		} else if (send(n, p) == -EAGAIN) {
			wait = true;
		} else {
			queue_push(p->sending, 0);
			p->sending = NULL;
			sent++;
		}
	}
	turns_took(&n->turns, sent, BATCH_EVERY);
	net_flush(n->host, (unsigned)(p - n->pair));
	net_pair_want(n, p, NET_OUT, wait);
	return more && !wait;
}

void net_transmit_stopped(struct net_pair *p)
{
	if (p->sending)
		queue_push(p->sending, 0);
	p->sending = NULL;
}
