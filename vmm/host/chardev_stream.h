/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chardevs that are not consoles, for a command that runs in the guest (vmm/command.h): one
 * direction of standard input or output, of which the end matters, and a line to vmm itself.
 *
 * Guests see their peer as there all the time: how a stream ended is for the owner to tell.
 * Loop thread, as in chardev.h.
 */
#ifndef VMM_HOST_CHARDEV_STREAM_H
#define VMM_HOST_CHARDEV_STREAM_H

#include "vmm/host/chardev.h"

struct chardev_stream_events {
	/*
	 * Input has ended after @bytes, which may still be on their way to the guest. Or nobody
	 * reads the output any more, or it cannot be written (a line said so): what comes now is
	 * dropped. Once, not from inside of anything else.
	 */
	void (*ended)(void *ctx, uint64_t bytes);
	void *ctx;
};

/*
 * Reads, or writes, @fd, which is borrowed: standard input or output. @name is for messages. A
 * terminal stays as it is, and is read only while we are in the foreground. One of each @fd.
 */
struct chardev *chardev_stream_in(int fd, const char *name, const struct chardev_stream_events *ev,
				  struct loop *l, struct err *e) MUST_CHECK;
struct chardev *chardev_stream_out(int fd, const char *name, const struct chardev_stream_events *ev,
				   struct loop *l, struct err *e) MUST_CHECK;

/*
 * No fd: what the guest writes is handed to @take in pieces. @ctx is borrowed.
 */
struct chardev *chardev_local(const char *name,
			      void (*take)(void *ctx, const uint8_t *bytes, size_t len), void *ctx,
			      struct loop *l, struct err *e) MUST_CHECK;

/* Queues a message for the guest of a chardev_local(): all of it, or false when there is no room.
 */
bool chardev_local_send(struct chardev *c, const void *from, size_t len) MUST_CHECK;

#endif
