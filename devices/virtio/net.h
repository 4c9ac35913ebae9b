/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net: a network card (virtio 1.3, section 5.1). vmm/host/net.h is the host end.
 *
 * A card has one thread, with a loop of its own, for all of its queues: a busy network delays
 * neither consoles nor other cards. A frame for the guest waits at the host end until the guest
 * gives buffers, and that is not asked meanwhile; a frame that the host end cannot take now waits
 * in its queue, and holds up only those behind it. With the link down, frames are dropped, as by a
 * card without a cable.
 *
 * What a driver must not send (a header that contradicts itself, the frame or the features) is
 * dropped and counted. Frames for other addresses are kept from a driver that has said which it
 * wants; until then it gets all.
 *
 * Left out: receive-side scaling and hash reports, VLAN filters, UDP fragmentation, notification
 * coalescing, statistics, stand-by.
 */
#ifndef DEVICES_VIRTIO_NET_H
#define DEVICES_VIRTIO_NET_H

#include "devices/virtio/virtio.h"
#include "vmm/host/net.h"

/*
 * Takes @host in any case; @mem is borrowed and outlives the device. @index is the card's among
 * all, @packed whether packed rings are offered, @vhost whether the kernel shall serve the queues
 * of frames, which it can for a tap. NULL and @e set on failure.
 */
struct virtio *virtio_net_create(struct net_host *host, unsigned index, bool packed,
				 enum net_vhost vhost, struct gmem *mem, struct err *e) MUST_CHECK;

#endif
