/* SPDX-License-Identifier: Apache-2.0 */
/* What the header of a frame may say: sections 5.1.3 and 5.1.6. */
#include "devices/virtio/net_parts.h"

static bool has(uint64_t features, unsigned bit)
{
	return features & VIRTIO_BIT(bit);
}

unsigned net_may_ask(uint64_t f)
{
	return (has(f, NET_F_CSUM) ? NET_CSUM : 0U) | (has(f, NET_F_HOST_TSO4) ? NET_TSO4 : 0U) |
	       (has(f, NET_F_HOST_TSO6) ? NET_TSO6 : 0U) | (has(f, NET_F_HOST_ECN) ? NET_ECN : 0U) |
	       (has(f, NET_F_HOST_USO) ? NET_USO : 0U);
}

unsigned net_may_be_given(uint64_t f)
{
	const bool uso = has(f, NET_F_GUEST_USO4) && has(f, NET_F_GUEST_USO6);

	return (has(f, NET_F_GUEST_CSUM) ? NET_CSUM : 0U) |
	       (has(f, NET_F_GUEST_TSO4) ? NET_TSO4 : 0U) |
	       (has(f, NET_F_GUEST_TSO6) ? NET_TSO6 : 0U) |
	       (has(f, NET_F_GUEST_ECN) ? NET_ECN : 0U) | (uso ? NET_USO : 0U);
}

bool net_features_ok(uint64_t f)
{
	/* Each needs one of those behind it. */
	static const struct {
		uint8_t bit, needs, or ;
	} rule[] = {
		{ NET_F_GUEST_TSO4, NET_F_GUEST_CSUM, NET_F_GUEST_CSUM },
		{ NET_F_GUEST_TSO6, NET_F_GUEST_CSUM, NET_F_GUEST_CSUM },
		{ NET_F_GUEST_ECN, NET_F_GUEST_TSO4, NET_F_GUEST_TSO6 },
		{ NET_F_GUEST_USO4, NET_F_GUEST_CSUM, NET_F_GUEST_CSUM },
		{ NET_F_GUEST_USO6, NET_F_GUEST_CSUM, NET_F_GUEST_CSUM },
		{ NET_F_HOST_TSO4, NET_F_CSUM, NET_F_CSUM },
		{ NET_F_HOST_TSO6, NET_F_CSUM, NET_F_CSUM },
		{ NET_F_HOST_ECN, NET_F_HOST_TSO4, NET_F_HOST_TSO6 },
		{ NET_F_HOST_USO, NET_F_CSUM, NET_F_CSUM },
		{ NET_F_CTRL_GUEST_OFFLOADS, NET_F_CTRL_VQ, NET_F_CTRL_VQ },
		{ NET_F_CTRL_RX, NET_F_CTRL_VQ, NET_F_CTRL_VQ },
		{ NET_F_CTRL_RX_EXTRA, NET_F_CTRL_VQ, NET_F_CTRL_VQ },
		{ NET_F_GUEST_ANNOUNCE, NET_F_CTRL_VQ, NET_F_CTRL_VQ },
		{ NET_F_MQ, NET_F_CTRL_VQ, NET_F_CTRL_VQ },
		{ NET_F_CTRL_MAC_ADDR, NET_F_CTRL_VQ, NET_F_CTRL_VQ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rule); i++)
		if (has(f, rule[i].bit) && !has(f, rule[i].needs) && !has(f, rule[i].or))
			return false;
	return true;
}

/* Whether the segmentation that @h asks for is one of @may, or none. */
static bool segmentation_ok(const struct net_header *h, unsigned may)
{
	unsigned need;

	switch (h->gso_type & ~NET_GSO_ECN) {
	case NET_GSO_NONE:
		return !(h->gso_type & NET_GSO_ECN);
	case NET_GSO_TCP4:
		need = NET_TSO4;
		break;
	case NET_GSO_TCP6:
		need = NET_TSO6;
		break;
	case NET_GSO_UDP_L4:
		need = NET_USO;
		break;
	default:
		return false;
	}
	if (h->gso_type & NET_GSO_ECN)
		need |= NET_ECN;
	return (may & need) == need && le16_get(h->gso_size) != 0;
}

bool net_header_from_driver(struct net_header *h, size_t len, unsigned may)
{
	const bool plain = h->gso_type == NET_GSO_NONE;

	if (len < NET_FRAME_MIN || len > NET_FRAME_MAX)
		return false;
	h->flags &= NET_NEEDS_CSUM; /* others mean nothing in this direction */
	h->num_buffers = le16_of(0);
	if (h->flags ? !(may & NET_CSUM) || !net_csum_fits(h, len) : !plain)
		return false;
	if (!segmentation_ok(h, may))
		return false;
	if (plain)
		h->hdr_len = h->gso_size = le16_of(0);
	if (!h->flags)
		h->csum_start = h->csum_offset = le16_of(0);
	return le16_get(h->hdr_len) <= len;
}

bool net_header_to_driver(struct net_frame *f, unsigned may)
{
	struct net_header *h = &f->header;

	if (!segmentation_ok(h, may) || !net_csum_fits(h, f->len))
		return false;
	h->flags &= NET_NEEDS_CSUM | NET_DATA_VALID;
	if (h->flags & NET_NEEDS_CSUM && !(may & NET_CSUM))
		net_csum_complete(h, f->data, f->len);
	if (!(may & NET_CSUM))
		h->flags = 0;
	return true;
}
