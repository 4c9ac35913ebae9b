/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-vsock: stream sockets between guest and host (virtio 1.3, section 5.10), in two kinds.
 *
 * virtio_vsock_create(): without the kernel's help, on Unix sockets of the host, as other microVM
 * monitors have it. A program on the host that connects to PATH says "CONNECT PORT\n", hears
 * "OK HOSTPORT\n" when something in the guest listens at that port, and is connected; else it is
 * hung up on. When the guest connects to the host (CID 2) at port P, it is connected to the Unix
 * socket PATH_P; it is refused when nobody listens there. Half-closed connections work both ways.
 *
 * A connection has 64 KiB for what its reader on the host did not take yet, from a pool; there are
 * at most VIRTIO_VSOCK_CONNECTIONS. What the guest sent before it closed a connection, or was
 * reset, still reaches the host's program.
 *
 * virtio_vsock_kernel_create(): by the host's kernel (vhost-vsock), for AF_VSOCK programs there.
 *
 * Left out of the first: SOCK_SEQPACKET, and a host program's credit, which is the socket's own.
 */
#ifndef DEVICES_VIRTIO_VSOCK_H
#define DEVICES_VIRTIO_VSOCK_H

#include "devices/virtio/virtio.h"
#include "vmm/base/keys.h"
#include "vmm/core/loop.h"

#define VIRTIO_VSOCK_CONNECTIONS 2048
#define VIRTIO_VSOCK_PATH_MAX	 96 /* bytes of uds: _PORT follows in the name of a socket */

/* --vsock: as the user writes it. */
struct virtio_vsock_config {
	uint32_t cid; /* the guest's: 3 to 2^32-2; 0: no such device */
	char *uds;    /* PATH; NULL: the kernel's vhost-vsock */
};

extern const struct key virtio_vsock_keys[];
extern const struct virtio_vsock_config virtio_vsock_defaults;

/* Who connects to the host's sockets, since the device itself may not. */
struct virtio_vsock_dialer {
	/*
	 * Asks for a connection to PATH_@port. done() follows once, on the loop thread and not from
	 * inside the call, unless the dialer ends first: with a non-blocking fd, now the device's,
	 * or -1. At most VIRTIO_VSOCK_DIALS are asked for at a time.
	 */
	void (*dial)(void *ctx, uint32_t port, void (*done)(void *done_ctx, int fd),
		     void *done_ctx);
	void *ctx;
};

#define VIRTIO_VSOCK_DIALS 16

/*
 * @c has uds. Everything is borrowed and outlives it; @dial may be NULL: then the guest can connect
 * to nothing. No dial may be under way when it is destroyed, or ever be done after. NULL and @e set
 * on failure. Loop thread.
 */
struct virtio *virtio_vsock_create(const struct virtio_vsock_config *c, struct gmem *mem,
				   struct loop *loop, const struct virtio_vsock_dialer *dial,
				   struct err *e) MUST_CHECK;

/* The same by the kernel; @mem has all its regions. */
struct virtio *virtio_vsock_kernel_create(const struct virtio_vsock_config *c, struct gmem *mem,
					  struct loop *loop, struct err *e) MUST_CHECK;

#endif
