/* SPDX-License-Identifier: Apache-2.0 */
/* The control queue (section 5.1.6.5): what the driver asks of the card itself. */
#include "devices/virtio/net_parts.h"

#include <string.h>

enum { TURN_REQUESTS = 16 };

enum { ACK_OK = 0, ACK_ERROR = 1 };

enum class {
	CLASS_RX = 0,
	CLASS_MAC = 1,
	CLASS_ANNOUNCE = 3,
	CLASS_MQ = 4,
	CLASS_OFFLOADS = 5,
};

enum { RX_PROMISC, RX_ALL_MULTI, RX_ALL_UNI, RX_NO_MULTI, RX_NO_UNI, RX_NO_BROADCAST };
enum { MAC_TABLE_SET, MAC_ADDR_SET };

struct command {
	uint8_t class, what;
};

/* Whether all of the request behind the command is @len bytes, which are then in @to. */
static bool all_of(const struct request *r, void *to, size_t len)
{
	return r->out_len == sizeof(struct command) + len &&
	       request_read(r, sizeof(struct command), to, len) == len;
}

static bool set_rx(struct net *n, const struct request *r, unsigned what)
{
	bool *const flag[] = {
		[RX_PROMISC] = &n->filter.promisc, [RX_ALL_MULTI] = &n->filter.all_multi,
		[RX_ALL_UNI] = &n->filter.all_uni, [RX_NO_MULTI] = &n->filter.no_multi,
		[RX_NO_UNI] = &n->filter.no_uni,   [RX_NO_BROADCAST] = &n->filter.no_broadcast,
	};
	uint8_t on;

	if (what > RX_NO_BROADCAST || !all_of(r, &on, 1) || on > 1 ||
	    !virtio_has(&n->v, what <= RX_ALL_MULTI ? NET_F_CTRL_RX : NET_F_CTRL_RX_EXTRA))
		return false;
	*flag[what] = on;
	return true;
}

/* A table at *@off: a count, and so many addresses. Moves *@off behind it. */
static bool read_table(const struct request *r, size_t *off, struct net_table *t)
{
	size_t len;
	le32 raw;

	if (request_read(r, *off, &raw, sizeof(raw)) != sizeof(raw))
		return false;
	*off += sizeof(raw);
	if (le32_get(raw) > (r->out_len - *off) / NET_MAC)
		return false;
	len = (size_t)le32_get(raw) * NET_MAC;
	t->overflow = le32_get(raw) > NET_TABLE;
	t->nr = t->overflow ? 0 : le32_get(raw);
	if (!t->overflow && request_read(r, *off, t->mac, len) != len)
		return false;
	*off += len;
	return true;
}

static bool set_tables(struct net *n, const struct request *r)
{
	struct net_table uni, multi;
	size_t off = sizeof(struct command);

	if (!virtio_has(&n->v, NET_F_CTRL_RX) || !read_table(r, &off, &uni) ||
	    !read_table(r, &off, &multi) || off != r->out_len)
		return false;
	n->filter.uni = uni;
	n->filter.multi = multi;
	return true;
}

static bool set_mac(struct net *n, const struct request *r)
{
	uint8_t mac[NET_MAC];

	if (!virtio_has(&n->v, NET_F_CTRL_MAC_ADDR) || !all_of(r, mac, sizeof(mac)) || mac[0] & 1)
		return false;
	memcpy(n->filter.mac, mac, NET_MAC);
	loop_post(n->loop, &n->settle);
	return true;
}

static bool announced(struct net *n, const struct request *r, uint8_t what)
{
	if (what != 0 || !virtio_has(&n->v, NET_F_GUEST_ANNOUNCE) ||
	    r->out_len != sizeof(struct command))
		return false;
	atomic_store(&n->announce, false);
	loop_post(n->loop, &n->settle);
	return true;
}

static bool set_pairs(struct net *n, const struct request *r, uint8_t what)
{
	le16 raw;
	unsigned nr;

	if (what != 0 || !virtio_has(&n->v, NET_F_MQ) || !all_of(r, &raw, sizeof(raw)))
		return false;
	nr = le16_get(raw);
	if (nr < 1 || nr > n->max_pairs)
		return false;
	n->pairs = nr;
	net_shape(n->host, n->pairs, n->given);
	for (unsigned i = 0; i < nr && !n->by_kernel; i++)
		server_post(&n->server[2 * i]);
	return true;
}

/* The bits are those of the features. */
static bool set_offloads(struct net *n, const struct request *r, uint8_t what)
{
	const uint64_t all = VIRTIO_BIT(NET_F_GUEST_CSUM) | VIRTIO_BIT(NET_F_GUEST_TSO4) |
			     VIRTIO_BIT(NET_F_GUEST_TSO6) | VIRTIO_BIT(NET_F_GUEST_ECN) |
			     VIRTIO_BIT(NET_F_GUEST_USO4) | VIRTIO_BIT(NET_F_GUEST_USO6);
	uint64_t f;
	le64 raw;

	if (what != 0 || !virtio_has(&n->v, NET_F_CTRL_GUEST_OFFLOADS) ||
	    !all_of(r, &raw, sizeof(raw)))
		return false;
	f = le64_get(raw);
	if (f & ~(all & n->v.accepted) || !net_features_ok(f))
		return false;
	n->given = net_may_be_given(f);
	net_shape(n->host, n->pairs, n->given);
	return true;
}

static bool obey(struct net *n, const struct request *r)
{
	struct command c;

	if (request_read(r, 0, &c, sizeof(c)) != sizeof(c))
		return false;
	switch ((enum class)c.class) {
	case CLASS_RX:
		return set_rx(n, r, c.what);
	case CLASS_MAC:
		return c.what == MAC_TABLE_SET	? set_tables(n, r)
		       : c.what == MAC_ADDR_SET ? set_mac(n, r)
						: false;
	case CLASS_ANNOUNCE:
		return announced(n, r, c.what);
	case CLASS_MQ:
		return set_pairs(n, r, c.what);
	case CLASS_OFFLOADS:
		return set_offloads(n, r, c.what);
	default:
		return false;
	}
}

bool net_control_turn(struct server *s)
{
	struct net *n = net_of(s);
	struct request *r;

	for (int i = 0; i < TURN_REQUESTS; i++) {
		uint8_t ack;

		if (!server_pop(s, &r))
			return false;
		if (r->in_len == 0) { /* it cannot even be answered */
			queue_break(s->queue);
			queue_push(r, 0);
			return false;
		}
		ack = obey(n, r) ? ACK_OK : ACK_ERROR;
		queue_push(r, request_write(r, 0, &ack, 1));
	}
	return true;
}
