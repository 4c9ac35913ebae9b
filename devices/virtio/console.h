/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio console (virtio 1.3, section 5.3): consoles (hvcN in Linux) and named ports, each on a
 * chardev.
 *
 * Both directions are flow-controlled: input is taken from the chardev as the guest gives buffers
 * (and, with MULTIPORT, has the port open), and a request of output is given back when the chardev
 * has taken it all. A port whose reader stopped waits by itself. A console's driver waits for its
 * output with interrupts off, so there the chardev's rule for guests that poll holds: after
 * about four seconds without a byte taken, output is dropped until the reader moves.
 *
 * MULTIPORT is offered only where it is needed: for a single console without a name the simpler
 * protocol serves, on whose size all drivers agree. In a control message it goes columns first, as
 * the specification has it and the Linux kernels of Debian (6.1, 6.12, 7.2) read it; some other
 * kernels want it the other way round.
 *
 * Named ports are open on the host's side while the chardev has a peer; consoles always. Emergency
 * writes go to port 0; one that finds the chardev full is lost.
 *
 * Left out: ports that come and go while the guest runs.
 */
#ifndef DEVICES_VIRTIO_CONSOLE_H
#define DEVICES_VIRTIO_CONSOLE_H

#include "devices/virtio/virtio.h"
#include "vmm/host/chardev.h"

#define VIRTIO_CONSOLE_PORTS 31
#define VIRTIO_CONSOLE_NAME  64 /* bytes of the longest name */

struct virtio_console_port {
	const char *name;	 /* borrowed, outlives the device; NULL for none */
	struct chardev *chardev; /* likewise; no other front is attached */
	bool console;		 /* a console for the driver, not only a pipe */
};

/* @mem and @loop are borrowed and outlive it. NULL and @e set on failure. Loop thread. */
struct virtio *virtio_console_create(const struct virtio_console_port *ports, unsigned nr,
				     struct gmem *mem, struct loop *loop, struct err *e) MUST_CHECK;

#endif
