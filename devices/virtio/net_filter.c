/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/net_parts.h"

#include <string.h>

void net_filter_reset(struct net_filter *f, const uint8_t mac[NET_MAC])
{
	*f = (struct net_filter){ .promisc = true };
	memcpy(f->mac, mac, NET_MAC);
}

static bool listed(const struct net_table *t, const uint8_t to[NET_MAC])
{
	for (unsigned i = 0; i < t->nr; i++)
		if (memcmp(t->mac[i], to, NET_MAC) == 0)
			return true;
	return t->overflow;
}

bool net_filter_wants(const struct net_filter *f, const uint8_t to[NET_MAC])
{
	static const uint8_t everybody[NET_MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (f->promisc)
		return true;
	if (memcmp(to, everybody, NET_MAC) == 0)
		return !f->no_broadcast;
	if (to[0] & 1)
		return !f->no_multi && (f->all_multi || listed(&f->multi, to));
	return !f->no_uni &&
	       (f->all_uni || memcmp(to, f->mac, NET_MAC) == 0 || listed(&f->uni, to));
}
