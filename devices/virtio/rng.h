/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio entropy device (virtio 1.3, section 5.4): the host's getrandom(2), straight into the
 * guest's buffers.
 *
 * A request gets at most 4 KiB, as the specification allows, and a turn of the loop serves at most
 * 16 KiB. While the host's generator is not seeded yet, requests wait.
 */
#ifndef DEVICES_VIRTIO_RNG_H
#define DEVICES_VIRTIO_RNG_H

#include "devices/virtio/virtio.h"
#include "vmm/core/loop.h"

/* @mem and @loop are borrowed and outlive it. NULL and @e set on failure. Loop thread. */
struct virtio *virtio_rng_create(struct gmem *mem, struct loop *loop, struct err *e) MUST_CHECK;

#endif
